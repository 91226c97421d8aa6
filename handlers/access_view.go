package handlers

import (
	"strings"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/templates"
)

func accessView(p *access.Page, tree *department.Tree, by account.Actor) templates.AccessView {
	v := templates.AccessView{Total: p.Total, CanAsk: by.May(account.AccessRequest) && !by.Scope.All}
	for _, part := range accessParts(by) {
		v.Parts = append(v.Parts, templates.AccessPart{Code: string(part), Count: p.Counts[part]})
	}
	for i := range p.Rows {
		r := &p.Rows[i]
		row := accessRow(&r.Grant, len(r.Departments), tree)
		row.State, row.MayDecide, row.Own = string(r.Status(p.Now)), r.MayDecide, r.Own
		v.Rows = append(v.Rows, row)
	}
	if p.More {
		v.Next = v.Rows[len(v.Rows)-1].ID
	}
	return v
}

func accessRow(g *access.Grant, departments int, tree *department.Tree) templates.AccessRow {
	return templates.AccessRow{
		ID: uint64(g.ID), Code: g.Code, State: string(g.State), Reason: g.Reason, Asker: g.AskerName, At: g.AskedAt, AnswerUntil: g.ExpiresAt,
		EndsAt: instant(g.EndsAt), ClosedAt: instant(g.ClosedAt), ClosedWhy: g.ClosedWhy,
		What: templates.AccessWhat{Kind: string(g.Kind), Department: tree.Path(g.DepartmentID), Sub: g.Sub, Departments: departments, Conversation: g.ConversationCode},
	}
}

func accessGrantView(d *access.Detail, tree *department.Tree, by account.Actor) templates.AccessGrantView {
	v := templates.AccessGrantView{
		AccessRow: accessRow(&d.Grant, len(d.Departments), tree), Staff: d.AskerStaffNo, AskerRole: string(d.AskerRole), Days: d.Days, Root: d.Fingerprint(),
		Approver: d.ApproverName, ApproverNo: d.ApproverStaffNo, ApproverRole: string(d.ApproverRole), Opinion: d.Opinion, DecidedAt: instant(d.DecidedAt),
		ClosedBy: d.ClosedName, ClosedReason: d.ClosedReason, Broken: d.Broken, Missing: d.Missing, Used: d.Used,
		CanDecide: d.DecideRefused == nil, CanEnd: d.EndRefused == nil, FromDay: instant(d.FromAt), ToDay: instant(d.ToAt),
	}
	v.State, v.Own, v.What.Customer = string(d.Status(d.Now)), d.AskerID == by.ID, maskedAccount(d.Customer)
	if d.ToAt != nil {
		v.ToDay = d.ToAt.AddDate(0, 0, -1)
	}
	if d.ClosedBy == 0 {
		v.ClosedBy = ""
	}
	// Where one conversation lies its asker does not learn before somebody agreed.
	if d.Kind != access.OfConversation || !v.Own || d.State == access.Granted {
		for _, one := range d.Departments {
			v.List = append(v.List, tree.Path(one))
		}
	}
	if v.State == "asked" && !v.Own && by.May(account.AccessDecide) && fault.KindOf(d.DecideRefused) == fault.KindForbidden {
		v.DecideRefused = words(d.DecideRefused)
	}
	if r, ok := by.Under(d.Code); ok && v.Own && v.State == "granted" && d.Broken == "" {
		v.SearchPath = templates.ConversationsPath(templates.Search{Under: r.Code})
	}
	for _, u := range d.Uses {
		v.Uses = append(v.Uses, templates.AccessUse{At: u.At, Action: strings.TrimPrefix(u.Action, "conversation."), Object: u.Object, Count: u.Count, Refused: u.Result == "refused"})
	}
	return v
}
