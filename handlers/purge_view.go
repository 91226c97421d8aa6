package handlers

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/templates"
)

func purgesView(page purge.Page, of templates.PurgeQuery, first bool) templates.PurgesView {
	view := templates.PurgesView{PurgeQuery: of, Total: page.Total, Next: uint64(page.Next), First: first, Now: page.Now}
	for _, r := range page.Rows {
		row := templates.PurgeRow{
			ID: uint64(r.ID), Code: r.Code, State: string(r.Shown), Incident: r.Incident, Size: r.Size, Path: r.Path, Paths: r.Paths, Batches: r.Batches,
			Requester: r.RequesterName, At: r.CreatedAt, Until: purgeUntil(&r.Request, r.Shown), Purged: r.Purged, Skipped: r.Skipped,
		}
		if r.RequesterID != 0 {
			row.RoleKey = roleKey(r.RequesterRole)
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

// purgeUntil is the end of what a request waits for.
func purgeUntil(r *purge.Request, shown purge.State) time.Time {
	switch shown {
	case purge.AwaitingSupervisor, purge.AwaitingLegal:
		return instant(r.ExpiresAt)
	case purge.CoolingOff:
		return instant(r.CoolingUntil)
	case purge.AwaitingCodes:
		return r.ConfirmUntil()
	case purge.Scheduled:
		return instant(r.DueAt)
	}
	return time.Time{}
}

func roleKey(r account.Role) string { return "role." + string(r) }

func requesterOf(r *purge.Request) templates.PurgePerson {
	if r.RequesterID == 0 {
		return templates.PurgePerson{}
	}
	return templates.PurgePerson{Name: r.RequesterName, StaffNo: r.RequesterStaffNo, RoleKey: roleKey(r.RequesterRole)}
}

func purgeView(d *purge.Detail, by account.Actor) templates.PurgeView {
	shown := d.Shown(d.Now)
	v := templates.PurgeView{
		ID: uint64(d.ID), Code: d.Code, State: string(shown), Draft: d.State == purge.Draft, Organisation: d.ScopeKind == purge.Organisation,
		Size: d.Size, Messages: d.Messages, Attachments: d.Attachments, Bytes: d.Bytes, Requester: requesterOf(&d.Request), Reason: d.Reason, Incident: d.Incident,
		Root: hex.EncodeToString(d.Root), FrozenAt: instant(d.RequestedAt), ExpiresAt: instant(d.ExpiresAt), FirstAt: instant(d.FirstAt), LastAt: instant(d.LastAt),
		Stages: purgeStages(d), Batches: purgeBatches(d.Batches), Departments: purgeShares(d.Departments), Excluded: purgeCounts(d.ExcludedCounts()),
		CoolingHours: d.CoolingHours, CoolingFrom: instant(d.CoolingFrom), CoolingUntil: instant(d.CoolingUntil), Cooling: shown == purge.CoolingOff,
		DueAt: instant(d.DueAt), KeepUntil: d.KeepUntil, ConfirmUntil: d.ConfirmUntil(), AtOnce: d.AtOnce, LegalAtOnce: d.LegalAtOnce,
		Progress:   purgeProgress(d),
		Closed:     d.State == purge.Rejected || d.State == purge.Withdrawn || d.State == purge.Lapsed || d.State == purge.Replayed,
		ClosedBy:   d.ClosedBy,
		ClosedAt:   instant(d.ClosedAt),
		CanRequest: d.State == purge.Draft && d.RequestRefused == nil,
		CanVote:    d.VoteRefused == nil, LegalVotes: d.State == purge.AwaitingLegal,
		CanWithdraw: d.WithdrawRefused == nil, CanConfirm: d.ConfirmRefused == nil, Now: d.Now,
	}
	v.Path, v.Paths = largest(d.Departments)
	v.Reach = reachView(d.Reach, d.Now)
	v.Reach.Planned = d.Certificate == nil
	if d.State == purge.Lapsed {
		v.Lapse = templates.Words{Key: "purge.lapse_" + d.ClosedReason}
	} else {
		v.ClosedReason = d.ClosedReason
	}
	if d.Changes != nil {
		v.Checks, v.Intact, v.CheckedAt = purgeChecks(d.Changes), d.Changes.Intact(), d.Changes.At
	}
	// Why there is no button is said to those who would look for it.
	if votes := by.May(account.PurgeApprove) || by.ID == d.RequesterID; votes && fault.KindOf(d.VoteRefused) == fault.KindForbidden {
		v.VoteRefused = words(d.VoteRefused)
	}
	return v
}

func largest(shares []purge.Share) (path string, n int) {
	var most int64
	for _, s := range shares {
		if s.Conversations > most {
			path, most = s.Path, s.Conversations
		}
	}
	return path, len(shares)
}

func purgeShares(shares []purge.Share) []templates.PurgeDepartment {
	out := make([]templates.PurgeDepartment, len(shares))
	for i, s := range shares {
		out[i] = templates.PurgeDepartment{Path: s.Path, Conversations: s.Conversations, Messages: s.Messages, Attachments: s.Attachments, Bytes: s.Bytes}
	}
	return out
}

func purgeBatches(batches []purge.Batch) []templates.PurgeBatch {
	out := make([]templates.PurgeBatch, len(batches))
	for i, b := range batches {
		out[i] = templates.PurgeBatch{ID: uint64(b.BatchID), Code: b.Code, ResidueCount: b.ResidueCount, ResidueReason: b.ResidueReason}
		var left []bin.Residue
		// A batch without residue may say nothing at all.
		if json.Unmarshal([]byte(b.Residue), &left) == nil {
			for _, r := range left {
				out[i].Residue = append(out[i].Residue, templates.PurgeResidue{Path: r.Path, Count: r.Count})
			}
		}
	}
	return out
}

func purgeCounts(counts map[purge.Reason]int64) []templates.PurgeCount {
	var out []templates.PurgeCount
	for _, r := range purge.Reasons() {
		if counts[r] > 0 {
			out = append(out, templates.PurgeCount{Reason: string(r), N: counts[r]})
		}
	}
	return out
}

// purgeChecks are the rows of the look at a frozen list, always all of them.
func purgeChecks(c *purge.Changes) []templates.PurgeCheck {
	var out []templates.PurgeCheck
	for _, r := range []purge.Reason{purge.Held, purge.Floor, purge.Order, purge.Restored, purge.Version, purge.Gone} {
		check := templates.PurgeCheck{Key: "purge.check_" + string(r), State: "passed", Count: c.Skipped[r]}
		if check.Count > 0 {
			check.State = "warning"
		}
		if r == purge.Floor && c.Policy {
			check.Note = templates.Words{Key: "purge.policy_changed"}
		}
		out = append(out, check)
	}
	return out
}

func purgeProgress(d *purge.Detail) templates.PurgeProgress {
	p := templates.PurgeProgress{
		ID: uint64(d.ID), State: string(d.Shown(d.Now)), Executing: d.State.Executing() || d.Phase == purge.PhaseFile, Waiting: d.State.Open(),
		Phase: string(d.Phase), Done: d.Progress.Done, Total: d.Progress.Total, Purged: d.Purged, Skipped: d.Skipped, Skips: purgeCounts(d.Progress.Skips),
		Buckets: d.Progress.Buckets, BucketsDestroyed: d.Progress.BucketsDestroyed, Survivors: d.Progress.Survivors,
		StartedAt: instant(d.StartedAt), FinishedAt: instant(d.FinishedAt), Attempts: d.Progress.Attempts,
		Stopped: d.Progress.JobState == string(job.Failed), Now: d.Now,
	}
	if d.Certificate != nil {
		p.Certificate, p.CertificateCode = uint64(d.Certificate.ID), d.Certificate.Code
	}
	return p
}

func purgeNewView(p *purge.Preview) templates.PurgeNewView {
	reach := reachView(p.Reach, p.Now)
	reach.Planned = true
	return templates.PurgeNewView{
		Reach:   reach,
		Batches: purgeBatches(p.Batches), Size: p.Size, Messages: p.Messages, Attachments: p.Attachments, Bytes: p.Bytes,
		Excluded: purgeCounts(p.Excluded), Departments: purgeShares(p.Departments), Cooling: p.Cooling,
		ScopeKey: "purge.scope_" + string(p.ScopeKind), Organisation: p.ScopeKind == purge.Organisation, KeepUntil: p.KeepUntil, Now: p.Now,
	}
}

func purgeExecuteView(d *purge.Detail) templates.PurgeExecuteView {
	v := templates.PurgeExecuteView{
		ID: uint64(d.ID), Code: d.Code, Size: d.Size, Root: hex.EncodeToString(d.Root), Until: d.ConfirmUntil(), Refused: words(d.ConfirmRefused), Incident: d.Incident,
	}
	v.Path, v.Paths = largest(d.Departments)
	if d.Changes != nil {
		v.Intact, v.CheckedAt = d.Changes.Intact(), d.Changes.At
	}
	for _, vote := range d.Votes {
		who := templates.PurgePerson{Name: vote.Name, StaffNo: vote.StaffNo, RoleKey: roleKey(vote.Role)}
		if vote.Role == account.Legal {
			v.Legal = who
		} else {
			v.Supervisor = who
		}
	}
	return v
}
