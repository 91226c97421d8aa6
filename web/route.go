package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
)

// Permissions that are no role's: Public routes answer everybody, SignedIn ones
// everybody with a full session.
const (
	Public   account.Permission = "web.public"
	SignedIn account.Permission = "web.signed_in"
)

// Route is one line of the permission table.
type Route struct {
	Method     string
	Path       string
	Permission account.Permission
	Handler    echo.HandlerFunc

	Upload  bool // takes a large multipart body by way of Upload, and time
	Slow    bool // may take longer than a page
	Limited bool // bounded per address: a place for guessing
	Plain   bool // no session is looked up: static files, health
}

func (r Route) key() string { return r.Method + " " + r.Path }

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// check gives the reason why the route cannot be mounted.
func (r Route) check() error {
	switch {
	case !slices.Contains(methods, r.Method):
		return fmt.Errorf("method %q", r.Method)
	case !strings.HasPrefix(r.Path, "/"), len(r.Path) > 1 && strings.HasSuffix(r.Path, "/"):
		return fmt.Errorf("path %q", r.Path)
	case r.Handler == nil:
		return fmt.Errorf("no handler")
	case r.Permission == "":
		return fmt.Errorf("no permission")
	case r.Permission != Public && r.Permission != SignedIn && !r.Permission.Known():
		return fmt.Errorf("permission %q, which no role has", r.Permission)
	case r.Upload && r.Method == http.MethodGet:
		return fmt.Errorf("an upload by GET")
	case r.Plain && (r.Permission != Public || r.Method != http.MethodGet):
		return fmt.Errorf("only a public GET can do without a session")
	}
	return nil
}

// Mount adds routes. It refuses a route without a permission, with one that nobody
// has, or one that is there already; the program then does not start.
func (a *App) Mount(routes ...Route) error {
	for _, r := range routes {
		if err := r.check(); err != nil {
			return fmt.Errorf("web: route %s: %w", r.key(), err)
		}
		if _, twice := a.table[r.key()]; twice {
			return fmt.Errorf("web: route %s is there twice", r.key())
		}
		a.table[r.key()] = r
		a.Add(r.Method, r.Path, r.Handler)
	}
	return nil
}

// Table gives all mounted routes, by path and method.
func (a *App) Table() []Route {
	out := make([]Route, 0, len(a.table))
	for _, r := range a.table {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y Route) int {
		return strings.Compare(x.Path+" "+x.Method, y.Path+" "+y.Method)
	})
	return out
}

// route gives the line of the table that the request matched.
func (a *App) route(c echo.Context) (Route, bool) {
	r, ok := a.table[c.Request().Method+" "+c.Path()]
	return r, ok
}
