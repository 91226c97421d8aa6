package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// JobsView lists the work queue, newest first.
type JobsView struct {
	State string // "" what is not over, failed, all
	Rows  []JobRow
	Total int64
	First bool
	Next  uint64
	All   bool // of the whole organisation, not only the reader's own
}

// JobRow is one piece of work.
type JobRow struct {
	ID       uint64
	Kind     string
	Object   string
	Path     string // of what it is about; "" where the reader cannot go
	State    string
	Done     int64
	Total    int64
	By       string
	At       time.Time
	Started  time.Time
	Finished time.Time
	RunAt    time.Time
	Attempts int
	Owner    string // the worker
	Error    Words
	Detail   string // what the worker wrote, where it is no fault of a person
}

// JobStates are the tabs of the queue.
var JobStates = []string{"", "failed", "all"}

func jobTabs(ctx context.Context, v JobsView) []ui.TabView {
	var tabs []ui.TabView
	for _, s := range JobStates {
		key := s
		if key == "" {
			key = "open"
		}
		tabs = append(tabs, ui.TabView{Label: locale.T(ctx, "job.tab_"+key), Path: JobListPath(s, 0), Active: v.State == s})
	}
	return tabs
}

func jobKind(ctx context.Context, kind string) string { return wordOr(ctx, "job.kind_", kind) }

func (r JobRow) who(ctx context.Context) string {
	if r.By == "" {
		return locale.T(ctx, "common.system")
	}
	return r.By
}

func (r JobRow) facts(ctx context.Context) []ui.Fact {
	facts := []ui.Fact{
		{Term: locale.T(ctx, "job.kind"), Text: jobKind(ctx, r.Kind)},
		{Term: locale.T(ctx, "job.object"), Text: textOrNone(r.Object), Mono: r.Object != ""},
		{Term: locale.T(ctx, "job.by"), Text: r.who(ctx)},
		{Term: locale.T(ctx, "job.created_at"), Body: ui.TimeSec(r.At)},
		{Term: locale.T(ctx, "job.started_at"), Body: ui.TimeSec(r.Started)},
		{Term: locale.T(ctx, "job.finished_at"), Body: ui.TimeSec(r.Finished)},
		{Term: locale.T(ctx, "job.worker"), Text: textOrNone(r.Owner)},
	}
	if r.State == "queued" {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "job.run_at"), Body: ui.TimeSec(r.RunAt)})
	}
	if r.Attempts > 1 {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "job.attempts"), Text: locale.N(ctx, r.Attempts)})
	}
	return facts
}

func (r JobRow) over() bool {
	return r.State == "done" || r.State == "failed" || r.State == "cancelled"
}
