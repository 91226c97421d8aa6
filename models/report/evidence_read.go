package report

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Question says which entries of the audit log a person wants to see. Every empty field asks
// for all.
type Question struct {
	Period
	Text    string // an object that begins so, or an actor of that name
	Class   string // audit.View, audit.Change or audit.Danger
	Actions []string
	Results []string
	Actor   id.User
}

// Look is one reading of the audit log: a page of the list and, if Row names one, an entry.
type Look struct {
	Question
	Cursor string
	Size   int
	Row    *int64
}

// Sight is what somebody saw of the log in one request.
type Sight struct {
	audit.Page
	Bars  []audit.Bar
	Acts  []string // every act that the log has, to choose from
	Signs []Sign   // for those who see the whole log
	Entry *Entry   // the one that Look.Row named
	Reach Reach
}

// Reach is how much of the log a person sees.
type Reach int

// The reaches.
const (
	Own Reach = iota
	OwnDepartments
	Whole
)

// Entry is one leaf with its neighbours. Of a neighbour that the person may not see only its
// number and hash are given.
type Entry struct {
	audit.Leaf
	Before, After *audit.Leaf
	Path          string // of its department
	Proven        bool   // the leaf is under the head of the log
	Head          audit.Head
}

// SeenBy says whose acts an actor may see: legal and audit all, supervisors those in their
// departments and their own, everybody else their own. This is the one place that says it. The fault
// is forbidden for who sees none.
func SeenBy(by account.Actor) (audit.Seen, error) {
	if by.May(account.AuditRead) {
		return audit.Seen{All: true}, nil
	}
	if err := by.Require(account.AuditReadOwn); err != nil {
		return audit.Seen{}, err
	}
	s := audit.Seen{Own: by.ID}
	if by.May(account.AuditReadDepartment) {
		s.Departments = by.Scope.Departments
	}
	if !by.May(account.HoldRead) {
		s.Hidden = "hold" // who may not read holds sees the lock alone, here too
	}
	return s, nil
}

func reachOf(s audit.Seen) Reach {
	switch {
	case s.All:
		return Whole
	case s.Departments.Len() > 0:
		return OwnDepartments
	}
	return Own
}

// filter makes the log's filter of a question, with the acts that the log knows.
func (e *Evidence) filter(ctx context.Context, by account.Actor, q Question) (f audit.Filter, acts []string, err error) {
	if f.Seen, err = SeenBy(by); err != nil {
		return f, nil, err
	}
	if f.From, f.To, err = q.bounds(e.zone()); err != nil {
		return f, nil, err
	}
	err = e.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Distinct("action").Order("action").Pluck("action", &acts).Error
	})
	if err != nil {
		return f, nil, fmt.Errorf("list acts: %w", err)
	}
	f.Actor, f.Text, f.Results, f.Actions = q.Actor, q.Text, q.Results, q.Actions
	if q.Class != "" {
		f.Actions = []string{noAct}
		for _, a := range acts {
			if audit.Class(a) == q.Class && (len(q.Actions) == 0 || slices.Contains(q.Actions, a)) {
				f.Actions = append(f.Actions, a)
			}
		}
	}
	return f, acts, nil
}

// noAct keeps a class without acts from meaning all acts. No act has this name.
const noAct = "-"

// Read gives a page of the log with its histogram and the entry that the look names. The
// reading leaves one entry in the log, audit.viewed, however much of this one page shows,
// unless the reader sees only his own acts: those are his to read. Without the entry nothing
// is shown. The faults are forbidden, invalid at the field of a bad date, and not found for a
// row that does not exist or is not this person's to see.
func (e *Evidence) Read(ctx context.Context, by account.Actor, l Look) (*Sight, error) {
	f, acts, err := e.filter(ctx, by, l.Question)
	if err != nil {
		return nil, err
	}
	s := &Sight{Acts: acts, Reach: reachOf(f.Seen)}
	if s.Page, err = e.Log.Page(ctx, f, l.Cursor, l.Size); err != nil {
		return nil, err
	}
	if s.Bars, err = e.bars(ctx, f); err != nil {
		return nil, err
	}
	if s.Reach == Whole {
		if s.Signs, err = e.signs(ctx); err != nil {
			return nil, err
		}
	}
	if l.Row != nil {
		if s.Entry, err = e.entry(ctx, by, f.Seen, *l.Row); err != nil {
			return nil, err
		}
	}
	if s.Reach == Own {
		return s, nil
	}
	data := l.facts()
	if l.Row != nil {
		data["row"] = *l.Row
	}
	return s, e.note(ctx, by, "audit.viewed", int64(len(s.Leaves)), data)
}

func (e *Evidence) entry(ctx context.Context, by account.Actor, s audit.Seen, n int64) (*Entry, error) {
	d, err := e.Log.Leaf(ctx, n)
	if err != nil {
		return nil, err
	}
	if !s.Sees(&d.Leaf) {
		if err := audit.Refused(ctx, e.DB, audit.Entry{Actor: by.Audit(), Action: "audit.viewed", ObjectKind: "audit", Data: map[string]any{"row": n}}); err != nil {
			return nil, err
		}
		return nil, fault.NotFound("audit.no_leaf")
	}
	out := &Entry{Leaf: d.Leaf, Before: shown(s, d.Before), After: shown(s, d.After), Proven: d.Proof != nil, Head: d.Head}
	if !by.May(account.HoldRead) {
		lockAlone(out.Data)
	}
	return out, e.DB.Read(ctx, func(tx *db.Tx) error {
		tree, err := department.Load(tx)
		if err == nil {
			out.Path = tree.Path(d.Department)
		}
		return err
	})
}

// lockAlone takes the codes of holds from what an entry says, and leaves how many conversations came under any.
func lockAlone(data map[string]any) {
	held := int64(0)
	codes, _ := data["held_by"].(map[string]any)
	for _, n := range codes {
		if n, ok := n.(json.Number); ok {
			some, _ := n.Int64()
			held += some
		}
	}
	for _, name := range []string{"held_by", "holds_gain", "holds_lose"} {
		delete(data, name)
	}
	if held > 0 {
		data["held"] = held
	}
}

// shown takes everything but number and hash from a neighbour that is not to be seen.
func shown(s audit.Seen, l *audit.Leaf) *audit.Leaf {
	if l == nil || s.Sees(l) {
		return l
	}
	return &audit.Leaf{N: l.N, Hash: l.Hash}
}

// note writes down that somebody looked.
func (e *Evidence) note(ctx context.Context, by account.Actor, action string, count int64, data map[string]any) error {
	return e.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "audit", Count: count, Data: data})
	})
}

// facts is the question as the log repeats it.
func (q Question) facts() map[string]any {
	data := map[string]any{}
	for name, v := range map[string]string{"from": q.First, "to": q.Last, "class": q.Class} {
		if v != "" {
			data[name] = v
		}
	}
	if len(q.Actions) > 0 {
		data["actions"] = q.Actions
	}
	if len(q.Results) > 0 {
		data["results"] = q.Results
	}
	if q.Actor != 0 {
		data["actor"] = id.String(q.Actor)
	}
	return data
}

// bars counts the chosen leaves in steps that fit the length of time. Without both ends of it
// there are none.
func (e *Evidence) bars(ctx context.Context, f audit.Filter) ([]audit.Bar, error) {
	if f.From.IsZero() || f.To.IsZero() {
		return nil, nil
	}
	return e.Log.Histogram(ctx, f, edges(f.From, f.To))
}

// edges divides a stretch of time: hours for two days, six hours for a fortnight, then days,
// weeks and months. They follow the calendar of the zone of from.
func edges(from, to time.Time) []time.Time {
	next := func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	switch days := int(to.Sub(from).Hours()/24 + 0.5); {
	case days <= 2:
		next = func(t time.Time) time.Time { return t.Add(time.Hour) }
	case days <= 14:
		next = func(t time.Time) time.Time { return t.Add(6 * time.Hour) }
	case days <= 92:
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	case days <= 2*366:
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }
	}
	out := []time.Time{from}
	for at := next(from); at.Before(to); at = next(at) {
		out = append(out, at)
	}
	return append(out, to)
}
