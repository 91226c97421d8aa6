package handlers

import (
	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/intake"
	"qingdang/templates"
	"qingdang/templates/locale"
)

func importsView(page *intake.RunPage, before uint64, by account.Actor) templates.ImportsView {
	v := templates.ImportsView{Total: page.Total, First: before == 0, CanRun: by.May(account.ImportRun)}
	for i := range page.Runs {
		v.Rows = append(v.Rows, importRow(&page.Runs[i]))
	}
	if page.More {
		v.Next = v.Rows[len(v.Rows)-1].ID
	}
	return v
}

func importRow(r *intake.Run) templates.ImportRow {
	row := templates.ImportRow{
		ID: uint64(r.ID), Code: r.Code, Name: r.Name, State: r.State, Format: r.Report.Format, Bytes: r.Bytes,
		Conversations: r.Report.Conversations, Added: r.Report.AddedConversations, Rejected: r.Report.Rejected, Owner: r.Owner, At: r.CreatedAt,
	}
	if row.Format == "" {
		row.Format = r.Asked
	}
	return row
}

func importView(r *intake.Run, tree *department.Tree, by account.Actor) templates.ImportView {
	v := templates.ImportView{
		ImportRow: importRow(r), Department: tree.Path(r.Department), Over: r.Over(), CanCancel: by.May(account.ImportRun), Tries: r.Tries, Read: r.Job.Done,
		Finished: r.FinishedAt, Messages: r.Report.Messages, Duplicates: r.Report.Duplicates, Events: r.Report.Events, Recalled: r.Report.Recalled,
		AddedTexts: r.Report.AddedMessages, PurgedBefore: r.Report.PurgedBefore, Rejects: importRejects(r), More: r.Report.RejectsMore,
	}
	if e := r.Report.FileError; e != nil {
		v.FileError = templates.Words{Key: e.Key, Args: fileErrorArgs(e.Key, e.Args)}
	}
	if v.Failure = jobWords(r.Job.Error); v.Failure.Key == "" {
		v.Failure.Key = "job.failed_inside"
	}
	return v
}

// fileErrorArgs puts the names of formats into words.
func fileErrorArgs(key string, args []any) []any {
	if key != "import.file.wrong_format" {
		return args
	}
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
		if s, ok := a.(string); ok && locale.Has("import.format_"+s) {
			out[i] = locale.Key("import.format_" + s)
		}
	}
	return out
}

func importRejects(r *intake.Run) []templates.ImportReject {
	out := make([]templates.ImportReject, len(r.Report.Rejects))
	for i, x := range r.Report.Rejects {
		out[i] = templates.ImportReject{Sheet: x.Sheet, Line: x.Line, Row: x.Row, Item: x.Item, ReasonKey: x.Reason}
	}
	return out
}
