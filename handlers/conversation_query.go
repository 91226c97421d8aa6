package handlers

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/search"
	"qingdang/templates"
)

// Bounds of what an address or a form may ask for; what is beyond is left out.
const (
	mostValues   = 50
	longestValue = 100
)

// readSearch reads the conditions of a search from an address or a form. Unknown parameters
// are left out, and so are values that name nothing; dates and the department stay as
// they are, so that an error can be shown where it was made.
func readSearch(v url.Values) templates.Search {
	s := templates.Search{
		Q: typedWords(v.Get("q")), From: short(v.Get("from")), To: short(v.Get("to")), Dept: short(v.Get("dept")), Sub: v.Get("sub") == "1",
		Types: list(v["type"]), Platforms: list(v["platform"]), Tags: list(v["tag"]), Agents: list(v["agent"]),
		Personal: personalKinds(v["personal"]), Traits: readTraits(v), State: v.Get("state"), SID: v.Get("sid"), Sel: v.Get("sel"), Cursor: v.Get("cursor"),
	}
	if period := v.Get("period"); slices.Contains(templates.Periods, period) {
		s.Period = period
	}
	if code := v.Get("search"); search.IsCode(code) {
		s.Saved, s.Changed = code, v.Get("changed") == "1"
	}
	if sort := v.Get("sort"); sort == templates.SortOldest || sort == templates.SortNewest && s.Saved != "" && !s.Changed {
		s.Sort = sort
	}
	if under := v.Get("under"); account.IsReadingCode(under) {
		s.Under = under
	}
	if !slices.Contains([]string{templates.SearchHidden, templates.SearchAll, templates.SearchSealed}, s.State) {
		s.State = ""
	}
	s.Sub = s.Sub && s.Dept != ""
	if n := pageOf(v.Get("page")); n > 1 && s.Cursor == "" {
		s.Page = n
	}
	if n, err := strconv.Atoi(v.Get("size")); err == nil && n != templates.SearchSizes[0] && slices.Contains(templates.SearchSizes, n) {
		s.Size = n
	}
	return s
}

// permitted leaves out the state that only few may ask for, as what nobody knows.
func permitted(s templates.Search, by account.Actor) templates.Search {
	if s.State == templates.SearchSealed && !by.May(account.ConversationSealed) {
		s.State = ""
	}
	return s
}

// personalKinds reads kinds of personal data; what is none is left out.
func personalKinds(values []string) []string {
	return slices.DeleteFunc(list(values), func(k string) bool { return !slices.Contains(conversation.PersonalKinds(), k) })
}

func short(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > longestValue || !utf8.ValidString(s) {
		return ""
	}
	return s
}

// list reads values that stand one by one or joined by commas, as people write them.
func list(values []string) []string {
	var out []string
	for _, v := range values {
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",，、;；\n", r) }) {
			part = strings.TrimSpace(part)
			plain := utf8.ValidString(part) && !strings.ContainsRune(part, 0) && utf8.RuneCountInString(part) <= longestValue
			if part != "" && plain && !slices.Contains(out, part) && len(out) < mostValues {
				out = append(out, part)
			}
		}
	}
	return out
}

// query turns the conditions into a query of the model. The faults name the field. Days are
// those of the organisation's zone, and both are included.
func query(s templates.Search, p private, tree *department.Tree, by account.Actor, zone *time.Location) (conversation.Query, error) {
	q := conversation.Query{Customer: p.Customer, Under: s.Under}
	if s.Saved != "" && s.Base == nil && !s.Changed {
		return q, fault.Conflict("search.not_read") // its conditions are not known here, and none is not what it asks
	}
	if s.Saved != "" && s.Under == "" && !s.Differs() {
		q.Saved = s.Saved
	}
	if s.Period != "" && s.From == "" && s.To == "" {
		return q, fault.Conflict("search.not_read")
	}
	var badWords error
	q.Words, badWords = parseWords(cmp.Or(p.Q, s.Q))
	q.Size, q.Oldest = int(sizeOf(s)), s.Sort == templates.SortOldest
	q.Cursor, _, _ = strings.Cut(s.Cursor, cursorMark)
	q.Number = s.Page
	q.ServiceTypes, q.Platforms, q.Tags, q.AgentIDs, q.Personal = s.Types, s.Platforms, s.Tags, s.Agents, s.Personal
	switch s.State {
	case templates.SearchHidden:
		q.States = []conversation.State{conversation.Hidden}
	case templates.SearchAll:
		q.States = []conversation.State{conversation.Active, conversation.Hidden}
	case templates.SearchSealed:
		q.States = []conversation.State{conversation.Sealed} // of which the model shows legal some, and others none
	}
	from, badFrom := day(s.From, zone, "from")
	to, badTo := day(s.To, zone, "to")
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	if badFrom == nil && badTo == nil && !from.IsZero() && !to.IsZero() && !from.Before(to) {
		badTo = fault.Invalid("conversation.dates_reversed").On("to")
	}
	scope, badDept := searchScope(s, tree, by)
	var badTraits error
	q.Traits, badTraits = traits(s.Traits)
	q.From, q.To, q.Departments = from, to, scope
	return q, together(badWords, fault.All(badFrom, badTo, badDept), badTraits)
}

// dated gives a search with a period the days that the period means now.
func dated(s templates.Search, now time.Time, zone *time.Location) templates.Search {
	if s.Period == "" {
		return s
	}
	y, m, d := now.In(zone).Date()
	ago := func(days int) string { return time.Date(y, m, d-days, 0, 0, 0, 0, zone).Format(time.DateOnly) }
	s.From, s.To = "", ""
	if n, err := strconv.Atoi(strings.TrimPrefix(s.Period, "last")); err == nil {
		s.From, s.To = ago(n-1), ago(0)
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(s.Period, "older")); err == nil {
		s.To = ago(n)
	}
	return s
}

func day(s string, zone *time.Location, field string) (time.Time, *fault.Fault) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || at.Year() < 1990 || at.Year() > 2099 {
		return time.Time{}, fault.Invalid("conversation.bad_date", s).On(field)
	}
	return at, nil
}

// searchReach is where a search may look: the own departments, or what the reading opens under which
// it is made.
func searchReach(s templates.Search, by account.Actor) account.Scope {
	if s.Under == "" {
		return by.Scope
	}
	r, _ := by.Under(s.Under)
	return r.Where
}

// searchScope gives the departments that are searched. A department outside the actor's
// reach is as unknown as one that does not exist; none of it widens the search.
func searchScope(s templates.Search, tree *department.Tree, by account.Actor) (account.Scope, *fault.Fault) {
	if s.Dept == "" {
		return account.Everywhere(), nil
	}
	d, err := id.Parse[id.Department](s.Dept)
	if err == nil && s.Base != nil && s.Base.Dept == s.Dept {
		// What was saved may be gone, or lie where this reader may not look: the search finds what of it may be
		// seen, and the page says so.
		if tree.Known(d) == nil && s.Sub {
			return account.Within(tree.Subtree(d)...), nil
		}
		return account.Within(d), nil
	}
	if err != nil || tree.Known(d) != nil || !searchReach(s, by).Has(d) {
		return account.Scope{}, fault.Invalid("conversation.bad_department").On("dept")
	}
	if s.Sub {
		return account.Within(tree.Subtree(d)...), nil
	}
	return account.Within(d), nil
}

// cursorMark divides a cursor from the number of its page's first row. The number is for
// the eye only: the cursor alone decides what is shown.
const cursorMark = "~"

// mostRows bounds the numbers of rows.
const mostRows = 1 << 40

// mostPages bounds the numbers of pages that may be asked for. It is beyond any that there is.
const mostPages = 1_000_000

// pageOf reads the number of a page as people type it; what is none is the first.
func pageOf(text string) int {
	n, err := strconv.Atoi(strings.Map(func(r rune) rune {
		switch {
		case r == ',' || r == '，':
			return -1
		case '０' <= r && r <= '９':
			return r - '０' + '0'
		}
		return r
	}, strings.TrimSpace(text)))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 1
	}
	return min(max(n, 1), mostPages)
}

// firstRow is the number of the first row of a page.
func firstRow(s templates.Search) int64 {
	if s.Page > 1 {
		return int64(s.Page-1)*sizeOf(s) + 1
	}
	_, number, _ := strings.Cut(s.Cursor, cursorMark)
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > mostRows {
		return 1
	}
	return n
}

func cursorAt(token string, first int64) string {
	if token == "" {
		return ""
	}
	return token + cursorMark + strconv.FormatInt(max(first, 1), 10)
}

// cursorBefore is the cursor of the page of size rows that ends before the one whose first row is first.
func cursorBefore(token string, first, size int64) string {
	if first-size <= 1 {
		return "" // the first page has one address, and what is new belongs to it
	}
	return cursorAt(token, first-size)
}

// sizeOf is how many rows a page of a search has.
func sizeOf(s templates.Search) int64 { return int64(cmp.Or(s.Size, templates.SearchSizes[0])) }
