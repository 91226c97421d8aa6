package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
)

const beatEvery = time.Minute

// beat lets the database remember, each minute, that somebody saw the clock and believed it. It ends with
// ctx; a database that is away for a while does not end it.
func (a *app) beat(ctx context.Context) error {
	if a.guard == nil {
		return nil
	}
	for {
		switch why, err := a.guard.Beat(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			slog.WarnContext(ctx, "the clock could not be looked at", "error", err)
		case why != "":
			slog.WarnContext(ctx, "the clock is not trusted: nothing is destroyed", "reason", why)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(beatEvery):
		}
	}
}

// clockCommand is about a clock that is not trusted (invariant I16).
type clockCommand struct {
	Status clockStatus `cmd:"" help:"Whether the clock is trusted now."`
	Accept clockAccept `cmd:"" help:"Take the present time for right: after days off, or after a wrong clock was set right."`
}

type clockStatus struct{}

type clockAccept struct {
	By     string `required:"" placeholder:"NAME" help:"Who answers for it; stands in the audit log."`
	Reason string `required:"" placeholder:"WHY" help:"Why the time is right, at least 8 characters."`
}

// Run tells whether anything may be destroyed; if not, that is a failure.
func (clockStatus) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		var seen audit.Clock
		err := a.db.Read(t.ctx, func(tx *db.Tx) (err error) {
			if err := a.guard.Check(tx); err != nil {
				return err
			}
			seen, err = audit.ClockOf(tx)
			return err
		})
		if err != nil {
			return err
		}
		if seen.SeenAt.IsZero() {
			t.say("clock.trusted_unseen")
			return nil
		}
		t.say("clock.trusted", seen.SeenAt.UTC().Format(time.RFC3339))
		return nil
	})
}

// Run accepts the clock.
func (c *clockAccept) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		guard := a.guard
		if guard == nil {
			guard = &audit.ClockGuard{DB: a.db}
		}
		at, err := guard.Accept(t.ctx, strings.TrimSpace(c.By), strings.TrimSpace(c.Reason))
		if err != nil {
			return err
		}
		t.say("clock.accepted", at.UTC().Format(time.RFC3339))
		return nil
	})
}
