package handlers

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Reports is the audit reports: the list, a new one, one on paper and its files.
type Reports struct {
	Desk interface {
		Make(context.Context, account.Actor, report.Ask) (*report.PeriodReport, error)
		Reports(ctx context.Context, by account.Actor, before report.PeriodReportID, size int) ([]report.PeriodHead, error)
	}
	Reader interface {
		Report(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error)
		ReportFile(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error)
		ReportTable(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

const reportsPerPage = 20

// List answers GET /reports.
func (h *Reports) List(c echo.Context) error {
	var q struct {
		Before     report.PeriodReportID `query:"before"`
		Kind       report.Kind           `query:"kind"`
		Department id.Department         `query:"department"`
		Period     string                `query:"period"`
	}
	web.Query(c, &q)
	if !q.Kind.Known() {
		q.Kind = report.Operations
	}
	v := templates.ReportsView{Kind: string(q.Kind), Dept: uint64(q.Department)}
	choosePeriod(c, &v, q.Period)
	return h.list(c, http.StatusOK, q.Before, v)
}

func (h *Reports) list(c echo.Context, status int, before report.PeriodReportID, v templates.ReportsView) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	rows, err := h.Desk.Reports(ctx, by, before, reportsPerPage+1)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	for _, k := range report.Kinds() {
		v.Kinds = append(v.Kinds, string(k))
	}
	if by.Scope.All {
		v.Tree = binDepartments(tree, by.Scope)
	}
	v.CanCreate, v.CanSee, v.CanCertificates, v.First = by.May(account.ReportCreate), by.May(account.AuditRead), by.May(account.CertificateRead), before == 0
	reportRows(&v, rows, tree)
	return web.Render(c, status, templates.ReportsPage(v))
}

// Create answers POST /reports. A press on one of the periods makes nothing: it leads to the form with
// its days.
func (h *Reports) Create(c echo.Context) error {
	var form struct {
		Kind       report.Kind   `form:"kind"`
		Department id.Department `form:"department"`
		From       string        `form:"from"`
		To         string        `form:"to"`
		Period     string        `form:"period"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if form.Period != "" {
		return web.See(c, templates.ReportPeriodPath(string(form.Kind), uint64(form.Department), form.Period))
	}
	ask := report.Ask{Kind: form.Kind, Period: report.Period{First: form.From, Last: form.To}, Department: form.Department}
	if ask.Kind == "" {
		ask.Kind = report.Operations
	}
	made, err := h.Desk.Make(c.Request().Context(), web.Actor(c), ask)
	switch fault.KindOf(err) {
	case fault.None:
		web.Flash(c, "report.was_made", made.Code)
		return web.See(c, templates.ReportPath(uint64(made.ID)))
	case fault.KindInvalid:
		return h.list(c, http.StatusUnprocessableEntity, 0, templates.ReportsView{Kind: string(ask.Kind), Dept: uint64(ask.Department), From: form.From, To: form.To, Problems: problems(err)})
	default:
		return err
	}
}

// Show answers GET /reports/:id with the paper, and with a file where the address ends in .json,
// .csv, .xlsx or .pdf; a PDF is in the reader's language or that of ?lang.
func (h *Reports) Show(c echo.Context) error {
	name, kind, _ := strings.Cut(c.Param("id"), ".")
	which, err := id.Parse[report.PeriodReportID](name)
	if err != nil {
		return fault.NotFound("report.not_found")
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	read := map[string]func(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error){
		"": h.Reader.Report, "json": h.Reader.ReportFile, "csv": h.Reader.ReportTable, "xlsx": h.Reader.ReportTable, "pdf": h.Reader.ReportTable,
	}[kind]
	if read == nil {
		return fault.NotFound("report.not_found")
	}
	r, err := read(ctx, by, which)
	if err != nil {
		return err
	}
	if kind == "pdf" {
		ctx = languageOf(c)
	}
	file := inLanguage(ctx, r.Code, kind)
	switch kind {
	case "":
		return reportPage(c, r)
	case "json":
		_, err = attachment(c, "application/json", r.Code+".json").Write(r.File)
	case "csv":
		err = r.WriteCSV(attachment(c, "text/csv; charset=utf-8", file), reportWords(ctx), locale.Zone(ctx))
	case "xlsx":
		err = r.WriteXLSX(attachment(c, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", file), reportWords(ctx), locale.Zone(ctx))
	case "pdf":
		var drawn []byte
		if drawn, err = reportPDF(ctx, r); err == nil {
			_, err = attachment(c, "application/pdf", file).Write(drawn)
		}
	}
	return err
}

func reportPage(c echo.Context, r *report.PeriodReport) error {
	if r.Statement != nil {
		v, err := statementView(r)
		if err != nil {
			return err
		}
		return web.Render(c, http.StatusOK, templates.StatementPage(v))
	}
	v, err := reportView(r)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.ReportPage(v))
}

func reportPDF(ctx context.Context, r *report.PeriodReport) ([]byte, error) {
	if r.Statement != nil {
		v, err := statementView(r)
		if err != nil {
			return nil, err
		}
		return templates.StatementPDF(ctx, v)
	}
	v, err := reportView(r)
	if err != nil {
		return nil, err
	}
	return templates.ReportPDF(ctx, v)
}

// reportWords says the words of tables; acts that have none stand as their codes.
func reportWords(ctx context.Context) func(string) string {
	return func(key string) string {
		if action, ok := strings.CutPrefix(key, "action."); ok {
			return templates.ActionWord(ctx, action)
		}
		return locale.T(ctx, key)
	}
}
