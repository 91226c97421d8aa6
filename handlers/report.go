package handlers

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
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
		Make(context.Context, account.Actor, report.Period) (*report.PeriodReport, error)
		Reports(ctx context.Context, by account.Actor, before report.PeriodReportID, size int) ([]report.PeriodHead, error)
	}
	Reader interface {
		Report(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error)
		ReportFile(context.Context, account.Actor, report.PeriodReportID) (*report.PeriodReport, error)
	}
}

const reportsPerPage = 20

// List answers GET /reports.
func (h *Reports) List(c echo.Context) error {
	var q struct {
		Before report.PeriodReportID `query:"before"`
	}
	web.Query(c, &q)
	// The month before this one is what a report is most often asked for.
	f := templates.FrameOf(c.Request().Context())
	now := f.Now
	if f.Zone != nil {
		now = now.In(f.Zone)
	}
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	return h.list(c, http.StatusOK, q.Before, templates.ReportsView{From: first.AddDate(0, -1, 0).Format(time.DateOnly), To: first.AddDate(0, 0, -1).Format(time.DateOnly)})
}

func (h *Reports) list(c echo.Context, status int, before report.PeriodReportID, v templates.ReportsView) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	rows, err := h.Desk.Reports(ctx, by, before, reportsPerPage+1)
	if err != nil {
		return err
	}
	v.CanCreate, v.CanSee, v.First = by.May(account.ReportCreate), by.May(account.AuditRead), before == 0
	reportRows(&v, rows)
	return web.Render(c, status, templates.ReportsPage(v))
}

// Create answers POST /reports.
func (h *Reports) Create(c echo.Context) error {
	var form struct {
		From string `form:"from"`
		To   string `form:"to"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	made, err := h.Desk.Make(c.Request().Context(), web.Actor(c), report.Period{First: form.From, Last: form.To})
	switch fault.KindOf(err) {
	case fault.None:
		web.Flash(c, "report.was_made", made.Code)
		return web.See(c, templates.ReportPath(uint64(made.ID)))
	case fault.KindInvalid:
		return h.list(c, http.StatusUnprocessableEntity, 0, templates.ReportsView{From: form.From, To: form.To, Problems: problems(err)})
	default:
		return err
	}
}

// Show answers GET /reports/:id with the paper, and with a file where the address ends in .json
// or .csv.
func (h *Reports) Show(c echo.Context) error {
	name, kind, _ := strings.Cut(c.Param("id"), ".")
	which, err := id.Parse[report.PeriodReportID](name)
	if err != nil {
		return fault.NotFound("report.not_found")
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	switch kind {
	case "":
		r, err := h.Reader.Report(ctx, by, which)
		if err != nil {
			return err
		}
		view, err := reportView(r)
		if err != nil {
			return err
		}
		return web.Render(c, http.StatusOK, templates.ReportPage(view))
	case "json":
		r, err := h.Reader.ReportFile(ctx, by, which)
		if err != nil {
			return err
		}
		_, err = attachment(c, "application/json", r.Code+".json").Write(r.File)
		return err
	case "csv":
		r, err := h.Reader.Report(ctx, by, which)
		if err != nil {
			return err
		}
		words := func(key string) string {
			if action, ok := strings.CutPrefix(key, "action."); ok {
				return templates.ActionWord(ctx, action)
			}
			return locale.T(ctx, key)
		}
		return r.WriteCSV(attachment(c, "text/csv; charset=utf-8", r.Code+".csv"), words, locale.Zone(ctx))
	}
	return fault.NotFound("report.not_found")
}
