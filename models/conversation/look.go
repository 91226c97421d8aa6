package conversation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

// look answers one search from the index. Its parts are the segments, as far as they may be
// believed, and one more of the conversations that changed since.
type look struct {
	s          *Conversations
	tx         *db.Tx
	view       *index.View
	filter     Filter
	scope      account.Scope // what the searcher may see
	words      words.Query
	lists      [][]words.Term // of the words
	conditions []condition
	own        condition // that it is of what the searcher may see
	parts      []*part
	but        *span // the time that is left out
	opened     map[id.Conversation]*entry
	stale      bool // a key was gone: a purge moved it since the transaction began
	plan       *Plan
}

// span is a time, from From until To; zero is open.
type span struct{ from, to time.Time }

// part is a segment on the way to an answer.
type part struct {
	*index.Segment
	sealed bool            // it has postings
	within *roaring.Bitmap // what the time leaves of it, and the words as far as postings tell
	doubt  *roaring.Bitmap // what of a part with postings these cannot tell; nil: nothing
	answer *answer
	sure   bool // its bodies were opened where terms do not tell
}

// condition is one that attributes answer: one of the values, or none of them.
type condition struct {
	kind index.Kind
	not  bool
	name index.Name // tells it from every other
	meet func(*index.Segment) *roaring.Bitmap
}

// Plan tells how a search was answered and what that cost.
type Plan struct {
	Way        string   // "index", or "rows" where the index could not be asked
	Segments   int      // that were looked at
	Outside    int      // segments that the time left out
	Changed    int      // conversations that changed since they were taken into the index
	Terms      int      // keyed terms looked up
	Candidates int64    // that attributes and terms leave
	Opened     int      // bodies opened to make sure
	Confirmed  int      // of them matched
	By         []string // the attributes that narrowed it
	Took       time.Duration
}

// The ways.
const (
	WayIndex = "index"
	WayRows  = "rows"
)

// mostLoose bounds how many conversations are looked at without a segment.
const mostLoose = 50_000

// newLook prepares the parts. The errors are those of index.View, and ErrBehind for too many
// conversations of one customer.
func (s *Conversations) newLook(tx *db.Tx, f Filter, scope account.Scope, w words.Query) (*look, error) {
	l := &look{s: s, tx: tx, filter: f, scope: scope, own: departments(scope), words: w, plan: &Plan{Way: WayIndex}, opened: map[id.Conversation]*entry{}}
	var err error
	if l.view, err = s.Index.View(tx); err != nil {
		return nil, err
	}
	l.plan.Changed = len(l.view.Changes)
	if l.conditions, err = l.conditionsOf(f); err != nil {
		return nil, err
	}
	if err := l.believe(); err != nil {
		return nil, err
	}
	return l, l.prepare()
}

// prepare asks everything of the conditions and the words, so that only what must be opened is not known.
func (l *look) prepare() (err error) {
	if f := &l.filter; f.CustomerMAC != nil || f.Batch != 0 || f.Only != 0 {
		err = l.fromRows()
	} else {
		err = l.fromSegments()
	}
	if err == nil {
		err = l.dropErased()
	}
	if err == nil {
		err = l.dropSealed()
	}
	if err != nil {
		return err
	}
	found, err := l.askPostings()
	if err != nil {
		return err
	}
	return l.answers(found)
}

// fromSegments takes what is settled of every segment, and what changed since.
func (l *look) fromSegments() (err error) {
	for _, s := range l.view.Segments {
		if l.passes(s) {
			l.plan.Outside++
			continue
		}
		within := l.view.Settled(s)
		l.keepTime(s, within)
		l.parts = append(l.parts, &part{Segment: s, sealed: true, within: within})
		l.plan.Segments++
	}
	changed, err := l.view.Loose()
	if err != nil {
		return err
	}
	for _, s := range changed {
		l.loose(s)
	}
	return nil
}

// passes tells whether a segment has nothing of the time.
func (l *look) passes(s *index.Segment) bool {
	lo, hi := s.Range(l.filter.From, l.filter.To)
	if lo < hi && l.but != nil {
		from, to := s.Range(l.but.from, l.but.to)
		return from <= lo && hi <= to
	}
	return lo == hi
}

// keepTime leaves of conversations those of the time.
func (l *look) keepTime(s *index.Segment, in *roaring.Bitmap) {
	lo, hi := s.Range(l.filter.From, l.filter.To)
	in.RemoveRange(0, uint64(lo))
	in.RemoveRange(uint64(hi), uint64(s.N()))
	if l.but != nil {
		lo, hi = s.Range(l.but.from, l.but.to)
		in.RemoveRange(uint64(lo), uint64(hi))
	}
}

// fromRows takes the conversations of one customer or batch, or the only one, which the rows' indexes find.
func (l *look) fromRows() error {
	f := Filter{From: l.filter.From, To: l.filter.To, CustomerMAC: l.filter.CustomerMAC, Batch: l.filter.Batch, Only: l.filter.Only, Departments: l.scope, States: everyState}
	var ids []id.Conversation
	if err := f.Apply(l.tx.Model(&Conversation{})).Limit(mostLoose+1).Pluck("conversation.id", &ids).Error; err != nil {
		return fmt.Errorf("find conversations: %w", err)
	}
	if len(ids) > mostLoose {
		return index.ErrBehind
	}
	docs, err := l.s.Index.Source.Docs(l.tx.Context(), l.tx, ids, false)
	if err == nil {
		l.loose(index.Unsealed(docs))
	}
	return err
}

var everyState = []State{Active, Hidden, Binned, Frozen, Purging, Sealed}

// looseAtOnce bounds one statement.
const looseAtOnce = 1000

// loose makes a part of conversations that no segment has as they are.
func (l *look) loose(s *index.Segment) {
	if s.N() == 0 {
		return
	}
	within := roaring.New()
	within.AddRange(0, uint64(s.N()))
	l.keepTime(s, within)
	l.parts = append(l.parts, &part{Segment: s, within: within})
}

func (l *look) conditionsOf(f Filter) ([]condition, error) {
	states := f.States
	if len(states) == 0 {
		states = []State{Active}
	}
	codes := make([]string, len(states))
	for i, s := range states {
		codes[i] = stateValue(s)
	}
	out := []condition{anyOf(index.State, codes)}
	switch {
	case f.Departments.All:
	case slices.Equal(f.Departments.Listed(), l.scope.Listed()): // mostly; there may be hundreds
		out = append(out, l.own)
	default:
		out = append(out, departments(f.Departments))
	}
	list := func(k index.Kind, values []string) {
		if len(values) > 0 {
			out = append(out, anyOf(k, foldedAll(values)))
		}
	}
	list(index.ServiceType, f.ServiceTypes)
	list(index.Platform, f.Platforms)
	list(index.Personal, f.Personal)
	out = append(out, f.Traits.conditions()...)
	if ids := foldedAll(f.AgentIDs); len(ids) > 0 {
		out = append(out, agents(append([]string{"id"}, ids...), func(agent, _ string) bool { return slices.Contains(ids, agent) }))
	}
	if either := foldedAll(f.Agents); len(either) > 0 {
		out = append(out, agents(append([]string{"either"}, either...), func(agent, name string) bool { return slices.Contains(either, agent) || slices.Contains(either, name) }))
	}
	tags, err := l.tagsOf(slices.Concat(f.Tags, f.WithoutTags))
	if err != nil {
		return nil, err
	}
	for _, t := range f.Tags {
		out = append(out, anyOf(index.Tag, tags[t]))
	}
	for _, t := range f.WithoutTags {
		c := anyOf(index.Tag, tags[t])
		c.not = true
		out = append(out, c)
	}
	for _, c := range out {
		l.plan.By = append(l.plan.By, c.kind.String())
	}
	l.plan.By = slices.Compact(l.plan.By)
	return out, nil
}

func foldedAll(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = folded(v)
	}
	return out
}

// tagsOf gives the values under which the index knows tags; one that does not exist has none.
func (l *look) tagsOf(names []string) (map[string][]string, error) {
	out := map[string][]string{}
	if len(names) == 0 {
		return out, nil
	}
	var tags []Tag
	if err := l.tx.Where("name IN ?", names).Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("find tags: %w", err)
	}
	for _, n := range names {
		for _, t := range tags {
			if folded(t.Name) == folded(n) {
				out[n] = append(out[n], id.String(t.ID))
			}
		}
	}
	return out, nil
}

func anyOf(k index.Kind, values []string) condition {
	return condition{kind: k, name: index.NameOf(k, values), meet: func(s *index.Segment) *roaring.Bitmap { return s.AnyOf(k, values) }}
}

// departments is nobody's condition where the scope is all.
func departments(scope account.Scope) condition {
	values := make([]string, 0, scope.Departments.Len())
	for _, d := range scope.Listed() {
		values = append(values, id.String(d))
	}
	return anyOf(index.Department, values)
}

// agents is a condition that has its name from what is asked for.
func agents(asked []string, meets func(agent, name string) bool) condition {
	return condition{kind: index.Agent, name: index.NameOf(index.Agent, asked), meet: func(s *index.Segment) *roaring.Bitmap {
		var all []*roaring.Bitmap
		for _, v := range s.Values(index.Agent) {
			if agent, name, _ := strings.Cut(v, agentMark); meets(agent, name) {
				all = append(all, s.Attr(index.Agent, v))
			}
		}
		return roaring.FastOr(all...)
	}}
}

// askPostings gives, for each part that has postings, what has each of the terms of the words.
func (l *look) askPostings() (map[*index.Segment]map[string]*roaring.Bitmap, error) {
	if !l.words.HasTerms() {
		return nil, nil
	}
	l.lists = l.words.Lists()
	var names []string
	for _, t := range slices.Concat(slices.Concat(l.lists...), l.words.None) {
		names = append(names, t.Terms()...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	l.plan.Terms = len(names)
	var sealed []*index.Segment
	for _, s := range l.parts {
		if s.sealed && !s.within.IsEmpty() {
			sealed = append(sealed, s.Segment)
		}
	}
	tokens := l.s.Index.Tokens(names)
	all := slices.Clone(tokens)
	slices.Sort(all)
	found, err := l.view.Postings(slices.Compact(all), sealed...)
	if err != nil {
		return nil, err
	}
	out := make(map[*index.Segment]map[string]*roaring.Bitmap, len(sealed))
	for _, s := range sealed {
		of := make(map[string]*roaring.Bitmap, len(names))
		for i, name := range names {
			of[name] = found[s][tokens[i]]
		}
		out[s] = of
	}
	return out, nil
}

// narrow leaves of a part what the words may match, and notes for what of that only the bodies can tell.
func (l *look) narrow(s *part, found map[string]*roaring.Bitmap) {
	may := func(t words.Term) *roaring.Bitmap {
		return words.May(t, func(term string) *roaring.Bitmap { return found[term] }, roaring.And, roaring.Or)
	}
	some := func(of []*roaring.Bitmap) *roaring.Bitmap {
		if len(of) == 1 {
			return of[0]
		}
		return roaring.FastOr(of...)
	}
	s.doubt = roaring.New()
	for _, either := range l.lists {
		var sure, open []*roaring.Bitmap
		for _, t := range either {
			if t.Exact() {
				sure = append(sure, may(t))
			} else {
				open = append(open, may(t))
			}
		}
		s.within = roaring.And(s.within, some(slices.Concat(sure, open)))
		switch {
		case len(open) > 0 && len(sure) > 0:
			s.doubt.Or(roaring.AndNot(some(open), some(sure)))
		case len(open) > 0:
			s.doubt.Or(some(open))
		}
	}
	for _, t := range l.words.None {
		if t.Exact() {
			s.within.AndNot(may(t))
		} else {
			s.doubt.Or(may(t))
		}
	}
	s.doubt.And(s.within)
}

// settled tells whether all that is left of a part matches the words for certain.
func (l *look) settled(s *part) bool {
	return !l.words.HasTerms() || s.sure || s.sealed && (s.doubt == nil || s.doubt.IsEmpty())
}

// certain tells it of one conversation.
func (l *look) certain(s *part, ord uint32) bool {
	return l.settled(s) || s.sealed && !s.doubt.Contains(ord)
}

// doubtful leaves of conversations of a part that is not settled those of which only the bodies can tell.
func (l *look) doubtful(s *part, in *roaring.Bitmap) *roaring.Bitmap {
	if !s.sealed {
		return in
	}
	return roaring.And(in, s.doubt)
}
