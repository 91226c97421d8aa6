// Package webtest gives tests of handlers the real server without a database: real
// routes, cookies, form tokens and error pages; sessions and refusals are kept in
// memory.
package webtest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/web"
)

// Site is a running server.
type Site struct {
	App *web.App

	memory *memory
	server *httptest.Server
}

// Denial is what would have been written to the audit log.
type Denial struct {
	By         account.Actor
	Permission account.Permission
	Route      string
}

// Start serves routes until the test ends. change may alter the options.
func Start(t testing.TB, routes []web.Route, change ...func(*web.Options)) *Site {
	t.Helper()
	s := &Site{memory: &memory{sessions: map[string]*account.Session{}}}
	o := web.Options{
		Accounts: s.memory, Secret: []byte(strings.Repeat("s", 32)), Organisation: "云栖优品集团", Version: "test",
		LoginBurst: 10_000, LoginRate: 10_000, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	app, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Mount(routes...); err != nil {
		t.Fatal(err)
	}
	s.App = app
	s.server = httptest.NewServer(app)
	t.Cleanup(s.server.Close)
	return s
}

// Wrap is a Site around a server that the test has set up itself, with a real
// register of accounts. As does not work there: sign in by the pages.
func Wrap(t testing.TB, app *web.App) *Site {
	t.Helper()
	s := &Site{App: app, server: httptest.NewServer(app)}
	t.Cleanup(s.server.Close)
	return s
}

// Denials gives the refusals so far.
func (s *Site) Denials() []Denial {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return append([]Denial(nil), s.memory.denials...)
}

// Anonymous is a browser that nobody is signed in with.
func (s *Site) Anonymous() *Client {
	return &Client{site: s, cookies: map[string]*http.Cookie{}}
}

// As is a browser in which the actor is signed in.
func (s *Site) As(by account.Actor) *Client {
	c := s.Anonymous()
	token := s.memory.open(by)
	c.cookies["qd"] = &http.Cookie{Name: "qd", Value: token}
	return c
}
