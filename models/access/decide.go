package access

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Ballot is the answer to a wish. SeenRoot is Fingerprint as the page showed it.
type Ballot struct {
	Access   id.Access
	SeenRoot string
	Opinion  string
	Code     string // the person's one-time code
}

// Approve opens what was asked for, from now on for the days that were asked for. It is for a
// supervisor whose departments cover the whole list, or for legal, who is another person than the
// asker, confirmed by a one-time code. The faults are approval.Cast's and those of one-time codes,
// not-found, forbidden outside one's departments, and a conflict when the page showed another wish
// or the conversation is not there, or elsewhere.
func (d *Desk) Approve(ctx context.Context, by account.Actor, b Ballot) (*Grant, error) {
	return d.decide(ctx, by, b, approval.Approve)
}

// Reject answers no. It asks for the same as Approve.
func (d *Desk) Reject(ctx context.Context, by account.Actor, b Ballot) (*Grant, error) {
	return d.decide(ctx, by, b, approval.Reject)
}

func (d *Desk) decide(ctx context.Context, by account.Actor, b Ballot, v approval.Verdict) (g *Grant, err error) {
	b.Opinion = strings.TrimSpace(b.Opinion)
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if g, err = seen(tx, by, b.Access); err != nil {
			return err
		}
		return d.mayAnswer(tx, by, g, b, v)
	})
	if err != nil {
		return nil, d.refused(ctx, by, b.Access, g, err)
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = d.Clock.Write(ctx, d.DB, func(tx *db.Tx) (err error) {
		g, err = d.answer(tx, by, b, v)
		return err
	})
	if err := d.Accounts.NoteWrongCode(ctx, by, g.code(), err); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Grant) code() string {
	if g == nil {
		return ""
	}
	return g.Code
}

// mayDecide tells whether somebody may answer a wish now.
func mayDecide(tx *db.Tx, by account.Actor, g *Grant, list []id.Department) error {
	switch err := by.Require(account.AccessDecide); {
	case err != nil:
		return err
	case g.State != Asked:
		return fault.Conflict("approval.closed")
	}
	if err := approval.Check(tx, g.ApprovalID, by); err != nil {
		return err
	}
	if !covers(by.Scope, list) {
		return fault.Forbidden("access.outside_scope")
	}
	return nil
}

func (d *Desk) mayAnswer(tx *db.Tx, by account.Actor, g *Grant, b Ballot, v approval.Verdict) error {
	all, err := lists(tx, g.ID)
	if err != nil {
		return err
	}
	list := all[g.ID]
	if err := mayDecide(tx, by, g, list); err != nil {
		return err
	}
	switch {
	case !genuine(d.Vault.Store, g, list):
		return fault.Conflict("access.forged")
	case b.SeenRoot != g.Fingerprint():
		return fault.Conflict("approval.root_changed")
	case b.Opinion == "":
		return fault.Invalid("approval.opinion_missing").On("opinion")
	case v == approval.Approve && g.Kind == OfConversation:
		return g.there(tx, list)
	}
	return nil
}

// there refuses to open a conversation that is not where it was when it was asked for.
func (g *Grant) there(tx *db.Tx, list []id.Department) error {
	row, err := named(tx, g.ConversationID, g.ConversationCode)
	switch {
	case err != nil:
		return err
	case row == nil || len(list) != 1:
		return fault.Conflict("access.no_conversation")
	case row.DepartmentID != list[0]:
		return fault.Conflict("access.moved")
	}
	return nil
}

func (d *Desk) answer(tx *db.Tx, by account.Actor, b Ballot, v approval.Verdict) (*Grant, error) {
	g, err := take(tx.ForUpdate().Where("id = ?", b.Access))
	if err != nil {
		return nil, err
	}
	if err := d.mayAnswer(tx, by, g, b, v); err != nil {
		return g, err
	}
	root, err := hex.DecodeString(b.SeenRoot)
	if err != nil || len(root) != 32 {
		return g, fault.Conflict("approval.root_changed")
	}
	step, err := d.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return g, err
	}
	ends := tx.Now.Add(time.Duration(g.Days) * day)
	if _, err := approval.Cast(tx, d.Vault.Store, approval.Ballot{
		Approval: g.ApprovalID, By: by, Verdict: v, Opinion: b.Opinion, SeenRoot: [32]byte(root), Step: step, ValidUntil: ends,
	}); err != nil {
		return g, err
	}
	g.ApproverID, g.ApproverPerson, g.ApproverName, g.ApproverStaffNo, g.ApproverRole = by.ID, by.PersonID, by.Name, by.StaffNo, by.Role
	g.Opinion, g.DecidedAt = b.Opinion, &tx.Now
	action, data := "access.granted", map[string]any{"opinion": b.Opinion, "root": g.Fingerprint(), "asker": g.AskerStaffNo}
	if v == approval.Approve {
		g.State, g.EndsAt = Granted, &ends
		data["ends_at"] = ends
	} else {
		g.State, g.ClosedAt, action = Rejected, &tx.Now, "access.rejected"
	}
	if err := d.store(tx, g, Asked); err != nil {
		return g, err
	}
	return g, audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "access", Object: g.Code, Department: g.DepartmentID, Data: data})
}
