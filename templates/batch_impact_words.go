package templates

import (
	"context"
	"strings"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

func batchWaterfall(ctx context.Context, v BatchImpactView) ui.WaterfallView {
	step := func(key string, n int64, class string) ui.WaterStep {
		return ui.WaterStep{Label: locale.T(ctx, key), Value: n, Class: class}
	}
	if v.Conditions.Picked > 0 {
		return ui.WaterfallView{
			Title: locale.T(ctx, "batch.conclusion_picked", v.Conditions.Picked, v.Moves, v.Missing, v.Excluded.Total()),
			Steps: []ui.WaterStep{
				step("batch.fall_picked", v.Conditions.Picked, "chart-quiet"),
				step("batch.picked_missing", v.Missing, "chart-warning"),
				step("batch.fall_held", v.Excluded.Held, "chart-hold"),
				step("batch.fall_floor", v.Excluded.Floor, "chart-retained"),
				step("batch.fall_order", v.Excluded.Order, "chart-ordered"),
				step("batch.fall_moves", v.Moves, "chart-primary"),
			},
		}
	}
	return ui.WaterfallView{
		Title: locale.T(ctx, "batch.conclusion", v.Matching, v.Moves, v.Residue, v.Excluded.Total()),
		Steps: []ui.WaterStep{
			step("batch.fall_matching", v.Matching, "chart-quiet"),
			step("batch.fall_residue", v.Residue, "chart-warning"),
			step("batch.fall_held", v.Excluded.Held, "chart-hold"),
			step("batch.fall_floor", v.Excluded.Floor, "chart-retained"),
			step("batch.fall_order", v.Excluded.Order, "chart-ordered"),
			step("batch.fall_moves", v.Moves, "chart-primary"),
		},
	}
}

type batchReason struct {
	code, lock, note string
	count            int64
}

// batchReasons are the lines of the table of exclusions; lock is the look of each reason.
func batchReasons(ctx context.Context, v BatchImpactView) []batchReason {
	held := locale.T(ctx, "batch.note_held")
	if len(v.Holds) > 0 {
		held = strings.Join(v.Holds, locale.T(ctx, "common.list_mark"))
	}
	return []batchReason{
		{"held", "held", held, v.Excluded.Held},
		{"floor", "retained", locale.T(ctx, "batch.note_floor"), v.Excluded.Floor},
		{"order", "ordered", locale.T(ctx, "batch.note_order"), v.Excluded.Order},
	}
}

func batchAfter(ctx context.Context, v BatchImpactView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{
		fact("batch.after_count", locale.T(ctx, "common.conversations", v.Moves)),
		fact("batch.after_until", locale.Date(ctx, v.KeepUntil)),
		fact("batch.after_then", locale.T(ctx, "batch.after_then_text")),
		fact("batch.after_space", locale.T(ctx, "batch.after_space_text", locale.Bytes(ctx, v.Bytes))),
		fact("batch.after_not", locale.T(ctx, "batch.after_not_text")),
	}
	switch {
	case v.Unlooked > 0:
		facts = append(facts, fact("batch.after_backup", locale.T(ctx, "batch.after_backup_least", v.NeverKeep, v.Unlooked)))
	case v.NeverKeep > 0:
		facts = append(facts, fact("batch.after_backup", locale.T(ctx, "batch.after_backup_text", v.NeverKeep)))
	}
	return facts
}

// batchSinceText says how the numbers changed since the person left the first step.
func batchSinceText(ctx context.Context, v BatchImpactView) string {
	if v.Since == nil {
		return locale.T(ctx, "batch.since_first", locale.ClockSec(ctx, v.CountedAt))
	}
	var parts []string
	for _, p := range []struct {
		key string
		n   int64
	}{
		{"batch.fall_matching", v.Since.Matching},
		{"batch.fall_residue", v.Since.Residue},
		{"batch.fall_held", v.Since.Held},
		{"batch.fall_floor", v.Since.Floor},
		{"batch.fall_order", v.Since.Order},
	} {
		if p.n != 0 {
			parts = append(parts, locale.T(ctx, p.key)+" "+signed(ctx, p.n))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, locale.T(ctx, "batch.since_same"))
	}
	return locale.T(ctx, "batch.since_text", locale.Clock(ctx, v.Since.At), locale.Clock(ctx, v.CountedAt), strings.Join(parts, "，"))
}

// signed writes a number with its sign.
func signed(ctx context.Context, n int64) string {
	if n > 0 {
		return "+" + locale.N(ctx, n)
	}
	return locale.N(ctx, n)
}
