package purge

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/seal"
)

// Check is one look back after the erasure: how many were read, and what was found.
type Check struct {
	What  string `json:"what"`
	Read  int64  `json:"read"`
	Found int64  `json:"found"`
	OK    bool   `json:"ok"`
}

// The looks back, each a catalogue key's end.
const (
	CheckManifest   = "manifest"
	CheckRows       = "rows"
	CheckBodies     = "bodies"
	CheckKeys       = "keys"
	CheckTags       = "tags"
	CheckTombstones = "tombstones"
	CheckSkipped    = "skipped"
	CheckSum        = "sum"
	CheckBuckets    = "buckets"
	CheckIndex      = "index"
)

// verify reads every item of the list back and, if all is as it must be, writes the certificate
// and its audit leaf in one transaction. If something is not, nothing is certified; the job fails
// and says what. Reading back has a transaction of its own: it takes as long as the list is, and
// while one writes nobody else does on the embedded engine. Nothing that it looked at comes back
// meanwhile: tombstones keep out what was erased, and a destroyed key stays destroyed.
func (w *Runner) verify(ctx context.Context, j *job.Job) error {
	if err := w.scrub(ctx, j); err != nil {
		return err
	}
	// Pages of erased rows leave the embedded engine's log before anybody certifies.
	if err := w.DB.Flush(ctx); err != nil {
		return err
	}
	back, err := w.lookBack(ctx, id.Purge(j.Subject))
	if err != nil {
		return err
	}
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		r, ok, err := lockPhase(tx, j, PhaseVerify)
		if err != nil || !ok {
			return err
		}
		if err := back.certifies(r); err != nil {
			return err
		}
		if err := job.Advance(tx, j, j.Pos, r.Size); err != nil {
			return err
		}
		return w.certify(tx, r, back)
	})
}

// lookBack is what was read back: the looks with what they found, the roots of the list as it
// stands and of what became of it, and what a certificate would say of it.
type lookBack struct {
	request        Request
	checks         []Check
	list, outcomes [32]byte
	body           *Body
}

func (w *Runner) lookBack(ctx context.Context, p id.Purge) (*lookBack, error) {
	back := &lookBack{}
	r := &back.request
	err := w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("id = ?", p).Take(r).Error })
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if r.Phase != PhaseVerify {
		return back, nil
	}
	if err := w.readBack(ctx, r, back); err != nil {
		return nil, err
	}
	return back, w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		// What is not what was requested is not certified, whatever became of it.
		if err := w.Desk.sound(tx, r); err != nil {
			return err
		}
		if !slices.ContainsFunc(back.checks, func(c Check) bool { return !c.OK }) {
			back.body, err = w.body(tx, r, back)
		}
		return err
	})
}

// certifies makes sure that all is as it must be, and that the request is still the one that was looked at.
func (b *lookBack) certifies(r *Request) error {
	for _, c := range b.checks {
		if !c.OK {
			return fmt.Errorf("purge %s: verification of %s: read %d, found %d", r.Code, c.What, c.Read, c.Found)
		}
	}
	if was := &b.request; b.body == nil || !bytes.Equal(was.MAC, r.MAC) || was.Purged != r.Purged || was.Skipped != r.Skipped {
		return fmt.Errorf("purge %s: changed while it was verified", r.Code)
	}
	return nil
}

// readBack looks at everything, the list with its keys and its index beside what is left in the tables.
func (w *Runner) readBack(ctx context.Context, r *Request, back *lookBack) error {
	var list became
	var keys, index Check
	var left leftovers
	err := beside(
		func() error {
			return w.DB.Read(ctx, func(tx *db.Tx) (err error) {
				if err := eachLine(tx, r.ID, list.add); err != nil {
					return err
				}
				if keys, err = w.bucketsGone(tx, r.ID, &list.sums); err != nil {
					return err
				}
				index, err = w.indexSilent(tx, list.gone)
				return err
			})
		},
		func() error {
			return w.DB.Read(ctx, func(tx *db.Tx) error { return left.read(tx, r.ID) })
		},
	)
	var stayed survivors
	if err == nil && list.skipped > 0 {
		err = w.DB.Read(ctx, func(tx *db.Tx) error { return stayed.read(tx, r.ID) })
	}
	if err != nil {
		return err
	}
	add := func(what string, read, found int64, ok bool) {
		back.checks = append(back.checks, Check{What: what, Read: read, Found: found, OK: ok})
	}
	back.list, back.outcomes = list.list.Root(), list.outcomes.Root()
	purged := int64(len(list.gone))
	sum := purged + list.skipped
	add(CheckManifest, r.Size, list.list.Size(), list.list.Size() == r.Size && string(back.list[:]) == string(r.Root))
	add(CheckSum, r.Size, sum, sum == r.Size && purged == r.Purged && list.skipped == r.Skipped)
	add(CheckRows, purged, left.Rows, left.Rows == 0)
	add(CheckBodies, purged, left.Bodies, left.Bodies == 0)
	add(CheckKeys, purged, left.Keys, left.Keys == 0)
	add(CheckTags, purged, left.Tags, left.Tags == 0)
	add(CheckTombstones, purged, left.Stones, left.Stones == purged)
	add(CheckSkipped, list.skipped, stayed.present, stayed.present+stayed.elsewhere+stayed.gone == list.skipped)
	back.checks = append(back.checks, keys)
	if w.Index != nil {
		back.checks = append(back.checks, index)
	}
	return nil
}

// bucketsGone asks the key store itself, also after a bucket that nobody noted: every key under which a bucket lay until
// this purge is destroyed, and the one under which it lies now leads to nothing that was erased.
func (w *Runner) bucketsGone(tx *db.Tx, p id.Purge, list *sums) (c Check, err error) {
	rows, err := bucketsOf(tx.Where("purge_id = ?", p))
	if err != nil {
		return c, err
	}
	slots, err := slotsUpTo(tx, p)
	if err != nil {
		return c, err
	}
	left, err := reached(tx, w.Vault.Store, list.leaves())
	if err != nil {
		return c, err
	}
	alive, err := w.notDestroyed(slots)
	if err != nil {
		return c, err
	}
	gone := int64(0)
	for _, b := range rows {
		if b.State == destroyed && b.Slot != 0 && !slices.Contains(left, b.BucketID) && !alive[b.BucketID] {
			gone++
		}
	}
	all := int64(len(rows)) + list.spared(rows)
	return Check{What: CheckBuckets, Read: all, Found: gone, OK: gone == all}, nil
}

// notDestroyed gives the buckets of which one of these slots holds a key, or nobody can tell what it held.
func (w *Runner) notDestroyed(slots map[id.Bucket][]uint64) (map[id.Bucket]bool, error) {
	var of []id.Bucket
	var all []uint64
	for b, list := range slots {
		for _, slot := range list {
			of, all = append(of, b), append(all, slot)
		}
	}
	states, err := w.Vault.Store.States(all...)
	if err != nil {
		return nil, fmt.Errorf("ask the key store: %w", err)
	}
	alive := map[id.Bucket]bool{}
	for i, s := range states {
		if s.State != seal.Destroyed {
			alive[of[i]] = true
		}
	}
	return alive, nil
}

// scrub takes what was erased out of the search index: what it knew of them is sealed under keys that
// are destroyed here. Another worker who took over begins again and finds the rest.
func (w *Runner) scrub(ctx context.Context, j *job.Job) error {
	if w.Index == nil {
		return nil
	}
	var erased []id.Conversation
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		erased, err = erasedBy(tx, id.Purge(j.Subject))
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.Index.Scrub(ctx, erased, func(tx *db.Tx) error { return job.Advance(tx, j, j.Pos, j.Done) })
	if err != nil {
		return fmt.Errorf("scrub the search index: %w", err)
	}
	return nil
}

func erasedBy(tx *db.Tx, p id.Purge) (ids []id.Conversation, err error) {
	if err := tx.Model(&Item{}).Where("purge_id = ? AND state = ?", p, Purged).Order("seq").Pluck("conversation_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	return ids, nil
}

// indexSilent asks the search index itself, where there is one.
func (w *Runner) indexSilent(tx *db.Tx, erased []id.Conversation) (c Check, err error) {
	if w.Index == nil {
		return c, nil
	}
	n, err := w.Index.Holds(tx, erased)
	if err != nil {
		return c, fmt.Errorf("ask the search index: %w", err)
	}
	return Check{What: CheckIndex, Read: int64(len(erased)), Found: int64(n), OK: n == 0}, nil
}
