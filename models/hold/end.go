package hold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// JobTimer is the kind of job that ends releases.
const JobTimer = "hold.timer"

const timerEvery = time.Minute

// Timer is the job that ends releases whose buffer is over. Missing it keeps holds, no more.
type Timer struct{ Holds *Holds }

// Step looks once and waits for the next time.
func (t *Timer) Step(ctx context.Context, j *job.Job) (bool, error) {
	return job.Timer(t.Holds.DB, timerEvery, t.Holds.Tick).Step(ctx, j)
}

// The reasons for which the system closes a release; each ends a catalogue key. When a consent no
// longer stands the reason is approval's.
const (
	lapseVote   = "vote"   // nobody decided in time
	lapseForged = "forged" // its row, or the hold's, was changed past the program
)

// Tick releases the holds of releases whose buffer is over, one in each transaction, lets those
// lapse that nobody decided in time, and sees to it that what lies in the bin goes on coming back.
func (h *Holds) Tick(ctx context.Context) error {
	var due []uint64
	err := h.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&Release{}).Where("state = ? AND ends_at <= ?", Approved, tx.Now).Or("state = ? AND expires_at <= ?", Asked, tx.Now).
			Order("id").Pluck("id", &due).Error
	})
	if err != nil {
		return fmt.Errorf("look for releases: %w", err)
	}
	for _, r := range due {
		err := h.Clock.Write(ctx, h.DB, func(tx *db.Tx) error { return h.settle(tx, r) })
		if audit.Halted(err) {
			return errors.Join(err, h.resume(ctx)) // what is held comes back by any clock
		}
		// Somebody acted in the meantime: that settles it too.
		if err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	return h.resume(ctx)
}

// settle does what a passed deadline asks for, if it still does. The locks of the release and of
// its consent come before the epoch, as those of a purge's request do.
func (h *Holds) settle(tx *db.Tx, release uint64) error {
	var r Release
	if err := tx.ForUpdate().Where("id = ?", release).Take(&r).Error; err != nil {
		return fmt.Errorf("lock release: %w", err)
	}
	switch {
	case r.State == Asked && !tx.Now.Before(r.ExpiresAt):
		return h.lapse(tx, &r, lapseVote)
	case r.State != Approved || r.EndsAt == nil || tx.Now.Before(*r.EndsAt):
		return nil
	}
	reason, err := h.flaw(tx, &r)
	switch {
	case err != nil:
		return err
	case reason != "":
		return h.lapse(tx, &r, reason)
	}
	return h.end(tx, &r)
}

// flaw looks whether the release is what two people agreed to, and names what is not.
func (h *Holds) flaw(tx *db.Tx, r *Release) (string, error) {
	if !h.genuine(r) || !r.sound() {
		return lapseForged, nil
	}
	_, err := approval.Recheck(tx, h.Vault.Store, approval.Want{
		Approval: r.ApprovalID, Kind: approval.HoldRelease, Subject: r.ID, Root: [32]byte(r.Root), RequesterPerson: r.RequesterPerson,
	})
	var broken *approval.Broken
	if errors.As(err, &broken) {
		return broken.Reason, nil
	}
	return "", err
}

// end releases the hold, alone: no step that bins, destroys or imports is under way.
func (h *Holds) end(tx *db.Tx, r *Release) error {
	if err := Alone(tx); err != nil {
		return err
	}
	var of Hold
	if err := tx.ForUpdate().Where("id = ?", r.HoldID).Take(&of).Error; err != nil {
		return fmt.Errorf("lock hold: %w", err)
	}
	root, err := h.root(tx, &of, r)
	switch {
	case err != nil:
		return err
	case of.ReleasedAt != nil || string(root) != string(r.Root):
		return h.lapse(tx, r, lapseForged)
	}
	res := tx.Model(&Hold{}).Where("id = ? AND released_at IS NULL", of.ID).Update("released_at", tx.Now)
	if res.Error != nil || res.RowsAffected != 1 {
		return errors.Join(fmt.Errorf("release %s: %d rows", of.Code, res.RowsAffected), res.Error)
	}
	r.State, r.ClosedAt = Ended, &tx.Now
	if err := h.store(tx, r, Approved); err != nil {
		return err
	}
	if err := nextEpoch(tx); err != nil {
		return err
	}
	count, err := itemsOf(tx, of.ID)
	if err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "hold.released", ObjectKind: "hold", Object: of.Code, Department: of.DepartmentID, Count: count,
		Data: map[string]any{"root": r.Fingerprint(), "requester": r.RequesterID, "approver": r.ApproverID, "reason": r.Reason, "approved_at": *r.DecidedAt},
	})
}

func itemsOf(tx *db.Tx, hold id.Hold) (n int64, err error) {
	if err := tx.Model(&Item{}).Where("hold_id = ?", hold).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count items: %w", err)
	}
	return n, nil
}

// lapse closes a release that can no longer be carried out and says why. The hold stays.
func (h *Holds) lapse(tx *db.Tx, r *Release, reason string) error {
	var code []string
	if err := tx.Model(&Hold{}).Where("id = ?", r.HoldID).Pluck("code", &code).Error; err != nil {
		return fmt.Errorf("name hold: %w", err)
	}
	if err := h.close(tx, r, Lapsed, account.System("worker", ""), reason); err != nil {
		return err
	}
	object := ""
	if len(code) == 1 {
		object = code[0]
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "hold.release_lapsed", ObjectKind: "hold", Object: object,
		Data: map[string]any{"reason": reason, "root": r.Fingerprint()},
	})
}
