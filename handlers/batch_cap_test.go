package handlers_test

import (
	"net/http"
	"net/url"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
)

func TestABatchAboveTheCapWaitsForASecondPerson(t *testing.T) {
	w := newWizard(t)
	w.bin.Cap = 4
	draft := w.draft(t, url.Values{"sub": {"1"}}, w.city)
	w.client.Get(t, draft+"?step=impact").Want(t, 200, "6 条超过单批上限 4 条")
	w.client.Post(t, draft+"/freeze", url.Values{"from_step": {"impact"}}).WantRedirect(t, draft+"?step=confirm")
	w.client.Get(t, draft+"?step=confirm").Want(t, 200, "6 条超过单批上限 4 条", draft+"/cap", "等待另一位主管或法务提高上限")
	form := w.last(t, draft)
	w.client.Post(t, draft+"/discard", form).Want(t, 422, "名单有 6 条，超过单批上限 4 条")
	w.client.Get(t, draft+"/cap").Want(t, 200, "自己起草的批次").Lacks(t, `name="code"`)

	chief := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.city, w.first, w.next)
	second := w.As(chief)
	part := w.As(accounttest.User(t, w.d, w.accounts, account.Supervisor, w.first))
	part.Get(t, draft+"/cap").Want(t, http.StatusNotFound)
	w.As(accounttest.Actor(account.Agent, w.city)).Get(t, draft+"/cap").Want(t, http.StatusForbidden)
	page := second.Get(t, draft+"/cap")
	page.Want(t, 200, "允许这份草稿移入 6 条？", "一店售后组", "2022-12-31")
	raise := url.Values{"shown": {hidden(page, "shown")}, "reason": {"已核对范围，同意一次移入"}, "code": {"000000"}}
	second.Post(t, draft+"/cap", raise).Want(t, 422, "已核对范围，同意一次移入")
	raise.Set("code", accounttest.Code(t, w.d, chief.ID))
	second.Post(t, draft+"/cap", raise).WantRedirect(t, draft+"/cap")
	second.Get(t, draft+"/cap").Want(t, 200, "上限已提高到 6 条", chief.Name).Lacks(t, `name="code"`)

	w.client.Get(t, draft+"?step=confirm").Want(t, 200, "上限已提高到 6 条").Lacks(t, "等待另一位主管或法务提高上限")
	done := w.client.Post(t, draft+"/discard", w.last(t, draft))
	if w.states(t, conversation.Binned) != 6 {
		t.Fatalf("%d moved: %d %.500s", w.states(t, conversation.Binned), done.Status, done.Body)
	}
	w.client.Get(t, done.Location).Want(t, 200, "提高上限", chief.Name, "已核对范围，同意一次移入")
}
