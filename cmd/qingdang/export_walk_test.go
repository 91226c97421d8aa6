package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/intake/format"
	"qingdang/models/job"
)

// An export as people see it: asked for from a search for somebody outside, approved by a second person
// with a code, made, fetched with the passphrase that its page shows once, and opened with nothing but age.
func TestAnExportIsWalkedThrough(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	url := served(t, a)
	cli := account.System("cli", "")
	if _, err := a.departments.Ensure(t.Context(), cli, "集团/一组"); err != nil {
		t.Fatal(err)
	}
	said := func(external string, at time.Time) *format.Conversation {
		return &format.Conversation{
			Platform: "wechat", ExternalID: external, DepartmentPath: "集团/一组", ServiceType: "投诉", AgentID: "A1", AgentName: "李雨桐", CustomerID: "wx_" + external, CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, SenderName: "王伟", At: at, Kind: "text", Text: "退款没到，打我电话 13800138000"}},
		}
	}
	old := clock.Time().AddDate(-1, 0, 0)
	if err := a.importer.Add(t.Context(), cli, slices.Values([]*format.Conversation{said("w1", old), said("w2", old.Add(time.Hour))})); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, url)
	people := map[string]*person{}
	for _, args := range [][]string{{"1001", "林静怡", "supervisor", "--department", "集团/一组"}, {"3001", "周敏", "legal"}} {
		out, errOut, code := a.cli(t, clock, append([]string{"user", "add", "--staff-no", args[0], "--name", args[1], "--role", args[2]}, args[3:]...)...)
		if code != 0 {
			t.Fatal(errOut)
		}
		people[args[0]] = join(b, clock, args[0], invitation(t, out))
	}
	owner, legal := people["1001"], people["3001"]
	clock.Advance(73 * time.Hour)

	owner.login("/conversations")
	owner.inChinese()
	owner.open("/conversations?q=%E9%80%80%E6%AC%BE&type=%E6%8A%95%E8%AF%89")
	owner.press("a[href^='/exports/new?of=search']")
	owner.see("figure[data-mask=all]")
	owner.wants("138****8000", "2 条会话")
	owner.tick("input[name=format][value=pdf] + label")
	owner.shot("new")
	owner.fits()
	owner.fill("textarea[name=purpose]", "配合市场监管部门问询")
	owner.fill("input[name=recipient]", "杭州市市场监管局")
	owner.fill("textarea[name=consent]", "行政调查，依法提供")
	owner.press(".qd-foot button[value=count]")
	owner.wants("需另一名法务批准", "提交审批")
	owner.shot("counted")
	owner.press(".qd-foot button[value=ask]")
	page := owner.where()
	owner.wants("待审批", "杭州市市场监管局", "要由另一名法务批准")
	owner.shot("asked")

	legal.login("/exports")
	legal.inChinese()
	legal.shot("list")
	legal.fits()
	legal.open("/")
	legal.wants("等待你审批（2 条）", "林静怡 提交")
	if got := legal.text("a.qd-menu-item[href='/exports'] .qd-menu-count.amber"); got != "1" {
		legal.fail("the menu counts %q exports that wait", got)
	}
	legal.shot("home-approver")
	legal.fits()
	legal.press("#todo a[href='" + page + "']")
	legal.wants("批准导出 2 条会话", "关键词：退款", "服务类型 投诉", "集团/一组 2 条")
	legal.fill("textarea[name=opinion]", "同意，范围无误")
	legal.fill("input[name=code]", legal.code())
	legal.shot("vote")
	legal.fits()
	if got := legal.press("button[name=verdict][value=approve]"); got != http.StatusOK {
		legal.fail("approving answered %d", got)
	}
	legal.wants("同意，范围无误")
	if err := job.Work(t.Context(), a.db, "worker", map[string]job.Runner{export.JobRun: a.exports.Runner()}, job.Options{Once: true}); err != nil {
		t.Fatal(err)
	}

	owner.open("/")
	owner.wants("可以下载（2 条）", "已批准；")
	owner.shot("home-owner")
	owner.fits()
	owner.press("#todo a[href='" + page + "']")
	owner.wants("可下载", "名单指纹")
	owner.shot("ready")
	owner.fits()
	if got := owner.press("form[action$='/prepare'] button"); got != http.StatusOK {
		owner.fail("preparing answered %d", got)
	}
	owner.wants("口令只显示这一次")
	owner.shot("passphrase")
	owner.fits()
	secret := evaluate[string](owner.tab, "document.querySelector('input[name=passphrase]').value")
	folder := openExport(t, owner.sendForm("form[action$='/download']"), secret)
	list, err := os.ReadFile(filepath.Join(folder, "manifest.csv"))
	if err != nil || strings.Count(string(list), "\n") != 3 {
		t.Errorf("the list is %q, %v", list, err)
	}
	parts, err := filepath.Glob(filepath.Join(folder, "*.pdf"))
	if err != nil || len(parts) != 1 {
		t.Errorf("the files are %v, %v", parts, err)
	}
	owner.open(page)
	owner.wants("系统里已没有副本")
	owner.shot("fetched")
	owner.open("/exports/check")
	owner.shot("check")
	owner.fits()
}

// inChinese switches the page's language, whatever the browser asks for.
func (t *tab) inChinese() {
	t.t.Helper()
	if evaluate[string](t, "document.documentElement.lang") != "zh-CN" {
		t.press("form[action='/preferences/language'] button")
	}
}

// fits fails when a page is wider than a phone, in both themes' one layout, and keeps a picture of it.
func (t *tab) fits() {
	t.t.Helper()
	t.do(chromedp.EmulateViewport(390, 844))
	if wide := evaluate[int](t, "document.documentElement.scrollWidth"); wide > 390 {
		t.t.Errorf("%s is %d wide on a phone", t.where(), wide)
	}
	t.shot("phone" + strings.ReplaceAll(strings.SplitN(t.where(), "?", 2)[0], "/", "-"))
	t.do(chromedp.EmulateViewport(1440, 1100))
}

// sendForm sends a form as its button would, and gives the file that comes.
func (t *tab) sendForm(selector string) []byte {
	t.t.Helper()
	answer := evaluateAsync[string](t, `(async () => {
		const f = document.querySelector(`+quote(selector)+`);
		const r = await fetch(f.getAttribute('action'), {method: 'POST', body: new URLSearchParams(new FormData(f))});
		let s = '';
		for (const x of new Uint8Array(await r.arrayBuffer())) s += String.fromCharCode(x);
		return r.status + ' ' + btoa(s);
	})()`)
	status, body, _ := strings.Cut(answer, " ")
	data, err := base64.StdEncoding.DecodeString(body)
	if status != "200" || err != nil {
		t.fail("the form answered %s, %v", status, err)
	}
	return data
}

// openExport opens a file with its passphrase alone and gives the folder.
func openExport(t *testing.T, data []byte, secret string) string {
	t.Helper()
	key, err := age.NewScryptIdentity(secret)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "opened")
	if _, err := export.Unpack(bytes.NewReader(data), int64(len(data)), []age.Identity{key}, to); err != nil {
		t.Fatal(err)
	}
	return to
}
