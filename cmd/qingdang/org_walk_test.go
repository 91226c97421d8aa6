package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/intake/format"
)

// Moving a department as an administrator sees it: from the list to its page, a circle refused at the field,
// what changes before it changes, the move by keyboard, and the renaming.
func TestADepartmentIsMovedInTheBrowser(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	url := served(t, a)
	cli := account.System("cli", "")
	deep := "集团/华东/杭州"
	for i := range 6 {
		deep += "/第" + strconv.Itoa(i+1) + "层"
	}
	for _, path := range []string{deep, "集团/华东/杭州/一店", "集团/华北/北京"} {
		if _, err := a.departments.Ensure(t.Context(), cli, path); err != nil {
			t.Fatal(err)
		}
	}
	said := func(n int, dept string) *format.Conversation {
		return &format.Conversation{
			Platform: "wechat", ExternalID: "w" + strconv.Itoa(n), DepartmentPath: dept, ServiceType: "咨询", AgentID: "A1", AgentName: "李雨桐", CustomerID: "wx_1", CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, SenderName: "王伟", At: clock.Time().AddDate(0, -1, 0), Kind: "text", Text: "在吗"}},
		}
	}
	store := func(all ...*format.Conversation) {
		t.Helper()
		if err := a.importer.Add(t.Context(), cli, slices.Values(all)); err != nil {
			t.Fatal(err)
		}
	}
	store(said(1, "集团/华东/杭州/一店"), said(2, "集团/华东/杭州"), said(3, "集团/华北"))
	b := startBrowser(t, url)
	b.axe = axeSource(t)
	people := map[string]*person{}
	for _, args := range [][]string{
		{"1001", "沈若琳", "supervisor", "--department", "集团/华东"},
		{"1002", "顾晓岚", "supervisor", "--department", "集团/华北"},
		{"3001", "许文彬", "legal"},
		{"5001", "马志远", "admin"},
	} {
		out, errOut, code := a.cli(t, clock, append([]string{"user", "add", "--staff-no", args[0], "--name", args[1], "--role", args[2]}, args[3:]...)...)
		if code != 0 {
			t.Fatal(errOut)
		}
		if args[2] == "admin" {
			people[args[0]] = join(b, clock, args[0], invitation(t, out))
		}
	}
	clock.Advance(25 * time.Hour)
	tree, err := a.departments.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	legal, err := a.accounts.FindUser(t.Context(), cli, "3001")
	if err != nil {
		t.Fatal(err)
	}
	by := account.Actor{ID: legal.User, PersonID: legal.Person, Name: legal.Name, StaffNo: legal.StaffNo, Role: account.Legal, Scope: account.Everywhere(), Source: "192.0.2.7"}
	for _, path := range []string{"集团/华东", "集团/华北"} {
		d, _ := tree.ByPath(path)
		if _, err := a.holds.Place(t.Context(), by, hold.Order{Name: "案件", Reason: "法院要求保全相关记录", Department: d.ID, Sub: true}); err != nil {
			t.Fatal(err)
		}
	}

	admin := people["5001"]
	admin.login("/org")
	admin.inChinese()
	admin.look("list")
	choose := func(label string) {
		evaluate[string](admin.tab, "(() => {const s = document.querySelector('#parent'); s.value = [...s.options].find(o => o.text.trim() === '"+label+"').value; return s.value})()")
	}
	city, _ := tree.ByPath("集团/华东/杭州")
	page := "/org/departments/" + strconv.FormatUint(uint64(city.ID), 10)
	admin.press("main a[href='" + page + "']")
	admin.wants("集团/华东/杭州", "移动或改名")
	admin.look("department")
	admin.inEnglish("department")
	if n := admin.count("#parent option[disabled]"); n != 8 {
		admin.fail("%d departments cannot be chosen, want the 8 that move", n)
	}
	evaluate[bool](admin.tab, "(() => {for (const o of document.querySelectorAll('#parent option')) o.disabled = false; return true})()")
	choose("一店")
	admin.press("form[method=get] button:not([type=button])")
	admin.wants("不能移到自己或自己的下级部门之下")
	admin.look("circle")
	choose("北京")
	admin.follow(chromedp.SendKeys(chromedp.CSS("#name"), "\r")) // by keyboard
	admin.wants("集团/华北/北京/杭州", "8 个部门，2 条会话", "沈若琳", "顾晓岚", "1 个持续保留立即多覆盖 2 条会话", "今后不再自动覆盖", "旧路径")
	admin.look("effect")
	admin.inEnglish("effect")
	if strings.Contains(admin.text("main"), "LH-") {
		admin.fail("an administrator reads which holds there are")
	}
	evaluate[bool](admin.tab, "(() => {document.querySelector('form[action$=\"/move\"] button').focus(); return true})()")
	if got := admin.follow(chromedp.KeyEvent("\r")); got != http.StatusOK {
		admin.fail("moving answered %d", got)
	}
	admin.wants("部门已移动", "集团/华北/北京/杭州")
	admin.look("moved")
	admin.fill("#name", "杭州分公司")
	admin.press("form[method=get] button:not([type=button])")
	admin.wants("没有人的数据范围改变", "没有会话因此新受保留")
	admin.look("rename")
	admin.inEnglish("rename")
	admin.press("form[action$='/move'] button")
	admin.wants("部门已改名", "集团/华北/北京/杭州分公司")

	// An export of the platform that still says the old path reaches the department where it is.
	store(said(4, "集团/华东/杭州/一店"))
	out, errOut, code := a.cli(t, clock, "search", "--department", "集团/华北/北京/杭州分公司/一店")
	if code != 0 || strings.Count(out, "C-") != 2 {
		t.Errorf("%q %s", out, errOut)
	}
}
