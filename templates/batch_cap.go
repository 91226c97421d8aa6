package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// BatchCapView is a draft above the cap as a second person sees it.
type BatchCapView struct {
	Draft       uint64
	Owner       string
	OwnerNo     string
	Frozen      int64
	FrozenAt    time.Time
	Fingerprint string // hexadecimal
	Cap         int64
	Conditions  BatchConditions
	DraftReason string
	Shares      []BatchShare // path and number
	Raised      *BatchRaised
	Refused     Words // why the reader may not raise it
	Reason      string
	Problems    Problems
}

// BatchRaised is a second person's word that a batch may go above the cap.
type BatchRaised struct {
	Who      PurgePerson
	From, To int64
	Reason   string
	At       time.Time
}

func batchRaisedText(ctx context.Context, r *BatchRaised) string {
	return locale.T(ctx, "batch.cap_raised_text", r.Who.in(ctx), r.At, r.From, r.Reason)
}

func batchCapFacts(ctx context.Context, v BatchCapView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{
		fact("batch.owner", v.Owner+" ("+v.OwnerNo+")"),
		fact("batch.conditions", batchTerms(ctx, v.Conditions)),
		fact("batch.moves", locale.T(ctx, "common.items", v.Frozen)),
		fact("batch.cap", locale.T(ctx, "common.items", v.Cap)),
		{Term: locale.T(ctx, "batch.fingerprint"), Body: ui.Copyable(shortHash(v.Fingerprint), v.Fingerprint)},
		fact("batch.frozen_at", locale.DateSec(ctx, v.FrozenAt)),
	}
	if v.DraftReason != "" {
		facts = append(facts, fact("batch.reason", v.DraftReason))
	}
	return facts
}
