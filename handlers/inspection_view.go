package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/templates"
)

func inspectionsView(p *inspection.Page) templates.InspectionsView {
	v := templates.InspectionsView{CanOpen: p.CanOpen, Present: p.Present, Whole: p.Whole}
	for i := range p.Rows {
		v.Rows = append(v.Rows, inspectionRow(&p.Rows[i], p.Now))
	}
	return v
}

func inspectionRow(r *inspection.Row, now time.Time) templates.InspectionRow {
	year, quarter := quarterOf(r.Code)
	return templates.InspectionRow{
		Code: r.Code, Year: year, Quarter: quarter, State: string(r.Shown), Population: r.Population, Sample: r.Sample, Checked: r.Checked,
		Findings: r.Findings, Closed: r.Closed, High: r.ByLevel[inspection.High], Medium: r.ByLevel[inspection.Medium], Low: r.ByLevel[inspection.Low],
		DueAt: r.DueAt.Add(-time.Second), SignedAt: instant(r.SignedAt), Overdue: r.Overdue(now),
	}
}

// quarterOf reads a code: XJ-2026Q4.
func quarterOf(code string) (year, quarter int) {
	text, q, _ := strings.Cut(strings.TrimPrefix(code, "XJ-"), "Q")
	year, _ = number(text)
	quarter, _ = number(q)
	return year, quarter
}

// madeBy is empty for the timer.
func madeBy(who id.User, name string) string {
	if who == 0 {
		return ""
	}
	return name
}

func inspectionView(d *inspection.Detail, by account.Actor) *templates.InspectionView {
	v := &templates.InspectionView{
		InspectionRow: inspectionRow(&d.Row, d.Now), Now: d.Now, Whole: d.Whole,
		OpenedBy: madeBy(d.OpenedBy, d.OpenedName), OpenedAt: d.OpenedAt, DrawnBy: madeBy(d.DrawnBy, d.DrawnName), DrawnAt: instant(d.DrawnAt),
		FirstAt: instant(d.FromAt), QuarterEnd: d.EndAt.Add(-time.Second), Batches: d.Batches, Seed: d.Seed, Commitment: d.Commitment, CommitLeaf: d.CommitLeaf,
		Root: d.PopulationRoot, SampleRoot: d.SampleRoot, ResultRoot: d.Root, Grave: d.Grave, Turn: roleKey(d.Turn),
		CanDraw: d.CanDraw, CanRun: d.CanRun, CanSign: d.CanSign, CanSendBack: d.CanSendBack,
	}
	if by.May(account.ConversationSearch) && len(d.NeverKeep) > 0 {
		v.NeverKeepPath = templates.ConversationsPath(templates.Search{Personal: d.NeverKeep, State: templates.SearchAll})
	}
	if d.CutAt != nil {
		v.LastAt = d.CutAt.Add(-time.Second) // the last day that is included
	}
	for i := range d.Items {
		item := inspectionLine(&d.Items[i], d.Departments[d.Items[i].DepartmentID])
		item.LockedBy = d.Locks[item.Seq]
		v.Items = append(v.Items, item)
	}
	for i := range d.FindingRows {
		v.FindingRows = append(v.FindingRows, inspectionFinding(&d.FindingRows[i], d, by))
	}
	v.Scans = inspectionScans(d.ScanRows)
	for _, p := range d.People {
		v.People = append(v.People, templates.HoldOwner{ID: id.String(p.User), Name: p.Name})
	}
	for i := range d.Past {
		if d.Past[i].State == inspection.Signed && d.Past[i].Code != d.Code && len(v.Past) < 4 {
			v.Past = append(v.Past, inspectionRow(&d.Past[i], d.Now))
		}
	}
	v.Signers = []templates.InspectionSigner{{RoleKey: "role.auditor", Part: "inspection.drafter"}, {RoleKey: "role.legal", Part: "inspection.second"}}
	// Whoever began it is expected to draft the report; any auditor may.
	v.Signers[0].Name = v.OpenedBy
	for i, s := range d.Signatures[:min(2, len(d.Signatures))] {
		v.Signers[i].Name, v.Signers[i].StaffNo, v.Signers[i].Opinion, v.Signers[i].At = s.Name, s.StaffNo, s.Opinion, s.At
	}
	if d.Text != nil {
		v.Report = inspectionReport(&d.Inspection, d.Text)
	}
	return v
}

func inspectionLine(i *inspection.Item, path string) templates.InspectionItem {
	return templates.InspectionItem{
		Seq: i.Seq, Code: i.Shown(), Batch: i.BatchCode, Department: path, Verdict: i.Verdict, Level: i.Level, Words: i.Words, By: i.CheckedName, At: instant(i.CheckedAt),
	}
}

func inspectionFinding(f *inspection.Finding, d *inspection.Detail, by account.Actor) templates.InspectionFinding {
	run := by.May(account.InspectionRun) && d.State != inspection.Signing
	out := templates.InspectionFinding{
		N: f.N, Code: f.Code(), Kind: f.Kind, Level: f.Level, Words: f.Words, State: f.State, Count: f.ItemCount, Objects: f.Codes(), Item: f.Seq,
		Owner: f.OwnerName, DueAt: instant(f.DueAt), Answer: f.Answer, AnsweredBy: f.AnsweredName, AnsweredAt: instant(f.AnsweredAt),
		Remark: f.Remark, ClosedBy: f.ClosedName, ClosedAt: instant(f.ClosedAt),
		CanAssign: run && f.State != inspection.FindingClosed, CanRecheck: run && f.State == inspection.FindingRecheck,
		CanClose:  run && f.State != inspection.FindingClosed && f.Level == inspection.Low,
		CanAnswer: by.May(account.InspectionAnswer) && f.OwnerID == by.ID && f.State == inspection.FindingRemediation && d.State != inspection.Signing,
	}
	if f.OwnerID != 0 {
		out.OwnerID = id.String(f.OwnerID)
	}
	return out
}

func inspectionScans(scans []inspection.Scan) (out []templates.InspectionScan) {
	for _, s := range scans {
		out = append(out, templates.InspectionScan{Kind: s.Kind, Ran: s.Ran, Count: s.Count, Objects: s.Objects})
	}
	return out
}

// inspectionReport is what the report says, signed or not.
func inspectionReport(i *inspection.Inspection, b *inspection.Body) *templates.InspectionReport {
	year, quarter := quarterOf(b.Code)
	r := &templates.InspectionReport{
		Code: b.Code, Organisation: b.Organisation, Year: year, Quarter: quarter, First: b.Quarter.First, Last: b.Quarter.Last, Zone: b.Quarter.Zone,
		From: b.Quarter.From, Until: b.Quarter.Until, DueAt: b.Quarter.DueAt.Add(-time.Second), Commitment: b.Commitment.SHA256, Seed: b.Commitment.Seed, Entry: b.Commitment.Entry,
		OpenedAt: b.Commitment.OpenedAt, OpenedBy: b.Commitment.OpenedBy, DrawnAt: b.Sample.DrawnAt, DrawnBy: b.Sample.DrawnBy, SignedAt: instant(b.SignedAt),
		Population: b.Population.Size, Batches: b.Population.Strata, Root: b.Population.Root, SampleRoot: b.Sample.Root, Method: b.Sample.Method, Sample: b.Sample.Size,
		Scans: inspectionScans(b.Scans), ResultRoot: b.ResultRoot, Digest: i.Digest, Leaf: i.Leaf, LogSize: b.Log.Size, LogRoot: b.Log.Root, Notes: b.Notes,
	}
	if i.File != nil {
		sum := sha256.Sum256(i.File)
		r.FileDigest = hex.EncodeToString(sum[:])
	}
	for _, s := range b.Sample.Strata {
		r.Strata = append(r.Strata, templates.InspectionStratum(s))
	}
	for n, it := range b.Items {
		batch, _, _ := strings.Cut(it.Item, "/")
		r.Items = append(r.Items, templates.InspectionItem{Seq: n + 1, Code: it.Code, Batch: batch, Verdict: it.Verdict, Level: it.Level, Words: it.Words, By: it.By, At: instant(it.At)})
	}
	for _, f := range b.Findings {
		r.Findings = append(r.Findings, templates.InspectionFinding{
			Code: f.Code, Kind: f.Kind, Level: f.Level, Words: f.Words, State: f.State, Count: f.Count, Objects: f.Objects, Owner: f.Owner, DueAt: instant(f.DueAt), Answer: f.Answer,
		})
	}
	r.Signers = []templates.InspectionSigner{{RoleKey: "role.auditor"}, {RoleKey: "role.legal"}}
	for n, s := range b.Signatures[:min(2, len(b.Signatures))] {
		r.Signers[n] = templates.InspectionSigner{RoleKey: roleKey(s.Role), Name: s.Name, StaffNo: s.StaffNo, Opinion: s.Opinion, At: s.At}
	}
	return r
}

func inspectionItem(d *inspection.ItemDetail) templates.InspectionItemView {
	v := templates.InspectionItemView{
		InspectionItem: inspectionLine(&d.Item, d.Path), Inspection: d.Inspection.Code, State: string(d.Inspection.State), Of: d.Of, Now: d.Now,
		Conversation: uint64(d.ConversationID), Living: d.Living, Type: d.Type, BatchID: uint64(d.Batch.ID), Reason: d.Batch.Reason, Owner: d.Batch.OwnerName,
		BinnedAt: d.Batch.CreatedAt, KeepUntil: d.Batch.KeepUntil, ExtendedAt: instant(d.Batch.ExtendedAt), ItemState: d.Row.State,
		LockedTo: d.LockedTo, CanJudge: d.CanJudge,
	}
	v.LockedBy = d.LockedBy
	for _, h := range d.Held {
		v.Holds = append(v.Holds, templates.InspectionHold{ID: uint64(h.ID), Code: h.Code, From: h.CreatedAt, Released: instant(h.ReleasedAt)})
	}
	if d.Purge != nil {
		v.Purge, v.PurgeCode, v.PurgeState, v.Certificate, v.CertificateCode = uint64(d.Purge.ID), d.Purge.Code, d.Purge.State, d.Purge.CertID, d.Purge.CertCode
	}
	if d.Stone != nil {
		v.PurgedAt = d.Stone.CreatedAt
	}
	for _, o := range d.Votes {
		v.Votes = append(v.Votes, templates.InspectionVote{Name: o.Name, RoleKey: roleKey(o.Role), Verdict: string(o.Verdict), At: o.At})
	}
	if d.Finding != nil {
		v.Finding = d.Finding.Code()
	}
	return v
}
