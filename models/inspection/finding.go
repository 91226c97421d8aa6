package inspection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// find numbers a finding and stores it. The inspection's row is locked.
func (i *Inspection) find(tx *db.Tx, f *Finding) error {
	var last []int
	if err := tx.Model(&Finding{}).Where("inspection_id = ?", i.ID).Order("n DESC").Limit(1).Pluck("n", &last).Error; err != nil {
		return fmt.Errorf("number findings: %w", err)
	}
	f.InspectionID, f.N, f.CreatedAt = i.ID, 1, tx.Now
	if len(last) == 1 {
		f.N = last[0] + 1
	}
	if f.State == "" {
		f.State = FindingOpen
	}
	if f.Objects == "" {
		f.Objects = "[]"
	}
	if err := tx.Create(f).Error; err != nil {
		return fmt.Errorf("store finding: %w", err)
	}
	return nil
}

// NewFinding is a finding that an auditor writes down himself. Without an owner it stays open.
type NewFinding struct {
	Inspection string
	Level      string
	Words      string
	Owner      id.User
	Due        time.Time
}

// ReportFinding writes a finding down. The fault is forbidden but for audit, not-found, invalid without
// level and words, for an owner who is no supervisor or without a date to come, and a conflict before
// the sample is drawn, while it is being signed and afterwards.
func (d *Desk) ReportFinding(ctx context.Context, by account.Actor, n NewFinding) (f *Finding, err error) {
	if err := runs(by); err != nil {
		return nil, err
	}
	n.Words = strings.TrimSpace(n.Words)
	var level *fault.Fault
	if !slices.Contains(Levels(), n.Level) {
		level = fault.Invalid("inspection.level_needed").On("level")
	}
	if err := fault.All(level, words(n.Words, "words")); err != nil {
		return nil, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := running(tx, n.Inspection)
		if err != nil {
			return err
		}
		f = &Finding{Level: n.Level, Words: n.Words, CreatedName: by.Name}
		if n.Owner != 0 {
			if err := f.assign(tx, n.Owner, n.Due); err != nil {
				return err
			}
		}
		if err := i.find(tx, f); err != nil {
			return err
		}
		return i.tell(tx, by, "inspection.finding_reported", f)
	})
	return f, err
}

func words(s, field string) *fault.Fault {
	if n := utf8.RuneCountInString(s); n == 0 || n > mostWords || !utf8.ValidString(s) {
		return fault.Invalid("inspection.words_needed", mostWords).On(field)
	}
	return nil
}

func (f *Finding) assign(tx *db.Tx, owner id.User, due time.Time) error {
	people, err := account.InRole(tx, account.Supervisor)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(people, func(p account.Standing) bool { return p.User == owner })
	if at < 0 {
		return fault.Invalid("inspection.owner_needed").On("owner")
	}
	if !due.After(tx.Now) || due.After(tx.Now.AddDate(1, 0, 0)) {
		return fault.Invalid("inspection.due_needed").On("due")
	}
	due = due.UTC()
	f.OwnerID, f.OwnerName, f.DueAt, f.State = owner, people[at].Name, &due, FindingRemediation
	return nil
}

// tell writes down what was done to a finding; its words are the auditors' own and stay in the table.
func (i *Inspection) tell(tx *db.Tx, by account.Actor, action string, f *Finding) error {
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "inspection", Object: i.Code, Count: 1,
		Data: map[string]any{"finding": f.Code(), "level": f.Level, "state": f.State, "owner": f.OwnerID},
	})
}

// change locks a finding, lets do change it, stores it and tells of it. Findings are still answered
// and closed after the report was signed, which says how they stood then; while it is being signed
// nothing changes.
func (d *Desk) change(ctx context.Context, by account.Actor, code string, n int, action string, do func(tx *db.Tx, f *Finding) error) error {
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := locked(tx, code)
		if err != nil {
			return err
		}
		if i.State == Signing {
			return i.changeable()
		}
		var f Finding
		switch err := tx.Where("inspection_id = ? AND n = ?", i.ID, n).Take(&f).Error; {
		case db.NotFound(err):
			return notFound()
		case err != nil:
			return fmt.Errorf("find finding: %w", err)
		}
		if err := do(tx, &f); err != nil {
			return err
		}
		if err := tx.Model(&Finding{}).Where("id = ?", f.ID).Select("*").Omit("id", "inspection_id", "n", "created_at").Updates(&f).Error; err != nil {
			return fmt.Errorf("store finding: %w", err)
		}
		return i.tell(tx, by, action, &f)
	})
}

// Assign says which supervisor answers for a finding and until when. The fault is forbidden but for
// audit, not-found, invalid for somebody who is no supervisor or a date that is past or more than a
// year ahead, and a conflict when it is closed.
func (d *Desk) Assign(ctx context.Context, by account.Actor, code string, n int, owner id.User, due time.Time) error {
	if err := runs(by); err != nil {
		return err
	}
	return d.change(ctx, by, code, n, "inspection.finding_assigned", func(tx *db.Tx, f *Finding) error {
		if f.State == FindingClosed {
			return fault.Conflict("inspection.finding_closed_already")
		}
		return f.assign(tx, owner, due)
	})
}

// Answer is the owner's word on what was done about a finding. The fault is forbidden without
// inspection.answer, not-found for everybody but the owner, invalid without words, and a conflict when
// it does not wait for an answer.
func (d *Desk) Answer(ctx context.Context, by account.Actor, code string, n int, answer string) error {
	if err := by.Require(account.InspectionAnswer); err != nil {
		return err
	}
	answer = strings.TrimSpace(answer)
	if f := words(answer, "answer"); f != nil {
		return f
	}
	err := d.change(ctx, by, code, n, "inspection.finding_answered", func(tx *db.Tx, f *Finding) error {
		switch {
		case f.OwnerID != by.ID:
			return notFound()
		case f.State != FindingRemediation:
			return fault.Conflict("inspection.finding_not_waiting")
		}
		f.Answer, f.AnsweredName, f.AnsweredAt, f.State = answer, by.Name, &tx.Now, FindingRecheck
		return nil
	})
	if fault.KindOf(err) == fault.KindNotFound {
		return d.hidden(ctx, by, code, "inspection.finding_answered", map[string]any{"finding": n})
	}
	return err
}

// Recheck is audit's second look: the finding is closed, or goes back to its owner with a remark. A
// low one may be closed without an answer. The fault is forbidden but for audit, not-found, invalid
// without a remark, and a conflict where there is nothing to look at.
func (d *Desk) Recheck(ctx context.Context, by account.Actor, code string, n int, closed bool, remark string) error {
	if err := runs(by); err != nil {
		return err
	}
	remark = strings.TrimSpace(remark)
	if f := words(remark, "remark"); f != nil {
		return f
	}
	action := "inspection.finding_returned"
	if closed {
		action = "inspection.finding_closed"
	}
	return d.change(ctx, by, code, n, action, func(tx *db.Tx, f *Finding) error {
		switch {
		case f.State == FindingClosed:
			return fault.Conflict("inspection.finding_closed_already")
		case f.State != FindingRecheck && !(closed && f.Level == Low):
			return fault.Conflict("inspection.finding_not_answered")
		}
		f.Remark, f.State = remark, FindingRemediation
		if closed {
			f.State, f.ClosedName, f.ClosedAt = FindingClosed, by.Name, &tx.Now
		}
		return nil
	})
}
