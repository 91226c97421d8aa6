package main

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/intake/format"
)

// Access to another department as people see it: a hidden conversation that looks absent, asking from its
// page, agreeing with a code, reading masked under the grant, taking it back, and the end of reading.
func TestAccessIsWalkedThrough(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	url := served(t, a)
	cli := account.System("cli", "")
	said := func(external, dept, text string) *format.Conversation {
		return &format.Conversation{
			Platform: "wechat", ExternalID: external, DepartmentPath: dept, ServiceType: "投诉", AgentID: "A1", AgentName: "李雨桐", CustomerID: "wx_1", CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, SenderName: "王伟", At: clock.Time().AddDate(0, -1, 0), Kind: "text", Text: text}},
		}
	}
	for _, path := range []string{"集团/一组", "集团/二组"} {
		if _, err := a.departments.Ensure(t.Context(), cli, path); err != nil {
			t.Fatal(err)
		}
	}
	err := a.importer.Add(t.Context(), cli, slices.Values([]*format.Conversation{said("w1", "集团/一组", "本组的会话"), said("w2", "集团/二组", "退款没到，打我电话 13800138000")}))
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, url)
	b.axe = axeSource(t)
	people := map[string]*person{}
	for _, args := range [][]string{{"2001", "李雨桐", "agent", "--department", "集团/一组"}, {"1002", "顾晓岚", "supervisor", "--department", "集团/二组"}, {"4001", "郑开元", "auditor"}} {
		out, errOut, code := a.cli(t, clock, append([]string{"user", "add", "--staff-no", args[0], "--name", args[1], "--role", args[2]}, args[3:]...)...)
		if code != 0 {
			t.Fatal(errOut)
		}
		people[args[0]] = join(b, clock, args[0], invitation(t, out))
	}
	reader, owner, audit := people["2001"], people["1002"], people["4001"]
	clock.Advance(25 * time.Hour)

	hidden := onlyCode(t, a, "二组")
	reader.login("/conversations")
	reader.inChinese()
	reader.open("/go?q=" + hidden)
	reader.wants("没有找到这条会话", "申请查阅")
	reader.shot("absent")
	reader.press("main a[href^='/access/new']")
	if got := evaluate[string](reader.tab, "document.querySelector('input[name=conversation]').value"); got != hidden {
		reader.fail("the form asks for %q", got)
	}
	reader.look("new")
	reader.inEnglish("new")
	reader.open("/access/new")
	evaluate[string](reader.tab, "(() => {const s = document.querySelector('#department'); s.value = [...s.options].find(o => o.text.trim() === '二组').value; return s.value})()")
	reader.fill("textarea[name=reason]", "太短")
	reader.press(".qd-foot button[type=submit]")
	reader.wants("至少 8 个字")
	reader.look("refused")
	reader.fill("textarea[name=reason]", "客户称二组已答应退款，需核对当时的答复")
	reader.press(".qd-foot button[type=submit]")
	page := reader.where()
	reader.wants("待审批", "撤回申请", "需核对当时的答复")
	reader.look("asked")

	owner.login("/")
	owner.inChinese()
	owner.wants("等待你审批")
	owner.press("a[href='" + page + "']")
	owner.wants("是否同意 李雨桐 查阅")
	owner.fill("textarea[name=opinion]", "同意，仅限核对退款")
	owner.fill("input[name=code]", owner.code())
	owner.look("vote")
	if got := owner.press("button[name=verdict][value=approve]"); got != http.StatusOK {
		owner.fail("approving answered %d", got)
	}
	owner.wants("生效中", "还没有使用过")

	reader.open(page)
	reader.press("a[href^='/conversations?under=']")
	reader.wants("按调阅 DY-", "138****8000")
	reader.look("search")
	reader.inEnglish("search")
	reader.press(".qd-cell-title a")
	reader.wants("按调阅 DY-", "138****8000", "退款没到")
	if n := reader.count("form[action$='/hide'], form[action$='/discard'], a[href^='/exports/new']"); n != 0 {
		reader.fail("%d ways to do more than read", n)
	}
	reader.look("reading")
	reader.inEnglish("reading")
	opened := reader.where()

	audit.login("/access")
	audit.inChinese()
	audit.look("list")
	audit.inEnglish("list")
	audit.open(page)
	audit.wants("使用记录", "打开会话", "检索")
	audit.look("uses")
	audit.inEnglish("uses")

	owner.open(page)
	owner.fill("textarea[name=note]", "核对完毕")
	owner.press("form[action$='/end'] button")
	owner.wants("批准人收回")
	owner.look("ended")
	owner.inEnglish("ended")
	if got := reader.open(opened); got != http.StatusNotFound {
		reader.fail("after the end the conversation answers %d", got)
	}
}

// onlyCode gives the code of the one conversation of a department, by the command line.
func onlyCode(t *testing.T, a *app, dept string) string {
	t.Helper()
	out, errOut, code := a.cli(t, dbtest.NewClock(), "search", "--department", "集团/"+dept)
	first, _, _ := strings.Cut(out, " ")
	if code != 0 || !strings.HasPrefix(first, "C-") {
		t.Fatalf("%q %s", out, errOut)
	}
	return first
}

// look looks at a page as it is and on a phone, and with QINGDANG_SHOTS in the dark too.
func (t *tab) look(name string) {
	t.t.Helper()
	t.shot(name)
	t.accessible(t.where(), name)
	t.fits()
	if os.Getenv("QINGDANG_SHOTS") == "" {
		return
	}
	theme := func(to string) { evaluate[string](t, "document.documentElement.dataset.bsTheme = '"+to+"'") }
	theme("dark")
	t.do(chromedp.Sleep(settleTime))
	t.shot(name + "-dark")
	t.accessible(t.where(), name+" in the dark")
	theme("light")
}

// inEnglish looks at a page in English and comes back; what was typed is lost.
func (t *tab) inEnglish(name string) {
	t.t.Helper()
	t.press("form[action='/preferences/language'] button")
	t.look(name + "-en")
	t.press("form[action='/preferences/language'] button")
}
