package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/web"
)

// Audit is the screens of the audit log: the list, an entry beside it, and the log's integrity.
type Audit struct {
	Log interface {
		Read(context.Context, account.Actor, report.Look) (*report.Sight, error)
		Proof(context.Context, account.Actor) (*report.Proof, error)
	}
	Chain interface {
		Check(context.Context, account.Actor) (report.Chain, error)
		Checkpoint(ctx context.Context, by account.Actor, size int64) (audit.Signed, error)
	}
	Files interface {
		ExportCSV(context.Context, account.Actor, report.Question, io.Writer) error
		Bundle(context.Context, account.Actor, io.Writer) error
	}
}

// auditQuery is the address of the list. Row names the entry beside it; At counts the entries
// before the page.
type auditQuery struct {
	Text   string  `query:"q"`
	From   string  `query:"from"`
	To     string  `query:"to"`
	Action string  `query:"action"`
	Result string  `query:"result"`
	Actor  id.User `query:"actor"`
	Size   int     `query:"size"`
	Cursor string  `query:"cursor"`
	At     int64   `query:"at"`
	Row    string  `query:"row"`
}

const (
	auditPageSize = 20
	auditDays     = 7 // that are shown when nobody chose
	classPrefix   = "class."
)

var auditSizes = map[int]bool{10: true, 20: true, 50: true, 100: true}

// read takes the address apart. Without any day in it the last week is meant.
func (q *auditQuery) read(c echo.Context) {
	web.Query(c, q)
	if !c.QueryParams().Has("from") && !c.QueryParams().Has("to") {
		f := templates.FrameOf(c.Request().Context())
		zone := f.Zone
		if zone == nil {
			zone = f.Now.Location()
		}
		today := f.Now.In(zone)
		q.From, q.To = today.AddDate(0, 0, 1-auditDays).Format("2006-01-02"), today.Format("2006-01-02")
	}
	if !auditSizes[q.Size] {
		q.Size = auditPageSize
	}
	q.At = max(q.At, 0)
}

func (q *auditQuery) question() report.Question {
	out := report.Question{Period: report.Period{First: q.From, Last: q.To}, Text: strings.TrimSpace(q.Text), Actor: q.Actor}
	if class, ok := strings.CutPrefix(q.Action, classPrefix); ok {
		out.Class = class
	} else if q.Action != "" {
		out.Actions = []string{q.Action}
	}
	if q.Result != "" {
		out.Results = []string{q.Result}
	}
	return out
}

// look is what the address asks for. A row that is no number does not exist.
func (q *auditQuery) look() (report.Look, error) {
	l := report.Look{Question: q.question(), Cursor: q.Cursor, Size: q.Size}
	if q.Row == "" {
		return l, nil
	}
	n, err := strconv.ParseInt(q.Row, 10, 64)
	if err != nil || n < 0 {
		return l, fault.NotFound("audit.no_leaf")
	}
	l.Row = &n
	return l, nil
}

// List answers GET /audit.
func (h *Audit) List(c echo.Context) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	var q auditQuery
	q.read(c)
	look, err := q.look()
	if err != nil {
		return err
	}
	view := q.view(ctx, by)
	sight, err := h.Log.Read(ctx, by, look)
	switch fault.KindOf(err) {
	case fault.None:
	case fault.KindInvalid:
		view.Problems = problems(err)
		return web.Render(c, http.StatusUnprocessableEntity, templates.AuditPage(view))
	default:
		return err
	}
	q.fill(&view, sight)
	if by.May(account.AuditRead) {
		p, err := h.Log.Proof(ctx, by)
		if err != nil {
			return err
		}
		proof := auditProof(p, by)
		view.Proof = &proof
	}
	return web.Render(c, http.StatusOK, templates.AuditPage(view))
}

// File answers GET /audit/entries.csv with the chosen entries.
func (h *Audit) File(c echo.Context) error {
	var q auditQuery
	q.read(c)
	return h.Files.ExportCSV(c.Request().Context(), web.Actor(c), q.question(), attachment(c, "text/csv; charset=utf-8", "audit.csv"))
}

// Integrity answers GET /audit/proof.
func (h *Audit) Integrity(c echo.Context) error {
	p, err := h.Log.Proof(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.AuditProofPage(auditProof(p, web.Actor(c))))
}

// Check answers POST /audit/check: the whole log is walked now.
func (h *Audit) Check(c echo.Context) error {
	found, err := h.Chain.Check(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	switch what := "audit.what_" + found.What; {
	case found.OK:
		web.Flash(c, "audit.was_ok", found.Checked)
	case found.FirstBad < 0:
		web.FlashError(c, "audit.was_bad_whole", foundWords(c, what))
	default:
		web.FlashError(c, "audit.was_bad", strconv.FormatInt(found.FirstBad, 10), foundWords(c, what))
	}
	return web.See(c, templates.AuditProofPath)
}

// Bundle answers GET /audit/proof/log.jsonl with the whole log.
func (h *Audit) Bundle(c echo.Context) error {
	return h.Files.Bundle(c.Request().Context(), web.Actor(c), attachment(c, "application/jsonl", "audit-log.jsonl"))
}

// Checkpoint answers GET /audit/proof/checkpoints/:size with the signed text.
func (h *Audit) Checkpoint(c echo.Context) error {
	size, err := strconv.ParseInt(c.Param("size"), 10, 64)
	if err != nil || size < 1 {
		return fault.NotFound("audit.no_checkpoint")
	}
	s, err := h.Chain.Checkpoint(c.Request().Context(), web.Actor(c), size)
	if err != nil {
		return err
	}
	_, err = io.WriteString(attachment(c, "text/plain; charset=utf-8", fmt.Sprintf("checkpoint-%d.txt", size)), s.Note)
	return err
}

// attachment is an answer that the browser keeps as a file. Its head goes out with the first
// bytes, so that a refusal can still be a page.
func attachment(c echo.Context, kind, name string) io.Writer {
	return &lateWriter{begin: func() io.Writer {
		head := c.Response().Header()
		head.Set(echo.HeaderContentType, kind)
		head.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", name))
		c.Response().WriteHeader(http.StatusOK)
		return c.Response()
	}}
}
