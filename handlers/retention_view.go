package handlers

import (
	"context"
	"slices"
	"strconv"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/retention"
	"qingdang/templates"
	"qingdang/templates/locale"
)

func retentionView(p *retention.Page, tree *department.Tree, by account.Actor) templates.RetentionView {
	v := templates.RetentionView{
		Policy: retentionPolicy(p.Draft, p.Bounds), CanEdit: p.CanEdit, CanFind: by.May(account.ConversationSearch),
		Counts:     templates.RetentionCounts{At: p.Counts.At, PastTarget: p.Counts.PastTarget, PastCeiling: p.Counts.PastCeiling, NeverKeep: p.Counts.NeverKeep, Unlooked: p.Counts.Unlooked},
		HasTarget:  slices.ContainsFunc(p.Bounds, func(b retention.Bounds) bool { return b.Target > 0 }),
		HasCeiling: slices.ContainsFunc(p.Bounds, func(b retention.Bounds) bool { return b.Ceiling > 0 }),
	}
	const most = 20
	v.MorePlaces = max(0, len(p.Places)-most)
	for _, r := range p.Places[:min(most, len(p.Places))] {
		v.Places = append(v.Places, templates.RetentionPlace{
			ID: id.String(r.DepartmentID), Path: tree.Path(r.DepartmentID), PastTarget: r.PastTarget, PastCeiling: r.PastCeiling, NeverKeep: r.NeverKeep,
		})
	}
	if p.Open != nil {
		open := retentionChange(p.Open)
		v.Open = &open
	}
	for i := range p.Changes {
		v.Past = append(v.Past, retentionChange(&p.Changes[i]))
	}
	return v
}

// retentionPolicy is a draft as a page shows it, with the bounds in force where they are known.
func retentionPolicy(d retention.Draft, bounds []retention.Bounds) templates.RetentionPolicy {
	out := templates.RetentionPolicy{NeverKeep: d.NeverKeep}
	days := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	for i, r := range d.Rules {
		rule := templates.RetentionRule{
			Type: r.ServiceType, Floor: strconv.Itoa(r.FloorDays), Target: days(r.TargetDays), Ceiling: days(r.CeilingDays), Forever: r.Forever, Basis: r.Basis, Confirmed: r.Confirmed,
		}
		if i < len(bounds) {
			rule.InTarget, rule.InCeiling = bounds[i].Target, bounds[i].Ceiling
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}

func retentionChange(c *retention.Change) templates.RetentionChange {
	return templates.RetentionChange{
		Code: c.Code, State: string(c.State), Reason: c.Reason, Root: c.Fingerprint(), Requester: c.RequesterName, Approver: c.ApproverName, Opinion: c.Opinion,
		RequestedAt: c.RequestedAt, ExpiresAt: c.ExpiresAt, DecidedAt: instant(c.DecidedAt), EffectiveAt: instant(c.EffectiveAt), ClosedAt: instant(c.ClosedAt),
		ClosedName: c.ClosedName, ClosedReason: c.ClosedReason,
	}
}

func retentionEffect(e *retention.Effect) *templates.RetentionEffect {
	if e == nil {
		return nil
	}
	out := templates.RetentionEffect(*e)
	return &out
}

// retentionLines says what differs between two policies as they are put in force, rule by rule.
func retentionLines(ctx context.Context, was, is retention.Draft) (out []templates.RetentionLine) {
	before := map[string]retention.DraftRule{}
	for _, r := range was.Rules {
		before[r.ServiceType] = r
	}
	days := func(n int) string {
		if n == 0 {
			return locale.None
		}
		return locale.T(ctx, "retention.n_days", n)
	}
	floor := func(r retention.DraftRule, known bool) string {
		switch {
		case !known:
			return locale.None
		case r.Forever:
			return locale.T(ctx, "retention.forever")
		}
		return locale.T(ctx, "retention.n_days", r.FloorDays)
	}
	basis := func(r retention.DraftRule) string {
		if r.Basis == "" {
			return locale.None
		}
		key := "retention.unconfirmed"
		if r.Confirmed {
			key = "retention.confirmed"
		}
		return r.Basis + " · " + locale.T(ctx, key)
	}
	for _, r := range is.Rules {
		old, known := before[r.ServiceType]
		for _, l := range []templates.RetentionLine{
			{Key: "floor", Was: floor(old, known), Is: floor(r, true)},
			{Key: "target", Was: days(old.TargetDays), Is: days(r.TargetDays)},
			{Key: "ceiling", Was: days(old.CeilingDays), Is: days(r.CeilingDays)},
			{Key: "basis", Was: basis(old), Is: basis(r)},
		} {
			if l.Was != l.Is {
				l.Type = r.ServiceType
				out = append(out, l)
			}
		}
	}
	kinds := func(d retention.Draft) string { return templates.RetentionKinds(ctx, d.NeverKeep) }
	if kinds(was) != kinds(is) {
		out = append(out, templates.RetentionLine{Key: "never", Was: kinds(was), Is: kinds(is)})
	}
	return out
}
