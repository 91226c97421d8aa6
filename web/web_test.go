package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
	"qingdang/web/webtest"
)

func page(title string) func(echo.Context) error {
	return func(c echo.Context) error {
		return web.Render(c, http.StatusOK, templates.Bare(templates.Page{Title: title}))
	}
}

func fails(err error) func(echo.Context) error { return func(echo.Context) error { return err } }

type tryForm struct {
	Name string            `form:"name" query:"name"`
	N    int               `form:"n" query:"n"`
	IDs  []id.Conversation `form:"ids" query:"ids"`
	Yes  bool              `form:"yes" query:"yes"`
}

func routes(changed *int) []web.Route {
	const get, post = http.MethodGet, http.MethodPost
	change := func(c echo.Context) error {
		*changed++
		web.Flash(c, "common.copied")
		return web.See(c, "/bin")
	}
	return []web.Route{
		{Method: get, Path: "/", Permission: web.SignedIn, Handler: page("Home")},
		{Method: get, Path: "/login", Permission: web.Public, Handler: page("Login")},
		{Method: post, Path: "/login", Permission: web.Public, Limited: true, Handler: change},
		{Method: get, Path: "/bin", Permission: account.BinRead, Handler: func(c echo.Context) error {
			return web.Render(c, http.StatusOK, templates.Shell(templates.Page{Title: "Bin"}))
		}},
		{Method: get, Path: "/bin/:id", Permission: account.BinRead, Handler: func(c echo.Context) error {
			v, err := web.PathID[id.Batch](c, "id")
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, id.String(v))
		}},
		{Method: post, Path: "/bin/:id/restore", Permission: account.BinRestore, Handler: change},
		{Method: http.MethodPut, Path: "/bin/:id", Permission: account.BinRestore, Handler: change},
		{Method: http.MethodDelete, Path: "/bin/:id", Permission: account.BinRestore, Handler: change},
		{Method: get, Path: "/audit", Permission: account.AuditRead, Handler: page("Audit")},
		{Method: get, Path: "/org", Permission: account.OrgRead, Handler: page("Org")},
		{Method: post, Path: "/form", Permission: web.SignedIn, Handler: func(c echo.Context) error {
			var f tryForm
			if err := web.Form(c, &f); err != nil {
				return err
			}
			return c.String(http.StatusOK, fmt.Sprintf("%q %d %v %t", f.Name, f.N, f.IDs, f.Yes))
		}},
		{Method: get, Path: "/query", Permission: web.SignedIn, Handler: func(c echo.Context) error {
			var f tryForm
			web.Query(c, &f)
			return c.String(http.StatusOK, fmt.Sprintf("%q %d %v %t", f.Name, f.N, f.IDs, f.Yes))
		}},
		{Method: post, Path: "/upload", Permission: web.SignedIn, Upload: true, Handler: func(c echo.Context) error {
			r, err := web.Upload(c)
			if err != nil {
				return err
			}
			part, err := r.NextPart()
			if err != nil {
				return err
			}
			b, err := io.ReadAll(part)
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, part.FileName()+" "+fmt.Sprint(len(b)))
		}},
		{Method: get, Path: "/panic", Permission: web.SignedIn, Handler: func(echo.Context) error { panic("secret text") }},
		{Method: get, Path: "/wait", Permission: web.SignedIn, Handler: func(c echo.Context) error {
			<-c.Request().Context().Done()
			return c.Request().Context().Err()
		}},
		{Method: get, Path: "/broken", Permission: web.SignedIn, Handler: fails(errors.New("password of the database"))},
		{Method: get, Path: "/conflict", Permission: web.SignedIn, Handler: fails(fault.Conflict("no.words"))},
		{Method: get, Path: "/gone", Permission: web.SignedIn, Handler: fails(fault.Gone("no.words"))},
		{Method: get, Path: "/denied", Permission: web.SignedIn, Handler: fails(fmt.Errorf("open: %w", fault.Forbidden("account.outside_scope")))},
	}
}

func site(t *testing.T, change ...func(*web.Options)) (*webtest.Site, *int) {
	changed := new(int)
	return webtest.Start(t, routes(changed), change...), changed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
