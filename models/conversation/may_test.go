package conversation_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
)

// TestMayNeverRulesOutWhatTheDatabaseFinds asks both about the same rows with many filters.
func TestMayNeverRulesOutWhatTheDatabaseFinds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		start := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
		texts := []string{"", "a", "a ", "A", "ä", "客服", "客服 "}
		r := rand.New(rand.NewPCG(1, 2))
		one := func() string { return texts[r.IntN(len(texts))] }
		at := func() time.Time { return start.Add(time.Duration(r.IntN(7)-3) * 333 * time.Nanosecond * 1000) }
		marks := func() *conversation.Marks { // nobody has looked into a third
			m := conversation.Marks(r.IntN(4) | 4<<r.IntN(4))
			if r.IntN(3) == 0 {
				return nil
			}
			return &m
		}
		var rows []any
		kinds := conversation.PersonalKinds()
		for i := range 60 {
			mac := make([]byte, 32)
			mac[0] = byte(i)
			var holds *conversation.Personal // of a third nobody knows
			if p := conversation.Personal(r.IntN(1 << len(kinds))); r.IntN(3) > 0 {
				holds = &p
			}
			rows = append(rows, &conversation.Conversation{
				Personal: holds,
				ID:       id.Conversation(i + 1), Platform: one(), ExternalMAC: mac, DepartmentID: id.Department(1 + r.IntN(3)), ServiceType: one(), AgentID: one(),
				Messages: 1 + r.IntN(5), Marks: marks(), State: conversation.Active, StartedAt: start, LastAt: db.Instant(at()), ContentMAC: mac, CreatedAt: start,
			})
		}
		dbtest.Insert(t, d, rows...)
		answers, languages := []conversation.Answer{"", conversation.Yes, conversation.No}, conversation.Languages()
		list := func() (out []string) {
			for range r.IntN(3) {
				out = append(out, one())
			}
			return out
		}
		found, ruledOut := 0, 0
		for range 400 {
			f := conversation.Filter{Departments: account.Everywhere(), ServiceTypes: list(), Platforms: list(), AgentIDs: list()}
			if r.IntN(2) == 0 {
				f.Departments = account.Within(id.Department(1+r.IntN(3)), id.Department(1+r.IntN(3)))
			}
			if r.IntN(3) == 0 {
				f.Personal = []string{kinds[r.IntN(len(kinds))], kinds[r.IntN(len(kinds))]}
			}
			if r.IntN(3) == 0 {
				f.Least, f.Most = r.IntN(3), r.IntN(6)
				f.Attached, f.Sensitive = answers[r.IntN(3)], answers[r.IntN(3)]
			}
			if r.IntN(4) == 0 {
				f.Languages = []conversation.Language{languages[r.IntN(4)]}
			}
			if r.IntN(3) == 0 {
				f.From = at()
			}
			if r.IntN(3) == 0 {
				f.To = at()
			}
			matches := map[id.Conversation]bool{}
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				var ids []id.Conversation
				err := f.Apply(tx.Model(&conversation.Conversation{})).Pluck("id", &ids).Error
				for _, c := range ids {
					matches[c] = true
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				c := row.(*conversation.Conversation)
				switch {
				case matches[c.ID] && !f.May(c):
					t.Fatalf("%+v matches %+v, and may not", c, f)
				case matches[c.ID]:
					found++
				case !f.May(c):
					ruledOut++
				}
			}
		}
		if found < 100 || ruledOut < 10_000 {
			t.Errorf("%d matches and %d that were ruled out: the test says nothing", found, ruledOut)
		}
	})
}

// Who reads one customer's conversations of another department and asks for a second customer's finds nothing,
// and nothing is counted beside it either.
func TestAReadingOfOneCustomerCountsNothingOfAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		v := vault(t)
		store(t, d, v, one("mine", support, said("你好")), one("other", support, said("你好")))
		s := &conversation.Conversations{DB: d, Vault: v, Index: conversation.NewIndex(d, v, index.Options{})}
		by := accounttest.Actor(account.Supervisor, sales)
		by.Readings = []account.Reading{{Code: "DY-20260301-001", Where: account.Within(support), Customer: v.CustomerMAC("cust-mine"), Until: clock.Time().Add(time.Hour)}}
		find := func(customer string) *conversation.Page {
			t.Helper()
			p, err := s.Search(t.Context(), by, conversation.Query{
				Filter: conversation.Filter{Departments: account.Everywhere()}, Customer: customer, Under: "DY-20260301-001", Zone: time.UTC, Size: 10,
			})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := find("cust-mine"); p.Total != 1 || p.Overview.Departments[support] != 1 {
			t.Errorf("of the reading: %d, %v", p.Total, p.Overview.Departments)
		}
		if p := find("cust-other"); p.Total != 0 || len(p.Overview.Departments) != 0 {
			t.Errorf("of another: %d, %v", p.Total, p.Overview.Departments)
		}
	})
}
