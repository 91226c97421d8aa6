package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/index"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

// ledgerCommand is about the outside ledger of purges and about databases that were restored.
type ledgerCommand struct {
	Status  ledgerStatus  `cmd:"" help:"Compare the database with the outside ledger of purges and the checkpoints outside."`
	Rebuild ledgerRebuild `cmd:"" help:"Write the ledger's files again that are missing, from the database."`
	Replay  ledgerReplay  `cmd:"" help:"Carry out again, in a restored database, every purge that the ledger knows, put deletion requests back, and open it."`
}

type ledgerStatus struct{}

type ledgerRebuild struct {
	By string `required:"" placeholder:"NAME" help:"Who answers for it; stands in the audit log."`
}

type ledgerReplay struct {
	By     string `required:"" placeholder:"NAME" help:"Who answers for it; stands in the audit log."`
	Reason string `required:"" placeholder:"WHY" help:"Why the database was restored, at least 8 characters."`
}

// errClosed keeps everybody out of a database that is older than what is known outside of it.
var errClosed = errors.New("the database is closed until the outside ledger was replayed")

// exitClosed is the exit code of a command that errClosed kept out, for those who start the console
// again and again.
const exitClosed = 3

// stand compares the database with what is known outside of it.
func (a *app) stand(ctx context.Context) (*purge.Standing, error) {
	return purge.Stand(ctx, a.db, a.log, a.ledger)
}

// closed tells whether the database is, for commands that open no more than the key store.
func (a *app) closed(ctx context.Context) (bool, error) {
	if err := a.openOutside(); err != nil {
		return false, err
	}
	s, err := a.stand(ctx)
	if err != nil || s.Closed() {
		return err == nil, err
	}
	requests, err := (&subject.Requests{DB: a.db, Outside: a.outsideRequests()}).Stand(ctx)
	return err == nil && requests.Closed(), err
}

// checkWhole refuses a database that has acted and does not know its key store: only a part of a backup was
// restored. Without this it would be taken for a new one.
func (a *app) checkWhole(ctx context.Context) error {
	known, err := a.db.Setting(ctx, "key_store")
	if err != nil || known != "" {
		return err
	}
	head, err := (&audit.Log{DB: a.db}).Head(ctx)
	if err == nil && head.Size > 0 {
		err = fmt.Errorf("the database has a log of %d entries and does not know its key store: %w", head.Size, purge.ErrIncomplete)
	}
	return err
}

// checkRestored refuses a database that was restored from a backup and in which purges that came after
// the backup were not carried out again, or deletion requests not put back.
func (a *app) checkRestored(ctx context.Context) error {
	s, err := a.stand(ctx)
	if err != nil {
		return err
	}
	requests, err := a.subjects.Stand(ctx)
	if err != nil {
		return err
	}
	if !s.Closed() && !requests.Closed() {
		return nil
	}
	var why []string
	for _, part := range []struct{ state, words string }{
		{purge.LedgerUnknown, "%d purge(s) of the outside ledger were not carried out in this database: %s"},
		{purge.LedgerClash, "%d file(s) of the outside ledger have the code of another request here: %s"},
		{purge.LedgerDamaged, "%d file(s) of the outside ledger are damaged, bring their copies back: %s"},
	} {
		if of := s.Is(part.state); len(of) > 0 {
			why = append(why, fmt.Sprintf(part.words, len(of), firstCodes(of)))
		}
	}
	for _, part := range []struct {
		codes []string
		words string
	}{
		{requests.Unknown, "%d deletion request(s) of the outside ledger are not in this database: %s"},
		{requests.Lifted, "%d deletion request(s) are open here and were lifted: %s"},
		{requests.Clash, "%d file(s) of deletion requests in the outside ledger have the code of another request here: %s"},
		{requests.Damaged, "%d file(s) of deletion requests in the outside ledger are damaged, bring their copies back: %s"},
	} {
		if len(part.codes) > 0 {
			why = append(why, fmt.Sprintf(part.words, len(part.codes), first(part.codes)))
		}
	}
	if s.Forked {
		why = append(why, fmt.Sprintf("the audit log has %d entries and does not continue the checkpoint outside, which has %d", s.Head.Size, s.Outside.Size))
	}
	if s.Begun {
		why = append(why, "a replay was begun and did not end")
	}
	return fmt.Errorf("%w: %s. It was restored from a backup, or tampered with. Run `qingdang ledger status`, then `qingdang ledger replay --by NAME --reason WHY`; until then only ledger, fsck, verify, keys and migrate work",
		errClosed, strings.Join(why, "; "))
}

// firstCodes names the first few.
func firstCodes(of []purge.LedgerEntry) string {
	var codes []string
	for _, e := range of {
		codes = append(codes, e.Code)
	}
	return first(codes)
}

func first(codes []string) string {
	if len(codes) > 5 {
		codes = append(codes[:5:5], "…")
	}
	return strings.Join(codes, ", ")
}

// withClosedApp is withApp for the few commands that also work while the database is closed.
func (t *terminal) withClosedApp(f func(a *app) error) error {
	c, err := loadConfig(t.getenv)
	if err != nil {
		return err
	}
	o := t.options
	o.closed = true
	return t.withConfig(c, o, f)
}

// Run tells how the database stands; anything that keeps it closed is a failure.
func (ledgerStatus) Run(t *terminal) error {
	return t.withClosedApp(func(a *app) error {
		s, err := a.stand(t.ctx)
		if err != nil {
			return err
		}
		t.say("ledger.files", a.config.Ledger, len(s.Entries))
		for _, e := range s.Entries {
			if e.State != purge.LedgerKnown {
				t.say("ledger."+e.State, e.Code, e.Purged)
				continue
			}
			if _, err := a.ledger.Check(e.Code); err != nil {
				t.say("ledger.damaged", e.Code, e.Purged)
			}
		}
		for _, code := range s.Missing {
			t.say("ledger.missing", code)
		}
		requests, err := a.subjects.Stand(t.ctx)
		if err != nil {
			return err
		}
		t.say("ledger.requests", requests.Files)
		for _, part := range []struct {
			codes []string
			key   string
		}{{requests.Unknown, "ledger.request_unknown"}, {requests.Lifted, "ledger.request_lifted"}, {requests.Clash, "ledger.request_clash"}, {requests.Damaged, "ledger.request_damaged"}} {
			for _, code := range part.codes {
				t.say(part.key, code)
			}
		}
		switch {
		case s.Outside == nil:
			t.say("ledger.no_checkpoint", s.Head.Size)
		case s.Forked:
			t.say("ledger.forked", s.Head.Size, s.Outside.Size)
		default:
			t.say("ledger.continues", s.Head.Size, s.Outside.Size)
		}
		if s.Begun {
			t.say("ledger.begun")
		}
		if s.Closed() || requests.Closed() {
			t.say("ledger.closed")
			return errSaid
		}
		t.say("ledger.open")
		return nil
	})
}

// Run writes what is missing. A damaged file is not missing: somebody has to look at it first.
func (c *ledgerRebuild) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		s, err := a.stand(t.ctx)
		if err != nil {
			return err
		}
		for _, code := range s.Missing {
			if err := a.purgeRunner("cli").Rebuild(t.ctx, code, strings.TrimSpace(c.By)); err != nil {
				return err
			}
			t.say("ledger.rebuilt", code)
		}
		if len(s.Missing) == 0 {
			t.say("ledger.nothing_missing")
		}
		return nil
	})
}

// Run replays and says what is not as it was.
func (c *ledgerReplay) Run(t *terminal) error {
	return t.withClosedApp(func(a *app) error {
		vault := a.vault()
		found := conversation.NewIndex(a.db, vault, index.Options{Divisions: department.Divisions})
		r, err := (&purge.Replay{
			DB: a.db, Vault: vault, Index: found, Log: a.log, Ledger: a.ledger, Zone: a.config.location,
			By: strings.TrimSpace(c.By), Reason: strings.TrimSpace(c.Reason),
		}).Run(t.ctx)
		if err != nil {
			return err
		}
		requests, err := a.subjects.Replay(t.ctx, strings.TrimSpace(c.By), strings.TrimSpace(c.Reason))
		if err != nil {
			return err
		}
		if requests != nil {
			t.say("ledger.requests_back", requests.Requests, requests.Reached, requests.Missing, requests.Lifted)
		}
		switch {
		case r == nil && requests == nil:
			t.say("ledger.nothing_to_do")
			return nil
		case r == nil:
			t.say("ledger.opened")
			return nil
		}
		t.say("ledger.replayed", r.Purges, r.Gone, r.Back, r.Held)
		t.say("ledger.moved", r.Moved)
		t.say("ledger.leaves", r.Missing, r.Aside)
		if n := len(r.Lost); n > 0 {
			t.say("ledger.lost", n)
			for _, id := range r.Lost[:min(20, n)] {
				fmt.Fprintf(t.out, "  %d\n", id)
			}
		}
		// Segments that were replaced since the backup do not open any more. A worker would do this, too.
		t.say("ledger.folding")
		if _, err := found.Fold(t.ctx); err != nil {
			slog.WarnContext(t.ctx, "the search index waits for a worker", "error", err)
		}
		t.say("ledger.opened")
		return nil
	})
}
