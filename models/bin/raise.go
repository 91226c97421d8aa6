package bin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// CapAsk is a draft above the cap as the second person sees it. Refused says why the reader may
// not raise it, nil if they may.
type CapAsk struct {
	Draft       uint64
	Owner       string
	OwnerNo     string
	Form        Form
	FrozenAt    time.Time
	Frozen      int64
	Fingerprint []byte
	Cap         int64
	Shares      []Residue // of the list, by department
	Raised      *CapRaise
	Refused     error
	Now         time.Time
}

// CapRequest is what the second person sends: the list that they saw, why, and their code.
type CapRequest struct {
	Draft  uint64
	Shown  string // hexadecimal fingerprint
	Reason string
	Code   string
}

// CapAsked shows a draft's frozen list to somebody who may raise its cap: a supervisor whose
// departments cover it, or legal. The fault is not-found outside the actor's departments and
// while nothing is frozen.
func (b *Bin) CapAsked(ctx context.Context, by account.Actor, draft uint64) (*CapAsk, error) {
	if err := by.Require(account.BatchRaise); err != nil {
		return nil, err
	}
	var ask *CapAsk
	err := b.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ask, _, err = b.capAsk(tx, by, draft, false)
		return err
	})
	if err != nil {
		return nil, b.hiddenDraft(ctx, by, draft, err)
	}
	return ask, nil
}

// RaiseCap lets one draft go above the cap, up to the number of its frozen list. Whoever drafted
// it cannot, under no account. The faults are those of CapAsked and of one-time codes,
// forbidden for the drafter and for a role that was not confirmed, invalid without a reason,
// and a conflict when the list is another one than was shown or needs no raise.
func (b *Bin) RaiseCap(ctx context.Context, by account.Actor, req CapRequest) error {
	if err := by.Require(account.BatchRaise); err != nil {
		return err
	}
	reason, err := checkReason(req.Reason)
	if err != nil {
		return err
	}
	req.Reason = reason
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		ask, _, err := b.capAsk(tx, by, req.Draft, false)
		if err != nil {
			return err
		}
		return ask.may(req)
	})
	if err != nil {
		return b.hiddenDraft(ctx, by, req.Draft, err)
	}
	if err := b.Codes.BeginCode(ctx, by); err != nil {
		return err
	}
	err = b.DB.Write(ctx, func(tx *db.Tx) error { return b.raiseCap(tx, by, req) })
	return b.Codes.NoteWrongCode(ctx, by, draftName(req.Draft), err)
}

func draftName(draft uint64) string { return fmt.Sprintf("draft %d", draft) }

func (b *Bin) raiseCap(tx *db.Tx, by account.Actor, req CapRequest) error {
	ask, shared, err := b.capAsk(tx, by, req.Draft, true)
	if err != nil {
		return err
	}
	if err := ask.may(req); err != nil {
		return err
	}
	step, err := b.Codes.ConsumeTOTP(tx, by.ID, req.Code)
	if err != nil {
		return err
	}
	who, err := account.Voter(tx, by.ID, by.Role)
	if err != nil {
		return err
	}
	if who.Person != by.PersonID {
		return fault.Forbidden("approval.not_a_person")
	}
	if err := tx.Where("draft_id = ?", req.Draft).Delete(&CapRaise{}).Error; err != nil {
		return fmt.Errorf("replace raised cap: %w", err)
	}
	row := CapRaise{
		DraftID: req.Draft, Size: ask.Frozen, Cap: ask.Cap, Scope: ask.Form.Scope.digest(), UserID: who.User, PersonID: who.Person,
		Name: who.Name, StaffNo: who.StaffNo, Role: who.Role, Reason: req.Reason, TOTPStep: step, At: tx.Now,
	}
	row.MAC = row.seal(b.Keys)
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store raised cap: %w", err)
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "batch.cap_raised", ObjectKind: "draft", Object: draftName(req.Draft), Department: shared, Count: ask.Frozen,
		Data: map[string]any{"cap": ask.Cap, "fingerprint": hex.EncodeToString(ask.Fingerprint), "reason": req.Reason, "drafted_by": ask.OwnerNo, "sealed": true},
	})
}

// may tells whether the list that somebody saw can be raised for.
func (a *CapAsk) may(req CapRequest) error {
	switch {
	case a.Refused != nil:
		return a.Refused
	case hex.EncodeToString(a.Fingerprint) != req.Shown:
		return fault.Conflict("bin.list_not_shown")
	}
	return nil
}

// capAsk reads a draft for a second person. It gives the one department above all of the list.
func (b *Bin) capAsk(tx *db.Tx, by account.Actor, draft uint64, lock bool) (*CapAsk, id.Department, error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var row draftRow
	switch err := q.Where("id = ?", draft).Take(&row).Error; {
	case db.NotFound(err):
		return nil, 0, fault.NotFound("bin.draft_not_found")
	case err != nil:
		return nil, 0, fmt.Errorf("find draft: %w", err)
	}
	d, err := row.draft()
	if err != nil {
		return nil, 0, err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, 0, fmt.Errorf("load departments: %w", err)
	}
	ask := &CapAsk{Draft: draft, Form: d.Form, Frozen: d.Frozen, Fingerprint: d.Fingerprint, Now: tx.Now}
	concerned, err := ask.list(tx, tree)
	if err != nil {
		return nil, 0, err
	}
	outside := slices.ContainsFunc(concerned, func(d id.Department) bool { return !by.Scope.Has(d) })
	if d.FrozenAt == nil || d.Batch != nil || len(concerned) == 0 || outside {
		return nil, 0, fault.NotFound("bin.draft_not_found")
	}
	ask.FrozenAt = *d.FrozenAt
	if ask.Cap, err = b.capFor(tx, d.Frozen, concerned); err != nil {
		return nil, 0, err
	}
	if ask.Raised, err = d.raise(tx, b.Keys); err != nil {
		return nil, 0, err
	}
	names, err := account.Names(tx, row.OwnerID)
	if err != nil {
		return nil, 0, err
	}
	owner := names[row.OwnerID]
	ask.Owner, ask.OwnerNo = owner.Name, owner.StaffNo
	switch {
	case !by.Natural():
		ask.Refused = fault.Forbidden("approval.not_a_person")
	case owner.Person == 0 || owner.Person == by.PersonID:
		ask.Refused = fault.Forbidden("bin.own_draft")
	case ask.Cap == 0 || ask.Frozen <= ask.Cap || ask.Raised != nil && ask.Frozen <= ask.Raised.Size:
		ask.Refused = fault.Conflict("bin.raise_not_needed")
	}
	return ask, above(tree, concerned), nil
}

// list counts the frozen list by department.
func (a *CapAsk) list(tx *db.Tx, tree *department.Tree) (concerned []id.Department, err error) {
	err = tx.Table("bin_draft_item").Joins("JOIN conversation ON conversation.id = bin_draft_item.conversation_id").
		Where("bin_draft_item.draft_id = ?", a.Draft).Group("conversation.department_id").
		Select("conversation.department_id, COUNT(*) AS count").Scan(&a.Shares).Error
	if err != nil {
		return nil, fmt.Errorf("count the list: %w", err)
	}
	for i := range a.Shares {
		a.Shares[i].Path = tree.Path(a.Shares[i].DepartmentID)
		concerned = append(concerned, a.Shares[i].DepartmentID)
	}
	slices.SortFunc(a.Shares, func(x, y Residue) int { return strings.Compare(x.Path, y.Path) })
	return concerned, nil
}

// hiddenDraft writes down that somebody reached for a draft that exists and is not theirs to
// see.
func (b *Bin) hiddenDraft(ctx context.Context, by account.Actor, draft uint64, err error) error {
	if fault.KindOf(err) != fault.KindNotFound {
		return err
	}
	var n int64
	looked := b.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&draftRow{}).Where("id = ?", draft).Count(&n).Error
	})
	if looked != nil || n == 0 {
		return errors.Join(err, looked)
	}
	return errors.Join(err, audit.Refused(ctx, b.DB, audit.Entry{Actor: by.Audit(), Action: "batch.cap_raised", ObjectKind: "draft", Object: draftName(draft)}))
}
