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
	"qingdang/models/hold"
)

var shownCount = regexp.MustCompile(`name="shown"[^>]*value="(\d+)"`)

func TestPlacingAndReleasingAHold(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t,
			talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, spoken),
			talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", old.AddDate(0, 0, 1), "第二条"),
			talk("e3", "别家", "tb_88821", "售后", old, "外人的话"),
		)
		zhou, yang := accounttest.User(t, a.db, a.people, account.Legal), accounttest.User(t, a.db, a.people, account.Legal)
		zhou.Scope, yang.Scope = account.Everywhere(), account.Everywhere()
		legal, second := a.As(zhou), a.As(yang)
		auditor := a.As(accounttest.Actor(account.Auditor))
		agent := a.As(accounttest.Actor(account.Agent, a.shop.ID))
		agent.Get(t, "/holds").Want(t, http.StatusForbidden)
		auditor.Get(t, "/holds").Want(t, 200, "没有符合条件的法务保留").Lacks(t, "新建保留")
		auditor.Get(t, "/holds/new").Want(t, http.StatusForbidden)

		// Also who owns no hold yet may be chosen.
		legal.Get(t, "/holds/new").Want(t, 200, ">"+yang.Name+"<")

		// What is missing is said at its field, and nothing typed is lost.
		form := url.Values{"go": {"count"}, "kind": {"customers"}, "name": {"劳务外包诉讼"}, "reason": {"杭民初案件，保留全部往来"}, "review_at": {clock.Time().AddDate(0, 1, 0).Format("2006-01-02")}, "key": {"first-form-key"}}
		legal.Post(t, "/holds/new", form).Want(t, 422, "劳务外包诉讼", "customers-error")
		form.Set("customers", "tb_88821\n tb_none")
		counted := legal.Post(t, "/holds/new", form)
		counted.Want(t, 200, "保留 2 条会话", "在库 2", "2 个客户标识中有 1 个没有命中任何会话", "tb***e").Lacks(t, "tb_8***21")
		form.Set("go", "place")
		form.Set("fixed", "1")
		form.Set("shown", "7")
		legal.Post(t, "/holds/new", form).Want(t, http.StatusConflict, "劳务外包诉讼")
		form.Set("shown", shownCount.FindStringSubmatch(counted.Body)[1])
		placed := legal.Post(t, "/holds/new", form)
		page := placed.Header.Get("Location")
		placed.WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "LH-", "客户名单 2 人", "tb_88821", "2 条会话", "申请释放…", "复核并延续")
		auditor.Get(t, page).Want(t, 200, "客户名单 2 人").Lacks(t, "tb_88821", "申请释放…", "复核并延续")
		agent.Get(t, page).Want(t, http.StatusForbidden)
		// Sending the form twice places one hold.
		legal.Post(t, "/holds/new", form).WantRedirect(t, page)
		file := auditor.Get(t, "/holds/list.csv")
		file.Want(t, 200, "劳务外包诉讼")
		if n := strings.Count(file.Body, "\r\n"); n != 2 {
			t.Errorf("the list has %d lines", n)
		}

		legal.Post(t, page+"/review", url.Values{"next": {"2099-01-01"}, "note": {"仍在诉讼中"}}).Want(t, 422, "next-error", "仍在诉讼中")
		legal.Post(t, page+"/review", url.Values{"next": {clock.Time().AddDate(0, 6, 0).Format("2006-01-02")}, "note": {"仍在诉讼中"}}).WantRedirect(t, page)
		auditor.Post(t, page+"/release", url.Values{"reason": {"案件已经终审结案"}}).Want(t, http.StatusForbidden)
		legal.Post(t, page+"/release", url.Values{"reason": {"短"}}).Want(t, 422, "reason-error")
		legal.Post(t, page+"/release", url.Values{"reason": {"案件已经终审结案"}}).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "释放审批中", "要由另一名法务决定", "取消释放").Lacks(t, `name="code"`)
		asked := second.Get(t, page)
		asked.Want(t, 200, "案件已经终审结案", `name="code"`)
		root := regexp.MustCompile(`name="root" value="([0-9a-f]{64})"`).FindStringSubmatch(asked.Body)[1]
		clock.Advance(time.Minute)
		decision := url.Values{"verdict": {"approve"}, "opinion": {"同意释放"}, "root": {root}, "tail": {"000000"}, "code": {accounttest.Code(t, a.db, yang.ID)}}
		second.Post(t, page+"/decide", decision).Want(t, 422, "tail-error", "同意释放")
		decision.Set("tail", root[58:])
		second.Post(t, page+"/decide", decision).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "释放缓冲期至", "取消释放")
		legal.Post(t, page+"/cancel", url.Values{"reason": {"收到再审通知，继续保留"}}).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "取消释放，继续保留", "申请释放…")
		legal.Post(t, page+"/release", url.Values{"reason": {"案件已经终审结案"}}).WantRedirect(t, page)
		clock.Advance(8 * 24 * time.Hour)
		if err := holdsOf(a).Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		legal.Get(t, page).Want(t, 200, "释放申请失效", "7 天内没有人审批")
		legal.Get(t, "/holds?state=released").Want(t, 200, "没有符合条件的法务保留")
		legal.Get(t, "/holds/999999").Want(t, http.StatusNotFound)
		// Everybody else sees the lock alone.
		held := agent.Get(t, fmt.Sprintf("/conversations/%d", a.only(t, "e1")))
		held.Want(t, 200, "法务保留").Lacks(t, "LH-", "劳务外包诉讼")
	})
}

func holdsOf(a *archive) *hold.Holds {
	return &hold.Holds{DB: a.db, Rescue: bin.Rescue, Zone: shanghai, Vault: a.conversations.Vault, Accounts: a.people}
}
