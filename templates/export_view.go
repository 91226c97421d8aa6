package templates

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ExportsView is the shelf of exports.
type ExportsView struct {
	Filter          ExportFilter
	States          []string
	Rows            []ExportRow
	Total           int64
	OnShelf, Bytes  int64
	Before, Next    uint64
	CanCreate       bool
	CanCertificates bool
	OthersToo       bool // the reader sees exports of others
}

// ExportRow is one export of a list.
type ExportRow struct {
	ID                                      uint64
	Code, State, Kind, Format, Mask         string
	Purpose, Owner                          string
	Own, Outside, MayApprove                bool
	Needs                                   []string // why a second person had to agree
	Conversations                           int64
	Done, Total, Ahead                      int64
	Days                                    int
	At                                      time.Time
	ReadyAt, ExpiresAt, FetchedAt, ClosedAt time.Time
	ClosedBy, ClosedReason                  string
	Failure                                 Words // of a failed one
}

// ExportView is one export. The texts of refusals are empty where nothing is refused, or nothing to tell.
type ExportView struct {
	ExportRow
	Now                                     time.Time
	Scope                                   ExportScope
	Spread                                  *ExportSpread // nil: not known
	Recipient, Consent                      string
	OwnKey                                  bool // the recipient's key closes the file
	Zip                                     bool // it is an archive that ordinary tools open
	Lang, Staff                             string
	Root, Fingerprint                       string
	FrozenAt, AnswerUntil, KeyGoneAt        time.Time
	Asked, Written, LeftOut                 int64
	Messages, Bytes                         int64
	FileName                                string
	FileHash                                []byte // of the file that was given out
	Parts                                   []ExportPart
	Reasons                                 []ExportReason
	Votes                                   []ExportVote
	CanVote, CanFetch, CanCancel, CanRecall bool
	CanAgain                                bool // it is over: the reader may ask for the same anew
	VoteRefused, FetchRefused               Words
	Entry                                   ExportEntry
	Problems                                Problems
}

// ExportScope is what an export is of.
type ExportScope struct {
	Kind                                             string
	Count                                            int // of chosen conversations
	Conversation, Hold, Batch, Draft                 uint64
	Customer                                         string // masked
	From, To                                         time.Time
	Departments, Types, Platforms, Tags, WithoutTags []string
	Agents, States, Personal                         []string
	Traits
	Found         bool   // the chosen conversations are what a search found
	Words         string // as they were typed, for those who may read them
	Terms, Except int
}

// ExportSpread is what an export held when it was asked for: when its conversations ended, and of which
// departments and service types they are, the most first.
type ExportSpread struct {
	First, Last        time.Time
	Departments, Types []ExportShare
}

// ExportShare is how many conversations are of one department or type.
type ExportShare struct {
	Name  string
	Count int64
}

// ExportPart is one file inside the file that is given out.
type ExportPart struct {
	N                                           int
	Bytes, Conversations, Messages, First, Last int64
	Replaced                                    int64
	Hash                                        []byte
}

// ExportReason counts why conversations were left out, or what is special about them.
type ExportReason struct {
	Code  string
	Count int64
}

// ExportVote is the answer of the second person.
type ExportVote struct {
	Name, StaffNo string
	Approved      bool
	Opinion       string
	At            time.Time
}

// ExportEntry is what somebody typed into one of the forms of an export.
type ExportEntry struct {
	Recalling       bool
	Opinion, Reason string
}

// ExportNewView is the form of a new export.
type ExportNewView struct {
	Kind                                   string
	Open                                   bool // what it is of is chosen in the form
	Single                                 bool // the reader may take out one conversation at a time
	Scope                                  ExportScope
	Search                                 string
	IDs                                    []uint64
	Hold, Batch, Draft                     uint64
	Customer, Codes                        string
	Formats                                []string
	Format, Mask, Purpose, Days            string
	Recipient, Consent, Key, Lang, FormKey string
	Seal                                   string // SealAge or SealZip
	MayUnmask, CanSearch                   bool
	MostDays, MostUnmasked                 int // of the chosen mask, and of all but the full one
	Samples                                []ExportSample
	Count                                  *ExportCount
	Problems                               Problems
}

// How a file can be sealed.
const (
	SealAge = "age"
	SealZip = "zip"
)

// ExportSample is the made-up conversation as a mask shows it.
type ExportSample struct {
	Mask  string
	Lines []ExportSampleLine
}

// ExportSampleLine is one message of it.
type ExportSampleLine struct{ Who, Text string }

// ExportCount is what an export would hold now.
type ExportCount struct {
	Conversations, Messages, Attachments, Bytes int64
	Sealed                                      int64 // of the conversations
	Parts, MostDays                             int
	Needs, Approvers                            []string
}

// ExportFetchView is the page that shows a passphrase, once.
type ExportFetchView struct {
	ID                uint64
	Code, FileName    string
	Token, Passphrase string
	Until             time.Time
	Zip               bool // an archive that ordinary tools open
}

// ExportCheckView is what is known of a file that somebody holds.
type ExportCheckView struct {
	File     string
	Found    *ExportRow
	Whole    bool
	Part     int
	Unknown  bool
	Problems Problems
}

var exportStatuses = map[string]string{"waiting": "awaiting_approval", "freezing": "building", "running": "building"}

// status is the state as it is shown: that the list is written first is nobody's matter.
func (r ExportRow) status() string {
	if s, ok := exportStatuses[r.State]; ok {
		return s
	}
	return r.State
}

// Making tells whether the worker has it.
func (r ExportRow) Making() bool {
	return r.State == "queued" || r.State == "freezing" || r.State == "running"
}

// againWord and endWord are what the buttons of an export say that failed, or that nobody fetched.
func (r ExportRow) againWord() string {
	if r.State == "failed" {
		return "export.page_retry"
	}
	return "export.page_again"
}

func (r ExportRow) endWord() string {
	if r.State == "failed" {
		return "export.page_why_failed"
	}
	return "common.view"
}

func (v ExportsView) making() bool {
	for _, r := range v.Rows {
		if r.Making() {
			return true
		}
	}
	return false
}

func (r ExportRow) statusText(ctx context.Context) string {
	switch {
	case r.State == "queued" && r.Ahead > 0:
		return locale.T(ctx, "export.page_ahead", r.Ahead+1)
	case r.State == "running" && r.Total > 0:
		return locale.T(ctx, "export.page_building", locale.Percent(ctx, r.Done, r.Total))
	}
	return locale.T(ctx, ui.StatusKey("export", r.status()))
}

// until says how long the file is there, or what became of it.
func (r ExportRow) until(ctx context.Context) (text, sub string) {
	switch r.State {
	case "ready":
		return locale.T(ctx, "export.page_until", locale.Short(ctx, r.ExpiresAt)), ""
	case "fetched":
		return locale.T(ctx, "export.page_with_holder"), locale.Short(ctx, r.FetchedAt)
	case "expired", "recalled":
		return locale.T(ctx, "export.page_file_gone"), locale.Short(ctx, r.ClosedAt)
	case "waiting", "queued", "freezing", "running":
		return locale.T(ctx, "export.page_days", r.Days), locale.T(ctx, "export.page_after_ready")
	}
	return locale.None, ""
}

func formatName(format string) string { return strings.ToUpper(format) }

// evidenceTabs are the kinds of papers that leave the system, as far as the reader may open them. Count is of the
// one at hand.
func evidenceTabs(ctx context.Context, here, count string, certificates bool) (out []ui.TabView) {
	for _, t := range []struct {
		there     bool
		key, path string
	}{
		{inMenu(ctx, ExportsPath), "export.page_tab", ExportsPath},
		{inMenu(ctx, ReportsPath), "menu.reports", ReportsPath},
		{inMenu(ctx, InspectionsPath), "export.page_tab_inspections", InspectionsPath},
		{certificates, "export.page_tab_certificates", CertificatesPath},
		{inMenu(ctx, BatchesPath), "export.page_tab_batches", BatchesPath},
	} {
		if tab := (ui.TabView{Label: locale.T(ctx, t.key), Path: t.path, Active: t.path == here}); tab.Active {
			tab.Count = count
			out = append(out, tab)
		} else if t.there {
			out = append(out, tab)
		}
	}
	return out
}

// inMenu tells whether a place is there for the reader.
func inMenu(ctx context.Context, path string) bool {
	for _, g := range FrameOf(ctx).Menu {
		for _, item := range g.Items {
			if item.Path == path || slices.Contains(item.Places, path) {
				return true
			}
		}
	}
	return false
}

func (v ExportsView) stateOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "export.page_every_state"), Chosen: v.Filter.State == ""}}
	for _, s := range v.States {
		if s == "freezing" {
			continue // shown as one with the making
		}
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, ui.StatusKey("export", ExportRow{State: s}.status())), Chosen: v.Filter.State == s})
	}
	return out
}

func (v ExportsView) formatOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "export.page_every_format"), Chosen: v.Filter.Format == ""}}
	for _, f := range []string{"pdf", "csv", "json", "jsonl", "xlsx"} {
		out = append(out, ui.Option{Value: f, Label: formatName(f), Chosen: v.Filter.Format == f})
	}
	return out
}

// lines are the scope in words, one condition a line.
func (s ExportScope) lines(ctx context.Context) []string {
	var out []string
	add := func(key string, args ...any) { out = append(out, locale.T(ctx, key, args...)) }
	join := func(list []string) string { return strings.Join(list, locale.T(ctx, "common.list_mark")) }
	switch {
	case s.Found:
		add("export.page_of_found", s.Count)
		if s.Words != "" {
			add("export.page_of_words", s.Words)
		} else if s.Terms > 0 {
			add("export.page_of_terms", s.Terms)
		}
		if s.Except > 0 {
			add("export.page_of_except", s.Except)
		}
	case s.Kind == "query":
		add("export.page_of_query")
	case s.Kind == "conversations":
		add("export.page_of_conversations", s.Count)
		return out
	case s.Kind == "customer":
		add("export.page_of_customer", s.Customer)
		return out
	default:
		add("export.page_of_" + s.Kind)
		return out
	}
	switch {
	case !s.From.IsZero() && !s.To.IsZero():
		add("hold.scope_between", locale.Day(ctx, s.From), locale.Day(ctx, s.To))
	case !s.From.IsZero():
		add("hold.scope_from", locale.Day(ctx, s.From))
	case !s.To.IsZero():
		add("hold.scope_to", locale.Day(ctx, s.To))
	}
	if n := len(s.Departments); n > 0 {
		add("hold.scope_departments", join(s.Departments[:min(n, 3)]))
		if n > 3 {
			add("export.page_more_departments", n-3)
		}
	}
	for _, c := range []struct {
		key  string
		list []string
	}{{"hold.scope_types", s.Types}, {"hold.scope_platforms", s.Platforms}, {"hold.scope_tags", s.Tags}, {"hold.scope_without", s.WithoutTags}, {"hold.scope_agents", s.Agents}} {
		if len(c.list) > 0 {
			add(c.key, join(c.list))
		}
	}
	if len(s.Personal) > 0 {
		add("hold.scope_personal", wordsOf(ctx, PersonalWord, s.Personal))
	}
	for _, t := range s.Traits.each() {
		add("conversation.chip", t.name, t.value(ctx))
	}
	if s.Customer != "" {
		add("export.page_of_customer", s.Customer)
	}
	for _, state := range s.States {
		if state != "active" {
			add("export.page_with_state", locale.T(ctx, ui.StatusKey("conversation", state)))
		}
	}
	return out
}

// path leads to what an export is of, where that is one thing.
func (s ExportScope) path() string {
	switch {
	case s.Conversation != 0:
		return ConversationPath(s.Conversation, "")
	case s.Hold != 0:
		return HoldPath(s.Hold)
	case s.Batch != 0:
		return BatchPath(s.Batch)
	}
	return ""
}

func (v ExportView) facts(ctx context.Context) []ui.Fact {
	out := []ui.Fact{
		{Term: locale.T(ctx, "export.page_scope"), Body: exportScope(v.Scope)},
		{Term: locale.T(ctx, "export.page_conversations"), Text: locale.N(ctx, v.Conversations)},
	}
	if v.Spread != nil {
		out = append(out, v.Spread.facts(ctx)...)
	}
	out = append(out, []ui.Fact{
		{Term: locale.T(ctx, "export.page_format"), Text: formatName(v.Format) + " · " + locale.T(ctx, "export.page_lang_"+v.Lang)},
		{Term: locale.T(ctx, "export.page_mask"), Text: locale.T(ctx, "export.page_mask_short_"+v.Mask)},
		{Term: locale.T(ctx, "export.page_sealed"), Text: locale.T(ctx, v.sealedKey())},
		{Term: locale.T(ctx, "export.page_purpose"), Text: v.Purpose},
		{Term: locale.T(ctx, "export.page_owner"), Text: locale.T(ctx, "export.page_asked_by", v.Owner, v.Staff, locale.Date(ctx, v.At))},
		{Term: locale.T(ctx, "export.page_life"), Text: v.lifeText(ctx)},
	}...)
	if v.Outside {
		out = append(out, ui.Fact{Term: locale.T(ctx, "export.page_holder"), Text: v.Recipient}, ui.Fact{Term: locale.T(ctx, "export.page_consent"), Text: v.Consent})
	} else {
		out = append(out, ui.Fact{Term: locale.T(ctx, "export.page_holder"), Text: locale.T(ctx, "export.page_inside")})
	}
	if !v.FetchedAt.IsZero() {
		out = append(out, ui.Fact{Term: locale.T(ctx, "export.page_fetched"), Text: locale.T(ctx, "export.page_fetched_text", v.Owner, locale.DateSec(ctx, v.FetchedAt))})
	}
	if !v.KeyGoneAt.IsZero() {
		out = append(out, ui.Fact{Term: locale.T(ctx, "export.page_key"), Text: locale.T(ctx, "export.page_key_gone", locale.DateSec(ctx, v.KeyGoneAt))})
	}
	return out
}

// mostShares is how many departments a page names; the others are one line.
const mostShares = 10

func (s *ExportSpread) facts(ctx context.Context) []ui.Fact {
	return []ui.Fact{
		{Term: locale.T(ctx, "export.page_departments"), Text: sharesText(ctx, s.Departments)},
		{Term: locale.T(ctx, "export.page_period"), Text: locale.T(ctx, "export.page_period_text", locale.Day(ctx, s.First), locale.Day(ctx, s.Last))},
		{Term: locale.T(ctx, "export.page_types"), Text: sharesText(ctx, s.Types)},
	}
}

func sharesText(ctx context.Context, shares []ExportShare) string {
	var out []string
	for _, one := range shares[:min(len(shares), mostShares)] {
		name := one.Name
		if name == "" {
			name = locale.None
		}
		out = append(out, locale.T(ctx, "export.page_share", one.Count, name))
	}
	text, rest := strings.Join(out, locale.T(ctx, "common.list_mark")), int64(0)
	for _, one := range shares[len(out):] {
		rest += one.Count
	}
	if rest > 0 {
		text += locale.T(ctx, "export.page_shares_more", len(shares)-len(out), rest)
	}
	return text
}

func (v ExportView) sealedKey() string {
	switch {
	case v.Zip:
		return "export.page_sealed_zip"
	case v.OwnKey:
		return "export.page_sealed_key"
	}
	return "export.page_sealed_passphrase"
}

func (v ExportView) lifeText(ctx context.Context) string {
	if v.ExpiresAt.IsZero() {
		return locale.T(ctx, "export.page_life_days", v.Days)
	}
	return locale.T(ctx, "export.page_until", locale.Date(ctx, v.ExpiresAt))
}

// stages is the chain of those who agree.
func (v ExportView) stages(ctx context.Context) []ui.Stage {
	asked := ui.Stage{Label: locale.T(ctx, "export.page_stage_asked"), State: "done", Who: v.Owner + " " + v.Staff, When: locale.Date(ctx, v.At)}
	second := ui.Stage{Label: locale.T(ctx, "export.page_stage_second"), Icon: "gavel"}
	switch {
	case len(v.Votes) > 0:
		vote := v.Votes[0]
		second.State, second.Who, second.When, second.Note = "done", vote.Name+" "+vote.StaffNo, locale.Date(ctx, vote.At), vote.Opinion
		if !vote.Approved {
			second.State = "refused"
		}
	case v.State == "waiting":
		second.State, second.When = "current", locale.T(ctx, "export.page_answer_until", locale.Date(ctx, v.AnswerUntil))
	}
	return []ui.Stage{asked, second}
}

func (v ExportView) listFacts(ctx context.Context) []ui.Fact {
	return []ui.Fact{
		{Term: locale.T(ctx, "export.page_fingerprint"), Body: purgeRoot(v.Fingerprint)},
		{Term: locale.T(ctx, "export.page_frozen"), Text: locale.Date(ctx, v.FrozenAt)},
		{Term: locale.T(ctx, "export.page_asked_for"), Text: locale.N(ctx, v.Asked)},
		{Term: locale.T(ctx, "export.page_on_list"), Text: locale.N(ctx, v.Conversations)},
		{Term: locale.T(ctx, "export.page_written"), Text: locale.T(ctx, "export.page_written_text", v.Written, v.Messages)},
		{Term: locale.T(ctx, "export.page_left_out"), Text: locale.N(ctx, v.LeftOut)},
	}
}

func (v ExportView) rows(ctx context.Context) []ui.RowView {
	var out []ui.RowView
	for _, r := range v.Reasons {
		row := ui.RowView{Icon: "circle-x", Kind: ui.Warning, Plain: true, Title: locale.T(ctx, "export.page_why_"+r.Code, r.Count), Text: locale.T(ctx, "export.page_why_"+r.Code+"_text")}
		if r.Code == "changed" || r.Code == "unreadable" {
			row.Icon = "info-circle"
		}
		out = append(out, row)
	}
	return out
}

func needsText(ctx context.Context, needs []string) string {
	var out []string
	for _, n := range needs {
		out = append(out, locale.T(ctx, "export.page_need_"+n))
	}
	return strings.Join(out, locale.T(ctx, "common.list_mark"))
}

func (v ExportNewView) kindOptions(ctx context.Context) []ui.Option {
	kinds := []string{"customer", "conversations"}
	if v.Single {
		kinds = []string{"conversation"}
	}
	var out []ui.Option
	for _, k := range kinds {
		out = append(out, ui.Option{Value: k, Label: locale.T(ctx, "export.page_kind_"+k), Hint: locale.T(ctx, "export.page_kind_"+k+"_hint"), Chosen: v.Kind == k})
	}
	return out
}

func (v ExportNewView) formatOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, f := range v.Formats {
		out = append(out, ui.Option{Value: f, Label: formatName(f), Hint: locale.T(ctx, "export.page_format_"+f), Chosen: v.Format == f})
	}
	return out
}

func (v ExportNewView) maskOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "all", Label: locale.T(ctx, "export.page_mask_all"), Hint: locale.T(ctx, "export.page_mask_all_hint"), Chosen: v.Mask == "all"}}
	if v.MayUnmask {
		for _, m := range []string{"others", "none"} {
			out = append(out, ui.Option{
				Value: m, Label: locale.T(ctx, "export.page_mask_"+m), Hint: locale.T(ctx, "export.page_mask_"+m+"_hint"), Chosen: v.Mask == m,
				Badge: ui.Badge(ui.Warning, "gavel", locale.T(ctx, "export.page_needs_second")),
			})
		}
	}
	return out
}

// dayOptions offers no more days than the mask allows; while the mask may still be chosen, the long ones say
// for which it is.
func (v ExportNewView) dayOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	chosen, err := strconv.Atoi(v.Days)
	if err == nil && v.MostDays > 0 {
		chosen = min(chosen, v.MostDays)
	}
	for _, n := range []int{1, 3, 7, 14, 30} {
		if v.MostDays > 0 && n > v.MostDays {
			break
		}
		o := ui.Option{Value: strconv.Itoa(n), Label: locale.T(ctx, "export.page_days", n), Chosen: n == chosen}
		if v.MayUnmask && n > v.MostUnmasked {
			o.Label = locale.T(ctx, "export.page_days_masked", n)
		}
		out = append(out, o)
	}
	return out
}

func (v ExportNewView) sealOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, s := range []string{SealAge, SealZip} {
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, "export.page_seal_"+s), Hint: locale.T(ctx, "export.page_seal_"+s+"_hint"), Chosen: (v.Seal == SealZip) == (s == SealZip)})
	}
	return out
}

func (v ExportNewView) langOptions(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, l := range locale.Languages() {
		out = append(out, ui.Option{Value: string(l), Label: locale.T(ctx, "export.page_lang_"+string(l)), Chosen: v.Lang == string(l)})
	}
	return out
}

func (v ExportNewView) countFacts(ctx context.Context) []ui.Fact {
	n := v.Count
	return []ui.Fact{
		{Term: locale.T(ctx, "export.page_conversations"), Text: locale.N(ctx, n.Conversations)},
		{Term: locale.T(ctx, "export.page_messages"), Text: locale.N(ctx, n.Messages)},
		{Term: locale.T(ctx, "export.page_attachments"), Text: locale.N(ctx, n.Attachments)},
		{Term: locale.T(ctx, "export.page_text_size"), Text: locale.Bytes(ctx, n.Bytes)},
		{Term: locale.T(ctx, "export.page_parts"), Text: locale.N(ctx, n.Parts)},
	}
}

// askText is the last button: with its number, and with what follows.
func (v ExportNewView) askText(ctx context.Context) string {
	if len(v.Count.Needs) > 0 {
		return locale.T(ctx, "export.page_ask_second", v.Count.Conversations)
	}
	return locale.T(ctx, "export.page_ask", v.Count.Conversations)
}

func (v ExportFetchView) sealed() bool { return v.Passphrase != "" }

func hexOf(hash []byte) string { return fmt.Sprintf("%x", hash) }

func exportNewTitle(ctx context.Context, v ExportNewView) string {
	if v.Kind == "batch" {
		return locale.T(ctx, "export.page_backup")
	}
	return locale.T(ctx, "export.page_new")
}

func exportMaskHint(ctx context.Context, v ExportNewView) string {
	if v.MayUnmask {
		return ""
	}
	return locale.T(ctx, "export.page_mask_legal")
}

func exportFetchTitle(ctx context.Context, v ExportFetchView) string {
	if v.sealed() {
		return locale.T(ctx, "export.page_passphrase")
	}
	return locale.T(ctx, "export.page_own_key")
}

func exportFoundTitle(ctx context.Context, v ExportCheckView) string {
	if v.Whole {
		return locale.T(ctx, "export.page_found_whole", v.File)
	}
	return locale.T(ctx, "export.page_found_part", v.File, strconv.Itoa(v.Part))
}

func exportFoundText(ctx context.Context, v ExportCheckView) string {
	return locale.T(ctx, "export.page_found_text", v.Found.Owner, locale.Date(ctx, v.Found.At), v.Found.Conversations, v.Found.Purpose)
}

func exportCloser(ctx context.Context, v ExportView) string {
	if v.ClosedBy == "" {
		return locale.T(ctx, "common.system")
	}
	return v.ClosedBy
}

// exportClosedText is what a person wrote, or the sentence of why the system ended it.
func exportClosedText(ctx context.Context, reason string) string {
	if strings.HasPrefix(reason, "export.") && locale.Has(reason) {
		return locale.T(ctx, reason)
	}
	return reason
}
