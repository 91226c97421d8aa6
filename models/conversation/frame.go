package conversation

import (
	"errors"
	"slices"
	"time"

	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

// How many bars stand before and after a chosen time: half as many as it has, but not fewer than a week has
// days, and with it no more than a chart shows.
const (
	fewBeside = 7
	mostBars  = 120
)

// frame puts bars before and after a chosen time. It costs what a search of them would: no more than a search of
// the time itself, or of a few bars. Where that cannot be told as exactly as the rest, there are none; nor is
// anything told of what lies beside the time of a reading.
func (l *look) frame(h *Histogram, exact bool) error {
	n := min(max(len(h.Bars)/2, fewBeside), (mostBars-len(h.Bars))/2)
	if chosen := !l.filter.From.IsZero() || !l.filter.To.IsZero(); !chosen || l.filter.bounded || len(h.Bars) == 0 || n <= 0 {
		return nil
	}
	wide := Histogram{Unit: h.Unit, Bars: slices.Clone(h.Bars), Framed: true}
	from, to := l.filter.To, l.filter.From // where one end is open, all of that side was chosen
	if !l.filter.From.IsZero() {
		wide.Bars = slices.Concat(barsFrom(later(h.Bars[0].From, h.Unit, -n), h.Unit, n), wide.Bars)
		from = wide.Bars[0].From
	}
	if !l.filter.To.IsZero() {
		to = h.Bars[len(h.Bars)-1].To
		wide.Bars = append(wide.Bars, barsFrom(to, h.Unit, n)...)
		to = wide.Bars[len(wide.Bars)-1].To
	}
	o, err := l.besideTime(from, to)
	if err == nil && exact {
		exact, err = o.settle(nil)
		l.plan.Opened, l.plan.Confirmed, l.stale = o.plan.Opened, o.plan.Confirmed, l.stale || o.stale
		if err == nil && !exact {
			return nil
		}
	}
	switch {
	case errors.Is(err, index.ErrBehind), errors.Is(err, index.ErrUnreadable), fault.KindOf(err) == fault.KindBusy:
		return nil // what was searched for is there all the same
	case err != nil:
		return err
	}
	for _, s := range o.parts {
		wide.count(s, o.meeting(s), func(b *Bar) *int64 { return &b.Beside })
	}
	*h = wide
	return nil
}

func barsFrom(at time.Time, unit string, n int) []Bar {
	bars := make([]Bar, n)
	for i := range bars {
		bars[i] = Bar{From: later(at, unit, i), To: later(at, unit, i+1)}
	}
	return bars
}

// besideTime is a look at what else lies in a wider time, by all other conditions.
func (l *look) besideTime(from, to time.Time) (*look, error) {
	o := &look{
		s: l.s, tx: l.tx, view: l.view, filter: l.filter, scope: l.scope, words: l.words, conditions: l.conditions, own: l.own,
		but: &span{l.filter.From, l.filter.To}, opened: map[id.Conversation]*entry{}, plan: &Plan{Opened: l.plan.Opened, Confirmed: l.plan.Confirmed},
	}
	o.filter.From, o.filter.To = from, to
	return o, o.prepare()
}
