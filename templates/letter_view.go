package templates

import (
	"context"
	"strconv"
	"time"

	"qingdang/paper"
	"qingdang/templates/locale"
)

// LetterView is the facts of an answer letter.
type LetterView struct {
	ID                                        uint64
	Code, Organisation, ServiceType           string
	At, LastAt, BinnedAt, KeepUntil, PurgedAt time.Time
	FloorUntil                                time.Time
	FloorDays                                 int
	Forever, Purged, Incident                 bool
	Reason, Request, Certificate              string
	Messages, Attachments                     int64
}

// LettersPath asks for the conversation that a letter is about.
const LettersPath = "/letters"

// LetterPath is the answer letter about a conversation.
func LetterPath(conversation uint64) string {
	return LettersPath + "/" + strconv.FormatUint(conversation, 10)
}

// LettersView asks which conversation a letter is about.
type LettersView struct {
	Code     string // as typed
	Problems Problems
}

// paragraphs are the letter from salutation to apology: each sentence is a fact of the records.
func (v LetterView) paragraphs(ctx context.Context) []string {
	t := func(key string, args ...any) string { return locale.T(ctx, key, args...) }
	out := []string{t("letter.salutation")}
	if v.Purged {
		out = append(out, t("letter.purged", v.LastAt, v.Messages, v.Attachments, v.PurgedAt))
	} else {
		out = append(out, t("letter.binned", v.LastAt, v.Messages, v.Attachments, v.BinnedAt, v.KeepUntil))
	}
	out = append(out, t("letter.reason", v.Reason))
	class := t("report.no_class")
	if v.ServiceType != "" {
		class = TypeWord(ctx, v.ServiceType)
	}
	switch {
	case v.Incident:
		out = append(out, t("letter.incident"))
	case v.Forever:
		out = append(out, t("letter.rule_forever", class))
	case v.Purged && v.FloorUntil.After(v.PurgedAt), !v.Purged && v.FloorUntil.After(v.At):
		out = append(out, t("letter.rule_within", class, v.FloorDays, v.FloorUntil))
	default:
		out = append(out, t("letter.rule", class, v.FloorDays, v.FloorUntil))
	}
	if v.Purged {
		out = append(out, t("letter.remains"))
		if v.Certificate != "" {
			out = append(out, t("letter.certificate", v.Certificate))
		}
	} else {
		out = append(out, t("letter.restorable", v.KeepUntil))
	}
	return append(out, t("letter.apology"))
}

func (v LetterView) facts(ctx context.Context) []paper.Fact {
	facts := []paper.Fact{{Term: locale.T(ctx, "letter.about"), Text: v.Code}}
	if v.Request != "" {
		facts = append(facts, paper.Fact{Term: locale.T(ctx, "letter.request"), Text: v.Request})
	}
	return append(facts, paper.Fact{Term: locale.T(ctx, "letter.signed"), Text: v.Organisation}, paper.Fact{Term: locale.T(ctx, "letter.date"), Text: locale.Day(ctx, v.At)},
		paper.Fact{Term: locale.T(ctx, "letter.zone"), Text: locale.T(ctx, "letter.zone_text", locale.ZoneName(ctx, v.At))})
}

// LetterPDF draws the letter in the language of ctx, without what its page tells whoever sends it.
func LetterPDF(ctx context.Context, v LetterView) ([]byte, error) {
	return paper.Doc{
		Owner: v.Organisation, Code: v.Code, CodeNote: locale.Day(ctx, v.At), Title: locale.T(ctx, "letter.title"), Subtitle: locale.T(ctx, "letter.subtitle"),
		Lead: v.paragraphs(ctx), Sections: []paper.Section{{Title: locale.T(ctx, "letter.section"), Facts: v.facts(ctx)}},
		Foot: []string{v.Organisation + " · " + v.Code}, Page: locale.T(ctx, "certificate.page"), Replaced: locale.T(ctx, "certificate.replaced"), Created: v.At, Lang: string(locale.Of(ctx)),
	}.PDF()
}
