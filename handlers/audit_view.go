package handlers

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/locale"
)

func foundWords(c echo.Context, key string) string { return locale.T(c.Request().Context(), key) }

// view is the page before anything was read.
func (q *auditQuery) view(ctx context.Context, by account.Actor) templates.AuditView {
	v := templates.AuditView{
		Filter:    templates.AuditFilter{Text: q.Text, From: q.From, To: q.To, Action: q.Action, Result: q.Result},
		CanReport: by.May(account.ReportCreate), TextKey: "audit.text_own", Now: templates.FrameOf(ctx).Now,
	}
	if q.Actor != 0 {
		v.Filter.Actor = id.String(q.Actor)
	}
	if q.Size != auditPageSize {
		v.Filter.Size = q.Size
	}
	v.Here = v.Filter.PagePath(q.Cursor, q.At)
	return v
}

// fill adds what was read.
func (q *auditQuery) fill(v *templates.AuditView, s *report.Sight) {
	v.TextKey = map[report.Reach]string{report.Own: "audit.text_own", report.OwnDepartments: "audit.text_departments", report.Whole: "audit.text"}[s.Reach]
	v.Acts, v.Total, v.First, v.CanDownload = s.Acts, s.Total, q.At+1, s.Total > 0
	for i := range s.Leaves {
		v.Rows = append(v.Rows, q.row(v, &s.Leaves[i]))
	}
	if s.Newer != "" {
		v.Newer = v.Filter.PagePath(s.Newer, max(q.At-int64(q.Size), 0))
	}
	if s.Older != "" {
		v.Older = v.Filter.PagePath(s.Older, q.At+int64(len(s.Leaves)))
	}
	v.Chart = q.chart(v.Filter, s.Bars)
	for _, sign := range s.Signs {
		by := templates.AuditFilter{Actor: id.String(sign.ActorID), Action: sign.Action}
		if sign.Refused {
			by.Result = audit.ResultRefused
		}
		v.Signs = append(v.Signs, templates.AuditSign{Person: sign.Person, Action: sign.Action, Refused: sign.Refused, Times: sign.Times, Path: by.Path()})
	}
	if s.Entry != nil {
		v.Entry = q.entry(v, s.Entry)
	}
}

func (q *auditQuery) row(v *templates.AuditView, l *audit.Leaf) templates.AuditRow {
	r := templates.AuditRow{
		N: l.N, At: l.At, Person: l.Actor.Name, Action: l.Action, Class: audit.Class(l.Action), Object: l.Object, Result: l.Result, Source: l.Actor.Source,
		Count: l.Count, Damaged: l.Damaged, RoleKey: knownRole(l.Actor.Role), System: l.Actor.ID == 0 && l.Actor.Role == "system", Path: rowPath(v.Here, l.N),
	}
	if l.Actor.ID != 0 {
		by := v.Filter
		by.Actor = id.String(l.Actor.ID)
		r.PersonPath = by.Path()
	} else {
		r.PersonPath = v.Here
	}
	return r
}

// rowPath is an address with an entry beside it.
func rowPath(here string, n int64) string {
	sign := "?"
	if strings.Contains(here, "?") {
		sign = "&"
	}
	return here + sign + "row=" + strconv.FormatInt(n, 10)
}

func (q *auditQuery) entry(v *templates.AuditView, e *report.Entry) *templates.AuditEntry {
	out := &templates.AuditEntry{
		AuditRow: q.row(v, &e.Leaf), Kind: e.ObjectKind, Department: e.Path, RequestID: e.Actor.RequestID, Hash: hex.EncodeToString(e.Hash[:]),
		Before: neighbour(v.Here, e.Before), After: neighbour(v.Here, e.After), Proven: e.Proven, LogSize: e.Head.Size,
	}
	out.Changes, out.Facts = changesAndFacts(e.Data)
	return out
}

func neighbour(here string, l *audit.Leaf) *templates.AuditNeighbour {
	if l == nil {
		return nil
	}
	n := &templates.AuditNeighbour{N: l.N, Hash: hex.EncodeToString(l.Hash[:]), Action: l.Action}
	if l.Action != "" {
		n.Path = rowPath(here, l.N)
	}
	return n
}

// changesAndFacts divides an entry's data: "was" and "is" are one thing before and after the
// act, the same of several things where they hold several; the rest are facts.
func changesAndFacts(data map[string]any) (changes []templates.AuditChange, facts []templates.AuditFact) {
	was, hasWas := data["was"]
	is, hasIs := data["is"]
	if hasWas || hasIs {
		changes = compared(was, is)
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if name != "was" && name != "is" && name != "lists" { // that is for undoing and long
			facts = append(facts, templates.AuditFact{Name: name, Value: plainText(data[name])})
		}
	}
	return changes, facts
}

func compared(was, is any) []templates.AuditChange {
	before, ok1 := was.(map[string]any)
	after, ok2 := is.(map[string]any)
	if !ok1 && !ok2 {
		return []templates.AuditChange{{Before: plainText(was), After: plainText(is)}}
	}
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	var out []templates.AuditChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, templates.AuditChange{Name: name, Before: plainText(before[name]), After: plainText(after[name])})
	}
	return out
}

// plainText writes a recorded value as it stands in the log.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// chart makes bars whose addresses show only their days.
func (q *auditQuery) chart(f templates.AuditFilter, bars []audit.Bar) templates.AuditChart {
	var c templates.AuditChart
	if len(bars) == 0 {
		return c
	}
	zone := bars[0].From.Location()
	c.From, c.To = bars[0].From, bars[len(bars)-1].To.Add(-time.Second)
	c.Days = bars[0].To.Sub(bars[0].From) >= 24*time.Hour
	for _, b := range bars {
		only := f
		only.From, only.To = b.From.In(zone).Format(time.DateOnly), b.To.Add(-time.Second).In(zone).Format(time.DateOnly)
		c.Steps = append(c.Steps, templates.AuditStep{At: b.From, Path: only.Path()})
		c.View, c.Change, c.Danger = append(c.View, b.View), append(c.Change, b.Change), append(c.Danger, b.Danger)
	}
	return c
}

func auditProof(p *report.Proof, by account.Actor) templates.AuditProof {
	name, _, _ := strings.Cut(p.Key, "+")
	out := templates.AuditProof{
		Size: p.Head.Size, CheckedAt: p.Now.CheckedAt, FullAt: p.Full.CheckedAt, OK: p.Now.OK, Full: p.Now.Full, What: p.Now.What,
		FirstBad: p.Now.FirstBad, LastBad: p.Now.LastBad, Checked: p.Now.Checked, Proven: p.Now.Proven, TailProvable: p.Now.TailProvable,
		Outside: p.Outside, KeyName: name, Key: p.Key, Print: p.Fingerprint, CanCheck: by.May(account.AuditCheck),
	}
	w := p.Witness
	out.Witness = templates.AuditWitness{Host: w.Host, At: w.At, Size: w.Size, FailedAt: w.FailedAt, Class: w.Class, Status: w.Status, Waiting: w.Waiting}
	if p.Now.Full {
		out.FullAt = p.Now.CheckedAt
	}
	d := p.Now.Data
	out.DataAt, out.DataChecks, out.DataFound = d.CheckedAt, d.Checks, d.Found
	for _, f := range d.Findings {
		out.Data = append(out.Data, templates.AuditFinding{Promise: f.Promise, Key: f.Key, Object: f.Object})
	}
	for _, l := range p.Latest {
		out.Latest = append(out.Latest, templates.AuditNeighbour{N: l.N, Hash: hex.EncodeToString(l.Hash[:])})
	}
	for _, c := range p.Checkpoints {
		out.Checkpoints = append(out.Checkpoints, templates.AuditCheckpoint{Size: c.Size, Root: hex.EncodeToString(c.Root[:]), At: c.CreatedAt})
	}
	return out
}
