package templates

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// AccessView is the list of requests to read in other departments.
type AccessView struct {
	Filter       AccessFilter
	Parts        []AccessPart
	Rows         []AccessRow
	Total        int64
	Before, Next uint64
	CanAsk       bool
}

// AccessPart is one of the lists and how much is in it.
type AccessPart struct {
	Code  string
	Count int64
}

// AccessRow is one request of a list.
type AccessRow struct {
	ID             uint64
	Code, State    string
	What           AccessWhat
	Reason         string
	Asker          string
	MayDecide, Own bool
	At             time.Time
	AnswerUntil    time.Time
	EndsAt         time.Time
	ClosedAt       time.Time
	ClosedWhy      string
}

// AccessWhat is what somebody asks to read.
type AccessWhat struct {
	Kind         string
	Department   string // its path; empty: the whole organisation
	Sub          bool
	Departments  int
	Conversation string // its code
	Customer     string // masked; empty in lists
}

// AccessGrantView is one request with all that its reader may know of it.
type AccessGrantView struct {
	AccessRow
	Staff, AskerRole       string
	Days                   int
	FromDay, ToDay         time.Time // both included; zero: not bounded
	List                   []string  // paths of the departments
	Root                   string
	Approver, ApproverNo   string
	ApproverRole, Opinion  string
	DecidedAt              time.Time
	ClosedBy, ClosedReason string
	Broken                 string // why it opens nothing
	Missing                bool   // there is no such conversation
	Uses                   []AccessUse
	Used                   int64
	CanDecide, CanEnd      bool
	DecideRefused          Words
	SearchPath             string // to use it; empty where it is not the reader's
	Entry                  AccessEntry
	Problems               Problems
}

// AccessUse is one search or opening under the grant.
type AccessUse struct {
	At      time.Time
	Action  string // searched or opened
	Object  string
	Count   int64
	Refused bool
}

// AccessEntry is what somebody typed into a form of the page.
type AccessEntry struct{ Opinion, Note string }

// AccessNewView is the form of a new request.
type AccessNewView struct {
	Kinds                       []string
	Kind, Code, Customer        string
	From, To, Reason, Days, Key string
	Sub                         bool
	ShortReason, MostDays       int
	Departments                 []ui.Option
	Problems                    Problems
}

func (w AccessWhat) text(ctx context.Context) string {
	where := locale.T(ctx, "access.page_everywhere")
	if w.Department != "" {
		where = w.Department
		if w.Sub {
			where = locale.T(ctx, "access.page_with_sub", where, w.Departments)
		}
	}
	switch w.Kind {
	case "conversation":
		return locale.T(ctx, "access.page_of_conversation", w.Conversation)
	case "customer":
		who := locale.T(ctx, "access.page_of_customer")
		if w.Customer != "" {
			who = locale.T(ctx, "access.page_of_customer_id", w.Customer)
		}
		return who + " · " + where
	}
	return where
}

func (v AccessView) tabs(ctx context.Context) []ui.TabView {
	var out []ui.TabView
	for _, p := range v.Parts {
		out = append(out, ui.TabView{
			Label: locale.T(ctx, "access.page_part_"+p.Code), Count: locale.N(ctx, p.Count), Path: AccessFilter{Part: p.Code}.Path(0), Active: p.Code == v.Filter.Part,
		})
	}
	return out
}

// until says how long something still runs, or when it was over.
func (r AccessRow) until(ctx context.Context) string {
	switch {
	case r.State == "asked":
		return locale.T(ctx, "access.page_answer_until", locale.Short(ctx, r.AnswerUntil))
	case r.State == "granted":
		return locale.T(ctx, "access.page_ends", locale.Short(ctx, r.EndsAt))
	case !r.ClosedAt.IsZero():
		return locale.Short(ctx, r.ClosedAt)
	case r.State == "lapsed":
		return locale.Short(ctx, r.AnswerUntil)
	}
	return locale.Short(ctx, r.EndsAt)
}

func (v AccessGrantView) facts(ctx context.Context) []ui.Fact {
	period := locale.T(ctx, "access.page_any_time")
	if !v.FromDay.IsZero() {
		period = locale.Range(ctx, v.FromDay, v.ToDay)
	}
	out := []ui.Fact{
		{Term: locale.T(ctx, "access.page_what"), Text: v.What.text(ctx)},
		{Term: locale.T(ctx, "access.page_period"), Text: period},
		{Term: locale.T(ctx, "access.page_reason"), Text: v.Reason},
		{Term: locale.T(ctx, "access.page_days"), Text: locale.T(ctx, "access.page_days_text", v.Days)},
		{Term: locale.T(ctx, "access.page_asker"), Text: locale.T(ctx, "access.page_asked_by", v.Asker+" "+v.Staff, locale.T(ctx, "role."+v.AskerRole), locale.Date(ctx, v.At))},
	}
	if v.State == "granted" {
		out = append(out, ui.Fact{Term: locale.T(ctx, "access.page_until"), Text: locale.Date(ctx, v.EndsAt)})
	}
	return out
}

// stages is the request and its answer.
func (v AccessGrantView) stages(ctx context.Context) []ui.Stage {
	asked := ui.Stage{Label: locale.T(ctx, "access.page_stage_asked"), State: "done", Who: v.Asker + " " + v.Staff, When: locale.Date(ctx, v.At)}
	answer := ui.Stage{Label: locale.T(ctx, "access.page_stage_decided"), Icon: "gavel"}
	switch {
	case !v.DecidedAt.IsZero():
		answer.State, answer.Who, answer.When, answer.Note = "done", v.Approver+" "+v.ApproverNo, locale.Date(ctx, v.DecidedAt), v.Opinion
		answer.Label = locale.T(ctx, "role."+v.ApproverRole)
		if v.State == "rejected" {
			answer.State = "refused"
		}
	case v.State == "asked":
		answer.State, answer.When = "current", locale.T(ctx, "access.page_answer_until", locale.Date(ctx, v.AnswerUntil))
	}
	return []ui.Stage{asked, answer}
}

// closed tells how it came to its end, empty while it runs.
func (v AccessGrantView) closed(ctx context.Context) (title, text string) {
	by := v.ClosedBy
	if by == "" {
		by = locale.T(ctx, "common.system")
	}
	switch v.State {
	case "rejected":
		return locale.T(ctx, "access.page_closed_rejected", v.Approver, locale.Date(ctx, v.DecidedAt)), v.Opinion
	case "lapsed":
		return locale.T(ctx, "access.page_closed_lapsed", locale.Date(ctx, v.AnswerUntil)), ""
	case "withdrawn":
		title = locale.T(ctx, "access.page_closed_withdrawn", by, locale.Date(ctx, v.ClosedAt))
	case "ended":
		at, why := v.ClosedAt, v.ClosedWhy
		if at.IsZero() { // its days are over, and the worker has not come by
			at, why = v.EndsAt, "time"
		}
		title, text = locale.T(ctx, "access.page_closed", by, locale.Date(ctx, at)), locale.T(ctx, "access.why_"+why)
	}
	return title, strings.TrimSpace(text + " " + v.ClosedReason)
}

func (v AccessGrantView) usesText(ctx context.Context) string {
	if v.Used > int64(len(v.Uses)) {
		return locale.T(ctx, "access.page_uses_more", v.Used, len(v.Uses))
	}
	return locale.N(ctx, v.Used)
}

func (u AccessUse) result(ctx context.Context) string {
	switch {
	case u.Refused:
		return locale.T(ctx, "access.page_use_refused")
	case u.Action == "searched":
		return locale.T(ctx, "access.page_use_found", u.Count)
	}
	return u.Object
}

func (v AccessNewView) kindOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, k := range v.Kinds {
		out = append(out, ui.Option{Value: k, Label: locale.T(ctx, "access.page_kind_"+k), Hint: locale.T(ctx, "access.page_kind_"+k+"_hint"), Chosen: v.Kind == k})
	}
	return out
}

func (v AccessNewView) dayOptions(ctx context.Context) []ui.Option {
	days := []int{1, 3, 7, 14, 30}
	if n, err := strconv.Atoi(v.Days); err == nil && !slices.Contains(days, n) {
		days = append(days, n)
	}
	var out []ui.Option
	for _, n := range days {
		out = append(out, ui.Option{Value: strconv.Itoa(n), Label: locale.T(ctx, "export.page_days", n), Chosen: v.Days == strconv.Itoa(n)})
	}
	return out
}

// AccessSwitch lets a reader with grants choose where a search looks.
type AccessSwitch struct {
	Code, Path string
	Active     bool
}
