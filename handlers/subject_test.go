package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/subject"
)

func requestsOf(a *archive) *subject.Requests {
	return &subject.Requests{
		DB: a.db, Vault: a.conversations.Vault, Bin: &bin.Bin{DB: a.db, Zone: shanghai, Keys: a.conversations.Vault.Store}, Accounts: a.people, Zone: shanghai,
	}
}

// A request is taken down in two steps, seals what is there, and is lifted by another person of legal. What identifies
// the customer is in no address, and on no page unless legal asks for it.
func TestTakingDownADeletionRequest(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		const customer = "tb_88821_private"
		recent, old := clock.Time().AddDate(0, -1, 0), clock.Time().AddDate(-6, 0, 0)
		a.add(t,
			talk("e1", "云栖优品集团/一店", customer, "售后", recent, spoken),
			talk("e2", "云栖优品集团/一店", customer, "咨询", old, "很久以前的会话"),
			talk("e3", "别家", "tb_other", "售后", recent, "外人的话"),
		)
		zhou, yang := accounttest.User(t, a.db, a.people, account.Legal), accounttest.User(t, a.db, a.people, account.Legal)
		zhou.Scope, yang.Scope = account.Everywhere(), account.Everywhere()
		legal := a.As(zhou)
		audit := accounttest.Actor(account.Auditor)
		audit.Scope = account.Everywhere()
		auditor := a.As(audit)
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID, a.other.ID))
		boss.Get(t, "/deletion-requests").Want(t, http.StatusForbidden)
		auditor.Get(t, "/deletion-requests").Want(t, 200, "没有符合条件的删除请求").Lacks(t, "登记请求")
		auditor.Get(t, "/deletion-requests/new").Want(t, http.StatusForbidden)
		auditor.Post(t, "/deletion-requests/new", url.Values{}).Want(t, http.StatusForbidden)
		legal.Get(t, "/deletion-requests/999999").Want(t, http.StatusNotFound)
		legal.Get(t, "/deletion-requests/new").Want(t, 200, `autocomplete="off"`)

		// What is wrong is said at its field before anything is counted, and nothing typed is lost.
		form := url.Values{"go": {"count"}, "customer": {customer}, "reference": {"GD-2026-118"}, "received": {""}, "reason": {"短"}, "request_key": {"first-form-key"}}
		legal.Post(t, "/deletion-requests/new", form).Want(t, 422, "received-error", customer, "GD-2026-118")
		form.Set("received", clock.Time().AddDate(0, 0, 2).Format(time.DateOnly))
		form.Set("reason", "客户来信要求删除全部聊天记录，已核实账号")
		legal.Post(t, "/deletion-requests/new", form).Want(t, 422, "received-error")
		form.Set("received", clock.Time().In(shanghai).Format(time.DateOnly))
		form.Set("customer", "tb_nobody")
		legal.Post(t, "/deletion-requests/new", form).Want(t, 422, "customer-error")
		form.Set("customer", customer)
		counted := legal.Post(t, "/deletion-requests/new", form)
		counted.Want(t, 200, "封存 2 条会话", "1 条在保留期内", "1 条可以处理", "不在本次处理范围", `name="code"`).Lacks(t, "外人的话")
		if strings.Contains(counted.Header.Get("Location"), customer) {
			t.Error("the customer stands in an address")
		}
		back := url.Values{}
		for k, v := range form {
			back[k] = v
		}
		back.Set("go", "edit")
		legal.Post(t, "/deletion-requests/new", back).Want(t, 200, `value="`+customer+`"`, "核对会封存什么").Lacks(t, `name="code"`)

		form.Set("go", "place")
		form.Set("shown", "7")
		form.Set("code", "000000")
		legal.Post(t, "/deletion-requests/new", form).Want(t, http.StatusConflict, "封存 2 条会话")
		form.Set("shown", "2")
		legal.Post(t, "/deletion-requests/new", form).Want(t, 422, "code-error", "封存 2 条会话")
		clock.Advance(time.Minute)
		form.Set("code", accounttest.Code(t, a.db, zhou.ID))
		placed := legal.Post(t, "/deletion-requests/new", form)
		page := placed.Location
		placed.WantRedirect(t, page)
		if !regexp.MustCompile(`^/deletion-requests/[0-9]+$`).MatchString(page) {
			t.Fatalf("it leads to %q", page)
		}
		legal.Post(t, "/deletion-requests/new", form).WantRedirect(t, page) // the same form again is the same request

		legal.Get(t, page).Want(t, 200, "DSR-", "已封存", "GD-2026-118", "C-", "查看客户标识").Lacks(t, customer)
		legal.Post(t, page+"/customer", nil).Want(t, 200, customer)
		auditor.Get(t, page).Want(t, 200, "DSR-", "已封存").Lacks(t, customer, "查看客户标识", "解除", `href="/conversations/`, "记录已答复")
		auditor.Post(t, page+"/customer", nil).Want(t, http.StatusForbidden)
		auditor.Post(t, page+"/answered", nil).Want(t, http.StatusForbidden)
		auditor.Post(t, page+"/bin", nil).Want(t, http.StatusForbidden)
		boss.Get(t, page).Want(t, http.StatusForbidden)
		boss.Get(t, page+"/answer").Want(t, http.StatusForbidden)
		legal.Get(t, "/deletion-requests?state=done").Want(t, 200, "没有符合条件的删除请求")
		legal.Get(t, "/deletion-requests?state=open").Want(t, 200, "DSR-", "尚未答复")
		legal.Get(t, page+"?place=sealed").Want(t, 200, "C-")
		legal.Get(t, page+"?place=destroyed").Want(t, 200, "这里没有会话")

		// Nobody but legal meets what is sealed.
		one := fmt.Sprintf("/conversations/%d", a.only(t, "e1"))
		legal.Get(t, one).Want(t, 200, "已封存", page, "删除请求 DSR-").Lacks(t, "discard", "/hide", `name="add"`)
		boss.Get(t, one).Want(t, http.StatusNotFound)
		auditor.Get(t, one).Want(t, http.StatusNotFound)
		boss.Get(t, "/conversations").Want(t, 200, "1 条会话").Lacks(t, "已封存", "sealed")
		boss.Get(t, "/conversations?state=sealed").WantRedirect(t, "/conversations")
		legal.Get(t, "/conversations").Want(t, 200, "1 条会话")
		legal.Get(t, "/conversations?state=sealed").Want(t, 200, "2 条会话").Lacks(t, "tag-names")
		legal.Post(t, "/exports/new", url.Values{"go": {"chosen"}, "id": {id.String(a.only(t, "e1"))}}).Want(t, 200, "1 条会话已封存")

		// The answer tells the customer what and why, and no name of the house.
		answer := legal.Get(t, page+"/answer")
		answer.Want(t, 200, "DSR-", "GD-2026-118", "共 2 条", "仍封存的部分与原因", "保存期限未满", "不在本次处理范围").Lacks(t, customer, zhou.Name, zhou.StaffNo, yang.Name)
		for _, lang := range []string{"zh-CN", "en"} {
			file := legal.Get(t, page+"/answer.pdf?lang="+lang)
			if file.Status != 200 || !strings.HasPrefix(file.Body, "%PDF") {
				t.Errorf("the answer in %s: %d", lang, file.Status)
			}
		}
		legal.Get(t, "/").Want(t, 200).Lacks(t, "须答复客户")
		clock.Advance(26 * 24 * time.Hour)
		legal = a.As(zhou)
		legal.Get(t, "/").Want(t, 200, "须答复客户", page)
		clock.Advance(5 * 24 * time.Hour)
		legal, second := a.As(zhou), a.As(yang)
		legal.Get(t, page).Want(t, 200, "逾期未答复", "记录已答复")
		legal.Post(t, page+"/answered", nil).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "已记录答复", "已答复客户").Lacks(t, "逾期未答复", "记录已答复</button>")
		legal.Post(t, page+"/answered", nil).Want(t, http.StatusConflict)
		legal.Get(t, "/").Want(t, 200).Lacks(t, "须答复客户")

		// What may go goes into the bin by itself, and once more only by legal.
		if err := requestsOf(a).Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		legal.Get(t, page).Want(t, 200, "移入回收站 SC-", "回收站").Lacks(t, "重新移入回收站")
		legal.Post(t, page+"/bin", nil).Want(t, http.StatusConflict)
		legal.Post(t, fmt.Sprintf("/conversations/%d/restore", a.only(t, "e2")), nil).Want(t, http.StatusSeeOther)
		legal.Get(t, "/").Want(t, 200, "被人从回收站恢复")
		legal.Get(t, page).Want(t, 200, "重新移入回收站", "1 条会话被人从回收站恢复")
		legal.Post(t, page+"/bin", nil).WantRedirect(t, page)
		if err := requestsOf(a).Tick(t.Context()); err != nil {
			t.Fatal(err)
		}

		// Lifting takes another person.
		legal.Get(t, page).Want(t, 200, "lift-why", "disabled").Lacks(t, page+"/lift")
		mine := url.Values{"reason": {"客户撤回了删除请求"}, "code": {accounttest.Code(t, a.db, zhou.ID)}}
		legal.Post(t, page+"/lift", mine).Want(t, http.StatusForbidden)
		second.Get(t, page).Want(t, 200, page+"/lift").Lacks(t, "lift-why")
		second.Post(t, page+"/lift", url.Values{"reason": {"短"}, "code": {"123456"}}).Want(t, 422, "reason-error")
		second.Post(t, page+"/lift", url.Values{"reason": {"客户撤回了删除请求"}, "code": {"000000"}}).Want(t, 422, "code-error", "客户撤回了删除请求")
		clock.Advance(time.Minute)
		second.Post(t, page+"/lift", url.Values{"reason": {"客户撤回了删除请求"}, "code": {accounttest.Code(t, a.db, yang.ID)}}).WantRedirect(t, page)
		second.Get(t, page).Want(t, 200, "已解除封存", "客户撤回了删除请求").Lacks(t, page+"/lift")
		second.Get(t, page+"/answer").Want(t, 200, "不再封存")
		boss = a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		boss.Get(t, one).Want(t, 200)
	})
}
