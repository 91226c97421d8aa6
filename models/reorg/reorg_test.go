package reorg_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

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
	"qingdang/models/job"
	"qingdang/models/reorg"
)

func TestWhatAMoveChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		both := accounttest.User(t, w.d, w.accounts, account.Agent, w.root)
		w.scope(both, account.ScopeRow{Department: w.root, Sub: true})
		shopOnly := accounttest.User(t, w.d, w.accounts, account.Agent, w.shop)
		north := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.north)
		w.scope(north, account.ScopeRow{Department: w.north, Sub: true})
		inEast, inCity, inShop, inNorth := w.add(w.east)[0], w.add(w.city)[0], w.add(w.shop)[0], w.add(w.north)[0]
		left := w.place(hold.Order{Department: w.east, Sub: true})
		gains := w.place(hold.Order{Department: w.north, Sub: true})
		w.place(hold.Order{Department: w.north}) // without what is below: nothing changes
		fixed := w.place(hold.Order{Department: w.north, Sub: true, Fixed: true})
		draft, err := w.bin.NewDraft(w.ctx(), w.now(w.boss), bin.Scope{Departments: []id.Department{w.east}, Sub: true})
		w.must(err)
		_, err = w.bin.NewDraft(w.ctx(), w.now(w.boss), bin.Scope{Departments: []id.Department{w.east}})
		w.must(err)

		o := w.order(w.city, w.north)
		e, err := w.reorg.Preview(w.ctx(), w.admin, o)
		w.must(err)
		if e.From != "集团/华东/杭州" || e.To != "集团/华北/杭州" || e.Renames || e.Departments != 2 || e.Conversations != 2 || e.Drafts != 1 || e.Batches != 0 {
			t.Errorf("%+v", e)
		}
		reach := map[string][2]int{}
		for _, p := range e.People {
			reach[p.StaffNo] = [2]int{len(p.Gains), len(p.Loses)}
		}
		if want := map[string][2]int{w.boss.StaffNo: {0, 2}, north.StaffNo: {2, 0}}; !maps.Equal(reach, want) {
			t.Errorf("people: %v, want %v", reach, want)
		}
		if len(e.Holds) != 2 || e.Holds[0].Hold.ID != left.ID || len(e.Holds[0].Loses) != 2 || e.Holds[0].Covers != 0 ||
			e.Holds[1].Hold.ID != gains.ID || len(e.Holds[1].Gains) != 2 || e.Holds[1].Covers != 2 {
			t.Errorf("holds: %+v", e.Holds)
		}
		if w.tree().Path(w.city) != "集团/华东/杭州" || len(w.covered(gains)) != 1 {
			t.Fatal("a preview changed something")
		}

		o.Seen = e.Fingerprint
		done, err := w.reorg.Move(w.ctx(), w.admin, o)
		w.must(err)
		if done.Fingerprint != e.Fingerprint || done.Holds[1].Covers != 2 {
			t.Errorf("%+v", done)
		}
		if got := w.tree().Path(w.shop); got != "集团/华北/杭州/一店" {
			t.Errorf("the shop is at %s", got)
		}
		for name, tt := range map[string]struct{ got, want []id.Conversation }{
			"the old parent's hold keeps what it held": {w.covered(left), []id.Conversation{inEast, inCity, inShop}},
			"the new parent's hold takes what came":    {w.covered(gains), []id.Conversation{inNorth, inCity, inShop}},
			"a fixed hold stays as it is":              {w.covered(fixed), []id.Conversation{inNorth}},
		} {
			slices.Sort(tt.want)
			if !slices.Equal(tt.got, tt.want) {
				t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
			}
		}
		if by := w.now(w.boss); by.Scope.Has(w.city) || !by.Scope.Has(w.east) || !w.now(north).Scope.Has(w.shop) || !w.now(both).Scope.Has(w.shop) || !w.now(shopOnly).Scope.Has(w.shop) {
			t.Error("somebody acts where he does not, or the other way round")
		}
		if d, err := w.bin.Draft(w.ctx(), w.now(w.boss), draft); err != nil || len(d.Form.Scope.Departments) != 1 {
			t.Errorf("the draft: %+v, %v", d, err)
		}
		w.wantEntry("department.moved", `"from":"集团/华东/杭州"`, `"to":"集团/华北/杭州"`, `"held_by":{"`+gains.Code+`":2}`, left.Code, gains.Code)
		// What arrives later comes under the new parent's hold alone.
		later := w.add(w.shop)[0]
		if slices.Contains(w.covered(left), later) || !slices.Contains(w.covered(gains), later) {
			t.Error("a later conversation is not under the hold of where it lies")
		}
		// The log counts what came with the department.
		undone := errors.New("undone")
		err = w.d.Write(w.ctx(), func(tx *db.Tx) error {
			for _, want := range [][]string{nil, {gains.Code}} {
				stripped, err := hold.Stripped(tx, w.vault.Store)
				if err != nil || !slices.Equal(stripped, want) {
					t.Errorf("holds that lost something: %v, want %v; %v", stripped, want, err)
				}
				if err := tx.Exec("DELETE FROM hold_item WHERE hold_id = ?", gains.ID).Error; err != nil {
					return err
				}
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Error(err)
		}
	})
}

func (w *world) wantEntry(action string, parts ...string) {
	w.t.Helper()
	var leaves []string
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ?", action).Order("n").Pluck("leaf", &leaves).Error
	}))
	if len(leaves) != 1 {
		w.t.Fatalf("%d entries of %s", len(leaves), action)
	}
	for _, p := range parts {
		if !strings.Contains(leaves[0], p) {
			w.t.Errorf("the entry lacks %s: %s", p, leaves[0])
		}
	}
}

func TestWhoMayMoveAndWhatIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.order(w.city, w.north)
		for _, by := range []account.Actor{w.boss, w.legal, {}, accounttest.Actor(account.Auditor)} {
			_, err := w.reorg.Move(w.ctx(), by, o)
			_, seen := w.reorg.Preview(w.ctx(), by, o)
			if fault.KindOf(err) != fault.KindForbidden || fault.KindOf(seen) != fault.KindForbidden {
				t.Errorf("%s may: %v, %v", by.Role, err, seen)
			}
		}
		circle := w.order(w.east, w.shop)
		_, err := w.reorg.Move(w.ctx(), w.admin, circle)
		w.wantKey(err, "department.below_itself")
		e, err := w.reorg.Preview(w.ctx(), w.admin, o)
		w.must(err)
		o.Seen = e.Fingerprint
		w.place(hold.Order{Department: w.north, Sub: true})
		_, err = w.reorg.Move(w.ctx(), w.admin, o)
		w.wantKey(err, "department.effect_changed")
		if w.tree().Path(w.city) != "集团/华东/杭州" {
			t.Error("a refused move moved")
		}
		o.Seen = ""
		o.To.Name = "杭州分公司"
		if _, err = w.reorg.Move(w.ctx(), account.System("cli", ""), o); err != nil {
			t.Error(err)
		}
		_, err = w.reorg.Move(w.ctx(), w.admin, reorg.Order{Department: w.city, To: department.Place{Parent: w.north, Name: "杭州"}})
		w.must(err)
		w.wantEntry("department.renamed", `"from":"集团/华北/杭州分公司"`, `"to":"集团/华北/杭州"`)
		// Its old paths still lead to it, until another department has one of them.
		for path, want := range map[string]id.Department{"集团/华东/杭州/一店": w.shop, "集团/华北/杭州分公司/一店": w.shop, "集团/华东/杭州": w.city} {
			if d, ok := w.tree().ByFormerPath(path); !ok || d.ID != want {
				t.Errorf("%s leads to %v", path, d)
			}
		}
		again := w.department("集团/华东/杭州")
		if d, _ := w.tree().ByPath("集团/华东/杭州"); again == w.city || d.ID != again {
			t.Errorf("the new department at the old path is %v", d)
		}
	})
}

// What is in the bin when its department comes under a hold goes back, all at once or by a job.
func TestWhatComesUnderAHoldLeavesTheBin(t *testing.T) {
	for _, atOnce := range []int64{100, 2} {
		each(t, func(t *testing.T, w *world) {
			w.holds.AtOnce = atOnce
			binned := w.add(w.city, w.shop, w.shop, w.city)
			w.place(hold.Order{Department: w.north, Sub: true})
			w.clock.Advance(1)
			for _, c := range binned {
				w.must(w.discard(c))
			}
			e := w.move(w.city, w.north)
			if len(e.Holds) != 1 || e.Holds[0].Covers != 4 || e.Holds[0].Binned != 4 {
				t.Errorf("%+v", e.Holds)
			}
			waiting := dbtest.Count(t, w.d, &job.Job{}, "kind = ? AND state = 'queued'", hold.JobReturn)
			if (waiting == 1) != (atOnce == 2) {
				t.Errorf("%d jobs wait", waiting)
			}
			w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{hold.JobReturn: &hold.Returner{Holds: w.holds, Chunk: 3}}, job.Options{Once: true}))
			if n := dbtest.Count(t, w.d, &conversation.Conversation{}, "state = ? AND batch_id IS NULL", conversation.Active); n != 4 {
				t.Errorf("%d are back", n)
			}
			for _, c := range binned {
				if err := w.discard(c); fault.KindOf(err) != fault.KindConflict {
					t.Errorf("a held conversation is binned: %v", err)
				}
			}
		})
	}
}

// However departments are moved about, between imports, discards and new holds: a hold covers whatever was
// ever within its reach, and nothing else.
func TestAHoldCoversWhateverWasWithinItsReach(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rnd := rand.New(rand.NewPCG(3, 1))
		deep := "集团/华北"
		for i := range 37 {
			deep += fmt.Sprint("/", i)
			w.department(deep)
		}
		deps := w.tree().Preorder()
		parent, lies := map[id.Department]id.Department{}, map[id.Conversation]id.Department{}
		for _, d := range deps {
			dep, _ := w.tree().Get(d)
			parent[d] = dep.ParentID
		}
		some := func() id.Department { return deps[rnd.IntN(len(deps))] }
		under := func(d, top id.Department, sub bool) bool {
			for ; d != 0; d = parent[d] {
				if d == top || !sub {
					return d == top
				}
			}
			return false
		}
		type known struct {
			*hold.Hold
			covers map[id.Conversation]bool
		}
		var holds []known
		meet := func(k known) {
			for c, d := range lies {
				if under(d, k.DepartmentID, k.Sub) {
					k.covers[c] = true
				}
			}
		}
		moved, binned := 0, 0
		for range 120 {
			switch n := rnd.IntN(10); {
			case n < 3:
				for _, d := range []id.Department{some(), some()} {
					lies[w.add(d)[0]] = d
				}
			case n < 4:
				if all := slices.Sorted(maps.Keys(lies)); len(all) > 0 && w.discard(all[rnd.IntN(len(all))]) == nil {
					binned++
				}
			case n < 5 && len(holds) < 8:
				d, fixed := some(), rnd.IntN(4) == 0
				h, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "保全", Reason: reason, Department: d, Sub: rnd.IntN(4) > 0, Fixed: fixed})
				if fault.KindOf(err) == fault.KindInvalid && fixed {
					continue // nothing matches
				}
				w.must(err)
				k := known{h, map[id.Conversation]bool{}}
				meet(k)
				holds = append(holds, k)
			default:
				d, on := some(), id.Department(0)
				if rnd.IntN(10) > 0 {
					on = some()
				}
				_, err := w.reorg.Move(w.ctx(), w.admin, w.order(d, on))
				if circle := under(on, d, true); circle != (fault.KindOf(err) == fault.KindInvalid && strings.Contains(err.Error(), "below_itself")) {
					t.Fatalf("a circle: %v, %v", circle, err)
				}
				if fault.KindOf(err) == fault.KindInvalid {
					continue
				}
				w.must(err)
				moved++
				parent[d] = on
			}
			for _, k := range holds {
				if k.Continuing {
					meet(k)
				}
				if got, want := w.covered(k.Hold), slices.Sorted(maps.Keys(k.covers)); !slices.Equal(got, want) {
					t.Fatalf("%s covers %v, want %v", k.Code, got, want)
				}
			}
		}
		if moved < 20 || binned == 0 || len(holds) < 4 {
			t.Errorf("%d moves, %d binned, %d holds", moved, binned, len(holds))
		}
	})
}
