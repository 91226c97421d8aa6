package purge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// Ask is what a person requests: batches of the bin, or the system's Draft for one.
type Ask struct {
	Batches []id.Batch
	Draft   id.Purge
	Reason  string
	AtOnce  bool
	// Emergency asks for a purge without waiting because of the leak with the number Incident.
	Emergency bool
	Incident  string
	Shown     int64  // how many conversations the page showed; 0 = there was no page
	Key       string // of the form, so that sending it twice requests once
}

const (
	longestIncident = 64       // in characters
	draftKey        = "draft-" // begins the keys of the system's drafts, and no form's
)

func (a *Ask) check() error {
	a.Reason = strings.TrimSpace(a.Reason)
	n := utf8.RuneCountInString(a.Reason)
	slices.Sort(a.Batches)
	a.Batches = slices.Compact(a.Batches)
	if a.Incident = strings.Join(strings.Fields(a.Incident), " "); a.Emergency {
		a.AtOnce = true
	} else {
		a.Incident = ""
	}
	switch {
	case a.Emergency && a.Incident == "":
		return fault.Invalid("purge.incident_missing").On("incident")
	case utf8.RuneCountInString(a.Incident) > longestIncident || !utf8.ValidString(a.Incident):
		return fault.Invalid("purge.incident_long", longestIncident).On("incident")
	case n < shortReason:
		return fault.Invalid("purge.reason_short", shortReason).On("reason")
	case n > longReason:
		return fault.Invalid("purge.reason_long", longReason).On("reason")
	case a.Draft == 0 && len(a.Batches) == 0:
		return fault.Invalid("purge.no_batches").On("batch")
	case len(a.Batches) > requestLimit:
		return fault.Invalid("purge.too_many_batches", requestLimit).On("batch")
	case a.Key == "" || len(a.Key) > 60 || strings.HasPrefix(a.Key, draftKey):
		return fault.Invalid("purge.key_missing")
	}
	return nil
}

// Request freezes what is in the batches now, without what a hold, a floor or an open order
// protects, and asks for consent. Sending the same form again gives the same request.
// The fault is not-found for a batch outside the actor's departments, forbidden for an agent
// who asks for other people's conversations, invalid without a reason or without the number
// of an emergency's incident, and a conflict when nothing is left to freeze or when it is
// another number than was shown.
func (d *Desk) Request(ctx context.Context, by account.Actor, ask Ask) (*Request, error) {
	if err := by.Require(account.PurgeRequest); err != nil {
		return nil, err
	}
	if !by.Natural() {
		return nil, fault.Forbidden("approval.not_a_person")
	}
	if err := ask.check(); err != nil {
		return nil, err
	}
	var r *Request
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if r, err = requested(tx, by, ask.Key); r != nil || err != nil {
			return err
		}
		r, err = d.request(tx, by, ask)
		return err
	})
	if err != nil && db.Duplicate(err) {
		// The same form, sent twice at the same time: the other one was faster.
		err = d.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if r, err = requested(tx, by, ask.Key); err == nil && r == nil {
				err = fault.Conflict("purge.changed_meanwhile")
			}
			return err
		})
	}
	if err != nil {
		return nil, d.unseenBatches(ctx, by, ask.Draft, ask.Batches, err)
	}
	return r, nil
}

// requested finds the request that a form made before, nil if none.
func requested(tx *db.Tx, by account.Actor, key string) (*Request, error) {
	var rows []Request
	if err := tx.Where("request_key = ?", key).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the request: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case rows[0].RequesterID != by.ID:
		return nil, fault.Conflict("purge.changed_meanwhile")
	}
	return &rows[0], nil
}

// request locks in the order of every purge: hold epoch, requests and their serial, batches,
// conversations.
func (d *Desk) request(tx *db.Tx, by account.Actor, ask Ask) (*Request, error) {
	if err := hold.ShareEpoch(tx); err != nil {
		return nil, err
	}
	if ask.Draft != 0 {
		if _, err := visible(tx, by, ask.Draft); err != nil {
			return nil, err
		}
	}
	drafts, err := lockDrafts(tx, ask)
	if err != nil {
		return nil, err
	}
	r, err := d.begin(tx, ask)
	if err != nil {
		return nil, err
	}
	r.RequestKey, r.Reason, r.AtOnce, r.Incident = ask.Key, ask.Reason, ask.AtOnce, ask.Incident
	r.RequesterID, r.RequesterPerson, r.RequesterName, r.RequesterStaffNo, r.RequesterRole = by.ID, by.PersonID, by.Name, by.StaffNo, by.Role
	expires := tx.Now.Add(voteTime)
	r.RequestedAt, r.ExpiresAt = &tx.Now, &expires
	batches, err := ask.batches(tx, r.ID)
	if err != nil {
		return nil, err
	}
	list, err := freeze(tx, d.Keys, by, r.ID, batches)
	if err != nil {
		return nil, err
	}
	if ask.Shown != 0 && ask.Shown != int64(len(list.items)) {
		return nil, fault.Conflict("purge.changed_since_shown", ask.Shown, len(list.items))
	}
	if err := noteHeld(tx, r, by.Name, list.held); err != nil {
		return nil, err
	}
	if err := supersede(tx, r.ID, drafts); err != nil {
		return nil, err
	}
	if err := d.fill(tx, r, list); err != nil {
		return nil, err
	}
	r.State = AwaitingSupervisor
	if r.ApprovalID, err = approval.Start(tx, approval.New{
		Kind: approval.Purge, Subject: uint64(r.ID), Root: [32]byte(r.Root), PolicyVersion: [32]byte(r.PolicyVersion),
		Stages:    []approval.Stage{{Role: account.Supervisor}, {Role: account.Legal}},
		Requester: by.ID, RequesterPerson: by.PersonID, ExpiresAt: expires,
	}); err != nil {
		return nil, err
	}
	origin, err := originOf(tx, r.ID)
	if err != nil {
		return nil, err
	}
	r.MAC = r.seal(d.Keys, origin)
	if err := tx.Model(&Request{}).Where("id = ?", r.ID).Select("*").Omit("id", "code", "created_at").Updates(r).Error; err != nil {
		return nil, fmt.Errorf("store request: %w", err)
	}
	if err := storeReview(tx, r.ID, &Changes{At: tx.Now, Size: r.Size}); err != nil {
		return nil, err
	}
	return r, audit.Append(tx, r.entry(by, list))
}

// entry is the leaf of the request. An emergency has an action of its own, so that nobody has to
// look for it.
func (r *Request) entry(by account.Actor, list *frozen) audit.Entry {
	e := audit.Entry{
		Actor: by.Audit(), Action: "purge.requested", ObjectKind: "purge", Object: r.Code, Count: r.Size,
		Data: map[string]any{"root": hexOf(r.Root), "reason": r.Reason, "batches": codes(list.batches), "scope": string(r.ScopeKind), "excluded": list.excluded, "at_once": r.AtOnce},
	}
	if r.Emergency() {
		e.Action, e.Data["incident"] = "purge.emergency_requested", r.Incident
	}
	return e
}

// lockDrafts locks the system's drafts for what is asked for, in ascending order, and gives
// their ids.
func lockDrafts(tx *db.Tx, ask Ask) (drafts []id.Purge, err error) {
	q := tx.Model(&Request{}).Where("id = ?", ask.Draft)
	if ask.Draft == 0 {
		q = tx.Model(&Request{}).Where("state = ? AND id IN (SELECT purge_id FROM purge_batch WHERE batch_id IN ?)", Draft, ask.Batches)
	}
	if err := q.Order("id").Pluck("id", &drafts).Error; err != nil {
		return nil, fmt.Errorf("look for drafts: %w", err)
	}
	for _, p := range drafts {
		if _, err := lockRequest(tx, p); err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// begin makes the row, whose id everything else refers to, or takes over a draft.
func (d *Desk) begin(tx *db.Tx, ask Ask) (*Request, error) {
	if ask.Draft != 0 {
		r, err := lockRequest(tx, ask.Draft)
		if err == nil && r.State != Draft {
			err = fault.Conflict("purge.not_a_draft")
		}
		return r, err
	}
	return d.create(tx, Request{State: Draft, RequestKey: ask.Key})
}

// create stores a request under the next code of the day.
func (d *Desk) create(tx *db.Tx, r Request) (*Request, error) {
	day := tx.Now.In(d.zone()).Format(codeOfDay)
	n, err := db.Serial(tx, "PG", day)
	if err != nil {
		return nil, err
	}
	r.Code, r.CreatedAt, r.Excluded = fmt.Sprintf("PG-%s-%03d", day, n), tx.Now, "{}"
	zero := make([]byte, 32)
	r.Root, r.PolicyVersion, r.MAC = zero, zero, zero
	if err := tx.Create(&r).Error; err != nil {
		return nil, fmt.Errorf("create request: %w", err)
	}
	return &r, nil
}

// batches gives the batches that were asked for, of a draft its own.
func (a *Ask) batches(tx *db.Tx, p id.Purge) ([]id.Batch, error) {
	if a.Draft == 0 {
		return a.Batches, nil
	}
	var ids []id.Batch
	if err := tx.Model(&Batch{}).Where("purge_id = ?", p).Order("batch_id").Pluck("batch_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	// Written again with what they say at the time of the request.
	for _, model := range []any{&Batch{}, &Share{}} {
		if err := tx.Where("purge_id = ?", p).Delete(model).Error; err != nil {
			return nil, fmt.Errorf("read batches: %w", err)
		}
	}
	return ids, nil
}

// supersede closes the system's drafts, which are locked, for batches that are requested now.
func supersede(tx *db.Tx, p id.Purge, drafts []id.Purge) error {
	if len(drafts) == 0 {
		return nil
	}
	err := tx.Model(&Request{}).Where("state = ? AND id <> ? AND id IN ?", Draft, p, drafts).
		Updates(map[string]any{"state": Lapsed, "closed_at": tx.Now, "closed_reason": lapseSuperseded}).Error
	if err != nil {
		return fmt.Errorf("close drafts: %w", err)
	}
	return nil
}

// fill stores the list and writes into the request what it adds up to.
func (d *Desk) fill(tx *db.Tx, r *Request, list *frozen) error {
	tree, err := department.Load(tx)
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	shares := map[id.Department]*Share{}
	own := true
	r.Size, r.Messages, r.Attachments, r.Bytes = 0, 0, 0, 0
	for i := range list.items {
		it := &list.items[i]
		it.PurgeID, it.Seq, it.State = r.ID, int64(i), Pending
		own = own && list.agents[it.ConversationID] == r.RequesterStaffNo
		r.add(shares, it, tree)
	}
	for _, s := range shares {
		s.PurgeID = r.ID
	}
	if r.ScopeKind, err = list.scopeKind(tx, tree, own); err != nil {
		return err
	}
	if r.CoolingHours = 0; !r.Emergency() {
		r.CoolingHours = int((d.Cooling.of(r.ScopeKind) + time.Hour - 1) / time.Hour)
	}
	root := rootOf(list.items)
	r.Root, r.PolicyVersion = root[:], list.policy[:]
	excluded, err := json.Marshal(list.excluded)
	if err != nil {
		return fmt.Errorf("encode exclusions: %w", err)
	}
	r.Excluded = string(excluded)
	return list.store(tx, r.ID, shares)
}

// add counts one item.
func (r *Request) add(shares map[id.Department]*Share, it *Item, tree *department.Tree) {
	s := shares[it.DepartmentID]
	if s == nil {
		s = &Share{DepartmentID: it.DepartmentID, Path: tree.Path(it.DepartmentID)}
		shares[it.DepartmentID] = s
	}
	s.Conversations++
	s.Messages += int64(it.Messages)
	s.Attachments += int64(it.Attachments)
	s.Bytes += it.Bytes
	r.Size++
	r.Messages += int64(it.Messages)
	r.Attachments += int64(it.Attachments)
	r.Bytes += it.Bytes
	if r.FirstAt == nil || it.LastAt.Before(*r.FirstAt) {
		r.FirstAt = &it.LastAt
	}
	if r.LastAt == nil || it.LastAt.After(*r.LastAt) {
		r.LastAt = &it.LastAt
	}
}

func lockRequest(tx *db.Tx, p id.Purge) (*Request, error) {
	var r Request
	switch err := tx.ForUpdate().Where("id = ?", p).Take(&r).Error; {
	case db.NotFound(err):
		return nil, noSuchPurge()
	case err != nil:
		return nil, fmt.Errorf("lock request: %w", err)
	}
	return &r, nil
}

// findRequest is lockRequest without the lock.
func findRequest(tx *db.Tx, p id.Purge) (*Request, error) {
	var r Request
	switch err := tx.Where("id = ?", p).Take(&r).Error; {
	case db.NotFound(err):
		return nil, noSuchPurge()
	case err != nil:
		return nil, fmt.Errorf("find request: %w", err)
	}
	return &r, nil
}

func noSuchPurge() *fault.Fault { return fault.NotFound("purge.not_found") }

func codes(batches []bin.Batch) []string {
	out := make([]string, len(batches))
	for i, b := range batches {
		out[i] = b.Code
	}
	return out
}
