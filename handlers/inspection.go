package handlers

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/inspection"
	"qingdang/templates"
	"qingdang/web"
)

// Inspections is the screens of the quarterly inspections of the bin.
type Inspections struct {
	Reader interface {
		List(context.Context, account.Actor) (*inspection.Page, error)
		Get(ctx context.Context, by account.Actor, code string) (*inspection.Detail, error)
		Sheet(ctx context.Context, by account.Actor, code string) (*inspection.Detail, error)
		Item(ctx context.Context, by account.Actor, code string, seq int) (*inspection.ItemDetail, error)
	}
	Desk interface {
		Open(context.Context, account.Actor) (*inspection.Inspection, error)
		Draw(ctx context.Context, by account.Actor, code string) (*inspection.Inspection, error)
		Next(ctx context.Context, by account.Actor, code string, after int) (int, error)
		Judge(context.Context, account.Actor, inspection.Judgement) (next int, err error)
	}
	Findings InspectionFindings
	Papers   interface {
		Sign(context.Context, account.Actor, inspection.Ballot) (*inspection.Inspection, error)
		SendBack(ctx context.Context, by account.Actor, code, reason string) error
		File(ctx context.Context, by account.Actor, code, format string) (*inspection.Report, error)
		WritePopulation(ctx context.Context, by account.Actor, code string, w io.Writer) error
	}
}

func noInspection() error { return fault.NotFound("inspection.not_found") }

// List answers GET /inspections.
func (h *Inspections) List(c echo.Context) error {
	page, err := h.Reader.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.InspectionsPage(inspectionsView(page)))
}

// Open answers POST /inspections: the inspection of the present quarter begins.
func (h *Inspections) Open(c echo.Context) error {
	i, err := h.Desk.Open(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	web.Flash(c, "inspection.was_opened", i.Code)
	return web.See(c, templates.InspectionPath(i.Code))
}

// Show answers GET /inspections/:code with the page, and with the signed report where the address ends
// in .json or .pdf.
func (h *Inspections) Show(c echo.Context) error {
	code, kind, _ := strings.Cut(c.Param("code"), ".")
	switch kind {
	case "":
		return h.show(c, http.StatusOK, templates.InspectionEntry{}, nil)
	case "json", "pdf":
		return h.file(c, code, kind)
	}
	return noInspection()
}

func (h *Inspections) file(c echo.Context, code, kind string) error {
	r, err := h.Papers.File(c.Request().Context(), web.Actor(c), code, kind)
	if err != nil {
		return err
	}
	if kind == "json" {
		_, err := attachment(c, "application/json", r.Code+".json").Write(r.File)
		return err
	}
	ctx := languageOf(c)
	file, err := templates.InspectionPDF(ctx, *inspectionReport(&r.Inspection, r.Text))
	if err != nil {
		return err
	}
	_, err = attachment(c, "application/pdf", inLanguage(ctx, r.Code, "pdf")).Write(file)
	return err
}

func (h *Inspections) view(c echo.Context) (*templates.InspectionView, error) {
	var q struct {
		Tab     string `query:"tab"`
		Verdict string `query:"verdict"`
	}
	web.Query(c, &q)
	d, err := h.Reader.Get(c.Request().Context(), web.Actor(c), c.Param("code"))
	if err != nil {
		return nil, err
	}
	v := inspectionView(d, web.Actor(c))
	switch q.Tab {
	case "check", "findings", "report":
		v.Tab = q.Tab
	}
	switch q.Verdict {
	case "open", inspection.OK, inspection.Problem, inspection.Later:
		v.Verdict = q.Verdict
	}
	return v, nil
}

func (h *Inspections) show(c echo.Context, status int, entry templates.InspectionEntry, problems templates.Problems) error {
	v, err := h.view(c)
	if err != nil {
		return err
	}
	v.Entry, v.Problems = entry, problems
	switch entry.Act {
	case "finding", "assign", "answer", "recheck":
		v.Tab = "findings"
	}
	return web.Render(c, status, templates.InspectionPage(*v))
}

// Sheet answers GET /inspections/:code/sheet: the sample on paper.
func (h *Inspections) Sheet(c echo.Context) error {
	d, err := h.Reader.Sheet(c.Request().Context(), web.Actor(c), c.Param("code"))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.InspectionSheetPage(*inspectionView(d, web.Actor(c))))
}

// Population answers GET /inspections/:code/population.txt: the list that the sample was drawn from.
func (h *Inspections) Population(c echo.Context) error {
	code := c.Param("code")
	return h.Papers.WritePopulation(c.Request().Context(), web.Actor(c), code, attachment(c, "text/plain; charset=utf-8", code+"-population.txt"))
}

// Draw answers POST /inspections/:code/draw.
func (h *Inspections) Draw(c echo.Context) error {
	i, err := h.Desk.Draw(c.Request().Context(), web.Actor(c), c.Param("code"))
	if err != nil {
		return h.refused(c, err, templates.InspectionEntry{Act: "draw"})
	}
	web.Flash(c, "inspection.was_drawn", i.Sample)
	return web.See(c, templates.InspectionPath(i.Code))
}

// Next answers POST /inspections/:code/next: to the next item that nobody looks at.
func (h *Inspections) Next(c echo.Context) error {
	code := c.Param("code")
	seq, err := h.Desk.Next(c.Request().Context(), web.Actor(c), code, 0)
	if err != nil {
		return h.refused(c, err, templates.InspectionEntry{Act: "next"})
	}
	return h.goOn(c, code, seq)
}

// goOn leads to the next item, or back to the inspection when none is left.
func (h *Inspections) goOn(c echo.Context, code string, seq int) error {
	if seq == 0 {
		web.Flash(c, "inspection.none_left")
		return web.See(c, templates.InspectionPath(code))
	}
	return web.See(c, templates.InspectionItemPath(code, seq))
}

// Item answers GET /inspections/:code/items/:seq.
func (h *Inspections) Item(c echo.Context) error {
	return h.item(c, http.StatusOK, nil, nil)
}

// item shows one item, with what was typed if it was refused.
func (h *Inspections) item(c echo.Context, status int, typed *inspection.Judgement, problems templates.Problems) error {
	seq, err := number(c.Param("seq"))
	if err != nil {
		return err
	}
	d, err := h.Reader.Item(c.Request().Context(), web.Actor(c), c.Param("code"), seq)
	if err != nil {
		return err
	}
	v := inspectionItem(d)
	if v.Problems = problems; typed != nil {
		v.Level, v.Words = typed.Level, typed.Words
	}
	return web.Render(c, status, templates.InspectionItemPage(v))
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || strconv.Itoa(n) != s {
		return 0, noInspection()
	}
	return n, nil
}

// Judge answers POST /inspections/:code/items/:seq.
func (h *Inspections) Judge(c echo.Context) error {
	var form struct {
		Verdict string `form:"verdict"`
		Level   string `form:"level"`
		Words   string `form:"words"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	seq, err := number(c.Param("seq"))
	if err != nil {
		return err
	}
	j := inspection.Judgement{Inspection: c.Param("code"), Seq: seq, Verdict: form.Verdict, Level: form.Level, Words: form.Words}
	next, err := h.Desk.Judge(c.Request().Context(), web.Actor(c), j)
	if err == nil {
		return h.goOn(c, j.Inspection, next)
	}
	if status, ok := web.Mendable(err); ok {
		return h.item(c, status, &j, problems(err))
	}
	return err
}

// refused shows the inspection again with what was typed.
func (h *Inspections) refused(c echo.Context, err error, entry templates.InspectionEntry) error {
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, entry, problems(err))
	}
	return err
}

// Sign answers POST /inspections/:code/sign.
func (h *Inspections) Sign(c echo.Context) error {
	var form struct {
		Root    string `form:"root"`
		Opinion string `form:"opinion"`
		Code    string `form:"code"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	i, err := h.Papers.Sign(c.Request().Context(), web.Actor(c), inspection.Ballot{Inspection: c.Param("code"), SeenRoot: form.Root, Opinion: form.Opinion, Code: form.Code})
	if err != nil {
		return h.refused(c, err, templates.InspectionEntry{Act: "sign", Opinion: form.Opinion})
	}
	web.Flash(c, "inspection.was_signed", i.Code)
	return web.See(c, templates.InspectionPath(i.Code))
}

// SendBack answers POST /inspections/:code/back: what audit signed can be changed again.
func (h *Inspections) SendBack(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	code := c.Param("code")
	if err := h.Papers.SendBack(c.Request().Context(), web.Actor(c), code, form.Reason); err != nil {
		return h.refused(c, err, templates.InspectionEntry{Act: "back", Back: form.Reason})
	}
	web.Flash(c, "inspection.was_sent_back", code)
	return web.See(c, templates.InspectionPath(code))
}
