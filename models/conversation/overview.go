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
	Messages    int64 // of all that was found together
	Histogram   Histogram
}

// Histogram counts conversations by the time of their last message. Where a time was chosen, Framed says that
// bars before and after it are there, too, and what lies beside it was counted.
type Histogram struct {
	Unit   string // a code of Units
	Bars   []Bar
	Framed bool
}

// Bar is one part of a histogram: From is included, To is not. Beside is what of it lies outside the chosen
// time and meets all other conditions.
type Bar struct {
	From, To      time.Time
	Count, Beside int64
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

// countedKinds are what an overview counts by.
var countedKinds = append([]index.Kind{index.Tag}, facetKinds...)

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
	states := l.states()
	p.Total, p.Binned, p.Unmarked = l.total(), states[Binned]+states[Frozen]+states[Purging], l.unmarked()
	l.plan.Candidates = p.Total
	if zone != nil {
		p.Overview, err = l.overview(zone, states, p.Exact)
	}
	return err
}

func (l *look) overview(zone *time.Location, states map[State]int64, exact bool) (*Overview, error) {
	found := make([]*roaring.Bitmap, len(l.parts))
	err := onAllCores(l.tx.Context(), len(l.parts), func(i int) {
		s := l.parts[i]
		found[i] = l.meeting(s)
		for _, k := range countedKinds {
			l.tally(s, k)
		}
		l.said(s)
	})
	if err != nil {
		return nil, err
	}
	tags, departments := l.sum(index.Tag), l.sum(index.Department)
	o := &Overview{Departments: make(map[id.Department]int64, len(departments)), Types: l.sum(index.ServiceType), Platforms: l.sum(index.Platform), States: map[State]int64{}, Tags: make(map[string]int64, len(tags))}
	for v, n := range departments {
		d, _ := id.Parse[id.Department](v)
		o.Departments[d] += n
	}
	o.States[Active], o.States[Hidden] = states[Active], states[Hidden]
	if !l.filter.hides {
		o.States[Sealed] = states[Sealed]
	}
	for _, s := range l.parts {
		o.Messages += l.said(s)
	}
	names, err := l.s.tagNames.of(l.tx, slices.Collect(maps.Keys(tags)))
	if err != nil {
		return nil, err
	}
	for t, name := range names {
		o.Tags[name] += tags[t]
	}
	o.Histogram = l.histogram(found, zone)
	return o, l.frame(&o.Histogram, exact)
}

// sum counts by value what a facet is counted in.
func (l *look) sum(k index.Kind) map[string]int64 {
	out := map[string]int64{}
	for _, s := range l.parts {
		for _, c := range l.tally(s, k) {
			out[c.value] += c.n
		}
	}
	return out
}

// states counts by state what meets all other conditions.
func (l *look) states() map[State]int64 {
	out := map[State]int64{}
	for v, n := range l.sum(index.State) {
		s, _ := strconv.Atoi(v)
		out[State(s)] += n
	}
	return out
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
		next := later(at, unit, 1)
		h.Bars = append(h.Bars, Bar{From: at, To: next})
		at = next
	}
	for i, s := range l.parts {
		h.count(s, found[i], func(b *Bar) *int64 { return &b.Count })
	}
	return h
}

// count adds to bars, or what stands beside them, how much of a part falls on each.
func (h *Histogram) count(s *part, found *roaring.Bitmap, of func(*Bar) *int64) {
	if found.IsEmpty() {
		return
	}
	lo, _ := s.Range(h.Bars[0].From, time.Time{})
	before := rank(found, lo)
	for b, all := 0, found.GetCardinality(); b < len(h.Bars) && before < all; b++ {
		_, hi := s.Range(time.Time{}, h.Bars[b].To)
		until := rank(found, hi)
		*of(&h.Bars[b]) += int64(until - before)
		before = until
	}
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

// later is the beginning of the part n parts on, or back.
func later(t time.Time, unit string, n int) time.Time {
	switch unit {
	case Hour:
		return t.Add(time.Duration(n) * time.Hour)
	case Day:
		return t.AddDate(0, 0, n)
	case Week:
		return t.AddDate(0, 0, 7*n)
	}
	return t.AddDate(0, n, 0)
}
