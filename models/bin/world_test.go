package bin_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department/departmenttest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

const (
	day    = 24 * time.Hour
	reason = "到期清理，已超过保留期"
)

// old is long enough ago for every floor but the one of disputes.
var old = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// world is a small organisation: 集团 above 华东 (with 杭州 below it) and 华北, a supervisor of
// all four, an agent and a supervisor of 杭州, and legal.
type world struct {
	t                         *testing.T
	d                         *db.DB
	clock                     *dbtest.Clock
	accounts                  *account.Accounts
	vault                     conversation.Vault
	bin                       *bin.Bin
	holds                     *hold.Holds
	log                       *audit.Log
	root, east, city, north   id.Department
	boss, local, legal, agent account.Actor
	first                     id.Batch // of what a test did before
	keys                      int
	chats                     int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{
		t: t, d: d, clock: clock, accounts: accounttest.New(t, d), vault: conversation.Vault{Store: accounttest.Keys(t, d)},
		holds: &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai, Vault: conversation.Vault{Store: accounttest.Keys(t, d)}},
	}
	w.bin = &bin.Bin{DB: d, Zone: shanghai, Keys: w.vault.Store}
	signer, err := w.vault.Store.Signer("qingdang.example.cn/log")
	w.must(err)
	w.log = &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}
	w.city, w.north = w.department("集团/华东/杭州"), w.department("集团/华北")
	w.root, w.east = w.department("集团"), w.department("集团/华东")
	// The accounts are three days old.
	clock.Advance(-3 * day)
	w.boss = accounttest.User(t, d, w.accounts, account.Supervisor, w.root, w.east, w.city, w.north)
	w.local = accounttest.User(t, d, w.accounts, account.Supervisor, w.city)
	w.agent = accounttest.User(t, d, w.accounts, account.Agent, w.city)
	w.legal = accounttest.User(t, d, w.accounts, account.Legal)
	w.legal.Scope = account.Everywhere()
	clock.Advance(3 * day)
	return w
}

// each runs f in a world on each engine, and then every oracle.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		w.wantWhole()
	})
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

func (w *world) key() string {
	w.keys++
	return fmt.Sprintf("form-key-%d", w.keys)
}

// all is everything below the root.
func (w *world) all() bin.Scope { return bin.Scope{Departments: []id.Department{w.root}, Sub: true} }

func (w *world) in(d ...id.Department) bin.Scope { return bin.Scope{Departments: d} }

func (w *world) draft(by account.Actor, s bin.Scope) uint64 {
	w.t.Helper()
	draft, err := w.bin.NewDraft(w.ctx(), by, s)
	w.must(err)
	return draft
}

// frozen is a draft whose list is frozen, and the request that its last page would post.
func (w *world) frozen(by account.Actor, s bin.Scope) bin.Request {
	w.t.Helper()
	draft := w.draft(by, s)
	_, err := w.bin.EditDraft(w.ctx(), by, draft, func(f *bin.Form) { f.KeepResidue, f.ResidueReason = true, "这些部门下月单独处理" })
	w.must(err)
	return w.freeze(by, draft)
}

func (w *world) freeze(by account.Actor, draft uint64) bin.Request {
	w.t.Helper()
	d, p, err := w.bin.Freeze(w.ctx(), by, draft)
	w.must(err)
	if d.Frozen != p.Moves {
		w.t.Fatalf("%d are frozen, the preview said %d", d.Frozen, p.Moves)
	}
	return bin.Request{
		Draft: draft, Key: w.key(), Reason: reason, Checks: bin.Checks{Notified: true, Partners: true, Complaints: true},
		Typed: fmt.Sprint(d.Frozen), Shown: hex.EncodeToString(d.Fingerprint),
	}
}

// discard takes a scope through the whole wizard.
func (w *world) discard(by account.Actor, s bin.Scope) *bin.Batch {
	w.t.Helper()
	batch, err := w.bin.Discard(w.ctx(), by, w.frozen(by, s))
	w.must(err)
	return batch
}

// binned are n usual conversations and the batch that they rest in.
func (w *world) binned(n int) ([]id.Conversation, *bin.Batch) {
	w.t.Helper()
	ids := w.some(n)
	return ids, w.discard(w.local, w.in(w.city))
}

func (w *world) hold(d id.Department, sub bool) *hold.Hold {
	w.t.Helper()
	h, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "诉讼保全", Reason: "法院来函，案号 2026-77", Department: d, Sub: sub})
	w.must(err)
	return h
}

// toThePurge freezes batches for a purge, as its request does.
func (w *world) toThePurge(p id.Purge, batches ...id.Batch) (out []bin.Frozen) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		if _, err := bin.Batches(tx, batches...); err != nil {
			return err
		}
		var err error
		out, err = bin.Freeze(tx, batches, p)
		return err
	})
	return out
}

func (w *world) set(ids ...id.Conversation) id.Set[id.Conversation] {
	w.t.Helper()
	s, err := id.NewSet(ids...)
	w.must(err)
	return s
}

func (w *world) count(model any, cond ...any) int64 {
	w.t.Helper()
	return dbtest.Count(w.t, w.d, model, cond...)
}

// in state counts how many of the conversations are in a state.
func (w *world) inState(s conversation.State, ids []id.Conversation) int {
	w.t.Helper()
	return int(w.count(&conversation.Conversation{}, "state = ? AND id IN ?", s, ids))
}

func (w *world) wantStates(ids []id.Conversation, s conversation.State) {
	w.t.Helper()
	if n := w.inState(s, ids); n != len(ids) {
		w.t.Errorf("%d of %d conversations are %s", n, len(ids), s.Code())
	}
}

func (w *world) batch(b id.Batch) *bin.Batch {
	w.t.Helper()
	var row bin.Batch
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", b).Take(&row).Error }))
	return &row
}

func wantFault(t *testing.T, err error, key, field string) {
	t.Helper()
	f, ok := fault.Of(err)
	if !ok {
		t.Errorf("err = %v, want %s", err, key)
		return
	}
	for _, one := range f.List() {
		if one.Key == key && (field == "" || one.Field == field) {
			return
		}
	}
	t.Errorf("fault = %v on %q, want %s on %q", f, f.Field, key, field)
}
