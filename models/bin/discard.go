package bin

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Request carries out a draft. Shown is the fingerprint of the list that the person saw;
// Typed the number they typed, needed from TypeFrom items up. Key makes a repeated submit
// give the first result.
type Request struct {
	Draft  uint64
	Key    string
	Reason string
	Checks Checks
	Typed  string
	Shown  string // hexadecimal
}

// Bounds of a request.
const (
	LeastReason = 8
	mostReason  = 2000
	TypeFrom    = 10_000
	leastKey    = 8
	mostKey     = 64
)

// Discard moves the conversations of a draft's frozen list into the bin as one batch. A large
// one becomes a job. The faults are forbidden for an account that is too young; invalid for a
// missing reason, check or number, and above the cap of one batch unless a second person raised
// it; busy when a quota is used up; and a conflict, a *Differs when the list is not what was
// shown any more. Nothing has moved then.
func (b *Bin) Discard(ctx context.Context, by account.Actor, req Request) (*Batch, error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	var batch *Batch
	err := b.Clock.Write(ctx, b.DB, func(tx *db.Tx) (err error) {
		// The draft's lock puts a double submit behind the first one.
		row, err := ownDraft(tx, by, req.Draft, true)
		if err != nil {
			return err
		}
		if row.BatchID != nil {
			batch, err = madeBefore(tx, row, req)
			return err
		}
		if err := req.check(row.FrozenCount); err != nil {
			return err
		}
		batch, err = b.carryOut(tx, by, row, req)
		return err
	})
	if err != nil {
		return nil, stale(err)
	}
	return batch, nil
}

func (r Request) check(frozen int64) error {
	reason := reasonFault(r.Reason, "reason")
	var checks, typed, key *fault.Fault
	if !r.Checks.All() {
		checks = fault.Invalid("bin.checks_missing").On("checks")
	}
	if frozen >= TypeFrom && digits(r.Typed) != strconv.FormatInt(frozen, 10) {
		typed = fault.Invalid("bin.number_differs", frozen).On("typed")
	}
	if n := len(r.Key); n < leastKey || n > mostKey {
		key = fault.Invalid("bin.form_stale")
	}
	return fault.All(checks, reason, typed, key)
}

// madeBefore answers a repeated submit with the first one's batch, and any other with a
// conflict.
func madeBefore(tx *db.Tx, row *draftRow, req Request) (*Batch, error) {
	batch, err := ofKey(tx, req.Key)
	if err != nil || batch != nil && batch.ID == *row.BatchID {
		return batch, err
	}
	return nil, fault.Conflict("bin.draft_done")
}

// ofKey finds the batch that was made with a form's key.
func ofKey(tx *db.Tx, key string) (*Batch, error) {
	var found []Batch
	if err := tx.Where("request_key = ?", key).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find batch: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// stale says that a form's key made another batch before, also when that happened just now.
func stale(err error) error {
	if db.Duplicate(err) {
		return fault.Invalid("bin.form_stale")
	}
	return err
}

// carryOut compares the list under the hold epoch, so that no hold comes between comparing and
// moving (invariant I3). A small list is locked before it is compared and moves whole or not at
// all; a large one is moved by a job, which looks at every conversation again.
func (b *Bin) carryOut(tx *db.Tx, by account.Actor, row *draftRow, req Request) (*Batch, error) {
	d, err := row.draft()
	if err != nil {
		return nil, err
	}
	if d.FrozenAt == nil || req.Shown != hex.EncodeToString(d.Fingerprint) {
		return nil, fault.Conflict("bin.list_not_shown")
	}
	switch used, err := ofKey(tx, req.Key); {
	case err != nil:
		return nil, err
	case used != nil:
		return nil, fault.Invalid("bin.form_stale")
	}
	if err := b.allowed(tx, by); err != nil {
		return nil, err
	}
	if err := hold.ShareEpoch(tx); err != nil {
		return nil, err
	}
	list, err := frozenList(tx, d.ID)
	if err != nil {
		return nil, err
	}
	small := int64(len(list)) <= b.syncLimit()
	if small {
		if err := lockAll(tx, list); err != nil {
			return nil, err
		}
	}
	r, policy, err := b.reach(tx, by, d.Form.Scope)
	if err != nil {
		return nil, err
	}
	if err := compare(tx, r, policy, *d.FrozenAt, list); err != nil {
		return nil, err
	}
	p, err := b.preview(tx, r, policy, *d.FrozenAt)
	if err != nil {
		return nil, err
	}
	if err := d.Form.ready(p); err != nil {
		return nil, err
	}
	raised, err := d.withinCap(tx, b.Keys, p)
	if err != nil {
		return nil, err
	}
	if r.picked != nil {
		d.Form.Scope.Departments = r.taken.Departments.Values()
	}
	batch, err := b.create(tx, by, d, p, req)
	if err == nil && p.Excluded.Held > 0 {
		err = hold.NoteBlock(tx, hold.BlockBatch, batch.Code, by.Name, r.chosen(tx.Model(&conversation.Conversation{})))
	}
	if err != nil {
		return nil, err
	}
	if small {
		return batch, b.moveAll(tx, by, batch, p, raised)
	}
	if err := storeSeal(tx, b.Keys, batch); err != nil {
		return nil, err
	}
	if _, err := job.Enqueue(tx, job.New{Kind: JobMove, Subject: uint64(batch.ID), Object: batch.Code, By: by.ID, Total: batch.Size, Solo: true}); err != nil {
		return nil, err
	}
	return batch, audit.Append(tx, entryOf(by, "batch.started", batch, p, raised))
}

func lockAll(tx *db.Tx, list []version) error {
	ids := make([]id.Conversation, len(list))
	for i, v := range list {
		ids[i] = v.ConversationID
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return fault.Invalid("bin.nothing_to_move").On("department")
	}
	_, err = conversation.Lock(tx, all)
	return err
}

// create writes the batch and its items, which wait to be moved.
func (b *Bin) create(tx *db.Tx, by account.Actor, d *Draft, p *Preview, req Request) (*Batch, error) {
	batch, err := b.newBatch(tx, by, KindBatch)
	if err != nil {
		return nil, err
	}
	batch.RequestKey, batch.Reason = req.Key, strings.TrimSpace(req.Reason)
	batch.Scope, batch.ScopeKind, batch.DepartmentID = asJSON(d.Form.Scope), p.ScopeKind, p.Top
	batch.Residue, batch.ResidueCount = asJSON(p.Left()), p.Residue
	if p.Residue > 0 {
		batch.ResidueReason = strings.TrimSpace(d.Form.ResidueReason)
	}
	batch.Excluded, batch.Size, batch.Bytes, batch.Fingerprint = asJSON(p.Excluded), d.Frozen, p.Bytes, d.Fingerprint
	if err := tx.Create(batch).Error; err != nil {
		return nil, fmt.Errorf("create batch: %w", err)
	}
	res := tx.Exec("INSERT INTO bin_item (batch_id, conversation_id, department_id, state, was_state, version, reason, bytes, changed_at) "+
		"SELECT ?, c.id, c.department_id, ?, c.state, d.version, '', c.bytes, ? FROM bin_draft_item d JOIN conversation c ON c.id = d.conversation_id WHERE d.draft_id = ? AND c.state IN ?",
		batch.ID, ItemPending, tx.Now, d.ID, []conversation.State{conversation.Active, conversation.Hidden})
	if res.Error != nil {
		return nil, fmt.Errorf("list batch: %w", res.Error)
	}
	if res.RowsAffected != batch.Size {
		return nil, fault.Conflict("bin.list_changed", batch.Size, res.RowsAffected)
	}
	if err := dropList(tx, d.ID); err != nil {
		return nil, err
	}
	if err := dropPicks(tx, d.ID); err != nil {
		return nil, err
	}
	if err := tx.Model(&draftRow{}).Where("id = ?", d.ID).Update("batch_id", batch.ID).Error; err != nil {
		return nil, fmt.Errorf("finish draft: %w", err)
	}
	return batch, nil
}

func (b *Bin) newBatch(tx *db.Tx, by account.Actor, kind string) (*Batch, error) {
	if b.Keys == nil {
		return nil, errNoKeys
	}
	day := tx.Now.In(b.Zone).Format("20060102")
	n, err := db.Serial(tx, "SC", day)
	if err != nil {
		return nil, err
	}
	return &Batch{
		Code: fmt.Sprintf("SC-%s-%03d", day, n), State: Running, Kind: kind, OwnerID: by.ID, OwnerPerson: by.PersonID, OwnerName: by.Name,
		Scope: "{}", ScopeKind: ScopeDepartment, Residue: "[]", Excluded: "{}", Fingerprint: []byte{}, KeepUntil: tx.Now.Add(Keep), CreatedAt: tx.Now,
	}, nil
}

// moveAll moves a small batch at once. Its list was compared under locks just now: that some
// of it does not move cannot be, and must not be waved through (invariant I14).
func (b *Bin) moveAll(tx *db.Tx, by account.Actor, batch *Batch, p *Preview, raised *CapRaise) error {
	for batch.State == Running {
		if _, err := moveNext(tx, b.Keys, batch, 0, int(batch.Size)); err != nil {
			return err
		}
	}
	if batch.Moved != batch.Size {
		return fmt.Errorf("batch %s: %d of %d moved", batch.Code, batch.Moved, batch.Size)
	}
	return audit.Append(tx, entryOf(by, "batch.discarded", batch, p, raised))
}

func entryOf(by account.Actor, action string, batch *Batch, p *Preview, raised *CapRaise) audit.Entry {
	e := audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "batch", Object: batch.Code, Department: batch.DepartmentID, Count: batch.Size,
		Data: map[string]any{
			"fingerprint": hex.EncodeToString(batch.Fingerprint), "reason": batch.Reason, "scope": batch.ScopeKind, "keep_until": batch.KeepUntil, "sealed": true,
			"residue": batch.ResidueCount, "residue_reason": batch.ResidueReason, "held": p.Excluded.Held, "floor": p.Excluded.Floor, "order": p.Excluded.Order,
		},
	}
	if p.Cap > 0 {
		e.Data["cap"] = p.Cap
	}
	if raised != nil {
		e.Data["cap"], e.Data["cap_raised_to"], e.Data["cap_raised_by"] = raised.Cap, raised.Size, id.String(raised.UserID)
	}
	return e
}

// digits reads a typed number: separators and full-width digits do not matter.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case r >= '０' && r <= '９':
			return '0' + r - '０'
		case strings.ContainsRune(",， .'_\u00a0\u202f\t", r):
			return -1
		}
		return 'x'
	}, s)
}

// monthStart is the first instant of the calendar month in the organisation's zone.
func (b *Bin) monthStart(now time.Time) time.Time {
	local := now.In(b.Zone)
	return time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, b.Zone)
}
