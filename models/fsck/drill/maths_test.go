package drill_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// cases is how many random cases of each rule are looked at.
const cases = 100_000

// seeded gives the numbers of a test; the seed is fixed, so a failure can be seen again.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(2026, 1122)) }

var serviceTypes = []string{"", "咨询", "投诉", "投诉 ", "交易", "法律纠纷", "售后"}

func anyRule(r *rand.Rand, serviceType string) retention.Rule {
	days := []int{0, 1, 29, 183, 365, 366, 1095, 3650, 36_500}
	return retention.Rule{ServiceType: serviceType, FloorDays: days[r.IntN(len(days))], Forever: r.IntN(8) == 0}
}

// kept is what rules mean, said in another way than the policy does: how long each of them that
// applies keeps, the longest of them.
func kept(rules []retention.Rule, serviceType string) (days int, forever bool) {
	for _, r := range rules {
		if r.ServiceType == "" || strings.TrimRight(r.ServiceType, " ") == strings.TrimRight(serviceType, " ") {
			days, forever = max(days, r.FloorDays), forever || r.Forever
		}
	}
	return days, forever
}

// TestTheLongestFloorWins looks at random policies: the longest rule that applies decides, adding
// one never shortens, and the instant at which a conversation may go is exact.
func TestTheLongestFloorWins(t *testing.T) {
	t.Parallel()
	r := seeded()
	for n := range cases {
		rules := []retention.Rule{anyRule(r, "")}
		for range r.IntN(4) {
			rules = append(rules, anyRule(r, serviceTypes[r.IntN(len(serviceTypes))]))
		}
		p, err := retention.New(rules)
		if err != nil {
			t.Fatal(err)
		}
		more, err := retention.New(append(slices.Clone(rules), anyRule(r, serviceTypes[r.IntN(len(serviceTypes))])))
		if err != nil {
			t.Fatal(err)
		}
		of := serviceTypes[r.IntN(len(serviceTypes))]
		last := dbtest.Start.Add(-time.Duration(r.Int64N(int64(4000 * day))))
		days, forever := kept(rules, of)
		end := last.Add(time.Duration(days) * day)
		switch until, mortal := p.Until(of, last); {
		case mortal == forever, mortal && !until.Equal(end):
			t.Fatalf("case %d: %q of %+v is kept until %v (%v), want %v (for ever: %v)", n, of, rules, until, mortal, end, forever)
		case !forever && (p.Within(of, last, end) || !p.Within(of, last, end.Add(-time.Microsecond))):
			t.Fatalf("case %d: the edge of %q of %+v is not at %v", n, of, rules, end)
		}
		if was, is := p.Within(of, last, dbtest.Start), more.Within(of, last, dbtest.Start); was && !is {
			t.Fatalf("case %d: a new rule lets %q of %+v go", n, of, rules)
		}
	}
}

// forest is a random tree of departments, read from a database once, and the same as sets.
type forest struct {
	tree   *department.Tree
	all    []id.Department
	parent map[id.Department]id.Department
}

func plant(t *testing.T, r *rand.Rand, n int) *forest {
	t.Helper()
	d, _ := dbtest.New(t)
	f := &forest{parent: map[id.Department]id.Department{}}
	paths := []string{"集团"}
	for i := range n {
		paths = append(paths, fmt.Sprint(paths[max(0, r.IntN(len(paths)))], "/", i))
	}
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		tree, err := department.Load(tx)
		if err != nil {
			return err
		}
		for _, p := range paths {
			made, _, err := department.Ensure(tx, tree, p)
			if err != nil {
				return err
			}
			f.all, f.parent[made.ID] = append(f.all, made.ID), made.ParentID
		}
		f.tree, err = department.Load(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// under tells whether top is d or above it.
func (f *forest) under(top, d id.Department) bool {
	for ; d != 0; d = f.parent[d] {
		if d == top {
			return true
		}
	}
	return false
}

func (f *forest) some(r *rand.Rand, most int) []id.Department {
	out := make([]id.Department, r.IntN(most+1))
	for i := range out {
		out[i] = f.all[r.IntN(len(f.all))]
	}
	return out
}

// TestTicksAreSets looks at random scopes and ticks in a random tree: what a scope takes is what
// the sets say, and a ticked tree means exactly its boxes.
func TestTicksAreSets(t *testing.T) {
	t.Parallel()
	r := seeded()
	f := plant(t, r, 14)
	for n := range cases {
		s := bin.Scope{Departments: f.some(r, 3), Without: f.some(r, 4), Sub: r.IntN(2) == 0}
		taken := s.Takes(f.tree)
		for _, d := range f.all {
			below := s.Sub && !slices.Contains(s.Without, d) && slices.ContainsFunc(s.Departments, func(top id.Department) bool { return f.under(top, d) })
			if want := below || slices.Contains(s.Departments, d); taken[d] != want {
				t.Fatalf("case %d: %+v takes %d: %v, want %v", n, s, d, taken[d], want)
			}
		}
		f.tick(t, r, n, s, taken)
	}
}

// tick unticks or ticks one box of a scope, as a person does, and compares what is taken then.
func (f *forest) tick(t *testing.T, r *rand.Rand, n int, s bin.Scope, before map[id.Department]bool) {
	t.Helper()
	box := f.all[r.IntN(len(f.all))]
	var boxes []id.Department
	for _, d := range f.all {
		if before[d] != (d == box) { // the others as they were, this one the other way
			boxes = append(boxes, d)
		}
	}
	after := s.Ticked(f.tree, account.Everywhere(), boxes, s.Sub).Takes(f.tree)
	for _, d := range f.all {
		want := before[d]
		if d == box || s.Sub && f.under(box, d) {
			want = !before[box]
		}
		if after[d] != want {
			t.Fatalf("case %d: after the box of %d, %+v takes %d: %v, want %v", n, box, s, d, after[d], want)
		}
	}
}
