package hold_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

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

// TestAHoldWaitsForTheStepThatIsRunning stops an import, or whatever else shares the epoch, in
// the middle: the hold must come after it and cover what it brought.
func TestAHoldWaitsForTheStepThatIsRunning(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.Open(t, db.MySQL, clock), clock)
	done := make(chan error, 1)
	w.write(func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		go func() {
			_, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.city})
			done <- err
		}()
		select {
		case err := <-done:
			return errors.Join(errors.New("it did not wait"), err)
		case <-time.After(200 * time.Millisecond):
		}
		_, err := conversation.Store(tx, w.vault, []conversation.New{w.news(w.city)})
		return err
	})
	w.must(<-done)
	if n := len(w.covered()); n != 1 {
		t.Errorf("%d conversations are covered, want the one that was just imported", n)
	}
}
