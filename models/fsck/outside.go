package fsck

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/purge"
)

var ledgerKeys = map[string]string{
	purge.LedgerUnknown: "fsck.ledger_unknown", purge.LedgerClash: "fsck.ledger_clash", purge.LedgerDamaged: "fsck.ledger_damaged",
}

// outside compares the database with the outside ledger of purges. Deep reads the files whole.
func (c *Checker) outside(deep bool) func(context.Context) ([]Finding, error) {
	return func(ctx context.Context) ([]Finding, error) {
		s, err := purge.Stand(ctx, c.DB, c.Log, c.Ledger)
		if err != nil {
			return nil, err
		}
		var out []Finding
		known := map[string]purge.LedgerHead{}
		for _, e := range s.Entries {
			state := e.State
			if state == purge.LedgerKnown && deep {
				if _, err := c.Ledger.Check(e.Code); errors.Is(err, purge.ErrLedgerDamaged) {
					state = purge.LedgerDamaged
				} else if err != nil {
					return nil, err
				}
			}
			if known[e.Code] = e.LedgerHead; state != purge.LedgerKnown {
				out = append(out, Finding{"I15", ledgerKeys[state], e.Code})
			}
		}
		for _, code := range s.Missing {
			out = append(out, Finding{"I15", "fsck.ledger_missing", code})
		}
		differ, err := c.replayed(ctx, known)
		return append(out, differ...), err
	}
}

// replayed holds the requests that a replay made against the files they were made from: no vote and no
// certificate here speaks for them.
func (c *Checker) replayed(ctx context.Context, known map[string]purge.LedgerHead) (out []Finding, err error) {
	err = c.DB.Read(ctx, func(tx *db.Tx) error {
		out = nil
		var rows []purge.Request
		if err := tx.Where("state = ?", purge.Replayed).Find(&rows).Error; err != nil {
			return fmt.Errorf("replayed purges: %w", err)
		}
		for _, r := range rows {
			if h, ok := known[r.Code]; !ok || h.Purged != r.Purged || h.Skipped != r.Skipped || h.Root != fmt.Sprintf("%x", r.Root) {
				out = append(out, Finding{"I15", "fsck.ledger_differs", r.Code})
			}
		}
		return nil
	})
	return out, err
}

// timesForward finds entries of the log that are older than the one before them although nothing in
// the log says that the clock was wrong.
func (c *Checker) timesForward(tx *db.Tx) ([]Finding, error) {
	back, err := audit.Backwards(tx, perCheck)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, n := range back {
		out = append(out, Finding{"I16", "fsck.clock_back", strconv.FormatInt(n, 10)})
	}
	return out, nil
}
