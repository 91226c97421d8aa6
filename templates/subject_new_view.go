package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// SubjectNewView is the form of a new request; with Preview it is its second step, which shows what would happen and
// asks for the code.
type SubjectNewView struct {
	Customer, Reference, Received, Reason, Key string
	AnswerDays                                 int
	Preview                                    *SubjectPreview
	Problems                                   Problems
}

// SubjectPreview is what placing the request would do now.
type SubjectPreview struct {
	ReceivedAt               time.Time
	Shown                    int64 // all that it reaches, as the form sends it back
	Total                    int64 // that are sealed
	Floor, Held, Order, Free int64 // of these, what keeps them
	InBin, OnList            int64 // beside them
	FirstUntil, LastUntil    time.Time
	Forever                  int64
}

// steps are the two steps of the form.
func (v SubjectNewView) steps(ctx context.Context) []ui.Step {
	fill, check := ui.Step{Label: locale.T(ctx, "subject.page_step_fill"), State: "current"}, ui.Step{Label: locale.T(ctx, "subject.page_step_check")}
	if v.Preview != nil {
		fill.State, check.State = "done", "current"
	}
	return []ui.Step{fill, check}
}

// typed repeats what was filled in.
func (v SubjectNewView) typed(ctx context.Context) []ui.Fact {
	out := []ui.Fact{{Term: locale.T(ctx, "subject.page_customer"), Text: v.Customer, Mono: true}}
	if v.Reference != "" {
		out = append(out, ui.Fact{Term: locale.T(ctx, "subject.page_reference"), Text: v.Reference})
	}
	return append(out,
		ui.Fact{Term: locale.T(ctx, "subject.page_received"), Text: locale.Day(ctx, v.Preview.ReceivedAt)},
		ui.Fact{Term: locale.T(ctx, "subject.page_answer_by"), Text: locale.Day(ctx, v.Preview.ReceivedAt.AddDate(0, 0, v.AnswerDays))},
		ui.Fact{Term: locale.T(ctx, "subject.page_reason"), Text: v.Reason},
	)
}

// rows are the parts of what was found, each with what happens to it.
func (p SubjectPreview) rows(ctx context.Context) []ui.RowView {
	var out []ui.RowView
	add := func(n int64, icon, kind, key string) {
		if n > 0 {
			out = append(out, ui.RowView{Icon: icon, Kind: kind, Title: locale.T(ctx, "subject.page_find_"+key, n), Text: locale.T(ctx, "subject.page_then_"+key)})
		}
	}
	add(p.Floor, "calendar-time", ui.Primary, "floor")
	if p.Floor > 0 {
		out[0].Text = p.until(ctx)
	}
	add(p.Held, "lock", ui.Hold, "held")
	add(p.Order, "shopping-cart", ui.Warning, "order")
	add(p.Free, "shield-lock", ui.Primary, "free")
	add(p.InBin, "recycle", "", "bin")
	add(p.OnList, "flame", "", "listed")
	return out
}

// until says when the floors of what is sealed end.
func (p SubjectPreview) until(ctx context.Context) string {
	text := ""
	switch {
	case p.FirstUntil.IsZero():
	case locale.Day(ctx, p.FirstUntil) == locale.Day(ctx, p.LastUntil):
		text = locale.T(ctx, "subject.page_then_floor_day", locale.Day(ctx, p.LastUntil))
	default:
		text = locale.T(ctx, "subject.page_then_floor", locale.Day(ctx, p.FirstUntil), locale.Day(ctx, p.LastUntil))
	}
	if p.Forever > 0 {
		text += locale.T(ctx, "subject.page_then_forever", p.Forever)
	}
	return text
}

// place is the text of the last button.
func (p SubjectPreview) place(ctx context.Context) string {
	if p.Total == 0 {
		return locale.T(ctx, "subject.page_place_none")
	}
	return locale.T(ctx, "subject.page_place", p.Total)
}
