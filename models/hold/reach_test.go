package hold_test

import (
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// Legal of one department cannot reach below it by ticking its sub-departments.
func TestSubDepartmentsOutsideTheScopeAreNotReached(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, w.city)
		local := w.legal
		local.Scope = account.Within(w.east)
		order := hold.Order{Name: "x", Reason: reason, Department: w.east, Sub: true}
		if _, err := w.holds.Preview(w.ctx(), local, order); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("counted: %v", err)
		}
		_, err := w.holds.Place(w.ctx(), local, order)
		w.wantFault(err, "hold.sub_outside")
		w.wantCovered()
	})
}

func TestReachingForAHiddenHoldIsWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.place(hold.Order{Department: w.north})
		other := w.second
		other.Scope = account.Within(w.city)
		acts := map[string]func() error{
			"reading": func() error { _, err := w.holds.Get(w.ctx(), other, h.ID); return err },
			"deciding": func() error {
				_, err := w.holds.ApproveRelease(w.ctx(), other, hold.Ballot{Hold: h.ID, SeenRoot: strings.Repeat("0", 64), Opinion: "x"})
				return err
			},
			"cancelling": func() error { return w.holds.CancelRelease(w.ctx(), other, h.ID, reason) },
			"reviewing":  func() error { return w.holds.Review(w.ctx(), other, hold.Reviewing{Hold: h.ID, Note: "x"}) },
			"customers":  func() error { _, err := w.holds.Customers(w.ctx(), other, h.ID); return err },
			"asking":     func() error { _, err := w.holds.RequestRelease(w.ctx(), other, h.ID, reason); return err },
		}
		for name, act := range acts {
			before := w.refusals(h.Code)
			w.wantFault(act(), "hold.not_found")
			if got := w.refusals(h.Code) - before; got != 1 {
				t.Errorf("%s: %d entries, want 1", name, got)
			}
		}
	})
}

// A release names the customers too: whoever agrees to it has seen all of them.
// Whoever lists customers learns before, masked, of whom nothing matches, by all conditions; the log keeps how many.
func TestCustomersWithoutAMatchAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.city)
		o := hold.Order{Kind: hold.OnCustomers, Customers: []string{"tb", "tb_unknown_1", "tb_unknown_2"}}
		c, err := w.holds.Preview(w.ctx(), w.legal, o)
		w.must(err)
		if c.Customers != 3 || len(c.Unmatched) != 2 || c.Unmatched[0] != "tb_u***_1" || c.Unmatched[1] != "tb_u***_2" || c.Total() != 1 {
			t.Errorf("%+v", c)
		}
		o.Criteria.Departments = []id.Department{w.north}
		if c, err = w.holds.Preview(w.ctx(), w.legal, o); err != nil || len(c.Unmatched) != 3 {
			t.Errorf("elsewhere: %+v, %v", c, err)
		}
		o.Criteria.Departments = nil
		h := w.place(o)
		var leaf string
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("action = 'hold.placed' AND object = ?", h.Code).Pluck("leaf", &leaf).Error
		}))
		if !contains(leaf, `"customers_unmatched":2`) || !contains(leaf, `"customers":3`) || contains(leaf, "unknown") {
			t.Errorf("the entry says %s", leaf)
		}
	})
}

func TestCustomersBelongToWhatIsReleased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.city)
		h := w.place(hold.Order{Kind: hold.OnCustomers, Customers: []string{"tb", "tb2"}})
		r, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
		w.must(err)
		w.approve(r)
		dbtest.Exec(t, w.d, "DELETE FROM hold_customer WHERE customer_mac = (SELECT m FROM (SELECT MIN(customer_mac) AS m FROM hold_customer) x)")
		w.clock.Advance(hold.Buffer)
		w.tick()
		if d := w.now(h); d.ReleasedAt != nil {
			t.Error("released although its customers were changed")
		}
	})
}

func (w *world) refusals(object string) int64 {
	w.t.Helper()
	return dbtest.Count(w.t, w.d, &leaf{}, "object = ? AND result = 'refused'", object)
}
