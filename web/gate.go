package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
)

// errSignedOut says that the route is for people who are signed in.
var errSignedOut = errors.New("web: not signed in")

// admit decides whether the request reaches its handler: the route is in the table,
// the caller is signed in where that is needed, an unsafe request carries the form
// token, and the role has the route's permission. Nobody learns from the
// answer which addresses exist before signing in.
func (a *App) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, listed := a.route(c)
		if r.Permission != Public && Actor(c).ID == 0 {
			return errSignedOut
		}
		if !listed {
			if a.knows(c.Path()) {
				return echo.ErrMethodNotAllowed
			}
			return echo.ErrNotFound
		}
		if r.Limited && !a.limits.allow(c.RealIP()) {
			return fault.Busy("fault.too_often")
		}
		if !safe(r.Method) {
			if err := a.checkForm(c, r); err != nil {
				return err
			}
		}
		if r.Permission != Public && r.Permission != SignedIn {
			if err := Actor(c).Require(r.Permission); err != nil {
				c.Set(keyDenied, r.Permission)
				return err
			}
		}
		return next(c)
	}
}

// knows tells whether the path is there with another method.
func (a *App) knows(path string) bool {
	for _, m := range methods {
		if _, ok := a.table[m+" "+path]; ok {
			return true
		}
	}
	return false
}

// LoginPath is where people sign in.
const LoginPath = "/login"

// LocalPath gives path if it leads to a page of this console after signing in, and
// "/" for anything else: see BackPath; nor does it lead to the pages of signing in
// and out themselves.
func LocalPath(path string) string {
	path = BackPath(path)
	bare, _, _ := strings.Cut(path, "?")
	for _, own := range []string{LoginPath, "/logout", "/setup", "/preferences"} {
		if bare == own || strings.HasPrefix(bare, own+"/") {
			return "/"
		}
	}
	return path
}

// BackPath gives path if it leads back into this console, and "/" for anything
// else: another host, or a path that some browser reads as one.
func BackPath(path string) string {
	const home, longest = "/", 2000
	if len(path) > longest || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "\\") {
		return home
	}
	for _, r := range path {
		if r < ' ' || r == 0x7f {
			return home
		}
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return home
	}
	return u.RequestURI()
}

// loginAddress leads to the login and from there back.
func loginAddress(back string) string {
	if back = LocalPath(back); back != "/" {
		return LoginPath + "?" + url.Values{"next": {back}}.Encode()
	}
	return LoginPath
}

// askLogin answers somebody who is not signed in: a page leads to the login and
// back, a script is sent there, and a form that was filled in is not lost silently.
func (a *App) askLogin(c echo.Context) error {
	req := c.Request()
	switch {
	case Fragment(c):
		c.Response().Header().Set("HX-Redirect", loginAddress(currentPath(req)))
		return c.NoContent(http.StatusUnauthorized)
	case req.Method == http.MethodGet:
		return c.Redirect(http.StatusSeeOther, loginAddress(req.URL.RequestURI()))
	}
	return a.signedOutPage(c)
}

// currentPath is the page that a script's request was made from.
func currentPath(req *http.Request) string {
	u, err := url.Parse(req.Header.Get("HX-Current-URL"))
	if err != nil {
		return "/"
	}
	return u.RequestURI()
}

// Halfway tells whether the caller has passed the password only.
func Halfway(c echo.Context) bool {
	s := Session(c)
	return s != nil && s.Stage == account.StagePassword
}
