package purge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// certify writes the certificate, its leaf and the end of the request in one transaction: all are
// there or none.
func (w *Runner) certify(tx *db.Tx, r *Request, back *lookBack) error {
	year := tx.Now.In(w.Desk.zone()).Format("2006")
	n, err := db.Serial(tx, "CERT", year)
	if err != nil {
		return err
	}
	body := back.body
	body.IssuedAt, body.Execution.FinishedAt = tx.Now, tx.Now
	body.Code = fmt.Sprintf("CERT-%s-%04d", year, n)
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode certificate: %w", err)
	}
	digest, err := proof.Digest(proof.Certificate, json.RawMessage(text))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	row := certificate{Head: Head{Code: body.Code, PurgeID: r.ID, Leaf: -1, Digest: digest[:], IssuedAt: tx.Now, EffectiveAt: &body.EffectiveAt}, Body: text}
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
			"purged": r.Purged, "skipped": r.Skipped, "outcome_root": body.Result.OutcomeRoot, "effective_at": body.EffectiveAt.Format(time.RFC3339),
		},
	})
	if err != nil {
		return err
	}
	// The leaf's number is known only now; the head of the log stays locked until the commit.
	return tx.Model(&Head{}).Where("id = ?", row.ID).Update("leaf", leaf).Error
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
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
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
