package templates

import (
	"context"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// BatchPickedView is the first step of a draft of what was chosen of a search.
type BatchPickedView struct {
	Draft      uint64
	Conditions BatchConditions
	CountedAt  time.Time // zero: it could not be counted
	Matching   int64
	Missing    int64 // not in the archive any more, or out of reach
	Shares     []BatchShare
	Problems   Problems
}

func batchPickedFacts(ctx context.Context, v BatchPickedView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{
		fact("batch.conditions", batchSearchTerms(ctx, v.Conditions)),
		fact("batch.picked_there", locale.T(ctx, "common.conversations", v.Matching)),
	}
	if v.Missing > 0 {
		facts = append(facts, fact("batch.picked_missing", locale.T(ctx, "common.conversations", v.Missing)))
	}
	return facts
}

// batchSearchTerms are the conditions of the search of which something was chosen.
func batchSearchTerms(ctx context.Context, c BatchConditions) string {
	if !c.All {
		return locale.T(ctx, "batch.picked_rows")
	}
	c.Picked = 0
	var out []string
	if c.Words > 0 {
		out = append(out, locale.T(ctx, "batch.picked_words", c.Words))
	}
	if c.Customer {
		out = append(out, locale.T(ctx, "batch.picked_customer"))
	}
	if plain := batchTerms(ctx, c); len(out) == 0 || plain != locale.T(ctx, "batch.no_conditions") {
		out = append(out, plain)
	}
	return strings.Join(out, " · ")
}
