package drill_test

import (
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

// model is what the console promises, in memory and without a database: where every
// conversation is, who holds it, who agreed to what.
type model struct {
	now     time.Time
	deps    []modelDep
	convs   []*modelConv
	batches []*modelBatch
	purges  []*modelPurge
	holds   []*modelHold
	wishes  []*modelSubject
	floors  map[string]int // days by service type, -1 for ever
	off     map[id.User]bool
	// lifted is who asked for or agreed to a release, and until when that may keep them from
	// approving a purge of what it covered. The model does not follow what each hold covered.
	lifted map[id.Person]time.Time
}

type modelDep struct {
	id     id.Department
	path   string
	parent int // index, -1 for the root
}

type modelConv struct {
	id      id.Conversation
	name    string
	dep     int
	class   string
	began   time.Time
	said    []int // when, in minutes after it began
	version uint32
	open    bool // its order
	state   conversation.State
	batch   *modelBatch
	gone    bool
	who     string        // the customer
	sealed  *modelSubject // the open request that reached it
	been    bool          // it was in the bin since
}

// modelSubject is a customer's deletion request.
type modelSubject struct {
	id    id.Subject
	who   string
	by    account.Actor
	state subject.State
	convs []*modelConv
}

// home is where a conversation goes out of the bin.
func (c *modelConv) home() conversation.State {
	if c.sealed != nil {
		return conversation.Sealed
	}
	return conversation.Active
}

type modelBatch struct {
	id       id.Batch
	code     string
	keep     time.Time
	extended bool
	drafted  bool
	organ    bool         // of the whole organisation
	plea     bool         // of a customer's deletion request
	taken    map[int]bool // departments it was made of; nil for a single conversation
	owner    account.Actor
}

type modelPurge struct {
	id        id.Purge
	state     purge.State
	batch     *modelBatch
	requester account.Actor
	items     []modelItem
	expires   time.Time
	organ     bool
	emergency bool
	cooling   time.Duration
	until     time.Time // of the cooling-off
	votes     []modelVote
	confirmed *account.Actor
}

type modelItem struct {
	conv    *modelConv
	version uint32
	state   purge.ItemState
}

type modelVote struct {
	by    account.Actor
	valid time.Time
}

type modelHold struct {
	id       id.Hold
	deps     map[int]bool // of a hold on a department
	conv     *modelConv   // of one on a conversation
	released bool
	release  *modelRelease
}

// modelRelease is a release that was asked for and is not over.
type modelRelease struct {
	by     account.Actor
	asked  time.Time
	ends   time.Time // zero: nobody agreed yet
	second account.Actor
}

// below gives a department's index and, with sub, those of everything under it.
func (m *model) below(dep int, sub bool) map[int]bool {
	out := map[int]bool{dep: true}
	for i := range m.deps {
		for up := m.deps[i].parent; sub && up >= 0; up = m.deps[up].parent {
			if up == dep {
				out[i] = true
			}
		}
	}
	return out
}

func (c *modelConv) last() time.Time {
	return c.began.Add(time.Duration(slices.Max(c.said)) * time.Minute)
}

func (m *model) held(c *modelConv) bool {
	return slices.ContainsFunc(m.holds, func(h *modelHold) bool { return !h.released && (h.conv == c || h.deps[c.dep]) })
}

// protects names what keeps a conversation from the bin and from a purge, "" if nothing does.
func (m *model) protects(c *modelConv) purge.Reason {
	days, own := m.floors[c.class]
	if other := m.floors[""]; !own || days >= 0 && other > days || other < 0 {
		days = other
	}
	switch {
	case m.held(c):
		return purge.Held
	case days < 0 || m.now.Before(c.last().Add(time.Duration(days)*day)):
		return purge.Floor
	case c.open:
		return purge.Order
	}
	return ""
}

// judge says why an item of a running purge must not be destroyed.
func (m *model) judge(p *modelPurge, it modelItem) purge.Reason {
	why := m.protects(it.conv)
	switch {
	case it.conv.gone:
		return purge.Gone
	case why == purge.Held:
		return why
	case it.conv.state != conversation.Frozen || it.conv.batch != p.batch:
		return purge.Restored
	case why != "":
		return why
	case it.conv.version != it.version:
		return purge.Version
	case !m.consent(p):
		return purge.NoConsent
	}
	return ""
}

// consent tells whether the votes stand now.
func (m *model) consent(p *modelPurge) bool {
	people := map[id.Person]bool{p.requester.PersonID: true}
	for _, v := range p.votes {
		if m.off[v.by.ID] || !m.now.Before(v.valid) || people[v.by.PersonID] || v.by.PersonID == p.batch.owner.PersonID {
			return false
		}
		people[v.by.PersonID] = true
	}
	return len(p.votes) == 2
}

// in lists what of a batch rests in one of the states.
func (m *model) in(b *modelBatch, states ...conversation.State) (out []*modelConv) {
	for _, c := range m.convs {
		if !c.gone && c.batch == b && slices.Contains(states, c.state) {
			out = append(out, c)
		}
	}
	return out
}

// free lists what rests in a batch and is protected by nothing.
func (m *model) free(b *modelBatch) (out []*modelConv) {
	for _, c := range m.in(b, conversation.Binned) {
		if m.protects(c) == "" {
			out = append(out, c)
		}
	}
	return out
}

// whole tells whether departments are the whole organisation: a root with anything below it,
// everything below the root, or everything in which conversations are.
func (m *model) whole(taken map[int]bool) bool {
	below, stored, there := true, true, false
	for i := range m.deps {
		below = below && (i == 0 || taken[i])
	}
	for _, c := range m.convs {
		if !c.gone {
			there, stored = true, stored && taken[c.dep]
		}
	}
	return taken[0] && len(taken) > 1 || below || there && stored
}

// endHolds is what the timer does about releases.
func (m *model) endHolds() {
	for _, h := range m.holds {
		switch r := h.release; {
		case r == nil:
		case r.ends.IsZero() && !m.now.Before(r.asked.Add(7*day)):
			h.release = nil
		case !r.ends.IsZero() && !m.now.Before(r.ends):
			h.released = !m.off[r.second.ID] && m.now.Before(r.ends.Add(30*day))
			if h.released {
				for _, by := range []account.Actor{r.by, r.second} {
					m.lift(by, m.now.Add(hold.Estrangement))
				}
			}
			h.release = nil
		}
	}
}

func (m *model) lift(by account.Actor, until time.Time) {
	if m.lifted == nil {
		m.lifted = map[id.Person]time.Time{}
	}
	m.lifted[by.PersonID] = later(m.lifted[by.PersonID], until)
}

// giveBack ends a request of which nothing was destroyed.
func (m *model) giveBack(p *modelPurge, to purge.State) {
	p.state = to
	for _, it := range p.items {
		if !it.conv.gone && it.conv.batch == p.batch && it.conv.state == conversation.Frozen {
			it.conv.state = conversation.Binned
		}
	}
}

// tick is what the timer does about deadlines.
func (m *model) tick() {
	for _, b := range m.batches {
		if !m.now.Before(b.keep) && !b.drafted && len(m.free(b)) > 0 && len(m.in(b, conversation.Frozen)) == 0 {
			b.drafted = true
			m.purges = append(m.purges, &modelPurge{state: purge.Draft, batch: b})
		}
	}
	for _, p := range m.purges {
		organ := p.organ && (p.state == purge.CoolingOff || p.state == purge.AwaitingCodes)
		switch {
		case (p.state == purge.AwaitingSupervisor || p.state == purge.AwaitingLegal) && !m.now.Before(p.expires),
			organ && !m.now.Before(p.until.Add(72*time.Hour)):
			m.giveBack(p, purge.Lapsed)
		case organ && !m.now.Before(p.until):
			p.state = purge.AwaitingCodes
		}
	}
}

func (m *model) find(c id.Conversation) *modelConv {
	i := slices.IndexFunc(m.convs, func(x *modelConv) bool { return x.id == c })
	if i < 0 {
		return nil
	}
	return m.convs[i]
}

// expired tells whether a batch's time in the bin is over.
func (m *model) expired(b *modelBatch) bool { return !m.now.Before(b.keep) }
