package bin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// forest is a random tree with real conversations below a department of its own.
type forest struct {
	parent   map[id.Department]id.Department
	all      []id.Department // parents first
	mine     []id.Department // in the actor's scope
	own      map[id.Department]int64
	excluded map[id.Department]int64
}

func (f *forest) under(top, d id.Department) bool {
	for ; d != 0; d = f.parent[d] {
		if d == top {
			return true
		}
	}
	return false
}

// plantTree grows a tree; the actor may act in its top and in most of the rest.
func plantTree(rt *rapid.T, w *world, n int) *forest {
	f := &forest{parent: map[id.Department]id.Department{}, own: map[id.Department]int64{}, excluded: map[id.Department]int64{}}
	paths := []string{fmt.Sprint("集团/林", n)}
	for i := range rapid.IntRange(0, 7).Draw(rt, "departments") {
		paths = append(paths, fmt.Sprint(rapid.SampledFrom(paths).Draw(rt, "below"), "/", i))
	}
	byPath := map[string]id.Department{}
	for i, p := range paths {
		d := w.department(p)
		byPath[p] = d
		f.parent[d] = byPath[p[:strings.LastIndex(p, "/")]]
		f.all = append(f.all, d)
		if i == 0 || rapid.IntRange(0, 5).Draw(rt, "scope") > 0 {
			f.mine = append(f.mine, d)
		}
	}
	return f
}

// plant is plantTree with conversations, some of them protected, some hidden.
func plant(rt *rapid.T, w *world, n int) *forest {
	f := plantTree(rt, w, n)
	var chats []chat
	for _, d := range f.all {
		f.own[d] = int64(rapid.IntRange(0, 3).Draw(rt, "chats"))
		f.excluded[d] = int64(rapid.IntRange(0, int(f.own[d])).Draw(rt, "protected"))
		for k := range f.own[d] {
			c := chat{dep: d, hidden: k%2 == 1}
			if k < f.excluded[d] {
				c.class = "法律纠纷"
			}
			chats = append(chats, c)
		}
	}
	if len(chats) > 0 {
		w.store(chats...)
	}
	return f
}

// sums is what a scope must give, computed on sets.
type sums struct {
	taken                              map[id.Department]bool
	matching, residue, excluded, moves int64
	outside                            int
}

func (f *forest) sum(s bin.Scope, within account.Scope) sums {
	out := sums{taken: map[id.Department]bool{}}
	for _, d := range f.all {
		below := slices.ContainsFunc(s.Departments, func(top id.Department) bool { return f.under(top, d) })
		switch {
		case !below:
			continue
		case !within.Has(d):
			out.outside++
			continue
		}
		out.taken[d] = slices.Contains(s.Departments, d) || s.Sub && !slices.Contains(s.Without, d)
		out.matching += f.own[d]
		if out.taken[d] {
			out.excluded, out.moves = out.excluded+f.excluded[d], out.moves+f.own[d]-f.excluded[d]
		} else {
			out.residue += f.own[d]
		}
	}
	return out
}

// TestTakenAndLeftAddUpForAnyTicks compares previews with sets that are computed here, and
// their effect with the previews.
func TestTakenAndLeftAddUpForAnyTicks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			f := plant(rt, w, n)
			by := w.boss
			by.Scope = account.Within(f.mine...)
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(f.mine), 1, len(f.mine), rapid.ID)
			s := bin.Scope{Departments: some.Draw(rt, "ticked"), Sub: rapid.Bool().Draw(rt, "sub")}
			if rapid.Bool().Draw(rt, "some left out") {
				s.Without = some.Draw(rt, "left out")
			}
			p, err := w.bin.Preview(w.ctx(), by, s, rapid.Uint64().Draw(rt, "draw"))
			if err != nil {
				rt.Fatal(err)
			}
			wantSums(rt, p, f.sum(s, by.Scope), f.own)
			wantEffect(rt, w, by, s, p)
		})
		w.wantWhole()
	})
}

func wantSums(rt *rapid.T, p *bin.Preview, want sums, own map[id.Department]int64) {
	if p.Matching != want.matching || p.Residue != want.residue || p.Excluded.Total() != want.excluded || p.Moves != want.moves || p.Outside != want.outside {
		rt.Fatalf("%+v\nwant %+v", p, want)
	}
	if p.Matching != p.Residue+p.Excluded.Total()+p.Moves || len(p.Sample) != int(min(5, p.Moves)) {
		rt.Fatalf("the numbers do not add up: %+v", p)
	}
	var left int64
	for _, r := range p.Left() {
		left += r.Count
	}
	if left != p.Residue {
		rt.Fatalf("%d are left one by one, %d in all", left, p.Residue)
	}
	for _, share := range p.Shares {
		if share.Taken != want.taken[share.DepartmentID] || share.Matching != own[share.DepartmentID] {
			rt.Fatalf("share %+v, want taken %v and %d", share, want.taken[share.DepartmentID], own[share.DepartmentID])
		}
	}
}

// wantEffect carries a scope out: what the preview said is what happens (invariant I14).
func wantEffect(rt *rapid.T, w *world, by account.Actor, s bin.Scope, p *bin.Preview) {
	if p.Moves == 0 {
		if _, _, err := w.bin.Freeze(w.ctx(), by, w.draft(by, s)); fault.KindOf(err) != fault.KindInvalid {
			rt.Fatalf("an empty list froze: %v", err)
		}
		return
	}
	before := w.count(&conversation.Conversation{}, "state = ?", conversation.Binned)
	batch := w.discard(by, s)
	if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Binned) - before; n != p.Moves || batch.Moved != n {
		rt.Fatalf("%d moved (%d), the preview said %d", n, batch.Moved, p.Moves)
	}
	for _, share := range p.Shares {
		stays := w.count(&conversation.Conversation{}, "department_id = ? AND state <> ?", share.DepartmentID, conversation.Binned)
		if stays != share.Matching-share.Moves {
			rt.Fatalf("%d stay in %s, the preview said %d", stays, share.Path, share.Matching-share.Moves)
		}
	}
	residue, err := batch.ResidueList()
	if err != nil || len(residue) != len(p.Left()) || batch.ResidueCount != p.Residue || batch.Bytes != p.Bytes {
		rt.Fatalf("the batch left %v, %v; the preview said %v", residue, err, p.Left())
	}
}

func TestAScopeByHowMuchWasSaidAndWhatIsInIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{}, chat{replies: 3}, chat{replies: 8})
		dbtest.Exec(t, w.d, "UPDATE conversation SET marks = NULL WHERE messages > 5") // nobody has looked into the long one
		for _, tt := range []struct {
			name string
			of   conversation.Traits
			want int64
		}{
			{"short ones", conversation.Traits{Most: 3}, 1},
			{"long ones", conversation.Traits{Least: 4}, 2},
			{"between", conversation.Traits{Least: 2, Most: 8}, 1},
			{"without an attachment, as far as is known", conversation.Traits{Attached: conversation.No}, 2},
			{"with one", conversation.Traits{Attached: conversation.Yes}, 0},
			{"Chinese", conversation.Traits{Languages: []conversation.Language{conversation.Chinese}, Sensitive: conversation.No}, 1}, // of the shortest the name is a word in letters
		} {
			s := w.in(w.city)
			s.Traits = tt.of
			draft := w.draft(w.local, s)
			d, err := w.bin.Draft(w.ctx(), w.local, draft)
			w.must(err)
			p, err := w.bin.Preview(w.ctx(), w.local, d.Form.Scope, 0)
			if err != nil || p.Matching != tt.want {
				t.Errorf("%s: %+v, %v; want %d", tt.name, p, err, tt.want)
			}
		}
		s := w.in(w.city)
		s.Traits = conversation.Traits{Least: 5, Most: 4}
		if _, err := w.bin.NewDraft(w.ctx(), w.local, s); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("numbers that exclude each other: %v", err)
		}
	})
}

// What was marked by another list of words is taken for not looked into: who deletes what has no sensitive word does not
// delete it, neither by conditions nor as chosen of a search.
func TestMarksOfAnotherListOfWordsAreNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{}, chat{})
		dbtest.Exec(t, w.d, "UPDATE conversation SET marks_list = 1 WHERE id = ?", ids[0])
		s := w.in(w.city)
		for answer, want := range map[conversation.Answer]int64{conversation.No: 2, conversation.Yes: 0, "": 3} {
			s.Sensitive = answer
			if p, err := w.bin.Preview(w.ctx(), w.local, s, 0); err != nil || p.Matching != want {
				t.Errorf("sensitive %q: %+v, %v; want %d", answer, p, err, want)
			}
		}
		s.Sensitive = conversation.No
		_, counts, err := w.bin.Tree(w.ctx(), w.local, s)
		if err != nil || counts[w.city].Matching != 2 {
			t.Errorf("the tree: %+v, %v", counts, err)
		}
		w.bin.WordsList = 1
		if p, err := w.bin.Preview(w.ctx(), w.local, s, 0); err != nil || p.Matching != 1 {
			t.Errorf("by the other list: %+v, %v", p, err)
		}
		w.bin.WordsList = 0
		draft, err := w.bin.NewPicked(w.ctx(), w.boss, ids, bin.Picked{All: true, Of: bin.Scope{Traits: s.Traits}})
		w.must(err)
		if p, err := w.bin.Preview(w.ctx(), w.boss, w.scopeOf(draft), 0); err != nil || p.Matching != 2 {
			t.Errorf("chosen of a search: %+v, %v", p, err)
		}
		w.discard(w.local, s)
		w.wantStates(ids[:1], conversation.Active)
		w.wantStates(ids[1:], conversation.Binned)
	})
}

func TestBothDaysAreIncludedInTheOrganisationsZone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := time.Date(2025, 12, 31, 0, 0, 0, 0, shanghai)
		w.store(chat{at: first.Add(-time.Microsecond)}, chat{at: first}, chat{at: first.Add(2*day - time.Microsecond)}, chat{at: first.Add(2 * day)})
		tests := []struct {
			name string
			edit func(s *bin.Scope)
			want int64
		}{
			{"two days", func(s *bin.Scope) { s.From, s.To = "2025-12-31", "2026-01-01" }, 2},
			{"one day", func(s *bin.Scope) { s.From, s.To = "2026-01-01", "2026-01-01" }, 1},
			{"from a day on", func(s *bin.Scope) { s.From = "2026-01-01" }, 2},
			{"up to a day", func(s *bin.Scope) { s.To = "2025-12-30" }, 1},
			{"older than some days", func(s *bin.Scope) { s.OlderThan = 325 }, 2}, // that is up to 2025-12-31
		}
		for _, tt := range tests {
			s := w.in(w.city)
			tt.edit(&s)
			d, err := w.bin.Draft(w.ctx(), w.local, w.draft(w.local, s))
			w.must(err)
			p, err := w.bin.Preview(w.ctx(), w.local, d.Form.Scope, 0)
			if err != nil || p.Matching != tt.want {
				t.Errorf("%s: %+v, %v; want %d", tt.name, p, err, tt.want)
			}
		}
	})
}
