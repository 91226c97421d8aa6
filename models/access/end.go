package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// End takes a grant back before its time, from the next request on: the approver may, legal, the asker
// and an administrator. A wish that waits is withdrawn by its asker alone. The fault is not-found,
// forbidden for others, invalid for too long a note, and a conflict when it is over.
func (d *Desk) End(ctx context.Context, by account.Actor, which id.Access, note string) (*Grant, error) {
	if err := by.Require(account.AccessEnd); err != nil {
		return nil, err
	}
	note = strings.TrimSpace(note)
	if utf8.RuneCountInString(note) > LongReason {
		return nil, fault.Invalid("access.reason_long", LongReason).On("note")
	}
	var g *Grant
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = seen(tx, by, which); err != nil {
			return err
		}
		if g, err = take(tx.ForUpdate().Where("id = ?", which)); err != nil {
			return err
		}
		why, err := g.mayEnd(by)
		if err != nil {
			return err
		}
		// What is over already stays so, also where the worker has not come by.
		if s := g.Status(tx.Now); s != g.State {
			return fault.Conflict("access.over")
		}
		return d.close(tx, by, g, why, note)
	})
	if err != nil {
		return nil, d.refused(ctx, by, which, g, err)
	}
	return g, nil
}

// mayEnd tells as what somebody may end a grant.
func (g *Grant) mayEnd(by account.Actor) (why string, err error) {
	switch {
	case g.State != Asked && g.State != Granted:
		return "", fault.Conflict("access.over")
	case by.ID == g.AskerID:
		return EndAsker, nil
	case g.State == Asked:
		return "", fault.Forbidden("access.not_yours")
	case by.ID == g.ApproverID:
		return EndApprover, nil
	case by.Role == account.Legal:
		return EndLegal, nil
	case by.Role == account.Admin:
		return EndAdmin, nil
	}
	return "", fault.Forbidden("access.not_yours")
}

// close ends a grant or a wish. A row that was forged is closed too, which can only take away, but
// keeps its wrong code: fsck must go on to tell of it.
func (d *Desk) close(tx *db.Tx, by account.Actor, g *Grant, why, note string) error {
	consent := approval.Withdrawn
	from, to, action := g.State, Ended, "access.ended"
	if from == Asked {
		to, action = Withdrawn, "access.withdrawn"
		if why == EndTime {
			to, action, consent = Lapsed, "access.lapsed", approval.Lapsed
		}
	}
	if why != EndTime || from == Asked { // a consent that was used to its end stays one
		if err := approval.Close(tx, g.ApprovalID, consent); err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	all, err := lists(tx, g.ID)
	if err != nil {
		return err
	}
	whole := genuine(d.Vault.Store, g, all[g.ID])
	g.State, g.ClosedAt, g.ClosedBy, g.ClosedName, g.ClosedWhy, g.ClosedReason = to, &tx.Now, by.ID, by.Name, why, note
	if whole {
		err = d.store(tx, g, from)
	} else {
		err = update(tx, g, from)
	}
	if err != nil {
		return err
	}
	data := map[string]any{"why": why, "asker": g.AskerStaffNo}
	if note != "" {
		data["reason"] = note
	}
	return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "access", Object: g.Code, Department: g.DepartmentID, Data: data})
}

// Left ends, within the act of an administrator, all that somebody may read or has asked to read: the
// account was turned off or does other work. What the person agreed to for others ends at their next
// request, since the consent no longer stands; Tick writes that down. Other departments of the asker's
// own end nothing: what was agreed to names a person, a list and an end, and lies beside the own scope,
// whatever that is; with other departments of the approver the consent is looked at again.
func (d *Desk) Left(tx *db.Tx, by account.Actor, who id.User) error {
	var open []Grant
	if err := tx.ForUpdate().Where("asker_id = ? AND state IN ?", who, []State{Asked, Granted}).Order("id").Find(&open).Error; err != nil {
		return fmt.Errorf("find access: %w", err)
	}
	for i := range open {
		why := EndAccount
		if open[i].Status(tx.Now) != open[i].State {
			why = EndTime
		}
		if err := d.close(tx, by, &open[i], why, ""); err != nil {
			return err
		}
	}
	return nil
}

// perPage is how many are looked up at once; tests take less.
var perPage = 500

// Tick writes down what is over: wishes that nobody answered, grants whose days are over, whose asker
// is gone or whose consent no longer stands. None of them opened anything in the meantime. The worker
// does it every few minutes, and looks at all of them each time, however many run.
func (d *Desk) Tick(ctx context.Context) error {
	var errs []error
	for last := id.Access(0); ; {
		var open []id.Access
		err := d.DB.Read(ctx, func(tx *db.Tx) error {
			if err := d.Clock.Check(tx); err != nil {
				return err
			}
			open = nil
			return tx.Model(&Grant{}).Where("id > ? AND (state = ? OR (state = ? AND expires_at <= ?))", last, Granted, Asked, tx.Now).
				Order("id").Limit(perPage).Pluck("id", &open).Error
		})
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("look for access that is over: %w", err))...)
		}
		for _, one := range open {
			err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error { return d.settle(tx, one) })
			if !errors.Is(err, errAsItIs) && fault.KindOf(err) != fault.KindConflict {
				errs = append(errs, err)
			}
		}
		if len(open) < perPage {
			return errors.Join(errs...)
		}
		last = open[len(open)-1]
	}
}

// errAsItIs ends a transaction in which there was nothing to end.
var errAsItIs = errors.New("access: nothing to end")

func (d *Desk) settle(tx *db.Tx, which id.Access) error {
	g, err := take(tx.ForUpdate().Where("id = ?", which))
	if err != nil {
		return err
	}
	why := ""
	switch {
	case g.State == Asked && g.Status(tx.Now) == Lapsed, g.State == Granted && g.Status(tx.Now) == Ended:
		why = EndTime
	case g.State == Granted:
		if why, err = d.broken(tx, g); err != nil {
			return err
		}
	}
	if why == "" {
		return errAsItIs
	}
	return d.close(tx, account.System("worker", ""), g, why, "")
}

// broken gives why a grant that runs has to end.
func (d *Desk) broken(tx *db.Tx, g *Grant) (string, error) {
	ok, err := account.Working(tx, g.AskerID, g.AskerPerson, g.AskerRole)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return EndAccount, nil
	}
	all, err := lists(tx, g.ID)
	if err != nil {
		return "", err
	}
	return d.flaw(tx, g, all[g.ID])
}
