package purge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// replayLine is a line of a manifest as the ledger has it, with its number.
type replayLine struct {
	ledgerLine
	seq int64
}

// tail is what is left to do of a purge when its conversations are erased: slots whose keys are to
// go once what is left of the buckets is in place, and how many lines each department has.
type tail struct {
	closing []closedSlot
	shares  map[id.Department]int64
}

// eraseAgain takes a purge over from the ledger and destroys again what it destroyed.
func (p *Replay) eraseAgain(ctx context.Context, h LedgerHead, out *ReplayReport) (t tail, err error) {
	if err := p.takeOver(ctx, h); err != nil {
		return t, err
	}
	var part []replayLine
	t.shares = map[id.Department]int64{}
	seq := int64(0)
	_, err = p.Ledger.read(h.Code, func(line ledgerLine) error {
		switch {
		case line.Closed != 0:
			t.closing = append(t.closing, closedSlot{line.bucketOf(), line.Closed})
			return nil
		case line.Kept != 0, line.Now != 0:
			return nil
		}
		t.shares[line.Department]++
		part = append(part, replayLine{line, seq})
		seq++
		if len(part) < p.chunk() {
			return nil
		}
		err := p.eraseChunk(ctx, h, part, out)
		part = part[:0]
		return err
	})
	if err == nil && len(part) > 0 {
		err = p.eraseChunk(ctx, h, part, out)
	}
	return t, err
}

// takeOver makes the request what the ledger says of it. One that the database does not have gets a
// row under its old number and code, so that neither is given out again.
func (p *Replay) takeOver(ctx context.Context, h LedgerHead) error {
	return p.DB.Write(ctx, func(tx *db.Tx) error {
		var rows []Request
		if err := tx.ForUpdate().Where("id = ?", h.Purge).Find(&rows).Error; err != nil {
			return fmt.Errorf("lock request: %w", err)
		}
		if len(rows) == 1 && rows[0].State == Replayed {
			return nil // a replay before this one got so far
		}
		set, err := h.request()
		if err != nil {
			return err
		}
		if len(rows) == 1 {
			err = tx.Model(&Request{}).Where("id = ?", h.Purge).Select("state", "phase", "root", "size", "started_at").Updates(set).Error
		} else {
			err = tx.Create(set).Error
		}
		if err != nil {
			return fmt.Errorf("take over: %w", err)
		}
		if err := skipCode(tx, h.Code); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: p.actor(), Action: "purge.adopted", ObjectKind: "purge", Object: h.Code, Count: h.Size,
			Data: map[string]any{"root": h.Root, "by": p.By, "reason": p.Reason},
		})
	})
}

func (h LedgerHead) request() (*Request, error) {
	root, err := unhex(h.Root)
	if err != nil {
		return nil, err
	}
	zero := make([]byte, 32)
	started := h.StartedAt
	return &Request{
		ID: h.Purge, Code: h.Code, RequestKey: "ledger-" + h.Code, State: Replayed, Phase: PhaseErase, RequesterName: h.RequesterName,
		RequesterRole: "system", ScopeKind: Department, Excluded: "{}", Root: root, Size: h.Size, PolicyVersion: zero, MAC: zero,
		CreatedAt: h.RequestedAt, StartedAt: &started,
	}, nil
}

// skipCode makes sure that the number in a purge's code is not given out again.
func skipCode(tx *db.Tx, code string) error {
	var day string
	var n int
	if _, err := fmt.Sscanf(code, "PG-%8s-%d", &day, &n); err != nil {
		return fmt.Errorf("read code %s: %w", code, err)
	}
	return db.SerialPast(tx, "PG", day, n)
}

// eraseChunk does some lines. What is as it must be stays; a chunk in which nothing is left to do
// writes nothing.
func (p *Replay) eraseChunk(ctx context.Context, h LedgerHead, part []replayLine, out *ReplayReport) error {
	var fresh, back, held int64
	err := p.DB.Write(ctx, func(tx *db.Tx) error {
		fresh, back, held = 0, 0, 0
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		open, err := p.undone(tx, h.Purge, part)
		if err != nil || len(open) == 0 {
			return err
		}
		var stones []conversation.Tombstone
		var gone, left []replayLine
		for _, line := range open {
			if line.Gone == 0 {
				left = append(left, line)
				continue
			}
			gone = append(gone, line)
			stones = append(stones, conversation.Tombstone{
				Platform: line.Platform, ExternalMAC: line.External, ConversationID: line.Gone, DepartmentID: line.Department, PurgeID: h.Purge, CreatedAt: tx.Now,
			})
		}
		if len(gone) > 0 {
			if back, held, err = p.destroyAgain(tx, h.Purge, stones); err != nil {
				return err
			}
		}
		if fresh, err = p.items(tx, h.Purge, gone, left); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: p.actor(), Action: "purge.erased", ObjectKind: "purge", Object: h.Code, Count: fresh,
			Data: map[string]any{
				"root": h.Root, "first": open[0].seq, "last": open[len(open)-1].seq, "back": back, "held": held, "ledger": true, "by": p.By,
			},
		})
	})
	out.Gone, out.Back, out.Held = out.Gone+fresh, out.Back+back, out.Held+held
	return err
}

// undone leaves out the lines that the database has as they must be.
func (p *Replay) undone(tx *db.Tx, purge id.Purge, part []replayLine) ([]replayLine, error) {
	var done []id.Conversation
	err := tx.Raw("SELECT i.conversation_id FROM purge_item i LEFT JOIN tombstone t ON t.conversation_id = i.conversation_id LEFT JOIN conversation c ON c.id = i.conversation_id "+
		"WHERE i.purge_id = ? AND i.seq >= ? AND i.seq <= ? AND (i.state = ? OR i.state = ? AND t.conversation_id IS NOT NULL AND c.id IS NULL)",
		purge, part[0].seq, part[len(part)-1].seq, Skipped, Purged).Scan(&done).Error
	if err != nil {
		return nil, fmt.Errorf("find what is done: %w", err)
	}
	skip := make(map[id.Conversation]bool, len(done))
	for _, c := range done {
		skip[c] = true
	}
	var open []replayLine
	for _, line := range part {
		if !skip[max(line.Gone, line.Left)] {
			open = append(open, line)
		}
	}
	return open, nil
}

// destroyAgain takes what is back off its holds, out of the bin and out of the database.
func (p *Replay) destroyAgain(tx *db.Tx, purge id.Purge, stones []conversation.Tombstone) (back, held int64, err error) {
	here, err := conversation.Back(tx, stones)
	if err != nil {
		return 0, 0, err
	}
	all := slices.Clone(here)
	for _, s := range stones {
		all = append(all, s.ConversationID)
	}
	set, err := id.NewSet(all...)
	if err != nil {
		return 0, 0, err
	}
	if held, err = hold.Forget(tx, set); err != nil {
		return 0, 0, err
	}
	if err := conversation.EraseAgain(tx, here, stones); err != nil {
		return 0, 0, err
	}
	return int64(len(here)), held, bin.PurgedAgain(tx, purge, set)
}

// items writes into the manifest what became of its lines, and gives back to the bin what was
// skipped. It tells how many were not purged before.
func (p *Replay) items(tx *db.Tx, purge id.Purge, gone, left []replayLine) (fresh int64, err error) {
	byReason := map[Reason][]replayLine{}
	for _, line := range left {
		byReason[line.Reason] = append(byReason[line.Reason], line)
	}
	if fresh, err = p.become(tx, purge, gone, Purged, ""); err != nil {
		return 0, err
	}
	for reason, lines := range byReason {
		if _, err := p.become(tx, purge, lines, Skipped, reason); err != nil {
			return 0, err
		}
		ids := make([]id.Conversation, len(lines))
		for i, line := range lines {
			ids[i] = line.Left
		}
		if err := release(tx, purge, ids); err != nil {
			return 0, err
		}
	}
	return fresh, nil
}

// become gives lines of the manifest one state and tells how many had another one or were not there.
func (p *Replay) become(tx *db.Tx, purge id.Purge, lines []replayLine, s ItemState, why Reason) (int64, error) {
	if len(lines) == 0 {
		return 0, nil
	}
	seqs := make([]int64, len(lines))
	for i, line := range lines {
		seqs[i] = line.seq
	}
	var have []int64
	if err := tx.Model(&Item{}).Where("purge_id = ? AND seq IN ?", purge, seqs).Pluck("seq", &have).Error; err != nil {
		return 0, fmt.Errorf("read manifest: %w", err)
	}
	res := tx.Model(&Item{}).Where("purge_id = ? AND seq IN ? AND state <> ?", purge, seqs, s).Updates(map[string]any{"state": s, "reason": why})
	if res.Error != nil {
		return 0, fmt.Errorf("write manifest: %w", res.Error)
	}
	there := make(map[int64]bool, len(have))
	for _, n := range have {
		there[n] = true
	}
	var missing []Item
	for _, line := range lines {
		if !there[line.seq] {
			missing = append(missing, line.item(purge, s))
		}
	}
	if len(missing) > 0 {
		if err := tx.CreateInBatches(missing, 500).Error; err != nil {
			return 0, fmt.Errorf("write manifest: %w", err)
		}
	}
	return res.RowsAffected + int64(len(missing)), nil
}

// item is a line of a list that the database does not have. Its root cannot be computed from
// this any more; the ledger's file is what proves it.
func (line replayLine) item(purge id.Purge, state ItemState) Item {
	return Item{
		PurgeID: purge, Seq: line.seq, ConversationID: max(line.Gone, line.Left), Digest: make([]byte, 32), DepartmentID: line.Department,
		Platform: line.Platform, State: state, Reason: line.Reason, LastAt: time.Unix(0, 0).UTC(),
	}
}
