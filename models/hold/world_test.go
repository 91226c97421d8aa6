package hold_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department/departmenttest"
	"qingdang/models/hold"
	"qingdang/models/id"
)

const reason = "法院来函，案号 2026-77"

var (
	old      = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
)

// world is 集团 above 华东 (with 杭州 below it) and 华北, the register of holds, and legal.
type world struct {
	t                       *testing.T
	d                       *db.DB
	clock                   *dbtest.Clock
	vault                   conversation.Vault
	holds                   *hold.Holds
	bin                     *bin.Bin
	root, east, city, north id.Department
	legal, second           account.Actor // two people of legal
	supervisor              account.Actor
	accounts                *account.Accounts
	chats                   int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, vault: conversation.Vault{Store: accounttest.Keys(t, d)}, bin: &bin.Bin{DB: d, Zone: shanghai, Keys: accounttest.Keys(t, d)}, accounts: accounttest.New(t, d)}
	w.holds = &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai, Vault: w.vault, Accounts: w.accounts}
	w.city, w.north = w.department("集团/华东/杭州"), w.department("集团/华北")
	w.root, w.east = w.department("集团"), w.department("集团/华东")
	w.legal, w.second = accounttest.User(t, d, w.accounts, account.Legal), accounttest.User(t, d, w.accounts, account.Legal)
	w.supervisor = accounttest.Actor(account.Supervisor, w.root, w.east, w.city, w.north)
	return w
}

// each runs f in a world on each engine; at the end nothing that is held may be in the bin.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		if n := dbtest.Count(t, d, &conversation.Conversation{}, hold.Covers+" AND state NOT IN ?", []int{1, 2}); n != 0 {
			t.Errorf("%d conversations are held and in the bin", n)
		}
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
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

func (w *world) news(d id.Department) conversation.New {
	w.chats++
	said := conversation.Message{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(old), Kind: "text", Text: "在吗"}
	return conversation.New{
		Platform: "qianniu", DepartmentID: d, ServiceType: "咨询",
		Document: conversation.Document{ExternalID: fmt.Sprint("c", w.chats), CustomerID: "tb", Messages: []conversation.Message{said}},
	}
}

// store imports one conversation into each of the departments, under the hold epoch.
func (w *world) store(deps ...id.Department) (ids []id.Conversation) {
	w.t.Helper()
	var news []conversation.New
	for _, d := range deps {
		news = append(news, w.news(d))
	}
	return w.storeNews(news)
}

func (w *world) storeNews(news []conversation.New) (ids []id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		ids = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		out, err := conversation.Store(tx, w.vault, news)
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		_, held := hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
		return errors.Join(err, held)
	})
	return ids
}

func (w *world) discard(ids ...id.Conversation) {
	w.t.Helper()
	for _, c := range ids {
		_, err := w.bin.DiscardOne(w.ctx(), w.supervisor, c, reason, fmt.Sprint("form-key-", c))
		w.must(err)
	}
}

func (w *world) place(o hold.Order) *hold.Hold {
	w.t.Helper()
	o.Name, o.Reason = "诉讼保全", reason
	h, err := w.holds.Place(w.ctx(), w.legal, o)
	w.must(err)
	return h
}

// covered gives the conversations that some hold in force covers.
func (w *world) covered() (ids []id.Conversation) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		ids = nil
		return tx.Model(&conversation.Conversation{}).Where(hold.Covers).Order("id").Pluck("id", &ids).Error
	}))
	return ids
}

func (w *world) wantCovered(want ...id.Conversation) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.covered(); !slices.Equal(got, want) {
		w.t.Errorf("covered are %v, want %v", got, want)
	}
	// The function that decides under lock says the same.
	all, err := id.NewSet(append(want, 1)...)
	w.must(err)
	for _, lock := range []bool{false, true} {
		w.write(func(tx *db.Tx) error {
			held, err := hold.Covering(tx, all, lock)
			if len(held) != len(want) {
				w.t.Errorf("Covering (lock %v) gives %d, want %d", lock, len(held), len(want))
			}
			return err
		})
	}
}

func (w *world) wantState(want conversation.State, ids ...id.Conversation) {
	w.t.Helper()
	if n := dbtest.Count(w.t, w.d, &conversation.Conversation{}, "state = ? AND id IN ?", want, ids); n != int64(len(ids)) {
		w.t.Errorf("%d of %d are %s", n, len(ids), want.Code())
	}
}

func (w *world) wantLeaf(h *hold.Hold, count int) {
	w.t.Helper()
	var counts []int64
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = 'hold.placed' AND object = ?", h.Code).Pluck("item_count", &counts).Error
	}))
	if !slices.Equal(counts, []int64{int64(count)}) {
		w.t.Errorf("the leaves of %s count %v, want %d", h.Code, counts, count)
	}
}
