package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/purge"
)

// world is a small installation in the middle of its life: a conversation that rests in a batch,
// a request to purge it, another one in the archive.
type world struct {
	app                   *app
	clock                 *dbtest.Clock
	department, elsewhere id.Department
	conversation          id.Conversation
	batch                 id.Batch
	request               id.Purge
	export                id.Export
}

func newWorld(t *testing.T, engine string) *world {
	t.Helper()
	clock := dbtest.NewClock()
	w := &world{app: openTestApp(t, engine, clock), clock: clock}
	a := w.app
	t.Cleanup(func() { clean(t, a) })
	cli := account.System("cli", "")
	for path, into := range map[string]*id.Department{"集团/华东/一组": &w.department, "集团/华南/二组": &w.elsewhere} {
		d, err := a.departments.Ensure(t.Context(), cli, path)
		if err != nil {
			t.Fatal(err)
		}
		*into = d.ID
	}
	old := clock.Time().AddDate(-2, 0, 0)
	var drafts []*format.Conversation
	for i := range 6 {
		drafts = append(drafts, &format.Conversation{
			Platform: "wechat", ExternalID: fmt.Sprint("e", i), DepartmentPath: "集团/华东/一组", ServiceType: "咨询", AgentID: "A1", CustomerID: fmt.Sprint("c", i), CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, At: old.Add(time.Duration(i) * time.Hour), Kind: "text", Text: "你好，请问什么时候发货？"}},
		})
	}
	if err := a.importer.Add(t.Context(), cli, slices.Values(drafts)); err != nil {
		t.Fatal(err)
	}
	supervisor := accounttest.User(t, a.db, a.accounts, account.Supervisor, w.department)
	clock.Advance(72 * time.Hour)
	w.batch = w.discard(t, supervisor)
	r, err := a.purges.Request(t.Context(), supervisor, purge.Ask{Batches: []id.Batch{w.batch}, Reason: "超过保留期，申请清理", Key: "world-request"})
	if err != nil {
		t.Fatal(err)
	}
	w.request = r.ID
	page, err := a.conversations.Search(t.Context(), supervisor, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Size: 10})
	if err != nil || len(page.Rows) == 0 {
		t.Fatalf("%d conversations left, %v", len(page.Rows), err)
	}
	w.conversation = page.Rows[0].ID
	e, err := a.exports.Ask(t.Context(), supervisor, export.Wish{
		Selection: export.Selection{Kind: export.OfConversation, Conversations: []id.Conversation{w.conversation}}, Format: file.JSONL, Purpose: "核对一条会话",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.export = e.ID
	return w
}

// discard puts everything into the bin and restores one.
func (w *world) discard(t *testing.T, by account.Actor) id.Batch {
	t.Helper()
	b := w.app.bin
	draft, err := b.NewDraft(t.Context(), by, bin.Scope{Departments: []id.Department{w.department}})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := b.Freeze(t.Context(), by, draft)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := b.Discard(t.Context(), by, bin.Request{
		Draft: draft, Key: "world-batch", Reason: "超过保留期的会话清理", Checks: bin.Checks{Notified: true, Partners: true, Complaints: true}, Shown: hex.EncodeToString(d.Fingerprint),
	})
	if err != nil {
		t.Fatal(err)
	}
	items, err := b.BatchItems(t.Context(), by, batch.ID, bin.View{Size: 10})
	if err != nil || len(items.Rows) == 0 {
		t.Fatalf("batch of %d: %v", batch.Size, err)
	}
	one, err := id.NewSet(items.Rows[0].ConversationID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.RestoreItems(t.Context(), by, one); err != nil {
		t.Fatal(err)
	}
	return batch.ID
}

// clean runs every oracle, as each of these tests must at its end.
func clean(t *testing.T, a *app) {
	t.Helper()
	r, err := a.checker().Run(context.WithoutCancel(t.Context()), true)
	if err != nil {
		t.Errorf("fsck: %v", err)
		return
	}
	for _, f := range r.Findings {
		t.Errorf("fsck: %s", f)
	}
}

// cli runs a command against the application that is open, with its clock.
func (a *app) cli(t *testing.T, clock *dbtest.Clock, args ...string) (out, errOut string, code int) {
	t.Helper()
	return a.cliTyped(t, clock, "", args...)
}

// cliTyped is cli with somebody at the keyboard.
func (a *app) cliTyped(t *testing.T, clock *dbtest.Clock, typed string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	pairs := map[string]string{"QINGDANG_DATA": a.config.Data, "QINGDANG_DSN": a.config.DSN, "QINGDANG_ORGANISATION": a.config.Organisation, "QINGDANG_LANG": "en"}
	code = run(t.Context(), args, env(pairs), strings.NewReader(typed), &stdout, &stderr, options{clock: clock})
	return stdout.String(), stderr.String(), code
}
