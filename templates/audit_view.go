package templates

import (
	"context"
	"fmt"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// AuditView is the audit log as one person sees it.
type AuditView struct {
	Filter                 AuditFilter
	Problems               Problems
	TextKey                string   // what this person sees of the log
	Acts                   []string // to choose from
	CanReport, CanDownload bool
	Chart                  AuditChart
	Rows                   []AuditRow
	First, Total           int64
	Newer, Older           string // addresses, empty where there is none
	Here                   string // this page's address without an entry
	Now                    time.Time
	Entry                  *AuditEntry
	Signs                  []AuditSign
	Proof                  *AuditProof // nil for those who may not see it
}

// AuditSign is something that may want looking into.
type AuditSign struct {
	Person, Action, Path string
	Refused              bool
	Times                int64
}

// AuditChart is the number of acts of each class over time.
type AuditChart struct {
	From, To             time.Time // both are days that are included
	Steps                []AuditStep
	View, Change, Danger []int64
	Days                 bool // the steps are whole days or longer
}

// AuditStep is one bar and the address that shows only its days.
type AuditStep struct {
	At   time.Time
	Path string
}

// AuditRow is one entry in the list.
type AuditRow struct {
	N                                        int64
	At                                       time.Time
	Person, RoleKey, Action, Class           string
	Object, Result, Source, Path, PersonPath string
	Count                                    int64
	Damaged                                  bool
	System                                   bool // not a person; Person names the machine
}

// AuditEntry is one entry with all that it says.
type AuditEntry struct {
	AuditRow
	Kind, Department, RequestID, Hash string
	Changes                           []AuditChange
	Facts                             []AuditFact
	Before, After                     *AuditNeighbour
	Proven                            bool
	LogSize                           int64
}

// AuditChange is one thing before and after an act.
type AuditChange struct{ Name, Before, After string }

// AuditFact is one of the facts that an entry records.
type AuditFact struct{ Name, Value string }

// AuditNeighbour is the entry before or after. Those that the person may not see have no
// address and no act.
type AuditNeighbour struct {
	N                  int64
	Hash, Action, Path string
}

// AuditProof is the state of the log's integrity.
type AuditProof struct {
	Size                  int64
	CheckedAt, FullAt     time.Time // zero: not yet
	OK, Full              bool
	What                  string
	FirstBad, LastBad     int64
	Checked, Proven       int64
	TailProvable, Outside bool
	Witness               AuditWitness
	Latest                []AuditNeighbour
	KeyName, Key, Print   string
	Checkpoints           []AuditCheckpoint
	CanCheck              bool
	DataAt                time.Time // of the last check of the data; zero: not yet
	DataChecks, DataFound int64
	Data                  []AuditFinding
}

// AuditWitness is what the other machine has that keeps checkpoints; without a host there is none.
type AuditWitness struct {
	Host     string
	At       time.Time // zero: never
	Size     int64
	FailedAt time.Time // zero: it takes what it gets
	Class    string
	Status   int64
	Waiting  int64
}

// AuditFinding is a promise that the data broke; Key is a sentence of the catalogue.
type AuditFinding struct{ Promise, Key, Object string }

// AuditCheckpoint is one signed head of the log.
type AuditCheckpoint struct {
	Size int64
	Root string
	At   time.Time
}

// ActionWord is the word for an act; an act that the catalogue does not know is shown as it is.
func ActionWord(ctx context.Context, action string) string {
	if locale.Has("action." + action) {
		return locale.T(ctx, "action."+action)
	}
	return action
}

// classKinds are the colours of the classes in badges, classCharts in charts.
var (
	classKinds  = map[string]string{"view": "", "change": ui.Primary, "danger": ui.Danger}
	classCharts = map[string]string{"view": "chart-1", "change": "chart-2", "danger": "chart-3"}
	resultKinds = map[string]string{"refused": ui.Danger, "failed": ui.Danger}
)

// AuditClasses are the classes of acts, AuditResults the results.
var (
	AuditClasses = []string{"view", "change", "danger"}
	AuditResults = []string{"ok", "refused", "failed"}
)

func (r AuditRow) person(ctx context.Context) string {
	switch {
	case r.System:
		return locale.T(ctx, "common.system")
	case r.Person == "":
		return locale.T(ctx, "common.unknown")
	}
	return r.Person
}

// factWord is the word for a fact of an entry; one that the catalogue does not know is shown as
// it is.
func factWord(ctx context.Context, name string) string {
	if locale.Has("audit.fact_" + name) {
		return locale.T(ctx, "audit.fact_"+name)
	}
	return name
}

func (r AuditRow) object(ctx context.Context) string {
	switch {
	case r.Object == "" && r.Count == 0:
		return locale.None
	case r.Object == "":
		return locale.T(ctx, "audit.items", r.Count)
	case r.Count > 1:
		return r.Object + " · " + locale.T(ctx, "audit.items", r.Count)
	}
	return r.Object
}

func (v AuditView) actionOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "common.all"), Chosen: v.Filter.Action == ""}}
	for _, c := range AuditClasses {
		value := "class." + c
		out = append(out, ui.Option{Value: value, Label: locale.T(ctx, "audit.class_all", locale.Key("audit.class_"+c)), Chosen: v.Filter.Action == value})
	}
	for _, a := range v.Acts {
		out = append(out, ui.Option{Value: a, Label: ActionWord(ctx, a), Chosen: v.Filter.Action == a})
	}
	return out
}

func (v AuditView) resultOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "common.all"), Chosen: v.Filter.Result == ""}}
	for _, r := range AuditResults {
		out = append(out, ui.Option{Value: r, Label: locale.T(ctx, "audit.result_"+r), Chosen: v.Filter.Result == r})
	}
	return out
}

func (c AuditChart) histogram(ctx context.Context, total int64) ui.HistogramView {
	h := ui.HistogramView{
		ID: "chart", Height: 110, Title: locale.T(ctx, "audit.chart", locale.Day(ctx, c.From), locale.Day(ctx, c.To), total),
		Range: locale.Range(ctx, c.From, c.To),
		Series: []ui.Series{
			{Label: locale.T(ctx, "audit.class_view"), Class: classCharts["view"], Values: c.View},
			{Label: locale.T(ctx, "audit.class_change"), Class: classCharts["change"], Values: c.Change},
			{Label: locale.T(ctx, "audit.class_danger"), Class: classCharts["danger"], Values: c.Danger},
		},
	}
	for _, s := range c.Steps {
		label := locale.Short(ctx, s.At)
		if c.Days {
			label = locale.ShortDay(ctx, s.At)
		}
		h.Labels, h.Paths = append(h.Labels, label), append(h.Paths, s.Path)
	}
	return h
}

// found says what a check found, in words.
func (p AuditProof) found(ctx context.Context) string {
	switch what := locale.T(ctx, "audit.what_"+p.What); {
	case p.FirstBad < 0:
		return what
	default:
		return locale.T(ctx, "audit.bad_at", p.FirstBad, p.LastBad, what)
	}
}

func (p AuditProof) badge() (kind, icon, key string) {
	switch {
	case p.CheckedAt.IsZero():
		return "", "shield", "audit.unchecked"
	case p.OK:
		return ui.Success, "shield-check", "audit.whole"
	}
	return ui.Danger, "shield-x", "audit.broken"
}

// ends gives a fingerprint by its ends, as people compare them.
func ends(hash string) string {
	if len(hash) < 12 {
		return hash
	}
	return fmt.Sprintf("%s…%s", hash[:4], hash[len(hash)-4:])
}
