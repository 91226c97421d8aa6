package demo

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// What make demo uses.
const (
	DefaultSeed  uint64 = 20261120
	DefaultCount int    = 5000
)

// Conversation is a made-up conversation. Its fields are those of package format of
// models/intake; the wiring converts.
type Conversation struct {
	Platform, ExternalID     string
	DepartmentPath           string
	AgentID, AgentName       string // AgentID is the staff number
	CustomerID, CustomerName string // CustomerID is the account on the platform
	ServiceType              string
	Tags                     []string
	OrderNo                  string // "" when there is no order
	OrderState               string // "open", "closed" or ""
	StartedAt, EndedAt       time.Time
	Messages                 []Message
}

// Message is one message of it.
type Message struct {
	ID         string
	Sender     string // customer, agent or system
	SenderName string
	At         time.Time // whole seconds, UTC+8
	Kind       string    // text, image, file or voice
	Text       string
	Attachment string
	Recalled   bool
}

const (
	personalShare = 0.12  // of conversations that name personal data
	directShare   = 0.02  // that belong to a branch itself, to none of its teams
	staleShare    = 0.02  // of old open orders that never were closed
	recallShare   = 0.012 // of messages
	announceShare = 0.15  // of conversations that begin with a line of the system
	englishShare  = 0.05  // of mixed conversations

	// openFor is how long after the conversation an order may still be open.
	openFor = 120 * 24 * time.Hour
)

// Conversations makes n conversations of the three years that end at until, the
// oldest first. The same arguments give the same conversations.
func Conversations(seed uint64, n int, until time.Time) iter.Seq[Conversation] {
	return conversations(seed, n, until, func(int) *book { return chinese() })
}

// Mixed makes the same conversations, but one in twenty is another one, in English.
func Mixed(seed uint64, n int, until time.Time) iter.Seq[Conversation] {
	return conversations(seed, n, until, func(i int) *book {
		if rand.New(rand.NewPCG(^seed, uint64(i))).Float64() < englishShare {
			return english()
		}
		return chinese()
	})
}

func conversations(seed uint64, n int, until time.Time, book func(i int) *book) iter.Seq[Conversation] {
	return func(yield func(Conversation) bool) {
		m := maker{seed: seed, until: until.In(china), crowds: crowds(seed, n), staff: staff()}
		for i, at := range starts(seed, n, m.until) {
			if !yield(m.conversation(book(i), i, at)) {
				return
			}
		}
	}
}

type maker struct {
	seed   uint64
	until  time.Time
	crowds map[string]crowd
	staff  map[string][]agent
}

func (m *maker) conversation(b *book, i int, at time.Time) Conversation {
	r := rand.New(rand.NewPCG(m.seed, uint64(i)+1))
	s, service := b.pick(r)
	who := m.crowds[s.realm].pick(r)
	team := pickTeam(r, s.realm, service)
	by := m.staff[team.Path]
	agent := by[r.IntN(len(by))]
	c := Conversation{
		Platform:       who.platform,
		ExternalID:     fmt.Sprintf("%s-%04x-%06d", who.platform, uint16(m.seed), i+1),
		DepartmentPath: team.Path,
		AgentID:        agent.staffNo, AgentName: agent.name,
		CustomerID: who.account, CustomerName: who.name,
		ServiceType: service,
		Tags:        s.pickTags(r),
		OrderState:  m.orderState(r, s, at),
		StartedAt:   at,
	}
	if r.Float64() < directShare {
		c.DepartmentPath = parentPath(team.Path)
	}
	v := newValues(r, who, agent.name, at)
	m.fill(&c, r, v, b.script(r, s, service, r.Float64() < personalShare))
	if c.OrderState == "" && v.drawn["订单"] != "" {
		c.OrderState = "closed" // they spoke of one after all
	}
	if c.OrderState != "" {
		c.OrderNo = v.get("订单")
	}
	c.EndedAt = c.Messages[len(c.Messages)-1].At
	return c
}

func (m *maker) orderState(r *rand.Rand, s *scene, at time.Time) string {
	state := s.orders.pick(r)
	switch {
	case state == "none":
		return ""
	case state == "open" && m.until.Sub(at) > openFor && r.Float64() > staleShare:
		return "closed"
	}
	return state
}

func welcome(who customer, c *Conversation) (sender, text string) {
	if who.foreign {
		return "System", "Agent " + c.AgentID + " has joined"
	}
	return "系统", "客服 " + c.AgentName + " 为您服务"
}

// fill says the lines of script one after the other.
func (m *maker) fill(c *Conversation, r *rand.Rand, v *values, script []line) {
	at := c.StartedAt
	c.Messages = make([]Message, 0, len(script)+1)
	add := func(msg Message) {
		msg.ID = fmt.Sprintf("%s-%d", c.ExternalID, len(c.Messages)+1)
		msg.At = at
		c.Messages = append(c.Messages, msg)
	}
	if r.Float64() < announceShare {
		name, text := welcome(v.who, c)
		add(Message{Sender: "system", SenderName: name, Kind: "text", Text: text})
	}
	var choice choice
	paused := false
	for _, l := range script {
		if len(c.Messages) > 0 {
			at = at.Add(pause(r, l.agent, &paused))
		}
		msg := l.say(v, &choice)
		msg.Sender, msg.SenderName = "customer", c.CustomerName
		if l.agent {
			msg.Sender, msg.SenderName = "agent", c.AgentName
		}
		msg.Recalled = len(c.Messages) > 0 && r.Float64() < recallShare
		add(msg)
	}
}

// pause is how long a side takes to answer; once in a conversation somebody may go
// away for a while.
func pause(r *rand.Rand, agent bool, paused *bool) time.Duration {
	seconds := 6 + r.IntN(70)
	if agent {
		seconds = 15 + r.IntN(150)
	}
	if !*paused && r.IntN(80) == 0 {
		*paused = true
		seconds += 1200 + r.IntN(4200)
	}
	return time.Duration(seconds) * time.Second
}
