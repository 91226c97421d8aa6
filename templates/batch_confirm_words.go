package templates

import (
	"context"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// batchChecks are what the system has looked at by itself.
func batchChecks(ctx context.Context, v BatchConfirmView) []ui.RowView {
	passed := func(title, text string) ui.RowView {
		return ui.RowView{Icon: "circle-check", Kind: ui.Success, Plain: true, Title: title, Text: text}
	}
	remark := func(title, text string, action templ.Component) ui.RowView {
		return ui.RowView{Icon: "alert-circle", Kind: ui.Warning, Plain: true, Title: title, Text: text, Action: action}
	}
	permission := locale.T(ctx, "batch.auto_permission_text")
	if v.Outside > 0 {
		permission = locale.T(ctx, "batch.outside", v.Outside)
	}
	rows := []ui.RowView{
		passed(locale.T(ctx, "batch.auto_permission", v.Departments), permission),
		passed(locale.T(ctx, "batch.auto_protected"), locale.T(ctx, "batch.auto_protected_text", locale.ClockSec(ctx, v.CheckedAt), v.Excluded.Total())),
	}
	if v.Now == v.Frozen {
		rows = append(rows, passed(locale.T(ctx, "batch.auto_same"), locale.T(ctx, "batch.auto_same_text", locale.ClockSec(ctx, v.FrozenAt))))
	} else {
		rows = append(rows, remark(locale.T(ctx, "batch.auto_differs"), locale.T(ctx, "batch.auto_differs_text", v.Frozen, v.Now), batchRefreeze(v)))
	}
	if v.Residue > 0 {
		rows = append(rows, remark(locale.T(ctx, "batch.auto_residue", v.Residue), locale.T(ctx, "batch.auto_residue_text", v.ResidueReason), nil))
	}
	if !v.SeasonAt.IsZero() {
		rows = append(rows, ui.RowView{Icon: "ban", Kind: ui.Danger, Plain: true, Title: locale.T(ctx, "batch.auto_young"), Text: locale.T(ctx, "bin.account_too_young", v.SeasonAt)})
	}
	if v.Working {
		rows = append(rows, remark(locale.T(ctx, "batch.auto_working"), locale.T(ctx, "batch.auto_working_text"), nil))
	}
	return rows
}

func batchChecksText(ctx context.Context, v BatchConfirmView) string {
	n := map[string]int{}
	for _, r := range batchChecks(ctx, v) {
		n[r.Kind]++
	}
	text := locale.T(ctx, "batch.passed_n", n[ui.Success])
	if n[ui.Warning] > 0 {
		text += " · " + locale.T(ctx, "batch.remarks_n", n[ui.Warning])
	}
	if n[ui.Danger] > 0 {
		text += " · " + locale.T(ctx, "batch.blocked_n", n[ui.Danger])
	}
	return text
}

func batchTicked(v BatchConfirmView) (n int) {
	for _, b := range []bool{v.Notified, v.Partners, v.Complaints} {
		if b {
			n++
		}
	}
	return n
}

// batchBlocked says why the last button cannot be used, "" if it can. What only needs an entry
// is said by the answer instead.
func batchBlocked(ctx context.Context, v BatchConfirmView) string {
	switch {
	case v.Frozen == 0:
		return locale.T(ctx, "batch.nothing_moves")
	case !v.SeasonAt.IsZero():
		return locale.T(ctx, "bin.account_too_young", v.SeasonAt)
	case v.OverCap():
		return locale.T(ctx, "batch.cap_waits")
	}
	return ""
}

func batchSummaryFacts(ctx context.Context, v BatchConfirmView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{
		fact("batch.department", batchNames(ctx, BatchPanel{Name: v.Name, Departments: v.Departments})),
		fact("batch.conditions", batchTerms(ctx, v.Conditions)),
		fact("batch.moves", locale.T(ctx, "batch.items_volume", v.Frozen, locale.Bytes(ctx, v.Bytes))),
		fact("batch.excluded_short", locale.T(ctx, "common.items", v.Excluded.Total())),
	}
	if v.Missing > 0 {
		facts = append(facts, fact("batch.picked_missing", locale.T(ctx, "common.items", v.Missing)))
	}
	residue := locale.T(ctx, "common.none")
	if v.Conditions.Picked > 0 {
		residue = locale.T(ctx, "batch.picked_residue")
	}
	if v.Residue > 0 {
		residue = locale.T(ctx, "batch.residue_noted", v.Residue)
	}
	return append(facts, fact("batch.part_residue", residue),
		ui.Fact{Term: locale.T(ctx, "batch.fingerprint"), Body: ui.Copyable(shortHash(v.Fingerprint), v.Fingerprint)},
		fact("batch.frozen_at", locale.DateSec(ctx, v.FrozenAt)))
}

// shortHash shows both ends of a fingerprint.
func shortHash(hex string) string {
	if len(hex) < 16 {
		return hex
	}
	return hex[:4] + " " + hex[4:8] + " … " + hex[len(hex)-4:]
}

func batchChangedText(ctx context.Context, v BatchChangedView) string {
	if v.Was == 0 {
		return v.Text.In(ctx)
	}
	return locale.T(ctx, "batch.changed_text", v.Was, v.Now, locale.Clock(ctx, v.FrozenAt))
}

func batchGoOn(ctx context.Context, v BatchChangedView) string {
	if v.Was == 0 {
		return locale.T(ctx, "batch.freeze_again")
	}
	return locale.T(ctx, "batch.go_on_with", v.Now)
}

func batchDifference(ctx context.Context, v BatchChangedView) []ui.Fact {
	facts := []ui.Fact{
		{Term: locale.T(ctx, "batch.was"), Text: locale.N(ctx, v.Was)},
		{Term: locale.T(ctx, "batch.entered"), Text: signed(ctx, v.Entered)},
	}
	for _, r := range v.Left {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "batch.why_"+r.Code), Text: signed(ctx, -r.Count)})
	}
	return append(facts, ui.Fact{Term: locale.T(ctx, "batch.is"), Text: locale.N(ctx, v.Now)})
}
