package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"qingdang/models/conversation"
)

// corpus makes the conversations of bench search: many words, a few of them in most
// conversations, most of them in few. What is said comes from the demo's scripts, two of them
// mixed, with a name, a street and an order that hardly anybody else has; or from a file.
type corpus struct {
	talk   *talk
	random *rand.Rand
	lines  *bufio.Scanner // of the file, nil without one
	file   io.Closer
	err    error // the file's
}

func newCorpus(s Shape, file string) (*corpus, error) {
	c := &corpus{talk: newTalk(s), random: rand.New(rand.NewPCG(s.Seed, 2))}
	if file == "" {
		return c, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	c.file, c.lines = f, bufio.NewScanner(f)
	c.lines.Buffer(nil, 4<<20)
	return c, nil
}

func (c *corpus) Close() error {
	if c.file == nil {
		return c.err
	}
	_ = c.file.Close() // it was only read
	return c.err
}

// next makes the next conversation of a department, in the month that begins at from. After an
// error of the file it goes on with the scripts; Close tells.
func (c *corpus) next(p place, from time.Time) conversation.New {
	n := c.talk.next(p, from)
	n.ServiceType, n.Tags = service(c.random), topics(c.random)
	if c.lines == nil || c.err != nil {
		c.mix(&n)
		return n
	}
	if messages, err := c.read(n.Document.Messages[0].At.Time()); err != nil {
		c.err = err
	} else {
		n.Document.Messages = messages
	}
	return n
}

// mix lets the talk end as another one does, and names a person.
func (c *corpus) mix(n *conversation.New) {
	other := c.talk.samples[c.random.IntN(len(c.talk.samples))].Messages
	messages := n.Document.Messages
	for i := len(messages) / 2; i < len(messages); i++ {
		if o := other[i%len(other)]; o.Kind == "text" && messages[i].Text != "" {
			messages[i].Text = o.Text
		}
	}
	one := func() string { return string(seldom[c.random.IntN(len(seldom))]) }
	said := fmt.Sprintf("我叫%s%s%s，地址%s%s路%d号，订单%s", one(), one(), one(), one(), one(), 1+c.random.IntN(900), n.Document.OrderNo)
	for i := range messages {
		if messages[i].Text != "" && !messages[i].Recalled {
			messages[i].Text += "，" + said
			return
		}
	}
}

// seldom are characters of names and streets.
var seldom = []rune("安柏晨初川岱芳菲枫歌谷涵禾鹤弘湖桦佳简锦景静隽凯可岚乐黎礼琳苓凌路洛曼萌米茗沐宁诺攀佩祺琪清晴然容柔若森珊时舒朔松素棠桐晚微苇文溪夏贤欣星轩雪延言洋遥怡以忆意吟映雨语钰远月云芸泽昭哲真知致中舟竹卓子紫王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾韦付方白邹孟熊秦邱江尹薛")

// read takes the next line of a file that ../shared/data/gen wrote, with the first message at the
// given time.
func (c *corpus) read(at time.Time) ([]conversation.Message, error) {
	if !c.lines.Scan() {
		if err := c.lines.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("read conversations: %w", io.ErrUnexpectedEOF)
	}
	var said struct {
		Messages []struct {
			Sender, Type, Text, Attachment string
			At                             time.Time
			Recalled                       bool
		}
	}
	if err := json.Unmarshal(c.lines.Bytes(), &said); err != nil || len(said.Messages) == 0 {
		return nil, fmt.Errorf("read conversations: not the generator's (%w)", err)
	}
	out := make([]conversation.Message, len(said.Messages))
	for i, m := range said.Messages {
		out[i] = conversation.Message{
			ID: strconv.Itoa(i), Sender: conversation.Sender(m.Sender), At: conversation.MicrosOf(at.Add(m.At.Sub(said.Messages[0].At))),
			Kind: m.Type, Text: m.Text, Attachment: m.Attachment, Recalled: m.Recalled,
		}
	}
	return out, nil
}

// The service types, the rarest last: 3 % are legal disputes.
var kinds = []struct {
	name  string
	share float64
}{{"咨询", 0.45}, {"售后", 0.25}, {"交易", 0.15}, {"投诉", 0.12}, {"法律纠纷", 0.03}}

func service(r *rand.Rand) string {
	at := r.Float64()
	for _, k := range kinds {
		if at -= k.share; at < 0 {
			return k.name
		}
	}
	return kinds[0].name
}

// There are 40 tags, the first on 20 % of all conversations, the last on 0.3 %.
const tagCount = 40

func tagName(i int) string { return fmt.Sprintf("主题%02d", i+1) }

func tagShare(i int) float64 { return 0.2 * math.Pow(0.015, float64(i)/(tagCount-1)) }

func topics(r *rand.Rand) (names []string) {
	for i := range tagCount {
		if r.Float64() < tagShare(i) {
			names = append(names, tagName(i))
		}
	}
	return names
}

// spoken gives the texts of a conversation that can be searched.
func spoken(d *conversation.Document) (texts []string) {
	for _, m := range d.Messages {
		if m.Text != "" && !m.Recalled {
			texts = append(texts, m.Text)
		}
	}
	return texts
}
