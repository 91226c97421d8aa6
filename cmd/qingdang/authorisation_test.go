package main

import (
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/web"
	"qingdang/web/webtest"
)

// openTestApp is the whole application on an empty database of the engine, with a clock that
// the test moves.
func openTestApp(t *testing.T, engine string, clock db.Clock) *app {
	t.Helper()
	s := dbtest.Settings(t, engine)
	data := t.TempDir()
	if s.DSN == "" {
		data = filepath.Dir(s.File)
	}
	return openAppAt(t, s.DSN, data, clock)
}

// openAppAt is the whole application on a database and a folder of the test's choice.
func openAppAt(t *testing.T, dsn, data string, clock db.Clock) *app {
	t.Helper()
	c, err := loadConfig(env(map[string]string{"QINGDANG_DATA": data, "QINGDANG_DSN": dsn, "QINGDANG_ORGANISATION": "清档集团"}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), c, options{clock: clock, logins: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// publicRoutes are the only ones that answer somebody who is not signed in.
var publicRoutes = map[string]bool{
	"GET /login": true, "POST /login": true, "GET /login/otp": true, "POST /login/otp": true, "GET /login/enroll": true, "POST /login/enroll": true,
	"GET /setup/:token": true, "POST /setup/:token": true, "POST /preferences/language": true, "POST /preferences/theme": true,
}

// address fills a route's parameters with ids that nothing has.
func address(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, ":") {
			continue
		}
		_, ending, _ := strings.Cut(p, ".")
		if parts[i] = "987654321"; ending != "" {
			parts[i] += "." + ending
		}
	}
	return strings.Join(parts, "/")
}

// Every route, asked by everybody: who has no right gets exactly that answer, nothing changes, and
// the denial is noted.
func TestEveryRouteKeepsItsRight(t *testing.T) {
	a := openTestApp(t, db.SQLite, dbtest.NewClock())
	routes := a.screens().Routes()
	if len(routes) < 60 {
		t.Fatalf("only %d routes; is a screen missing from the table?", len(routes))
	}
	site := webtest.Start(t, routes)
	roles := []account.Role{account.Agent, account.Supervisor, account.Legal, account.Auditor, account.Admin}
	allowed := map[string][]string{}
	for _, r := range routes {
		name := r.Method + " " + r.Path
		if public := r.Permission == web.Public; public != publicRoutes[name] {
			t.Errorf("%s: public = %v", name, public)
		}
		if r.Permission == web.Public {
			continue
		}
		askAnonymous(t, site, r)
		for _, role := range roles {
			by := accounttest.Actor(role, 1)
			if r.Permission == web.SignedIn || by.May(r.Permission) {
				allowed[name] = append(allowed[name], string(role))
				continue
			}
			before := len(site.Denials())
			res := ask(t, site.As(by), r)
			if res.Status != http.StatusForbidden {
				t.Errorf("%s as %s: %d, want 403", name, role, res.Status)
			}
			if len(site.Denials()) != before+1 {
				t.Errorf("%s as %s: the denial was not noted", name, role)
			}
		}
	}
	if n := dbtest.Count(t, a.db, &anyLeaf{}, "action <> 'retention.recorded'"); n != 0 { // the first start's own
		t.Errorf("denied requests left %d entries in the database", n)
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		t.Logf("%-50s %s", name, strings.Join(allowed[name], " "))
	}
}

type anyLeaf struct{ N int64 }

// TableName is audit_leaf.
func (anyLeaf) TableName() string { return "audit_leaf" }

func ask(t *testing.T, c *webtest.Client, r web.Route) *webtest.Response {
	t.Helper()
	if r.Method == http.MethodGet {
		return c.Get(t, address(r.Path))
	}
	return c.Post(t, address(r.Path), url.Values{})
}

func askAnonymous(t *testing.T, site *webtest.Site, r web.Route) {
	t.Helper()
	res := ask(t, site.Anonymous(), r)
	switch {
	case r.Method == http.MethodGet && (res.Status != http.StatusSeeOther || !strings.HasPrefix(res.Location, "/login")):
		t.Errorf("%s %s without a session: %d %s, want the login", r.Method, r.Path, res.Status, res.Location)
	case r.Method != http.MethodGet && res.Status != http.StatusUnauthorized && res.Status != http.StatusForbidden && res.Status != http.StatusSeeOther:
		t.Errorf("%s %s without a session: %d", r.Method, r.Path, res.Status)
	}
}

// What somebody may not know of answers exactly as what is not there: same status, same words.
func TestForbiddenLooksAbsent(t *testing.T) {
	w := newWorld(t, db.SQLite)
	site := webtest.Start(t, w.app.screens().Routes())
	stranger := site.As(accounttest.Actor(account.Supervisor, w.elsewhere))
	for _, door := range []struct{ there, absent string }{
		{"/conversations/" + id.String(w.conversation), "/conversations/987654321"},
		{"/batches/" + id.String(w.batch), "/batches/987654321"},
		{"/purges/" + id.String(w.request), "/purges/987654321"},
		{"/purges/" + id.String(w.request) + "/state", "/purges/987654321/state"},
		{"/exports/" + id.String(w.export), "/exports/987654321"},
		{"/purges/" + id.String(w.request) + "/manifest.csv", "/purges/987654321/manifest.csv"},
	} {
		there, absent := stranger.Get(t, door.there), stranger.Get(t, door.absent)
		if there.Status != http.StatusNotFound || absent.Status != http.StatusNotFound {
			t.Errorf("%s: %d, absent: %d; want 404 for both", door.there, there.Status, absent.Status)
		}
		if diff := cmp.Diff(cutIDs(there.Body), cutIDs(absent.Body)); diff != "" {
			t.Errorf("%s differs from an absent one: %s", door.there, diff)
		}
	}
	own := site.As(accounttest.Actor(account.Supervisor, w.department))
	if res := own.Get(t, "/conversations/"+id.String(w.conversation)); res.Status != http.StatusOK {
		t.Errorf("the own department's conversation: %d", res.Status)
	}
	// Ids in other spellings are absent too.
	for _, spelling := range []string{"0", "-1", "01", "1%20OR%201=1", "%2e%2e", "9223372036854775808", "１"} {
		if res := own.Get(t, "/conversations/"+spelling); res.Status != http.StatusNotFound && res.Status != http.StatusBadRequest {
			t.Errorf("/conversations/%s: %d", spelling, res.Status)
		}
	}
}

// cutIDs takes the request number and the form token, which differ in every answer, out of a
// page.
func cutIDs(body string) []string {
	parts := strings.FieldsFunc(varying.ReplaceAllString(body, "…"), func(r rune) bool { return r == '<' || r == '>' })
	return slices.DeleteFunc(parts, func(p string) bool {
		return strings.Contains(p, "_csrf") || strings.Contains(p, "CSRF") || strings.Contains(p, `name="return"`)
	})
}

var varying = regexp.MustCompile(`\b[A-Z2-7]{12}\b`)
