package templates

import (
	"context"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// facts are what both pages say of the proof.
func (p *AuditProof) facts(ctx context.Context) []ui.Fact {
	var out []ui.Fact
	if len(p.Checkpoints) > 0 {
		last := p.Checkpoints[0]
		out = append(out, ui.Fact{Term: locale.T(ctx, "audit.today"), Text: locale.Date(ctx, last.At) + "　" + ends(last.Root), Mono: true})
	}
	outside := "audit.outside_no"
	if p.Outside {
		outside = "audit.outside_yes"
	}
	out = append(out, ui.Fact{Term: locale.T(ctx, "audit.outside"), Text: locale.T(ctx, outside)})
	out = append(out, p.Witness.facts(ctx)...)
	return append(out,
		ui.Fact{Term: locale.T(ctx, "audit.key"), Text: p.KeyName, Mono: true},
	)
}

// facts are what the other machine has, and why it does not have more.
func (w *AuditWitness) facts(ctx context.Context) []ui.Fact {
	if w.Host == "" {
		return nil
	}
	has := locale.T(ctx, "audit.witness_none", w.Host)
	if !w.At.IsZero() {
		has = locale.T(ctx, "audit.witness_has", w.Host, w.Size, locale.Date(ctx, w.At))
	}
	out := []ui.Fact{{Term: locale.T(ctx, "audit.witness"), Text: has}}
	if !w.FailedAt.IsZero() {
		why := locale.T(ctx, "audit.witness_"+w.Class, w.Status)
		out = append(out, ui.Fact{Term: locale.T(ctx, "audit.witness_failed"), Text: locale.T(ctx, "audit.witness_since", why, locale.Date(ctx, w.FailedAt), w.Waiting)})
	}
	return out
}

// checks are what the last look at the log found.
func (p *AuditProof) checks(ctx context.Context) []ui.Fact {
	found := locale.T(ctx, "audit.unchecked")
	switch {
	case p.CheckedAt.IsZero():
	case !p.OK:
		found = p.found(ctx)
	case p.Full:
		found = locale.T(ctx, "audit.check_ok", p.Checked)
	default:
		found = locale.T(ctx, "audit.check_part", p.Checked)
	}
	tail := locale.T(ctx, "audit.tail_open")
	if p.TailProvable {
		tail = locale.T(ctx, "audit.proven", p.Proven)
	}
	full := locale.T(ctx, "audit.never_full")
	if !p.FullAt.IsZero() {
		full = locale.T(ctx, "audit.checked_full", locale.Date(ctx, p.FullAt))
	}
	return []ui.Fact{
		{Term: locale.T(ctx, "audit.size"), Text: locale.N(ctx, p.Size)},
		{Term: locale.T(ctx, "audit.checks"), Text: found},
		{Term: locale.T(ctx, "report.col_at"), Text: locale.DateSec(ctx, p.CheckedAt)},
		{Term: locale.T(ctx, "report.col_check_full"), Text: full},
		{Term: locale.T(ctx, "report.section_proof"), Text: tail},
	}
}

// orDash shows that there is nothing.
func orDash(s string) string {
	if s == "" {
		return locale.None
	}
	return s
}
