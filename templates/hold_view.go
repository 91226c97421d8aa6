package templates

import (
	"context"
	"strconv"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// HoldsView is the register of legal holds, with one of them beside it.
type HoldsView struct {
	Strip     HoldStrip
	Filter    HoldFilter
	Owners    []HoldOwner
	Rows      []HoldRow
	Total     int64
	Page      int
	Last      int
	First     int64
	Hold      *HoldDetail
	CanCreate bool
	Now       time.Time
}

// HoldStrip is the figures at the head of the register.
type HoldStrip struct {
	Active, Conversations int64
	Due                   int64
	DueFirst              time.Time
	Overdue               int64
	OverdueCode           string
	OverdueDays           int
	Pending               int64
	PendingCode           string
}

// HoldFilter narrows the register. State is empty for all.
type HoldFilter struct{ State, Owner, Text string }

// HoldOwner is somebody who answers for holds.
type HoldOwner struct{ ID, Name string }

// HoldStates are the states that the register can be narrowed to.
var HoldStates = []string{"active", "review_due", "review_overdue", "release_pending", "release_buffer", "released"}

// HoldRow is one hold of the register.
type HoldRow struct {
	ID            uint64
	Code, Name    string
	Scope         HoldScope
	Conversations int64
	Owner         string
	ReviewAt      time.Time
	State         string
	DaysLeft      int // to the review
}

// HoldScope is what a hold covers.
type HoldScope struct {
	Kind                                        string
	Departments                                 []string
	Sub                                         bool
	From, To                                    time.Time // To: the last day included
	Types, Tags, WithoutTags, Platforms, Agents []string
	Customers, Singles                          int64
	CustomerIDs                                 []string // only beside one hold
	Continuing                                  bool
}

// HoldDetail is one hold.
type HoldDetail struct {
	HoldRow
	Reason                               string
	Messages                             int64
	Live, Hidden, Sealed, Binned, Listed int64
	PlacedBy                             string
	PlacedAt, ReleasedAt                 time.Time
	Blocks                               []HoldBlock
	History                              []HoldEvent
	Release                              *HoldRelease
	CanReview, CanRequest                bool
	CanExport                            bool
	CanDecide, CanCancel                 bool
	Own                                  bool      // the release was asked for by the reader
	Entry                                HoldEntry // what was typed, when it was refused
	Problems                             Problems
}

// HoldRelease is the release that is under way.
type HoldRelease struct {
	State               string
	Requester, Approver string
	Reason, Opinion     string
	Root                string // in hex
	RequestedAt, EndsAt time.Time
	ExpiresAt           time.Time
}

// HoldBlock is something that the hold kept from happening.
type HoldBlock struct {
	Key   string // of the sentence
	Code  string
	Count int64
	By    string
	At    time.Time
}

// HoldEvent is a step in the life of a hold.
type HoldEvent struct {
	Key  string
	Who  string
	Note string
	Why  string // of what the system did: the sentence that says why
	At   time.Time
	Next time.Time // of a review
}

// HoldEntry is what somebody typed into one of the forms beside a hold.
type HoldEntry struct{ Act, Next, Note, Reason, Opinion string }

// HoldNewView is the form of a new hold.
type HoldNewView struct {
	Kinds       []string
	Kind        string
	Name        string
	Reason      string
	Fixed       bool
	Owner       string
	Owners      []HoldOwner
	ReviewAt    string
	Departments []DepartmentChoice
	Department  uint64
	Sub         bool
	From, To    string
	Types       string
	Tags        string
	WithoutTags string
	Platforms   string
	Agents      string
	Customers   string
	Codes       string
	Key         string
	// Picked is what was chosen of a search, sealed, "" for none; PickedBack leads back to it.
	Picked       string
	PickedCount  int64
	PickedExcept int
	PickedBack   string
	Count        *HoldCount // after "count"
	Problems     Problems
}

// DepartmentChoice is a department in a list of choices.
type DepartmentChoice struct {
	ID    uint64
	Name  string
	Depth int
}

// HoldCount is what a hold would cover now.
type HoldCount struct {
	Conversations, Messages              int64
	Live, Hidden, Sealed, Binned, Listed int64
	Customers                            int      // that were named
	Unmatched                            []string // those of them, masked, of whom nothing matches
}

func (v HoldsView) figures(ctx context.Context) []ui.Figure {
	s := v.Strip
	due := ui.Figure{Label: locale.T(ctx, "hold.strip_due"), Value: locale.N(ctx, s.Due), Path: HoldFilter{State: "review_due"}.Path(1)}
	if s.Due > 0 {
		due.Kind, due.Note = ui.Warning, locale.T(ctx, "hold.strip_first", locale.Day(ctx, s.DueFirst))
	}
	overdue := ui.Figure{Label: locale.T(ctx, "hold.strip_overdue"), Value: locale.N(ctx, s.Overdue), Path: HoldFilter{State: "review_overdue"}.Path(1)}
	if s.Overdue > 0 {
		overdue.Kind, overdue.Note = ui.Danger, locale.T(ctx, "hold.strip_late", s.OverdueCode, s.OverdueDays)
	}
	pending := ui.Figure{Label: locale.T(ctx, "hold.strip_pending"), Value: locale.N(ctx, s.Pending), Path: HoldFilter{State: "release_pending"}.Path(1)}
	if s.Pending > 0 {
		pending.Note = locale.T(ctx, "hold.strip_second", s.PendingCode)
	}
	return []ui.Figure{
		{Label: locale.T(ctx, "hold.strip_active"), Value: locale.N(ctx, s.Active), Note: locale.T(ctx, "hold.conversations", s.Conversations)},
		due, overdue, pending,
	}
}

func (v HoldsView) stateOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "", Label: locale.T(ctx, "hold.every_state"), Chosen: v.Filter.State == ""}}
	for _, s := range HoldStates {
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, ui.StatusKey("hold", s)), Chosen: v.Filter.State == s})
	}
	return out
}

func ownerOptions(ctx context.Context, owners []HoldOwner, chosen, none string) []ui.Option {
	out := []ui.Option{{Value: "", Label: locale.T(ctx, none), Chosen: chosen == ""}}
	for _, o := range owners {
		out = append(out, ui.Option{Value: o.ID, Label: o.Name, Chosen: o.ID == chosen})
	}
	return out
}

func (v HoldsView) pager() ui.PagerView {
	p := ui.PagerView{First: v.First, Last: v.First + int64(len(v.Rows)) - 1, Total: v.Total}
	if v.Last > 1 {
		p.Pages = ui.Pages(v.Page, v.Last, v.Filter.Path)
	}
	if v.Page > 1 {
		p.Prev = v.Filter.Path(v.Page - 1)
	}
	if v.Page < v.Last {
		p.Next = v.Filter.Path(v.Page + 1)
	}
	return p
}

// lines are the scope in words, one condition a line.
func (s HoldScope) lines(ctx context.Context) []string {
	join := func(list []string) string { return strings.Join(list, locale.T(ctx, "common.list_mark")) }
	var out []string
	add := func(key string, args ...any) { out = append(out, locale.T(ctx, key, args...)) }
	if s.Customers > 0 {
		add("hold.scope_customers", s.Customers)
	}
	if len(s.Agents) > 0 {
		add("hold.scope_agents", join(s.Agents))
	}
	switch {
	case len(s.Departments) > 0 && s.Sub:
		add("hold.scope_departments_sub", join(s.Departments))
	case len(s.Departments) > 0:
		add("hold.scope_departments", join(s.Departments))
	case s.Kind == "conversations":
		add("hold.scope_single", s.Singles)
	default:
		add("hold.scope_everywhere")
	}
	worded := func(word func(context.Context, string) string, list []string) (out []string) {
		for _, code := range list {
			out = append(out, word(ctx, code))
		}
		return out
	}
	for _, c := range []struct {
		key  string
		list []string
	}{{"hold.scope_types", worded(TypeWord, s.Types)}, {"hold.scope_platforms", worded(PlatformWord, s.Platforms)}, {"hold.scope_tags", s.Tags}, {"hold.scope_without", s.WithoutTags}} {
		if len(c.list) > 0 {
			add(c.key, join(c.list))
		}
	}
	switch {
	case !s.From.IsZero() && !s.To.IsZero():
		add("hold.scope_between", locale.Day(ctx, s.From), locale.Day(ctx, s.To))
	case !s.From.IsZero():
		add("hold.scope_from", locale.Day(ctx, s.From))
	case !s.To.IsZero():
		add("hold.scope_to", locale.Day(ctx, s.To))
	}
	if s.Continuing {
		add("hold.scope_continuing")
	} else {
		add("hold.scope_fixed")
	}
	return out
}

// Short is the scope on one line.
func (s HoldScope) Short(ctx context.Context) string { return strings.Join(s.lines(ctx), " · ") }

// badgeText is the state; with a review near, the days that are left stand behind it.
func (r HoldRow) badgeText(ctx context.Context) string {
	if r.State == "review_due" {
		return locale.T(ctx, "hold.review_in", r.DaysLeft)
	}
	return locale.T(ctx, ui.StatusKey("hold", r.State))
}

func (h *HoldDetail) facts(ctx context.Context) []ui.Fact {
	review := locale.Day(ctx, h.ReviewAt)
	if h.ReleasedAt.IsZero() {
		review = locale.T(ctx, "hold.review_never_releases", review)
	}
	facts := []ui.Fact{
		{Term: locale.T(ctx, "hold.name"), Text: h.Name},
		{Term: locale.T(ctx, "hold.reason"), Text: h.Reason},
		{Term: locale.T(ctx, "hold.scope"), Body: holdLines(h.Scope.lines(ctx))},
		{Term: locale.T(ctx, "hold.hits"), Text: locale.T(ctx, "hold.hits_text", h.Conversations, h.Messages)},
		{Term: locale.T(ctx, "hold.places"), Text: holdPlaces(ctx, h.Live, h.Hidden, h.Sealed, h.Binned, h.Listed)},
		{Term: locale.T(ctx, "hold.owner"), Text: h.Owner},
		{Term: locale.T(ctx, "hold.next_review"), Text: review},
		{Term: locale.T(ctx, "hold.placed"), Text: locale.T(ctx, "hold.placed_text", h.PlacedBy, locale.Date(ctx, h.PlacedAt))},
		{Term: locale.T(ctx, "hold.seen_by"), Text: locale.T(ctx, "hold.seen_by_text")},
	}
	if len(h.Scope.CustomerIDs) > 0 {
		list := ui.Fact{Term: locale.T(ctx, "hold.customers"), Text: strings.Join(h.Scope.CustomerIDs, locale.T(ctx, "common.list_mark"))}
		facts = append(facts[:3], append([]ui.Fact{list}, facts[3:]...)...)
	}
	return facts
}

// mostUnmatched is how many customers without a match a page names.
const mostUnmatched = 50

func holdUnmatched(ctx context.Context, list []string) string {
	named := strings.Join(list[:min(len(list), mostUnmatched)], locale.T(ctx, "common.list_mark"))
	if len(list) > mostUnmatched {
		return locale.T(ctx, "hold.unmatched_more", named)
	}
	return named
}

func holdPlaces(ctx context.Context, live, hidden, sealed, binned, listed int64) string {
	parts := []string{locale.T(ctx, "hold.place_live", live), locale.T(ctx, "hold.place_hidden", hidden), locale.T(ctx, "hold.place_binned", binned)}
	if sealed > 0 {
		parts = append(parts, locale.T(ctx, "hold.place_sealed", sealed))
	}
	if listed > 0 {
		parts = append(parts, locale.T(ctx, "hold.place_listed", listed))
	}
	return strings.Join(parts, " · ")
}

func (h *HoldDetail) blockEvents(ctx context.Context) []ui.Event {
	var out []ui.Event
	for _, b := range h.Blocks {
		out = append(out, ui.Event{What: locale.T(ctx, b.Key, b.Code, b.Count), When: locale.Short(ctx, b.At), Note: b.By, Kind: ui.Hold})
	}
	return out
}

func (h *HoldDetail) events(ctx context.Context) []ui.Event {
	var out []ui.Event
	for _, e := range h.History {
		what := locale.T(ctx, e.Key)
		if !e.Next.IsZero() {
			what = locale.T(ctx, e.Key, locale.Day(ctx, e.Next))
		}
		note := e.Note
		if e.Why != "" {
			note = locale.T(ctx, e.Why)
		}
		out = append(out, ui.Event{Who: e.Who, What: what, When: locale.Date(ctx, e.At), Note: note})
	}
	return out
}

func (v HoldNewView) kindOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, k := range v.Kinds {
		out = append(out, ui.Option{Value: k, Label: locale.T(ctx, "hold.kind_"+k), Hint: locale.T(ctx, "hold.kind_"+k+"_hint"), Chosen: k == v.Kind})
	}
	return out
}

func (v HoldNewView) departmentOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "", Label: locale.T(ctx, "hold.every_department"), Chosen: v.Department == 0}}
	for _, d := range v.Departments {
		out = append(out, ui.Option{Value: strconv.FormatUint(d.ID, 10), Label: d.Name, Depth: d.Depth, Chosen: d.ID == v.Department})
	}
	return out
}

func (v HoldNewView) lastingOptions(ctx context.Context) []ui.Option {
	return []ui.Option{
		{Value: "", Label: locale.T(ctx, "hold.continuing"), Hint: locale.T(ctx, "hold.continuing_hint"), Chosen: !v.Fixed},
		{Value: "1", Label: locale.T(ctx, "hold.fixed"), Hint: locale.T(ctx, "hold.fixed_hint"), Chosen: v.Fixed},
	}
}

func countText(n int64) string { return strconv.FormatInt(n, 10) }
