package web

import (
	"net/http"
	"strings"

	"qingdang/models/account"
	"qingdang/templates"
)

// place is an item of the menu. Who sees it is said by the route table: an address
// that is not mounted or that the role may not open is not drawn.
// Under are further addresses of the same item: it leads to the first that is open.
type place struct {
	key, path, icon string
	under           []string
}

var menuGroups = []struct {
	title  string
	places []place
}{
	{"", []place{{"menu.home", "/", "layout-dashboard", nil}}},
	{"menu.group_conversations", []place{{"menu.conversations", "/conversations", "search", nil}, {"menu.searches", "/searches", "bookmark", nil}, {"menu.access", "/access", "scan-eye", nil}}},
	{"menu.group_disposal", []place{{"menu.batches", "/batches", "trash-x", nil}, {"menu.bin", "/bin", "recycle", nil}, {"menu.purges", "/purges", "flame", nil}}},
	{"menu.group_governance", []place{{"menu.retention", "/retention", "calendar-cog", nil}, {"menu.holds", "/holds", "lock", nil}, {"menu.subjects", "/deletion-requests", "user-off", nil}}},
	{"menu.group_evidence", []place{{"menu.exports", "/exports", "file-export", []string{"/reports"}}, {"menu.audit", "/audit", "history", nil}, {"menu.inspections", "/inspections", "clipboard-check", nil}}},
	{"menu.group_admin", []place{{"menu.imports", "/imports", "file-import", nil}, {"menu.org", "/org", "sitemap", nil}, {"menu.connectors", "/connectors", "plug-connected", nil}, {"menu.settings", "/settings", "settings", nil}}},
}

func (a *App) menu(here string, by account.Actor) []templates.MenuGroup {
	var out []templates.MenuGroup
	for _, g := range menuGroups {
		group := templates.MenuGroup{TitleKey: g.title}
		for _, p := range g.places {
			item := templates.MenuItem{Key: p.key, Icon: p.icon}
			for _, path := range append([]string{p.path}, p.under...) {
				if !a.opens(path, by) {
					continue
				}
				item.Places = append(item.Places, path)
				item.Active = item.Active || here == path || path != "/" && strings.HasPrefix(here, path+"/")
			}
			if len(item.Places) == 0 {
				continue
			}
			item.Path = item.Places[0]
			group.Items = append(group.Items, item)
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
