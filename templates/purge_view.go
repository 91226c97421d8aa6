package templates

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// PurgeQuery says what a list of purge requests shows.
type PurgeQuery struct {
	State     string // the tab: "" open, executing, finished, closed, all
	Mine      bool
	Emergency bool   // only emergencies
	Incident  string // only those of this incident
}

// PurgesView is the list of purge requests.
type PurgesView struct {
	PurgeQuery
	Rows  []PurgeRow
	Total int64
	Next  uint64 // the cursor of the next page, 0 for none
	First bool   // the first page
	Now   time.Time
}

// PurgeRow is one request in the list.
type PurgeRow struct {
	ID        uint64
	Code      string
	State     string
	Incident  string
	Size      int64
	Path      string // of its largest department
	Paths     int
	Batches   []string
	Requester string // empty: the system
	RoleKey   string
	At        time.Time
	Until     time.Time // of what it waits for; zero if for nothing
	Purged    int64
	Skipped   int64
}

// PurgePerson is somebody in a chain of approval.
type PurgePerson struct {
	Name    string
	StaffNo string
	RoleKey string
}

func (p PurgePerson) in(ctx context.Context) string {
	switch {
	case p.Name == "" && p.RoleKey == "":
		return locale.T(ctx, "common.system")
	case p.Name == "":
		return locale.T(ctx, p.RoleKey)
	case p.RoleKey == "":
		return p.Name
	}
	return locale.T(ctx, p.RoleKey) + " " + p.Name
}

// PurgeStage is one of the seven stages. Who is empty for the system; Note is words of a
// person, Remark the console's own.
type PurgeStage struct {
	Key    string // of its name
	State  string // done, current, refused or "" for later
	Icon   string
	Who    PurgePerson
	Nobody bool // nobody acts in this stage, time does
	At     time.Time
	Note   string
	Remark Words
}

// PurgeCount is a number under a reason: held, floor, order, restored, version, gone, approval.
type PurgeCount struct {
	Reason string
	N      int64
}

// PurgeDepartment is one department's share of a list.
type PurgeDepartment struct {
	Path          string
	Conversations int64
	Messages      int64
	Attachments   int64
	Bytes         int64
}

// PurgeBatch is a batch that a request covers.
type PurgeBatch struct {
	ID            uint64
	Code          string
	ResidueCount  int64
	ResidueReason string
	Residue       []PurgeResidue
}

// PurgeResidue is a sub-department that was left out of a batch.
type PurgeResidue struct {
	Path  string
	Count int64
}

// PurgeCheck is one look at a frozen list as things stand now. State is passed or warning.
type PurgeCheck struct {
	Key   string
	State string
	Count int64
	Note  Words
}

// PurgeProgress is the state block of a request.
type PurgeProgress struct {
	ID               uint64
	State            string
	Executing        bool // polled every few seconds
	Waiting          bool // polled now and then
	Phase            string
	Done, Total      int64
	Purged, Skipped  int64
	Skips            []PurgeCount
	Buckets          int64
	BucketsDestroyed int64
	Survivors        int64
	StartedAt        time.Time
	FinishedAt       time.Time
	Attempts         int
	Stopped          bool // the worker gave up for now
	Certificate      uint64
	CertificateCode  string
	Now              time.Time
}

// PurgeView is the page of one request.
type PurgeView struct {
	Reach         ReachView
	ID            uint64
	Code          string
	State         string // as shown
	Draft         bool
	Organisation  bool // the whole of it: with a second code
	Size          int64
	Messages      int64
	Attachments   int64
	Bytes         int64
	Path          string // of its largest department
	Paths         int
	Requester     PurgePerson
	Reason        string
	Incident      string // of an emergency
	Root          string
	FrozenAt      time.Time
	ExpiresAt     time.Time
	FirstAt       time.Time
	LastAt        time.Time
	Stages        []PurgeStage
	Batches       []PurgeBatch
	Departments   []PurgeDepartment
	Excluded      []PurgeCount
	Checks        []PurgeCheck
	Intact        int64
	CheckedAt     time.Time
	CoolingHours  int
	CoolingFrom   time.Time
	CoolingUntil  time.Time
	DueAt         time.Time
	KeepUntil     time.Time
	ConfirmUntil  time.Time
	AtOnce        bool
	LegalAtOnce   bool
	Progress      PurgeProgress
	Closed        bool
	ClosedBy      string // empty: the system
	ClosedAt      time.Time
	ClosedReason  string
	Lapse         Words
	Cooling       bool
	CanRequest    bool // a draft may be requested
	CanVote       bool
	LegalVotes    bool // the vote that is awaited is legal's
	VoteRefused   Words
	CanWithdraw   bool
	CanConfirm    bool
	Opinion       string // what was typed, when the form comes back
	Checked       bool   // the incident, ditto
	WithdrawWhy   string
	Problems      Problems
	WithdrawWrong Problems
	Now           time.Time
}

// PurgeNewView is the page that requests a purge.
type PurgeNewView struct {
	Draft        uint64
	Batches      []PurgeBatch
	Size         int64
	Messages     int64
	Attachments  int64
	Bytes        int64
	Excluded     []PurgeCount
	Departments  []PurgeDepartment
	Cooling      time.Duration
	ScopeKey     string
	KeepUntil    time.Time
	Now          time.Time
	Reason       string
	AtOnce       bool
	Emergency    bool
	Incident     string
	Organisation bool
	RequestKey   string
	Problems     Problems
	Reach        ReachView
}

// PurgeExecuteView is the page of legal's second code.
type PurgeExecuteView struct {
	ID         uint64
	Code       string
	Size       int64
	Path       string
	Paths      int
	Root       string
	Supervisor PurgePerson
	Legal      PurgePerson
	Intact     int64
	CheckedAt  time.Time
	Until      time.Time
	Incident   string
	Tail       string // as typed
	Refused    Words
	Problems   Problems
}

// fingerprint groups a hash by eight, as people compare it.
func fingerprint(root string) string {
	var parts []string
	for len(root) > 8 {
		parts, root = append(parts, root[:8]), root[8:]
	}
	return strings.Join(append(parts, root), " ")
}

// fingerprintShort is its beginning and its end.
func fingerprintShort(root string) string {
	if len(root) < 24 {
		return root
	}
	return root[:8] + " " + root[8:16] + " … " + root[len(root)-8:]
}

func fingerprintTail(root string) string {
	if len(root) < 6 {
		return root
	}
	return root[len(root)-6:]
}

func purgeStages(ctx context.Context, stages []PurgeStage) []ui.Stage {
	out := make([]ui.Stage, len(stages))
	for i, s := range stages {
		out[i] = ui.Stage{Label: locale.T(ctx, s.Key), State: s.State, Icon: s.Icon, Who: s.Who.in(ctx), When: locale.None, Note: s.Note}
		if s.Nobody {
			out[i].Who = ""
		}
		if !s.At.IsZero() {
			out[i].When = locale.Short(ctx, s.At)
		}
		if remark := s.Remark.In(ctx); remark != "" {
			out[i].Note = remark
		}
	}
	return out
}

// purgeScope names where a list comes from: one department, or the largest and how many more.
func purgeScope(ctx context.Context, path string, paths int) string {
	if path == "" {
		return locale.None
	}
	short := strings.ReplaceAll(path, "/", " / ")
	if paths > 1 {
		return locale.T(ctx, "purge.and_more", short, paths-1)
	}
	return short
}

func purgeReasons(ctx context.Context, counts []PurgeCount) string {
	var parts []string
	for _, c := range counts {
		if c.N > 0 {
			parts = append(parts, locale.T(ctx, "purge.reason_"+c.Reason)+" "+locale.N(ctx, c.N))
		}
	}
	if len(parts) == 0 {
		return locale.T(ctx, "common.none")
	}
	return strings.Join(parts, " · ")
}

// purgeSteps are the parts of an execution in their order.
var purgeSteps = []string{"erase", "ledger", "keys", "verify", "file"}

func (p PurgeProgress) step() int {
	for i, s := range purgeSteps {
		if s == p.Phase {
			return i + 1
		}
	}
	if p.Phase == "end" {
		return len(purgeSteps)
	}
	return 0
}

// left estimates the rest of the erasure, zero while there is too little to go by.
func (p PurgeProgress) left() time.Duration {
	if p.Done*20 < p.Total || p.Done == 0 || p.Phase != "erase" {
		return 0
	}
	return p.Now.Sub(p.StartedAt) * time.Duration(p.Total-p.Done) / time.Duration(p.Done)
}

func (p PurgeProgress) attrs() templ.Attributes {
	switch {
	case p.Executing:
		return templ.Attributes{"hx-get": PurgeStatePath(p.ID), "hx-trigger": "every 5s", "hx-swap": "outerHTML"}
	case p.Waiting:
		return templ.Attributes{"hx-get": PurgeStatePath(p.ID), "hx-trigger": "every 60s", "hx-swap": "outerHTML"}
	}
	return templ.Attributes{}
}

func (p PurgeProgress) rows(ctx context.Context) []ui.RowView {
	out := make([]ui.RowView, len(purgeSteps))
	now := p.step()
	for i, s := range purgeSteps {
		row := ui.RowView{Icon: "clock", Title: locale.T(ctx, "purge.step_"+s), Text: locale.T(ctx, "purge.waits_for_previous")}
		switch {
		case i+1 < now || p.Phase == "end":
			row.Icon, row.Kind, row.Text = "check", ui.Success, p.stepText(ctx, s)
		case i+1 == now:
			row.Icon, row.Kind, row.Text = "loader-2", ui.Primary, p.stepText(ctx, s)
		}
		out[i] = row
	}
	return out
}

func (p PurgeProgress) stepText(ctx context.Context, step string) string {
	switch step {
	case "erase":
		return locale.T(ctx, "purge.step_erase_text", p.Purged, p.Total, p.Skipped)
	case "keys":
		return locale.T(ctx, "purge.step_keys_text", p.BucketsDestroyed, p.Buckets, p.Survivors)
	}
	return locale.T(ctx, "purge.step_"+step+"_text")
}
