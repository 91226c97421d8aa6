package templates

import (
	"context"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

const batchFormID = "batch-form"

var batchScopeFields = []string{"", "from", "to", "tag", "without_tag", "agent", "department", "residue", "residue_reason"}

var (
	batchDays = templ.Attributes{"min": "1990-01-01", "max": "2099-12-31"}
	batchList = templ.Attributes{"maxlength": "1000", "autocomplete": "off"}
)

// batchCounting makes changes of the form counted. A draft that was not saved yet is saved by
// its first count, which answers with the form of the draft.
func batchCounting(draft uint64) templ.Attributes {
	a := templ.Attributes{"hx-trigger": "change delay:400ms", "hx-sync": "this:replace", "hx-swap": "outerHTML", "data-resubmit": true}
	if draft == 0 {
		a["hx-post"], a["hx-target"] = BatchNewPath, "#"+batchFormID
		return a
	}
	a["hx-post"], a["hx-target"] = BatchDraftActPath(draft, "count"), "#batch-scope"
	return a
}

func batchSteps(ctx context.Context, draft uint64, step string) []ui.Step {
	names := []string{StepScope, StepImpact, StepConfirm, "result"}
	var out []ui.Step
	state := "done"
	for _, n := range names {
		s := ui.Step{Label: locale.T(ctx, "batch.step_"+n), State: state}
		if n == step {
			s.State, state = "current", ""
		} else if state == "done" && draft != 0 {
			s.Path = BatchDraftPath(draft, n)
		}
		out = append(out, s)
	}
	return out
}

func batchOptions(all, chosen []string, label func(string) string) []ui.Option {
	is := map[string]bool{}
	for _, c := range chosen {
		is[c] = true
	}
	var out []ui.Option
	for _, s := range all {
		if s == "" {
			continue // conversations of which an export said nothing; there is no word to tick
		}
		out = append(out, ui.Option{Value: s, Label: label(s), Chosen: is[s]})
		delete(is, s)
	}
	// What was chosen stays to be seen and unticked, even if nothing of the kind occurs.
	for _, s := range chosen {
		if is[s] {
			out = append(out, ui.Option{Value: s, Label: label(s), Chosen: true})
			delete(is, s)
		}
	}
	return out
}

// batchPlatform is a platform's name; one that is not in the catalogue speaks for itself.
func batchPlatform(ctx context.Context, code string) string {
	if key := "conversation.platform_" + code; locale.Has(key) {
		return locale.T(ctx, key)
	}
	return code
}

func batchNodes(departments []BatchDepartment) []ui.Node {
	out := make([]ui.Node, len(departments))
	for i, d := range departments {
		out[i] = ui.Node{
			ID: strconv.FormatUint(d.ID, 10), Name: d.Name, All: d.All, Matching: d.Matching, Known: !d.Unknown,
			Checked: d.Checked, Mixed: d.Mixed, Open: d.Open, Current: d.Current, Disabled: d.Foreign, Children: batchNodes(d.Children),
		}
	}
	return out
}

func batchBars(left []BatchResidue) []ui.BarRow {
	out := make([]ui.BarRow, len(left))
	for i, r := range left {
		out[i] = ui.BarRow{Label: r.Name, Value: r.Count, Class: "chart-warning", Action: batchInclude(r)}
	}
	return out
}

func batchParts(ctx context.Context, p BatchPanel) []ui.Part {
	return []ui.Part{
		{Label: locale.T(ctx, "batch.part_taken"), Value: p.Taken, Class: "chart-primary"},
		{Label: locale.T(ctx, "batch.part_residue"), Value: p.Residue, Class: "chart-residue"},
	}
}

// batchResidueKey says why something stays: sub-departments were not included, or some of
// them were taken out again.
func batchResidueKey(v BatchScopeView) string {
	if v.Form.Sub {
		return "batch.residue_some"
	}
	return "batch.residue_title"
}

func batchTakenKey(p BatchPanel) string {
	if p.Departments == 1 {
		return "batch.taken_direct"
	}
	return "batch.taken_of"
}

func batchNames(ctx context.Context, p BatchPanel) string {
	if p.Departments > 1 {
		return locale.T(ctx, "batch.name_and", p.Name, p.Departments)
	}
	return p.Name
}

// batchTerms are the conditions in words, for summaries.
func batchTerms(ctx context.Context, c BatchConditions) string {
	if c.Picked > 0 {
		return pickedWords(ctx, c.Picked, c.Except) + " · " + batchSearchTerms(ctx, c)
	}
	var out []string
	switch {
	case c.From != "" && c.To != "":
		out = append(out, locale.Span(ctx, c.From, c.To))
	case c.From != "":
		out = append(out, locale.T(ctx, "batch.since", c.From))
	case c.To != "":
		out = append(out, locale.T(ctx, "batch.until", c.To))
	}
	if len(c.Types) > 0 {
		types := make([]string, len(c.Types))
		for i, s := range c.Types {
			types[i] = TypeWord(ctx, s)
		}
		out = append(out, strings.Join(types, locale.T(ctx, "common.list_mark")))
	}
	if len(c.Platforms) > 0 {
		names := make([]string, len(c.Platforms))
		for i, p := range c.Platforms {
			names[i] = batchPlatform(ctx, p)
		}
		out = append(out, strings.Join(names, locale.T(ctx, "common.list_mark")))
	}
	for _, t := range []struct{ key, list string }{{"batch.term_tags", c.Tags}, {"batch.term_without", c.WithoutTags}, {"batch.term_agents", c.Agents}} {
		if t.list != "" {
			out = append(out, locale.T(ctx, t.key, t.list))
		}
	}
	for _, t := range c.Traits.each() {
		out = append(out, locale.T(ctx, "conversation.chip", t.name, t.value(ctx)))
	}
	if len(out) == 0 {
		return locale.T(ctx, "batch.no_conditions")
	}
	return strings.Join(out, " · ")
}
