package hold_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
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
	legal, supervisor       account.Actor
	chats                   int
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{
			t: t, d: d, clock: clock, vault: conversation.Vault{Store: accounttest.Keys(t, d)},
			holds: &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai}, bin: &bin.Bin{DB: d, Zone: shanghai},
		}
		w.city, w.north = w.department("集团/华东/杭州"), w.department("集团/华北")
		w.root, w.east = w.department("集团"), w.department("集团/华东")
		w.legal = accounttest.Actor(account.Legal)
		w.supervisor = accounttest.Actor(account.Supervisor, w.root, w.east, w.city, w.north)
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

func (w *world) department(path string) (made id.Department) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		tree, err := department.Load(tx)
		if err != nil {
			return err
		}
		dep, _, err := department.Ensure(tx, tree, path)
		made = dep.ID
		return err
	})
	return made
}

// store imports one conversation into each of the departments, under the hold epoch.
func (w *world) store(deps ...id.Department) (ids []id.Conversation) {
	w.t.Helper()
	var news []conversation.New
	for _, d := range deps {
		w.chats++
		said := conversation.Message{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(old), Kind: "text", Text: "在吗"}
		news = append(news, conversation.New{
			Platform: "qianniu", DepartmentID: d, Levels: [3]id.Department{w.root}, ServiceType: "咨询",
			Document: conversation.Document{ExternalID: fmt.Sprint("c", w.chats), CustomerID: "tb", Messages: []conversation.Message{said}},
		})
	}
	w.write(func(tx *db.Tx) error {
		ids = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		out, err := conversation.Store(tx, w.vault, news)
		var rows []conversation.Conversation
		for i, o := range out {
			ids = append(ids, o.ID)
			rows = append(rows, conversation.Conversation{ID: o.ID, DepartmentID: news[i].DepartmentID})
		}
		return errors.Join(err, hold.OnInsert(tx, rows))
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

func TestAHoldCoversWhatIsThereWhatIsInTheBinAndWhatComes(t *testing.T) {
	tests := []struct {
		name string
		sub  bool
	}{{"the department alone", false}, {"with its sub-departments", true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				here := w.store(w.east, w.east, w.east, w.east)
				below := w.store(w.city, w.city)
				beside := w.store(w.north, w.root)
				dbtest.Exec(t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Hidden, here[3])
				w.discard(here[1], here[3], below[1], beside[0])
				h := w.place(hold.Order{Department: w.east, Sub: tt.sub})
				want := slices.Clone(here)
				if tt.sub {
					want = append(want, below...)
				}
				w.wantCovered(want...)
				w.wantLeaf(h, len(want))
				later := w.store(w.east, w.city, w.department("集团/华东/宁波"), w.north)
				want = append(want, later[0])
				if tt.sub {
					want = append(want, later[1], later[2])
					w.wantState(conversation.Active, below...)
				} else {
					w.wantState(conversation.Binned, below[1])
				}
				w.wantCovered(want...)
				w.wantState(conversation.Active, here[:3]...)
				w.wantState(conversation.Hidden, here[3])
				w.wantState(conversation.Binned, beside[0])
				if h.Code != "LH-2026-001" || h.PlacedBy != w.legal.ID || !h.CreatedAt.Equal(w.clock.Time()) {
					t.Errorf("hold = %+v", h)
				}
				// What is held cannot go.
				_, err := w.bin.DiscardOne(w.ctx(), w.supervisor, here[1], reason, "another-key")
				if f, ok := fault.Of(err); !ok || f.Key != "bin.one_held" {
					t.Errorf("a held conversation went: %v", err)
				}
			})
		})
	}
}

func TestAHoldOnSingleConversations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city, w.north)
		w.discard(ids[1:]...)
		w.place(hold.Order{Conversations: []id.Conversation{ids[2], ids[0], ids[2]}})
		w.wantCovered(ids[0], ids[2])
		w.wantState(conversation.Active, ids[0], ids[2])
		w.wantState(conversation.Binned, ids[1])
		w.store(w.city, w.north)
		w.wantCovered(ids[0], ids[2])
	})
}

func TestAReleasedHoldCoversNothingAndLeavesTheOthersAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.east)
		first, second := w.place(hold.Order{Department: w.city}), w.place(hold.Order{Department: w.east, Sub: true})
		if first.Code != "LH-2026-001" || second.Code != "LH-2026-002" {
			t.Errorf("codes %s and %s", first.Code, second.Code)
		}
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), second.ID)
		w.wantCovered(ids[0])
		later := w.store(w.east, w.city)
		w.wantCovered(ids[0], later[1])
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), first.ID)
		w.wantCovered()
	})
}

func TestOrdersThatAreRefused(t *testing.T) {
	good := hold.Order{Name: "诉讼保全", Reason: reason}
	tests := []struct {
		name  string
		edit  func(w *world, o *hold.Order)
		key   string
		field string
	}{
		{"no name", func(_ *world, o *hold.Order) { o.Name = " " }, "hold.name_needed", "name"},
		{"a name that never ends", func(_ *world, o *hold.Order) { o.Name = strings.Repeat("长", 201) }, "hold.name_needed", "name"},
		{"a name that is no text", func(_ *world, o *hold.Order) { o.Name = "\xff" }, "hold.name_needed", "name"},
		{"a reason of seven characters", func(_ *world, o *hold.Order) { o.Reason = "七个字的理由啊 " }, "hold.reason_needed", "reason"},
		{"nothing to hold", func(_ *world, o *hold.Order) { o.Department = 0 }, "hold.scope_needed", "department"},
		{"an unknown department", func(w *world, o *hold.Order) { o.Department = w.north + 1000 }, "hold.scope_needed", "department"},
		{"a department and conversations", func(_ *world, o *hold.Order) { o.Conversations = []id.Conversation{1} }, "hold.scope_needed", "department"},
		{"an unknown conversation", func(_ *world, o *hold.Order) { o.Department, o.Conversations = 0, []id.Conversation{1} }, "hold.unknown_conversation", "conversations"},
		{"conversation 0", func(_ *world, o *hold.Order) { o.Department, o.Conversations = 0, []id.Conversation{0} }, "hold.unknown_conversation", "conversations"},
	}
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city)
		w.discard(ids...)
		for _, tt := range tests {
			o := good
			o.Department = w.city
			tt.edit(w, &o)
			_, err := w.holds.Place(w.ctx(), w.legal, o)
			if f, ok := fault.Of(err); !ok || f.Kind != fault.KindInvalid || f.Key != tt.key || f.Field != tt.field {
				t.Errorf("%s: %v (%+v), want %s on %s", tt.name, err, f, tt.key, tt.field)
			}
		}
		o := good
		o.Department = w.city
		for _, role := range []account.Role{account.Agent, account.Supervisor, account.Auditor, account.Admin} {
			if _, err := w.holds.Place(w.ctx(), accounttest.Actor(role, w.city), o); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s placed a hold: %v", role, err)
			}
		}
		away := w.legal
		away.Scope = account.Within(w.north)
		if _, err := w.holds.Place(w.ctx(), away, o); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("legal outside its scope placed a hold: %v", err)
		}
		if _, err := w.holds.Place(w.ctx(), away, hold.Order{Name: "x", Reason: reason, Conversations: ids}); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("legal held a conversation outside its scope: %v", err)
		}
		if n := dbtest.Count(t, w.d, &hold.Hold{}) + dbtest.Count(t, w.d, &hold.Item{}); n != 0 {
			t.Errorf("%d rows are left of refused orders", n)
		}
		w.wantState(conversation.Binned, ids...)
	})
}

func TestWithoutARescuerNothingIsHeld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city)
		w.discard(ids...)
		w.holds.Rescue = nil
		if _, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.city}); err == nil {
			t.Error("a hold was placed that cannot take anything out of the bin")
		}
		w.holds.Rescue = func(*db.Tx, []id.Conversation) error { return errors.New("not now") }
		if _, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.city}); err == nil {
			t.Error("a hold was placed though the bin did not give back")
		}
		if n := dbtest.Count(t, w.d, &hold.Hold{}) + dbtest.Count(t, w.d, &hold.Item{}); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		w.wantState(conversation.Binned, ids...)
	})
}

func TestTheYearOfAHoldIsTheOrganisations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		newYear := time.Date(2027, 1, 1, 0, 0, 0, 0, shanghai)
		for after, want := range map[time.Duration]string{-time.Second: "LH-2026-001", 0: "LH-2027-001"} {
			w.clock.Set(newYear.Add(after))
			if h := w.place(hold.Order{Department: w.city}); h.Code != want {
				t.Errorf("%v after new year: %s, want %s", after, h.Code, want)
			}
		}
	})
}

// TestAnImportAndAHoldNeverMiss lets imports and a hold on their department loose together:
// every conversation ends up covered, whoever came first.
func TestAnImportAndAHoldNeverMiss(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 25 {
			d := w.department(fmt.Sprint("集团/店", i))
			w.store(d)
			var wg sync.WaitGroup
			var err error
			wg.Go(func() { _, err = w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: d}) })
			wg.Go(func() { w.store(d, d) })
			wg.Wait()
			w.must(err)
			if n := dbtest.Count(t, w.d, &conversation.Conversation{}, "department_id = ? AND NOT "+hold.Covers, d); n != 0 {
				t.Fatalf("round %d: %d conversations slipped past the hold", i, n)
			}
		}
	})
}
