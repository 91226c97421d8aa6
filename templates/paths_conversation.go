package templates

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
)

// Addresses of searching and reading.
const (
	HomePath          = "/"
	ConversationsRoot = "/conversations"
	TabCountsRoot     = "/conversations/tabs"
	HideRowsPath      = "/conversations/hide"
	SelectRowsPath    = "/conversations/select"
	TagRowsPath       = "/conversations/tags"
	GoPath            = "/go"
	HelpPath          = "/help"
	SearchesPath      = "/searches"
	SearchCountsPath  = "/searches/counts"
)

// Search is what stands in the address of a search. Its zero value is every conversation
// that the reader may see; Size 0 is the usual size of a page. SID is sealed: a customer, and
// keywords that look like personal data, never stand in an address.
type Search struct {
	Q         string // keywords, unless they are sealed in SID
	Period    string // one of Periods: From and To are what it means today; "": the days themselves
	From, To  string // days, both included
	Dept      string
	Sub       bool
	Types     []string
	Platforms []string
	Tags      []string
	Agents    []string
	Personal  []string // kinds of personal data, of which it holds one
	Traits
	State  string // "", hidden, all or sealed
	SID    string
	Under  string // code of the access under which it is searched; "": in the own departments
	Sel    string // all that was found, but for exceptions, as a sealed choice
	Sort   string // "": the last message, newest first; or SortOldest
	Cursor string
	Page   int // its number, where Cursor is empty; 0: the first
	Size   int

	// Saved is the code of the saved search from which this one comes, Base what that asks for. As long as
	// both ask for the same the address names the code and nothing else.
	Saved   string
	Base    *Search
	Changed bool // where Base is not known: the conditions are in the address
}

// Periods are what the form offers beside days: the last days, today included, and what is older than so
// many days.
var Periods = []string{"last7", "last30", "last90", "last180", "last365", "older180", "older365", "older730"}

// The states a search may ask for beside the ordinary one.
const (
	SearchHidden = "hidden"
	SearchAll    = "all"
	SearchSealed = "sealed" // for those who may see what a customer wants deleted
)

// SortOldest orders a search by the last message, oldest first. SortNewest stands only in the address of a saved
// search that is kept the other way round, whose conditions the address does not name.
const (
	SortOldest = "last"
	SortNewest = "newest"
)

// ConversationsPath is the address of a search: parameters in one order, defaults left
// out, so that the same search has one address.
func ConversationsPath(s Search) string {
	var q strings.Builder
	put := func(name, value string) {
		if value == "" {
			return
		}
		if q.Len() > 0 {
			q.WriteByte('&')
		}
		q.WriteString(name + "=" + value)
	}
	put("search", url.QueryEscape(s.Saved))
	switch {
	case s.Saved == "":
		s.asked(put)
	case s.Differs():
		put("changed", "1")
		s.asked(put)
	}
	put("under", url.QueryEscape(s.Under))
	put("sel", url.QueryEscape(s.Sel))
	switch {
	case s.Saved == "" || s.Base == nil || s.Differs():
		put("sort", s.Sort)
	case s.Sort != s.Base.Sort:
		put("sort", cmp.Or(s.Sort, SortNewest))
	}
	put("cursor", url.QueryEscape(s.Cursor))
	if s.Page > 1 {
		put("page", strconv.Itoa(s.Page))
	}
	if s.Size != 0 {
		put("size", strconv.Itoa(s.Size))
	}
	if q.Len() == 0 {
		return ConversationsRoot
	}
	return ConversationsRoot + "?" + q.String()
}

// FirstPage is the search from its beginning.
func (s Search) FirstPage() Search {
	s.Cursor, s.Page = "", 0
	return s
}

// Edited tells whether a search asks for something else than the saved one from which it comes, or in another
// order.
func (s Search) Edited() bool {
	return s.Differs() || s.Base != nil && s.Sort != s.Base.Sort
}

// Differs tells whether its conditions are others. What is chosen of a search is chosen of its conditions, which
// then stand in the address.
func (s Search) Differs() bool {
	if s.Base == nil || s.Sel != "" {
		return s.Changed || s.Sel != ""
	}
	return s.text() != s.Base.text()
}

// text is the conditions alone.
func (s Search) text() string { return conditionsAfter(s) }

// Dated is the search with the days that its period means today.
func (s Search) Dated() Search {
	s.Period = ""
	return s
}

// BatchFromSearchPath is the first step of a bulk delete with the conditions of a search.
func BatchFromSearchPath(s Search) string {
	var q []string
	s.State = ""
	s = s.Dated()
	s.conditions(func(name, value string) {
		if value != "" {
			q = append(q, name+"="+value)
		}
	})
	if len(q) == 0 {
		return "/batches/new"
	}
	return "/batches/new?" + strings.Join(q, "&")
}

// asked writes everything that narrows, as far as it may be read.
func (s Search) asked(put func(name, value string)) {
	put("q", url.QueryEscape(s.Q))
	s.conditions(put)
	put("sid", url.QueryEscape(s.SID))
}

func (s Search) conditions(put func(name, value string)) {
	put("period", s.Period)
	if s.Period == "" {
		put("from", url.QueryEscape(s.From))
		put("to", url.QueryEscape(s.To))
	}
	put("dept", url.QueryEscape(s.Dept))
	if s.Sub && s.Dept != "" {
		put("sub", "1")
	}
	put("type", joined(s.Types))
	put("platform", joined(s.Platforms))
	put("tag", joined(s.Tags))
	put("agent", joined(s.Agents))
	put("personal", joined(s.Personal))
	s.Traits.conditions(put)
	put("state", url.QueryEscape(s.State))
}

func joined(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = url.QueryEscape(v)
	}
	return strings.Join(escaped, ",")
}

// RowParam names the row of a result in the way back to it.
const RowParam = "row"

// RowPath is the way back to one row of a page of a search. Searching it leads to the page alone.
func RowPath(s Search, row int64) string {
	path, mark := ConversationsPath(s), "?"
	if path != ConversationsRoot {
		mark = "&"
	}
	return path + mark + RowParam + "=" + strconv.FormatInt(row, 10)
}

// RowID names a row of a result on its page.
func RowID(row int64) string { return "row-" + strconv.FormatInt(row, 10) }

// Narrowed tells whether the search has any condition.
func (s Search) Narrowed() bool {
	s.Sort, s.Sel, s.Size, s.Under, s.Saved, s.Base = "", "", 0, "", "", nil
	return ConversationsPath(s.FirstPage()) != ConversationsRoot
}

// UntagRowsPath takes back what was tagged together. Back is where that was.
func UntagRowsPath(act, back string) string {
	return TagRowsPath + "?" + url.Values{"undo": {act}, "back": {back}}.Encode()
}

// ConversationPath is the page of one conversation. Back is where the reader came from.
func ConversationPath(conversation uint64, back string) string {
	path := ConversationsRoot + "/" + strconv.FormatUint(conversation, 10)
	if back == "" {
		return path
	}
	return path + "?" + url.Values{"back": {back}}.Encode()
}

// ConversationActPath is where a form about one conversation is sent.
func ConversationActPath(conversation uint64, act string) string {
	return ConversationPath(conversation, "") + "/" + act
}

// ConversationPartPath is a further part of a long conversation.
func ConversationPartPath(conversation uint64, part int, back string) string {
	q := url.Values{}
	if back != "" {
		q.Set("back", back)
	}
	if part > 1 {
		q.Set("part", strconv.Itoa(part))
	}
	if len(q) == 0 {
		return ConversationPath(conversation, "")
	}
	return ConversationPath(conversation, "") + "?" + q.Encode()
}

// SavedPath is the search that was saved under a code.
func SavedPath(code string) string { return ConversationsPath(Search{Saved: code}) }

// TabCountsPath gives the numbers of the tabs of a page on which one is active, or none; known says that this one's
// number is there.
func TabCountsPath(active string, known bool) string {
	switch {
	case active == "":
		return TabCountsRoot
	case known:
		return TabCountsRoot + "?known=" + url.QueryEscape(active)
	}
	return TabCountsRoot + "?search=" + url.QueryEscape(active)
}

// SavedActPath is where an act on a saved search is sent: rename, share, move, update or delete.
func SavedActPath(code, act string) string { return SearchesPath + "/" + code + "/" + act }

// SavedPagePath is the page of one saved search.
func SavedPagePath(code string) string { return SearchesPath + "/" + code }
