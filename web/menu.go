package web

import (
	"net/http"
	"strings"

	"qingdang/models/account"
	"qingdang/templates"
)

// place is an item of the menu. Who sees it is said by the route table: an address
// that is not mounted or that the role may not open is not drawn.
type place struct{ key, path, icon string }

var menuGroups = []struct {
	title  string
	places []place
}{
	{"", []place{{"menu.home", "/", "layout-dashboard"}}},
	{"menu.group_conversations", []place{{"menu.conversations", "/conversations", "search"}, {"menu.searches", "/searches", "bookmark"}}},
	{"menu.group_disposal", []place{{"menu.batches", "/batches", "trash-x"}, {"menu.bin", "/bin", "recycle"}, {"menu.purges", "/purges", "flame"}}},
	{"menu.group_governance", []place{{"menu.retention", "/retention", "calendar-cog"}, {"menu.holds", "/holds", "lock"}}},
	{"menu.group_evidence", []place{{"menu.exports", "/exports", "file-export"}, {"menu.reports", "/reports", "report"}, {"menu.audit", "/audit", "history"}, {"menu.inspections", "/inspections", "clipboard-check"}}},
	{"menu.group_admin", []place{{"menu.imports", "/imports", "file-import"}, {"menu.org", "/org", "sitemap"}, {"menu.connectors", "/connectors", "plug-connected"}, {"menu.settings", "/settings", "settings"}}},
}

func (a *App) menu(here string, by account.Actor) []templates.MenuGroup {
	var out []templates.MenuGroup
	for _, g := range menuGroups {
		group := templates.MenuGroup{TitleKey: g.title}
		for _, p := range g.places {
			if !a.opens(p.path, by) {
				continue
			}
			active := here == p.path || p.path != "/" && strings.HasPrefix(here, p.path+"/")
			group.Items = append(group.Items, templates.MenuItem{Key: p.key, Path: p.path, Icon: p.icon, Active: active})
		}
		if len(group.Items) > 0 {
			out = append(out, group)
		}
	}
	return out
}

func (a *App) links(by account.Actor) templates.FrameLinks {
	link := func(path string) string {
		if a.opens(path, by) {
			return path
		}
		return ""
	}
	return templates.FrameLinks{Jobs: link("/jobs"), Inbox: link("/inbox"), Help: link("/help"), Settings: link("/account"), Proof: link("/audit/proof")}
}

// opens tells whether the actor may open the page at path.
func (a *App) opens(path string, by account.Actor) bool {
	r, ok := a.table[http.MethodGet+" "+path]
	return ok && (r.Permission == SignedIn || by.May(r.Permission))
}
