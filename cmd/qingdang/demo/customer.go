package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
)

// A customer is the same person, with the same data, in every conversation of a
// seed.
type customer struct {
	platform, account string
	name, address     string // address is how to speak to them: 王女士
	foreign           bool
	data              func() personal
}

// A crowd is the customers of a realm; it is computed when needed, never kept.
type crowd struct {
	seed  uint64
	realm string
	size  int
}

// crowds gives about a third as many customers as conversations.
func crowds(seed uint64, n int) map[string]crowd {
	conversations := map[string]int{"零售": 6, "旅行": 14, "跨境": 16, "商务": 20, foreign: 60} // for each customer, nearly
	out := map[string]crowd{}
	for i, realm := range realms {
		out[realm] = crowd{seed: seed ^ uint64(i+1)<<56, realm: realm, size: n/conversations[realm] + 1}
	}
	return out
}

// pick gives a customer; those with low numbers come again and again.
func (c crowd) pick(r *rand.Rand) customer {
	x := r.Float64()
	return c.customer(int(x * math.Sqrt(x) * float64(c.size)))
}

func (c crowd) customer(n int) customer {
	r := rand.New(rand.NewPCG(c.seed, uint64(n)))
	name := personName(r)
	who := customer{platform: realmPlatforms[c.realm].pick(r), name: name}
	who.address = string([]rune(name)[:1]) + []string{"先生", "女士"}[r.IntN(2)]
	if c.realm == foreign {
		who.foreign, who.name = true, foreignName(r)
		who.address, _, _ = strings.Cut(who.name, " ")
	}
	if c.realm == "商务" && r.IntN(3) > 0 {
		who.name = companyName(r)
	}
	who.account = account(r, who.platform, n)
	who.data = sync.OnceValue(func() personal { return newPersonal(r) })
	return who
}

func account(r *rand.Rand, platform string, n int) string {
	const letters = "abcdefghjkmnpqrstuvwxyz"
	tail := fmt.Sprintf("%c%c%d", letters[r.IntN(len(letters))], letters[r.IntN(len(letters))], 100+n)
	switch platform {
	case "qianniu":
		return fmt.Sprintf("tb_%d%s", 10+r.IntN(90), tail)
	case "wechat":
		return "wx_" + tail
	case "wecom":
		return "wm_" + strings.ToUpper(tail)
	case "ctrip":
		return "ct_" + tail
	case "dingtalk":
		return "dt_" + tail
	case "qq":
		return "qq_" + tail
	}
	return "visitor_" + tail
}

var (
	surnames = []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛")
	given    = []rune("安柏晨初川岱芳菲枫歌谷涵禾鹤弘湖桦佳简锦景静隽凯可岚乐黎礼琳苓凌路洛曼萌米茗沐宁诺攀佩祺琪清晴然容柔若森珊时舒朔松素棠桐晚微苇文溪夏贤欣星轩雪延言洋遥一怡以忆意吟映雨语钰远月云芸泽昭哲真知致中舟竹卓子紫")
)

func personName(r *rand.Rand) string {
	one := func(from []rune) string { return string(from[r.IntN(len(from))]) }
	name := one(surnames) + one(given)
	if r.IntN(4) > 0 {
		name += one(given)
	}
	return name
}

func foreignName(r *rand.Rand) string {
	return oneOf(r, []string{"Emily", "James", "Olivia", "Noah", "Sofia", "Lucas", "Anna", "Daniel", "Maya", "Oscar", "Nina", "Victor"}) + " " +
		oneOf(r, []string{"Carter", "Nguyen", "Novak", "Silva", "Meyer", "Okafor", "Rossi", "Larsen", "Patel", "Dubois"})
}

func companyName(r *rand.Rand) string {
	return oneOf(r, cities) + "示例" + oneOf(r, []string{"青禾", "山海", "木棉", "拾光", "北岸", "云帆", "嘉木", "长风"}) +
		oneOf(r, []string{"贸易有限公司", "科技有限公司", "供应链有限公司", "人力资源有限公司"})
}

func oneOf(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }
