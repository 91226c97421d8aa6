package handlers

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/export"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Jobs is the work queue as people see it.
type Jobs struct {
	Queue interface {
		Jobs(context.Context, account.Actor, report.JobView) (*report.JobPage, error)
		Job(context.Context, account.Actor, id.Job) (*report.Job, error)
	}
}

const jobsPage = 20

// List answers GET /jobs.
func (h *Jobs) List(c echo.Context) error {
	var q beforeQuery
	web.Query(c, &q)
	by := web.Actor(c)
	view := report.JobView{Before: id.Job(q.Before), Size: jobsPage}
	switch q.State {
	case "all":
	case "failed":
		view.States = []job.State{job.Failed}
	default:
		q.State, view.States = "", []job.State{job.Queued, job.Running}
	}
	page, err := h.Queue.Jobs(c.Request().Context(), by, view)
	if err != nil {
		return err
	}
	v := templates.JobsView{State: q.State, Total: page.Total, First: q.Before == 0, All: by.Scope.All}
	for _, j := range page.Jobs {
		v.Rows = append(v.Rows, jobRow(j, by))
	}
	if page.More {
		v.Next = v.Rows[len(v.Rows)-1].ID
	}
	return web.Render(c, http.StatusOK, templates.JobsPage(v))
}

// Show answers GET /jobs/:id.
func (h *Jobs) Show(c echo.Context) error {
	which, err := web.PathID[id.Job](c, "id")
	if err != nil {
		return err
	}
	found, err := h.Queue.Job(c.Request().Context(), web.Actor(c), which)
	if err != nil {
		return err
	}
	row := jobRow(*found, web.Actor(c))
	if web.Fragment(c) {
		return web.Render(c, http.StatusOK, templates.JobState(row))
	}
	return web.Render(c, http.StatusOK, templates.JobPage(row))
}

func jobRow(j report.Job, by account.Actor) templates.JobRow {
	row := templates.JobRow{
		ID: uint64(j.ID), Kind: j.Kind, Object: j.Object, Path: jobPath(j.Job, by), State: string(j.State), Done: j.Done, Total: j.Total, By: j.By,
		At: j.CreatedAt, Started: instant(j.StartedAt), Finished: instant(j.FinishedAt), RunAt: j.RunAt, Attempts: j.Attempts, Owner: j.Owner,
	}
	said := jobWords(j.Error)
	switch {
	case j.Error == "":
	case said.Key != "":
		row.Error = said
	case by.May(account.JobCancel) && by.Scope.All:
		row.Detail = j.Error
	default:
		row.Error = templates.Words{Key: "job.failed_inside"}
	}
	return row
}

// jobWords finds in the error of a job the fault that a person can act on: its key, and behind
// it what belongs into its sentence.
func jobWords(stored string) templates.Words {
	parts := strings.Fields(stored)
	for i, p := range parts {
		if !locale.Has(p) {
			continue
		}
		w := templates.Words{Key: p}
		for _, a := range parts[i+1:] {
			w.Args = append(w.Args, a)
		}
		return w
	}
	return templates.Words{}
}

// jobPath leads to what a job is about, where the reader may go.
func jobPath(j job.Job, by account.Actor) string {
	switch {
	case j.Subject == 0:
	case j.Kind == "bin.move" && by.May(account.BatchRead):
		return templates.BatchPath(j.Subject)
	case j.Kind == "purge.run" && by.May(account.PurgeRead):
		return templates.PurgePath(j.Subject)
	case j.Kind == export.JobRun && by.May(account.ExportRead):
		return templates.ExportPath(j.Subject)
	case j.Kind == "import.run" && by.May(account.ImportRead):
		return templates.ImportPath(j.Subject)
	}
	return ""
}
