package handlers

import (
	"cmp"
	"maps"
	"slices"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/templates"
)

// showFacets makes the counted choices beside a result. Each is a link that applies at once and keeps
// the other conditions.
func showFacets(view *templates.ConversationsView, o *conversation.Overview, tree *department.Tree, reach account.Scope, sealed bool) {
	base := view.Search.FirstPage()
	base.Sel = ""
	view.Messages = o.Messages
	view.Facets = slices.DeleteFunc([]templates.Facet{
		chosenFacet("platform", templates.SearchPlatforms, o.Platforms, base, func(s *templates.Search) *[]string { return &s.Platforms }),
		chosenFacet("type", templates.SearchTypes, o.Types, base, func(s *templates.Search) *[]string { return &s.Types }),
		departmentFacet(o.Departments, base, tree, reach),
		stateFacet(o.States, base, sealed),
		tagFacet(o.Tags, base),
	}, func(f templates.Facet) bool { return len(f.Items) == 0 })
}

// changed is the address of a search with a value of one of its lists added or taken away.
func changed(s templates.Search, list func(*templates.Search) *[]string, value string) string {
	at := list(&s)
	if slices.Contains(*at, value) {
		*at = slices.DeleteFunc(slices.Clone(*at), func(v string) bool { return v == value })
	} else {
		*at = append(slices.Clone(*at), value)
	}
	return templates.ConversationsPath(s)
}

// chosenFacet offers values of which several may be chosen, the known ones in their order.
func chosenFacet(kind string, known []string, counts map[string]int64, base templates.Search, list func(*templates.Search) *[]string) templates.Facet {
	f := templates.Facet{Kind: kind}
	chosen := *list(&base)
	values := slices.Clone(known)
	for _, v := range slices.Concat(slices.Sorted(maps.Keys(counts)), chosen) {
		if v != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	for _, v := range values {
		f.Items = append(f.Items, templates.FacetItem{Value: v, Count: counts[v], Chosen: slices.Contains(chosen, v), Path: changed(base, list, v)})
	}
	if len(chosen) > 0 {
		plain := base
		*list(&plain) = nil
		f.Clear = templates.ConversationsPath(plain)
	}
	return f
}

// mostTags is how many tags stand open; the others fold.
const mostTags = 8

func tagFacet(counts map[string]int64, base templates.Search) templates.Facet {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	f := chosenFacet("tag", names, counts, base, func(s *templates.Search) *[]string { return &s.Tags })
	// What is chosen stands first, so that it can be seen and taken back.
	slices.SortStableFunc(f.Items, func(a, b templates.FacetItem) int {
		switch {
		case a.Chosen == b.Chosen:
			return 0
		case a.Chosen:
			return -1
		}
		return 1
	})
	if len(f.Items) > mostTags {
		f.More, f.Items = f.Items[mostTags:], f.Items[:mostTags]
	}
	return f
}

// stateFacet offers the two states that a search shows, and to those who may see it what is sealed: that stands alone.
func stateFacet(counts map[conversation.State]int64, base templates.Search, sealed bool) templates.Facet {
	to := func(state string) string {
		s := base
		s.State = state
		return templates.ConversationsPath(s)
	}
	alone := base.State == templates.SearchSealed
	active := templates.FacetItem{Value: conversation.Active.Code(), Count: counts[conversation.Active], Chosen: base.State == "" || base.State == templates.SearchAll}
	hidden := templates.FacetItem{Value: conversation.Hidden.Code(), Count: counts[conversation.Hidden], Chosen: base.State == templates.SearchHidden || base.State == templates.SearchAll}
	switch base.State {
	case "":
		hidden.Path = to(templates.SearchAll) // one of both is always chosen
	case templates.SearchHidden:
		active.Path = to(templates.SearchAll)
	case templates.SearchSealed:
		active.Path, hidden.Path = to(""), to(templates.SearchHidden)
	default:
		active.Path, hidden.Path = to(templates.SearchHidden), to("")
	}
	f := templates.Facet{Kind: "state", Items: []templates.FacetItem{active, hidden}}
	if sealed {
		item := templates.FacetItem{Value: conversation.Sealed.Code(), Count: counts[conversation.Sealed], Chosen: alone, Path: to(templates.SearchSealed)}
		if alone {
			item.Path = to("")
		}
		f.Items = append(f.Items, item)
	}
	return f
}

// departmentFacet offers what lies below the chosen department and what belongs to itself; without a
// choice, and beside a department that has none below it, its neighbours.
func departmentFacet(counts map[id.Department]int64, base templates.Search, tree *department.Tree, reach account.Scope) templates.Facet {
	within := func(list []id.Department) []id.Department {
		return slices.DeleteFunc(slices.Clone(list), func(d id.Department) bool { return !reach.Has(d) })
	}
	to := func(d id.Department, sub bool) string {
		s := base
		s.Dept, s.Sub = "", false
		if d != 0 {
			s.Dept, s.Sub = id.String(d), sub
		}
		return templates.ConversationsPath(s)
	}
	chosen, _ := id.Parse[id.Department](base.Dept)
	f := templates.Facet{Kind: "department"}
	above, below := chosen, within(tree.Children(chosen))
	if chosen == 0 {
		below = tops(tree, reach)
		if len(below) == 1 && len(within(tree.Children(below[0]))) > 0 {
			above, below = below[0], within(tree.Children(below[0]))
		}
	} else {
		d, _ := tree.Get(chosen)
		if len(below) == 0 {
			if above = d.ParentID; reach.Has(above) {
				below = within(tree.Children(above))
			} else {
				above, below = 0, tops(tree, reach)
			}
		}
		f.Clear = to(0, false)
		if reach.Has(d.ParentID) && above == chosen {
			f.Up, f.UpName = to(d.ParentID, true), tree.Name(d.ParentID)
		}
	}
	f.Name = tree.Name(above)
	for _, d := range below {
		item := templates.FacetItem{Value: id.String(d), Label: tree.Name(d), Chosen: d == chosen, Path: to(d, len(tree.Children(d)) > 0)}
		for _, one := range within(tree.Subtree(d)) {
			item.Count += counts[one]
		}
		if item.Chosen {
			item.Path = to(above, true)
		}
		f.Items = append(f.Items, item)
	}
	if own := above == chosen && !base.Sub; reach.Has(above) && (own || counts[above] > 0) {
		item := templates.FacetItem{Value: "own", Count: counts[above], Chosen: own && chosen != 0, Path: to(above, false)}
		if item.Chosen {
			item.Path = to(above, true)
		}
		f.Items = append(f.Items, item)
	}
	return f
}

// tops are the highest departments of a scope.
func tops(tree *department.Tree, reach account.Scope) (out []id.Department) {
	for _, d := range tree.Preorder() {
		if dep, _ := tree.Get(d); reach.Has(d) && !reach.Has(dep.ParentID) {
			out = append(out, d)
		}
	}
	return out
}

// showHistogram hands over when what was found was written to last.
func showHistogram(view *templates.ConversationsView, h conversation.Histogram) {
	view.Histogram.Unit, view.Histogram.Framed = h.Unit, h.Framed
	for _, b := range h.Bars {
		view.Histogram.Bars = append(view.Histogram.Bars, templates.SearchBar{From: b.From, To: b.To, Count: b.Count, Beside: b.Beside})
	}
}
