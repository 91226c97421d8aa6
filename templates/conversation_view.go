package templates

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ConversationView is the page of one conversation. Names, accounts and texts are masked.
type ConversationView struct {
	ID       uint64
	Code     string
	Back     string // where the reader came from, with its query; "" is the plain search
	List     string // where Back leads in a list; "": there is none, and Back leads itself
	Walk     ResultWalk
	State    string
	Name     string
	Account  string
	Agent    string
	Dept     string
	DeptPath string
	Platform string
	Type     string
	Tags     []string

	StartedAt, LastAt time.Time
	Messages          int
	Attachments       int
	Bytes             int64
	Order             string // "", open or closed

	Readable   bool
	Items      []TranscriptItem
	Part       int // from 1
	Parts      int
	Searched   bool  // the reader came from a search for words
	MarksStale bool  // whose words can be read no more
	Hits       []int // of every hit in which part it stands

	Held       bool
	OrderOpen  bool
	Forever    bool
	FloorUntil time.Time
	Bin        BinStay
	Sealed     SubjectSeal

	CanTag     bool
	TagsInUse  []string // that the reader's conversations have, to choose from
	AddTags    string   // as typed
	CanHide    bool
	CanUnhide  bool
	CanExport  bool
	CanDiscard bool // the reader has the right; what protects the conversation is told above
	Reason     string
	Key        string // of the form
	Problems   Problems

	Past      []PastEvent
	AuditPath string
	// Under is the access that opened it, until UnderUntil; empty in the own departments.
	Under      string
	UnderUntil time.Time
	// LetterPath is the answer letter about its deletion; empty where there is none.
	LetterPath string
}

// ResultWalk leads to the conversations beside this one in the result of a search; its zero value is for one
// that was not opened there. An empty address is an end of the result.
type ResultWalk struct {
	Row           int64 // of the result, from 1
	Before, After string
	Lost          bool // the search cannot be asked now
}

// BinStay is where a conversation is while it is in the bin.
type BinStay struct {
	Code       string
	Until      time.Time // zero: not in the bin
	Expired    bool
	CanRestore bool
	Path       string
}

// known leaves out what a reader from another department is not told: what keeps the conversation.
func (v ConversationView) known(facts []ui.Fact, floor string) []ui.Fact {
	if v.Under == "" {
		return facts
	}
	return slices.DeleteFunc(facts, func(f ui.Fact) bool { return f.Term == floor })
}

// TranscriptItem is one line of a transcript.
type TranscriptItem struct {
	ID      string // unique on the page
	At      time.Time
	Sender  string // customer, agent, robot or system
	Name    string
	Kind    string // of message
	Parts   []MaskedPart
	Clipped int // how many characters the whole text has; 0 shows it all
	File    string
	Recall  bool
}

// MaskedPart is a piece of text; with a Kind it is masked, and Tail is its last four. Hit is the number of
// the hit that it is, from 1 through the whole conversation; 0 is none.
type MaskedPart struct {
	Text, Kind, Tail string
	Hit              int
}

// PastEvent is one entry of a conversation's history.
type PastEvent struct {
	Who    string
	Action string // its words are conversation.past_ and this
	Object string // a batch or a request
	At     time.Time
	Note   string
	Kind   string
}

func (v ConversationView) customer(ctx context.Context) string {
	return ConversationRow{Code: v.Code, Name: v.Name, Account: v.Account, Platform: v.Platform}.title(ctx)
}

func (v ConversationView) title(ctx context.Context) string {
	name := v.Name
	if name == "" {
		name = v.Account
	}
	switch {
	case name == "":
		return v.Code
	case v.Agent == "":
		return locale.T(ctx, "conversation.title_one", name)
	}
	return locale.T(ctx, "conversation.title", name, v.Agent)
}

func (v ConversationView) context(ctx context.Context) string {
	return strings.Join([]string{PlatformWord(ctx, v.Platform), v.Dept, locale.T(ctx, "conversation.last_at", v.LastAt)}, " · ")
}

func (v ConversationView) back() string {
	return cmp.Or(v.List, v.Back, ConversationsRoot)
}

// locks are the codes of what protects the conversation.
func (v ConversationView) locks() []string {
	var out []string
	if v.Held {
		out = append(out, "held")
	}
	if v.Forever || !v.FloorUntil.IsZero() {
		out = append(out, "retained")
	}
	if v.OrderOpen {
		out = append(out, "ordered")
	}
	return out
}

// whyNot says why the conversation cannot go into the bin now, or nothing. The order is that
// in which exclusions are counted.
func (v ConversationView) whyNot(ctx context.Context) string {
	switch {
	case v.Held:
		return locale.T(ctx, "conversation.why_held")
	case v.Forever:
		return locale.T(ctx, "conversation.why_forever")
	case !v.FloorUntil.IsZero():
		return locale.T(ctx, "conversation.why_floor", locale.Day(ctx, v.FloorUntil))
	case v.OrderOpen:
		return locale.T(ctx, "conversation.why_order")
	}
	return ""
}

func (v ConversationView) inBin() bool { return !v.Bin.Until.IsZero() }

func (v ConversationView) retention(ctx context.Context) string {
	switch {
	case v.Forever:
		return locale.T(ctx, "conversation.floor_forever")
	case v.FloorUntil.IsZero():
		return locale.T(ctx, "conversation.floor_over")
	}
	return locale.T(ctx, "conversation.floor_until", locale.Day(ctx, v.FloorUntil))
}

func (v ConversationView) pager() ui.PagerView {
	p := ui.PagerView{NoTotal: true}
	link := func(part int) string { return ConversationPartPath(v.ID, part, v.Back) }
	p.Pages = ui.Pages(v.Part, v.Parts, link)
	if v.Part > 1 {
		p.Prev = link(v.Part - 1)
	}
	if v.Part < v.Parts {
		p.Next = link(v.Part + 1)
	}
	p.First = int64(v.Part-1)*TranscriptPart + 1
	p.Last = p.First + int64(len(v.Items)) - 1
	return p
}

// TranscriptPart is how many messages one page shows.
const TranscriptPart = 300

// newDay tells whether a line with the day stands above item i.
func (v ConversationView) newDay(ctx context.Context, i int) bool {
	return i == 0 || locale.Day(ctx, v.Items[i].At) != locale.Day(ctx, v.Items[i-1].At)
}

func (i TranscriptItem) own() bool { return i.Sender == "agent" || i.Sender == "robot" }

func (i TranscriptItem) head(ctx context.Context, dept string) string {
	side := locale.T(ctx, "conversation.sender_"+i.Sender)
	if i.Name == "" {
		return side + " · " + locale.ClockSec(ctx, i.At)
	}
	if i.Sender == "agent" && dept != "" {
		side = dept
	}
	return locale.T(ctx, "conversation.head", i.Name, side, locale.ClockSec(ctx, i.At))
}

func (i TranscriptItem) initial() string {
	r, size := utf8.DecodeRuneInString(i.Name)
	switch {
	case i.Sender == "robot":
		return "R"
	case size == 0:
		return "·"
	}
	return string(r)
}

func (i TranscriptItem) icon() string {
	switch i.Kind {
	case "image", "sticker":
		return "photo-off"
	case "voice":
		return "volume"
	case "file":
		return "file-text"
	}
	return "paperclip"
}

// kindWord names what a message carries beside text.
func (i TranscriptItem) kindWord(ctx context.Context) string {
	kind := i.Kind
	if kind == "text" {
		kind = "file"
	}
	return wordOr(ctx, "conversation.kind_", kind)
}

// maskedRun writes the parts one behind the other: between them no blank may come in, since
// a transcript keeps blanks and line breaks as they were written.
func maskedRun(parts []MaskedPart) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range parts {
			var err error
			switch {
			case p.Hit > 0:
				err = ui.Mark(hitID(p.Hit), p.Text).Render(ctx, w)
			case p.Kind == "":
				_, err = io.WriteString(w, templ.EscapeString(p.Text))
			default:
				err = ui.Masked(p.Text, maskLabel(ctx, p)).Render(ctx, w)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func maskLabel(ctx context.Context, p MaskedPart) string {
	kind := wordOr(ctx, "conversation.mask_", p.Kind)
	if p.Tail == "" {
		return locale.T(ctx, "conversation.masked", kind)
	}
	return locale.T(ctx, "conversation.masked_tail", kind, p.Tail)
}

func (v ConversationView) events(ctx context.Context) []ui.Event {
	out := make([]ui.Event, len(v.Past))
	for i, e := range v.Past {
		who := e.Who
		if who == "" {
			who = locale.T(ctx, "common.system")
		}
		out[i] = ui.Event{Who: who, What: locale.T(ctx, "conversation.past_"+e.Action, e.Object), When: locale.DateSec(ctx, e.At), Note: e.Note, Kind: e.Kind, Now: i == 0}
	}
	return out
}

func (v ConversationView) partsText(ctx context.Context) string {
	if v.Parts < 2 {
		return locale.T(ctx, "conversation.n_messages", v.Messages)
	}
	return locale.T(ctx, "conversation.n_messages", v.Messages) + " · " + strconv.Itoa(v.Part) + "/" + strconv.Itoa(v.Parts)
}
