package templates

import (
	"context"
	"slices"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// SavedTab is one saved search above the form.
type SavedTab struct {
	Code, Name    string
	Active        bool
	Shared        bool // by somebody else
	Count         int64
	AtMost, Known bool
}

// KeptSearch is what the search page says of the saved search from which it comes, and the form that keeps
// this one.
type KeptSearch struct {
	Code, Name string // empty: it comes from none
	Owner      string // who shares it; empty: the reader's own
	Own        bool
	Edited     bool
	Notes      []Words // what of it is hidden from this reader, or no more

	CanSave  bool
	Open     bool // the form stands open, with what was wrong
	NewName  string
	Shares   []ShareOption
	Problems Problems
}

// ShareOption is one audience that a search can have: nobody, a department of the reader's, or a role.
type ShareOption struct {
	Value, Department, Role string
	Chosen                  bool
}

// shareChoices looks the words for a department up once: there may be hundreds.
func shareChoices(ctx context.Context, all []ShareOption) []ui.Option {
	const name = "\x00"
	before, behind, _ := strings.Cut(shareWord(ctx, name, ""), name)
	out := make([]ui.Option, len(all))
	for i, s := range all {
		out[i] = ui.Option{Value: s.Value, Chosen: s.Chosen}
		if s.Department != "" {
			out[i].Label = before + s.Department + behind
		} else {
			out[i].Label = shareWord(ctx, "", s.Role)
		}
	}
	return out
}

// shareWord says with whom a search is shared.
func shareWord(ctx context.Context, department, role string) string {
	switch {
	case department != "":
		return locale.T(ctx, "search.share_in", department)
	case role != "":
		return locale.T(ctx, "search.share_with", locale.T(ctx, "role."+role))
	}
	return locale.T(ctx, "search.share_private")
}

// LostDepartment is a choice for a department that a saved search asks for and its reader cannot choose.
func LostDepartment(value, name string) ui.Option {
	return ui.Option{Value: value, Label: name, Chosen: true}
}

// mostTabs is how many saved searches stand above the form; the others are one link away.
const mostTabs = 6

// ShownTabs are those that stand above the form, and how many do not. The active one is always there.
func ShownTabs(all []SavedTab) (shown []SavedTab, hidden int) {
	for i, t := range all {
		if i < mostTabs || t.Active {
			shown = append(shown, t)
		}
	}
	return shown, len(all) - len(shown)
}

// tabs are all conversations, and the saved searches.
func (v ConversationsView) tabs(ctx context.Context) []ui.TabView {
	out := []ui.TabView{{Label: locale.T(ctx, "search.tab_all"), Path: ConversationsRoot, Active: v.Search.Saved == ""}}
	shown, hidden := ShownTabs(v.Tabs)
	for _, t := range shown {
		tab := ui.TabView{Label: t.Name, Path: SavedPath(t.Code), Active: t.Active, CountID: t.countID()}
		if t.Shared {
			tab.Icon = "users"
		}
		if v.countsTab(t) {
			tab.Count, tab.CountID = v.counted(ctx, v.Total), ""
		}
		out = append(out, tab)
	}
	if hidden > 0 {
		out = append(out, ui.TabView{Label: locale.T(ctx, "search.tab_more", hidden), Path: SearchesPath})
	}
	return out
}

// countsTab tells whether what was found is what a tab finds.
func (v ConversationsView) countsTab(t SavedTab) bool {
	return t.Active && v.Found && !v.Kept.Edited && v.Search.Sel == ""
}

// uncounted gives the address of the numbers that are not known yet; "" where there are none.
func (v ConversationsView) uncounted() string {
	shown, _ := ShownTabs(v.Tabs)
	switch known := slices.ContainsFunc(shown, v.countsTab); {
	case len(shown) == 0 || known && len(shown) == 1:
		return ""
	default:
		return TabCountsPath(v.Search.Saved, known)
	}
}

func (t SavedTab) countID() string { return "tab-" + t.Code }

// count is nothing where it is not known: the tab stands without.
func (t SavedTab) count(ctx context.Context) string {
	switch {
	case !t.Known:
		return ""
	case t.AtMost && t.Count > 0:
		return locale.T(ctx, "conversation.at_most", t.Count)
	}
	return locale.N(ctx, t.Count)
}

// SearchesView is the page of the saved searches.
type SearchesView struct {
	Rows    []SavedRow
	Counted bool
}

// SavedRow is one saved search.
type SavedRow struct {
	Code, Name        string
	Broken            bool
	Conditions        ConversationsView // for its chips
	Owner             string
	OwnerGone, Own    bool
	Department, Role  string // with whom it is shared
	CanEdit           bool
	CanRemove         bool
	Count             int64
	AtMost, Known     bool
	Counted           bool
	UsedAt, CreatedAt time.Time
	ChangedAt         time.Time
	First, Last       bool
}

// conditions says in one line what is searched for.
func (r SavedRow) conditions(ctx context.Context) string {
	var out []string
	for _, c := range r.Conditions.chips(ctx) {
		out = append(out, c.Text)
	}
	if r.Conditions.Search.Sort == SortOldest {
		out = append(out, locale.T(ctx, "conversation.sort_oldest"))
	}
	if len(out) == 0 {
		return locale.T(ctx, "search.no_conditions")
	}
	return strings.Join(out, " · ")
}

// title is the name, or the code of what cannot be opened.
func (r SavedRow) title() string {
	if r.Broken {
		return r.Code
	}
	return r.Name
}

func (r SavedRow) count(ctx context.Context) string {
	switch {
	case !r.Counted:
		return locale.None
	case !r.Known:
		return locale.T(ctx, "search.count_unknown")
	case r.AtMost:
		return locale.T(ctx, "conversation.at_most", r.Count)
	}
	return locale.N(ctx, r.Count)
}

func (r SavedRow) used(ctx context.Context) string {
	if r.UsedAt.IsZero() {
		return locale.None
	}
	return locale.Date(ctx, r.UsedAt)
}

// SavedView is the page of one saved search.
type SavedView struct {
	SavedRow
	NewName  string
	Shares   []ShareOption
	Problems Problems
}

func (v SavedView) facts(ctx context.Context) []ui.Fact {
	owner := v.Owner
	if v.OwnerGone {
		owner = locale.T(ctx, "search.owner_gone", owner)
	}
	return []ui.Fact{
		{Term: locale.T(ctx, "search.conditions"), Text: v.conditions(ctx)},
		{Term: locale.T(ctx, "search.owner"), Text: owner},
		{Term: locale.T(ctx, "search.share"), Text: shareWord(ctx, v.Department, v.Role)},
		{Term: locale.T(ctx, "search.count"), Text: v.count(ctx)},
		{Term: locale.T(ctx, "search.used"), Text: v.used(ctx)},
		{Term: locale.T(ctx, "search.created"), Text: locale.Date(ctx, v.CreatedAt)},
		{Term: locale.T(ctx, "search.changed"), Text: locale.Date(ctx, v.ChangedAt)},
	}
}
