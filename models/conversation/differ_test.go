package conversation_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

// plain is what the test itself knows of a conversation.
type plain struct {
	id       id.Conversation
	external string
	new      conversation.New
	state    conversation.State
	tags     []string
}

func (p *plain) lastAt() time.Time {
	m := p.new.Document.Messages
	return m[len(m)-1].At.Time()
}

func (p *plain) texts() (out []string) {
	for _, m := range p.new.Document.Messages {
		if !m.Recalled {
			out = append(out, m.Text)
		}
	}
	return out
}

// mirror is an archive and a plain copy of it.
type mirror struct {
	t    *testing.T
	d    *db.DB
	s    *conversation.Conversations
	x    *index.Index
	rnd  *rand.Rand
	all  map[id.Conversation]*plain
	next int
}

func newMirror(t *testing.T, d *db.DB, seed uint64) *mirror {
	v := vault(t)
	x := conversation.NewIndex(d, v, index.Options{})
	return &mirror{
		t: t, d: d, x: x, s: &conversation.Conversations{DB: d, Vault: v, Index: x}, all: map[id.Conversation]*plain{},
		rnd: rand.New(rand.NewPCG(seed, 5)),
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

var (
	mirrorTypes     = []string{"咨询", "售后", "投诉"}
	mirrorPlatforms = []string{"wechat", "qianniu", "qq"}
	mirrorTags      = []string{"退款", "物流", "差评", "对公"}
	mirrorAgents    = []string{"小清", "小浊", "阿明"}
	mirrorPhrases   = []string{"退款", "一直没到账", "物流太慢了", "iPhone手机壳", "订单TB8842确认", "发票抬头", "ＡＢＣ公司", "退 款", "差评", "你好", "款到发货", "refund please", "快"}
)

func (m *mirror) text() string {
	var parts []string
	for range 1 + m.rnd.IntN(3) {
		parts = append(parts, pick(m.rnd, mirrorPhrases))
	}
	return strings.Join(parts, pick(m.rnd, []string{"", "，", " "}))
}

func (m *mirror) store(n int) {
	m.t.Helper()
	batch := make([]conversation.New, n)
	for i := range batch {
		m.next++
		at := day.Add(time.Duration(m.rnd.IntN(400*24*60)) * time.Minute)
		if m.rnd.IntN(10) == 0 {
			at = day // several at the same instant
		}
		var said []conversation.Message
		for k := range 1 + m.rnd.IntN(4) {
			said = append(said, conversation.Message{ID: fmt.Sprint("m", k), Sender: conversation.FromCustomer, At: conversation.MicrosOf(at.Add(time.Duration(k) * time.Minute)), Kind: "text", Text: m.text(), Recalled: m.rnd.IntN(9) == 0})
		}
		var tags []string
		for _, t := range mirrorTags {
			if m.rnd.IntN(3) == 0 {
				tags = append(tags, t)
			}
		}
		agent := pick(m.rnd, mirrorAgents)
		batch[i] = conversation.New{
			Platform: pick(m.rnd, mirrorPlatforms), DepartmentID: id.Department(11 + m.rnd.IntN(5)),
			ServiceType: pick(m.rnd, mirrorTypes), AgentID: "A-" + agent, AgentName: agent, Tags: tags,
			Document: conversation.Document{ExternalID: fmt.Sprint("e", m.next), CustomerID: fmt.Sprint("c", m.rnd.IntN(20)), Messages: said},
		}
	}
	for i, o := range store(m.t, m.d, m.s.Vault, batch...) {
		m.all[o.ID] = &plain{id: o.ID, external: batch[i].Document.ExternalID, new: batch[i], state: conversation.Active, tags: batch[i].Tags}
	}
}

func (m *mirror) write(f func(tx *db.Tx) error) {
	m.t.Helper()
	err := m.d.Write(m.t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		return f(tx)
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// some gives n random conversations in the given states.
func (m *mirror) some(n int, states ...conversation.State) (out []*plain) {
	ids := make([]id.Conversation, 0, len(m.all))
	for c, p := range m.all {
		if slices.Contains(states, p.state) {
			ids = append(ids, c)
		}
	}
	slices.Sort(ids)
	m.rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, c := range ids[:min(n, len(ids))] {
		out = append(out, m.all[c])
	}
	return out
}

func setOf(list []*plain) id.Set[id.Conversation] {
	ids := make([]id.Conversation, len(list))
	for i, p := range list {
		ids[i] = p.id
	}
	s, _ := id.NewSet(ids...)
	return s
}

func (m *mirror) move(n int, from, to conversation.State) {
	m.t.Helper()
	list := m.some(n, from)
	if len(list) == 0 {
		return
	}
	m.write(func(tx *db.Tx) error {
		_, err := conversation.Move(tx, setOf(list), from, to, nil)
		return err
	})
	for _, p := range list {
		p.state = to
	}
}

// again imports known conversations once more, with another message, a recall or a tag.
func (m *mirror) again(n int) {
	m.t.Helper()
	var batch []conversation.New
	for _, p := range m.some(n, conversation.Active, conversation.Hidden) {
		last := p.lastAt()
		said := slices.Clone(p.new.Document.Messages)
		switch m.rnd.IntN(3) {
		case 0:
			said = append(said, conversation.Message{ID: fmt.Sprint("m", len(said)), Sender: conversation.FromAgent, At: conversation.MicrosOf(last.Add(time.Hour)), Kind: "text", Text: m.text()})
		case 1:
			said[m.rnd.IntN(len(said))].Recalled = true
		default:
			if !slices.Contains(p.tags, "退款") {
				p.tags = append(slices.Clone(p.tags), "退款")
			}
		}
		p.new.Document.Messages, p.new.Tags = said, p.tags
		batch = append(batch, p.new)
	}
	store(m.t, m.d, m.s.Vault, batch...)
}

// erase destroys conversations from the bin, as a purge does, and scrubs the index.
func (m *mirror) erase(n int) {
	m.t.Helper()
	list := m.some(n, conversation.Binned)
	if len(list) == 0 {
		return
	}
	var ids []id.Conversation
	var stones []conversation.Tombstone
	for _, p := range list {
		ids = append(ids, p.id)
		stones = append(stones, conversation.Tombstone{
			Platform: p.new.Platform, ExternalMAC: m.s.Vault.ExternalMAC(p.new.Platform, p.external), ConversationID: p.id,
			DepartmentID: p.new.DepartmentID, PurgeID: 1, CreatedAt: day,
		})
		delete(m.all, p.id)
	}
	m.write(func(tx *db.Tx) error { return conversation.EraseAgain(tx, ids, stones) })
	if _, err := m.x.Scrub(m.t.Context(), ids, nil); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mirror) query() conversation.Query {
	q := conversation.Query{Size: 1 + m.rnd.IntN(40)}
	q.Departments = account.Everywhere()
	if m.rnd.IntN(3) == 0 {
		q.Departments = account.Within(id.Department(11+m.rnd.IntN(5)), id.Department(11+m.rnd.IntN(5)))
	}
	if m.rnd.IntN(3) == 0 {
		q.From = day.Add(time.Duration(m.rnd.IntN(300)) * 24 * time.Hour)
	}
	if m.rnd.IntN(3) == 0 {
		q.To = cmpLater(q.From, day).Add(time.Duration(1+m.rnd.IntN(200)) * 24 * time.Hour)
	}
	if m.rnd.IntN(4) == 0 {
		q.ServiceTypes = []string{pick(m.rnd, mirrorTypes)}
	}
	if m.rnd.IntN(4) == 0 {
		q.Platforms = []string{pick(m.rnd, mirrorPlatforms)}
	}
	if m.rnd.IntN(5) == 0 {
		q.Tags = []string{pick(m.rnd, mirrorTags)}
	}
	if m.rnd.IntN(6) == 0 {
		q.AgentIDs = []string{"A-" + pick(m.rnd, mirrorAgents)}
	}
	if m.rnd.IntN(10) == 0 {
		q.Customer = fmt.Sprint("c", m.rnd.IntN(20))
	}
	switch m.rnd.IntN(4) {
	case 0:
		q.States = []conversation.State{conversation.Hidden}
	case 1:
		q.States = []conversation.State{conversation.Active, conversation.Hidden}
	}
	if m.rnd.IntN(3) > 0 {
		var parts []string
		for range 1 + m.rnd.IntN(3) {
			word := pick(m.rnd, []string{"退款", "款", "物流太", "iphone", "手机壳", "tb8842", "abc", "\"退 款\"", "没到账", "refund", "不存在的词", "\"refund please\"", "iphone手机"})
			switch m.rnd.IntN(6) {
			case 0:
				word = "-" + word
			case 1:
				word += " OR " + pick(m.rnd, []string{"差评", "发票", "快"})
			}
			parts = append(parts, word)
		}
		if m.rnd.IntN(5) == 0 {
			parts = append(parts, pick(m.rnd, []string{"客服:小清", "标签:物流", "-标签:退款", "平台:qq", "客户:c3"}))
		}
		w, err := words.Parse(strings.Join(parts, " "))
		if err != nil {
			m.t.Fatal(err)
		}
		q.Words = w
	}
	return q
}

func cmpLater(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// want is the brute-force answer: newest first. state says which states count.
func (m *mirror) want(q conversation.Query, scope account.Scope, states ...conversation.State) (out []*plain) {
	for _, p := range m.all {
		n := &p.new
		in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
		ok := slices.Contains(states, p.state) && scope.Has(n.DepartmentID) && q.Departments.Has(n.DepartmentID) &&
			(q.From.IsZero() || !p.lastAt().Before(q.From)) && (q.To.IsZero() || p.lastAt().Before(q.To)) &&
			in(q.ServiceTypes, n.ServiceType) && in(q.Platforms, n.Platform) && in(q.Words.Platforms, n.Platform) &&
			in(q.AgentIDs, n.AgentID) && in(q.Words.Agents, n.AgentName) &&
			(q.Customer == "" || q.Customer == n.Document.CustomerID) && (q.Words.Customer == "" || q.Words.Customer == n.Document.CustomerID) &&
			q.Words.Match(p.texts())
		for _, t := range slices.Concat(q.Tags, q.Words.Tags) {
			ok = ok && slices.Contains(p.tags, t)
		}
		for _, t := range q.Words.WithoutTags {
			ok = ok && !slices.Contains(p.tags, t)
		}
		if ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *plain) int { return cmp.Or(b.lastAt().Compare(a.lastAt()), cmp.Compare(b.id, a.id)) })
	return out
}

func statesOf(q conversation.Query) []conversation.State {
	if len(q.States) == 0 {
		return []conversation.State{conversation.Active}
	}
	return q.States
}

// check walks through all pages and back, and compares what is counted.
func (m *mirror) check(q conversation.Query) {
	m.t.Helper()
	by := accounttest.Actor(account.Supervisor, 11, 12, 13, 14)
	q.Zone = time.FixedZone("UTC+8", 8*3600)
	want := m.want(q, by.Scope, statesOf(q)...)
	first, err := m.s.Search(m.t.Context(), by, q)
	if err != nil {
		m.t.Fatalf("%s: %v", q.Words, err)
	}
	var pages [][]id.Conversation
	for p := first; ; {
		ids := []id.Conversation{}
		for _, r := range p.Rows {
			ids = append(ids, r.ID)
		}
		pages = append(pages, ids)
		if p.Older == "" {
			break
		}
		q.Cursor = p.Older
		if p, err = m.s.Search(m.t.Context(), by, q); err != nil {
			m.t.Fatal(err)
		}
		if len(pages) > 1 && p.Newer == "" {
			m.t.Fatal("a later page has no way back")
		}
	}
	var ids []id.Conversation
	for _, p := range want {
		ids = append(ids, p.id)
	}
	if diff := gocmp.Diff(ids, slices.Concat(pages...)); diff != "" {
		m.t.Fatalf("%q %+v: %s", q.Words, q.Filter, diff)
	}
	if !first.Exact || first.Total != int64(len(want)) || first.Plan.Way != conversation.WayIndex {
		m.t.Fatalf("%q: %d counted of %d, exact %v, by %s", q.Words, first.Total, len(want), first.Exact, first.Plan.Way)
	}
	if n := int64(len(m.want(q, by.Scope, conversation.Binned))); first.Binned != n {
		m.t.Fatalf("%q: %d counted in the bin, %d are", q.Words, first.Binned, n)
	}
	m.checkBack(q, by, pages)
	m.checkCounts(q, by, first, want)
}

func (m *mirror) checkBack(q conversation.Query, by account.Actor, pages [][]id.Conversation) {
	m.t.Helper()
	if len(pages) < 2 {
		return
	}
	p, err := m.s.Search(m.t.Context(), by, q) // the last page
	if err != nil {
		m.t.Fatal(err)
	}
	q.Cursor = p.Newer
	if p, err = m.s.Search(m.t.Context(), by, q); err != nil {
		m.t.Fatal(err)
	}
	var back []id.Conversation
	for _, r := range p.Rows {
		back = append(back, r.ID)
	}
	if diff := gocmp.Diff(pages[len(pages)-2], back); diff != "" {
		m.t.Fatalf("%q: the way back: %s", q.Words, diff)
	}
}

func (m *mirror) checkCounts(q conversation.Query, by account.Actor, page *conversation.Page, want []*plain) {
	m.t.Helper()
	got := page.Overview
	o := conversation.Overview{Departments: map[id.Department]int64{}, Types: map[string]int64{}, Platforms: map[string]int64{}, States: map[conversation.State]int64{}, Tags: map[string]int64{}}
	for _, p := range want {
		for _, t := range p.tags {
			o.Tags[t]++
		}
	}
	if diff := gocmp.Diff(o.Tags, got.Tags); diff != "" {
		m.t.Fatalf("%q: tags: %s", q.Words, diff)
	}
	without := func(change func(*conversation.Query)) []*plain {
		other := q
		change(&other)
		return m.want(other, by.Scope, statesOf(other)...)
	}
	for _, p := range without(func(q *conversation.Query) { q.ServiceTypes = nil }) {
		o.Types[p.new.ServiceType]++
	}
	for _, p := range without(func(q *conversation.Query) { q.Platforms, q.Words.Platforms = nil, nil }) {
		o.Platforms[p.new.Platform]++
	}
	for _, p := range without(func(q *conversation.Query) { q.Departments = account.Everywhere() }) {
		o.Departments[p.new.DepartmentID]++
	}
	for _, p := range without(func(q *conversation.Query) { q.States = []conversation.State{conversation.Active, conversation.Hidden} }) {
		o.States[p.state]++
	}
	for _, s := range []conversation.State{conversation.Active, conversation.Hidden} {
		if got.States[s] != o.States[s] {
			m.t.Fatalf("%q: state %d: %d counted, %d are", q.Words, s, got.States[s], o.States[s])
		}
	}
	if diff := gocmp.Diff([]any{o.Types, o.Platforms, o.Departments}, []any{got.Types, got.Platforms, got.Departments}); diff != "" {
		m.t.Fatalf("%q %+v: %s", q.Words, q.Filter, diff)
	}
	sum := int64(0)
	for i, b := range got.Histogram.Bars {
		sum += b.Count
		n := int64(0)
		for _, p := range want {
			if !p.lastAt().Before(b.From) && p.lastAt().Before(b.To) {
				n++
			}
		}
		if n != b.Count || i > 0 && !b.From.Equal(got.Histogram.Bars[i-1].To) {
			m.t.Fatalf("%q: bar %s: %d counted, %d are", q.Words, b.From, b.Count, n)
		}
	}
	if sum != page.Total {
		m.t.Fatalf("%q: the bars have %d of %d", q.Words, sum, page.Total)
	}
}

func (m *mirror) fold() {
	m.t.Helper()
	if _, err := m.x.Fold(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func TestEverySearchEqualsABruteForceFilter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		m := newMirror(t, d, 11)
		for round := range 3 {
			m.store(150)
			if round%2 == 0 {
				m.fold()
			}
			m.move(40, conversation.Active, conversation.Hidden)
			m.move(40, conversation.Active, conversation.Binned)
			m.move(10, conversation.Binned, conversation.Active)
			m.again(30)
			for range 15 {
				m.check(m.query())
			}
			m.fold()
			m.erase(15)
			for range 15 {
				m.check(m.query())
			}
		}
	})
}
