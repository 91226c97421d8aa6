package purge

import (
	"context"
	"encoding/json"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// certify writes the certificate, its leaf and the end of the request in one transaction: all are
// there or none.
func (w *Runner) certify(tx *db.Tx, r *Request, checks []Check) error {
	year := tx.Now.In(w.Desk.zone()).Format("2006")
	n, err := db.Serial(tx, "CERT", year)
	if err != nil {
		return err
	}
	body, err := w.body(tx, r, checks)
	if err != nil {
		return err
	}
	body.Code = fmt.Sprintf("CERT-%s-%04d", year, n)
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode certificate: %w", err)
	}
	digest, err := proof.Digest(proof.Certificate, json.RawMessage(text))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	row := certificate{Head: Head{Code: body.Code, PurgeID: r.ID, Leaf: -1, Digest: digest[:], IssuedAt: tx.Now}, Body: text}
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store certificate: %w", err)
	}
	end := Done
	if r.Skipped > 0 {
		end = DoneWithExceptions
	}
	if err := r.move(tx, end, map[string]any{"finished_at": tx.Now, "phase": PhaseFile}); err != nil {
		return err
	}
	leaf, err := audit.AppendAt(tx, audit.Entry{
		Actor: w.system(), Action: "certificate.issued", ObjectKind: "certificate", Object: body.Code, Count: r.Purged,
		Data: map[string]any{
			"document_sha256": hexOf(digest[:]), "purge": r.Code, "root": hexOf(r.Root), "requester": r.RequesterID,
			"purged": r.Purged, "skipped": r.Skipped,
		},
	})
	if err != nil {
		return err
	}
	// The leaf's number is known only now; the head of the log stays locked until the commit.
	return tx.Model(&Head{}).Where("id = ?", row.ID).Update("leaf", leaf).Error
}

func (w *Runner) body(tx *db.Tx, r *Request, checks []Check) (*Body, error) {
	a, votes, err := approval.Find(tx, r.ApprovalID)
	if err != nil {
		return nil, err
	}
	b := &Body{
		IssuedAt: tx.Now, Organisation: w.Organisation, Verification: checks, Reach: reach(), Notes: notes(),
		Request: BodyRequest{
			Code: r.Code, Reason: r.Reason, Requester: BodyPerson{r.RequesterName, r.RequesterStaffNo, r.RequesterRole},
			RequestedAt: *r.RequestedAt, ScopeKind: r.ScopeKind, LastFrom: *r.FirstAt, LastTo: *r.LastAt, Excluded: r.ExcludedCounts(),
		},
		Manifest: BodyManifest{
			Root: hexOf(a.Root), Size: r.Size, Messages: r.Messages, Attachments: r.Attachments, Bytes: r.Bytes, FrozenAt: *r.RequestedAt,
		},
		Cooling:   r.bodyCooling(),
		Execution: BodyExecution{StartedAt: *r.StartedAt, FinishedAt: tx.Now, Worker: r.Worker, AtOnce: r.AtOnce && r.LegalAtOnce},
	}
	for _, v := range votes {
		b.Approvals = append(b.Approvals, BodyApproval{
			Stage: v.Stage + 1, Person: BodyPerson{v.Name, v.StaffNo, v.Role}, At: v.At, Verdict: v.Verdict, Opinion: v.Opinion, Root: hexOf(v.Root),
		})
	}
	return b, b.fill(tx, r)
}

func (r *Request) bodyCooling() BodyCooling {
	c := BodyCooling{Hours: r.CoolingHours, From: *r.CoolingFrom, Until: *r.CoolingUntil}
	if r.ConfirmedAt != nil {
		c.Confirmed, c.ConfirmedAt = &BodyPerson{r.ConfirmedName, r.ConfirmedStaffNo, "legal"}, r.ConfirmedAt
	}
	return c
}

// fill adds what is counted from the tables.
func (b *Body) fill(tx *db.Tx, r *Request) error {
	shares, err := sharesStored(tx, r.ID)
	if err != nil {
		return err
	}
	for _, s := range shares {
		b.Request.Scope = append(b.Request.Scope, s.Path)
		b.Manifest.Departments = append(b.Manifest.Departments, BodyDepartment{s.Path, s.Conversations})
	}
	err = tx.Model(&Item{}).Where("purge_id = ?", r.ID).Select("service_type AS class, COUNT(*) AS conversations").
		Group("service_type").Order("service_type").Scan(&b.Manifest.Classes).Error
	if err != nil {
		return fmt.Errorf("count classes: %w", err)
	}
	var batches []Batch
	if err := tx.Where("purge_id = ?", r.ID).Order("batch_id").Find(&batches).Error; err != nil {
		return fmt.Errorf("read batches: %w", err)
	}
	b.Residue = []BodyResidue{}
	for _, batch := range batches {
		b.Request.Batches = append(b.Request.Batches, batch.Code)
		residue, err := batch.bodyResidue()
		if err != nil {
			return err
		}
		b.Residue = append(b.Residue, residue)
	}
	p, err := progressOf(tx, r)
	if err != nil {
		return err
	}
	b.Result = BodyResult{Purged: r.Purged, Skipped: r.Skipped, Reasons: p.Skips, BucketsDestroyed: p.BucketsDestroyed, Survivors: p.Survivors}
	return nil
}

// bodyResidue repeats what a batch said when it was binned.
func (b *Batch) bodyResidue() (BodyResidue, error) {
	out := BodyResidue{Batch: b.Code, Count: b.ResidueCount, Reason: b.ResidueReason, Departments: []BodyDepartment{}}
	var left []bin.Residue
	if b.Residue == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(b.Residue), &left); err != nil {
		return out, fmt.Errorf("residue of batch %s: %w", b.Code, err)
	}
	for _, r := range left {
		out.Departments = append(out.Departments, BodyDepartment{r.Path, r.Count})
	}
	return out, nil
}

// notes are the honest remarks, as codes.
func notes() []string {
	return []string{"no_content", "own_state_only", "time_utc"}
}

// file seals the evidence file of the certificate. The process may die before or after: the
// file is made again from the stored text and the leaf until it is there.
func (w *Runner) file(ctx context.Context, j *job.Job) error {
	var c certificate
	err := w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("purge_id = ?", j.Subject).Take(&c).Error })
	if err != nil {
		return fmt.Errorf("find certificate: %w", err)
	}
	file, err := w.Log.Certify(ctx, c.Leaf, proof.Certificate, json.RawMessage(c.Body))
	if err != nil {
		return fmt.Errorf("seal certificate: %w", err)
	}
	return w.DB.Write(ctx, func(tx *db.Tx) error {
		r, ok, err := lockPhase(tx, j, PhaseFile)
		switch {
		case err != nil:
			return err
		case !ok:
			return job.Finish(tx, j)
		}
		if err := tx.Model(&certificate{}).Where("id = ? AND file IS NULL", c.ID).Update("file", file).Error; err != nil {
			return fmt.Errorf("store evidence file: %w", err)
		}
		if err := r.enter(tx, PhaseEnd); err != nil {
			return err
		}
		if err := job.Finish(tx, j); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: w.system(), Action: "certificate.sealed", ObjectKind: "certificate", Object: c.Code, Count: 1})
	})
}

func certificateOf(tx *db.Tx, p id.Purge) (*Head, error) {
	var rows []Head
	if err := tx.Where("purge_id = ?", p).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find certificate: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
