package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// SearchHistogram is when what was found was written to last. Unit is hour, day, week or month.
type SearchHistogram struct {
	Unit string
	Bars []SearchBar
}

// SearchBar is one part of it: From is included, To is not.
type SearchBar struct {
	From, To time.Time
	Count    int64
}

// mostBars is how many bars are drawn with the empty ones at both ends.
const mostBars = 120

func (h SearchHistogram) bars() []SearchBar {
	bars := h.Bars
	if len(bars) <= mostBars {
		return bars
	}
	for len(bars) > 0 && bars[0].Count == 0 {
		bars = bars[1:]
	}
	for len(bars) > 0 && bars[len(bars)-1].Count == 0 {
		bars = bars[:len(bars)-1]
	}
	return bars
}

// histogram is the chart: each bar leads to its days. An address says days only, so the hours of one
// day lead nowhere.
func (v ConversationsView) histogram(ctx context.Context) ui.HistogramView {
	bars, top := v.Histogram.bars(), SearchBar{}
	out := ui.HistogramView{
		ID: "histogram", Height: 120, Series: []ui.Series{{Label: locale.T(ctx, "menu.group_conversations"), Class: "chart-primary"}},
		Range: locale.T(ctx, "conversation.bar_width", locale.Key("conversation.unit_"+v.Histogram.Unit)),
	}
	for _, b := range bars {
		out.Labels = append(out.Labels, v.Histogram.label(ctx, b))
		out.Series[0].Values = append(out.Series[0].Values, b.Count)
		if !v.oneDay() {
			out.Paths = append(out.Paths, v.barPath(ctx, b))
		}
		if b.Count > top.Count {
			top = b
		}
	}
	out.Title = locale.T(ctx, "conversation.histogram", v.Histogram.label(ctx, top), top.Count)
	if period := v.period(ctx); v.Search.From != "" || v.Search.To != "" {
		out.Range += " · " + period
		out.ZoomOut = v.days("", "")
	}
	out.Earlier, out.Later = v.moved(ctx, -1), v.moved(ctx, 1)
	return out
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

// barPath is the search for the days of a bar, as far as they were searched already.
func (v ConversationsView) barPath(ctx context.Context, b SearchBar) string {
	zone := locale.Zone(ctx)
	from, to := b.From.In(zone).Format(time.DateOnly), b.To.Add(-time.Microsecond).In(zone).Format(time.DateOnly)
	from = max(from, v.Search.From)
	if v.Search.To != "" {
		to = min(to, v.Search.To)
	}
	return v.days(from, to)
}

func (v ConversationsView) days(from, to string) string {
	s := v.Search
	s.Period, s.From, s.To, s.Cursor, s.Sel = "", from, to, "", ""
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
