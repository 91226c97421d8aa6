package handlers

import (
	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/purge"
	"qingdang/templates"
)

// The states of a stage, as the widget knows them.
const (
	stageDone    = "done"
	stageCurrent = "current"
	stageRefused = "refused"
)

// purgeStages is the chain of seven stages from the request to the certificate.
func purgeStages(d *purge.Detail) []templates.PurgeStage {
	stages := []templates.PurgeStage{
		{Key: "purge.stage_request", State: stageDone, Who: requesterOf(&d.Request), At: instant(d.RequestedAt), Note: d.Reason},
		purgeVoteStage(d, account.Supervisor, purge.AwaitingSupervisor),
		purgeVoteStage(d, account.Legal, purge.AwaitingLegal),
		purgeCoolingStage(d),
		purgeConfirmStage(d),
		{Key: "purge.stage_run"},
		{Key: "purge.stage_certificate"},
	}
	if d.State == purge.Draft {
		stages[0] = templates.PurgeStage{Key: "purge.stage_request", State: stageCurrent, Icon: "hourglass", Remark: templates.Words{Key: "purge.stage_draft"}}
	}
	run, end := &stages[5], &stages[6]
	switch {
	case d.FinishedAt != nil:
		run.State, run.At = stageDone, *d.FinishedAt
		run.Remark = templates.Words{Key: "purge.stage_run_done", Args: []any{d.Purged, d.Skipped}}
	case d.StartedAt != nil:
		run.State, run.Icon, run.At = stageCurrent, "loader-2", *d.StartedAt
	case d.DueAt != nil && d.State.Open():
		run.Remark = templates.Words{Key: "purge.stage_due", Args: []any{*d.DueAt}}
	}
	if d.Certificate != nil {
		end.State, end.At, end.Note = stageDone, d.Certificate.IssuedAt, d.Certificate.Code
	}
	return stages
}

func purgeVoteStage(d *purge.Detail, role account.Role, awaited purge.State) templates.PurgeStage {
	s := templates.PurgeStage{Key: "purge.stage_" + string(role), Who: templates.PurgePerson{RoleKey: roleKey(role)}}
	for _, v := range d.Votes {
		if v.Role != role {
			continue
		}
		s.State, s.Note, s.At = stageDone, v.Opinion, v.At
		s.Who.Name, s.Who.StaffNo = v.Name, v.StaffNo
		if v.Verdict == approval.Reject {
			s.State = stageRefused
		}
		return s
	}
	if d.State == awaited {
		s.State, s.Icon = stageCurrent, "hourglass"
		s.Remark = templates.Words{Key: "purge.stage_until", Args: []any{instant(d.ExpiresAt)}}
	}
	return s
}

func purgeCoolingStage(d *purge.Detail) templates.PurgeStage {
	s := templates.PurgeStage{Key: "purge.stage_cooling", Nobody: true, Remark: templates.Words{Key: "purge.hours", Args: []any{d.CoolingHours}}}
	if d.CoolingUntil == nil {
		return s
	}
	s.At = *d.CoolingUntil
	switch {
	case !d.Now.Before(*d.CoolingUntil):
		s.State = stageDone
	case d.State == purge.CoolingOff:
		s.State, s.Icon, s.Remark = stageCurrent, "hourglass", templates.Words{Key: "purge.stage_withdrawable"}
	}
	return s
}

func purgeConfirmStage(d *purge.Detail) templates.PurgeStage {
	s := templates.PurgeStage{Key: "purge.stage_codes", Who: templates.PurgePerson{RoleKey: roleKey(account.Legal)}}
	switch {
	case d.ScopeKind != purge.Organisation:
		s.Remark = templates.Words{Key: "purge.stage_not_needed"}
		if d.StartedAt != nil {
			s.State = stageDone
		}
	case d.ConfirmedAt != nil:
		s.State, s.At, s.Who.Name, s.Who.StaffNo = stageDone, *d.ConfirmedAt, d.ConfirmedName, d.ConfirmedStaffNo
	case d.Shown(d.Now) == purge.AwaitingCodes:
		s.State, s.Icon, s.Remark = stageCurrent, "key", templates.Words{Key: "purge.stage_until", Args: []any{d.ConfirmUntil()}}
	}
	return s
}
