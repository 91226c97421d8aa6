package report

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// wholeCheck is how many leaves a report walks from the first one on; a longer log is checked
// from the last checkpoint outside, and the report says so.
const wholeCheck = 200_000

// Make counts a report for a period of days and certifies it. The faults are forbidden without
// report.create, and invalid at the field for an unknown kind or department, for bad, missing or
// reversed days, or for more than five years. Over a broken log the report has no evidence file.
func (e *Evidence) Make(ctx context.Context, by account.Actor, a Ask) (*PeriodReport, error) {
	if err := by.Require(account.ReportCreate); err != nil {
		return nil, err
	}
	if !a.Kind.Known() {
		return nil, fault.Invalid("report.kind_unknown").On("kind")
	}
	p := a.Period
	from, to, err := p.bounds(e.zone())
	if err != nil {
		return nil, err
	}
	var first, last *fault.Fault
	if from.IsZero() {
		first = fault.Invalid("report.date_missing").On(fieldFirst)
	}
	if to.IsZero() {
		last = fault.Invalid("report.date_missing").On(fieldLast)
	}
	if err := fault.All(first, last); err != nil {
		return nil, err
	}
	d, err := e.count(ctx, by, a, from, to)
	if err != nil {
		return nil, err
	}
	row, err := e.store(ctx, by, d)
	if err != nil {
		return nil, err
	}
	r, err := e.seal(ctx, by, row)
	if errors.Is(err, audit.ErrForked) || errors.Is(err, proof.ErrNotProvable) {
		// The log is broken: the report stands there unsealed and says what it found.
		return row.report()
	}
	return r, err
}

// draft is a report that is counted and not yet numbered. Body is there in any case: a statement
// shares its head with it.
type draft struct {
	ask       Ask
	body      *Body
	statement *Statement
}

// text numbers the draft and encodes it.
func (d *draft) text(code string, at time.Time) ([]byte, error) {
	b := d.body
	b.Code, b.CreatedAt = code, at
	if d.statement == nil {
		return json.Marshal(b)
	}
	s := d.statement
	s.Code, s.CreatedAt, s.CreatedBy, s.Organisation, s.Period, s.Department = code, at, b.CreatedBy, b.Organisation, b.Period, b.Department
	s.Log, s.Reconciliation, s.Reconciled, s.Notes = b.Log, b.Reconciliation, b.Reconciled, append(b.Notes, s.Notes...)
	return json.Marshal(s)
}

// count makes a draft in one view of the database.
func (e *Evidence) count(ctx context.Context, by account.Actor, a Ask, from, to time.Time) (*draft, error) {
	head, err := e.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	full := head.Size <= wholeCheck
	check, err := e.Log.Check(ctx, full)
	if err != nil {
		return nil, err
	}
	var d *draft
	err = e.DB.Read(ctx, func(tx *db.Tx) error {
		body := &Body{
			Kind: a.Kind, CreatedBy: BodyPerson{by.Name, by.StaffNo, by.Audit().Role},
			Organisation: e.Organisation,
			Period:       BodyPeriod{First: a.Period.First, Last: a.Period.Last, Zone: e.zone().String(), From: from.UTC(), Until: to.UTC()},
			Log: BodyLog{
				OK: check.OK, Full: full, Checked: check.Checked, What: check.What, FirstBad: check.FirstBad, LastBad: check.LastBad, Proven: check.Proven,
			},
			Reconciliation: []BodyCompare{}, Notes: []string{},
		}
		if !full {
			body.Notes = append(body.Notes, "check_not_full")
		}
		if to.After(tx.Now) {
			body.Notes = append(body.Notes, "period_not_over")
		}
		d = &draft{ask: a, body: body}
		c := &counting{tx: tx, from: from, to: to, body: body}
		if err := c.begin(a.Department); err != nil {
			return err
		}
		if c.under != nil {
			body.Notes = append(body.Notes, "one_department")
		}
		if a.Kind == Operations {
			return c.run()
		}
		d.statement = &Statement{Kind: a.Kind, Figures: []Figure{}, Tables: []Grid{}, Notes: []string{}}
		if err := c.fill(d.statement); err != nil {
			return err
		}
		return c.reconcile()
	})
	return d, err
}

// store numbers the report and writes it with its leaf in one transaction: both are there or
// none.
func (e *Evidence) store(ctx context.Context, by account.Actor, d *draft) (*periodRow, error) {
	var row *periodRow
	body := d.body
	err := e.DB.Write(ctx, func(tx *db.Tx) error {
		day := tx.Now.In(e.zone()).Format("20060102")
		n, err := db.Serial(tx, "AR", day)
		if err != nil {
			return err
		}
		text, err := d.text(fmt.Sprintf("AR-%s-%03d", day, n), tx.Now)
		if err != nil {
			return fmt.Errorf("encode report: %w", err)
		}
		digest, err := proof.Digest(proof.Report, json.RawMessage(text))
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		row = &periodRow{Body: text, PeriodHead: PeriodHead{
			Code: body.Code, Kind: d.ask.Kind, DepartmentID: d.ask.Department, OwnerID: by.ID, OwnerName: by.Name, FromAt: body.Period.From, ToAt: body.Period.Until, Leaf: -1,
			Reconciled: body.Reconciled, Digest: digest[:], CreatedAt: tx.Now,
		}}
		if err := tx.Create(row).Error; err != nil {
			return fmt.Errorf("store report: %w", err)
		}
		row.Leaf, err = audit.AppendAt(tx, audit.Entry{
			Actor: by.Audit(), Action: "report.created", ObjectKind: "report", Object: row.Code, Department: d.ask.Department, Count: body.Total.Entries,
			Data: map[string]any{
				proof.DigestField: hex.EncodeToString(digest[:]), "kind": string(d.ask.Kind), "from": body.Period.First, "to": body.Period.Last, "size": body.Log.Size, "root": body.Log.Root,
				"reconciled": body.Reconciled,
			},
		})
		if err != nil {
			return err
		}
		// The leaf's number is known only now; the head of the log stays locked until the commit.
		return tx.Model(&PeriodHead{}).Where("id = ?", row.ID).Update("leaf", row.Leaf).Error
	})
	return row, err
}

// seal writes the evidence file. It may be repeated: a process that dies before it leaves a
// report without a file, which the next reader seals.
func (e *Evidence) seal(ctx context.Context, by account.Actor, row *periodRow) (*PeriodReport, error) {
	if row.File == nil {
		file, err := e.Log.Certify(ctx, row.Leaf, proof.Report, json.RawMessage(row.Body))
		if err != nil {
			return nil, fmt.Errorf("seal report: %w", err)
		}
		err = e.DB.Write(ctx, func(tx *db.Tx) error {
			if err := tx.Model(&periodRow{}).Where("id = ? AND file IS NULL", row.ID).Update("file", file).Error; err != nil {
				return fmt.Errorf("store evidence file: %w", err)
			}
			return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "report.sealed", ObjectKind: "report", Object: row.Code, Count: 1})
		})
		if err != nil {
			return nil, err
		}
		row.File = file
	}
	return row.report()
}

const mostReports = 100

// Reports lists the reports, newest first. Audit reports show every department's acts, so
// they are there for those who may see all of them; others get an empty list.
func (e *Evidence) Reports(ctx context.Context, by account.Actor, before PeriodReportID, size int) (rows []PeriodHead, err error) {
	if err := by.Require(account.ReportRead); err != nil {
		return nil, err
	}
	if whole(by) != nil {
		return nil, nil
	}
	err = e.DB.Read(ctx, func(tx *db.Tx) error {
		q := tx.Order("id DESC").Limit(min(max(size, 1), mostReports))
		if before != 0 {
			q = q.Where("id < ?", before)
		}
		return q.Find(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	return rows, nil
}

// Report gives a report for reading. That it was read stands in the log. The fault is not found
// for those who may not see every department's acts.
func (e *Evidence) Report(ctx context.Context, by account.Actor, r PeriodReportID) (*PeriodReport, error) {
	row, err := e.find(ctx, by, r, "report.opened")
	if err != nil {
		return nil, err
	}
	return row.report()
}

// ReportTable is Report for tables and for paper.
func (e *Evidence) ReportTable(ctx context.Context, by account.Actor, r PeriodReportID) (*PeriodReport, error) {
	row, err := e.find(ctx, by, r, "report.downloaded")
	if err != nil {
		return nil, err
	}
	return row.report()
}

// ReportFile is Report for the files: it seals a report that was not sealed yet. The fault is a
// conflict while the log is broken.
func (e *Evidence) ReportFile(ctx context.Context, by account.Actor, r PeriodReportID) (*PeriodReport, error) {
	row, err := e.find(ctx, by, r, "report.downloaded")
	if err != nil {
		return nil, err
	}
	sealed, err := e.seal(ctx, by, row)
	if errors.Is(err, audit.ErrForked) || errors.Is(err, proof.ErrNotProvable) {
		return nil, fault.Conflict("report.not_sealed")
	}
	return sealed, err
}

func (e *Evidence) find(ctx context.Context, by account.Actor, r PeriodReportID, action string) (*periodRow, error) {
	if err := by.Require(account.ReportRead); err != nil {
		return nil, err
	}
	var found []periodRow
	if err := e.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("id = ?", r).Find(&found).Error }); err != nil {
		return nil, fmt.Errorf("find report: %w", err)
	}
	switch {
	case len(found) == 0:
		return nil, fault.NotFound("report.not_found", id.String(r))
	case whole(by) != nil:
		if err := audit.Refused(ctx, e.DB, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "report", Object: found[0].Code}); err != nil {
			return nil, err
		}
		return nil, fault.NotFound("report.not_found", id.String(r))
	}
	return &found[0], e.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "report", Object: found[0].Code, Count: 1})
	})
}
