package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/web/webtest"
)

// reads gives somebody with what the desk lets them read now, as a request does.
func (a *archive) reads(t *testing.T, by account.Actor) *webtest.Client {
	t.Helper()
	var readings []account.Reading
	err := a.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		readings, err = a.access.Readings(tx, by.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	by.Readings = readings
	return a.As(by)
}

func TestAccessIsAskedForAgreedToUsedAndEnded(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := clock.Time().AddDate(0, -1, 0)
		a.add(t,
			talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, "自家的话"),
			talk("e3", "别家", "tb_88821", "售后", old, spoken),
		)
		theirs := a.only(t, "e3")
		path, code := "/conversations/"+id.String(theirs), conversation.Code(theirs, "qianniu")
		li := accounttest.User(t, a.db, a.people, account.Agent, a.shop.ID)
		chief := accounttest.User(t, a.db, a.people, account.Supervisor, a.other.ID)
		foreign := accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID)
		asker, owner, stranger := a.As(li), a.As(chief), a.As(foreign)
		audit, admin := a.As(accounttest.Actor(account.Auditor)), a.As(accounttest.Actor(account.Admin))

		// What one may not see and what is not there are one answer, with the way to ask.
		hidden := asker.Get(t, path+"?code="+code)
		hidden.Want(t, http.StatusNotFound, "申请查阅", "/access/new?code="+code)
		absent := asker.Get(t, "/conversations/1816401229399999?code="+code)
		absent.Want(t, http.StatusNotFound, "申请查阅").Lacks(t, "/access/new?code=")
		if sameFor(hidden.Body, code) != sameFor(absent.Body, code) {
			t.Error("the page of a hidden conversation differs from that of an absent one")
		}
		audit.Get(t, "/conversations/1816401229399999").Want(t, http.StatusNotFound).Lacks(t, "申请查阅")
		asker.Get(t, "/conversations").Want(t, 200, "/access/new?kind=department").Lacks(t, "检索范围")
		asker.Get(t, "/conversations?dept="+id.String(a.other.ID)).Want(t, 422, "申请查阅")

		asker.Get(t, "/access").Want(t, 200, "你还没有申请过调阅", "申请调阅")
		asker.Get(t, "/access/new").Want(t, 200, "别家", "一条会话", `name="days"`)
		audit.Get(t, "/access/new").Want(t, http.StatusForbidden)
		form := url.Values{
			"request_key": {"form-1"}, "kind": {"department"}, "department": {id.String(a.other.ID)}, "from": {"2020-01-01"}, "to": {"2026-12-31"}, "days": {"3"}, "reason": {"短"},
		}
		asker.Post(t, "/access/new", form).Want(t, 422, "reason-error", `value="3" selected`, "至少 8 个字")
		form.Set("reason", "核对同一客户在两个部门的答复")
		asked := asker.Post(t, "/access/new", form)
		page := asked.Header.Get("Location")
		asked.WantRedirect(t, page)
		asker.Post(t, "/access/new", form).WantRedirect(t, page)
		asker.Get(t, page).Want(t, 200, "DY-", "待审批", "撤回申请", "核对同一客户").Lacks(t, "同意查阅", "检索这些会话")
		stranger.Get(t, page).Want(t, http.StatusNotFound)
		stranger.Get(t, "/access").Want(t, 200, "没有等待审批的申请")
		audit.Get(t, "/access").Want(t, 200, "核对同一客户").Lacks(t, "审批 DY-")
		audit.Get(t, page).Want(t, 200, "别家").Lacks(t, "同意查阅", "结束调阅", "撤回")
		admin.Get(t, page).Want(t, 200).Lacks(t, "同意查阅")
		owner.Get(t, "/").Want(t, 200, "等待你审批", page)
		owner.Get(t, "/access").Want(t, 200, "审批 DY-")

		// Answering: an opinion, a code, and not by whoever asked.
		shown := owner.Get(t, page)
		shown.Want(t, 200, "同意查阅", "是否同意")
		vote := url.Values{"root": {rootShown.FindStringSubmatch(shown.Body)[1]}, "verdict": {"approve"}, "opinion": {""}, "code": {accounttest.Code(t, a.db, chief.ID)}}
		owner.Post(t, page+"/decide", vote).Want(t, 422, "opinion-error")
		vote.Set("opinion", "属实，同意")
		asker.Post(t, page+"/decide", vote).Want(t, http.StatusForbidden)
		stranger.Post(t, page+"/decide", vote).Want(t, http.StatusNotFound)
		owner.Post(t, page+"/decide", vote).WantRedirect(t, page)
		owner.Get(t, page).Want(t, 200, "生效中", "结束调阅", "还没有使用过")
		asker.Get(t, "/").Want(t, 200, "已批准", chief.Name+" 于", "可查阅至", page)
		owner.Get(t, "/").Want(t, 200).Lacks(t, page)

		// Reading: masked, with the grant named, and nothing but reading.
		reader := a.reads(t, li)
		grant := "DY-" + clock.Time().In(shanghai).Format("20060102") + "-001"
		reader.Get(t, "/conversations").Want(t, 200, "检索范围", "调阅 "+grant, "1 条会话").Lacks(t, "138****8000")
		found := reader.Get(t, "/conversations?under="+grant)
		found.Want(t, 200, "按调阅 "+grant, "1 条会话", "138****8000", `name="under" value="`+grant+`"`).Lacks(t, "13800138000", "自家的话", "导出结果", "隐藏所选", "批量删除这些")
		opened := reader.Get(t, path)
		opened.Want(t, 200, "按调阅 "+grant, "138****8000").Lacks(t, "13800138000", path+"/hide", path+"/discard", "/exports/new?conversation")
		for _, act := range []string{"/hide", "/unhide", "/discard"} {
			reader.Post(t, path+act, url.Values{"reason": {"试图处理别家的会话"}, "request_key": {"k-" + act}}).Want(t, http.StatusNotFound)
		}
		reader.Post(t, "/exports/new", url.Values{"go": {"ask"}, "kind": {"conversation"}, "id": {id.String(theirs)}, "request_key": {"x-1"}, "format": {"pdf"}, "mask": {"all"}, "days": {"3"}, "lang": {"zh-CN"}, "purpose": {"试图导出别家的会话"}, "shown": {"1"}}).Want(t, 422)
		// Asked under the reading it is refused, not taken for a search of the own departments.
		reader.Get(t, "/exports/new?of=search&under="+grant).Want(t, http.StatusForbidden)
		lead := a.reads(t, foreign)
		lead.Get(t, "/exports/new?of=search&under="+grant).Want(t, 422, "只能检索和脱敏阅读，不能导出", "我的部门").Lacks(t, "导出 1 条会话", `name="shown"`)
		lead.Post(t, "/exports/new", url.Values{"go": {"ask"}, "kind": {"query"}, "search": {"/conversations?q=13800138000&under=" + grant}, "request_key": {"x-2"}, "format": {"pdf"}, "mask": {"all"}, "days": {"3"}, "purpose": {"试图导出别家的会话"}}).Want(t, 422, "不能导出")
		reader.Get(t, page).Want(t, 200, "检索这些会话", code)
		asker.Get(t, "/conversations?under="+grant).Want(t, http.StatusForbidden, "已结束，或不在你名下") // a session that knows of no grant
		stranger.Get(t, "/conversations?under="+grant).Want(t, http.StatusForbidden)
		reader.Get(t, "/go?q="+strings.ToLower(grant)).WantRedirect(t, page)
		stranger.Get(t, "/go?q="+grant).Want(t, http.StatusNotFound)

		admin.Post(t, page+"/end", url.Values{"note": {"岗位调整"}}).WantRedirect(t, page)
		admin.Get(t, page).Want(t, 200, "系统管理员收回", "岗位调整")
		reader.Get(t, page).Want(t, 200, "系统管理员收回").Lacks(t, "检索这些会话")
		a.reads(t, li).Get(t, path).Want(t, http.StatusNotFound)
		owner.Post(t, page+"/end", nil).Want(t, http.StatusConflict, "已经结束")
		clock.Advance(time.Minute)
	})
}

// sameFor takes out of an error page what may differ.
func sameFor(page, code string) string {
	_, page, _ = strings.Cut(page, "<main")
	page, _, _ = strings.Cut(page, "</main>")
	page = strings.ReplaceAll(strings.ReplaceAll(page, "code="+code+"&amp;", ""), "code="+code+"&", "")
	if i := strings.Index(page, "qd-empty-foot"); i > 0 {
		page = page[:i]
	}
	return page
}
