package inspection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Report is a signed inspection with its text and its evidence file.
type Report struct {
	Inspection
	Text *Body
}

// File gives a signed report to take along, and writes that down before; format is what the file ends
// in. The evidence file is made the first time somebody asks for it. The fault is forbidden for those
// who neither run nor sign inspections, not-found, a conflict before both have signed, and while the
// log is broken.
func (d *Desk) File(ctx context.Context, by account.Actor, code, format string) (*Report, error) {
	if !looks(by) {
		return nil, d.hidden(ctx, by, code, "inspection.downloaded", map[string]any{"format": format})
	}
	var row Inspection
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		switch err := tx.Where("code = ?", code).Take(&row).Error; {
		case db.NotFound(err):
			return notFound()
		case err != nil:
			return fmt.Errorf("find inspection: %w", err)
		case row.State != Signed:
			return fault.Conflict("inspection.not_signed")
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "inspection.downloaded", ObjectKind: "inspection", Object: row.Code, Count: 1, Data: map[string]any{"format": format},
		})
	})
	if err != nil {
		return nil, err
	}
	if row.File == nil {
		if err := d.seal(ctx, by, &row); err != nil {
			return nil, err
		}
	}
	text, err := row.ReadBody()
	if err != nil {
		return nil, err
	}
	return &Report{row, text}, nil
}

// Sheet gives an inspection with its sample for the sheet on which it is checked by hand. The fault is
// not-found, also for those who neither run nor sign inspections; their try is written down.
func (d *Desk) Sheet(ctx context.Context, by account.Actor, code string) (*Detail, error) {
	if !looks(by) {
		return nil, d.hidden(ctx, by, code, "inspection.downloaded", map[string]any{"format": "sheet"})
	}
	return d.Get(ctx, by, code)
}

// hidden answers somebody who reached for what is not for them: not found, whether it is there or not. What is there
// is written down.
func (d *Desk) hidden(ctx context.Context, by account.Actor, code, action string, data map[string]any) error {
	var i *Inspection
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = byCode(tx, code)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(notFound(), audit.Refused(ctx, d.DB, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "inspection", Object: i.Code, Data: data}))
}

// seal writes the evidence file. It may be repeated: the entry of the log is what makes the report true.
func (d *Desk) seal(ctx context.Context, by account.Actor, row *Inspection) error {
	file, err := d.Log.Certify(ctx, row.Leaf, proof.Inspection, json.RawMessage(row.Body))
	if errors.Is(err, audit.ErrForked) || errors.Is(err, proof.ErrNotProvable) {
		return fault.Conflict("inspection.not_sealed")
	}
	if err != nil {
		return fmt.Errorf("seal report: %w", err)
	}
	row.File = file
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&Inspection{}).Where("id = ? AND file IS NULL", row.ID).Update("file", file).Error; err != nil {
			return fmt.Errorf("store evidence file: %w", err)
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "inspection.sealed", ObjectKind: "inspection", Object: row.Code, Count: 1})
	})
}
