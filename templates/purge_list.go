package templates

import (
	"context"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// PurgeTabs are the tabs of the list, by the state in its address.
var PurgeTabs = []string{"", "executing", "finished", "closed", "all"}

func purgeTabs(ctx context.Context, v PurgesView) []ui.TabView {
	var tabs []ui.TabView
	for _, s := range PurgeTabs {
		key := s
		if key == "" {
			key = "open"
		}
		q := v.PurgeQuery
		q.State = s
		tabs = append(tabs, ui.TabView{Label: locale.T(ctx, "purge.tab_"+key), Path: PurgeListPath(q, 0), Active: v.State == s})
	}
	q := v.PurgeQuery
	q.Mine = !q.Mine
	return append(tabs, ui.TabView{Label: locale.T(ctx, "purge.tab_mine"), Path: PurgeListPath(q, 0), Icon: "user", Active: v.Mine})
}

func purgesEmpty(v PurgesView) string {
	if v.PurgeQuery == (PurgeQuery{}) {
		return "purge.empty_open"
	}
	return "purge.empty"
}
