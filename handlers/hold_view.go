package handlers

import (
	"time"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/templates"
)

func holdsView(p *hold.Page, q holdQuery) templates.HoldsView {
	v := templates.HoldsView{
		Filter: q.filter(), Total: int64(p.Total), Page: q.Page, Last: (p.Total + holdsPerPage - 1) / holdsPerPage,
		First: int64((q.Page-1)*holdsPerPage + 1), Now: p.Now, Owners: holdOwners(p.Owners, 0),
		Strip: templates.HoldStrip{
			Active: p.Strip.InForce, Conversations: p.Strip.Conversations, Due: p.Strip.DueSoon, DueFirst: instant(p.Strip.Earliest),
			Overdue: p.Strip.Overdue, OverdueCode: p.Strip.OldestCode, Pending: p.Strip.Releasing, PendingCode: p.Strip.Waiting,
		},
	}
	if p.Strip.OldestSince != nil {
		v.Strip.OverdueDays = max(1, int(p.Now.Sub(*p.Strip.OldestSince)/(24*time.Hour)))
	}
	for i := range p.Rows {
		v.Rows = append(v.Rows, holdRow(&p.Rows[i], p.Now))
	}
	return v
}

// days counts a part of a day as one.
func days(d time.Duration) int { return int((d + 24*time.Hour - 1) / (24 * time.Hour)) }

func holdOwners(list []account.Standing, without id.User) []templates.HoldOwner {
	var out []templates.HoldOwner
	for _, o := range list {
		if o.User != without {
			out = append(out, templates.HoldOwner{ID: id.String(o.User), Name: o.Name})
		}
	}
	return out
}

func holdRow(r *hold.Row, now time.Time) templates.HoldRow {
	return templates.HoldRow{
		ID: uint64(r.ID), Code: r.Code, Name: r.Name, Scope: holdScope(&r.Scope), Conversations: r.Conversations, Owner: r.Owner.Name,
		ReviewAt: r.ReviewOn, State: string(r.Status), DaysLeft: max(0, days(r.ReviewOn.Sub(now))),
	}
}

func holdScope(s *hold.Scope) templates.HoldScope {
	out := templates.HoldScope{
		Kind: string(s.Kind), Sub: s.Sub, From: s.From, Types: s.ServiceTypes, Tags: s.Tags, WithoutTags: s.WithoutTags, Platforms: s.Platforms,
		Agents: s.Agents, Customers: s.Customers, Singles: s.Conversations, Continuing: s.Continuing,
	}
	if !s.To.IsZero() {
		out.To = s.To.Add(-time.Second) // the last day that is included
	}
	for _, d := range s.Departments {
		out.Departments = append(out.Departments, d.Path)
	}
	return out
}

func holdDetail(d *hold.Detail, by account.Actor) *templates.HoldDetail {
	v := &templates.HoldDetail{
		HoldRow: holdRow(&d.Row, d.Now), Reason: d.Reason, Messages: d.Counts.Messages,
		Live: d.Counts.Active, Hidden: d.Counts.Hidden, Sealed: d.Counts.Sealed, Binned: d.Counts.Binned, Listed: d.Counts.OnList,
		PlacedBy: d.PlacedByWho.Name, PlacedAt: d.CreatedAt, ReleasedAt: instant(d.ReleasedAt),
		CanExport: by.May(account.ExportCreate), CanReview: d.CanReview, CanRequest: d.CanRequest, CanDecide: d.CanDecide, CanCancel: d.CanCancel,
	}
	for _, b := range d.Blocks {
		v.Blocks = append(v.Blocks, templates.HoldBlock{Key: "hold.block_" + b.Kind, Code: b.Code, Count: b.Conversations, By: b.By, At: b.At})
	}
	for _, e := range d.History {
		v.History = append(v.History, holdEvent(e))
	}
	if r := d.Release; r != nil && r.Open() {
		v.Release = &templates.HoldRelease{
			State: string(d.Status), Requester: r.RequesterName, Approver: r.ApproverName, Reason: r.Reason, Opinion: r.Opinion,
			Root: r.Fingerprint(), RequestedAt: r.RequestedAt, EndsAt: instant(r.EndsAt), ExpiresAt: r.ExpiresAt,
		}
		v.Own = r.RequesterPerson == by.PersonID
	}
	return v
}

// holdEvent tells a step: what a person wrote as it is, why the system acted in the reader's words.
func holdEvent(e hold.Event) templates.HoldEvent {
	out := templates.HoldEvent{Key: "hold.did_" + e.Action[len("hold."):], Who: e.Name, Note: e.Text, At: e.At, Next: instant(e.Until)}
	if e.Action == "hold.release_lapsed" {
		out.Note, out.Why = "", "hold.lapse_"+e.Text
	}
	return out
}

// departmentChoices are the departments of the scope in the order of the tree.
func departmentChoices(t *department.Tree, s account.Scope) []templates.DepartmentChoice {
	var out []templates.DepartmentChoice
	for _, d := range t.Preorder() {
		if s.Has(d) {
			dep, _ := t.Get(d)
			out = append(out, templates.DepartmentChoice{ID: uint64(d), Name: dep.Name, Depth: dep.Level - 1})
		}
	}
	return out
}
