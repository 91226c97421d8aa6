package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/intake/format"
)

// A search is saved, found again above the form, changed, updated, shared, opened by somebody who sees less of it,
// renamed, moved and deleted: with scripts and without.
func TestSavedSearchesAreWalkedThrough(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	accounttest.Use(t, a.db, a.store)
	cli := account.System("cli", "")
	for _, path := range []string{"集团/一组", "集团/二组"} {
		if _, err := a.departments.Ensure(t.Context(), cli, path); err != nil {
			t.Fatal(err)
		}
	}
	var all []*format.Conversation
	for i := range 24 {
		dept, kind := "集团/一组", "售后"
		if i%3 == 0 {
			dept, kind = "集团/二组", "投诉"
		}
		all = append(all, &format.Conversation{
			Platform: "wechat", ExternalID: fmt.Sprint("w", i), DepartmentPath: dept, ServiceType: kind, AgentID: "A1", AgentName: "李雨桐", CustomerID: fmt.Sprint("wx_", i), CustomerName: "王伟", Tags: []string{"退款"},
			Messages: []format.Message{{ID: "1", Sender: format.Customer, SenderName: "王伟", At: clock.Time().AddDate(0, 0, -i), Kind: "text", Text: "退款没到，打我电话 13800138000"}},
		})
	}
	if err := a.importer.Add(t.Context(), cli, slices.Values(all)); err != nil {
		t.Fatal(err)
	}
	tree, err := a.departments.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	top, _ := tree.ByPath("集团")
	one, _ := tree.ByPath("集团/一组")
	two, _ := tree.ByPath("集团/二组")
	maker := accounttest.User(t, a.db, a.accounts, account.Supervisor, top.ID, one.ID, two.ID)
	reader := accounttest.User(t, a.db, a.accounts, account.Agent, one.ID)
	url := served(t, a)
	b := startBrowser(t, url)
	b.axe = axeSource(t)
	enter := func(p *tab, who account.Actor) {
		clock.Advance(31 * time.Second)
		p.open("/login?next=/conversations")
		p.fill("input[name=login]", who.StaffNo)
		p.fill("input[name=password]", accounttest.Password)
		p.press("form[action='/login'] button.btn-primary")
		p.fill("input[name=code]", accounttest.Code(t, a.db, who.ID))
		p.press("form[action='/login/otp'] button.btn-primary")
		p.inChinese()
	}
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "退款", false: "退款二"}[scripts]
		p, look := b.tab("saved-"+name), func(*tab, string) {}
		if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
			t.Fatal(err)
		}
		enter(p, maker)
		if scripts {
			look = func(p *tab, name string) {
				p.look(name)
				if name == "opened" || name == "one" {
					p.inEnglish(name)
				}
				p.do(chromedp.EmulateViewport(390, 900))
				p.fits()
				p.shot(name + "-390")
				p.do(chromedp.EmulateViewport(1440, 1100))
			}
			// The field takes the key, a choice of period empties the days, and days take the period back.
			p.do(chromedp.KeyEvent("/"))
			if got := evaluate[string](p, "document.activeElement.id"); got != "q" {
				p.fail("/ leads to %q", got)
			}
			evaluate[any](p, "document.querySelector('#q').value = ''") // a key of the protocol writes itself, too
			p.fill("input[name=from]", "2020-01-01")
			evaluate[any](p, "(s => {s.value = 'last30'; s.dispatchEvent(new Event('change', {bubbles: true}))})(document.querySelector('#period'))")
			if got := evaluate[string](p, "document.querySelector('#from').value"); got != "" {
				p.fail("beside a period stands %q", got)
			}
		} else {
			evaluate[any](p, "document.querySelector('#period').value = 'last30'")
		}
		p.fill("#q", "13800138000")
		p.press("form[data-search] button.btn-primary")
		p.wants("24 条会话", "最近 30 天", "含个人信息")
		p.tick("#save > summary")
		p.fill("#save input[name=name]", "找 13800138000")
		if got := p.press("#save button.btn-primary"); got != http.StatusUnprocessableEntity {
			p.fail("a personal name answered %d", got)
		}
		p.wants("不要写电话", "24 条会话")
		look(p, "refused")
		if scripts {
			p.open("/conversations?period=last30")
			// Enter opens the row at hand, ticked or not, and does not send the form around its box.
			p.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
			if got := p.follow(enterKey); got != http.StatusOK || !strings.HasPrefix(p.where(), "/conversations/") || !strings.Contains(p.where(), "row%3D2") {
				p.fail("Enter answered %d and leads to %s", got, p.where())
			}
			p.open("/conversations?period=last30")
			p.fill("#q", "13800138000")
			p.press("form[data-search] button.btn-primary")
			p.tick("#save > summary")
		}
		p.fill("#save input[name=name]", name)
		evaluate[any](p, "(s => {s.value = [...s.options].find(o => o.text.startsWith('集团 ')).value})(document.querySelector('#share'))")
		p.press("#save button.btn-primary")
		saved := p.where()
		if !strings.HasPrefix(saved, "/conversations?search=SX-") || strings.Contains(saved, "&") {
			p.fail("the saved search is at %s", saved)
		}
		p.see(".qd-tab.active[aria-current=page]")
		look(p, "opened")
		p.press(".qd-facets a[href*='type=%E6%8A%95']")
		p.wants("已修改", "8 条会话")
		look(p, "edited")
		p.press("form[action$='/update'] button")
		p.wants("已存检索已更新", "8 条会话")
		if p.where() != saved || p.count("#kept") != 0 {
			p.fail("after updating the page is %s", p.where())
		}
		p.open("/searches")
		if scripts {
			p.see("[id^=count-SX]")
			for end := time.Now().Add(browserPatience); p.text("[id^=count-SX]") != "8"; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					p.fail("the count is %q", p.text("[id^=count-SX]"))
				}
			}
			p.do(chromedp.KeyEvent("j"))
			p.do(chromedp.KeyEvent(kb.Enter))
			p.see(".qd-tab.active")
			p.open("/searches")
		} else {
			p.press("a[href='/searches?count=1']")
			p.wants("8")
		}
		look(p, "list")
		code := strings.TrimPrefix(saved, "/conversations?search=")
		p.press("a[href='/searches/" + code + "']")
		look(p, "one")
		p.open("/searches/" + code)
		evaluate[any](p, "document.querySelector('#rename input[name=name]').value = ''")
		p.fill("#rename input[name=name]", name+"改")
		p.press("#rename button")
		p.wants("名称已修改", name+"改")

		r := b.tab("reader-" + name)
		if _, err := chromedp.Call(r.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
			t.Fatal(err)
		}
		enter(r, reader)
		r.press(".qd-tab[href='" + saved + "']")
		r.wants("由 ", "只检索你的数据范围，对你可见 0 条")
		look(r, "shared")
		p.press("#delete button")
		p.wants("已存检索已删除")
		if got := r.open(saved); got != http.StatusNotFound {
			r.fail("a deleted search answers %d", got)
		}
	}
}

// enterKey presses Enter as a keyboard does: a page that has taken the key gets no character after it.
var enterKey = chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: '\r',
	})
	return err
})
