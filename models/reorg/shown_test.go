package reorg_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/reorg"
)

// A move changes in which departments people act: one permission is not enough, whoever has it.
func TestBothPermissionsAreNeededToMove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.order(w.city, w.north)
		mayOne := 0
		for _, role := range account.Roles() {
			by := accounttest.Actor(role)
			both := by.May(account.OrgEdit) && by.May(account.AccountManage)
			_, seen := w.reorg.Preview(w.ctx(), by, o)
			if (seen == nil) != both {
				t.Errorf("%s with both %v: %v", role, both, seen)
			}
			if both {
				mayOne++
				continue
			}
			if _, err := w.reorg.Move(w.ctx(), by, o); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s moves: %v", role, err)
			}
		}
		if mayOne == 0 || w.tree().Path(w.city) != "集团/华东/杭州" {
			t.Errorf("%d roles may; 杭州 is at %s", mayOne, w.tree().Path(w.city))
		}
	})
}

// Whoever moves has seen what the move touches: people, holds and places. Each of them changed in between refuses it;
// how many conversations there are does not.
func TestAMoveIsWhatWasShown(t *testing.T) {
	meanwhile := map[string]func(w *world){
		"somebody else acts there": func(w *world) {
			by := accounttest.User(w.t, w.d, w.accounts, account.Supervisor, w.north)
			w.scope(by, account.ScopeRow{Department: w.north, Sub: true})
		},
		"somebody acts there no more": func(w *world) { w.scope(w.boss, account.ScopeRow{Department: w.east}) },
		"a hold came":                 func(w *world) { w.place(hold.Order{Department: w.north, Sub: true}) },
		"it hangs elsewhere":          func(w *world) { w.move(w.city, w.root) },
		"what is below it changed":    func(w *world) { w.move(w.shop, w.root) },
	}
	for name, change := range meanwhile {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				o := w.order(w.city, w.north)
				e, err := w.reorg.Preview(w.ctx(), w.admin, o)
				w.must(err)
				o.Seen = e.Fingerprint
				change(w)
				was := w.tree().Path(w.city)
				_, err = w.reorg.Move(w.ctx(), w.admin, o)
				w.wantKey(err, "department.effect_changed")
				if is := w.tree().Path(w.city); is != was {
					t.Errorf("it moved from %s to %s", was, is)
				}
			})
		})
	}
	t.Run("more conversations change nothing", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			o := w.order(w.city, w.north)
			e, err := w.reorg.Preview(w.ctx(), w.admin, o)
			w.must(err)
			o.Seen = e.Fingerprint
			w.add(w.city, w.shop)
			_, err = w.reorg.Move(w.ctx(), w.admin, o)
			w.must(err)
		})
	})
}

// imported sends one conversation under a path, as an export of the platform still says it, and tells whether it came.
func (w *world) imported(by account.Actor, path, code string) bool {
	w.t.Helper()
	err := (&intake.Importer{DB: w.d, Vault: w.vault}).Add(w.ctx(), by, slices.Values([]*format.Conversation{{
		Platform: "qianniu", ExternalID: code, DepartmentPath: path, CustomerID: "tb_1", ServiceType: "咨询",
		Messages: []format.Message{{ID: "1", Sender: "customer", At: time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC), Kind: "text", Text: "您好"}},
	}}))
	if err != nil && !strings.Contains(err.Error(), "have no place") {
		w.t.Fatal(err)
	}
	return err == nil
}

// An old path leads to where the department is now, for whoever acts there, until another department has that path.
func TestAnImportUnderAnOldPathGoesWhereTheDepartmentIsNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.move(w.city, w.north)
		const was, shopWas = "集团/华东/杭州", "集团/华东/杭州/一店"
		in := func(d id.Department) int64 {
			return dbtest.Count(t, w.d, &conversation.Conversation{}, "department_id = ?", d)
		}
		if came := w.imported(account.System("cli", ""), was, "p1"); !came || in(w.city) != 1 {
			t.Errorf("came %v, %d lie in the moved department", came, in(w.city))
		}
		if came := w.imported(account.System("cli", ""), shopWas, "p2"); !came || in(w.shop) != 1 {
			t.Errorf("came %v, %d lie below it", came, in(w.shop))
		}
		// Whoever acts in the old place alone is let nowhere by the path.
		local := w.admin
		local.Scope = account.Within(w.east)
		if came := w.imported(local, was, "p3"); came || in(w.city) != 1 {
			t.Errorf("%v: it came for somebody who acts elsewhere", came)
		}
		fresh := w.department(was)
		if came := w.imported(account.System("cli", ""), was, "p4"); !came || in(fresh) != 1 || in(w.city) != 1 {
			t.Errorf("came %v, %d lie in the department that has the path now, %d in the one that had it", came, in(fresh), in(w.city))
		}
		if came := w.imported(account.System("cli", ""), shopWas, "p5"); !came || in(w.shop) != 2 {
			t.Errorf("came %v, %d lie in the shop, whose path nobody took", came, in(w.shop))
		}
		if slices.Contains(w.tree().Subtree(fresh), w.shop) {
			t.Error("the shop hangs on the new department")
		}
		_, err := w.reorg.Preview(w.ctx(), w.admin, reorg.Order{Department: w.city, To: w.order(w.city, w.east).To})
		w.wantKey(err, "department.name_taken")
	})
}
