package templates

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ConversationsView is the search page: the form as it was sent, and what was found.
type ConversationsView struct {
	Search   Search // what is shown
	Form     SearchForm
	Customer string // masked, for its chip
	SealedQ  bool   // the keywords are sealed: the chip does not repeat them
	// WithoutQ and WithoutCustomer are the sealed part of the address without one of the two.
	WithoutQ        string
	WithoutCustomer string
	Problems        Problems

	Tabs []SavedTab
	Kept KeptSearch

	Departments []ui.Option // those of the reader, in walking order
	DeptName    string      // of the chosen one
	Tags        []string    // that exist

	Hints  []Words // what may be why nothing was found
	Found  bool    // the search ran
	Rows   []ConversationRow
	Total  int64
	AtMost bool // Total and the counts are of what may match
	// Messages is how many all that was found have together; 0 where that is not known.
	Messages int64
	Took     time.Duration
	// Facets and Histogram are empty where NoOverview says that the index could not be asked.
	Facets     []Facet
	Histogram  SearchHistogram
	NoOverview bool
	Binned     int64
	Unmarked   int64 // might be found were they looked into
	BinPath    string
	First      int64
	Prev       string
	Next       string
	Numbered   int64 // rows so far down are on pages with numbers
	Elsewhere  Words // why this is not the page that was asked for
	// Acts are what can be done with chosen rows; CanTag says that tagging is, beside them.
	Acts       []ChosenAct
	CanTag     bool
	MostTagged int64
	MaySealed  bool // the reader may ask for what is sealed
	// ExportPath is empty where the reader takes nothing out, or there is nothing.
	ExportPath string
	// Readings are the accesses that the reader may search under, Until the end of the chosen one.
	Readings   []AccessSwitch
	Until      time.Time
	AccessPath string // to ask for more; "" where the reader sees everything
	BatchPath  string // "" where the reader makes no batches, or none can be made of it
	// AllPath chooses everything that was found, ClearPath takes that back; Chosen is how many then are.
	AllPath, ClearPath string
	Chosen             int64
	// BatchWhyNot is the key of why none can be made of it.
	BatchWhyNot string
}

// SearchForm is what stands in the form: what was typed, also where it is wrong or sealed in the address.
type SearchForm struct {
	Search
	Customer string
}

// counted writes a count of the result.
func (v ConversationsView) counted(ctx context.Context, n int64) string {
	if v.AtMost && n > 0 {
		return locale.T(ctx, "conversation.at_most", n)
	}
	return locale.N(ctx, n)
}

// found is the result's heading.
func (v ConversationsView) found(ctx context.Context) string {
	if v.AtMost {
		return locale.T(ctx, "conversation.found_most", v.Total)
	}
	return locale.T(ctx, "conversation.found", v.Total)
}

// choosable tells whether rows can be chosen, because something can be done with them.
func (v ConversationsView) choosable() bool { return v.CanTag || len(v.Acts) > 0 }

// ChosenAct is a button above the rows. Its words are conversation.act_ and the key; it takes at most Most
// (0: any number).
type ChosenAct struct {
	Key, Icon, Path string
	Most            int64
}

// pickedWords says how much was chosen of a search, on the pages that it is taken to.
func pickedWords(ctx context.Context, n int64, except int) string {
	if except == 0 {
		return locale.T(ctx, "conversation.picked", n)
	}
	return locale.T(ctx, "conversation.picked_but", n, except)
}

// tooMany tells whether more is chosen than an act takes.
func (v ConversationsView) tooMany(most int64) bool { return most > 0 && v.Chosen > most }

// ConversationRow is one conversation of a list. Texts are masked.
type ConversationRow struct {
	ID         uint64
	Code       string
	Path       string
	Readable   bool
	Name       string
	Account    string
	Preview    []Piece
	Department string
	Agent      string
	Platform   string
	Type       string
	Tags       []string
	Messages   int
	LastAt     time.Time
	State      string
	Locks      []string // codes of status.lock.*
	Chosen     bool     // where everything is chosen: not an exception
}

// SearchTypes and SearchPlatforms are what a search offers to choose from.
var (
	SearchTypes     = []string{"咨询", "售后", "投诉", "交易", "法律纠纷"}
	SearchPlatforms = []string{"qianniu", "wechat", "wecom", "ctrip", "sobot", "qq", "dingtalk", "xiaoneng"}
)

// SearchSizes are the sizes of a page; the first is the usual one.
var SearchSizes = []int{20, 10, 50, 100}

// TypeWord is a service type in the reader's language; one that nobody foresaw stays as it is.
func TypeWord(ctx context.Context, serviceType string) string {
	return wordOr(ctx, "conversation.type_", serviceType)
}

// SearchPersonal are the kinds of personal data that a conversation can be known to hold.
var SearchPersonal = []string{"id_card", "bank_card", "phone", "email", "address"}

// PersonalWord is a kind of personal data in the reader's language.
func PersonalWord(ctx context.Context, kind string) string {
	return wordOr(ctx, "conversation.personal_", kind)
}

// PlatformWord is a platform in the reader's language.
func PlatformWord(ctx context.Context, platform string) string {
	return wordOr(ctx, "conversation.platform_", platform)
}

func wordOr(ctx context.Context, prefix, code string) string {
	switch {
	case code == "":
		return locale.None
	case locale.Has(prefix + code):
		return locale.T(ctx, prefix+code)
	}
	return code
}

func wordsOf(ctx context.Context, word func(context.Context, string) string, codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = word(ctx, c)
	}
	return strings.Join(out, locale.T(ctx, "conversation.and"))
}

func (r ConversationRow) title(ctx context.Context) string {
	switch {
	case r.Name == "" && r.Account == "":
		return r.Code
	case r.Account == "":
		return r.Name
	case r.Name == "":
		return locale.T(ctx, "conversation.account_only", PlatformWord(ctx, r.Platform), r.Account)
	}
	return locale.T(ctx, "conversation.customer", r.Name, PlatformWord(ctx, r.Platform), r.Account)
}

func options(ctx context.Context, word func(context.Context, string) string, offered, chosen []string) []ui.Option {
	var out []ui.Option
	add := func(code string, on bool) {
		out = append(out, ui.Option{Value: code, Label: word(ctx, code), Chosen: on})
	}
	has := func(list []string, code string) bool {
		for _, c := range list {
			if c == code {
				return true
			}
		}
		return false
	}
	for _, c := range offered {
		add(c, has(chosen, c))
	}
	for _, c := range chosen {
		if !has(offered, c) {
			add(c, true)
		}
	}
	return out
}

func periodOptions(ctx context.Context, chosen string) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "conversation.period_none")}}
	for _, p := range Periods {
		out = append(out, ui.Option{Value: p, Label: PeriodWord(ctx, p), Chosen: p == chosen})
	}
	return out
}

func stateOptions(ctx context.Context, chosen string, sealed bool) []ui.Option {
	var out []ui.Option
	states := []string{"", SearchHidden, SearchAll}
	if sealed {
		states = append(states, SearchSealed)
	}
	for _, s := range states {
		key := s
		if key == "" {
			key = "active"
		}
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, "conversation.state_"+key), Chosen: s == chosen})
	}
	return out
}

func sortOptions(ctx context.Context, chosen string) []ui.Option {
	return []ui.Option{
		{Label: locale.T(ctx, "conversation.sort_newest"), Chosen: chosen == ""},
		{Value: SortOldest, Label: locale.T(ctx, "conversation.sort_oldest"), Chosen: chosen == SortOldest},
	}
}

// folded counts the conditions that stand behind "more".
func (v ConversationsView) folded() int {
	n := len(v.Form.Traits.each())
	for _, on := range []bool{
		len(v.Form.Types) > 0, len(v.Form.Platforms) > 0, len(v.Form.Tags) > 0, len(v.Form.Agents) > 0, v.Form.Customer != "", len(v.Form.Personal) > 0, v.Form.State != "",
	} {
		if on {
			n++
		}
	}
	return n
}

// chips are the active conditions, each with the address of the search without it.
func (v ConversationsView) chips(ctx context.Context) []ui.Chip {
	var out []ui.Chip
	base := v.Search.FirstPage()
	base.Sel = ""
	add := func(on bool, text string, drop func(*Search)) {
		if !on {
			return
		}
		without := base
		drop(&without)
		out = append(out, ui.Chip{Text: text, Remove: ConversationsPath(without)})
	}
	named := func(key, value string) string { return locale.T(ctx, "conversation.chip", locale.Key(key), value) }
	s := v.Search
	keywords := s.Q
	if v.SealedQ {
		keywords = locale.T(ctx, "conversation.sealed_words")
	}
	add(keywords != "", named("conversation.keywords", keywords), func(n *Search) {
		if n.Q = ""; v.SealedQ {
			n.SID = v.WithoutQ
		}
	})
	add(s.From != "" || s.To != "", named("conversation.last_message", v.period(ctx)), func(n *Search) { n.Period, n.From, n.To = "", "", "" })
	dept := v.DeptName
	if s.Sub {
		dept = locale.T(ctx, "conversation.dept_sub", dept)
	}
	add(v.DeptName != "", named("conversation.department", dept), func(n *Search) { n.Dept, n.Sub = "", false })
	add(len(s.Types) > 0, named("conversation.type", wordsOf(ctx, TypeWord, s.Types)), func(n *Search) { n.Types = nil })
	add(len(s.Platforms) > 0, named("conversation.platform", wordsOf(ctx, PlatformWord, s.Platforms)), func(n *Search) { n.Platforms = nil })
	plain := func(_ context.Context, s string) string { return s }
	add(len(s.Tags) > 0, named("conversation.tags", wordsOf(ctx, plain, s.Tags)), func(n *Search) { n.Tags = nil })
	add(len(s.Agents) > 0, named("conversation.agent_no", wordsOf(ctx, plain, s.Agents)), func(n *Search) { n.Agents = nil })
	add(len(s.Personal) > 0, named("conversation.personal", wordsOf(ctx, PersonalWord, s.Personal)), func(n *Search) { n.Personal = nil })
	for _, t := range s.Traits.each() {
		add(true, named(string(t.name), t.value(ctx)), func(n *Search) { n.Traits = t.rest })
	}
	add(v.Customer != "", named("conversation.customer_id", v.Customer), func(n *Search) { n.SID = v.WithoutCustomer })
	if s.State != "" {
		add(true, named("common.state", locale.T(ctx, "conversation.state_"+s.State)), func(n *Search) { n.State = "" })
	}
	return out
}

func (v ConversationsView) period(ctx context.Context) string {
	if v.Search.Period != "" {
		return locale.T(ctx, "conversation.period_days", PeriodWord(ctx, v.Search.Period), v.Search.days(ctx))
	}
	return v.Search.days(ctx)
}

// PeriodWord is a period in the reader's language.
func PeriodWord(ctx context.Context, code string) string {
	return locale.T(ctx, "conversation.period_"+code)
}

// days says which days are searched.
func (s Search) days(ctx context.Context) string {
	from, to := s.From, s.To
	switch {
	case from == "":
		return locale.T(ctx, "conversation.until", to)
	case to == "":
		return locale.T(ctx, "conversation.since", from)
	case from == to:
		return from
	}
	return locale.Span(ctx, from, to)
}

func (v ConversationsView) clearPath() string {
	if v.Search.Narrowed() {
		return v.plainPath()
	}
	return ""
}

// plainPath is the search without conditions, under the same access.
func (v ConversationsView) plainPath() string {
	return ConversationsPath(Search{Under: v.Search.Under})
}

// places are where the reader can search: the own departments, and each access.
func (v ConversationsView) places(ctx context.Context) []ui.TabView {
	out := []ui.TabView{{Label: locale.T(ctx, "access.own"), Path: ConversationsRoot, Active: v.Search.Under == ""}}
	for _, r := range v.Readings {
		out = append(out, ui.TabView{Label: locale.T(ctx, "access.under", r.Code), Path: r.Path, Active: r.Active})
	}
	return out
}

func (v ConversationsView) pager(ctx context.Context) ui.PagerView {
	p := ui.PagerView{First: v.First, Last: v.First + int64(len(v.Rows)) - 1, Total: v.Total, NoTotal: v.AtMost, Prev: v.Prev, Next: v.Next, Target: "#results"}
	current := cmp.Or(v.Search.Size, SearchSizes[0])
	if !v.AtMost {
		v.number(ctx, &p, int64(current))
	}
	p.Hint = cmp.Or(v.Elsewhere.In(ctx), p.Hint) // whoever jumped is here, not above
	for _, n := range []int{10, 20, 50, 100} {
		s := v.Search.FirstPage()
		s.Size = n
		if n == SearchSizes[0] {
			s.Size = 0
		}
		p.Sizes = append(p.Sizes, ui.SizeLink{Size: n, Path: ConversationsPath(s), Active: n == current})
	}
	return p
}

// number gives the pager its numbers, as far down as there are any. What lies deeper is reached from page to page alone.
func (v ConversationsView) number(ctx context.Context, p *ui.PagerView, size int64) {
	at, of := int((v.First-1)/size+1), int((v.Total+size-1)/size)
	last := min(of, int(v.Numbered/size))
	if of < 2 || at > of {
		return
	}
	p.At, p.Of = at, of
	if v.Next != "" && of > last && at >= last {
		p.Hint = locale.T(ctx, "conversation.page_hint", v.Numbered)
	}
	if at > last {
		return
	}
	s := v.Search.FirstPage()
	p.Pages = ui.Pages(at, last, func(page int) string {
		s.Page = page
		return ConversationsPath(s)
	})
	p.Jump = ui.JumpTo(ConversationsPath(v.Search.FirstPage()), last)
}

// sortHead is the head of the column by which the rows are ordered: it turns the order around.
func (v ConversationsView) sortHead(ctx context.Context) ui.SortView {
	s, dir := v.Search.FirstPage(), "asc"
	if s.Sort == "" {
		s.Sort, dir = SortOldest, "desc"
	} else {
		s.Sort = ""
	}
	return ui.SortView{Label: locale.T(ctx, "conversation.last"), Path: ConversationsPath(s), Dir: dir}
}

// paged tells whether there is anything to page through.
func (v ConversationsView) paged() bool { return v.Total > 10 || v.Prev != "" }

// Piece is a part of a snippet; a Hit is what was searched for.
type Piece struct {
	Text string
	Hit  bool
}

// PlatformCode is the code of a platform that somebody named, in the words of either language; what names
// none stays as it is.
func PlatformCode(name string) string {
	for _, lang := range locale.Languages() {
		ctx := locale.With(context.Background(), lang, time.UTC)
		for _, code := range append(SearchPlatforms, "other") {
			if strings.EqualFold(name, code) || strings.EqualFold(name, PlatformWord(ctx, code)) {
				return code
			}
		}
	}
	return name
}

// beside is what stands beside the heading: how many messages were found, where that is certain, and how long it took.
func (v ConversationsView) beside(ctx context.Context) string {
	if v.Messages == 0 || v.AtMost {
		return v.took(ctx)
	}
	return locale.T(ctx, "conversation.found_messages", v.Messages) + " · " + v.took(ctx)
}

// took says how long the search took.
func (v ConversationsView) took(ctx context.Context) string {
	if v.Took < 10*time.Millisecond {
		return locale.T(ctx, "conversation.took_less", "0.01")
	}
	return locale.T(ctx, "conversation.took", strconv.FormatFloat(v.Took.Seconds(), 'f', 2, 64))
}

// resultCard is the frame of the list; the heading stands above the histogram where there is one.
func (v ConversationsView) resultCard(ctx context.Context) ui.CardView {
	if len(v.Histogram.Bars) > 0 {
		return ui.CardView{ID: "found", Flush: true}
	}
	return ui.CardView{ID: "found", Title: v.found(ctx), Flush: true, Actions: binnedToo(v)}
}

// selection is the bar above the rows.
func (v ConversationsView) selection() ui.SelectionView {
	return ui.SelectionView{Form: "chosen", Total: v.Total, AllPath: v.AllPath, Clear: v.ClearPath, Chosen: v.Chosen, All: v.ClearPath != ""}
}
