package conversation_test

import (
	"fmt"
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
		const n = 100 // of few nothing is remembered
		var batch []conversation.New
		for i := range n {
			batch = append(batch, one(fmt.Sprint("a", i), sales, said("第一句")), one(fmt.Sprint("b", i), sales, said("第二句")), one(fmt.Sprint("c", i), other, said("第一句")))
		}
		out := store(t, d, v, batch...)
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
		look(both, one.Scope, nil, 2*n, 0, map[id.Department]int64{sales: 2 * n, other: n})
		look(one, account.Everywhere(), nil, 2*n, 0, map[id.Department]int64{sales: 2 * n})
		look(both, account.Everywhere(), nil, 3*n, 0, map[id.Department]int64{sales: 2 * n, other: n})
		look(all, nobody.Scope, nil, 0, 0, map[id.Department]int64{sales: 2 * n, other: n})
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
		look(both, one.Scope, nil, 2*n-1, 1, map[id.Department]int64{sales: 2*n - 1, other: n})
		folded(t, s)
		look(both, one.Scope, nil, 2*n-1, 1, map[id.Department]int64{sales: 2*n - 1, other: n})
		// Many ask at once, and more than what is remembered.
		var wg sync.WaitGroup
		for k := range 40 {
			wg.Go(func() {
				f := conversation.Filter{Departments: account.Everywhere(), To: day.AddDate(0, 0, k/2)}
				want, there := int64(3*n-1), int64(n)
				if k < 2 {
					want, there = 0, 0
				}
				p, err := s.Search(t.Context(), both, conversation.Query{Filter: f, Size: 50, Zone: time.UTC})
				if err != nil || p.Total != want || p.Overview.Departments[other] != there {
					t.Errorf("until day %d: %+v, %v", k/2, p, err)
				}
			})
		}
		wg.Wait()
	})
}
