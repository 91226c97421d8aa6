package templates

import (
	"context"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// batchPolling makes a running batch fetch its state; the answer without it ends that.
func batchPolling(v BatchStateView) templ.Attributes {
	if v.State != "running" || v.Failed {
		return nil
	}
	return templ.Attributes{"hx-get": BatchActPath(v.ID, "state"), "hx-trigger": "every 5s", "hx-swap": "outerHTML"}
}

func batchFacts(ctx context.Context, v BatchView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{fact("batch.department", binSource(ctx, v.Path, v.Sub))}
	if !v.Single {
		facts = append(facts, fact("batch.conditions", batchTerms(ctx, v.Conditions)))
	}
	if v.Raised != nil {
		facts = append(facts, fact("batch.cap_raised_fact", batchRaisedText(ctx, v.Raised)))
	}
	reason := v.Reason
	if v.Asked {
		reason = locale.T(ctx, "subject.batch_reason", v.Reason)
	}
	return append(facts,
		fact("batch.reason", reason),
		fact("batch.owner", v.Owner),
		fact("batch.done_at", locale.DateSec(ctx, v.CreatedAt)),
		fact("batch.volume", locale.Bytes(ctx, v.Bytes)),
		ui.Fact{Term: locale.T(ctx, "batch.fingerprint"), Body: ui.Copyable(shortHash(v.Fingerprint), v.Fingerprint)})
}

func batchTimeFacts(ctx context.Context, v BatchView) []ui.Fact {
	fact := func(term, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, term), Text: text} }
	facts := []ui.Fact{fact("batch.after_until", locale.Date(ctx, v.KeepUntil))}
	if !v.ExtendedAt.IsZero() {
		facts = append(facts, fact("bin.extended", locale.Date(ctx, v.ExtendedAt)))
	}
	facts = append(facts, fact("batch.resting", locale.N(ctx, v.Resting)))
	for _, n := range []struct {
		key   string
		count int64
	}{{"batch.on_list", v.OnList}, {"batch.restored", v.Restored}, {"batch.rescued", v.Rescued}, {"batch.purged", v.Purged}} {
		if n.count > 0 {
			facts = append(facts, fact(n.key, locale.N(ctx, n.count)))
		}
	}
	return facts
}

func batchExcludedFacts(ctx context.Context, e BatchExcluded) []ui.Fact {
	fact := func(term string, n int64) ui.Fact {
		return ui.Fact{Term: locale.T(ctx, term), Text: locale.N(ctx, n)}
	}
	return []ui.Fact{
		fact("batch.fall_held", e.Held), fact("batch.fall_floor", e.Floor), fact("batch.fall_order", e.Order), fact("batch.all_excluded", e.Total()),
	}
}

func batchPlainBars(left []BatchResidue) []ui.BarRow {
	out := make([]ui.BarRow, len(left))
	for i, r := range left {
		out[i] = ui.BarRow{Label: r.Name, Value: r.Count, Class: "chart-warning"}
	}
	return out
}

// BatchItemStates are the tabs above a batch's conversations.
var BatchItemStates = []string{"", "binned", "frozen", "restored", "skipped", "purged", "pending"}

func batchItemTabs(ctx context.Context, v BatchView) []ui.TabView {
	var tabs []ui.TabView
	for _, s := range BatchItemStates {
		if s == "pending" && v.State.State != "running" {
			continue
		}
		key := s
		if key == "" {
			key = "all"
		}
		tabs = append(tabs, ui.TabView{Label: locale.T(ctx, "bin.item_"+key), Path: BatchItemsPath(v.ID, s, 1), Active: v.Items.State == s})
	}
	return tabs
}
