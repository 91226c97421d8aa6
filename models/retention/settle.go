package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/job"
	"qingdang/models/mask"
)

// JobTimer is the kind of job that lets agreed changes take effect and counts what is past its time.
const JobTimer = "retention.timer"

const (
	timerEvery = 10 * time.Minute
	countEvery = 24 * time.Hour
)

// Timer is that job.
type Timer struct{ Desk *Desk }

// Step looks once and waits for the next time.
func (t *Timer) Step(ctx context.Context, j *job.Job) (bool, error) {
	return job.Timer(t.Desk.DB, timerEvery, t.Desk.Tick).Step(ctx, j)
}

// The reasons for which the system closes a change; each ends a catalogue key.
const (
	lapseVote    = "vote"    // nobody decided in time
	lapseForged  = "forged"  // its row was changed past the program
	lapseChanged = "changed" // the policy is no longer the one that it changes
)

// Tick lets the change take effect whose time has come, or lapse, and counts once a day.
func (d *Desk) Tick(ctx context.Context) error {
	var due []string
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&Change{}).Where("state = ? AND effective_at <= ?", Waiting, tx.Now).Or("state = ? AND expires_at <= ?", Asked, tx.Now).Pluck("code", &due).Error
	})
	if err != nil {
		return fmt.Errorf("look for changes: %w", err)
	}
	for _, code := range due {
		err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error {
			c, err := find(tx, code, true)
			if err != nil {
				return err
			}
			if c.State == Asked && !tx.Now.Before(c.ExpiresAt) {
				return d.close(tx, c, Lapsed, account.System("worker", "").Audit(), "", lapseVote)
			}
			return d.settle(tx, c, account.System("worker", "").Audit())
		})
		if err != nil {
			return err
		}
	}
	return d.count(ctx)
}

// settle puts an agreed change in force if its time has come and the consent stands. The change is locked.
func (d *Desk) settle(tx *db.Tx, c *Change, by audit.Actor) error {
	if c.State != Waiting || c.EffectiveAt == nil || tx.Now.Before(*c.EffectiveAt) {
		return nil
	}
	done, err := tookEffect(tx, c.Code)
	switch {
	case err != nil:
		return err
	case done: // somebody set its row back: a consent is good for one time
		return d.lapse(tx, c, lapseForged)
	}
	votes, why, err := d.consent(tx, c)
	switch {
	case err != nil:
		return err
	case why != "":
		return d.lapse(tx, c, why)
	}
	was, becomes, err := c.Drafts()
	if err != nil {
		return err
	}
	// The vote's own time counts, not the row's.
	if becomes.Weakens(was) && tx.Now.Before(votes[len(votes)-1].At.Add(Delay)) {
		return d.lapse(tx, c, lapseForged)
	}
	if err := d.Alone(tx); err != nil {
		return err
	}
	now, err := Load(tx)
	switch {
	case err != nil:
		return err
	case now.Draft().text() != c.Was:
		return d.lapse(tx, c, lapseChanged)
	}
	if err := put(tx, now, becomes); err != nil {
		return err
	}
	c.State, c.OpenSlot, c.ClosedAt = Applied, nil, &tx.Now
	if err := c.store(tx, Waiting); err != nil {
		return err
	}
	// What was counted was counted by the old rules.
	if err := tx.Exec("DELETE FROM retention_count").Error; err != nil {
		return fmt.Errorf("forget counts: %w", err)
	}
	return c.tell(tx, by, actionChanged, map[string]any{"policy": becomes.Fingerprint(), "never_keep": becomes.NeverKeep, "rules": len(becomes.Rules)})
}

// consent looks whether the change is what two people agreed to, and names what is not.
func (d *Desk) consent(tx *db.Tx, c *Change) (votes []approval.Vote, why string, err error) {
	if !c.sound() {
		return nil, lapseForged, nil
	}
	votes, err = approval.Recheck(tx, d.Keys, approval.Want{
		Approval: c.ApprovalID, Kind: approval.Retention, Subject: c.ID, Root: [32]byte(c.Root), RequesterPerson: c.RequesterPerson,
	})
	var broken *approval.Broken
	if errors.As(err, &broken) {
		return nil, broken.Reason, nil
	}
	return votes, "", err
}

func (d *Desk) lapse(tx *db.Tx, c *Change, why string) error {
	return d.close(tx, c, Lapsed, account.System("worker", "").Audit(), "", why)
}

// put writes the draft into the rules.
func put(tx *db.Tx, now *Policy, becomes Draft) error {
	byType, next := map[string]Rule{}, 0
	for _, r := range now.stored {
		byType[spelling(r.ServiceType)] = r
		next = max(next, r.ID)
	}
	for _, r := range becomes.Rules {
		rule, known := byType[r.ServiceType]
		rule.ServiceType, rule.FloorDays, rule.Forever, rule.TargetDays, rule.CeilingDays = r.ServiceType, r.FloorDays, r.Forever, r.TargetDays, r.CeilingDays
		rule.Basis, rule.BasisState, rule.Version = r.Basis, BasisOpen, rule.Version+1
		if r.Confirmed {
			rule.BasisState = BasisConfirmed
		}
		if !known {
			next++
			rule.ID = next
			if err := tx.Create(&rule).Error; err != nil {
				return fmt.Errorf("store rule: %w", err)
			}
			continue
		}
		if err := tx.Model(&Rule{}).Where("id = ?", rule.ID).Select("*").Omit("id").Updates(&rule).Error; err != nil {
			return fmt.Errorf("store rule: %w", err)
		}
	}
	return putNever(tx, now.NeverKeep, becomes.NeverKeep)
}

// putNever writes what must not be kept. What stays keeps the time since which it is so.
func putNever(tx *db.Tx, now conversation.Personal, becomes []mask.Kind) error {
	next := conversation.PersonalOf(becomes...)
	if gone := (now &^ next).Kinds(); len(gone) > 0 {
		if err := tx.Where("kind IN ?", gone).Delete(&never{}).Error; err != nil {
			return fmt.Errorf("store what must not be kept: %w", err)
		}
	}
	for _, k := range (next &^ now).Kinds() {
		if err := tx.Create(&never{Kind: k, Since: tx.Now}).Error; err != nil {
			return fmt.Errorf("store what must not be kept: %w", err)
		}
	}
	return nil
}
