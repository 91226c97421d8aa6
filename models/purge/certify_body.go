package purge

import (
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
)

// body writes what the certificate says, from the rows as they are at the end of the purge, but for
// its code and the instant at which it is issued.
func (w *Runner) body(tx *db.Tx, r *Request, back *lookBack) (*Body, error) {
	b := &Body{
		Organisation: w.Organisation, Verification: back.checks, Notes: notes(),
		Request: BodyRequest{
			Code: r.Code, Reason: r.Reason, Incident: r.Incident, Requester: BodyPerson{r.RequesterName, r.RequesterStaffNo, r.RequesterRole},
			RequestedAt: *r.RequestedAt, ScopeKind: r.ScopeKind, LastFrom: *r.FirstAt, LastTo: *r.LastAt,
		},
		Manifest: BodyManifest{
			Root: hexOf(back.list[:]), Size: r.Size, Messages: r.Messages, Attachments: r.Attachments, Bytes: r.Bytes, FrozenAt: *r.RequestedAt,
		},
		Cooling:   r.bodyCooling(),
		Execution: BodyExecution{StartedAt: *r.StartedAt, Worker: r.Worker, AtOnce: r.Emergency() || r.AtOnce && r.LegalAtOnce},
		Result:    BodyResult{Purged: r.Purged, Skipped: r.Skipped, OutcomeRoot: hexOf(back.outcomes[:])},
	}
	for _, part := range []func(*db.Tx, *Request) error{b.approvals, b.shares, b.batches, b.outcome} {
		if err := part(tx, r); err != nil {
			return nil, err
		}
	}
	batches, err := batchesOf(tx, r.ID)
	if err != nil {
		return nil, err
	}
	// The keys were just seen to be gone, so copies of them are those made before now.
	b.Reach, b.EffectiveAt, err = w.reachDone(tx, r, batches, tx.Now)
	return b, err
}

func (b *Body) approvals(tx *db.Tx, r *Request) error {
	_, votes, err := approval.Find(tx, r.ApprovalID)
	for _, v := range votes {
		b.Approvals = append(b.Approvals, BodyApproval{
			Stage: v.Stage + 1, Person: BodyPerson{v.Name, v.StaffNo, v.Role}, At: v.At, Verdict: v.Verdict, Opinion: v.Opinion,
			Root: hexOf(v.Root), PolicyVersion: hexOf(v.PolicyVersion), ExpiresAt: v.ExpiresAt,
		})
	}
	return err
}

func (r *Request) bodyCooling() BodyCooling {
	c := BodyCooling{Hours: r.CoolingHours, From: *r.CoolingFrom, Until: *r.CoolingUntil}
	if r.ConfirmedAt != nil {
		c.Confirmed, c.ConfirmedAt = &BodyPerson{r.ConfirmedName, r.ConfirmedStaffNo, account.Legal}, r.ConfirmedAt
	}
	return c
}

// shares fills in how the list divides.
func (b *Body) shares(tx *db.Tx, r *Request) error {
	shares, err := sharesStored(tx, r.ID)
	if err != nil {
		return err
	}
	for _, s := range shares {
		b.Manifest.Departments = append(b.Manifest.Departments, BodyDepartment{id.String(s.DepartmentID), s.Path, s.Conversations})
	}
	err = tx.Model(&Item{}).Where("purge_id = ?", r.ID).Select("service_type AS class, COUNT(*) AS conversations").
		Group("service_type").Order("service_type").Scan(&b.Manifest.Classes).Error
	if err != nil {
		return fmt.Errorf("count classes: %w", err)
	}
	return nil
}

// batches fills in where the list came from and what the batches left behind.
func (b *Body) batches(tx *db.Tx, r *Request) error {
	batches, err := batchesOf(tx, r.ID)
	if err != nil {
		return err
	}
	b.Residue = []BodyResidue{}
	for _, batch := range batches {
		b.Request.Batches = append(b.Request.Batches, batch.Code)
		residue, err := batch.bodyResidue(tx)
		if err != nil {
			return err
		}
		b.Residue = append(b.Residue, residue)
	}
	return nil
}

// bodyResidue repeats what a batch said when it was binned, and who let it be.
func (b *Batch) bodyResidue(tx *db.Tx) (BodyResidue, error) {
	out := BodyResidue{Batch: b.Code, Count: b.ResidueCount, Departments: []BodyDepartment{}}
	if b.ResidueCount == 0 {
		return out, nil
	}
	var left []bin.Residue
	if err := json.Unmarshal([]byte(b.Residue), &left); err != nil {
		return out, fmt.Errorf("residue of batch %s: %w", b.Code, err)
	}
	for _, r := range left {
		out.Departments = append(out.Departments, BodyDepartment{id.String(r.DepartmentID), r.Path, r.Count})
	}
	var row bin.Batch
	if err := tx.Where("id = ?", b.BatchID).Take(&row).Error; err != nil {
		return out, fmt.Errorf("batch %s: %w", b.Code, err)
	}
	who, err := account.Names(tx, row.OwnerID)
	if err != nil {
		return out, err
	}
	out.Acknowledged = &BodyAcknowledge{Person: BodyPerson{Name: row.OwnerName, StaffNo: who[row.OwnerID].StaffNo}, At: row.CreatedAt, Reason: b.ResidueReason}
	return out, nil
}

// outcome fills in what became of the list, as counted.
func (b *Body) outcome(tx *db.Tx, r *Request) error {
	p, err := progressOf(tx, r)
	if err != nil {
		return err
	}
	b.Result.BucketsDestroyed, b.Result.Survivors = p.BucketsDestroyed, p.Survivors
	b.Exclusions = BodyExclusions{WhenFrozen: r.ExcludedCounts(), WhenRun: p.Skips}
	var at []time.Time
	err = tx.Model(&bucket{}).Where("purge_id = ? AND destroyed_at IS NOT NULL", r.ID).Order("destroyed_at DESC").Limit(1).Pluck("destroyed_at", &at).Error
	if err != nil {
		return fmt.Errorf("when keys were destroyed: %w", err)
	}
	if len(at) > 0 {
		b.Execution.KeysDestroyedAt = &at[0]
	}
	return nil
}

func batchesOf(tx *db.Tx, p id.Purge) ([]Batch, error) {
	var batches []Batch
	if err := tx.Where("purge_id = ?", p).Order("batch_id").Find(&batches).Error; err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	return batches, nil
}
