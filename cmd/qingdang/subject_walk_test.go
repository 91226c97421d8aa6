package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/intake/format"
)

// A customer's request for deletion as people see it: taken down in two steps without scripts, sealed from everybody but
// legal, told of on the conversation's page and in the answer, and lifted by a second person with the keyboard alone.
func TestADeletionRequestIsWalkedThrough(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	url := served(t, a)
	cli := account.System("cli", "")
	const customer = "wx_private_7731"
	said := func(external, kind string, years int) *format.Conversation {
		return &format.Conversation{
			Platform: "wechat", ExternalID: external, DepartmentPath: "集团/一组", ServiceType: kind, AgentID: "A1", AgentName: "李雨桐", CustomerID: customer, CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, SenderName: "王伟", At: clock.Time().AddDate(-years, -1, 0), Kind: "text", Text: "请删除我的记录"}},
		}
	}
	if _, err := a.departments.Ensure(t.Context(), cli, "集团/一组"); err != nil {
		t.Fatal(err)
	}
	if err := a.importer.Add(t.Context(), cli, slices.Values([]*format.Conversation{said("d1", "售后", 0), said("d2", "售后", 0), said("d3", "咨询", 6)})); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, url)
	b.axe = axeSource(t)
	people := map[string]*person{}
	for _, args := range [][]string{{"1002", "顾晓岚", "supervisor", "--department", "集团/一组"}, {"3001", "周敏", "legal"}, {"3002", "杨帆", "legal"}} {
		out, errOut, code := a.cli(t, clock, append([]string{"user", "add", "--staff-no", args[0], "--name", args[1], "--role", args[2]}, args[3:]...)...)
		if code != 0 {
			t.Fatal(errOut)
		}
		people[args[0]] = join(b, clock, args[0], invitation(t, out))
	}
	clock.Advance(25 * time.Hour)
	boss, zhou, yang := people["1002"], people["3001"], people["3002"]

	zhou.login("/deletion-requests")
	zhou.inChinese()
	zhou.wants("没有符合条件的删除请求")
	zhou.look("empty")
	zhou.inEnglish("empty")
	if _, err := chromedp.Call(zhou.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	zhou.press("a[href='/deletion-requests/new']")
	zhou.fill("input[name=customer]", customer)
	zhou.fill("input[name=reference]", "GD-0417")
	zhou.fill("textarea[name=reason]", "客户来信要求删除全部聊天记录")
	zhou.press("button[name=go][value=count]")
	zhou.wants("封存 3 条会话", "2 条在保留期内", "1 条可以处理", "不在本次处理范围")
	zhou.fill("input[name=code]", "000000")
	if got := zhou.press("button[name=go][value=place]"); got != http.StatusUnprocessableEntity {
		zhou.fail("a wrong code answered %d", got)
	}
	zhou.see("#code.is-invalid")
	zhou.fill("input[name=code]", zhou.code())
	if got := zhou.press("button[name=go][value=place]"); got != http.StatusOK {
		zhou.fail("placing answered %d", got)
	}
	page := zhou.where()
	if !strings.HasPrefix(page, "/deletion-requests/") || strings.Contains(page, customer) {
		zhou.fail("it leads to %s", page)
	}
	if _, err := chromedp.Call(zhou.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false}); err != nil {
		t.Fatal(err)
	}
	if err := a.subjects.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	zhou.open(page)
	zhou.wants("DSR-", "已封存", "回收站", "保留至", "查看客户标识")
	if got := zhou.text("a.qd-menu-item[href='/deletion-requests'] .qd-menu-count"); got != "1" {
		zhou.fail("the menu counts %q open requests", got)
	}
	zhou.look("page")
	zhou.inEnglish("page")
	zhou.press("form[action$='/customer'] button")
	zhou.wants(customer)
	zhou.open(page + "/answer")
	zhou.wants("保存期限未满", "GD-0417")
	zhou.look("answer")
	zhou.open("/conversations?state=sealed")
	zhou.wants("2 条会话")
	zhou.look("search")
	zhou.press(".qd-cell-title a")
	zhou.wants("已封存", "删除请求 DSR-")
	opened := zhou.where()
	zhou.look("sealed")

	boss.login("/conversations")
	boss.inChinese()
	if got := boss.open(opened); got != http.StatusNotFound {
		boss.fail("a sealed conversation answers %d", got)
	}
	if got := boss.open(page); got != http.StatusForbidden {
		boss.fail("the request answers %d", got)
	}

	yang.login(page)
	yang.inChinese()
	yang.fill("textarea[name=reason]", "客户撤回了删除请求")
	yang.fill("#lift input[name=code]", yang.code())
	yang.look("lift")
	yang.do(chromedp.SendKeys(chromedp.CSS("#lift input[name=code]"), "\r")) // in a field the key does nothing
	if yang.where() != page || yang.count("#lift") != 1 {
		yang.fail("the Enter key in a field lifts")
	}
	yang.do(chromedp.KeyEvent("\t"))
	if got := yang.follow(chromedp.KeyEvent("\r")); got != http.StatusOK {
		yang.fail("lifting answered %d", got)
	}
	yang.wants("已解除封存", "客户撤回了删除请求")
	yang.look("lifted")
	yang.inEnglish("lifted")
	if got := boss.open(opened); got != http.StatusOK {
		boss.fail("after the lift the conversation answers %d", got)
	}
}
