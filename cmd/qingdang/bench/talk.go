package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/conversation"
)

// talk makes conversations out of the demo's: what is said there, on another day, with other
// people and numbers.
type talk struct {
	seed    uint64
	n       int
	random  *rand.Rand
	samples []demo.Conversation
}

// scripts is how many of the demo's conversations are varied.
const scripts = 512

func newTalk(s Shape) *talk {
	t := &talk{seed: s.Seed, random: rand.New(rand.NewPCG(s.Seed, 1))}
	for c := range demo.Conversations(demo.DefaultSeed+s.Seed, scripts, s.Until) {
		t.samples = append(t.samples, c)
	}
	return t
}

var (
	platforms = []string{"qianniu", "wechat", "wecom", "ctrip", "dingtalk", "qq"}
	services  = []string{"咨询", "咨询", "咨询", "售后"} // neither has a long floor
)

// next makes the next conversation of a department, in the month that begins at from.
func (t *talk) next(p place, from time.Time) conversation.New {
	t.n++
	sample := &t.samples[t.random.IntN(len(t.samples))]
	at := from.Add(time.Duration(t.random.Int64N(int64(27 * 24 * time.Hour)))).Truncate(time.Second)
	number := fmt.Sprintf("%06d", t.random.IntN(1_000_000))
	agent := int(p.id)*10 + t.random.IntN(8)
	c := conversation.New{
		Platform: platforms[t.random.IntN(len(platforms))], DepartmentID: p.id, ServiceType: services[t.random.IntN(len(services))],
		AgentID: fmt.Sprintf("b%06d", agent), AgentName: sample.AgentName, Tags: sample.Tags,
		Document: conversation.Document{
			ExternalID: fmt.Sprintf("b-%d-%09d", t.seed, t.n), CustomerID: fmt.Sprintf("tb%08d", t.random.IntN(50_000_000)), CustomerName: sample.CustomerName,
			OrderNo: "20" + number + fmt.Sprintf("%08d", t.n), Messages: make([]conversation.Message, len(sample.Messages)),
		},
	}
	for i, m := range sample.Messages {
		said := conversation.Message{
			ID: strconv.Itoa(i), Sender: conversation.Sender(m.Sender), At: conversation.MicrosOf(at.Add(m.At.Sub(sample.StartedAt))),
			Kind: m.Kind, Text: m.Text, Attachment: m.Attachment,
		}
		if i%5 == 2 {
			said.Text = strings.Join([]string{said.Text, "，单号", number}, "")
		}
		c.Document.Messages[i] = said
	}
	return c
}
