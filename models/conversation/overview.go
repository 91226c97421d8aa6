package conversation

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/id"
	"qingdang/models/index"
)

// Overview is what a search found, counted. Each count of a facet is that of all other conditions with
// this value in place of the facet's own; those of tags are of the conditions as they are.
type Overview struct {
	Departments map[id.Department]int64
	Types       map[string]int64
	Platforms   map[string]int64
	States      map[State]int64 // active, hidden and, for legal, sealed
	Tags        map[string]int64
	Histogram   Histogram
}

// Histogram counts conversations by the time of their last message.
type Histogram struct {
	Unit string // a code of Units
	Bars []Bar
}

// Bar is one part of a histogram: From is included, To is not.
type Bar struct {
	From, To time.Time
	Count    int64
}

// The units of a histogram, UX.md section 4.2.
const (
	Hour  = "hour"
	Day   = "day"
	Week  = "week"
	Month = "month"
)

const day = 24 * time.Hour

// facetKinds are counted without their own condition.
var facetKinds = []index.Kind{index.Department, index.ServiceType, index.Platform, index.State}

// count fills in how much was found, and what of it.
func (l *look) count(p *Page, zone *time.Location) (err error) {
	kinds := []index.Kind{index.State}
	if zone != nil {
		kinds = facetKinds
	}
	if len(l.filter.Traits.marks()) > 0 {
		kinds = slices.Concat(kinds, []index.Kind{index.Mark})
	}
	if p.Exact, err = l.settle(kinds); err != nil {
		return err
	}
	p.Total, p.Binned, p.Unmarked = l.total(), l.binned(), l.unmarked()
	l.plan.Candidates = p.Total
	if zone != nil {
		p.Overview, err = l.overview(zone)
	}
	return err
}

func (l *look) overview(zone *time.Location) (*Overview, error) {
	o, tags := newOverview(), map[string]int64{}
	found, each := make([]*roaring.Bitmap, len(l.parts)), make([]*Overview, len(l.parts))
	err := onAllCores(l.tx.Context(), len(l.parts), func(i int) {
		s := l.parts[i]
		found[i], each[i] = l.meeting(s), newOverview()
		tally(s, index.Tag, found[i], each[i].Tags, func(v string) string { return v })
		tally(s, index.ServiceType, l.base(s, index.ServiceType), each[i].Types, func(v string) string { return v })
		tally(s, index.Platform, l.base(s, index.Platform), each[i].Platforms, func(v string) string { return v })
		tally(s, index.Department, l.base(s, index.Department), each[i].Departments, func(v string) id.Department {
			d, _ := id.Parse[id.Department](v)
			return d
		})
	})
	if err != nil {
		return nil, err
	}
	for _, one := range each {
		sum(tags, one.Tags)
		sum(o.Types, one.Types)
		sum(o.Platforms, one.Platforms)
		sum(o.Departments, one.Departments)
	}
	states := l.states()
	o.States[Active], o.States[Hidden] = states[Active], states[Hidden]
	if !l.filter.hides {
		o.States[Sealed] = states[Sealed]
	}
	names, err := l.s.tagNames.of(l.tx, slices.Collect(maps.Keys(tags)))
	if err != nil {
		return nil, err
	}
	for t, name := range names {
		o.Tags[name] += tags[t]
	}
	o.Histogram = l.histogram(found, zone)
	return o, nil
}

func newOverview() *Overview {
	return &Overview{Departments: map[id.Department]int64{}, Types: map[string]int64{}, Platforms: map[string]int64{}, States: map[State]int64{}, Tags: map[string]int64{}}
}

func sum[K comparable](into, from map[K]int64) {
	for k, n := range from {
		into[k] += n
	}
}

// states counts by state what meets all other conditions.
func (l *look) states() map[State]int64 {
	out := map[State]int64{}
	for _, s := range l.parts {
		tally(s, index.State, l.base(s, index.State), out, func(v string) State {
			n, _ := strconv.Atoi(v)
			return State(n)
		})
	}
	return out
}

// base is what a facet is counted in: what meets all conditions but its own, of what the searcher may see. Of marks that is
// only what has none: the others were told by them, and opening their bodies as well would cost a count its exactness. The
// bitmap must not be changed.
func (l *look) base(s *part, k index.Kind) *roaring.Bitmap {
	if k != index.Mark && (k != index.Department || l.scope.All) && !slices.ContainsFunc(l.conditions, func(c condition) bool { return c.kind == k }) {
		return l.meeting(s)
	}
	out := l.matching(s, k)
	if k == index.Department && !l.scope.All {
		out.And(departments(l.scope)(s.Segment))
	}
	if k == index.Mark {
		out.AndNot(s.AnyOf(index.Mark, everyLanguage.names()))
	}
	return out
}

// binned counts what would be found were it not in the recycle bin.
func (l *look) binned() (n int64) {
	for _, s := range l.parts {
		away := roaring.FastOr(s.Attr(index.State, stateValue(Binned)), s.Attr(index.State, stateValue(Frozen)), s.Attr(index.State, stateValue(Purging)))
		if away.And(s.within); !away.IsEmpty() {
			n += int64(l.cut(away, s, index.State).GetCardinality())
		}
	}
	return n
}

// unmarked counts what might be found were it looked into, where marks are asked for.
func (l *look) unmarked() (n int64) {
	if len(l.filter.Traits.marks()) == 0 {
		return 0
	}
	for _, s := range l.parts {
		n += int64(l.base(s, index.Mark).GetCardinality())
	}
	return n
}

func (l *look) total() (n int64) {
	for _, s := range l.parts {
		n += int64(l.meeting(s).GetCardinality())
	}
	return n
}

func stateValue(s State) string { return strconv.Itoa(int(s)) }

func tally[K comparable](s *part, k index.Kind, in *roaring.Bitmap, into map[K]int64, key func(string) K) {
	s.Tally(k, in, func(v string, n uint64) { into[key(v)] += int64(n) })
}

// histogram divides what was found; found belongs to the parts in their order.
func (l *look) histogram(found []*roaring.Bitmap, zone *time.Location) Histogram {
	from, to := l.filter.From, l.filter.To
	for i, s := range l.parts {
		if found[i].IsEmpty() {
			continue
		}
		first, last := s.LastAt(found[i].Minimum()), s.LastAt(found[i].Maximum())
		if l.filter.From.IsZero() && (from.IsZero() || first.Before(from)) {
			from = first
		}
		if l.filter.To.IsZero() && !last.Before(to) {
			to = last.Add(time.Microsecond)
		}
	}
	if from.IsZero() || to.IsZero() || !from.Before(to) {
		return Histogram{}
	}
	unit := unitOf(to.Sub(from))
	h := Histogram{Unit: unit}
	for at := startOf(from.In(zone), unit); at.Before(to); {
		next := after(at, unit)
		h.Bars = append(h.Bars, Bar{From: at, To: next})
		at = next
	}
	for i, s := range l.parts {
		if found[i].IsEmpty() {
			continue
		}
		lo, _ := s.Range(h.Bars[0].From, time.Time{})
		before := rank(found[i], lo)
		for b, all := 0, found[i].GetCardinality(); b < len(h.Bars) && before < all; b++ {
			_, hi := s.Range(time.Time{}, h.Bars[b].To)
			until := rank(found[i], hi)
			h.Bars[b].Count += int64(until - before)
			before = until
		}
	}
	return h
}

// rank counts what is below an ordinal.
func rank(in *roaring.Bitmap, ord uint32) uint64 {
	if ord == 0 {
		return 0
	}
	return in.Rank(ord - 1)
}

func unitOf(span time.Duration) string {
	switch {
	case span <= 2*day:
		return Hour
	case span <= 90*day:
		return Day
	case span <= 2*366*day:
		return Week
	}
	return Month
}

// startOf gives the beginning of the part of a unit in which an instant lies. Weeks begin on Monday.
func startOf(t time.Time, unit string) time.Time {
	y, m, d := t.Date()
	switch unit {
	case Hour:
		return time.Date(y, m, d, t.Hour(), 0, 0, 0, t.Location())
	case Day:
		return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	case Week:
		return time.Date(y, m, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
	}
	return time.Date(y, m, 1, 0, 0, 0, 0, t.Location())
}

func after(t time.Time, unit string) time.Time {
	switch unit {
	case Hour:
		return t.Add(time.Hour)
	case Day:
		return t.AddDate(0, 0, 1)
	case Week:
		return t.AddDate(0, 0, 7)
	}
	return t.AddDate(0, 1, 0)
}
