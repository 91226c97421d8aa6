package purge

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Ballot is an approver's answer. SeenRoot is the fingerprint that the page showed, in hex.
type Ballot struct {
	Purge       id.Purge
	Verdict     approval.Verdict
	Opinion     string
	SeenRoot    string
	Code        string // the approver's one-time code
	AgreeAtOnce bool   // legal agrees to run outside the maintenance window
	// IncidentChecked says that the approver looked after the incident of an emergency.
	IncidentChecked bool
}

// The terms that a vote may carry under its code, beside its verdict.
const termAtOnce = "at_once"

func termIncident(number string) string { return "incident " + number }

// terms are what the ballot agrees to beside the list.
func (b *Ballot) terms(r *Request) (terms []string) {
	if b.Verdict != approval.Approve {
		return nil
	}
	if r.Emergency() && b.IncidentChecked {
		terms = append(terms, termIncident(r.Incident))
	}
	if r.State == AwaitingLegal && r.AtOnce && (b.AgreeAtOnce || r.Emergency()) {
		terms = append(terms, termAtOnce)
	}
	return terms
}

// Vote takes the vote of a supervisor or of legal, bound to the list and confirmed by a
// one-time code. A rejection gives the conversations back to the bin. The last approval
// starts the cooling-off and puts the execution into the queue in the same transaction.
// The faults are approval.Cast's and those of one-time codes; not-found outside the
// actor's departments; forbidden for whoever put one of the batches into the bin; invalid
// for the approval of an emergency without a look at its incident.
func (d *Desk) Vote(ctx context.Context, by account.Actor, b Ballot) (*Request, error) {
	seen, err := parseRoot(b.SeenRoot)
	if err != nil {
		return nil, err
	}
	// Before the code is looked at: a form that is not complete must not cost a try.
	if strings.TrimSpace(b.Opinion) == "" {
		return nil, fault.Invalid("approval.opinion_missing").On("opinion")
	}
	var r *Request
	err = d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if r, err = visible(tx, by, b.Purge); err != nil {
			return err
		}
		if err := mayVote(tx, by, r); err != nil {
			return err
		}
		return b.checkIncident(r)
	})
	if err != nil {
		return nil, d.unseen(ctx, by, b.Purge, err)
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	code := r.Code
	err = d.Clock.Write(ctx, d.DB, func(tx *db.Tx) (err error) {
		if r, err = lockRequest(tx, b.Purge); err != nil {
			return err
		}
		return d.vote(tx, by, r, b, seen)
	})
	if err := d.Accounts.NoteWrongCode(ctx, by, code, err); err != nil {
		return nil, err
	}
	return r, nil
}

func (b *Ballot) checkIncident(r *Request) error {
	if r.Emergency() && b.Verdict == approval.Approve && !b.IncidentChecked {
		return fault.Invalid("purge.incident_unchecked").On("incident_checked")
	}
	return nil
}

func parseRoot(s string) (root [32]byte, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(root) {
		return root, fault.Conflict("approval.root_changed")
	}
	return [32]byte(raw), nil
}

// mayVote tells whether the actor may vote on the request now, in all its departments.
func mayVote(tx *db.Tx, by account.Actor, r *Request) error {
	permission := account.PurgeApproveSupervisor
	switch r.State {
	case AwaitingSupervisor:
	case AwaitingLegal:
		permission = account.PurgeApproveLegal
	default:
		return fault.Conflict("approval.closed")
	}
	if err := approval.Check(tx, r.ApprovalID, by); err != nil {
		return err
	}
	if err := r.estranged(tx, by); err != nil {
		return err
	}
	switch chose, err := chosenBy(tx, r.ID, by.PersonID); {
	case err != nil:
		return err
	case chose:
		return fault.Forbidden("purge.own_batch")
	}
	departments, err := departmentsOf(tx, r.ID)
	if err != nil {
		return err
	}
	return by.Require(permission, departments...)
}

// chosenBy tells whether a person put one of the purge's batches into the bin. They chose what is
// on the list, so they do not count among those who look whether the choice was right.
func chosenBy(tx *db.Tx, p id.Purge, person id.Person) (bool, error) {
	var n int64
	err := tx.Model(&Batch{}).Joins("JOIN bin_batch ON bin_batch.id = purge_batch.batch_id").
		Where("purge_batch.purge_id = ? AND bin_batch.owner_person = ?", p, person).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look who chose the batches: %w", err)
	}
	return n > 0, nil
}

func (d *Desk) vote(tx *db.Tx, by account.Actor, r *Request, b Ballot, seen [32]byte) error {
	if err := mayVote(tx, by, r); err != nil {
		return err
	}
	if err := b.checkIncident(r); err != nil {
		return err
	}
	if err := d.sound(tx, r); err != nil {
		return err
	}
	keep, err := keepUntil(tx, d.Keys, r)
	if err != nil {
		return err
	}
	step, err := d.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return err
	}
	a, err := approval.Cast(tx, d.Keys, approval.Ballot{
		Approval: r.ApprovalID, By: by, Verdict: b.Verdict, Opinion: b.Opinion, Terms: b.terms(r), SeenRoot: seen, Step: step,
		ValidUntil: r.earliest(tx.Now.Add(r.cooling()), keep).Add(voteTime),
	})
	if err != nil {
		return err
	}
	action, agree := "purge.approved", slices.Contains(b.terms(r), termAtOnce)
	switch a.State {
	case approval.Rejected:
		action = "purge.rejected"
		err = r.reject(tx, by, b.Opinion)
	case approval.Approved:
		err = d.cool(tx, r, keep, agree)
	default:
		err = r.move(tx, AwaitingLegal, nil)
	}
	if err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "purge", Object: r.Code, Count: r.Size,
		Data: map[string]any{"root": hexOf(r.Root), "policy": hexOf(r.PolicyVersion), "stage": a.Stage, "opinion": b.Opinion, "at_once": r.LegalAtOnce, "incident": r.Incident},
	})
}

// earliest is the later of two instants: when the request may run for itself, and when the time
// of its batches in the bin is over. An emergency does not wait for the bin.
func (r *Request) earliest(own, keep time.Time) time.Time {
	if r.Emergency() {
		return own
	}
	return later(own, keep)
}

func (r *Request) cooling() time.Duration { return time.Duration(r.CoolingHours) * time.Hour }

// move changes the state by a conditional update: one row, or the world changed meanwhile.
func (r *Request) move(tx *db.Tx, to State, fields map[string]any) error {
	values := map[string]any{"state": to}
	for k, v := range fields {
		values[k] = v
	}
	res := tx.Model(&Request{}).Where("id = ? AND state = ?", r.ID, r.State).Updates(values)
	switch {
	case res.Error != nil:
		return fmt.Errorf("move request: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("purge.changed_meanwhile")
	}
	r.State = to
	return nil
}

// reject returns the request to its requester with the reason.
func (r *Request) reject(tx *db.Tx, by account.Actor, opinion string) error {
	if err := r.move(tx, Rejected, map[string]any{"closed_at": tx.Now, "closed_by": by.Name, "closed_reason": opinion}); err != nil {
		return err
	}
	return bin.GiveBack(tx, r.ID)
}

// cool starts the cooling-off. What covers the whole organisation is not queued before
// legal confirmed once more.
func (d *Desk) cool(tx *db.Tx, r *Request, keep time.Time, agree bool) error {
	until := tx.Now.Add(r.cooling())
	r.CoolingFrom, r.CoolingUntil, r.LegalAtOnce = &tx.Now, &until, r.AtOnce && agree
	fields := map[string]any{"cooling_from": tx.Now, "cooling_until": until, "legal_at_once": r.LegalAtOnce}
	if r.ScopeKind != Organisation {
		if err := d.enqueue(tx, r, r.earliest(until, keep)); err != nil {
			return err
		}
		fields["due_at"], fields["job_id"] = *r.DueAt, r.JobID
	}
	return r.move(tx, CoolingOff, fields)
}

// enqueue puts the execution into the queue for the first instant from earliest on at which
// it may begin.
func (d *Desk) enqueue(tx *db.Tx, r *Request, earliest time.Time) error {
	due := d.runFrom(r, earliest)
	j, err := job.Enqueue(tx, job.New{Kind: JobRun, Subject: uint64(r.ID), Object: r.Code, By: r.RequesterID, RunAt: due, Total: r.Size, Solo: true})
	if err != nil {
		return err
	}
	r.DueAt, r.JobID = &due, j
	return nil
}

// runFrom gives the first instant from t on at which the request may run.
func (d *Desk) runFrom(r *Request, t time.Time) time.Time {
	if r.AtOnce && r.LegalAtOnce {
		return t
	}
	return d.Window.Next(t, d.zone())
}

// keepUntil is the latest end of the bin window of the purge's batches. The fault is a conflict when one of
// them was written past this program, or is not there: then its end and its owner are nobody's word.
func keepUntil(tx *db.Tx, k approval.Keys, r *Request) (time.Time, error) {
	var ids []id.Batch
	if err := tx.Model(&Batch{}).Where("purge_id = ?", r.ID).Order("batch_id").Pluck("batch_id", &ids).Error; err != nil {
		return time.Time{}, fmt.Errorf("read batches: %w", err)
	}
	batches, err := bin.Batches(tx, ids...)
	if err != nil {
		return time.Time{}, err
	}
	if len(batches) != len(ids) || len(ids) == 0 {
		return time.Time{}, fault.Conflict(keyForged, r.Code)
	}
	if err := bin.Genuine(k, batches...); err != nil {
		return time.Time{}, err
	}
	var keep time.Time
	for _, b := range batches {
		keep = later(keep, b.KeepUntil)
	}
	return keep, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
