package handlers

import (
	"encoding/hex"
	"fmt"

	"github.com/boombuler/barcode/qr"

	"qingdang/models/approval"
	"qingdang/models/purge"
	"qingdang/templates"
)

func certificatesView(rows []purge.CertificateRow) templates.CertificatesView {
	var view templates.CertificatesView
	if len(rows) > certificatesPerPage {
		rows = rows[:certificatesPerPage]
		view.Next = uint64(rows[len(rows)-1].ID)
	}
	for _, r := range rows {
		view.Rows = append(view.Rows, templates.CertificateRow{
			ID: uint64(r.ID), Code: r.Code, Purge: uint64(r.PurgeID), Request: r.Request, Purged: r.Purged, Skipped: r.Skipped, IssuedAt: r.IssuedAt,
		})
	}
	return view
}

func certificateView(c *purge.Certificate) (templates.CertificateView, error) {
	b := &c.Body
	v := templates.CertificateView{
		ID: uint64(c.ID), Code: c.Code, Organisation: b.Organisation, IssuedAt: b.IssuedAt, Purge: uint64(c.PurgeID), Request: b.Request.Code, Reason: b.Request.Reason,
		Requester: person(b.Request.Requester), RequestedAt: b.Request.RequestedAt, LastFrom: b.Request.LastFrom, LastTo: b.Request.LastTo,
		Root: b.Manifest.Root, Size: b.Manifest.Size, Messages: b.Manifest.Messages, Attachments: b.Manifest.Attachments, Bytes: b.Manifest.Bytes,
		Excluded: purgeCounts(b.Exclusions.WhenFrozen), Purged: b.Result.Purged, Skipped: b.Result.Skipped, Skips: purgeCounts(b.Exclusions.WhenRun),
		Steps: certificateSteps(b), Leaf: c.Leaf, Digest: hex.EncodeToString(c.Digest), Sealed: c.File != nil,
	}
	for _, class := range b.Manifest.Classes {
		v.Classes = append(v.Classes, templates.CertificateClass{Name: class.Class, N: class.Conversations})
	}
	for _, r := range b.Residue {
		batch := templates.PurgeBatch{Code: r.Batch, ResidueCount: r.Count, ResidueReason: r.Reason}
		for _, left := range r.Departments {
			batch.Residue = append(batch.Residue, templates.PurgeResidue{Path: left.Path, Count: left.Conversations})
		}
		v.Residue = append(v.Residue, batch)
	}
	for _, check := range b.Verification {
		v.Checks = append(v.Checks, templates.CertificateCheck(check))
	}
	for _, r := range b.Reach {
		v.Reach = append(v.Reach, templates.CertificateReach(r))
	}
	var err error
	v.QR, err = modules(v.Code + " " + v.Digest)
	return v, err
}

func person(p purge.BodyPerson) templates.PurgePerson {
	return templates.PurgePerson{Name: p.Name, StaffNo: p.StaffNo, RoleKey: roleKey(p.Role)}
}

func named(p purge.BodyPerson) string {
	if p.StaffNo == "" {
		return p.Name
	}
	return fmt.Sprintf("%s (%s)", p.Name, p.StaffNo)
}

func certificateSteps(b *purge.Body) []templates.CertificateStep {
	steps := []templates.CertificateStep{{Key: "purge.stage_request", Who: named(b.Request.Requester), At: b.Request.RequestedAt, Result: b.Request.Reason}}
	for _, a := range b.Approvals {
		step := templates.CertificateStep{Key: "purge.stage_" + string(a.Person.Role), Who: named(a.Person), At: a.At, Result: a.Opinion}
		if a.Verdict != approval.Approve {
			step.Key = "purge.reject"
		}
		steps = append(steps, step)
	}
	steps = append(steps, templates.CertificateStep{
		Key: "purge.stage_cooling", At: b.Cooling.From, Until: b.Cooling.Until, Words: templates.Words{Key: "certificate.not_withdrawn", Args: []any{b.Cooling.Hours}},
	})
	if b.Cooling.Confirmed != nil {
		steps = append(steps, templates.CertificateStep{Key: "purge.stage_codes", Who: named(*b.Cooling.Confirmed), At: instant(b.Cooling.ConfirmedAt), Words: templates.Words{Key: "certificate.confirmed"}})
	}
	return append(steps, templates.CertificateStep{
		Key: "purge.stage_run", Who: b.Execution.Worker, At: b.Execution.StartedAt, Until: b.Execution.FinishedAt,
		Words: templates.Words{Key: "certificate.sum", Args: []any{b.Manifest.Size, b.Result.Purged, b.Result.Skipped}},
	})
}

// modules draws a text as a square code.
func modules(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	size := code.Bounds().Dx()
	out := make([][]bool, size)
	for y := range out {
		out[y] = make([]bool, size)
		for x := range out[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			out[y][x] = r == 0
		}
	}
	return out, nil
}
