package templates

import (
	"context"
	"time"

	"qingdang/paper"
	"qingdang/templates/locale"
)

// SubjectAnswerView is the facts of the answer to a customer who asked for deletion. Nothing in it names the customer or
// anybody of the house.
type SubjectAnswerView struct {
	ID                 uint64
	Code, Organisation string
	Reference, State   string
	At, ReceivedAt     time.Time
	Count              int64
	Sealed, InBin      int64
	Destroyed, Lifted  int64
	BinUntil           time.Time // the last
	Certificates       []SubjectCertificate
	Stays              []SubjectStay
}

// SubjectStay is a group of conversations that stay sealed for one reason.
type SubjectStay struct {
	Type    string
	Why     string // floor, held, order; empty: nothing keeps it
	Count   int64
	Until   time.Time // the last; zero: not known
	Days    int       // of the rule
	Forever bool
	Basis   string // of the rule, where legal has confirmed it
}

// paragraphs are the answer from salutation to close: each sentence is a fact of the records.
func (v SubjectAnswerView) paragraphs(ctx context.Context) []string {
	t := func(key string, args ...any) string { return locale.T(ctx, key, args...) }
	out := []string{t("letter.salutation"), t("subject.answer_received", v.Count, locale.Day(ctx, v.ReceivedAt))}
	switch {
	case v.State == "lifted":
		out = append(out, t("subject.answer_lifted"))
	case v.Count == v.Destroyed:
		out = append(out, t("subject.answer_all", v.Destroyed))
	case v.Destroyed > 0:
		out = append(out, t("subject.answer_some", v.Destroyed, v.Count-v.Destroyed))
	default:
		out = append(out, t("subject.answer_none_yet"))
	}
	if v.State != "lifted" && v.Sealed > 0 {
		out = append(out, t("subject.answer_sealed", v.Sealed))
	}
	return out
}

// sections are what the page and the PDF both show.
func (v SubjectAnswerView) sections(ctx context.Context) []paper.Section {
	out := []paper.Section{{Title: locale.T(ctx, "subject.answer_result"), Facts: v.facts(ctx)}}
	out = append(out, v.destroyed(ctx))
	if v.Sealed > 0 && v.State != "lifted" {
		out = append(out, v.stays(ctx))
	}
	lines := func(title string, keys ...string) paper.Section {
		s := paper.Section{Title: locale.T(ctx, title)}
		for _, key := range keys {
			s.Lines = append(s.Lines, locale.T(ctx, key))
		}
		return s
	}
	return append(out,
		lines("subject.answer_outside", "subject.answer_outside_1", "subject.answer_outside_2", "subject.answer_outside_3", "subject.answer_outside_4"),
		lines("subject.answer_rights", "subject.answer_rights_text"))
}

func (v SubjectAnswerView) facts(ctx context.Context) []paper.Fact {
	fact := func(key, text string) paper.Fact { return paper.Fact{Term: locale.T(ctx, key), Text: text} }
	number := func(n int64) string { return locale.T(ctx, "common.conversations", n) }
	out := []paper.Fact{fact("subject.answer_code", v.Code)}
	if v.Reference != "" {
		out = append(out, fact("subject.page_reference", v.Reference))
	}
	out = append(out,
		fact("subject.page_received", locale.Day(ctx, v.ReceivedAt)),
		fact("subject.page_count", number(v.Count)),
		fact("subject.page_place_destroyed", number(v.Destroyed)),
	)
	bin := number(v.InBin)
	if v.InBin > 0 && !v.BinUntil.IsZero() {
		bin = locale.T(ctx, "subject.answer_bin", v.InBin, locale.Day(ctx, v.BinUntil))
	}
	out = append(out, fact("subject.answer_waiting", bin), fact("subject.page_place_sealed", number(v.Sealed)))
	if v.Lifted > 0 {
		out = append(out, fact("subject.page_place_lifted", number(v.Lifted)))
	}
	return append(out, fact("letter.signed", v.Organisation), fact("letter.date", locale.Day(ctx, v.At)), fact("letter.zone", locale.T(ctx, "letter.zone_text", locale.ZoneName(ctx, v.At))))
}

// destroyed lists the certificates that prove what is gone; that nothing is gone yet is said too.
func (v SubjectAnswerView) destroyed(ctx context.Context) paper.Section {
	s := paper.Section{Title: locale.T(ctx, "subject.answer_destroyed")}
	if len(v.Certificates) == 0 {
		key := "subject.answer_nothing_destroyed"
		if v.Destroyed > 0 {
			key = "subject.answer_certificate_later"
		}
		s.Lines = []string{locale.T(ctx, key)}
		return s
	}
	t := &paper.Table{Caption: s.Title, Head: []paper.Column{
		{Text: locale.T(ctx, "certificate.certificate"), Weight: 3}, {Text: locale.T(ctx, "certificate.issued_at"), Weight: 3}, {Text: locale.T(ctx, "hold.conversations_short"), Weight: 1, Number: true},
	}}
	for _, c := range v.Certificates {
		t.Rows = append(t.Rows, []paper.Cell{{Text: c.Code}, {Text: locale.Day(ctx, c.At)}, {Text: locale.N(ctx, c.Purged)}})
	}
	s.Table, s.Lines = t, []string{locale.T(ctx, "subject.answer_proof")}
	return s
}

// stays lists what stays sealed, by reason.
func (v SubjectAnswerView) stays(ctx context.Context) paper.Section {
	s := paper.Section{Title: locale.T(ctx, "subject.answer_stays"), Lines: []string{locale.T(ctx, "subject.answer_stays_text")}}
	t := &paper.Table{Caption: s.Title, Head: []paper.Column{
		{Text: locale.T(ctx, "conversation.type"), Weight: 1.4}, {Text: locale.T(ctx, "subject.answer_why"), Weight: 4}, {Text: locale.T(ctx, "subject.answer_until"), Weight: 1.6}, {Text: locale.T(ctx, "hold.conversations_short"), Weight: 1, Number: true},
	}}
	for _, g := range v.Stays {
		t.Rows = append(t.Rows, []paper.Cell{{Text: g.class(ctx)}, {Text: g.why(ctx)}, {Text: g.until(ctx)}, {Text: locale.N(ctx, g.Count)}})
	}
	s.Table = t
	return s
}

func (g SubjectStay) class(ctx context.Context) string {
	if g.Type == "" {
		return locale.T(ctx, "report.no_class")
	}
	return TypeWord(ctx, g.Type)
}

func (g SubjectStay) why(ctx context.Context) string {
	switch {
	case g.Why == "floor" && g.Forever:
		return locale.T(ctx, "subject.answer_why_forever") + g.basis(ctx)
	case g.Why == "floor":
		return locale.T(ctx, "subject.answer_why_floor", g.Days) + g.basis(ctx)
	case g.Why == "held" || g.Why == "order":
		return locale.T(ctx, "subject.answer_why_"+g.Why)
	}
	return locale.T(ctx, "subject.answer_why_due")
}

func (g SubjectStay) basis(ctx context.Context) string {
	if g.Basis == "" {
		return ""
	}
	return locale.T(ctx, "subject.answer_basis", g.Basis)
}

func (g SubjectStay) until(ctx context.Context) string {
	if g.Why != "floor" || g.Forever || g.Until.IsZero() {
		return locale.T(ctx, "subject.answer_until_open")
	}
	return locale.Day(ctx, g.Until)
}

// SubjectAnswerPDF draws the answer in the language of ctx.
func SubjectAnswerPDF(ctx context.Context, v SubjectAnswerView) ([]byte, error) {
	return paper.Doc{
		Owner: v.Organisation, Code: v.Code, CodeNote: locale.Day(ctx, v.At), Title: locale.T(ctx, "letter.title"), Subtitle: locale.T(ctx, "subject.answer_title"),
		Lead: v.paragraphs(ctx), Sections: v.sections(ctx),
		Foot: []string{v.Organisation + " · " + v.Code}, Page: locale.T(ctx, "certificate.page"), Replaced: locale.T(ctx, "certificate.replaced"), Created: v.At, Lang: string(locale.Of(ctx)),
	}.PDF()
}
