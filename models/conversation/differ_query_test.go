package conversation_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/words"
)

// question is a query, and what its words are: one of each list of all, and none of none.
type question struct {
	conversation.Query
	all    [][]string
	joined []string // beside each list of all: the number of which it is a group; "" for most
	none   []string
	by     account.Scope
	legal  bool // knows of what is sealed
	under  *reading
}

// reading is a reading of what lies elsewhere, and the customer of whom alone it is, if of one.
type reading struct {
	account.Reading
	customer string
}

// reach is all that might be found.
func (q *question) reach() account.Scope {
	if q.under != nil {
		return q.under.Where
	}
	return q.by
}

// covers tells whether a reading opens a conversation.
func (r *reading) covers(p *plain) bool {
	at := p.lastAt()
	return r.Where.Has(p.new.DepartmentID) && (r.Conversation == 0 || r.Conversation == p.id) && (r.customer == "" || r.customer == p.new.Document.CustomerID) &&
		(r.From.IsZero() || !at.Before(r.From)) && (r.To.IsZero() || at.Before(r.To)) && (p.state == conversation.Active || p.state == conversation.Hidden)
}

// What words mean is said here with other means than package words: a text is folded as a whole, and
// a word is looked for in it from every place.

// meant is a text in small letters of one width; what separates is one blank, and nothing stands at its ends.
func meant(text string) string {
	var b strings.Builder
	blank := false
	for _, r := range norm.NFKC.String(strings.ToLower(text)) {
		r = unicode.ToLower(r)
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case ideographic(r) || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mc, r):
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteRune(r)
		default:
			blank = true
		}
	}
	return b.String()
}

func ideographic(r rune) bool {
	return r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}

// said tells whether a folded word is said in a folded text.
func saidIn(text, word string) bool {
	parts := strings.Split(word, " ")
	for at := 0; ; {
		i := strings.Index(text[at:], parts[0])
		if i < 0 {
			return false
		}
		if at += i; saidAt(text, at, parts) {
			return true
		}
		at++
	}
}

func saidAt(text string, at int, parts []string) bool {
	for i, part := range parts {
		if i > 0 && at < len(text) && text[at] == ' ' {
			at++
		}
		if !strings.HasPrefix(text[at:], part) || cuts(text, at) || cuts(text, at+len(part)) {
			return false
		}
		at += len(part)
	}
	return true
}

// cuts tells whether a word would be cut in two.
func cuts(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	behind, _ := utf8.DecodeRuneInString(text[at:])
	inWord := func(r rune) bool { return r != ' ' && r != utf8.RuneError && !ideographic(r) }
	return inWord(before) && inWord(behind)
}

// hear folds what is said in a conversation, and forgets what was asked of it. What personal data is, package mask
// says: here it matters that it is found again.
func (m *mirror) hear(p *plain) {
	p.heard, p.spelt, p.asked, p.says, p.marks, p.holds = nil, nil, nil, nil, nil, p.new.Document.Personal()
	m.pairs.note(&p.new)
	texts := []string{p.new.Document.OrderNo}
	for _, m := range p.new.Document.Messages {
		if !m.Recalled && m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	for _, text := range texts {
		p.heard, p.spelt = append(p.heard, meant(text)), append(p.spelt, spelling(text))
	}
}

// term is a word that was asked for, as it is looked for.
type term struct {
	n              int // how many there were before
	folded, number string
}

func (m *mirror) term(word string) *term {
	if m.terms[word] == nil {
		m.terms[word] = &term{len(m.terms), meant(word), numberOf(word)}
	}
	return m.terms[word]
}

// has tells whether a word is said in a conversation, and remembers it.
func (m *mirror) has(p *plain, word string) bool {
	t := m.term(word)
	n := t.n
	for len(p.asked) <= n/64 {
		p.asked, p.says = append(p.asked, 0), append(p.says, 0)
	}
	at, bit := n/64, uint64(1)<<(n%64)
	if p.asked[at]&bit == 0 {
		p.asked[at] |= bit
		if slices.ContainsFunc(p.heard, func(text string) bool { return saidIn(text, t.folded) }) || slices.ContainsFunc(p.spelt, func(s []spelt) bool { return spells(s, t.number) }) {
			p.says[at] |= bit
		}
	}
	return p.says[at]&bit != 0
}

// word gives something that somebody may look for: of what was said in a conversation, most often.
func (m *mirror) word(p *plain) string {
	for {
		if m.rnd.IntN(4) == 0 {
			p = m.all[m.rnd.IntN(len(m.all))]
		}
		text := []rune(pick(m.rnd, p.new.Document.Messages).Text)
		if m.rnd.IntN(12) == 0 {
			text = []rune(pick(m.rnd, hard))
		}
		if len(text) == 0 {
			continue
		}
		from := m.rnd.IntN(len(text))
		n := pick(m.rnd, []int{1, 2, 2, 2, 2, 3, 4, 4, 6, 9})
		switch m.rnd.IntN(20) {
		case 3, 4:
			return m.number()
		case 0: // a whole word
			for from > 0 && unicode.IsLetter(text[from-1]) && !ideographic(text[from-1]) {
				from--
			}
			n = len(text)
			for i, r := range text[from:] {
				if ideographic(r) || !unicode.IsLetter(r) {
					n = i
					break
				}
			}
		case 1:
			if p.new.Document.OrderNo != "" {
				return strings.ToLower(p.new.Document.OrderNo)
			}
		case 2: // hardly ever said
			text, from, n = []rune(string(text[from:min(len(text), from+1)])+pick(m.rnd, hard)), 0, 2
		}
		word := string(text[from:min(len(text), from+n)])
		if m.rnd.IntN(10) == 0 {
			word = strings.ToUpper(word)
		}
		if meant(word) != "" && !strings.ContainsAny(word, "\"＂“”") {
			return word
		}
	}
}

// typed writes a word as it may be typed: in quotes where it would read as something else, and at times without need.
func (m *mirror) typed(word string) string {
	if m.rnd.IntN(10) == 0 {
		word = strings.Map(func(r rune) rune {
			if r > ' ' && r <= '~' {
				return r - ' ' + '\uff00'
			}
			return r
		}, word)
	}
	quotes := []string{`""`, "“”", "＂＂"}
	if !strings.ContainsRune(word, '」') {
		quotes = append(quotes, "「」")
	}
	reads := strings.ContainsFunc(word, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("|｜「」:：-－−", r) })
	if reads || slices.Contains([]string{"OR", "或", "ＯＲ"}, word) || m.rnd.IntN(12) == 0 {
		q := []rune(pick(m.rnd, quotes))
		return string(q[0]) + word + string(q[1])
	}
	return word
}

// field writes a condition on a field as it may be typed.
func (m *mirror) field(value string, names ...string) string {
	if strings.ContainsFunc(value, unicode.IsSpace) || m.rnd.IntN(4) == 0 {
		value = "「" + value + "」"
	}
	return pick(m.rnd, names) + pick(m.rnd, []string{":", "："}) + value
}

// question makes one up.
func (m *mirror) question() question {
	one := func() *conversation.New { return &m.all[m.rnd.IntN(len(m.all))].new }
	q := question{by: account.Everywhere(), legal: m.rnd.IntN(5) == 0}
	if m.rnd.IntN(2) == 0 {
		var mine []id.Department
		for range 1 + m.rnd.IntN(40) {
			mine = append(mine, one().DepartmentID)
		}
		q.by = account.Within(mine...)
	}
	q.Size, q.Zone, q.Departments = pick(m.rnd, []int{1, 7, 20, 50, 100}), time.FixedZone("UTC+8", 8*3600), account.Everywhere()
	if m.rnd.IntN(6) == 0 {
		q.Departments = account.Within(one().DepartmentID, one().DepartmentID, one().DepartmentID)
	}
	if m.rnd.IntN(6) == 0 {
		q.Departments = m.below(one().DepartmentID)
	}
	q.Oldest = m.rnd.IntN(3) == 0
	if m.rnd.IntN(2) == 0 {
		m.narrow(&q)
	}
	switch m.rnd.IntN(8) {
	case 0:
		q.States = []conversation.State{conversation.Hidden}
	case 1:
		q.States = []conversation.State{conversation.Active, conversation.Hidden}
	case 2:
		q.States = slices.Clone(pick(m.rnd, [][]conversation.State{
			{conversation.Sealed},
			{conversation.Active, conversation.Sealed},
			{conversation.Binned, conversation.Frozen, conversation.Purging},
			{conversation.Active, conversation.Hidden, conversation.Binned, conversation.Frozen, conversation.Purging, conversation.Sealed},
		}))
	}
	if m.rnd.IntN(6) > 0 {
		m.asking(&q)
	}
	if m.rnd.IntN(8) == 0 {
		m.reading(&q)
	}
	return q
}

// reading lets a question be asked under a reading.
func (m *mirror) reading(q *question) {
	p := pick(m.rnd, m.all)
	q.under = &reading{Reading: account.Reading{Code: "DY-20261122-001", Where: m.below(p.new.DepartmentID), Until: dbtest.Start.AddDate(10, 0, 0)}}
	q.Under = q.under.Code
	switch m.rnd.IntN(6) {
	case 0:
		q.under.Conversation = p.id
	case 1:
		q.under.customer = p.new.Document.CustomerID
		q.under.Customer = m.s.Vault.CustomerMAC(q.under.customer)
	case 2:
		q.under.From = p.lastAt().AddDate(0, -1, 0)
	case 3:
		q.under.From, q.under.To = p.lastAt().AddDate(0, -1, 0), p.lastAt()
	}
}

// narrow gives a question its filters.
func (m *mirror) narrow(q *question) {
	one := func() *conversation.New { return &m.all[m.rnd.IntN(len(m.all))].new }
	if m.rnd.IntN(5) == 0 {
		q.From = pick(m.rnd, m.all).lastAt().Add(time.Duration(m.rnd.IntN(3)-1) * time.Microsecond)
	}
	if m.rnd.IntN(5) == 0 {
		q.To = pick(m.rnd, m.all).lastAt()
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		q.From, q.To = q.To.Add(-time.Hour), q.From
	}
	if m.rnd.IntN(10) == 0 { // some months
		at := pick(m.rnd, m.all).lastAt().In(q.Zone)
		q.From = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, q.Zone)
		q.To = q.From.AddDate(0, 1+m.rnd.IntN(8), 0)
	}
	if m.rnd.IntN(6) == 0 {
		q.ServiceTypes = []string{one().ServiceType, one().ServiceType}
	}
	if m.rnd.IntN(8) == 0 {
		q.Platforms = []string{one().Platform, one().Platform}
	}
	if tags := one().Tags; m.rnd.IntN(12) == 0 && len(tags) > 0 {
		q.Tags = []string{pick(m.rnd, tags)}
	}
	if tags := one().Tags; m.rnd.IntN(10) == 0 && len(tags) > 0 {
		q.WithoutTags = []string{pick(m.rnd, tags)}
	}
	if m.rnd.IntN(20) == 0 {
		q.AgentIDs = []string{one().AgentID, one().AgentID}
	}
	if m.rnd.IntN(25) == 0 {
		q.Customer = one().Document.CustomerID
	}
	m.traits(&q.Traits)
	for m.rnd.IntN(12) == 0 {
		q.Personal = append(q.Personal, pick(m.rnd, conversation.PersonalKinds()))
	}
}

// asking gives a question its words.
func (m *mirror) asking(q *question) {
	m.t.Helper()
	one := func() *conversation.New { return &m.all[m.rnd.IntN(len(m.all))].new }
	type item struct {
		text  string
		lists [][]string
	}
	var items []item
	about := m.all[m.rnd.IntN(len(m.all))]
	for range pick(m.rnd, []int{0, 1, 1, 1, 2, 2, 3}) {
		either := []string{m.word(about)}
		for m.rnd.IntN(4) == 0 && len(either) < 4 {
			either = append(either, m.word(about))
		}
		var parts []string
		for _, w := range either {
			parts = append(parts, m.typed(w))
		}
		items = append(items, item{strings.Join(parts, pick(m.rnd, []string{" OR ", "|", " 或 ", "｜", " ＯＲ "})), [][]string{either}})
	}
	if m.rnd.IntN(10) == 0 { // a number, typed with blanks between its groups
		var groups [][]string
		for digits := pick(m.rnd, numbers); digits != ""; {
			n := min(3+m.rnd.IntN(4), len(digits))
			groups, digits = append(groups, []string{digits[:n]}), digits[n:]
		}
		var parts []string
		for _, g := range groups {
			parts = append(parts, g[0])
		}
		items = append(items, item{strings.Join(parts, " "), groups})
	}
	for m.rnd.IntN(4) == 0 {
		q.none = append(q.none, m.word(m.all[m.rnd.IntN(len(m.all))]))
		items = append(items, item{text: pick(m.rnd, []string{"-", "－", "−"}) + m.typed(q.none[len(q.none)-1])})
	}
	m.rnd.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	var input []string
	for _, i := range items {
		input, q.all = append(input, i.text), append(q.all, i.lists...)
	}
	q.joined = joinedOf(q.all)
	customer := one().Document.CustomerID // there is but one
	for range 2 {
		field := ""
		switch m.rnd.IntN(20) {
		case 0:
			field = m.field(one().AgentName, "客服", "agent")
		case 1:
			field = m.field(one().AgentID, "客服", "Agent", "ａｇｅｎｔ")
		case 2:
			if tags := one().Tags; len(tags) > 0 {
				field = m.field(pick(m.rnd, tags), "标签", "-标签", "－标签", "tag", "-TAG")
			}
		case 3:
			field = m.field(one().Platform, "平台", "platform")
		case 4:
			field = m.field(customer, "客户", "customer")
		}
		if field != "" {
			input = slices.Insert(input, m.rnd.IntN(len(input)+1), field)
		}
	}
	text := strings.Join(input, pick(m.rnd, []string{" ", "　"}))
	w, err := words.Parse(text)
	if err != nil && utf8.RuneCountInString(text) > words.MaxRunes/2 { // long, or long once it is folded
		q.all, q.joined, q.none = nil, nil, nil
		m.asking(q)
		return
	}
	if err != nil {
		m.t.Fatalf("%s: %v", text, err)
	}
	q.Words = w
}

// What a conversation meets of a question.
const (
	inTime = 1 << iota
	inScope
	ofDepartment
	ofType
	ofPlatform
	ofState
	ofMarks
	others // agent, customer, tags, number of messages, personal data
	ofWords
	everything = ofWords<<1 - 1
)

func (m *mirror) meets(p *plain, q *question) (met int) {
	n, at := &p.new, p.lastAt()
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	note := func(bit int, ok bool) {
		if ok {
			met |= bit
		}
	}
	note(inTime, (q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To)))
	note(inScope, q.reach().Has(n.DepartmentID) && (q.under == nil || q.under.covers(p)))
	note(ofDepartment, q.Departments.Has(n.DepartmentID))
	note(ofType, in(q.ServiceTypes, n.ServiceType))
	note(ofPlatform, in(q.Platforms, n.Platform) && in(q.Words.Platforms, n.Platform))
	note(ofState, slices.Contains(statesOf(q), p.state))
	ok := in(q.AgentIDs, n.AgentID) && (in(q.Words.Agents, n.AgentName) || in(q.Words.Agents, n.AgentID)) &&
		(q.Customer == "" || q.Customer == n.Document.CustomerID) && (q.Words.Customer == "" || q.Words.Customer == n.Document.CustomerID)
	for _, t := range slices.Concat(q.Tags, q.Words.Tags) {
		ok = ok && slices.Contains(n.Tags, t)
	}
	for _, t := range slices.Concat(q.WithoutTags, q.Words.WithoutTags) {
		ok = ok && !slices.Contains(n.Tags, t)
	}
	t := q.Traits
	note(ofMarks, m.marked(p, t))
	ok = ok && (len(q.Personal) == 0 || !p.dark && p.holds&conversation.PersonalOf(q.Personal...) != 0)
	ok = ok && len(n.Document.Messages) >= t.Least && (t.Most == 0 || len(n.Document.Messages) <= t.Most)
	note(others, ok)
	if met&(inScope|others) != inScope|others {
		return met // nothing counts it
	}
	said := true
	for i, either := range q.all {
		said = said && (slices.ContainsFunc(either, func(w string) bool { return m.has(p, w) }) || q.joined[i] != "" && m.has(p, q.joined[i]))
	}
	for _, w := range q.none {
		said = said && !m.has(p, w)
	}
	note(ofWords, said)
	return met
}

func statesOf(q *question) []conversation.State {
	if len(q.States) == 0 {
		return []conversation.State{conversation.Active}
	}
	return slices.DeleteFunc(slices.Clone(q.States), func(s conversation.State) bool {
		return s == conversation.Sealed && !q.legal || q.under != nil && s != conversation.Active && s != conversation.Hidden
	})
}

// contradicts tells whether field and words name different platforms or customers, or only what the searcher may not
// know of is asked for: then nothing is found.
func (q *question) contradicts() bool {
	if len(statesOf(q)) == 0 {
		return true
	}
	apart := len(q.Platforms) > 0 && len(q.Words.Platforms) > 0 && !slices.ContainsFunc(q.Words.Platforms, func(p string) bool { return slices.Contains(q.Platforms, p) })
	return apart || q.Customer != "" && q.Words.Customer != "" && q.Customer != q.Words.Customer
}

// wanted is the brute-force answer.
type wanted struct {
	list             []*plain // newest first
	beside           []*plain // the chosen time
	binned, unmarked int64
	conversation.Overview
	counted int // what the search may have to open, to count
}

func (m *mirror) want(q *question) *wanted {
	w := &wanted{Overview: conversation.Overview{Departments: map[id.Department]int64{}, Types: map[string]int64{}, Platforms: map[string]int64{}, States: map[conversation.State]int64{}, Tags: map[string]int64{}}}
	if q.contradicts() {
		return w
	}
	for _, p := range m.sorted() {
		met := m.meets(p, q)
		all := func(but int) bool { return met|but == everything }
		if all(inTime) && !all(0) {
			w.beside = append(w.beside, p)
		}
		if all(0) {
			w.Messages += int64(len(p.new.Document.Messages))
			w.list = append(w.list, p)
			for _, t := range p.new.Tags {
				w.Tags[t]++
			}
		}
		if all(ofType) {
			w.Types[p.new.ServiceType]++
		}
		if all(ofPlatform) {
			w.Platforms[p.new.Platform]++
		}
		if all(ofDepartment) {
			w.Departments[p.new.DepartmentID]++
		}
		if all(ofState) {
			switch p.state {
			case conversation.Binned, conversation.Frozen, conversation.Purging:
				w.binned++
			case conversation.Active, conversation.Hidden:
				w.States[p.state]++
			case conversation.Sealed:
				if q.legal {
					w.States[p.state]++
				}
			}
		}
		if all(ofMarks) && p.dark && asksMarks(q.Traits) {
			w.unmarked++
		}
		if asksMarks(q.Traits) && p.dark && all(ofMarks|ofWords) || all(ofType|ofWords) || all(ofPlatform|ofWords) || all(ofDepartment|ofWords) || all(ofState|ofWords) {
			w.counted++
		}
	}
	return w
}

// check walks through pages and back, and compares everything that is counted.
func (m *mirror) check(q question) {
	m.t.Helper()
	m.asked.queries++
	if q.Words.HasTerms() {
		m.asked.words++
	}
	want := m.want(&q)
	list := slices.Clone(want.list)
	next, before := func(p *conversation.Page) string { return p.Older }, func(p *conversation.Page) string { return p.Newer }
	if q.Oldest {
		slices.Reverse(list)
		next, before = before, next
	}
	most := 4
	if m.rnd.IntN(40) == 0 {
		most, q.Size = 30, 100
	}
	by := accounttest.Actor(account.Supervisor)
	if q.legal {
		by = accounttest.Actor(account.Legal)
	}
	by.Scope = q.by
	if q.under != nil {
		m.asked.read++
		by.Readings = []account.Reading{{Code: "DY-20261122-002", Until: q.under.Until}, q.under.Reading}
	}
	m.tagged(by)
	var pages []*conversation.Page
	for at := 0; ; at += q.Size {
		p := m.page(by, q.Query)
		pages = append(pages, p)
		m.same(&q, fmt.Sprint("page ", len(pages)), list[min(at, len(list)):min(at+q.Size, len(list))], p)
		if more := at+q.Size < len(list); more != (next(p) != "") || (len(pages) > 1) != (before(p) != "") {
			m.t.Fatalf("%s: page %d of %d: older %q, newer %q", describe(&q), len(pages), len(list), p.Older, p.Newer)
		}
		if next(p) == "" || len(pages) == most {
			break
		}
		q.Cursor = next(p)
	}
	m.asked.pages += len(pages)
	m.asked.hits += len(list)
	if len(list) == 0 {
		m.asked.empty++
	}
	if pages[0].Plan.Changed > 0 {
		m.asked.waiting++
	}
	for i := len(pages) - 1; i > 0; i-- {
		q.Cursor = before(pages[i])
		p := m.page(by, q.Query)
		m.same(&q, fmt.Sprint("back on page ", i), list[(i-1)*q.Size:min(i*q.Size, len(list))], p)
		if pages[i-1] = p; i > 1 && before(p) == "" {
			m.t.Fatalf("%s: no way back from page %d", describe(&q), i)
		}
	}
	m.counts(&q, pages[0], want)
	m.numbered(q, by, list, pages)
	m.beside(&q, by, want.list)
	if q.under == nil && m.rnd.IntN(4) == 0 {
		m.picked(&q, by, idsOf(want.list))
	}
}

// picked takes what a search finds as a selection does, at one go, and counts it as the list of saved searches does.
func (m *mirror) picked(q *question, by account.Actor, ids []id.Conversation) {
	m.t.Helper()
	most := 1 + m.rnd.IntN(2*len(ids)+10)
	got, err := m.s.Pick(m.t.Context(), by, q.Query, most)
	if want := ids[:min(most, len(ids))]; err != nil || !slices.Equal(want, got) {
		m.t.Fatalf("%s: of at most %d picked are %d, want %d, or others: %v", describe(q), most, len(got), len(want), err)
	}
	counts, err := m.s.Counts(m.t.Context(), by, []conversation.Query{q.Query})
	if err != nil || !counts[0].Known || counts[0].Total < int64(len(ids)) || counts[0].Exact && counts[0].Total != int64(len(ids)) {
		m.t.Fatalf("%s: %+v of %d, %v", describe(q), counts, len(ids), err)
	}
	counts, err = m.s.Glance(m.t.Context(), by, []conversation.Query{q.Query})
	n := int64(len(ids))
	if q.Customer == "" && q.Words.Customer == "" { // nothing that the index does not know
		if err != nil || !counts[0].Known || counts[0].Total < n || (counts[0].Exact || !q.Words.HasTerms()) && counts[0].Total != n {
			m.t.Fatalf("%s: at a glance %+v of %d, %v", describe(q), counts, n, err)
		}
	} else if err != nil || counts[0] != (conversation.Count{}) {
		m.t.Fatalf("%s: at a glance %+v of a customer, %v", describe(q), counts, err)
	}
	m.asked.picked++
}

// beside opens a conversation in the search, one that it finds or not, and compares what stands beside it.
func (m *mirror) beside(q *question, by account.Actor, list []*plain) {
	m.t.Helper()
	p := pick(m.rnd, m.all)
	if len(list) > 0 && m.rnd.IntN(2) == 0 {
		p = pick(m.rnd, list)
	}
	own := q.by.Has(p.new.DepartmentID) && (p.state != conversation.Sealed || q.legal)
	if !own && (q.under == nil || !q.under.covers(p)) {
		return
	}
	d, err := m.s.OpenIn(m.t.Context(), by, p.id, q.Query)
	if err != nil || d.Beside == nil {
		m.t.Fatalf("%s: open %d: %v, %+v", describe(q), p.id, err, d)
	}
	var newer, older id.Conversation
	for _, o := range list {
		switch c := cmp.Or(o.lastAt().Compare(p.lastAt()), cmp.Compare(o.id, p.id)); {
		case c > 0:
			newer = o.id
		case c < 0 && older == 0:
			older = o.id
		}
	}
	if d.Beside.Newer != newer || d.Beside.Older != older {
		m.t.Fatalf("%s: beside %d are %d and %d, want %d and %d", describe(q), p.id, d.Beside.Newer, d.Beside.Older, newer, older)
	}
	m.asked.beside++
}

func (m *mirror) page(by account.Actor, q conversation.Query) *conversation.Page {
	m.t.Helper()
	p, err := m.s.Search(m.t.Context(), by, q)
	if err != nil {
		m.t.Fatalf("%s: %v", q.Words, err)
	}
	return p
}

func describe(q *question) string {
	return fmt.Sprintf("%q %+v customer %q scope %+v under %+v", q.Words, q.Filter, q.Customer, q.by, q.under)
}

// same compares the rows of a page: which they are, their tags, and what is shown of them.
func (m *mirror) same(q *question, where string, want []*plain, p *conversation.Page) {
	m.t.Helper()
	got := make([]id.Conversation, len(p.Rows))
	for i, r := range p.Rows {
		got[i] = r.ID
		if !r.Readable {
			m.t.Fatalf("%s: %d does not open", describe(q), r.ID)
		}
	}
	if ids := idsOf(want); !slices.Equal(ids, got) {
		m.t.Fatalf("%s: %s: %s", describe(q), where, gocmp.Diff(ids, got))
	}
	for i, r := range p.Rows {
		if tags := slices.Sorted(slices.Values(want[i].new.Tags)); !slices.Equal(tags, r.Tags) {
			m.t.Fatalf("%s: %s: %d has the tags %q, want %q", describe(q), where, r.ID, r.Tags, tags)
		}
		if said := m.preview(q, want[i]); r.Preview != said {
			m.t.Fatalf("%s: %s: %d shows %q, want %q", describe(q), where, r.ID, r.Preview, said)
		}
	}
}

// preview is the first message in which one of the words is said, or else the customer's first.
func (m *mirror) preview(q *question, p *plain) string {
	var said []conversation.Message
	for _, one := range p.new.Document.Messages {
		if !one.Recalled && one.Text != "" {
			said = append(said, one)
		}
	}
	for i, one := range said {
		for j, either := range q.all {
			hit := func(w string) bool {
				return w != "" && (saidIn(p.heard[i+1], m.term(w).folded) || spells(p.spelt[i+1], m.term(w).number))
			}
			if slices.ContainsFunc(either, hit) || hit(q.joined[j]) {
				return one.Text
			}
		}
	}
	if i := slices.IndexFunc(said, func(one conversation.Message) bool { return one.Sender == conversation.FromCustomer }); i >= 0 {
		return said[i].Text
	}
	if len(said) > 0 {
		return said[0].Text
	}
	return ""
}

// counts compares everything that a page counts. Where a search would have to open too much to be exact, it
// says so, and counts what may match.
func (m *mirror) counts(q *question, p *conversation.Page, want *wanted) {
	m.t.Helper()
	got := p.Overview
	if p.Plan.Way != conversation.WayIndex {
		m.t.Fatalf("%s: found by %s", describe(q), p.Plan.Way)
	}
	if !p.Exact {
		m.asked.inexact++
		if !q.Words.HasTerms() || want.counted <= 250 {
			m.t.Fatalf("%s: not exact, of %d", describe(q), want.counted)
		}
		if p.Total < int64(len(want.list)) || p.Binned < want.binned || !covers(got.Types, want.Types) || !covers(got.Platforms, want.Platforms) ||
			!covers(got.Departments, want.Departments) || !covers(got.Tags, want.Tags) || !covers(got.States, want.States) {
			m.t.Fatalf("%s: counted too few", describe(q))
		}
		return
	}
	for _, s := range []conversation.State{conversation.Active, conversation.Hidden, conversation.Sealed} {
		if got.States[s] != want.States[s] {
			m.t.Fatalf("%s: state %d: %d counted, %d are", describe(q), s, got.States[s], want.States[s])
		}
	}
	if got.Messages != want.Messages {
		m.t.Fatalf("%s: %d messages counted, %d are", describe(q), got.Messages, want.Messages)
	}
	if p.Unmarked != want.unmarked {
		m.t.Fatalf("%s: %d counted into which nobody has looked, want %d", describe(q), p.Unmarked, want.unmarked)
	}
	if p.Total != int64(len(want.list)) || p.Binned != want.binned {
		m.t.Fatalf("%s: %d counted of %d, in the bin %d of %d", describe(q), p.Total, len(want.list), p.Binned, want.binned)
	}
	if diff := gocmp.Diff([]any{want.Types, want.Platforms, want.Departments, want.Tags}, []any{got.Types, got.Platforms, got.Departments, got.Tags}); diff != "" {
		m.t.Fatalf("%s: %s", describe(q), diff)
	}
	m.bars(q, got.Histogram, want.list, want.beside)
}

// kept compares what the home page says of a scope.
func (m *mirror) kept(of account.Scope) {
	m.t.Helper()
	want := map[conversation.State]int64{}
	for _, p := range m.all {
		if of.Has(p.new.DepartmentID) {
			want[p.state]++
		}
	}
	err := m.d.Read(m.t.Context(), func(tx *db.Tx) error {
		active, hidden, err := m.s.Kept(tx, of)
		if err == nil && (active != want[conversation.Active] || hidden != want[conversation.Hidden]) {
			m.t.Fatalf("%+v: kept %d and %d hidden, are %d and %d", of, active, hidden, want[conversation.Active], want[conversation.Hidden])
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// tagged compares the tags that are offered to somebody with those that are there.
func (m *mirror) tagged(by account.Actor) {
	m.t.Helper()
	want := map[string]bool{}
	for _, p := range m.all {
		if by.Scope.Has(p.new.DepartmentID) && (p.state != conversation.Sealed || by.May(account.ConversationSealed)) {
			for _, t := range p.new.Tags {
				want[t] = true
			}
		}
	}
	got, err := m.s.TagNames(m.t.Context(), by)
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(want)), got); err != nil || diff != "" {
		m.t.Fatalf("tags of %+v: %v %s", by.Scope, err, diff)
	}
}

func covers[K comparable](got, want map[K]int64) bool {
	for k, n := range want {
		if got[k] < n {
			return false
		}
	}
	return true
}

// bars compares the histogram: its bars follow one another and hold everything that was found, and what lies in them
// beside the chosen time.
func (m *mirror) bars(q *question, h conversation.Histogram, list, beside []*plain) {
	m.t.Helper()
	in := func(list []*plain, b conversation.Bar) (n int64) {
		for _, p := range list {
			if at := p.lastAt(); !at.Before(b.From) && at.Before(b.To) {
				n++
			}
		}
		return n
	}
	if chosen := !q.From.IsZero() || !q.To.IsZero(); h.Framed && (!chosen || q.under != nil) || !h.Framed && chosen && q.under == nil && !q.Words.HasTerms() && len(h.Bars) > 0 && len(h.Bars) < 119 {
		m.t.Fatalf("%s: %d bars, framed: %v", describe(q), len(h.Bars), h.Framed)
	}
	if !h.Framed {
		beside = nil
	} else {
		m.asked.framed++
	}
	sum := int64(0)
	for i, b := range h.Bars {
		n := in(list, b)
		if sum += n; n != b.Count || i > 0 && !b.From.Equal(h.Bars[i-1].To) {
			m.t.Fatalf("%s: bar %s: %d counted, %d are", describe(q), b.From, b.Count, n)
		}
		if n := in(beside, b); n != b.Beside {
			m.t.Fatalf("%s: bar %s: %d counted beside the time, %d are", describe(q), b.From, b.Beside, n)
		}
	}
	if sum != int64(len(list)) {
		m.t.Fatalf("%s: the bars have %d of %d", describe(q), sum, len(list))
	}
}
