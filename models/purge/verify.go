package purge

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"qingdang/models/conversation"
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
	var back *lookBack
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		back, err = w.lookBack(tx, id.Purge(j.Subject))
		return err
	})
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

func (w *Runner) lookBack(tx *db.Tx, p id.Purge) (*lookBack, error) {
	back := &lookBack{}
	r := &back.request
	if err := tx.Where("id = ?", p).Take(r).Error; err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if r.Phase != PhaseVerify {
		return back, nil
	}
	if err := w.readBack(tx, r, back); err != nil {
		return nil, err
	}
	// What is not what was requested is not certified, whatever became of it.
	if err := w.Desk.sound(tx, r); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(back.checks, func(c Check) bool { return !c.OK }) {
		var err error
		if back.body, err = w.body(tx, r, back); err != nil {
			return nil, err
		}
	}
	return back, nil
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

func (w *Runner) readBack(tx *db.Tx, r *Request, back *lookBack) error {
	add := func(what string, read, found int64, ok bool) {
		back.checks = append(back.checks, Check{What: what, Read: read, Found: found, OK: ok})
	}
	list, outcomes, err := storedRoots(tx, r.ID)
	if err != nil {
		return err
	}
	back.list, back.outcomes = list.Root(), outcomes.Root()
	add(CheckManifest, r.Size, list.Size(), list.Size() == r.Size && string(back.list[:]) == string(r.Root))
	sum, err := count(tx.Model(&Item{}).Where("purge_id = ? AND state IN ?", r.ID, []ItemState{Purged, Skipped}))
	if err != nil {
		return err
	}
	purged, err := count(tx.Model(&Item{}).Where("purge_id = ? AND state = ?", r.ID, Purged))
	if err != nil {
		return err
	}
	add(CheckSum, r.Size, sum, sum == r.Size && purged == r.Purged && sum-purged == r.Skipped)
	for _, part := range []struct {
		what string
		of   []string
	}{
		{CheckRows, []string{"conversation t ON t.id"}},
		{CheckBodies, []string{"conversation_body t ON t.id"}},
		{CheckKeys, []string{"conversation_key t ON t.id"}},
		{CheckTags, []string{"conversation_tag t ON t.conversation_id", "removed_tag t ON t.conversation_id", "tagged_list t ON t.conversation_id"}},
	} {
		found := int64(0)
		for _, of := range part.of {
			n, err := tally(tx, "SELECT COUNT(*) FROM purge_item i JOIN "+of+" = i.conversation_id WHERE i.purge_id = ? AND i.state = ?", r.ID, Purged)
			if err != nil {
				return err
			}
			found += n
		}
		add(part.what, purged, found, found == 0)
	}
	stones, err := count(tx.Model(&conversation.Tombstone{}).Where("purge_id = ?", r.ID))
	if err != nil {
		return err
	}
	add(CheckTombstones, purged, stones, stones == purged)
	if err := w.survivors(tx, r, sum-purged, add); err != nil {
		return err
	}
	if err := w.bucketsGone(tx, r.ID, add); err != nil {
		return err
	}
	return w.indexSilent(tx, r.ID, purged, add)
}

type adder = func(what string, read, found int64, ok bool)

// survivors makes sure that what was skipped is still there, whole; unless it was gone before, or
// somebody purged it by another request since.
func (w *Runner) survivors(tx *db.Tx, r *Request, skipped int64, add adder) error {
	present, err := tally(tx, "SELECT COUNT(*) FROM purge_item i JOIN conversation c ON c.id = i.conversation_id "+
		"JOIN conversation_body b ON b.id = c.id JOIN conversation_key k ON k.id = c.id WHERE i.purge_id = ? AND i.state = ?", r.ID, Skipped)
	if err != nil {
		return err
	}
	elsewhere, err := tally(tx, "SELECT COUNT(*) FROM purge_item i JOIN tombstone t ON t.conversation_id = i.conversation_id "+
		"WHERE i.purge_id = ? AND i.state = ?", r.ID, Skipped)
	if err != nil {
		return err
	}
	gone, err := tally(tx, "SELECT COUNT(*) FROM purge_item i WHERE i.purge_id = ? AND i.state = ? AND i.reason = ? "+
		"AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.conversation_id = i.conversation_id)", r.ID, Skipped, Gone)
	if err != nil {
		return err
	}
	add(CheckSkipped, skipped, present, present+elsewhere+gone == skipped)
	return nil
}

// bucketsGone asks the key store itself, also after a bucket that nobody noted: every key under which a bucket lay until
// this purge is destroyed, and the one under which it lies now leads to nothing that was erased.
func (w *Runner) bucketsGone(tx *db.Tx, p id.Purge, add adder) error {
	var rows []bucket
	if err := tx.Where("purge_id = ?", p).Find(&rows).Error; err != nil {
		return fmt.Errorf("read buckets: %w", err)
	}
	slots, err := slotsUpTo(tx, p)
	if err != nil {
		return err
	}
	erased, err := erasedLeaves(tx, "i.purge_id = ?", p)
	if err != nil {
		return err
	}
	left, err := reached(tx, w.Vault.Store, erased)
	if err != nil {
		return err
	}
	gone := int64(0)
	for _, b := range rows {
		dead := b.State == destroyed && b.Slot != 0 && !slices.Contains(left, b.BucketID)
		for _, slot := range slots[b.BucketID] {
			status, err := w.Vault.Store.State(slot)
			if err != nil {
				return fmt.Errorf("ask the key store: %w", err)
			}
			dead = dead && status.State == seal.Destroyed
		}
		if dead {
			gone++
		}
	}
	spared, err := sparedBuckets(tx, p)
	if err != nil {
		return err
	}
	all := int64(len(rows)) + spared
	add(CheckBuckets, all, gone, gone == all)
	return nil
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

// indexSilent asks the search index itself.
func (w *Runner) indexSilent(tx *db.Tx, p id.Purge, purged int64, add adder) error {
	if w.Index == nil {
		return nil
	}
	erased, err := erasedBy(tx, p)
	if err != nil {
		return err
	}
	n, err := w.Index.Holds(tx, erased)
	if err != nil {
		return fmt.Errorf("ask the search index: %w", err)
	}
	add(CheckIndex, purged, int64(n), n == 0)
	return nil
}
