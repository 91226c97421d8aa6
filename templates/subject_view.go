package templates

import (
	"context"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// SubjectsView is the list of customers' requests for deletion.
type SubjectsView struct {
	Filter    SubjectFilter
	States    []string // that the list can be narrowed to
	Rows      []SubjectRow
	Total     int64
	Page      int
	Last      int
	First     int64
	CanCreate bool
}

// SubjectRow is one request of the list.
type SubjectRow struct {
	ID          uint64
	Code, State string
	Reference   string
	ReceivedAt  time.Time
	AnswerBy    time.Time
	AnsweredAt  time.Time // zero: not yet
	Late        bool      // the answer is overdue
	Count       int64
	Parts       SubjectParts
}

// SubjectParts is where the conversations of a request are, each counted once. Floor, Held, Order, Due and Restored are
// parts of Sealed.
type SubjectParts struct {
	Sealed, InBin, Destroyed, Lifted  int64
	Floor, Held, Order, Due, Restored int64
}

// SubjectView is one request.
type SubjectView struct {
	SubjectRow
	Reason                   string
	Creator                  string
	CreatedAt                time.Time
	AnsweredName             string
	EndedName, EndReason     string
	EndedAt                  time.Time
	NextUntil                time.Time // the first end of a floor
	Forever                  int64     // that have none
	Waiting                  int64     // that wait for another day, because of the cap
	Certificates             []SubjectCertificate
	History                  []SubjectEvent
	Place                    string // that the lines are narrowed to
	Lines                    []SubjectLine
	Total                    int64 // that match
	Page                     int
	CanAnswer, CanSee        bool
	CanBin, CanLift          bool
	LiftRefused              Words
	CanOpen, CanCertificates bool
	Entry                    SubjectEntry
	Problems                 Problems
}

// SubjectCertificate proves that conversations of a request are gone.
type SubjectCertificate struct {
	ID     uint64
	Code   string
	Purged int64 // of this request
	At     time.Time
}

// SubjectEvent is a step in the life of a request.
type SubjectEvent struct {
	Action string // placed, binned …
	Who    string // empty: the system
	Note   string
	Code   string // of a batch
	Count  int64
	At     time.Time
}

// SubjectLine is one conversation of a request.
type SubjectLine struct {
	ID          uint64
	Code        string
	Department  string
	Type        string
	LastAt      time.Time
	Place       string // sealed, restored, in_bin, destroyed or lifted
	Why         string // it stays sealed: floor, held, order; empty: nothing keeps it
	Holds       []string
	Until       time.Time
	Forever     bool
	Batch       uint64
	BatchCode   string
	KeepUntil   time.Time
	Certificate SubjectCertificate
}

// SubjectEntry is what somebody typed into the form of lifting, when it was refused, and the customer where legal has
// just asked to see it.
type SubjectEntry struct{ Reason, Customer string }

// SubjectSeal is what the page of a sealed conversation tells of the request. The zero value is none.
type SubjectSeal struct {
	Code, Path string
	ReceivedAt time.Time
}

func (v SubjectsView) stateOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "hold.every_state"), Chosen: v.Filter.State == ""}}
	for _, s := range v.States {
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, ui.StatusKey("subject", s)), Chosen: v.Filter.State == s})
	}
	return out
}

func (v SubjectsView) pager() ui.PagerView {
	p := ui.PagerView{First: v.First, Last: v.First + int64(len(v.Rows)) - 1, Total: v.Total}
	turn(&p, v.Page, v.Last, v.Filter.Path)
	return p
}

// turn gives a pager its links.
func turn(p *ui.PagerView, page, last int, path func(int) string) {
	if last > 1 {
		p.Pages = ui.Pages(page, last, path)
	}
	if page > 1 {
		p.Prev = path(page - 1)
	}
	if page < last {
		p.Next = path(page + 1)
	}
}

// answer says how the answer stands.
func (r SubjectRow) answer(ctx context.Context) string {
	switch {
	case !r.AnsweredAt.IsZero():
		return locale.T(ctx, "subject.page_answered_on", locale.Day(ctx, r.AnsweredAt))
	case r.State != "open":
		return ""
	}
	return locale.T(ctx, "subject.page_not_answered")
}

// parts is the bar of where the conversations are.
func (v SubjectView) parts(ctx context.Context) ui.PartsView {
	p := ui.PartsView{Label: locale.T(ctx, "subject.page_parts"), Of: v.Count}
	for _, part := range []struct {
		key, class string
		n          int64
	}{
		{"sealed", "chart-primary", v.Parts.Sealed},
		{"in_bin", "chart-warning", v.Parts.InBin},
		{"destroyed", "chart-success", v.Parts.Destroyed},
		{"lifted", "chart-quiet", v.Parts.Lifted},
	} {
		if part.n > 0 || part.key != "lifted" {
			p.Parts = append(p.Parts, ui.Part{Label: locale.T(ctx, "subject.page_place_"+part.key), Value: part.n, Text: locale.N(ctx, part.n), Class: part.class})
		}
	}
	return p
}

// stays are what keeps the sealed ones where they are, with the number of each.
func (p SubjectParts) stays(ctx context.Context) []ui.Fact {
	var out []ui.Fact
	for _, one := range []struct {
		key string
		n   int64
	}{{"held", p.Held}, {"floor", p.Floor}, {"order", p.Order}, {"due", p.Due}, {"restored", p.Restored}} {
		if one.n > 0 {
			out = append(out, ui.Fact{Term: locale.T(ctx, "subject.page_why_"+one.key), Text: locale.T(ctx, "common.conversations", one.n)})
		}
	}
	return out
}

// next says when the next of them may go.
func (v SubjectView) next(ctx context.Context) string {
	switch {
	case !v.NextUntil.IsZero() && v.Forever > 0:
		return locale.T(ctx, "subject.page_next", locale.Day(ctx, v.NextUntil)) + locale.T(ctx, "subject.page_forever", v.Forever)
	case !v.NextUntil.IsZero():
		return locale.T(ctx, "subject.page_next", locale.Day(ctx, v.NextUntil))
	case v.Forever > 0:
		return locale.T(ctx, "subject.page_forever", v.Forever)
	}
	return ""
}

// tabs narrow the lines to a place, as far as there is anything.
func (v SubjectView) tabs(ctx context.Context) []ui.TabView {
	out := []ui.TabView{{Label: locale.T(ctx, "common.all"), Count: locale.N(ctx, v.Count), Path: SubjectLinesPath(v.ID, "", 1), Active: v.Place == ""}}
	for _, one := range []struct {
		place string
		n     int64
	}{
		{"sealed", v.Parts.Sealed - v.Parts.Restored}, {"restored", v.Parts.Restored}, {"in_bin", v.Parts.InBin}, {"destroyed", v.Parts.Destroyed}, {"lifted", v.Parts.Lifted},
	} {
		if one.n > 0 || v.Place == one.place {
			out = append(out, ui.TabView{Label: locale.T(ctx, "subject.page_place_"+one.place), Count: locale.N(ctx, one.n), Path: SubjectLinesPath(v.ID, one.place, 1), Active: v.Place == one.place})
		}
	}
	return out
}

func (v SubjectView) facts(ctx context.Context) []ui.Fact {
	out := []ui.Fact{
		{Term: locale.T(ctx, "subject.page_received"), Text: locale.Day(ctx, v.ReceivedAt)},
		{Term: locale.T(ctx, "subject.page_answer_by"), Body: subjectAnswerBy(v.SubjectRow)},
	}
	if v.CanSee {
		out = append(out, ui.Fact{Term: locale.T(ctx, "subject.page_customer"), Body: subjectCustomer(v)})
	}
	if v.Reference != "" {
		out = append(out, ui.Fact{Term: locale.T(ctx, "subject.page_reference"), Text: v.Reference})
	}
	out = append(out,
		ui.Fact{Term: locale.T(ctx, "subject.page_reason"), Text: v.Reason},
		ui.Fact{Term: locale.T(ctx, "subject.page_creator"), Text: locale.T(ctx, "hold.placed_text", v.Creator, locale.Date(ctx, v.CreatedAt))},
	)
	if !v.AnsweredAt.IsZero() {
		out = append(out, ui.Fact{Term: locale.T(ctx, "subject.page_answered"), Text: locale.T(ctx, "hold.placed_text", v.AnsweredName, locale.Date(ctx, v.AnsweredAt))})
	}
	if v.State == "lifted" {
		out = append(out,
			ui.Fact{Term: locale.T(ctx, "subject.page_lifted"), Text: locale.T(ctx, "hold.placed_text", v.EndedName, locale.Date(ctx, v.EndedAt))},
			ui.Fact{Term: locale.T(ctx, "subject.page_lift_reason"), Text: v.EndReason},
		)
	}
	return append(out, ui.Fact{Term: locale.T(ctx, "hold.seen_by"), Text: locale.T(ctx, "subject.page_seen_by")})
}

func (v SubjectView) events(ctx context.Context) []ui.Event {
	var out []ui.Event
	for _, e := range v.History {
		who := e.Who
		if who == "" {
			who = locale.T(ctx, "common.system")
		}
		out = append(out, ui.Event{Who: who, What: locale.T(ctx, "subject.page_did_"+e.Action, e.Count, e.Code), When: locale.Date(ctx, e.At), Note: e.Note})
	}
	return out
}

func (v SubjectView) certificateRows(ctx context.Context) []ui.RowView {
	var out []ui.RowView
	for _, c := range v.Certificates {
		row := ui.RowView{Icon: "certificate", Kind: ui.Success, Title: c.Code, Text: locale.T(ctx, "subject.page_certificate", c.Purged, locale.Date(ctx, c.At))}
		if v.CanCertificates {
			row.Path = CertificatePath(c.ID)
		}
		out = append(out, row)
	}
	return out
}

// SubjectLinesPerPage is how many conversations of a request stand on one page.
const SubjectLinesPerPage = 20

func (v SubjectView) pager() ui.PagerView {
	p := ui.PagerView{First: int64(v.Page-1)*SubjectLinesPerPage + 1, Total: v.Total}
	p.Last = p.First + int64(len(v.Lines)) - 1
	turn(&p, v.Page, int((v.Total+SubjectLinesPerPage-1)/SubjectLinesPerPage), func(page int) string { return SubjectLinesPath(v.ID, v.Place, page) })
	return p
}

// why says what keeps a conversation where it is, and until when that is known.
func (l SubjectLine) why(ctx context.Context) string {
	switch {
	case l.Place == "in_bin" && !l.KeepUntil.IsZero():
		return locale.T(ctx, "subject.page_line_bin", locale.Day(ctx, l.KeepUntil))
	case l.Place == "restored":
		return locale.T(ctx, "subject.page_why_restored")
	case l.Place != "sealed":
		return ""
	case l.Why == "held" && len(l.Holds) > 0:
		return locale.T(ctx, "subject.page_why_held") + " " + strings.Join(l.Holds, locale.T(ctx, "common.list_mark"))
	case l.Why == "floor" && l.Forever:
		return locale.T(ctx, "subject.page_line_forever")
	case l.Why == "floor":
		return locale.T(ctx, "subject.page_line_floor", locale.Day(ctx, l.Until))
	case l.Why == "":
		return locale.T(ctx, "subject.page_why_due")
	}
	return locale.T(ctx, "subject.page_why_"+l.Why)
}

// state is the code of the badge in front of the reason, "" for what is in the archive again.
func (l SubjectLine) state() string {
	switch l.Place {
	case "in_bin":
		return "binned"
	case "destroyed":
		return "purged"
	case "lifted":
		return ""
	}
	return "sealed"
}
