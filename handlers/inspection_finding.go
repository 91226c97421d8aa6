package handlers

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/templates"
	"qingdang/web"
)

// InspectionFindings is what is done about findings.
type InspectionFindings interface {
	ReportFinding(context.Context, account.Actor, inspection.NewFinding) (*inspection.Finding, error)
	Assign(ctx context.Context, by account.Actor, code string, n int, owner id.User, due time.Time) error
	Answer(ctx context.Context, by account.Actor, code string, n int, answer string) error
	Recheck(ctx context.Context, by account.Actor, code string, n int, closed bool, remark string) error
}

// findingForm is what the forms of findings send.
type findingForm struct {
	Level   string `form:"level"`
	Words   string `form:"words"`
	Owner   string `form:"owner"`
	Due     string `form:"due"`
	Answer  string `form:"answer"`
	Remark  string `form:"remark"`
	Verdict string `form:"verdict"`
}

func (f findingForm) entry(act string, n int) templates.InspectionEntry {
	return templates.InspectionEntry{Act: act, Finding: n, Level: f.Level, Words: f.Words, Owner: f.Owner, Due: f.Due, Answer: f.Answer, Remark: f.Remark}
}

// owner is who is to answer and until the end of which day.
func (f findingForm) owner(c echo.Context) (who id.User, due time.Time, err error) {
	if f.Owner == "" && f.Due == "" {
		return 0, due, nil
	}
	who, bad := id.Parse[id.User](f.Owner)
	if bad != nil {
		return 0, due, fault.Invalid("inspection.owner_needed").On("owner")
	}
	due, wrong := day(f.Due, zoneOf(c), "due")
	if err := fault.All(wrong); err != nil {
		return 0, due, err
	}
	if due.IsZero() {
		return 0, due, fault.Invalid("inspection.due_needed").On("due")
	}
	return who, due.AddDate(0, 0, 1).Add(-time.Second), nil
}

// Report answers POST /inspections/:code/findings.
func (h *Inspections) Report(c echo.Context) error {
	return h.finding(c, "finding", func(ctx context.Context, by account.Actor, code string, _ int, form findingForm) error {
		who, due, err := form.owner(c)
		if err != nil {
			return err
		}
		_, err = h.Findings.ReportFinding(ctx, by, inspection.NewFinding{Inspection: code, Level: form.Level, Words: form.Words, Owner: who, Due: due})
		return err
	})
}

// Assign answers POST /inspections/:code/findings/:n/assign.
func (h *Inspections) Assign(c echo.Context) error {
	return h.finding(c, "assign", func(ctx context.Context, by account.Actor, code string, n int, form findingForm) error {
		who, due, err := form.owner(c)
		if err != nil {
			return err
		}
		return h.Findings.Assign(ctx, by, code, n, who, due)
	})
}

// Answer answers POST /inspections/:code/findings/:n/answer.
func (h *Inspections) Answer(c echo.Context) error {
	return h.finding(c, "answer", func(ctx context.Context, by account.Actor, code string, n int, form findingForm) error {
		return h.Findings.Answer(ctx, by, code, n, form.Answer)
	})
}

// Recheck answers POST /inspections/:code/findings/:n/recheck.
func (h *Inspections) Recheck(c echo.Context) error {
	return h.finding(c, "recheck", func(ctx context.Context, by account.Actor, code string, n int, form findingForm) error {
		return h.Findings.Recheck(ctx, by, code, n, form.Verdict == "close", form.Remark)
	})
}

// finding carries out one act on a finding and shows the findings again.
func (h *Inspections) finding(c echo.Context, act string, do func(ctx context.Context, by account.Actor, code string, n int, form findingForm) error) error {
	var form findingForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	n := 0
	if act != "finding" {
		var err error
		if n, err = number(c.Param("n")); err != nil {
			return err
		}
	}
	code := c.Param("code")
	if err := do(c.Request().Context(), web.Actor(c), code, n, form); err != nil {
		return h.refused(c, err, form.entry(act, n))
	}
	web.Flash(c, "inspection.did_"+act)
	return web.See(c, templates.InspectionTabPath(code, "findings"))
}
