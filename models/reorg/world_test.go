package reorg_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/department/departmenttest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/reorg"
)

var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
	old      = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
)

const reason = "法院要求保全相关记录"

// world is 集团 above 华东 (with 杭州 and its 一店 below) and 华北.
type world struct {
	t                             *testing.T
	d                             *db.DB
	clock                         *dbtest.Clock
	vault                         conversation.Vault
	accounts                      *account.Accounts
	holds                         *hold.Holds
	bin                           *bin.Bin
	reorg                         *reorg.Reorg
	root, east, city, shop, north id.Department
	admin, legal                  account.Actor
	boss                          account.Actor // supervisor of 华东 and all below it
	chats                         int
	discards                      atomic.Int64
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, vault: conversation.Vault{Store: accounttest.Keys(t, d)}, bin: &bin.Bin{DB: d, Zone: shanghai, Keys: accounttest.Keys(t, d)}}
	deps := &department.Departments{DB: d}
	var err error
	w.accounts, err = account.New(account.Settings{DB: d, Keys: w.vault.Store, Resolve: deps.Resolve})
	w.must(err)
	w.holds = &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai, Vault: w.vault, Accounts: w.accounts}
	w.reorg = &reorg.Reorg{DB: d, Holds: w.holds}
	w.shop, w.north = w.department("集团/华东/杭州/一店"), w.department("集团/华北")
	w.root, w.east, w.city = w.department("集团"), w.department("集团/华东"), w.department("集团/华东/杭州")
	w.admin, w.legal = accounttest.User(t, d, w.accounts, account.Admin), accounttest.User(t, d, w.accounts, account.Legal)
	w.boss = accounttest.User(t, d, w.accounts, account.Supervisor, w.east)
	w.scope(w.boss, account.ScopeRow{Department: w.east, Sub: true})
	return w
}

// each runs f in a world on each engine; at the end no hold may miss anything, or have anything in the bin.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		w.sound()
	})
}

func (w *world) sound() {
	w.t.Helper()
	if n := dbtest.Count(w.t, w.d, &conversation.Conversation{}, hold.Covers+" AND state NOT IN ?", []int{1, 2}); n != 0 {
		w.t.Errorf("%d conversations are held and in the bin", n)
	}
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		missing, err := hold.Uncovered(tx)
		if len(missing) > 0 {
			w.t.Errorf("%v do not cover what lies within their reach", missing)
		}
		return err
	}))
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
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

// scope gives somebody departments, past the accounts' own rules.
func (w *world) scope(who account.Actor, rows ...account.ScopeRow) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		if err := tx.Exec("DELETE FROM user_scope WHERE user_id = ?", who.ID).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if err := tx.Exec("INSERT INTO user_scope (user_id, department_id, sub) VALUES (?, ?, ?)", who.ID, r.Department, r.Sub).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// now gives somebody as a request does: with today's departments.
func (w *world) now(who account.Actor) account.Actor {
	w.t.Helper()
	a, err := w.accounts.Actor(w.ctx(), who.ID, "192.0.2.7")
	w.must(err)
	return a
}

// add imports one conversation into each of the departments.
func (w *world) add(deps ...id.Department) (ids []id.Conversation) {
	w.t.Helper()
	ids, err := w.store(deps...)
	w.must(err)
	return ids
}

func (w *world) store(deps ...id.Department) (ids []id.Conversation, err error) {
	news := make([]conversation.New, len(deps))
	for i, d := range deps {
		w.chats++
		said := conversation.Message{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(old), Kind: "text", Text: "在吗"}
		news[i] = conversation.New{
			Platform: "qianniu", DepartmentID: d, ServiceType: "咨询",
			Document: conversation.Document{ExternalID: fmt.Sprint("c", w.chats), CustomerID: "tb", Messages: []conversation.Message{said}},
		}
	}
	err = w.d.Write(w.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		ids = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		out, err := conversation.Store(tx, w.vault, news)
		if err != nil {
			return err
		}
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		_, err = hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
		return err
	})
	return ids, err
}

func (w *world) discard(c id.Conversation) error {
	by := w.boss
	by.Scope = account.Everywhere()
	_, err := w.bin.DiscardOne(w.ctx(), by, c, "重复的测试会话，清理", fmt.Sprint("form-key-", c, "-", w.discards.Add(1)))
	return err
}

func (w *world) place(o hold.Order) *hold.Hold {
	w.t.Helper()
	o.Name, o.Reason = "诉讼保全", reason
	h, err := w.holds.Place(w.ctx(), w.legal, o)
	w.must(err)
	return h
}

func (w *world) covered(h *hold.Hold) (ids []id.Conversation) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		ids = nil
		return tx.Model(&hold.Item{}).Where("hold_id = ?", h.ID).Order("conversation_id").Pluck("conversation_id", &ids).Error
	}))
	return ids
}

func (w *world) tree() (t *department.Tree) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		t, err = department.Load(tx)
		return err
	}))
	return t
}

// order hangs a department on another one, under its own name.
func (w *world) order(d, on id.Department) reorg.Order {
	return reorg.Order{Department: d, To: department.Place{Parent: on, Name: w.tree().Name(d)}}
}

func (w *world) move(d, on id.Department) *reorg.Effect {
	w.t.Helper()
	e, err := w.reorg.Move(w.ctx(), w.admin, w.order(d, on))
	w.must(err)
	return e
}

func (w *world) wantKey(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}
