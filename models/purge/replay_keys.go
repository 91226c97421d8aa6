package purge

import (
	"context"
	"encoding/hex"
	"fmt"
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

// putKeys gives the survivors their keys. A backup holds them wrapped by bucket keys that were destroyed
// since; the ledger has them wrapped by keys that are alive. A key counts only if it opens
// exactly the body that the backup holds.
func (p *Replay) putKeys(ctx context.Context, s *Standing, tails map[string]tail, out *ReplayReport) error {
	closing := map[id.Bucket]bool{}
	for _, t := range tails {
		for _, b := range t.closing {
			closing[b] = true
		}
	}
	wanted, err := p.stranded(ctx, func(b id.Bucket, alive bool) bool { return !alive || closing[b] })
	if err != nil || len(wanted) == 0 {
		return err
	}
	keys, err := p.candidates(ctx, s, wanted)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(wanted, p.chunk()) {
		moved := int64(0)
		err := p.DB.Write(ctx, func(tx *db.Tx) error {
			moved = 0
			for _, c := range part {
				for _, k := range keys[c] {
					ok, err := conversation.PutKey(tx, p.Vault, k.Key, k.version)
					if err != nil {
						return err
					}
					if ok {
						moved++
						break
					}
				}
			}
			if moved == 0 {
				return nil
			}
			return audit.Append(tx, audit.Entry{Actor: p.actor(), Action: "key.recovered", ObjectKind: "audit", Count: moved, Data: map[string]any{"by": p.By}})
		})
		if err != nil {
			return fmt.Errorf("put keys in place: %w", err)
		}
		out.Moved += moved
	}
	return nil
}

// stranded gives the conversations whose keys lie in a bucket that which chooses, in ascending order.
func (p *Replay) stranded(ctx context.Context, which func(b id.Bucket, alive bool) bool) (ids []id.Conversation, err error) {
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		ids = nil
		all, err := conversation.KeyBuckets(tx)
		if err != nil {
			return err
		}
		var chosen []id.Bucket
		for _, b := range all {
			status, err := p.Vault.Store.State(uint64(b))
			if err != nil {
				return fmt.Errorf("ask the key store: %w", err)
			}
			if which(b, status.State == seal.Live) {
				chosen = append(chosen, b)
			}
		}
		for part := range slices.Chunk(chosen, 500) {
			found, err := conversation.KeysIn(tx, part)
			if err != nil {
				return err
			}
			ids = append(ids, found...)
		}
		slices.Sort(ids)
		return nil
	})
	return ids, err
}

// candidate is a key that the ledger has for a version of a conversation.
type candidate struct {
	conversation.Key
	version uint32
}

// candidates reads the ledger for keys of the wanted conversations that are wrapped by a live bucket
// key. The purges that the database does not have come first: most often they moved them last.
func (p *Replay) candidates(ctx context.Context, s *Standing, wanted []id.Conversation) (map[id.Conversation][]candidate, error) {
	out := make(map[id.Conversation][]candidate, len(wanted))
	for _, c := range wanted {
		out[c] = nil
	}
	alive := map[id.Bucket]bool{}
	for _, e := range append(s.Is(LedgerUnknown), s.Is(LedgerKnown)...) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, err := p.Ledger.read(e.Code, func(line ledgerLine) error {
			have, want := out[line.Kept]
			if line.Kept == 0 || !want {
				return nil
			}
			live, asked := alive[line.Bucket]
			if !asked {
				status, err := p.Vault.Store.State(uint64(line.Bucket))
				if err != nil {
					return fmt.Errorf("ask the key store: %w", err)
				}
				live = status.State == seal.Live
				alive[line.Bucket] = live
			}
			if live {
				out[line.Kept] = append(have, candidate{conversation.Key{ID: line.Kept, BucketID: line.Bucket, Wrapped: line.Wrapped}, line.Version})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// closeBuckets makes sure that the keys of a purge's buckets are gone. Where the first execution had not
// come so far, what is still in such a bucket moves under a fresh key first.
func (p *Replay) closeBuckets(ctx context.Context, h LedgerHead, list []id.Bucket) error {
	for part := range slices.Chunk(list, destroyOnLocal) {
		err := p.DB.Write(ctx, func(tx *db.Tx) error { return p.closePart(tx, h, part) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Replay) closePart(tx *db.Tx, h LedgerHead, part []id.Bucket) error {
	var rows []conversation.Bucket
	if err := tx.ForUpdate().Where("id IN ?", part).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("lock buckets: %w", err)
	}
	notes := make([]bucket, 0, len(part))
	for _, b := range part {
		notes = append(notes, bucket{PurgeID: h.Purge, BucketID: b, State: destroyed, DestroyedAt: &tx.Now})
	}
	for i := range rows {
		moved, err := p.vacate(tx, &rows[i])
		if err != nil {
			return err
		}
		at := slices.Index(part, rows[i].ID)
		notes[at].MovedTo, notes[at].Survivors = moved.MovedTo, moved.Survivors
	}
	keys, err := p.alive(part)
	if err != nil {
		return err
	}
	if err := p.Vault.Store.Destroy(keys...); err != nil {
		return fmt.Errorf("destroy bucket keys: %w", err)
	}
	if err := conversation.BucketsGone(tx, part); err != nil {
		return err
	}
	err = tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&notes).Error
	if err != nil {
		return fmt.Errorf("note buckets: %w", err)
	}
	return audit.Append(tx, audit.Entry{
		Actor: p.actor(), Action: "purge.keys_destroyed", ObjectKind: "purge", Object: h.Code, Count: int64(len(part)),
		Data: map[string]any{"buckets": part, "ledger": true, "by": p.By},
	})
}

// vacate moves what is left in a locked bucket under a fresh key, if its key is alive.
func (p *Replay) vacate(tx *db.Tx, b *conversation.Bucket) (moved bucket, err error) {
	status, err := p.Vault.Store.State(uint64(b.ID))
	if err != nil || status.State != seal.Live || b.State == conversation.BucketDestroyed {
		return moved, err
	}
	one := []id.Bucket{b.ID}
	closed, err := conversation.CloseBuckets(tx, one)
	if err != nil {
		return moved, err
	}
	to, err := conversation.Rewrap(tx, p.Vault, closed)
	if err != nil {
		return moved, err
	}
	moved.MovedTo, moved.Survivors = to[b.ID].To, to[b.ID].N
	return moved, conversation.LockEmpty(tx, one)
}

// alive gives those of the buckets whose keys the key store still has. One that was never there is
// gone too.
func (p *Replay) alive(part []id.Bucket) (keys []uint64, err error) {
	for _, b := range part {
		status, err := p.Vault.Store.State(uint64(b))
		if err != nil {
			return nil, fmt.Errorf("ask the key store: %w", err)
		}
		if status.State == seal.Live || status.State == seal.Damaged {
			keys = append(keys, uint64(b))
		}
	}
	return keys, nil
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

// lost counts the conversations whose keys nobody has any more: they grew after the backup was made, and
// the key of the bucket they were in was destroyed since. Importing them again heals them.
func (p *Replay) lost(ctx context.Context, out *ReplayReport) (err error) {
	out.Lost, err = p.stranded(ctx, func(_ id.Bucket, alive bool) bool { return !alive })
	if err != nil {
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
