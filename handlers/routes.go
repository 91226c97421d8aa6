// Package handlers owns the screens: one type per screen, and the table of all routes
// with the permission each one needs.
package handlers

import (
	"net/http"

	"qingdang/models/account"
	"qingdang/web"
)

// Screens holds the screens of the console. The wiring fills it.
type Screens struct {
	Conversations *Conversations
	Conversation  *Conversation
	Searches      *Searches
	Batches       *Batches
	Bin           *Bin
	Login         *Login
	Setup         *Setup
	Preferences   *Preferences
	Account       *Account
	Org           *Org
	OrgDepartment *OrgDepartments
	Purges        *Purges
	Audit         *Audit
	Reports       *Reports
	Letters       *Letters
	Certificates  *Certificates
	Holds         *Holds
	Subjects      *Subjects
	Inspections   *Inspections
	Retention     *Retention
	Exports       *Exports
	Access        *Access
	Home          *Home
	Imports       *Imports
	Jobs          *Jobs
	Go            *Go
	Help          *Help
}

// Routes is the permission table: what is not in it does not exist, and web refuses to
// mount a line without a permission.
func (s *Screens) Routes() []web.Route {
	const get, post = http.MethodGet, http.MethodPost
	return []web.Route{
		{Method: get, Path: "/login", Permission: web.Public, Handler: s.Login.Ask},
		{Method: post, Path: "/login", Permission: web.Public, Handler: s.Login.Password, Limited: true},
		{Method: get, Path: "/login/otp", Permission: web.Public, Handler: s.Login.AskCode},
		{Method: post, Path: "/login/otp", Permission: web.Public, Handler: s.Login.Code, Limited: true},
		{Method: get, Path: "/login/enroll", Permission: web.Public, Handler: s.Login.AskEnrol},
		{Method: post, Path: "/login/enroll", Permission: web.Public, Handler: s.Login.Enrol, Limited: true},
		{Method: post, Path: "/logout", Permission: web.SignedIn, Handler: s.Login.Logout},
		{Method: get, Path: "/setup/:token", Permission: web.Public, Handler: s.Setup.Ask, Limited: true},
		{Method: post, Path: "/setup/:token", Permission: web.Public, Handler: s.Setup.Use, Limited: true},
		{Method: post, Path: "/preferences/language", Permission: web.Public, Handler: s.Preferences.Language},
		{Method: post, Path: "/preferences/theme", Permission: web.Public, Handler: s.Preferences.Theme},
		{Method: post, Path: "/preferences/shortcuts", Permission: web.SignedIn, Handler: s.Preferences.Shortcuts},
		{Method: get, Path: "/account", Permission: web.SignedIn, Handler: s.Account.Show},
		{Method: post, Path: "/account/password", Permission: web.SignedIn, Handler: s.Account.ChangePassword},
		{Method: post, Path: "/account/recovery", Permission: web.SignedIn, Handler: s.Account.RenewCodes},
		{Method: post, Path: "/account/sessions/:handle/revoke", Permission: web.SignedIn, Handler: s.Account.Revoke},
		{Method: get, Path: "/org", Permission: account.OrgRead, Handler: s.Org.List},
		{Method: get, Path: "/org/departments/:id", Permission: account.OrgEdit, Handler: s.OrgDepartment.Show},
		{Method: post, Path: "/org/departments/:id/move", Permission: account.OrgEdit, Handler: s.OrgDepartment.Move},
		{Method: get, Path: "/org/members/:id", Permission: account.OrgRead, Handler: s.Org.Member},
		{Method: post, Path: "/org/members", Permission: account.AccountManage, Handler: s.Org.Add},
		{Method: post, Path: "/org/members/:id/disable", Permission: account.AccountManage, Handler: s.Org.Disable},
		{Method: post, Path: "/org/members/:id/enable", Permission: account.AccountManage, Handler: s.Org.Enable},
		{Method: post, Path: "/org/members/:id/confirm", Permission: account.AccountManage, Handler: s.Org.Confirm},
		{Method: post, Path: "/org/members/:id/role", Permission: account.AccountManage, Handler: s.Org.Role},
		{Method: post, Path: "/org/members/:id/scope", Permission: account.AccountManage, Handler: s.Org.Scope},
		{Method: post, Path: "/org/members/:id/reset", Permission: account.AccountManage, Handler: s.Org.Reset},
		{Method: get, Path: "/conversations", Permission: account.ConversationSearch, Handler: s.Conversations.Search},
		{Method: post, Path: "/conversations", Permission: account.ConversationSearch, Handler: s.Conversations.Ask},
		{Method: post, Path: "/conversations/hide", Permission: account.ConversationHide, Handler: s.Conversations.HideRows, Slow: true},
		{Method: post, Path: "/conversations/select", Permission: account.ConversationSearch, Handler: s.Conversations.Select},
		{Method: post, Path: "/conversations/tags", Permission: account.ConversationTag, Handler: s.Conversations.TagRows, Slow: true},
		{Method: get, Path: "/conversations/tabs", Permission: account.ConversationSearch, Handler: s.Conversations.TabCounts},
		{Method: get, Path: "/conversations/:id", Permission: account.ConversationOpen, Handler: s.Conversation.Show},
		{Method: post, Path: "/conversations/:id/hide", Permission: account.ConversationHide, Handler: s.Conversation.Hide},
		{Method: post, Path: "/conversations/:id/unhide", Permission: account.ConversationHide, Handler: s.Conversation.Unhide},
		{Method: post, Path: "/conversations/:id/tags", Permission: account.ConversationTag, Handler: s.Conversation.Tag},
		{Method: post, Path: "/conversations/:id/discard", Permission: account.ConversationDiscard, Handler: s.Conversation.Discard},
		{Method: post, Path: "/conversations/:id/restore", Permission: account.BinRestore, Handler: s.Conversation.Restore},
		{Method: get, Path: "/searches", Permission: account.SearchRead, Handler: s.Searches.List, Slow: true},
		{Method: post, Path: "/searches", Permission: account.SearchSave, Handler: s.Conversations.Save},
		{Method: get, Path: "/searches/counts", Permission: account.SearchRead, Handler: s.Searches.Counts, Slow: true},
		{Method: get, Path: "/searches/:code", Permission: account.SearchRead, Handler: s.Searches.Show},
		{Method: post, Path: "/searches/:code/update", Permission: account.SearchSave, Handler: s.Conversations.UpdateSaved},
		{Method: post, Path: "/searches/:code/rename", Permission: account.SearchSave, Handler: s.Searches.Rename},
		{Method: post, Path: "/searches/:code/share", Permission: account.SearchSave, Handler: s.Searches.Share},
		{Method: post, Path: "/searches/:code/move", Permission: account.SearchRead, Handler: s.Searches.Move},
		{Method: post, Path: "/searches/:code/delete", Permission: account.SearchSave, Handler: s.Searches.Delete},
		{Method: get, Path: "/batches", Permission: account.BatchRead, Handler: s.Batches.List},
		{Method: get, Path: "/batches/new", Permission: account.BatchCreate, Handler: s.Batches.New, Slow: true},
		{Method: post, Path: "/batches/new", Permission: account.BatchCreate, Handler: s.Batches.Create, Slow: true},
		{Method: post, Path: "/batches/pick", Permission: account.BatchCreate, Handler: s.Batches.Pick, Slow: true},
		{Method: get, Path: "/batches/drafts/:id", Permission: account.BatchCreate, Handler: s.Batches.Draft, Slow: true},
		{Method: post, Path: "/batches/drafts/:id", Permission: account.BatchCreate, Handler: s.Batches.Save, Slow: true},
		{Method: post, Path: "/batches/drafts/:id/count", Permission: account.BatchCreate, Handler: s.Batches.Count, Slow: true},
		{Method: get, Path: "/batches/drafts/:id/exclusions.csv", Permission: account.BatchCreate, Handler: s.Batches.Exclusions, Slow: true},
		{Method: post, Path: "/batches/drafts/:id/freeze", Permission: account.BatchCreate, Handler: s.Batches.Freeze, Slow: true},
		{Method: post, Path: "/batches/drafts/:id/discard", Permission: account.BatchCreate, Handler: s.Batches.Discard, Slow: true},
		{Method: get, Path: "/batches/drafts/:id/cap", Permission: account.BatchRaise, Handler: s.Batches.AskCap},
		{Method: post, Path: "/batches/drafts/:id/cap", Permission: account.BatchRaise, Handler: s.Batches.RaiseCap},
		{Method: post, Path: "/batches/drafts/:id/drop", Permission: account.BatchCreate, Handler: s.Batches.Drop},
		{Method: get, Path: "/batches/:id", Permission: account.BatchRead, Handler: s.Batches.Show},
		{Method: get, Path: "/batches/:id/state", Permission: account.BatchRead, Handler: s.Batches.State},
		{Method: post, Path: "/batches/:id/undo", Permission: account.BatchUndo, Handler: s.Batches.Undo, Slow: true},
		{Method: post, Path: "/batches/:id/restore", Permission: account.BinRestore, Handler: s.Batches.RestoreItems, Slow: true},
		{Method: post, Path: "/batches/:id/retry", Permission: account.BatchCreate, Handler: s.Batches.Retry},
		{Method: get, Path: "/retention", Permission: account.RetentionRead, Handler: s.Retention.List},
		{Method: get, Path: "/retention/edit", Permission: account.RetentionPropose, Handler: s.Retention.Edit},
		{Method: post, Path: "/retention/edit", Permission: account.RetentionPropose, Handler: s.Retention.Save, Slow: true},
		{Method: get, Path: "/retention/changes/:code", Permission: account.RetentionRead, Handler: s.Retention.Change, Slow: true},
		{Method: post, Path: "/retention/changes/:code/decide", Permission: account.RetentionEdit, Handler: s.Retention.Decide},
		{Method: post, Path: "/retention/changes/:code/cancel", Permission: account.RetentionPropose, Handler: s.Retention.Cancel},
		{Method: get, Path: "/holds", Permission: account.HoldRead, Handler: s.Holds.List},
		{Method: get, Path: "/holds/list.csv", Permission: account.HoldRead, Handler: s.Holds.File},
		{Method: get, Path: "/holds/new", Permission: account.HoldCreate, Handler: s.Holds.New},
		{Method: post, Path: "/holds/new", Permission: account.HoldCreate, Handler: s.Holds.Create, Slow: true},
		{Method: post, Path: "/holds/pick", Permission: account.HoldCreate, Handler: s.Holds.Pick, Slow: true},
		{Method: get, Path: "/holds/:id", Permission: account.HoldRead, Handler: s.Holds.Show},
		{Method: post, Path: "/holds/:id/review", Permission: account.HoldReview, Handler: s.Holds.Review},
		{Method: post, Path: "/holds/:id/release", Permission: account.HoldRelease, Handler: s.Holds.AskRelease},
		{Method: post, Path: "/holds/:id/decide", Permission: account.HoldRelease, Handler: s.Holds.Decide},
		{Method: post, Path: "/holds/:id/cancel", Permission: account.HoldRelease, Handler: s.Holds.Cancel},
		{Method: get, Path: "/deletion-requests", Permission: account.SubjectRead, Handler: s.Subjects.List},
		{Method: get, Path: "/deletion-requests/new", Permission: account.SubjectCreate, Handler: s.Subjects.New},
		{Method: post, Path: "/deletion-requests/new", Permission: account.SubjectCreate, Handler: s.Subjects.Create, Slow: true},
		{Method: get, Path: "/deletion-requests/:id", Permission: account.SubjectRead, Handler: s.Subjects.Show},
		{Method: get, Path: "/deletion-requests/:id/answer", Permission: account.SubjectRead, Handler: s.Subjects.Answer},
		{Method: get, Path: "/deletion-requests/:id/answer.pdf", Permission: account.SubjectRead, Handler: s.Subjects.AnswerFile},
		{Method: post, Path: "/deletion-requests/:id/answered", Permission: account.SubjectCreate, Handler: s.Subjects.Answered},
		{Method: post, Path: "/deletion-requests/:id/customer", Permission: account.SubjectCreate, Handler: s.Subjects.Customer},
		{Method: post, Path: "/deletion-requests/:id/bin", Permission: account.SubjectCreate, Handler: s.Subjects.BinAgain, Slow: true},
		{Method: post, Path: "/deletion-requests/:id/lift", Permission: account.SubjectLift, Handler: s.Subjects.Lift, Slow: true},
		{Method: get, Path: "/access", Permission: account.AccessRead, Handler: s.Access.List},
		{Method: get, Path: "/access/new", Permission: account.AccessRequest, Handler: s.Access.New},
		{Method: post, Path: "/access/new", Permission: account.AccessRequest, Handler: s.Access.Create},
		{Method: get, Path: "/access/:id", Permission: account.AccessRead, Handler: s.Access.Show},
		{Method: post, Path: "/access/:id/decide", Permission: account.AccessDecide, Handler: s.Access.Decide},
		{Method: post, Path: "/access/:id/end", Permission: account.AccessEnd, Handler: s.Access.End},
		{Method: get, Path: "/exports", Permission: account.ExportRead, Handler: s.Exports.List},
		{Method: get, Path: "/exports/new", Permission: account.ExportCreate, Handler: s.Exports.New, Slow: true},
		{Method: post, Path: "/exports/new", Permission: account.ExportCreate, Handler: s.Exports.Create, Slow: true},
		{Method: get, Path: "/exports/check", Permission: account.ExportRead, Handler: s.Exports.AskCheck},
		{Method: post, Path: "/exports/check", Permission: account.ExportRead, Handler: s.Exports.Check, Upload: true},
		{Method: get, Path: "/exports/:id", Permission: account.ExportRead, Handler: s.Exports.Show},
		{Method: post, Path: "/exports/:id/decide", Permission: account.ExportApprove, Handler: s.Exports.Decide},
		{Method: post, Path: "/exports/:id/again", Permission: account.ExportCreate, Handler: s.Exports.Again, Slow: true},
		{Method: post, Path: "/exports/:id/cancel", Permission: account.ExportRead, Handler: s.Exports.Cancel},
		{Method: post, Path: "/exports/:id/recall", Permission: account.ExportRead, Handler: s.Exports.Recall},
		{Method: post, Path: "/exports/:id/prepare", Permission: account.ExportRead, Handler: s.Exports.Prepare, Slow: true},
		{Method: post, Path: "/exports/:id/download", Permission: account.ExportRead, Handler: s.Exports.Download, Slow: true},
		{Method: get, Path: "/bin", Permission: account.BinRead, Handler: s.Bin.List},
		{Method: post, Path: "/bin/restore", Permission: account.BinRestore, Handler: s.Bin.Restore, Slow: true},
		{Method: post, Path: "/bin/extend", Permission: account.BinExtend, Handler: s.Bin.Extend},
		{Method: post, Path: "/bin/purge", Permission: account.PurgeRequest, Handler: s.Bin.Purge},
		{Method: post, Path: "/bin/:id/restore", Permission: account.BinRestore, Handler: s.Bin.RestoreOne, Slow: true},
		{Method: get, Path: "/purges", Permission: account.PurgeRead, Handler: s.Purges.List},
		{Method: post, Path: "/purges", Permission: account.PurgeRequest, Handler: s.Purges.Request, Slow: true},
		{Method: get, Path: "/purges/new", Permission: account.PurgeRequest, Handler: s.Purges.Ask, Slow: true},
		{Method: get, Path: "/purges/:id", Permission: account.PurgeRead, Handler: s.Purges.Show, Slow: true},
		{Method: get, Path: "/purges/:id/state", Permission: account.PurgeRead, Handler: s.Purges.State},
		{Method: get, Path: "/purges/:id/manifest.csv", Permission: account.PurgeRead, Handler: s.Purges.ManifestFile, Slow: true},
		{Method: post, Path: "/purges/:id/vote", Permission: account.PurgeApprove, Handler: s.Purges.Vote},
		// Requesters withdraw too, whatever their role; the use case says who else.
		{Method: post, Path: "/purges/:id/withdraw", Permission: account.PurgeRead, Handler: s.Purges.Withdraw, Slow: true},
		{Method: get, Path: "/purges/:id/execute", Permission: account.PurgeExecute, Handler: s.Purges.AskExecute},
		{Method: post, Path: "/purges/:id/execute", Permission: account.PurgeExecute, Handler: s.Purges.Execute},
		{Method: get, Path: "/audit", Permission: account.AuditReadOwn, Handler: s.Audit.List},
		{Method: get, Path: "/audit/entries.csv", Permission: account.AuditReadOwn, Handler: s.Audit.File, Slow: true},
		{Method: get, Path: "/audit/proof", Permission: account.AuditRead, Handler: s.Audit.Integrity},
		{Method: get, Path: "/audit/proof/log.jsonl", Permission: account.AuditCheck, Handler: s.Audit.Bundle, Slow: true},
		{Method: get, Path: "/audit/proof/checkpoints/:size", Permission: account.AuditRead, Handler: s.Audit.Checkpoint},
		{Method: post, Path: "/audit/check", Permission: account.AuditCheck, Handler: s.Audit.Check, Slow: true},
		{Method: get, Path: "/reports", Permission: account.ReportRead, Handler: s.Reports.List},
		{Method: post, Path: "/reports", Permission: account.ReportCreate, Handler: s.Reports.Create, Slow: true},
		{Method: get, Path: "/letters", Permission: account.CertificateRead, Handler: s.Letters.Ask},
		{Method: get, Path: "/letters/:id", Permission: account.CertificateRead, Handler: s.Letters.Show, Slow: true},
		{Method: get, Path: "/reports/:id", Permission: account.ReportRead, Handler: s.Reports.Show, Slow: true},
		{Method: get, Path: "/inspections", Permission: account.InspectionRead, Handler: s.Inspections.List},
		{Method: post, Path: "/inspections", Permission: account.InspectionRun, Handler: s.Inspections.Open},
		{Method: get, Path: "/inspections/:code", Permission: account.InspectionRead, Handler: s.Inspections.Show, Slow: true},
		{Method: get, Path: "/inspections/:code/sheet", Permission: account.InspectionRead, Handler: s.Inspections.Sheet},
		{Method: get, Path: "/inspections/:code/population.txt", Permission: account.InspectionRead, Handler: s.Inspections.Population, Slow: true},
		{Method: post, Path: "/inspections/:code/draw", Permission: account.InspectionRun, Handler: s.Inspections.Draw, Slow: true},
		{Method: post, Path: "/inspections/:code/next", Permission: account.InspectionRun, Handler: s.Inspections.Next},
		{Method: get, Path: "/inspections/:code/items/:seq", Permission: account.InspectionRead, Handler: s.Inspections.Item},
		{Method: post, Path: "/inspections/:code/items/:seq", Permission: account.InspectionRun, Handler: s.Inspections.Judge},
		{Method: post, Path: "/inspections/:code/findings", Permission: account.InspectionRun, Handler: s.Inspections.Report},
		{Method: post, Path: "/inspections/:code/findings/:n/assign", Permission: account.InspectionRun, Handler: s.Inspections.Assign},
		{Method: post, Path: "/inspections/:code/findings/:n/answer", Permission: account.InspectionAnswer, Handler: s.Inspections.Answer},
		{Method: post, Path: "/inspections/:code/findings/:n/recheck", Permission: account.InspectionRun, Handler: s.Inspections.Recheck},
		{Method: post, Path: "/inspections/:code/sign", Permission: account.InspectionSign, Handler: s.Inspections.Sign, Slow: true},
		{Method: post, Path: "/inspections/:code/back", Permission: account.InspectionSign, Handler: s.Inspections.SendBack},
		{Method: get, Path: "/certificates", Permission: account.CertificateRead, Handler: s.Certificates.List},
		{Method: get, Path: "/certificates/:id", Permission: account.CertificateRead, Handler: s.Certificates.Show},
		{Method: get, Path: "/", Permission: account.HomeRead, Handler: s.Home.Show},
		{Method: get, Path: "/go", Permission: account.HomeRead, Handler: s.Go.Get},
		{Method: post, Path: "/go", Permission: account.HomeRead, Handler: s.Go.Post},
		{Method: get, Path: "/help", Permission: web.SignedIn, Handler: s.Help.Show},
		{Method: get, Path: "/imports", Permission: account.ImportRead, Handler: s.Imports.List},
		{Method: post, Path: "/imports", Permission: account.ImportRun, Handler: s.Imports.Start, Upload: true},
		{Method: get, Path: "/imports/new", Permission: account.ImportRun, Handler: s.Imports.Ask},
		{Method: get, Path: "/imports/:id", Permission: account.ImportRead, Handler: s.Imports.Show},
		{Method: get, Path: "/imports/:id/state", Permission: account.ImportRead, Handler: s.Imports.State},
		{Method: get, Path: "/imports/:id/rejects.csv", Permission: account.ImportRead, Handler: s.Imports.Rejects},
		{Method: post, Path: "/imports/:id/cancel", Permission: account.ImportRun, Handler: s.Imports.Cancel},
		{Method: get, Path: "/jobs", Permission: account.JobRead, Handler: s.Jobs.List},
		{Method: get, Path: "/jobs/:id", Permission: account.JobRead, Handler: s.Jobs.Show},
	}
}
