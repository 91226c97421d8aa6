package conversation_test

import (
	"maps"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// Segments remember answers. What two people ask may leave the same conversations while they see different
// departments, and what was remembered must not outlive a change.
func TestARememberedAnswerIsOfItsOwnQuestion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const other = sales + 1
		v := vault(t)
		s := process(d, v)
		out := store(t, d, v, one("a", sales, said("第一句")), one("b", sales, said("第二句")), one("c", other, said("第一句")))
		folded(t, s)
		look := func(by account.Actor, of account.Scope, states []conversation.State, total, binned int64, want map[id.Department]int64) {
			t.Helper()
			for range 2 {
				p, err := s.Search(t.Context(), by, conversation.Query{Filter: conversation.Filter{Departments: of, States: states}, Size: 50, Zone: time.UTC})
				if err != nil {
					t.Fatal(err)
				}
				if p.Total != total || p.Binned != binned || !maps.Equal(p.Overview.Departments, want) {
					t.Errorf("%d and %d in the bin, by department %v, want %d, %d, %v", p.Total, p.Binned, p.Overview.Departments, total, binned, want)
				}
			}
		}
		both, all := accounttest.Actor(account.Supervisor, sales, other), accounttest.Actor(account.Legal)
		all.Scope = account.Everywhere()
		nobody, one := accounttest.Actor(account.Supervisor), accounttest.Actor(account.Supervisor, sales)
		look(both, one.Scope, nil, 2, 0, map[id.Department]int64{sales: 2, other: 1})
		look(one, account.Everywhere(), nil, 2, 0, map[id.Department]int64{sales: 2})
		look(both, account.Everywhere(), nil, 3, 0, map[id.Department]int64{sales: 2, other: 1})
		look(all, nobody.Scope, nil, 0, 0, map[id.Department]int64{sales: 2, other: 1})
		look(nobody, account.Everywhere(), nil, 0, 0, map[id.Department]int64{})
		look(both, one.Scope, []conversation.State{conversation.Hidden}, 0, 0, map[id.Department]int64{})
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.MarkAudited()
			set, err := id.NewSet(out[0].ID)
			if err == nil {
				_, err = conversation.Move(tx, set, conversation.Active, conversation.Binned, nil)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		look(both, one.Scope, nil, 1, 1, map[id.Department]int64{sales: 1, other: 1})
		folded(t, s)
		look(both, one.Scope, nil, 1, 1, map[id.Department]int64{sales: 1, other: 1})
		// Many ask at once, and more than what is remembered.
		var wg sync.WaitGroup
		for n := range 40 {
			wg.Go(func() {
				f := conversation.Filter{Departments: account.Everywhere(), To: day.AddDate(0, 0, n/2)}
				want := int64(2)
				if n < 2 {
					want = 0
				}
				p, err := s.Search(t.Context(), both, conversation.Query{Filter: f, Size: 50, Zone: time.UTC})
				if err != nil || p.Total != want || p.Overview.Departments[other] != want/2 {
					t.Errorf("until day %d: %+v, %v", n/2, p, err)
				}
			})
		}
		wg.Wait()
	})
}
