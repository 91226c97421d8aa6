package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// SearchHistogram is when what was found was written to last. Unit is hour, day, week or month. Framed says that
// some of what lies before and after the chosen time stands beside it.
type SearchHistogram struct {
	Unit   string
	Bars   []SearchBar
	Framed bool
}

// SearchBar is one part of it: From is included, To is not. Beside is what of it lies outside the chosen time.
type SearchBar struct {
	From, To      time.Time
	Count, Beside int64
}

// mostBars is how many bars are drawn with the empty ones at both ends.
const mostBars = 120

// bars are those that are drawn: empty ones at the ends are not, where they are beside the chosen time, or there
// are too many.
func (v ConversationsView) bars(ctx context.Context) []SearchBar {
	bars := v.Histogram.Bars
	many := len(bars) > mostBars
	drop := func(b SearchBar) bool { return b.Count+b.Beside == 0 && (many || v.outside(ctx, b)) }
	for len(bars) > 0 && drop(bars[0]) {
		bars = bars[1:]
	}
	for len(bars) > 0 && drop(bars[len(bars)-1]) {
		bars = bars[:len(bars)-1]
	}
	return bars
}

// outside tells whether nothing of a bar is in the chosen time.
func (v ConversationsView) outside(ctx context.Context, b SearchBar) bool {
	if !v.Histogram.Framed {
		return false
	}
	zone := locale.Zone(ctx)
	from, bad := time.ParseInLocation(time.DateOnly, v.Search.From, zone)
	to, worse := time.ParseInLocation(time.DateOnly, v.Search.To, zone)
	return bad == nil && !b.To.After(from) || worse == nil && !b.From.Before(to.AddDate(0, 0, 1))
}

// histogram is the chart: each bar leads to its days. An address says days only, so the hours of one
// day lead nowhere.
func (v ConversationsView) histogram(ctx context.Context) ui.HistogramView {
	bars, top := v.bars(ctx), SearchBar{}
	out := ui.HistogramView{
		ID: "histogram", Height: 120, Series: []ui.Series{{Label: locale.T(ctx, "menu.group_conversations"), Class: "chart-primary"}},
		Range: locale.T(ctx, "conversation.bar_width", locale.Key("conversation.unit_"+v.Histogram.Unit)),
	}
	if v.Histogram.Framed {
		out.Series[0].Label = locale.T(ctx, "conversation.framed_in")
		out.Series = append(out.Series, ui.Series{Label: locale.T(ctx, "conversation.framed_out"), Class: "chart-outside"})
	}
	for i, b := range bars {
		out.Labels = append(out.Labels, v.Histogram.label(ctx, b))
		out.Series[0].Values = append(out.Series[0].Values, b.Count)
		if v.Histogram.Framed {
			out.Series[1].Values = append(out.Series[1].Values, b.Beside)
			if !v.outside(ctx, b) {
				if out.Framed == 0 {
					out.FrameAt = i
				}
				out.Framed++
			}
		}
		if !v.oneDay() {
			out.Paths = append(out.Paths, v.barPath(ctx, b))
		}
		if b.Count > top.Count {
			top = b
		}
	}
	if top.Count == 0 && len(bars) > 0 {
		top = bars[out.FrameAt]
	}
	out.Title = locale.T(ctx, "conversation.histogram", v.Histogram.label(ctx, top), top.Count)
	if v.Search.From != "" || v.Search.To != "" {
		out.Range += " · " + v.framed(ctx)
		out.ZoomOut = v.days("", "")
	}
	out.Earlier, out.Later = v.moved(ctx, -1), v.moved(ctx, 1)
	return out
}

// framed says which time was chosen, and how long it is.
func (v ConversationsView) framed(ctx context.Context) string {
	from, bad := time.Parse(time.DateOnly, v.Search.From)
	to, worse := time.Parse(time.DateOnly, v.Search.To)
	if bad != nil || worse != nil {
		return locale.T(ctx, "conversation.framed", v.period(ctx))
	}
	days := int(to.Sub(from).Hours())/24 + 1
	long := locale.T(ctx, "conversation.framed_days", days)
	if v.Histogram.Unit == "week" && days%7 == 0 {
		long = locale.T(ctx, "conversation.framed_weeks", days/7)
	}
	return locale.T(ctx, "conversation.framed_long", v.Search.days(ctx), long)
}

func (v ConversationsView) oneDay() bool { return v.Search.From != "" && v.Search.From == v.Search.To }

func (h SearchHistogram) label(ctx context.Context, b SearchBar) string {
	at := b.From.In(locale.Zone(ctx))
	switch h.Unit {
	case "hour":
		return at.Format("01-02 15:04")
	case "month":
		return at.Format("2006-01")
	}
	return at.Format(time.DateOnly)
}

// barPath is the search for the days of a bar: of one in the chosen time, as far as that has them.
func (v ConversationsView) barPath(ctx context.Context, b SearchBar) string {
	zone := locale.Zone(ctx)
	from, to := b.From.In(zone).Format(time.DateOnly), b.To.Add(-time.Microsecond).In(zone).Format(time.DateOnly)
	if v.outside(ctx, b) {
		return v.days(from, to)
	}
	from = max(from, v.Search.From)
	if v.Search.To != "" {
		to = min(to, v.Search.To)
	}
	return v.days(from, to)
}

func (v ConversationsView) days(from, to string) string {
	s := v.Search.FirstPage()
	s.Period, s.From, s.To, s.Sel = "", from, to, ""
	return ConversationsPath(s)
}

// moved is the same search, as many days earlier or later as it is long; nothing where it has no end.
func (v ConversationsView) moved(ctx context.Context, way int) string {
	zone := locale.Zone(ctx)
	from, bad := time.ParseInLocation(time.DateOnly, v.Search.From, zone)
	to, worse := time.ParseInLocation(time.DateOnly, v.Search.To, zone)
	if bad != nil || worse != nil {
		return ""
	}
	n := way * (int(to.Sub(from).Hours()+12)/24 + 1)
	from, to = from.AddDate(0, 0, n), to.AddDate(0, 0, n)
	if from.Year() < 1990 || to.Year() > 2099 {
		return ""
	}
	return v.days(from.Format(time.DateOnly), to.Format(time.DateOnly))
}
