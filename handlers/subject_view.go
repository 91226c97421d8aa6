package handlers

import (
	"strings"

	"qingdang/models/account"
	"qingdang/models/subject"
	"qingdang/templates"
)

func subjectsView(p *subject.Page, page int) templates.SubjectsView {
	v := templates.SubjectsView{Total: p.Total, Page: page, Last: int((p.Total + subjectsPerPage - 1) / subjectsPerPage), First: int64((page-1)*subjectsPerPage + 1)}
	for _, s := range subject.States() {
		v.States = append(v.States, string(s))
	}
	for i := range p.Rows {
		v.Rows = append(v.Rows, subjectRow(&p.Rows[i]))
	}
	return v
}

func subjectRow(r *subject.Row) templates.SubjectRow {
	c := r.Parts
	return templates.SubjectRow{
		ID: uint64(r.ID), Code: r.Code, State: string(r.State), Reference: r.Reference, ReceivedAt: r.ReceivedAt, AnswerBy: r.AnswerBy, AnsweredAt: instant(r.AnsweredAt), Late: r.Over,
		Count: r.Size, Parts: templates.SubjectParts{
			Sealed: c.Sealed, InBin: c.InBin, Destroyed: c.Destroyed, Lifted: c.Lifted, Floor: c.Floor, Held: c.Held, Order: c.Order, Due: c.Due, Restored: c.Restored,
		},
	}
}

func subjectView(d *subject.Detail, lines []subject.Line, by account.Actor) templates.SubjectView {
	v := templates.SubjectView{
		SubjectRow: subjectRow(&d.Row), Reason: d.Reason, Creator: d.CreatorName, CreatedAt: d.CreatedAt, AnsweredName: d.AnsweredName,
		EndedName: d.EndedName, EndReason: d.EndReason, EndedAt: instant(d.EndedAt), NextUntil: instant(d.NextUntil), Forever: d.Forever, Waiting: d.Waiting,
		CanBin: d.CanBinAgain, CanLift: d.CanLift, CanSee: d.CanSeeCustomer, CanAnswer: by.May(account.SubjectCreate) && d.AnsweredAt == nil,
		CanOpen: by.May(account.ConversationSealed), CanCertificates: by.May(account.CertificateRead),
	}
	if by.May(account.SubjectLift) {
		v.LiftRefused = words(d.LiftRefused)
	}
	paper := map[string]templates.SubjectCertificate{}
	for i := range d.Certificates {
		paper[d.Certificates[i].Code] = subjectCertificate(&d.Certificates[i])
		v.Certificates = append(v.Certificates, paper[d.Certificates[i].Code])
	}
	for _, e := range d.History {
		v.History = append(v.History, templates.SubjectEvent{Action: strings.TrimPrefix(e.Action, "subject."), Who: e.Name, Note: e.Text, Code: e.Batch, Count: e.Count, At: e.At})
	}
	for i := range lines {
		l := &lines[i]
		v.Lines = append(v.Lines, templates.SubjectLine{
			ID: uint64(l.ID), Code: l.Code, Department: l.Path, Type: l.ServiceType, LastAt: l.LastAt, Place: l.Place, Why: l.Why, Holds: l.Holds, Until: l.Until, Forever: l.Forever,
			Batch: uint64(l.Batch), BatchCode: l.BatchCode, KeepUntil: l.KeepUntil, Certificate: paper[l.Certificate],
		})
	}
	return v
}

func subjectCertificate(c *subject.Certificate) templates.SubjectCertificate {
	return templates.SubjectCertificate{ID: c.ID, Code: c.Code, Purged: c.Conversations, At: c.IssuedAt}
}

func subjectAnswer(a *subject.Answer) *templates.SubjectAnswerView {
	v := &templates.SubjectAnswerView{
		ID: uint64(a.ID), Code: a.Code, Reference: a.Reference, State: string(a.State), At: a.Now, ReceivedAt: a.ReceivedAt, Count: a.Size,
		Sealed: a.Parts.Sealed, InBin: a.Parts.InBin, Destroyed: a.Parts.Destroyed, Lifted: a.Parts.Lifted, BinUntil: instant(a.BinUntil),
	}
	for i := range a.Certificates {
		v.Certificates = append(v.Certificates, subjectCertificate(&a.Certificates[i]))
	}
	for _, s := range a.Stays {
		v.Stays = append(v.Stays, templates.SubjectStay{Type: s.ServiceType, Why: s.Why, Count: s.Count, Until: instant(s.Until), Days: s.Days, Forever: s.Forever, Basis: s.Basis})
	}
	return v
}
