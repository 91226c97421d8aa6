package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// HomeView is a person's home page: what needs attention now, and the numbers of the reader's
// departments.
type HomeView struct {
	At        time.Time
	Figures   []HomeFigure
	Todo      []HomeTodo
	Next      time.Time // the first deadline of anything, when nothing is to be done
	Flow      []HomeFlow
	FlowAdded bool // the line of what was added is known
	Expiry    []HomeDay
	Papers    []HomePaper
	Jobs      []JobRow

	HasBin, HasPapers, HasJobs bool
	CanSearch                  bool
	CanBatch                   bool
	CanImport                  bool
}

// HomeFigure is one number of the strip. Key names it; NoteKey with NoteArgs says more.
type HomeFigure struct {
	Key      string
	Value    int64
	NoteKey  string
	NoteArgs []any
	Kind     string // of the note
	Path     string
}

// HomeTodo is one thing that waits for the reader.
type HomeTodo struct {
	Kind  string
	Code  string
	Count int64
	Many  int64 // of batches
	Who   string
	State string
	Why   string // what a person wrote of a refusal
	Fault Words  // or what the system says of it
	Since time.Time
	Until time.Time
	Path  string
}

// HomeDay is how many conversations reach the end of their time in the bin on a day.
type HomeDay struct {
	At    time.Time
	Count int64
}

// HomeFlow is one day of the flow.
type HomeFlow struct {
	At                    time.Time
	Added, Binned, Purged int64
}

// HomePaper is a certificate in one line.
type HomePaper struct {
	ID              uint64
	Code            string
	Purged, Skipped int64
	At              time.Time
}

func (v HomeView) figures(ctx context.Context) []ui.Figure {
	out := make([]ui.Figure, len(v.Figures))
	for i, f := range v.Figures {
		out[i] = ui.Figure{Label: locale.T(ctx, f.Key), Value: locale.N(ctx, f.Value), NoteKind: f.Kind, Path: f.Path}
		if f.NoteKey != "" {
			out[i].Note = locale.T(ctx, f.NoteKey, f.NoteArgs...)
		}
	}
	return out
}

var todoLooks = map[string]struct{ icon, kind string }{
	"vote": {"flame", ui.Danger}, "confirm": {"key", ui.Danger}, "rejected": {"arrow-back-up", ui.Warning}, "expiring": {"hourglass", ui.Warning},
	"draft": {"file-text", ui.Primary}, "failed": {"alert-triangle", ui.Danger}, "residue": {"stack-2", ui.Warning},
	"inspect": {"clipboard-check", ui.Primary}, "cosign": {"signature", ui.Warning}, "finding": {"flag", ui.Warning},
	"policy": {"calendar-cog", ui.Warning}, "ceiling": {"calendar-time", ui.Warning},
	"subject": {"user-off", ui.Warning}, "sealed": {"shield-lock", ui.Warning},
	"access": {"scan-eye", ui.Warning}, "answer": {"scan-eye", ui.Primary},
	"export": {"file-export", ui.Warning}, "fetch": {"download", ui.Primary}, "noexport": {"ban", ui.Warning},
}

func (v HomeView) rows(ctx context.Context) []ui.RowView {
	out := make([]ui.RowView, len(v.Todo))
	voted := false // only one button of a page is the primary one
	for i, t := range v.Todo {
		look := todoLooks[t.Kind]
		first := t.Kind == "vote" && !voted
		voted = voted || first
		out[i] = ui.RowView{Icon: look.icon, Kind: look.kind, Title: t.title(ctx), Text: t.text(ctx, v.At), Action: todoAction(t, first)}
	}
	return out
}

func (t HomeTodo) title(ctx context.Context) string {
	switch t.Kind {
	case "expiring":
		return locale.T(ctx, "home.todo_expiring", t.Count, t.Many)
	case "rejected":
		return locale.T(ctx, "home.todo_rejected_"+t.State, t.Code)
	case "failed":
		return locale.T(ctx, "home.todo_failed", jobKind(ctx, t.State), t.Code)
	case "residue":
		return locale.T(ctx, "home.todo_residue", t.Code, t.Count)
	case "access":
		return locale.T(ctx, "home.todo_access", t.Code)
	case "noexport", "answer":
		return locale.T(ctx, "home.todo_"+t.Kind+"_"+t.State, t.Code, t.Count)
	}
	return locale.T(ctx, "home.todo_"+t.Kind, t.Code, t.Count)
}

func (t HomeTodo) text(ctx context.Context, now time.Time) string {
	key := "home.todo_" + t.Kind + "_text"
	switch t.Kind {
	case "vote", "access", "export", "policy":
		return locale.T(ctx, key, t.Who, now.Sub(t.Since), t.Until)
	case "confirm":
		return locale.T(ctx, key, t.Until)
	case "subject":
		if t.State != "" {
			key += "_" + t.State
		}
		return locale.T(ctx, key, locale.Day(ctx, t.Since), locale.Day(ctx, t.Until))
	case "fetch":
		if t.State != "" {
			key += "_" + t.State
		}
		return locale.T(ctx, key, t.Until)
	case "noexport", "answer":
		return locale.T(ctx, "home.todo_"+t.Kind+"_"+t.State+"_text", t.Who, t.Since, t.why(ctx), t.Until)
	case "expiring":
		return locale.T(ctx, key, locale.Short(ctx, t.Until))
	case "inspect", "cosign", "finding":
		return locale.T(ctx, key, locale.Day(ctx, t.Until.Add(-time.Second)))
	}
	return locale.T(ctx, key, t.Since)
}

// longWhy is how much of an opinion fits a line; all of it stands on the page that the line leads to.
const longWhy = 80

func (t HomeTodo) why(ctx context.Context) string {
	if t.Fault.Key != "" {
		return t.Fault.In(ctx)
	}
	if r := []rune(t.Why); len(r) > longWhy {
		return string(r[:longWhy]) + "…"
	}
	return t.Why
}

func (v HomeView) expiry(ctx context.Context) ui.BarsView {
	b := ui.BarsView{Label: locale.T(ctx, "home.expiry")}
	for i, d := range v.Expiry {
		row := ui.BarRow{Label: locale.ShortDay(ctx, d.At), Value: d.Count, Class: "chart-soft"}
		if i == 0 {
			row.Label, row.Class, row.Strong = locale.T(ctx, "home.today"), "chart-warning", true
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

func (v HomeView) flow(ctx context.Context) ui.FlowView {
	f := ui.FlowView{}
	added := ui.Series{Label: locale.T(ctx, "home.added"), Class: "chart-primary"}
	binned := ui.Series{Label: locale.T(ctx, "home.binned_series"), Class: "chart-warning", Dashed: true}
	purged := ui.Series{Label: locale.T(ctx, "home.purged_series"), Class: "chart-danger"}
	var in, out, gone int64
	for _, d := range v.Flow {
		f.Labels = append(f.Labels, locale.ShortDay(ctx, d.At))
		added.Values, binned.Values, purged.Values = append(added.Values, d.Added), append(binned.Values, d.Binned), append(purged.Values, d.Purged)
		in, out, gone = in+d.Added, out+d.Binned, gone+d.Purged
	}
	f.Lines, f.Bars = []ui.Series{binned}, []ui.Series{purged}
	f.Title = locale.T(ctx, "home.flow_scope", out, gone)
	if v.FlowAdded {
		f.Lines = []ui.Series{added, binned}
		f.Title = locale.T(ctx, "home.flow_all", in, out, gone)
	}
	return f
}

func (v HomeView) flowSeries(ctx context.Context) []ui.Series {
	f := v.flow(ctx)
	return append(f.Lines, f.Bars...)
}

// moved tells whether anything happened in the month: an empty chart tells nothing.
func (v HomeView) moved() bool {
	for _, d := range v.Flow {
		if d.Added+d.Binned+d.Purged > 0 {
			return true
		}
	}
	return false
}

func (v HomeView) context(ctx context.Context, f *Frame) string {
	text := locale.Date(ctx, v.At) + " " + locale.Weekday(ctx, v.At) + " (" + locale.ZoneName(ctx, v.At) + ")"
	if f.ScopeName != "" {
		text += " · " + locale.T(ctx, "shell.scope", f.ScopeName)
	}
	return text
}
