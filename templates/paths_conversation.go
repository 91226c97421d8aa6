package templates

import (
	"net/url"
	"strconv"
	"strings"
)

// Addresses of searching and reading.
const (
	HomePath          = "/"
	ConversationsRoot = "/conversations"
	HideRowsPath      = "/conversations/hide"
	SelectRowsPath    = "/conversations/select"
	TagRowsPath       = "/conversations/tags"
	GoPath            = "/go"
	HelpPath          = "/help"
)

// Search is what stands in the address of a search. Its zero value is every conversation
// that the reader may see; Size 0 is the usual size of a page. SID is sealed: a customer, and
// keywords that look like personal data, never stand in an address.
type Search struct {
	Q         string // keywords, unless they are sealed in SID
	From, To  string // days, both included
	Dept      string
	Sub       bool
	Types     []string
	Platforms []string
	Tags      []string
	Agents    []string
	State     string // "", hidden or all
	SID       string
	Under     string // code of the access under which it is searched; "": in the own departments
	Sel       string // all that was found, but for exceptions, as a sealed choice
	Cursor    string
	Size      int
}

// The states a search may ask for beside the ordinary one.
const (
	SearchHidden = "hidden"
	SearchAll    = "all"
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
	s.asked(put)
	put("under", url.QueryEscape(s.Under))
	put("sel", url.QueryEscape(s.Sel))
	put("cursor", url.QueryEscape(s.Cursor))
	if s.Size != 0 {
		put("size", strconv.Itoa(s.Size))
	}
	if q.Len() == 0 {
		return ConversationsRoot
	}
	return ConversationsRoot + "?" + q.String()
}

// BatchFromSearchPath is the first step of a bulk delete with the conditions of a search.
func BatchFromSearchPath(s Search) string {
	var q []string
	s.State = ""
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
	put("from", url.QueryEscape(s.From))
	put("to", url.QueryEscape(s.To))
	put("dept", url.QueryEscape(s.Dept))
	if s.Sub && s.Dept != "" {
		put("sub", "1")
	}
	put("type", joined(s.Types))
	put("platform", joined(s.Platforms))
	put("tag", joined(s.Tags))
	put("agent", joined(s.Agents))
	put("state", url.QueryEscape(s.State))
}

func joined(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = url.QueryEscape(v)
	}
	return strings.Join(escaped, ",")
}

// Narrowed tells whether the search has any condition.
func (s Search) Narrowed() bool {
	s.Cursor, s.Sel, s.Size, s.Under = "", "", 0, ""
	return ConversationsPath(s) != ConversationsRoot
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
