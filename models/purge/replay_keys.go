package purge

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm/clause"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/seal"
)

func unhex(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return nil, ErrLedgerDamaged
	}
	return b, nil
}

// putKeys gives the survivors their keys. A backup has their buckets under slots whose keys were destroyed since; the
// ledger says where the buckets are now. What had no leaf when the backup was made, the ledger names by itself;
// such a key counts only if it opens exactly the body that the backup holds.
func (p *Replay) putKeys(ctx context.Context, s *Standing, out *ReplayReport) error {
	var known map[id.Bucket]uint64
	err := p.DB.Read(ctx, func(tx *db.Tx) (err error) {
		known, err = conversation.OpenBuckets(tx)
		return err
	})
	if err != nil {
		return err
	}
	now, err := p.bucketsNow(ctx, s, known)
	if err != nil {
		return err
	}
	if err := p.putBuckets(ctx, known, now, out); err != nil {
		return err
	}
	wanted, err := p.stranded(ctx)
	if err != nil || len(wanted) == 0 {
		return err
	}
	keys, err := p.candidates(ctx, s, wanted, now)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(wanted, p.chunk()) {
		err := p.recover(ctx, out, func(tx *db.Tx) (moved int, changed bool, err error) {
			for _, c := range part {
				for _, k := range keys[c] {
					ok, err := conversation.PutKey(tx, p.Vault, k.Key, k.version)
					if err != nil {
						return 0, false, err
					}
					if ok {
						moved++
						break
					}
				}
			}
			return moved, moved > 0, nil
		})
		if err != nil {
			return fmt.Errorf("put keys in place: %w", err)
		}
	}
	return nil
}

// recover does a part of putKeys and writes down how many survivors it was.
func (p *Replay) recover(ctx context.Context, out *ReplayReport, do func(tx *db.Tx) (moved int, changed bool, err error)) error {
	moved := 0
	err := p.DB.Write(ctx, func(tx *db.Tx) error {
		n, changed, err := do(tx)
		if moved = n; err != nil || !changed {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: p.actor(), Action: "key.recovered", ObjectKind: "audit", Count: int64(moved), Data: map[string]any{"by": p.By}})
	})
	if err == nil {
		out.Moved += int64(moved)
	}
	return err
}

// left is a bucket as a file of the ledger has it, under a slot that is alive.
type left struct {
	slot uint64
	tree []byte
}

// bucketsNow reads the ledger for where buckets are now that the database has under an earlier slot, or does not have. The
// slots of a bucket only grow, so the highest that is alive is the last one. A bucket whose slot here is alive stays: what
// it has may be more than the ledger's purge left of it, and closeBuckets takes out what has to go.
func (p *Replay) bucketsNow(ctx context.Context, s *Standing, known map[id.Bucket]uint64) (map[id.Bucket]left, error) {
	out := map[id.Bucket]left{}
	err := p.eachLine(ctx, s, func(line ledgerLine) error {
		if line.Now == 0 || line.Slot <= max(known[line.Now], out[line.Now].slot) {
			return nil
		}
		if here := known[line.Now]; here != 0 {
			switch status, err := p.Vault.Store.State(here); {
			case err != nil:
				return fmt.Errorf("ask the key store: %w", err)
			case status.State == seal.Live:
				return nil
			}
		}
		_, err := p.Vault.Store.Tree(uint64(line.Now), line.Slot, line.Tree)
		switch {
		case err == nil:
			out[line.Now] = left{line.Slot, line.Tree}
		// The ledger vouches for the line, so a state that does not open is another bucket's slot now: a key store
		// that was restored may give a number twice.
		case !errors.Is(err, seal.ErrDestroyed) && !errors.Is(err, seal.ErrNoBucket) && !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrTampered):
			return fmt.Errorf("what is left of bucket %d: %w", line.Now, err)
		}
		return nil
	})
	return out, err
}

func (p *Replay) eachLine(ctx context.Context, s *Standing, do func(ledgerLine) error) error {
	for _, e := range append(s.Is(LedgerUnknown), s.Is(LedgerKnown)...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := p.Ledger.read(e.Code, do); err != nil {
			return err
		}
	}
	return nil
}

// putBuckets puts those of the buckets that the database has where they are now.
func (p *Replay) putBuckets(ctx context.Context, known map[id.Bucket]uint64, now map[id.Bucket]left, out *ReplayReport) error {
	var all []conversation.Bucket
	for _, b := range slices.Sorted(maps.Keys(now)) {
		if _, here := known[b]; here {
			all = append(all, conversation.Bucket{ID: b, Slot: now[b].slot, Tree: now[b].tree})
		}
	}
	for part := range slices.Chunk(all, destroyOnLocal) {
		err := p.recover(ctx, out, func(tx *db.Tx) (int, bool, error) {
			n, err := conversation.PutBuckets(tx, p.Vault, part)
			return n, true, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Replay) stranded(ctx context.Context) (ids []id.Conversation, err error) {
	err = p.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ids, err = conversation.Stranded(tx, p.Vault)
		return err
	})
	return ids, err
}

// candidate is a key that the ledger has for a version of a conversation.
type candidate struct {
	conversation.Key
	version uint32
}

// candidates reads the ledger for keys of the wanted conversations. The purges that the database does not have come
// first: most often they lifted them last.
func (p *Replay) candidates(ctx context.Context, s *Standing, wanted []id.Conversation, now map[id.Bucket]left) (map[id.Conversation][]candidate, error) {
	out := make(map[id.Conversation][]candidate, len(wanted))
	for _, c := range wanted {
		out[c] = nil
	}
	err := p.eachLine(ctx, s, func(line ledgerLine) error {
		have, want := out[line.Kept]
		if line.Kept == 0 || !want {
			return nil
		}
		k := conversation.Key{ID: line.Kept, BucketID: line.Bucket, Leaf: line.leafOf(), Wrapped: line.Wrapped, Slot: uint64(line.Bucket)}
		if n, ok := now[line.Bucket]; ok {
			k.Slot, k.Tree = n.slot, n.tree
		}
		out[line.Kept] = append(have, candidate{k, line.Version})
		return nil
	})
	return out, err
}

// closedSlot is a slot of a bucket whose key is to be destroyed.
type closedSlot struct {
	bucket id.Bucket
	slot   uint64
}

// closeBuckets makes sure that the keys of a purge's slots are gone. A bucket that still lies under one, since the first
// execution had not come so far, is punctured before, in a transaction of its own: a key goes only when what lives
// has moved for good.
func (p *Replay) closeBuckets(ctx context.Context, h LedgerHead, list []closedSlot) error {
	for part := range slices.Chunk(list, destroyOnLocal) {
		if err := p.DB.Write(ctx, func(tx *db.Tx) error { return p.vacate(tx, h, part) }); err != nil {
			return err
		}
		if err := p.DB.Write(ctx, func(tx *db.Tx) error { return p.closePart(tx, h, part) }); err != nil {
			return err
		}
	}
	return nil
}

// under locks the buckets that lie under slots.
func under(tx *db.Tx, slots []uint64) ([]conversation.Bucket, error) {
	var rows []conversation.Bucket
	if err := tx.ForUpdate().Where("slot IN ? AND state <> ?", slots, conversation.BucketDestroyed).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock buckets: %w", err)
	}
	return rows, nil
}

// vacate punctures the buckets that lie under slots which are alive and about to go. They take nothing new from then on:
// nobody knows which of their places were given between the backup and now, and what was there must not be reached.
func (p *Replay) vacate(tx *db.Tx, h LedgerHead, part []closedSlot) error {
	slots, notes := notesOf(tx, h, part, closed)
	alive, _, err := p.there(slots)
	if err != nil {
		return err
	}
	rows, err := under(tx, alive)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := make([]id.Bucket, len(rows))
	moved := map[id.Bucket]*bucket{}
	for i, b := range rows {
		ids[i] = b.ID
	}
	if err := tx.Model(&conversation.Bucket{}).Where("id IN ?", ids).Update("used", conversation.BucketSize).Error; err != nil {
		return fmt.Errorf("fill buckets: %w", err)
	}
	punctured, err := conversation.Puncture(tx, p.Vault, ids)
	if err != nil {
		return err
	}
	for _, b := range ids {
		if n := notes[b]; n != nil {
			n.MovedTo, n.Survivors, n.Lifted = punctured[b].To, punctured[b].Live, punctured[b].Lifted
			moved[b] = n
		}
	}
	if err := p.note(tx, h, moved); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: p.actor(), Action: "purge.buckets_punctured", ObjectKind: "purge", Object: h.Code, Count: int64(len(ids)),
		Data: map[string]any{"buckets": ids, "ledger": true, "by": p.By},
	})
}

// closePart destroys the keys of slots under which nothing lives any more.
func (p *Replay) closePart(tx *db.Tx, h LedgerHead, part []closedSlot) error {
	slots, notes := notesOf(tx, h, part, destroyed)
	alive, damaged, err := p.there(slots)
	if err != nil {
		return err
	}
	rows, err := under(tx, alive)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		here := map[id.Bucket][]uint64{}
		for _, b := range rows {
			here[b.ID] = []uint64{b.Slot}
		}
		if err := conversation.LockFree(tx, p.Vault, here); err != nil {
			return err
		}
	}
	if err := p.Vault.Store.Destroy(append(alive, damaged...)...); err != nil {
		return fmt.Errorf("destroy bucket keys: %w", err)
	}
	if err := conversation.SlotsGone(tx, slots); err != nil {
		return err
	}
	if err := p.note(tx, h, notes); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: p.actor(), Action: "purge.keys_destroyed", ObjectKind: "purge", Object: h.Code, Count: int64(len(part)),
		Data: map[string]any{"buckets": slices.Sorted(maps.Keys(notes)), "slots": slots, "ledger": true, "by": p.By},
	})
}

// notesOf gives the slots of a part, and what is noted of their buckets.
func notesOf(tx *db.Tx, h LedgerHead, part []closedSlot, state bucketState) ([]uint64, map[id.Bucket]*bucket) {
	slots := make([]uint64, len(part))
	notes := map[id.Bucket]*bucket{}
	for i, c := range part {
		slots[i] = c.slot
		n := notes[c.bucket]
		if n == nil {
			n = &bucket{PurgeID: h.Purge, BucketID: c.bucket, State: state}
			notes[c.bucket] = n
		}
		if n.Slot = max(n.Slot, c.slot); state == destroyed {
			n.DestroyedAt = &tx.Now
		}
	}
	return slots, notes
}

// reserve gives every number that the ledger names for a slot away, to nothing, where the key store is older than the
// ledger: a number that came again would be taken for the slot that a purge destroyed.
func (p *Replay) reserve(ctx context.Context, s *Standing) error {
	highest := uint64(0)
	err := p.eachLine(ctx, s, func(line ledgerLine) error {
		highest = max(highest, line.Slot, line.Closed)
		return nil
	})
	if err != nil {
		return err
	}
	last, err := p.Vault.Store.Last()
	if err != nil || last >= highest {
		return err
	}
	ids, err := p.Vault.Store.NewBuckets(int(highest - last))
	if err != nil {
		return fmt.Errorf("reserve slots: %w", err)
	}
	return p.Vault.Store.Destroy(ids...)
}

// note writes which buckets the purge had. Where several parts say something of one, the last slot counts.
func (p *Replay) note(tx *db.Tx, h LedgerHead, notes map[id.Bucket]*bucket) error {
	var have []bucket
	if err := tx.Where("purge_id = ? AND bucket_id IN ?", h.Purge, slices.Collect(maps.Keys(notes))).Find(&have).Error; err != nil {
		return fmt.Errorf("read buckets: %w", err)
	}
	for _, b := range have {
		n := notes[b.BucketID]
		if n.Slot = max(n.Slot, b.Slot); n.MovedTo == 0 {
			n.MovedTo, n.Survivors, n.Lifted = b.MovedTo, b.Survivors, b.Lifted
		}
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(slices.Collect(maps.Values(notes))).Error; err != nil {
		return fmt.Errorf("note buckets: %w", err)
	}
	return nil
}

// there gives those of the slots that the key store still has. One that was never there is gone too.
func (p *Replay) there(slots []uint64) (alive, damaged []uint64, err error) {
	for _, s := range slots {
		switch status, err := p.Vault.Store.State(s); {
		case err != nil:
			return nil, nil, fmt.Errorf("ask the key store: %w", err)
		case status.State == seal.Live:
			alive = append(alive, s)
		case status.State == seal.Damaged:
			damaged = append(damaged, s)
		}
	}
	return alive, damaged, nil
}

// settle ends what the ledger says of a purge: from then on the database knows it.
func (p *Replay) settle(ctx context.Context, h LedgerHead, shares map[id.Department]int64) error {
	return p.DB.Write(ctx, func(tx *db.Tx) error {
		if err := p.share(tx, h, shares); err != nil {
			return err
		}
		res := tx.Model(&Request{}).Where("id = ? AND state = ?", h.Purge, Replayed).Updates(map[string]any{
			"phase": PhaseEnd, "purged": h.Purged, "skipped": h.Skipped, "finished_at": tx.Now, "closed_at": tx.Now, "closed_by": p.By, "closed_reason": p.Reason,
		})
		if res.Error != nil || res.RowsAffected != 1 {
			return fmt.Errorf("settle: %d rows, %w", res.RowsAffected, res.Error)
		}
		return audit.Append(tx, audit.Entry{
			Actor: p.actor(), Action: "purge.replayed", ObjectKind: "purge", Object: h.Code, Count: h.Purged,
			Data: map[string]any{"root": h.Root, "skipped": h.Skipped, "by": p.By, "reason": p.Reason},
		})
	})
}

// share stores which departments a list is about that the database did not have, so that the
// request is seen by those who see these departments.
func (p *Replay) share(tx *db.Tx, h LedgerHead, shares map[id.Department]int64) error {
	have, err := sharesStored(tx, h.Purge)
	if err != nil || len(have) > 0 {
		return err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	var rows []Share
	for d, n := range shares {
		rows = append(rows, Share{PurgeID: h.Purge, DepartmentID: d, Path: tree.Path(d), Conversations: n})
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("store departments: %w", err)
	}
	return nil
}

// lost counts the conversations whose keys nobody has any more: they were sealed elsewhere after the backup was made,
// and the place where they were before was taken out of its bucket since. Importing them again heals them.
func (p *Replay) lost(ctx context.Context, out *ReplayReport) (err error) {
	if out.Lost, err = p.stranded(ctx); err != nil {
		return err
	}
	for part := range slices.Chunk(out.Lost, p.chunk()) {
		err := p.DB.Write(ctx, func(tx *db.Tx) error {
			if err := conversation.Unreadable(tx, part); err != nil {
				return err
			}
			return audit.Append(tx, audit.Entry{Actor: p.actor(), Action: "key.missed", ObjectKind: "audit", Count: int64(len(part)), Data: map[string]any{"by": p.By}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
