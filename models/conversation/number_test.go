package conversation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/words"
)

// A page asked for by its number has the rows that walking there gives, out of several segments and what waits beside
// them, several at one instant; the log says where it began.
func TestAPageHasANumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const n, size, last = 260, 17, 16
		v := vault(t)
		indexed := process(d, v)
		var news []conversation.New
		for i := range n {
			m := said("第一句")
			m[0].At += conversation.Micros(i % 5 * 3600e6)
			if i < 150 {
				m[0].At = conversation.MicrosOf(day.Add(150 * time.Minute))
			}
			if news = append(news, one(fmt.Sprint("e", i), sales, m)); i%100 == 99 || i == n-1 {
				store(t, d, v, news...)
				news = nil
			}
			if i == 99 || i == 199 {
				folded(t, indexed)
			}
		}
		by := accounttest.Actor(account.Supervisor, sales)
		for way, s := range map[string]*conversation.Conversations{conversation.WayIndex: indexed, conversation.WayRows: {DB: d, Vault: v}} {
			ask := func(q conversation.Query) (*conversation.Page, []id.Conversation) {
				q.Departments = account.Everywhere()
				p, err := s.Search(t.Context(), by, q)
				if err != nil || p.Plan.Way != way || p.Total != n {
					t.Fatalf("%d found by %s, %v", p.Total, p.Plan.Way, err)
				}
				ids := make([]id.Conversation, len(p.Rows))
				for i, r := range p.Rows {
					ids[i] = r.ID
				}
				return p, ids
			}
			for _, oldest := range []bool{false, true} {
				_, all := ask(conversation.Query{Size: 100, Oldest: oldest})
				_, second := ask(conversation.Query{Size: 100, Oldest: oldest, Number: 2})
				_, third := ask(conversation.Query{Size: 100, Oldest: oldest, Number: 3})
				all = slices.Concat(all, second, third)
				for _, number := range []int{1, 2, 8, 9, 16, 99} {
					at := max(min(number, last)-1, 0) * size
					p, got := ask(conversation.Query{Size: size, Oldest: oldest, Number: number})
					if want := all[at:min(at+size, n)]; !slices.Equal(got, want) || p.Skipped != int64(at) {
						t.Errorf("%s, oldest first %v: page %d is %v, want %v", way, oldest, number, got, want)
					}
					before, next := p.Newer, p.Older
					if oldest {
						before, next = next, before
					}
					for _, to := range []struct {
						cursor string
						want   []id.Conversation
					}{{before, all[max(at-size, 0):at]}, {next, all[min(at+size, n):min(at+2*size, n)]}} {
						if to.cursor == "" {
							got = nil
						} else {
							_, got = ask(conversation.Query{Size: size, Oldest: oldest, Cursor: to.cursor, Number: 3})
						}
						if !slices.Equal(got, to.want) {
							t.Errorf("%s, oldest first %v: from page %d to %v, want %v", way, oldest, number, got, to.want)
						}
					}
				}
			}
		}
		leaves := leavesOf(t, d, "conversation.searched")
		if told := slices.DeleteFunc(leaves, func(l string) bool { return !strings.Contains(l, `"first_row"`) }); len(told) != 4*7 || !strings.Contains(told[0], `"first_row":101`) {
			t.Errorf("%d entries say where a page begins: %s", len(told), told)
		}
	})
}

// Where only bodies can tell how many there are, nobody knows what is the third page.
func TestWhereCountsAreNotExactPagesHaveNoNumbers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		s := process(d, v)
		var news []conversation.New
		for i := range 300 {
			news = append(news, one(fmt.Sprint("e", i), sales, said("退款到账慢")))
		}
		store(t, d, v, news...)
		folded(t, s)
		first, err := find(t, s, "到账慢")
		if err != nil || first.Exact {
			t.Fatalf("%+v, %v", first, err)
		}
		w, err := words.Parse("到账慢")
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Words: w, Size: 50, Number: 3})
		if err != nil || p.Skipped != 0 || p.Newer != "" || p.Older != first.Older || p.Rows[0].ID != first.Rows[0].ID {
			t.Errorf("%d passed over, %v", p.Skipped, err)
		}
	})
}
