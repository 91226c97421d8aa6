package handlers

import (
	"cmp"
	"slices"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/fault"
	"qingdang/templates"
)

func exportsView(p *export.Page, q exportQuery, by account.Actor) templates.ExportsView {
	v := templates.ExportsView{
		Filter: templates.ExportFilter{State: q.State, Format: q.Format, Text: q.Text, Mine: q.Mine}, Total: p.Total, OnShelf: p.OnShelf, Bytes: p.Bytes,
		Before: uint64(q.Before), CanCreate: by.May(account.ExportCreate), CanCertificates: by.May(account.CertificateRead), OthersToo: by.Role != account.Agent,
	}
	for _, s := range export.States() {
		v.States = append(v.States, string(s))
	}
	for i := range p.Rows {
		r := exportRow(&p.Rows[i].Export, by)
		r.Done, r.Total, r.Ahead, r.MayApprove = p.Rows[i].Done, p.Rows[i].Total, p.Rows[i].Ahead, p.Rows[i].MayApprove
		v.Rows = append(v.Rows, r)
	}
	if p.More {
		v.Next = v.Rows[len(v.Rows)-1].ID
	}
	return v
}

func exportRow(e *export.Export, by account.Actor) templates.ExportRow {
	r := templates.ExportRow{
		ID: uint64(e.ID), Code: e.Code, State: string(e.State), Kind: string(e.Kind), Format: string(e.Format), Mask: string(e.Mask), Purpose: e.Purpose,
		Owner: e.OwnerName, Own: e.OwnerID == by.ID, Outside: e.Outside, Conversations: e.Asked, At: e.CreatedAt, Days: e.Days,
		ReadyAt: instant(e.ReadyAt), ExpiresAt: instant(e.ExpiresAt), FetchedAt: instant(e.FetchedAt), ClosedAt: instant(e.ClosedAt),
		ClosedBy: e.ClosedName, ClosedReason: e.ClosedReason, Total: e.Asked,
	}
	if e.State == export.Failed {
		r.ClosedReason, r.Failure = "", jobWords(e.ClosedReason)
	}
	if e.FrozenAt != nil {
		r.Conversations = e.Size
	}
	for _, why := range e.NeedsApproval() {
		r.Needs = append(r.Needs, string(why))
	}
	return r
}

func exportView(d *export.Detail, tree *department.Tree, by account.Actor) templates.ExportView {
	v := templates.ExportView{
		ExportRow: exportRow(&d.Export, by), Now: d.Now, Scope: exportScope(&d.Selection, tree, d.OwnerID == by.ID || by.May(account.ExportApprove)), Recipient: d.Recipient, Consent: d.Consent,
		OwnKey: d.RecipientKey != "", Zip: d.Zip, Lang: d.Lang, Staff: d.OwnerStaffNo, Root: d.WishRoot(), Fingerprint: d.Fingerprint(), FrozenAt: instant(d.FrozenAt),
		Asked: d.Asked, Written: d.Written, LeftOut: d.LeftOut, Messages: d.Messages, Bytes: d.Export.Bytes, AnswerUntil: instant(d.AnswerUntil),
		KeyGoneAt: instant(d.KeyGoneAt), FileName: d.FileName(), FileHash: d.FileSHA256,
		CanVote: d.ApproveRefused == nil, CanFetch: d.FetchRefused == nil, CanCancel: d.CancelRefused == nil, CanAgain: d.AgainRefused == nil,
		// Who may cancel or answer needs no recall.
		CanRecall: d.RecallRefused == nil && d.CancelRefused != nil && d.ApproveRefused != nil,
	}
	v.Done, v.Total, v.Ahead = d.Done, d.Total, d.Ahead
	v.Spread = exportSpread(d.Spread, tree)
	if !v.CanVote && fault.KindOf(d.ApproveRefused) != fault.KindConflict && by.May(account.ExportApprove) {
		v.VoteRefused = words(d.ApproveRefused)
	}
	if d.State == export.Ready && v.Own && !v.CanFetch {
		v.FetchRefused = words(d.FetchRefused)
	}
	for _, p := range d.Shelf {
		v.Parts = append(v.Parts, templates.ExportPart{
			N: p.N, Bytes: p.PlainBytes, Conversations: p.Conversations, Messages: p.Messages, First: p.FirstSeq, Last: p.LastSeq, Replaced: p.Replaced, Hash: p.PlainSHA256,
		})
	}
	for _, r := range []export.Reason{export.ReasonPurged, export.ReasonScope, export.ReasonNeverKeep, export.ReasonChanged, export.ReasonUnreadable} {
		if n := d.Reasons[r]; n > 0 {
			v.Reasons = append(v.Reasons, templates.ExportReason{Code: string(r), Count: n})
		}
	}
	for _, one := range d.Votes {
		v.Votes = append(v.Votes, templates.ExportVote{Name: one.Name, StaffNo: one.StaffNo, Approved: one.Approved, Opinion: one.Opinion, At: one.At})
	}
	return v
}

// exportSpread tells what an export held when it was asked for.
func exportSpread(s *export.Spread, tree *department.Tree) *templates.ExportSpread {
	if s == nil {
		return nil
	}
	out := &templates.ExportSpread{First: s.First, Last: s.Last}
	for _, d := range s.Departments {
		out.Departments = append(out.Departments, templates.ExportShare{Name: tree.Path(d.Department), Count: d.Conversations})
	}
	slices.SortStableFunc(out.Departments, func(a, b templates.ExportShare) int { return cmp.Compare(b.Count, a.Count) })
	for _, t := range s.Types {
		out.Types = append(out.Types, templates.ExportShare{Name: t.Type, Count: t.Conversations})
	}
	return out
}

// exportScope tells what an export is of. A customer is masked: the page may be seen by more people than
// the form was. Words are for whoever typed them and whoever decides on them; the others see how many there are.
func exportScope(s *export.Selection, tree *department.Tree, words bool) templates.ExportScope {
	out := templates.ExportScope{
		Kind: string(s.Kind), Count: len(s.Conversations), Hold: uint64(s.Hold), Batch: uint64(s.Batch), Draft: s.Draft, Customer: maskedAccount(s.Customer),
	}
	if s.Kind == export.OfConversation && len(s.Conversations) == 1 {
		out.Conversation = uint64(s.Conversations[0])
	}
	switch {
	case s.Search != nil:
		out.Found, out.Terms, out.Except = true, s.Search.Terms, s.Search.Except
		if words {
			out.Words = s.Search.Words
		}
	case s.Kind != export.OfQuery:
		return out
	}
	q := &s.Query
	out.Customer = maskedAccount(q.Customer)
	out.From, out.Types, out.Tags, out.WithoutTags, out.Platforms, out.Agents, out.Personal = q.From, q.ServiceTypes, q.Tags, q.WithoutTags, q.Platforms, q.AgentIDs, q.Personal
	out.Traits = shownTraits(q.Traits)
	if !q.To.IsZero() {
		out.To = q.To.AddDate(0, 0, -1) // the last day that is included
	}
	if !q.Departments.All && !q.Departments.Empty() {
		for _, d := range q.Departments.Departments.Values() {
			out.Departments = append(out.Departments, tree.Path(d))
		}
	}
	for _, state := range q.States {
		out.States = append(out.States, state.Code())
	}
	return out
}

func exportCount(p *export.Preview) *templates.ExportCount {
	out := &templates.ExportCount{Conversations: p.Conversations, Messages: p.Messages, Attachments: p.Attachments, Bytes: p.Bytes, Parts: p.Parts, MostDays: p.MostDays, Sealed: p.Sealed}
	for _, why := range p.Needs {
		out.Needs = append(out.Needs, string(why))
	}
	for _, a := range p.Approvers {
		out.Approvers = append(out.Approvers, a.Name)
	}
	return out
}

// exportSample is made up; its numbers pass the checks that real ones pass.
var exportSample = []conversation.Message{
	{Sender: conversation.FromCustomer, SenderName: "王小明", Text: "我的电话是 13800138000，请寄到浙江省杭州市西湖区文三路 90 号 3 幢 501 室"},
	{Sender: conversation.FromCustomer, SenderName: "王小明", Text: "退款请打到这张卡 6222021202041701708"},
	{Sender: conversation.FromAgent, SenderName: "李雨桐", Text: "好的，快递员会拨打 13800138000，也可以联系我 lyt@example.com"},
}

// exportSamples shows what each mask makes of the sample, the text as it is first.
func exportSamples(unmasked bool) []templates.ExportSample {
	masks := []export.Mask{export.MaskNone, export.MaskAll}
	if unmasked {
		masks = append(masks, export.MaskOthers)
	}
	var out []templates.ExportSample
	for _, m := range masks {
		s := templates.ExportSample{Mask: string(m)}
		for _, said := range m.Sample(exportSample) {
			s.Lines = append(s.Lines, templates.ExportSampleLine{Who: said.SenderName, Text: said.Text})
		}
		out = append(out, s)
	}
	return out
}
