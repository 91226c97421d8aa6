package drill_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// controls are acts as one would write them. In the windows of the matrix each of them must go
// wrong, and the matrix's own look must notice it; otherwise the matrix proves nothing.
var controls = []struct {
	name   string
	stage  int
	notice string // what is found sooner or later
	acts   func(g *ground, raw *sql.DB) (a, b func() error)
}{
	{"binning by a plain look and an update", binned, "in two batches", func(g *ground, _ *sql.DB) (a, b func() error) {
		return g.naiveBin(), g.naiveBin()
	}},
	{"starting by a plain look and an update", due, "begun twice", func(g *ground, _ *sql.DB) (a, b func() error) {
		return g.naiveStart(), g.naiveStart()
	}},
	{"looking for holds before the row is locked", binned, "fsck.held_and_gone", func(g *ground, raw *sql.DB) (a, b func() error) {
		return g.holding(), func() error { return g.naiveErase(raw, sql.LevelReadCommitted, heldFirst) }
	}},
	{"looking for holds in the snapshot of an earlier look", binned, "fsck.held_and_gone", func(g *ground, raw *sql.DB) (a, b func() error) {
		return g.holding(), func() error { return g.naiveErase(raw, sql.LevelRepeatableRead, snapshotFirst) }
	}},
}

func TestTheNaiveVersionsGoWrong(t *testing.T) {
	const rounds = 120
	for _, c := range controls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := withNeighbour(t, db.MySQL)
			w.faults.Slow(windows+"|^DELETE FROM conversation_key|FOR UPDATE$", 2*time.Millisecond)
			dbtest.WithoutTriggers(t, w.plain) // the last line, which would catch two of them
			raw := w.faults.Raw(t)
			for round := range rounds {
				g := w.ground(round, c.stage, false, false)
				a, b := c.acts(g, raw)
				if x, y := together(round, a, b); x != nil && y != nil {
					t.Logf("round %d: %v; %v", round, x, y)
				}
				for _, f := range w.found(false) {
					if strings.Contains(f, c.notice) {
						t.Logf("after %d rounds: %s", round+1, f)
						return
					}
				}
			}
			t.Errorf("in %d rounds it never went wrong: the windows are not open", rounds)
		})
	}
}

// TestTheSnapshotIsWhatGoesWrong runs the control that fails under REPEATABLE READ under READ
// COMMITTED, where it holds: the level is what package db sets.
func TestTheSnapshotIsWhatGoesWrong(t *testing.T) {
	t.Parallel()
	w := withNeighbour(t, db.MySQL)
	w.faults.Slow(windows+"|^DELETE FROM conversation_key|FOR UPDATE$", 2*time.Millisecond)
	dbtest.WithoutTriggers(t, w.plain)
	raw := w.faults.Raw(t)
	for round := range 30 {
		g := w.ground(round, binned, false, false)
		together(round, g.holding(), func() error { return g.naiveErase(raw, sql.LevelReadCommitted, snapshotFirst) })
	}
	for _, f := range w.found(false) {
		if strings.Contains(f, "fsck.held_and_gone") {
			t.Error(f)
		}
	}
}

func (g *ground) holding() func() error {
	order := hold.Order{Name: g.w.key(), Reason: reason, Conversations: []id.Conversation{g.first}}
	return func() error { _, err := g.w.holds.Place(g.w.ctx(), g.w.legal, order); return err }
}

// naiveBin looks where a conversation is and then moves it, without a lock between.
func (g *ground) naiveBin() func() error {
	code := fmt.Sprintf("SC-X-%06d", g.w.next())
	return func() error {
		return g.w.d.Write(g.w.ctx(), func(tx *db.Tx) error {
			tx.MarkAudited()
			var c conversation.Conversation
			if err := tx.Where("id = ?", g.beside).Take(&c).Error; err != nil || c.State != conversation.Active {
				return err
			}
			b := *g.batch
			b.ID, b.Code, b.RequestKey, b.Size, b.Moved = 0, code, code, 1, 1
			if err := tx.Create(&b).Error; err != nil {
				return err
			}
			it := bin.Item{BatchID: b.ID, ConversationID: c.ID, DepartmentID: c.DepartmentID, State: bin.ItemBinned, WasState: c.State, Version: c.Version, Bytes: c.Bytes, ChangedAt: tx.Now}
			if err := tx.Create(&it).Error; err != nil {
				return err
			}
			return tx.Model(&conversation.Conversation{}).Where("id = ?", c.ID).Updates(map[string]any{"state": conversation.Binned, "batch_id": b.ID}).Error
		})
	}
}

// naiveStart looks whether a purge is due and then begins it.
func (g *ground) naiveStart() func() error {
	return func() error {
		return g.w.d.Write(g.w.ctx(), func(tx *db.Tx) error {
			var r purge.Request
			if err := tx.Where("id = ?", g.request.ID).Take(&r).Error; err != nil || r.State != purge.CoolingOff {
				return err
			}
			if err := tx.Model(&purge.Request{}).Where("id = ?", r.ID).Updates(map[string]any{"state": purge.Running, "started_at": tx.Now}).Error; err != nil {
				return err
			}
			return audit.Append(tx, audit.Entry{Actor: account.System("worker", "").Audit(), Action: "purge.started", ObjectKind: "purge", Object: r.Code, Count: r.Size})
		})
	}
}

// The first looks of naiveErase.
const (
	heldFirst     = "SELECT COUNT(*) FROM hold_item i JOIN legal_hold h ON h.id = i.hold_id AND h.released_at IS NULL WHERE i.conversation_id = ?"
	snapshotFirst = "SELECT COUNT(*) FROM bin_item WHERE conversation_id = ? AND state = 'purged'"
)

// naiveErase destroys a conversation in a transaction of its own: a first look, the lock, and the
// look for holds again unless it was the first.
func (g *ground) naiveErase(raw *sql.DB, level sql.IsolationLevel, first string) error {
	ctx, c := context.WithoutCancel(g.w.ctx()), uint64(g.first)
	tx, err := raw.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	if err := tx.QueryRowContext(ctx, first, c).Scan(&n); err != nil || n > 0 {
		return err
	}
	var there uint64
	if err := tx.QueryRowContext(ctx, "SELECT id FROM conversation WHERE id = ? FOR UPDATE", c).Scan(&there); err != nil {
		return err
	}
	if first != heldFirst {
		if err := tx.QueryRowContext(ctx, heldFirst, c).Scan(&n); err != nil || n > 0 {
			return err
		}
	}
	for _, q := range []string{
		"DELETE FROM conversation_key WHERE id = ?", "DELETE FROM conversation_body WHERE id = ?",
		"DELETE FROM conversation_tag WHERE conversation_id = ?", "DELETE FROM conversation WHERE id = ?",
	} {
		if _, err := tx.ExecContext(ctx, q, c); err != nil {
			return err
		}
	}
	return tx.Commit()
}
