package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/export"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/ui"
	"qingdang/web"
)

// Home is the page on which a person begins.
type Home struct {
	Board interface {
		Home(context.Context, account.Actor) (*report.Home, error)
	}
}

// Show answers GET /.
func (h *Home) Show(c echo.Context) error {
	by := web.Actor(c)
	home, err := h.Board.Home(c.Request().Context(), by)
	if err != nil {
		return err
	}
	view := homeView(home, by)
	if web.Fragment(c) {
		return web.Render(c, http.StatusOK, templates.HomeBody(view))
	}
	return web.Render(c, http.StatusOK, templates.HomePage(view))
}

func homeView(h *report.Home, by account.Actor) templates.HomeView {
	v := templates.HomeView{
		At: h.At, Next: h.FirstEnd, Figures: homeFigures(h, by), FlowAdded: by.Scope.All, HasBin: h.Has.Bin, HasPapers: h.Has.Purges, HasJobs: h.Has.Jobs,
		CanSearch: by.May(account.ConversationSearch), CanBatch: by.May(account.BatchCreate), CanImport: by.May(account.ImportRun),
	}
	for _, t := range h.Todo {
		v.Todo = append(v.Todo, homeTodo(t))
	}
	for _, d := range h.Expiry {
		v.Expiry = append(v.Expiry, templates.HomeDay{At: d.At, Count: d.Count})
	}
	for _, f := range h.Flow {
		v.Flow = append(v.Flow, templates.HomeFlow{At: f.At, Added: f.Added, Binned: f.Binned, Purged: f.Purged})
	}
	for _, p := range h.Certificates {
		v.Papers = append(v.Papers, templates.HomePaper{ID: p.ID, Code: p.Code, Purged: p.Purged, Skipped: p.Skipped, At: p.At})
	}
	for _, j := range h.Jobs {
		v.Jobs = append(v.Jobs, jobRow(j, by))
	}
	return v
}

func homeTodo(t report.Todo) templates.HomeTodo {
	out := templates.HomeTodo{
		Kind: t.Kind, Code: t.Code, Count: t.Count, Many: int64(t.ID), Who: t.Who, State: t.State, Why: t.Why, Since: t.Since, Until: t.Until, Path: todoPath(t),
	}
	if t.Kind != report.TodoNoExport {
		return out
	}
	switch {
	case t.State == string(export.Failed):
		out.Fault = jobWords(t.Why)
	case t.Who == "": // nobody rejected it: nobody answered
		out.State = "lapsed"
	}
	return out
}

func homeFigures(h *report.Home, by account.Actor) []templates.HomeFigure {
	var out []templates.HomeFigure
	add := func(on bool, f templates.HomeFigure) {
		if on {
			out = append(out, f)
		}
	}
	binned := templates.HomeFigure{Key: "home.binned", Value: h.Binned, NoteKey: "home.binned_text", Path: templates.BinPath}
	if h.Soon > 0 {
		binned.NoteKey, binned.NoteArgs, binned.Kind = "home.soon", []any{h.Soon}, ui.Warning
	}
	add(h.Has.Conversations, templates.HomeFigure{Key: "home.archive", Value: h.Archive, NoteKey: "home.archive_text", Path: templates.ConversationsRoot})
	add(h.Has.Bin, binned)
	add(h.Has.Conversations, templates.HomeFigure{Key: "home.hidden", Value: h.Hidden, NoteKey: "home.hidden_text", Path: templates.ConversationsPath(templates.Search{State: templates.SearchHidden})})
	add(h.Has.Holds, templates.HomeFigure{Key: "home.held", Value: h.Held, NoteKey: "home.held_text", NoteArgs: []any{h.Holds}})
	add(h.Has.Purges, templates.HomeFigure{Key: "home.purged", Value: h.Purged, NoteKey: "home.purged_text", NoteArgs: []any{h.Papers}, Path: templates.CertificatesPath})
	add(h.Has.Imports, templates.HomeFigure{Key: "home.imports", Value: h.Imports, NoteKey: "home.imports_text", Path: templates.ImportsPath})
	add(h.Has.Imports, templates.HomeFigure{Key: "home.brought", Value: h.Brought, NoteKey: "home.brought_text"})
	return out
}

func todoPath(t report.Todo) string {
	switch t.Kind {
	case report.TodoExpiring:
		return templates.BinListPath(templates.BinQuery{Left: "24h"})
	case report.TodoDraft:
		return templates.PurgeDraftPath(t.ID)
	case report.TodoConfirm:
		return templates.PurgeExecutePath(t.ID)
	case report.TodoFailed:
		return templates.JobPath(t.ID)
	case report.TodoExport, report.TodoFetch, report.TodoNoExport:
		return templates.ExportPath(t.ID)
	case report.TodoAccess, report.TodoAnswer:
		return templates.AccessGrantPath(t.ID)
	case report.TodoInspect, report.TodoCosign:
		return templates.InspectionPath(t.Code)
	case report.TodoFinding:
		return templates.InspectionTabPath(t.Code, "findings")
	case report.TodoPolicy:
		return templates.RetentionChangePath(t.Code)
	case report.TodoCeiling:
		return templates.RetentionPath
	case report.TodoSubject, report.TodoSealed:
		return templates.SubjectPath(t.ID)
	case report.TodoResidue:
		return templates.BatchPath(t.ID)
	}
	return templates.PurgePath(t.ID)
}
