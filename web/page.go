package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"qingdang/templates"
	"qingdang/templates/locale"
)

// dress puts language, theme and the frame of pages into the request's context.
func (a *App) dress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r, _ := a.route(c); !r.Plain {
			req := c.Request()
			ctx := context.WithValue(req.Context(), stateKey{}, stateOf(c))
			c.SetRequest(req.WithContext(templates.WithFrame(ctx, a.frame(c))))
		}
		return next(c)
	}
}

// frame makes the request's frame once, from what is known so far: an error before
// the session was read gets one too.
func (a *App) frame(c echo.Context) *templates.Frame {
	if f, ok := c.Get(keyFrame).(*templates.Frame); ok {
		return f
	}
	wishes := []string{a.readCookie(c, langCookie), c.Request().Header.Get("Accept-Language")}
	theme, shortcuts := a.readCookie(c, themeCookie), false
	if s := Session(c); s != nil {
		wishes = append([]string{s.Lang}, wishes...)
		theme, shortcuts = orElse(s.Theme, theme), s.Actor.ID != 0 && !s.NoShortcuts
	}
	f := &templates.Frame{
		Lang: locale.Match(wishes...), Theme: theme, Shortcuts: shortcuts, Zone: a.o.Zone, Path: a.ownPath(c), RequestID: RequestID(c),
		Version: a.o.Version, Organisation: a.o.Organisation, Now: a.o.Now(), Demo: a.o.Demo,
	}
	c.Set(keyFrame, f)
	return f
}

// ownPath is where the forms of the shell come back to. An address that takes no GET
// cannot be come back to.
func (a *App) ownPath(c echo.Context) string {
	if c.Request().Method == http.MethodGet {
		return c.Request().URL.RequestURI()
	}
	if _, ok := a.table[http.MethodGet+" "+c.Path()]; ok {
		return c.Request().URL.EscapedPath()
	}
	return "/"
}

const frameTime = 3 * time.Second

// Render answers with a page, or with the region that a script asked for: the
// handler chooses which component it hands over.
func Render(c echo.Context, status int, page templ.Component) error {
	return appOf(c).render(c, status, page)
}

func (a *App) render(c echo.Context, status int, page templ.Component) error {
	f := a.frame(c)
	f.CSRF = FormToken(c)
	// A request that ran out of time still gets its page, with a little time for
	// what stands around it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), frameTime)
	defer cancel()
	ctx = templates.WithFrame(ctx, f)
	if !Fragment(c) {
		a.fill(ctx, c, f)
	}
	// The whole page first: a failure in its middle must not leave half of it.
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= mostKept {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := page.Render(ctx, b); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// buffers are those of pages that were sent: growing one anew was an eighth of all memory that a list took.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// mostKept bounds a buffer that is kept.
const mostKept = 1 << 20

// fill adds what stands around a whole page of somebody who is signed in.
func (a *App) fill(ctx context.Context, c echo.Context, f *templates.Frame) {
	by := Actor(c)
	if by.ID == 0 {
		return
	}
	initial, _ := utf8.DecodeRuneInString(by.Name)
	f.Viewer = templates.Viewer{Name: by.Name, StaffNo: by.StaffNo, RoleKey: "role." + string(by.Role), Initial: string(initial)}
	f.Menu, f.Links = a.menu(c.Path(), by), a.links(by)
	f.Flashes = a.flashes(ctx, c)
	if a.o.Frame == nil {
		return
	}
	if err := a.o.Frame(ctx, by, f); err != nil {
		// The page itself is there; what stands around it may be missing.
		a.o.Log.WarnContext(ctx, "frame", "id", RequestID(c), "error", err)
	}
}

// Fragment tells whether a script asks for a region instead of a page.
func Fragment(c echo.Context) bool {
	h := c.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Boosted") == "" && h.Get("HX-History-Restore-Request") == ""
}

// See sends the browser on after a POST, so that a reload repeats nothing.
func See(c echo.Context, path string) error {
	if Fragment(c) {
		c.Response().Header().Set("HX-Redirect", path)
		return c.NoContent(http.StatusOK)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

func errorPage(c echo.Context, v templates.ErrorView) templ.Component {
	if Fragment(c) {
		return templates.ErrorFragment(v)
	}
	return templates.ErrorPage(v)
}
