package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/web/webtest"
)

func TestTheBinListsAndRestores(t *testing.T) {
	w := newWizard(t)
	c := w.client
	c.Get(t, "/bin").Want(t, 200, "回收站是空的", "到期后会怎样")
	page := w.discard(t)
	batch := strings.TrimPrefix(page, "/batches/")
	list := c.Get(t, "/bin")
	list.Want(t, 200, "SC-", "集团 / 杭州分公司（含子部门）", "恢复", "延长 3 天", "申请彻底删除", `name="batch" value="`+batch+`"`)
	c.Get(t, "/bin?q=nobody&state=nonsense&dept=x&left=1&size=7&page=-3").Want(t, 200, "没有符合条件的记录")
	c.Get(t, "/bin?dept="+id.String(w.first)+"&left=24h").Want(t, 200, "没有符合条件的记录")
	c.Get(t, "/bin?dept=999999").Want(t, 422, "不在你的数据范围内")
	items := c.Get(t, "/bin?view=item")
	items.Want(t, 200, "李雨桐", "6 条会话", `name="item"`).Lacks(t, "延长 3 天")

	c.Post(t, "/bin/restore", url.Values{"return": {"/bin?view=item"}}).WantRedirect(t, "/bin?view=item")
	c.Get(t, "/bin").Want(t, 200, "没有选择任何一项")
	c.Post(t, "/bin/restore", url.Values{"return": {"//evil.example"}, "item": {"1", "2"}}).WantRedirect(t, "/")
	c.Get(t, "/bin").Want(t, 200, "已恢复 2 条会话")
	c.Post(t, "/bin/restore", url.Values{"item": {"1", "3"}}).WantRedirect(t, "/bin")
	c.Get(t, "/bin").Want(t, 200, "已恢复 1 条，1 条未恢复（已不在回收站）")
	c.Post(t, "/bin/restore", url.Values{"batch": {"0"}}).Want(t, 422, "表单不完整")
	c.Post(t, "/bin/restore", url.Values{"batch": manyIDs(101)}).Want(t, 422, "表单不完整")
	c.Post(t, "/bin/restore", url.Values{"batch": {"999999"}}).Want(t, http.StatusNotFound)
	c.Post(t, "/bin/restore", url.Values{"only": {batch}, "batch": {"999999"}}).WantRedirect(t, "/bin")
	if w.states(t, conversation.Active) != 6 {
		t.Errorf("%d conversations are back, want 6", w.states(t, conversation.Active))
	}
	// The same button again finds nothing left, and says so.
	c.Post(t, "/bin/"+batch+"/restore", nil).WantRedirect(t, "/bin")
	c.Get(t, "/bin").Want(t, 200, "没有可以恢复的会话")
}

func manyIDs(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i + 1)
	}
	return out
}

func TestExtendingNeedsAReasonAndHappensOnce(t *testing.T) {
	w := newWizard(t)
	batch := strings.TrimPrefix(w.discard(t), "/batches/")
	chosen := url.Values{"batch": {batch}}
	w.client.Post(t, "/bin/extend", nil).WantRedirect(t, "/bin")
	w.client.Post(t, "/bin/extend", chosen).Want(t, 200, "将 1 个批次延长 3 天？", "SC-")
	answer := url.Values{"batch": {batch}, "answer": {"1"}, "reason": {"短"}}
	w.client.Post(t, "/bin/extend", answer).Want(t, 422, "至少 8 个字", ">短</textarea>")
	answer.Set("reason", strings.Repeat("长", 3000))
	w.client.Post(t, "/bin/extend", answer).Want(t, 422, "原因太长")
	answer.Set("reason", "客户正在补充材料，需要多留几天")
	w.client.Post(t, "/bin/extend", answer).WantRedirect(t, "/bin")
	w.client.Get(t, "/bin").Want(t, 200, "已延长 1 个批次", "10 天")
	w.client.Post(t, "/bin/extend", answer).WantRedirect(t, "/bin")
	w.client.Get(t, "/bin").Want(t, 200, "1 个没有延长：已经延长过一次")
	w.client.Post(t, "/bin/extend", chosen).Want(t, 200, "这些批次都不能延长")
	w.client.Post(t, "/bin/purge", chosen).WantRedirect(t, "/purges/new?batch="+batch)
	w.client.Post(t, "/bin/purge", nil).WantRedirect(t, "/bin")
}

func TestWhenTheTimeIsOverOnlyLegalRestores(t *testing.T) {
	w := newWizard(t)
	page := w.discard(t)
	batch := strings.TrimPrefix(page, "/batches/")
	w.clock.Advance(7 * 24 * time.Hour)
	w.client.Get(t, "/bin?state=expired").Want(t, 200, "已到期，仅法务可恢复").Lacks(t, `name="only"`)
	w.client.Get(t, page).Want(t, 200, "期限已过，只有法务可以恢复", "undo-why")
	w.client.Post(t, "/bin/restore", url.Values{"batch": {batch}}).Want(t, http.StatusForbidden, "只有法务可以恢复")
	if n := len(w.Denials()); n != 1 {
		t.Errorf("%d refusals were written down, want 1", n)
	}
	legal := accounttest.User(t, w.d, w.accounts, account.Legal)
	legal.Scope = account.Everywhere()
	l := w.As(legal)
	l.Get(t, "/bin?state=expired").Want(t, 200, `name="only"`).Lacks(t, "延长 3 天")
	l.Post(t, "/bin/restore", url.Values{"only": {batch}, "return": {"/bin?state=expired"}}).WantRedirect(t, "/bin?state=expired")
	if w.states(t, conversation.Active) != 6 {
		t.Error("legal could not restore")
	}
}

func TestAgentsSeeTheirOwnConversationsOnly(t *testing.T) {
	w := newWizard(t)
	batch := strings.TrimPrefix(w.discard(t), "/batches/")
	agent := accounttest.Actor(account.Agent, w.city)
	c := w.As(agent)
	c.Get(t, "/bin").Want(t, 200, "这里只有你自己的会话", "回收站是空的")
	c.Post(t, "/bin/restore", url.Values{"batch": {batch}}).Want(t, http.StatusNotFound)
	agent.StaffNo = "20417"
	own := w.As(agent)
	own.Get(t, "/bin").Want(t, 200, "SC-").Lacks(t, `href="/batches/`, "延长 3 天")
	own.Get(t, "/bin?view=item").Want(t, 200, "3 条会话")
	own.Post(t, "/bin/extend", url.Values{"batch": {batch}}).Want(t, http.StatusForbidden)
	w.As(accounttest.Actor(account.Admin)).Get(t, "/bin").Want(t, http.StatusForbidden)
}

// fakeActs answers for each batch with what a test says.
type fakeActs struct{ refuse map[id.Batch]error }

func (f *fakeActs) Restore(_ context.Context, _ account.Actor, batch id.Batch) (*bin.Outcome, error) {
	if err := f.refuse[batch]; err != nil {
		return nil, err
	}
	return &bin.Outcome{Done: 10, Stays: map[string]int64{bin.OnList: 2}}, nil
}

func (f *fakeActs) RestoreItems(context.Context, account.Actor, id.Set[id.Conversation]) (*bin.Outcome, error) {
	return nil, errors.New("disk")
}

func (f *fakeActs) Extend(context.Context, account.Actor, id.Batch, string) (*bin.Batch, error) {
	return &bin.Batch{}, nil
}

func TestWhatWasRestoredStaysRestoredWhenALaterBatchIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		refuse map[id.Batch]error
		status int
	}{
		{"nothing is refused", nil, http.StatusSeeOther},
		{"one is being moved", map[id.Batch]error{2: fault.Conflict("bin.still_running")}, http.StatusSeeOther},
		{"one is forbidden", map[id.Batch]error{1: fault.Forbidden("bin.expired_legal_only"), 3: fault.Conflict("bin.still_running")}, http.StatusForbidden},
		{"the database fails", map[id.Batch]error{3: errors.New("disk")}, http.StatusInternalServerError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := binSite(t, &handlers.Screens{Batches: &handlers.Batches{}, Bin: &handlers.Bin{Acts: &fakeActs{tt.refuse}}})
			c := site.As(accounttest.Actor(account.Supervisor, 1))
			res := c.Post(t, "/bin/restore", url.Values{"batch": {"1", "2", "3", "3"}})
			if res.Status != tt.status {
				t.Errorf("status %d, want %d", res.Status, tt.status)
			}
			done := strconv.Itoa(10 * (3 - len(tt.refuse)))
			shown := res
			if res.Status == http.StatusSeeOther {
				shown = &webtest.Response{Body: c.Get(t, "/no-such-page").Body}
			}
			if !strings.Contains(shown.Body, "已恢复 "+done+" 条") {
				t.Errorf("what was restored is not said: want %s", done)
			}
		})
	}
	site := binSite(t, &handlers.Screens{Batches: &handlers.Batches{}, Bin: &handlers.Bin{Acts: &fakeActs{}}})
	site.As(accounttest.Actor(account.Supervisor, 1)).Post(t, "/bin/restore", url.Values{"item": {"1"}}).Want(t, http.StatusInternalServerError).Lacks(t, "disk")
}
