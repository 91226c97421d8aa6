package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"qingdang/models/department"
	"qingdang/web"
)

// serveCommand runs the console.
type serveCommand struct {
	Worker bool `help:"Run the worker in the same process." default:"true" negatable:""`
}

// Run serves until the process is told to stop. On a database without accounts it prints the
// one-time link that creates the first administrator.
func (c *serveCommand) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		if err := a.accounts.CheckMode(t.ctx); err != nil {
			return err
		}
		token, err := a.accounts.FirstLink(t.ctx)
		if err != nil {
			return err
		}
		if token != "" {
			t.say("cli.first_link", a.address()+"/setup/"+token)
		}
		t.say("cli.serving", a.address())
		return a.serve(t.ctx, c.Worker)
	})
}

const shutdownGrace = 15 * time.Second

// serve runs the console, and the worker beside it, until ctx ends; requests and the worker's
// step in hand are finished first.
func (a *app) serve(ctx context.Context, withWorker bool) error {
	// A page leaves much behind that lives no longer than it.
	debug.SetGCPercent(a.config.collect)
	h, err := a.handler()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("QINGDANG_LISTEN: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		return server.Shutdown(end)
	})
	g.Go(func() error { return a.beat(ctx) })
	if withWorker {
		g.Go(func() error { return a.work(ctx) })
	}
	return g.Wait()
}

// handler is the console: the toolbox with every screen mounted.
func (a *app) handler() (http.Handler, error) {
	secret := a.store.MAC("web secret")
	w, err := web.New(web.Options{
		Accounts: a.accounts, Secret: secret[:], Secure: a.config.HTTPS, TrustedProxies: a.config.proxies,
		UploadLimit: a.config.UploadLimit << 20, LoginBurst: a.logins, Frame: a.frame, Unavailable: a.unavailable,
		Organisation: a.config.Organisation, Version: version, Zone: a.config.location, Demo: a.demo, Log: slog.Default(), Now: a.now,
	})
	if err != nil {
		return nil, err
	}
	// Of one request all pages and parts see one tree of departments.
	remembering := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.ServeHTTP(rw, r.WithContext(department.Remember(r.Context())))
	})
	return remembering, w.Mount(a.screens().Routes()...)
}

// unavailable tells whether an error means that the database is away.
func (a *app) unavailable(err error) bool { return a.db.Unavailable(err) }
