package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// InspectionRow is an inspection in a list.
type InspectionRow struct {
	Code              string
	Year, Quarter     int
	State             string
	Population        int64
	Sample, Checked   int64
	Findings, Closed  int64
	High, Medium, Low int64
	DueAt, SignedAt   time.Time // DueAt: the last day
	Overdue           bool
}

// InspectionsView is the list.
type InspectionsView struct {
	Rows    []InspectionRow
	CanOpen bool
	Present string // code of the present quarter
	Whole   bool   // the reader sees reports
}

// InspectionView is one inspection.
type InspectionView struct {
	InspectionRow
	Tab                  string // empty, check, findings or report
	Now                  time.Time
	Whole                bool
	OpenedBy             string // empty: the timer
	DrawnBy              string
	OpenedAt, DrawnAt    time.Time
	FirstAt, LastAt      time.Time // of the population, both days included; zero before it is drawn
	QuarterEnd           time.Time
	Batches              int64
	Seed, Commitment     string
	CommitLeaf           int64
	Root, SampleRoot     string // of the population, of the sample
	Items                []InspectionItem
	Verdict              string // the items are narrowed to it
	FindingRows          []InspectionFinding
	Scans                []InspectionScan
	Signers              []InspectionSigner
	People               []HoldOwner
	Past                 []InspectionRow
	ResultRoot           string // what a signature now signs
	Grave                int64
	Turn                 string // role key of whose signature is next
	CanDraw, CanRun      bool
	CanSign, CanSendBack bool
	Entry                InspectionEntry
	Problems             Problems
	NeverKeepPath        string // to a search for what must not be kept, "" for who does not search
	Report               *InspectionReport
}

// InspectionItem is a line of the sample.
type InspectionItem struct {
	Seq            int
	Code, Batch    string
	Department     string
	Verdict, Level string
	Words          string
	By, LockedBy   string
	At             time.Time
}

// InspectionFinding is something that is wrong.
type InspectionFinding struct {
	N                                int
	Code, Kind, Level, Words, State  string
	Count                            int64
	Objects                          []string
	Item                             int
	Owner, OwnerID                   string
	DueAt                            time.Time
	Answer, AnsweredBy               string
	AnsweredAt                       time.Time
	Remark, ClosedBy                 string
	ClosedAt                         time.Time
	CanAssign, CanAnswer, CanRecheck bool
	CanClose                         bool
}

// InspectionScan is one automatic check.
type InspectionScan struct {
	Kind    string
	Ran     bool
	Count   int64
	Objects []string
}

// InspectionSigner is one of the two who sign. Without a name nobody has.
type InspectionSigner struct {
	RoleKey, Part string // Part: key of what they are: drafter or second
	Name, StaffNo string
	Opinion       string
	At            time.Time
}

// InspectionEntry is what was typed into one of the forms, when it was refused. Finding: its number.
type InspectionEntry struct {
	Act                                                     string
	Finding                                                 int
	Level, Words, Owner, Due, Answer, Remark, Opinion, Back string
}

// InspectionItemView is one item on a page of its own.
type InspectionItemView struct {
	InspectionItem
	Inspection, State               string
	Of                              int
	Now                             time.Time
	Conversation                    uint64
	Living                          bool
	Type                            string
	BatchID                         uint64
	Reason, Owner                   string
	BinnedAt, KeepUntil, ExtendedAt time.Time
	ItemState                       string
	Holds                           []InspectionHold
	Purge                           uint64
	PurgeCode                       string
	PurgeState                      string
	Votes                           []InspectionVote
	Certificate                     uint64
	CertificateCode                 string
	PurgedAt                        time.Time
	LockedTo                        time.Time
	Finding                         string
	CanJudge                        bool
	Draft                           bool
	Problems                        Problems
}

// InspectionHold is a hold on an item.
type InspectionHold struct {
	ID       uint64
	Code     string
	From     time.Time
	Released time.Time
}

// InspectionVote is one approval of the purge of an item.
type InspectionVote struct {
	Name, RoleKey, Verdict string
	At                     time.Time
}

func (r InspectionRow) title(ctx context.Context) string {
	return locale.T(ctx, "inspection.title", entry(int64(r.Year)), r.Quarter)
}

func (r InspectionRow) levels(ctx context.Context) string {
	return locale.T(ctx, "inspection.levels", r.High, r.Medium, r.Low)
}

func (v InspectionView) steps(ctx context.Context) []ui.Step {
	at := map[string]int{"not_started": 1, "checking": 2, "remediation": 3, "awaiting_signoff": 4, "signed": 5}[v.State]
	var out []ui.Step
	for i, key := range []string{"scope", "sample", "check", "findings", "sign"} {
		s := ui.Step{Label: locale.T(ctx, "inspection.step_"+key)}
		switch {
		case i < at:
			s.State = "done"
		case i == at:
			s.State = "current"
		}
		out = append(out, s)
	}
	if len(out) > 3 {
		out[2].Path, out[3].Path = InspectionTabPath(v.Code, "check"), InspectionTabPath(v.Code, "findings")
	}
	return out
}

func (v InspectionView) figures(ctx context.Context) []ui.Figure {
	population := ui.Figure{Label: locale.T(ctx, "inspection.population"), Value: locale.None, Note: locale.T(ctx, "inspection.population_later", locale.Day(ctx, v.QuarterEnd))}
	sample := ui.Figure{Label: locale.T(ctx, "inspection.sample"), Value: locale.None, Note: locale.T(ctx, "inspection.rule")}
	checked := ui.Figure{Label: locale.T(ctx, "inspection.checked"), Value: locale.N(ctx, v.Checked)}
	if !v.DrawnAt.IsZero() {
		population.Value, population.Note = locale.N(ctx, v.Population), locale.T(ctx, "inspection.population_note", locale.Range(ctx, v.FirstAt, v.LastAt), v.Batches)
		sample.Value = locale.N(ctx, v.Sample)
		checked.Unit, checked.Done, checked.Of = "/ "+locale.N(ctx, v.Sample), v.Checked, v.Sample
	}
	found := ui.Figure{Label: locale.T(ctx, "inspection.findings"), Value: locale.N(ctx, v.Findings), Note: v.levels(ctx)}
	if v.High > 0 {
		found.Kind = ui.Danger
	}
	due := ui.Figure{Label: locale.T(ctx, "inspection.due"), Value: locale.ShortDay(ctx, v.DueAt)}
	switch {
	case !v.SignedAt.IsZero():
		due.Note = locale.T(ctx, "inspection.signed_on", locale.Day(ctx, v.SignedAt))
	case v.Overdue:
		due.Kind, due.Note, due.NoteKind = ui.Danger, locale.T(ctx, "inspection.overdue"), ui.Danger
	default:
		due.Note = locale.T(ctx, "inspection.days_left", int64(v.DueAt.Sub(v.Now).Hours()/24)+1)
	}
	return []ui.Figure{population, sample, checked, found, due}
}

func (v InspectionView) tabs(ctx context.Context) []ui.TabView {
	var out []ui.TabView
	for _, tab := range []string{"", "check", "findings", "report"} {
		key := tab
		if key == "" {
			key = "overview"
		}
		t := ui.TabView{Label: locale.T(ctx, "inspection.tab_"+key), Path: InspectionTabPath(v.Code, tab), Active: v.Tab == tab}
		switch tab {
		case "check":
			t.Count = locale.N(ctx, v.Sample)
		case "findings":
			t.Count = locale.N(ctx, v.Findings)
		}
		out = append(out, t)
	}
	return out
}

// waiting are the items that nobody has judged.
func (v InspectionView) waiting() int64 { return v.Sample - v.Checked }

// shortList are the items of the overview: the last four that were judged, and the next two.
func (v InspectionView) shortList() (out []InspectionItem) {
	var done, open []InspectionItem
	for _, i := range v.Items {
		if i.Verdict == "ok" || i.Verdict == "problem" {
			done = append(done, i)
		} else if len(open) < 2 {
			open = append(open, i)
		}
	}
	const lines = 6
	return append(done[max(0, len(done)-(lines-len(open))):], open...)
}

// chosen are the items under the filter.
func (v InspectionView) chosen() (out []InspectionItem) {
	for _, i := range v.Items {
		if v.Verdict == "" || v.Verdict == i.Verdict || v.Verdict == "open" && i.Verdict == "" {
			out = append(out, i)
		}
	}
	return out
}

func (v InspectionView) verdictTabs(ctx context.Context) []ui.TabView {
	var out []ui.TabView
	for _, verdict := range []string{"", "open", "later", "problem", "ok"} {
		key, path := verdict, InspectionTabPath(v.Code, "check")
		if verdict == "" {
			key = "all"
		} else {
			path += "&verdict=" + verdict
		}
		out = append(out, ui.TabView{Label: locale.T(ctx, "inspection.verdict_"+key), Path: path, Active: v.Verdict == verdict})
	}
	return out
}

func (v InspectionView) context(ctx context.Context) string {
	by := v.OpenedBy
	if by == "" {
		by = locale.T(ctx, "common.system")
	}
	return locale.T(ctx, "inspection.context", by, v.OpenedAt)
}

// blocked says why nobody can sign yet.
func (v InspectionView) blocked(ctx context.Context) string {
	switch {
	case v.State == "signed":
		return ""
	case v.DrawnAt.IsZero():
		return locale.T(ctx, "inspection.sign_not_drawn")
	case v.waiting() > 0 || v.Grave > 0:
		return locale.T(ctx, "inspection.sign_blocked", v.Checked, v.Sample, v.Grave)
	case !v.CanSign:
		return locale.T(ctx, "inspection.sign_turn", locale.Key(v.Turn))
	}
	return ""
}

var levelKinds = map[string]string{"high": ui.Danger, "medium": ui.Warning, "low": ""}

func (f InspectionFinding) text(ctx context.Context) string {
	if f.Kind != "" {
		return locale.T(ctx, "inspection.auto_"+f.Kind, f.Count)
	}
	return f.Words
}

// closable says that audit may look at it again now.
func (f InspectionFinding) closable() bool { return f.CanRecheck || f.CanClose }

func (v InspectionView) ownerOptions(ctx context.Context, chosen string) []ui.Option {
	return ownerOptions(ctx, v.People, chosen, "inspection.no_owner")
}

func levelOptions(ctx context.Context, chosen string) []ui.Option {
	if chosen == "" {
		chosen = "medium"
	}
	var out []ui.Option
	for _, l := range []string{"high", "medium", "low"} {
		out = append(out, ui.Option{Value: l, Label: locale.T(ctx, "inspection.level_"+l), Chosen: l == chosen})
	}
	return out
}

// sampleFacts are what anybody needs to draw the sample again.
func (v InspectionView) sampleFacts(ctx context.Context) []ui.Fact {
	facts := []ui.Fact{{Term: locale.T(ctx, "inspection.commitment"), Body: ui.Copyable(ends(v.Commitment), v.Commitment)}}
	if v.Seed != "" {
		facts = append(facts,
			ui.Fact{Term: locale.T(ctx, "inspection.seed"), Body: ui.Copyable(ends(v.Seed), v.Seed)},
			ui.Fact{Term: locale.T(ctx, "inspection.list_root"), Body: ui.Copyable(ends(v.Root), v.Root)})
	}
	return append(facts,
		ui.Fact{Term: locale.T(ctx, "inspection.entry"), Text: entry(v.CommitLeaf), Mono: true},
		ui.Fact{Term: locale.T(ctx, "inspection.method"), Text: locale.T(ctx, "inspection.method_text")})
}

func (v InspectionItemView) facts(ctx context.Context) []ui.Fact {
	batch := ui.Fact{Term: locale.T(ctx, "inspection.batch"), Body: inspectionLink(BatchPath(v.BatchID), v.Batch)}
	facts := []ui.Fact{
		batch,
		{Term: locale.T(ctx, "inspection.department"), Text: departmentPath(v.Department)},
		{Term: locale.T(ctx, "inspection.reason"), Text: v.Reason},
		{Term: locale.T(ctx, "inspection.binned_by"), Text: v.Owner + " · " + locale.Date(ctx, v.BinnedAt)},
		{Term: locale.T(ctx, "inspection.keep_until"), Text: locale.Date(ctx, v.KeepUntil)},
	}
	if v.Type != "" {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "inspection.type"), Text: v.Type})
	}
	if !v.ExtendedAt.IsZero() {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "inspection.extended"), Text: locale.Date(ctx, v.ExtendedAt)})
	}
	return append(facts, ui.Fact{Term: locale.T(ctx, "inspection.state_now"), Text: locale.T(ctx, "inspection.item_"+v.ItemState)})
}

func (v InspectionItemView) title(ctx context.Context) string {
	return locale.T(ctx, "inspection.item_title", v.Seq, v.Of)
}
