package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/boombuler/barcode/qr"

	"qingdang/models/approval"
	"qingdang/models/purge"
	"qingdang/templates"
)

func certificatesView(rows []purge.CertificateRow, now time.Time) templates.CertificatesView {
	var view templates.CertificatesView
	if len(rows) > certificatesPerPage {
		rows = rows[:certificatesPerPage]
		view.Next = uint64(rows[len(rows)-1].ID)
	}
	for _, r := range rows {
		view.Rows = append(view.Rows, templates.CertificateRow{
			ID: uint64(r.ID), Code: r.Code, Purge: uint64(r.PurgeID), Request: r.Request, Purged: r.Purged, Skipped: r.Skipped,
			IssuedAt: r.IssuedAt, EffectiveAt: instant(r.EffectiveAt), Effective: r.Effective(now),
		})
	}
	return view
}

func certificateView(c *purge.Certificate) (templates.CertificateView, error) {
	b := &c.Body
	v := templates.CertificateView{
		ID: uint64(c.ID), Code: c.Code, Organisation: b.Organisation, IssuedAt: b.IssuedAt, EffectiveAt: b.EffectiveAt, Effective: c.Effective(c.Now),
		Purge: uint64(c.PurgeID), Request: b.Request.Code, Reason: b.Request.Reason, Incident: b.Request.Incident, Batches: b.Request.Batches,
		Departments: residueOf(b.Manifest.Departments), LastFrom: b.Request.LastFrom, LastTo: b.Request.LastTo, FrozenAt: b.Manifest.FrozenAt,
		Root: b.Manifest.Root, Size: b.Manifest.Size, Messages: b.Manifest.Messages, Attachments: b.Manifest.Attachments, Bytes: b.Manifest.Bytes,
		Excluded: purgeCounts(b.Exclusions.WhenFrozen), Purged: b.Result.Purged, Skipped: b.Result.Skipped, Skips: purgeCounts(b.Exclusions.WhenRun),
		OutcomeRoot: b.Result.OutcomeRoot, Buckets: b.Result.BucketsDestroyed, Survivors: b.Result.Survivors,
		Steps: certificateSteps(b), Reach: reachView(b.Reach, c.Now), Leaf: c.Leaf, Digest: hex.EncodeToString(c.Digest), Notes: b.Notes,
	}
	if c.File != nil {
		sum := sha256.Sum256(c.File)
		v.FileDigest = hex.EncodeToString(sum[:])
	}
	for _, class := range b.Manifest.Classes {
		v.Classes = append(v.Classes, templates.CertificateClass{Name: class.Class, N: class.Conversations})
	}
	for _, r := range b.Residue {
		v.Residue = append(v.Residue, certificateResidue(r))
	}
	for _, a := range b.Approvals {
		v.Consents = append(v.Consents, templates.CertificateConsent{Key: "purge.stage_" + string(a.Person.Role), Root: a.Root, Policy: a.PolicyVersion, ExpiresAt: a.ExpiresAt})
	}
	for _, check := range b.Verification {
		v.Checks = append(v.Checks, templates.CertificateCheck(check))
	}
	var err error
	v.QR, err = modules(v.Code + " " + v.Digest)
	return v, err
}

func residueOf(shares []purge.BodyDepartment) (out []templates.PurgeResidue) {
	for _, d := range shares {
		out = append(out, templates.PurgeResidue{Path: d.Path, Count: d.Conversations})
	}
	return out
}

func certificateResidue(r purge.BodyResidue) templates.CertificateResidue {
	out := templates.CertificateResidue{Batch: r.Batch, Count: r.Count, Left: residueOf(r.Departments)}
	if a := r.Acknowledged; a != nil {
		out.Who, out.At, out.Reason = named(a.Person), a.At, a.Reason
	}
	return out
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
