package audit

import (
	"fmt"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func departments(t *testing.T, ids ...id.Department) id.Set[id.Department] {
	t.Helper()
	s, err := id.NewSet(ids...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPageShowsWhatWasAskedForAndMaybeSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		gao := Actor{ID: 8, PersonID: 80, Name: "高翔", Role: "agent"}
		start := clock.Time()
		for _, e := range []Entry{
			{Actor: lin, Action: "conversation.discarded", Object: "SC-1", Department: sales},
			{Actor: gao, Action: "conversation.opened", Object: "C-1", Department: sales},
			{Actor: gao, Action: "purge.voted", Object: "PG-1", Department: support, Result: ResultRefused},
			{Action: "audit.checked", Object: "1-3"},
			{Actor: lin, Action: "conversation.opened", Object: "C-12", Department: support},
		} {
			appendAll(t, d, e)
			clock.Advance(time.Hour)
		}
		all := Seen{All: true}
		tests := []struct {
			name string
			f    Filter
			want string // indexes, newest first
		}{
			{"everything for who sees everything", Filter{Seen: all}, "[4 3 2 1 0]"},
			{"nothing for who sees nothing", Filter{}, "[]"},
			{"a department's acts", Filter{Seen: Seen{Departments: departments(t, sales)}}, "[1 0]"},
			{"one's own acts", Filter{Seen: Seen{Own: 8}}, "[2 1]"},
			{"a department's and one's own", Filter{Seen: Seen{Departments: departments(t, sales), Own: 7}}, "[4 1 0]"},
			{"own acts among a department's question", Filter{Seen: Seen{Own: 8}, Department: sales}, "[1]"},
			{"an action", Filter{Seen: all, Actions: []string{"conversation.opened", "audit.checked"}}, "[4 3 1]"},
			{"a person", Filter{Seen: all, Actor: 7}, "[4 0]"},
			{"refusals", Filter{Seen: all, Results: []string{ResultRefused}}, "[2]"},
			{"an object", Filter{Seen: all, Object: "C-1"}, "[1]"},
			{"a text that objects begin with", Filter{Seen: all, Text: "C-1"}, "[4 1]"},
			{"a text that is a name", Filter{Seen: all, Text: "高翔"}, "[2 1]"},
			{"a text with a wildcard", Filter{Seen: all, Text: "%"}, "[]"},
			{"a stretch of time", Filter{Seen: all, From: start.Add(time.Hour), To: start.Add(3 * time.Hour)}, "[2 1]"},
		}
		l := newLog(t, d)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				page, err := l.Page(t.Context(), tt.f, "", 10)
				if err != nil {
					t.Fatal(err)
				}
				got := []int64{}
				for _, leaf := range page.Leaves {
					got = append(got, leaf.N)
				}
				if fmt.Sprint(got) != tt.want || page.Total != int64(len(got)) {
					t.Errorf("got %v of %d, want %s", got, page.Total, tt.want)
				}
			})
		}
		bars, err := l.Histogram(t.Context(), Filter{Seen: all}, []time.Time{start, start.Add(3 * time.Hour), start.Add(5 * time.Hour)})
		if err != nil || len(bars) != 2 || bars[0].View != 1 || bars[0].Change != 1 || bars[0].Danger != 1 || bars[1].View != 2 {
			t.Errorf("histogram %+v %v", bars, err)
		}
	})
}

func TestPagesFollowEachOtherInBothDirections(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		appendMany(t, d, 25)
		l := newLog(t, d)
		walk := func(cursor string, next func(Page) string) (out []string) {
			for range 10 {
				p, err := l.Page(t.Context(), Filter{Seen: Seen{All: true}}, cursor, 10)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, fmt.Sprintf("%d-%d of %d", p.Leaves[0].N, p.Leaves[len(p.Leaves)-1].N, p.Total))
				if cursor = next(p); cursor == "" {
					break
				}
			}
			return out
		}
		if got := fmt.Sprint(walk("", func(p Page) string { return p.Older })); got != "[24-15 of 25 14-5 of 25 4-0 of 25]" {
			t.Errorf("older: %s", got)
		}
		if got := fmt.Sprint(walk("n4", func(p Page) string { return p.Newer })); got != "[14-5 of 25 24-15 of 25]" {
			t.Errorf("newer: %s", got)
		}
		for _, bad := range []string{"x", "o", "o-1", "1", "n1 OR 1=1"} {
			if _, err := l.Page(t.Context(), Filter{}, bad, 10); fault.KindOf(err) != fault.KindInvalid {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}
