package purge_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department/departmenttest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// old is long enough ago for every floor but the one of disputes.
var old = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)

// world is a small shop: departments, people, sealed conversations and a batch in the bin.
type world struct {
	t                             *testing.T
	d                             *db.DB
	clock                         *dbtest.Clock
	accounts                      *account.Accounts
	keys                          *seal.Store
	vault                         conversation.Vault
	desk                          *purge.Desk
	log                           *audit.Log
	ledger                        *purge.Ledger
	index                         *index.Index // empty until a test folds
	dumps                         int
	root, sales, support          id.Department
	agent, supervisor, legal, cro account.Actor // cro: another legal
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, accounts: accounttest.New(t, d), keys: accounttest.Keys(t, d)}
	w.vault = conversation.Vault{Store: w.keys}
	w.desk = &purge.Desk{DB: d, Accounts: w.accounts, Keys: w.keys, Copies: w.keys}
	signer, err := w.keys.Signer("qingdang.example.cn/log")
	if err != nil {
		t.Fatal(err)
	}
	w.log = &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}
	w.ledger = &purge.Ledger{Dir: filepath.Join(t.TempDir(), "ledger"), Keys: w.keys}
	w.index = conversation.NewIndex(d, w.vault, index.Options{})
	w.root = w.department("云栖优品集团")
	w.sales = w.department("云栖优品集团/杭州分公司")
	w.support = w.department("云栖优品集团/南京分公司")
	w.agent = accounttest.User(t, d, w.accounts, account.Agent, w.sales)
	w.supervisor = accounttest.User(t, d, w.accounts, account.Supervisor, w.sales)
	w.legal = accounttest.User(t, d, w.accounts, account.Legal)
	w.legal.Scope = account.Everywhere()
	w.cro = accounttest.User(t, d, w.accounts, account.Legal)
	w.cro.Scope = account.Everywhere()
	return w
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		return do(tx)
	}))
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

// chat is one conversation to be stored; zero fields are the usual ones.
type chat struct {
	name  string
	dep   id.Department
	class string
	agent string
	at    time.Time
	order conversation.OrderState
}

func (w *world) chats(n int) []chat {
	out := make([]chat, n)
	for i := range out {
		out[i] = chat{name: fmt.Sprintf("c%d", i)}
	}
	return out
}

func (w *world) news(c chat, messages ...string) conversation.New {
	if c.dep == 0 {
		c.dep = w.sales
	}
	if c.class == "" {
		c.class = "咨询"
	}
	if c.at.IsZero() {
		c.at = old
	}
	if len(messages) == 0 {
		messages = []string{"CANARY-" + c.name}
	}
	var said []conversation.Message
	for i, m := range messages {
		said = append(said, conversation.Message{ID: fmt.Sprint(i), Sender: conversation.FromCustomer, At: conversation.MicrosOf(c.at.Add(time.Duration(i) * time.Minute)), Kind: "text", Text: m})
	}
	return conversation.New{
		Platform: "qianniu", DepartmentID: c.dep, ServiceType: c.class, OrderState: c.order,
		AgentID: c.agent, AgentName: "客服", Tags: []string{"退款"},
		Document: conversation.Document{ExternalID: c.name, CustomerID: "customer-" + c.name, Messages: said},
	}
}

func (w *world) store(chats ...chat) []id.Conversation {
	w.t.Helper()
	news := make([]conversation.New, len(chats))
	for i, c := range chats {
		news[i] = w.news(c)
	}
	var ids []id.Conversation
	w.write(func(tx *db.Tx) error {
		ids = nil
		out, err := conversation.Store(tx, w.vault, news)
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		return err
	})
	return ids
}

// binned puts conversations into a batch whose time in the bin ends at keep.
func (w *world) binned(keep time.Time, kind string, ids ...id.Conversation) id.Batch {
	w.t.Helper()
	var b bin.Batch
	w.write(func(tx *db.Tx) error {
		n, err := db.Serial(tx, "SC", "20261122")
		if err != nil {
			return err
		}
		b = bin.Batch{
			Code: fmt.Sprintf("SC-20261122-%03d", n), RequestKey: fmt.Sprintf("k%d", n), State: bin.Done, Kind: "batch", OwnerID: w.agent.ID, OwnerPerson: w.agent.PersonID, OwnerName: "主管",
			Scope: "{}", ScopeKind: kind, DepartmentID: w.sales, Reason: "到期清理", Residue: "[]", Excluded: "{}", Size: int64(len(ids)), Moved: int64(len(ids)),
			Fingerprint: make([]byte, 32), KeepUntil: keep, CreatedAt: tx.Now,
		}
		if err := tx.Create(&b).Error; err != nil {
			return err
		}
		if err := w.seal(tx, &b); err != nil {
			return err
		}
		set, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		if _, err := conversation.Move(tx, set, conversation.Active, conversation.Binned, &b.ID); err != nil {
			return err
		}
		var rows []conversation.Conversation
		if err := tx.Where("id IN ?", set.Values()).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			it := bin.Item{BatchID: b.ID, ConversationID: r.ID, DepartmentID: r.DepartmentID, State: bin.ItemBinned, WasState: conversation.Active, Version: r.Version, Bytes: r.Bytes, ChangedAt: tx.Now}
			if err := tx.Create(&it).Error; err != nil {
				return err
			}
		}
		return nil
	})
	return b.ID
}

// seal vouches for a batch as it is now, as the bin does.
func (w *world) seal(tx *db.Tx, b *bin.Batch) error {
	if err := tx.Where("id = ?", b.ID).Take(b).Error; err != nil {
		return err
	}
	b.Seal(w.keys)
	return tx.Model(b).Update("mac", b.MAC).Error
}

// setBatch changes a batch's row as the program would.
func (w *world) setBatch(b id.Batch, set string, args ...any) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		if err := tx.Exec("UPDATE bin_batch SET "+set+" WHERE id = ?", append(args, b)...).Error; err != nil {
			return err
		}
		return w.seal(tx, &bin.Batch{ID: b})
	})
}

// expired is a batch of some usual conversations whose time in the bin is over.
func (w *world) expired(n int) ([]id.Conversation, id.Batch) {
	w.t.Helper()
	ids := w.store(w.chats(n)...)
	return ids, w.binned(w.clock.Time(), bin.ScopeDepartment, ids...)
}

// expiredAs is expired with names that begin with prefix.
func (w *world) expiredAs(prefix string, n int) ([]id.Conversation, id.Batch) {
	w.t.Helper()
	chats := w.chats(n)
	for i := range chats {
		chats[i].name = prefix + chats[i].name
	}
	ids := w.store(chats...)
	return ids, w.binned(w.clock.Time(), bin.ScopeDepartment, ids...)
}

// hold puts one conversation under a legal hold, as a writer that knows nothing of purges does.
func (w *world) hold(c id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		h := hold.Hold{Code: fmt.Sprintf("LH-%d", c), Name: "案件", Reason: "法院要求保全", DepartmentID: w.sales, PlacedBy: w.legal.ID, CreatedAt: tx.Now}
		if err := tx.Exec("UPDATE hold_epoch SET n = n + 1").Error; err != nil {
			return err
		}
		if err := tx.Create(&h).Error; err != nil {
			return err
		}
		return tx.Create(&hold.Item{ConversationID: c, HoldID: h.ID}).Error
	})
}

// step lets a worker do exactly one step of the purge and die afterwards.
func (w *world) step(r *purge.Request) {
	w.t.Helper()
	j, err := job.Claim(w.ctx(), w.d, "dies", []string{purge.JobRun})
	w.must(err)
	if j == nil || j.Subject != uint64(r.ID) {
		w.t.Fatalf("no job for %s", r.Code)
	}
	_, err = w.runner().Step(w.ctx(), j)
	w.must(err)
}

func (w *world) ask(batches ...id.Batch) purge.Ask {
	return purge.Ask{Batches: batches, Reason: "回收站到期清理，已超过保留期", Key: rand.Text()}
}

func (w *world) request(by account.Actor, batches ...id.Batch) *purge.Request {
	w.t.Helper()
	r, err := w.desk.Request(w.ctx(), by, w.ask(batches...))
	w.must(err)
	return r
}

func (w *world) ballot(r *purge.Request, by account.Actor) purge.Ballot {
	w.t.Helper()
	return purge.Ballot{
		Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: fmt.Sprintf("%x", r.Root), Code: accounttest.Code(w.t, w.d, by.ID),
	}
}

func (w *world) approve(r *purge.Request, by ...account.Actor) *purge.Request {
	w.t.Helper()
	for _, a := range by {
		var err error
		r, err = w.desk.Vote(w.ctx(), a, w.ballot(r, a))
		w.must(err)
		w.clock.Advance(30 * time.Second) // so that the codes of a person never run out
	}
	return r
}

// approved is a request with both votes.
func (w *world) approved(batches ...id.Batch) *purge.Request {
	w.t.Helper()
	return w.approve(w.request(w.agent, batches...), w.supervisor, w.legal)
}

func (w *world) runner() *purge.Runner {
	return &purge.Runner{DB: w.d, Vault: w.vault, Desk: w.desk, Log: w.log, Ledger: w.ledger, Index: w.index, Organisation: "云栖优品集团", Worker: "worker-1"}
}

// work lets a worker do everything that is due.
func (w *world) work() {
	w.t.Helper()
	w.workAs("worker-1", w.runner())
}

func (w *world) workAs(owner string, r job.Runner) {
	w.t.Helper()
	w.must(job.Work(w.ctx(), w.d, owner, map[string]job.Runner{purge.JobRun: r}, job.Options{Once: true}))
}

// toTheEvening moves the clock behind the cooling-off into the maintenance window.
func (w *world) toTheEvening(r *purge.Request) {
	w.t.Helper()
	if r.DueAt == nil {
		w.t.Fatal("the purge is not due")
	}
	w.clock.Set(*r.DueAt)
}

func (w *world) now(r *purge.Request) *purge.Request {
	w.t.Helper()
	var fresh purge.Request
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", r.ID).Take(&fresh).Error }))
	return &fresh
}

func (w *world) count(model any, cond ...any) int64 {
	w.t.Helper()
	return dbtest.Count(w.t, w.d, model, cond...)
}

func (w *world) wantFault(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}

// wantWhole checks what must be true after every finished purge, on the tables alone.
func (w *world) wantWhole(r *purge.Request) {
	w.t.Helper()
	r = w.now(r)
	if !r.State.Finished() {
		w.t.Fatalf("the purge is %s", r.State)
	}
	if n := w.count(&purge.Item{}, "purge_id = ? AND state NOT IN ?", r.ID, []purge.ItemState{purge.Purged, purge.Skipped}); n != 0 {
		w.t.Errorf("%d items are neither purged nor skipped", n)
	}
	purged, skipped := w.count(&purge.Item{}, "purge_id = ? AND state = 'purged'", r.ID), w.count(&purge.Item{}, "purge_id = ? AND state = 'skipped'", r.ID)
	if purged+skipped != r.Size || purged != r.Purged || skipped != r.Skipped {
		w.t.Errorf("purged %d (%d), skipped %d (%d) of %d", purged, r.Purged, skipped, r.Skipped, r.Size)
	}
	for _, left := range []any{&conversation.Conversation{}, &conversation.Body{}, &conversation.Key{}} {
		if n := w.count(left, "id IN (SELECT conversation_id FROM purge_item WHERE purge_id = ? AND state = 'purged')", r.ID); n != 0 {
			w.t.Errorf("%d of %T are left", n, left)
		}
	}
	if n := w.count(&conversation.Tombstone{}, "purge_id = ?", r.ID); n != purged {
		w.t.Errorf("%d tombstones for %d", n, purged)
	}
	if n := w.count(&purge.Head{}, "purge_id = ?", r.ID); n != 1 {
		w.t.Errorf("%d certificates", n)
	}
	if n := w.count(&conversation.Body{}, "id NOT IN (SELECT id FROM conversation_key)"); n != 0 {
		w.t.Errorf("%d bodies without a key", n)
	}
	w.open()
	check, err := w.log.Check(w.ctx(), true)
	w.must(err)
	if !check.OK {
		w.t.Errorf("the audit log is broken: %+v", check)
	}
}

// open reads every conversation that is left: none of them may have lost its key.
func (w *world) open() {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		var bodies []conversation.Body
		if err := tx.Find(&bodies).Error; err != nil {
			return err
		}
		for _, b := range bodies {
			keys, err := conversation.Keys(tx, b.ID)
			if err != nil || len(keys) != 1 {
				return fmt.Errorf("keys of %d: %d, %w", b.ID, len(keys), err)
			}
			if _, err := w.vault.Open(&b, &keys[0]); err != nil {
				w.t.Errorf("a survivor does not open: %v", err)
			}
		}
		return nil
	}))
}
