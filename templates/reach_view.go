package templates

import (
	"context"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ReachView says of every class of copies what becomes of it. Planned speaks of what a purge will
// do; Now tells apart what will end from what has ended.
type ReachView struct {
	Planned bool
	Now     time.Time
	Rows    []ReachRow
}

// ReachRow is one class of copies.
type ReachRow struct {
	Copy  string
	State string
	Until time.Time
	Days  int // after the purge, while nobody knows when it will run
	Why   string
	Count int64
	Items []ReachItem
}

// ReachItem is one copy that is known by name; one without an end is in somebody's hands.
type ReachItem struct {
	Name   string
	Holder string
	Until  time.Time
}

// badge gives what the state is called and how it is drawn.
func (r ReachRow) badge(ctx context.Context, v ReachView) (kind, icon, text string) {
	switch r.State {
	case "erased", "key_destroyed":
		if v.Planned {
			return ui.Warning, "flame", locale.T(ctx, "reach.will_"+r.State)
		}
		return ui.Success, "check", locale.T(ctx, "reach.is_"+r.State)
	case "expires":
		switch {
		case v.Planned && r.Days > 0:
			return ui.Warning, "hourglass", locale.T(ctx, "reach.will_expire_days", r.Days)
		case v.Planned:
			return ui.Warning, "hourglass", locale.T(ctx, "reach.will_expire")
		case v.Now.Before(r.Until):
			return ui.Warning, "hourglass", locale.T(ctx, "reach.is_expiring", r.Until)
		}
		return ui.Success, "check", locale.T(ctx, "reach.is_expired", r.Until)
	case "none":
		return ui.Outline, "", locale.T(ctx, "reach.is_none")
	case "out_of_reach":
		return ui.Outline, "ban", locale.T(ctx, "reach.is_out_of_reach")
	}
	return "", "", locale.T(ctx, "reach.is_"+r.State)
}

// notes are the sentences beside the state, and the copies that are known by name.
func (r ReachRow) notes(ctx context.Context) []string {
	out := []string{locale.T(ctx, "reach.note_"+r.Copy)}
	switch {
	case r.Why == "sealed" && r.State == "kept":
		out = append(out, locale.T(ctx, "reach.why_sealed_kept"))
	case r.Why == "lists_only" || r.Why == "exports_shelf" || r.Why == "exports_fetched":
		out = append(out, locale.T(ctx, "reach.why_"+r.Why, r.Count))
	case r.Why != "":
		out = append(out, locale.T(ctx, "reach.why_"+r.Why))
	}
	for _, i := range r.Items {
		holder := i.Holder
		if key := "reach.holder_" + holder; locale.Has(key) {
			holder = locale.T(ctx, key)
		}
		if i.Until.IsZero() {
			out = append(out, locale.T(ctx, "reach.item_held", i.Name, holder))
			continue
		}
		out = append(out, locale.T(ctx, "reach.item", i.Name, holder, i.Until))
	}
	return out
}

// note is all of them in one text.
func (r ReachRow) note(ctx context.Context) string {
	if locale.Of(ctx) == locale.Chinese {
		return strings.Join(r.notes(ctx), "")
	}
	return strings.Join(r.notes(ctx), " ")
}
