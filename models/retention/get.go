package retention

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// mostChanges is how many past changes are listed.
const mostChanges = 20

// Page is the policy in force and the changes of it.
type Page struct {
	Now     time.Time
	Draft   Draft // the policy in force
	Bounds  []Bounds
	Counts  Counts // in the actor's scope
	Places  []Count
	Open    *Change
	Changes []Change // that are over, newest first
	CanEdit bool
}

// Bounds are what is in force for a rule, of the same place in Draft.Rules.
type Bounds struct{ Target, Ceiling int }

// Get gives the policy in force. The fault is forbidden without retention.read.
func (d *Desk) Get(ctx context.Context, by account.Actor) (p *Page, err error) {
	if err := by.Require(account.RetentionRead); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		policy, err := Load(tx)
		if err != nil {
			return err
		}
		p = &Page{Now: tx.Now, Draft: policy.Draft(), CanEdit: by.May(account.RetentionPropose)}
		for _, r := range p.Draft.Rules {
			p.Bounds = append(p.Bounds, Bounds{policy.Bound(Target, r.ServiceType), policy.Bound(Ceiling, r.ServiceType)})
		}
		if p.Counts, err = Counted(tx, by.Scope); err != nil {
			return err
		}
		if p.Places, err = placesIn(tx, by.Scope); err != nil {
			return err
		}
		var all []Change
		if err := tx.Order("id DESC").Limit(mostChanges + 1).Find(&all).Error; err != nil {
			return fmt.Errorf("list changes: %w", err)
		}
		for i := range all {
			if all[i].OpenSlot != nil {
				p.Open = &all[i]
				continue
			}
			p.Changes = append(p.Changes, all[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// placesIn are the departments of a scope in which something is past its time or must not be kept.
func placesIn(tx *db.Tx, scope account.Scope) (out []Count, err error) {
	var rows []Count
	if err := tx.Where("past_target + past_ceiling + never_keep > 0").Order("never_keep DESC, past_ceiling DESC, past_target DESC, department_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	for _, r := range rows {
		if scope.Has(r.DepartmentID) {
			out = append(out, r)
		}
	}
	return out, nil
}

// Detail is one change.
type Detail struct {
	Change
	Now       time.Time
	Was, Then Draft
	Weakens   bool
	Effect    *Effect // now, in the actor's departments; nil when it is over and for who only reads
	CanDecide bool
	CanCancel bool
	Refused   error // why the actor does not decide, nil if he may
}

// Show gives one change. The fault is forbidden without retention.read, and not-found.
func (d *Desk) Show(ctx context.Context, by account.Actor, code string) (out *Detail, err error) {
	if err := by.Require(account.RetentionRead); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := find(tx, code, false)
		if err != nil {
			return err
		}
		out = &Detail{Change: *c, Now: tx.Now}
		if out.Was, out.Then, err = c.Drafts(); err != nil {
			return err
		}
		out.Weakens = out.Then.Weakens(out.Was)
		if c.OpenSlot == nil {
			return nil
		}
		out.CanCancel = by.Natural() && (c.RequesterID == by.ID || by.May(account.RetentionEdit))
		if err := out.asked(tx, by); err != nil {
			return err
		}
		if !by.May(account.RetentionPropose) && !by.May(account.RetentionEdit) {
			return nil // it counts an archive
		}
		now, err := Load(tx)
		if err != nil {
			return err
		}
		out.Effect, err = effect(tx, by.Scope, now, out.Then)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// asked fills in whether the actor may decide.
func (d *Detail) asked(tx *db.Tx, by account.Actor) error {
	if d.State != Asked || !by.May(account.RetentionEdit) {
		return nil
	}
	err := approval.Check(tx, d.ApprovalID, by)
	if _, refused := fault.Of(err); err != nil && !refused {
		return err
	}
	d.Refused, d.CanDecide = err, err == nil
	return nil
}

// WaitingFor gives the change that waits for the actor's answer, nil for none.
func WaitingFor(tx *db.Tx, by account.Actor) (*Change, error) {
	if !by.May(account.RetentionEdit) {
		return nil, nil
	}
	var rows []Change
	if err := tx.Where("state = ? AND requester_person <> ? AND expires_at > ?", Asked, by.PersonID, tx.Now).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
