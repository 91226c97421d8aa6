package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

var (
	cities   = []string{"杭州", "上海", "南京", "广州", "深圳", "厦门", "北京", "天津", "青岛", "成都", "武汉", "长沙"}
	goods    = []string{"电热水壶", "羊毛围巾", "空气炸锅", "蓝牙耳机", "保温杯", "羽绒服", "扫地机器人", "四件套", "运动鞋", "台灯", "行李箱", "婴儿推车", "咖啡机", "破壁机", "防晒衣", "电动牙刷", "瑜伽垫", "加湿器", "衬衫", "连衣裙", "记忆枕", "不粘锅", "键盘", "坚果礼盒"}
	clothes  = []string{"羽绒服", "运动鞋", "防晒衣", "衬衫", "连衣裙", "针织衫", "冲锋衣"}
	devices  = []string{"电热水壶", "空气炸锅", "蓝牙耳机", "扫地机器人", "台灯", "咖啡机", "破壁机", "电动牙刷", "加湿器", "吹风机"}
	items    = []string{"kettle", "wool scarf", "air fryer", "headphones", "thermos flask", "desk lamp", "suitcase", "coffee machine", "keyboard", "yoga mat", "humidifier", "gift box"}
	places   = []string{"Singapore", "Canada", "Germany", "Australia", "Spain", "Malaysia"}
	couriers = []struct{ name, prefix string }{{"顺丰", "SF"}, {"圆通", "YT"}, {"京东快递", "JDVA"}, {"极兔", "JT"}}
)

// values fills the blanks of one conversation: each is drawn once and stays, so that
// both sides speak of the same parcel.
type values struct {
	r     *rand.Rand
	who   customer
	agent string
	at    time.Time
	drawn map[string]string
}

func newValues(r *rand.Rand, who customer, agent string, at time.Time) *values {
	return &values{r: r, who: who, agent: agent, at: at, drawn: make(map[string]string, 8)}
}

// expand fills in every {名} of text.
func (v *values) expand(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(v.get(name))
		text = after
	}
}

func (v *values) get(name string) string {
	value, ok := v.drawn[name]
	if !ok {
		value = v.draw(name)
		v.drawn[name] = value
	}
	return value
}

func (v *values) draw(name string) string {
	r := v.r
	switch name {
	case "客服":
		return v.agent
	case "称呼":
		return v.who.address
	case "手机":
		return v.who.data().mobile
	case "尾号":
		mobile := v.get("手机")
		return mobile[len(mobile)-4:]
	case "身份证":
		return v.who.data().idCard
	case "银行卡":
		return v.who.data().bankCard
	case "邮箱":
		return v.who.data().mail
	case "地址":
		return v.who.data().address
	case "商品":
		return oneOf(r, goods)
	case "衣服":
		return oneOf(r, clothes)
	case "电器":
		return oneOf(r, devices)
	case "城市":
		return oneOf(r, cities)
	case "酒店":
		return "云栖优品酒店" + v.get("城市") + oneOf(r, []string{"滨江店", "高铁站店", "老城店", "会展店"})
	case "房型":
		return oneOf(r, []string{"高级大床房", "豪华双床房", "亲子套房", "商务大床房"})
	case "公司":
		return companyName(r)
	case "券":
		return oneOf(r, []string{"满 200 减 20 的券", "5 元无门槛券", "会员九折券", "满 99 减 10 的券"})
	case "月日":
		return dayName(v.at.AddDate(0, 0, -2-r.IntN(12)))
	case "来日":
		return dayName(v.at.AddDate(0, 0, 3+r.IntN(20)))
	case "item":
		return oneOf(r, items)
	case "place":
		return oneOf(r, places)
	case "past":
		return v.at.AddDate(0, 0, -2-r.IntN(12)).Format("2 January")
	case "soon":
		return v.at.AddDate(0, 0, 3+r.IntN(20)).Format("2 January")
	}
	return v.number(name)
}

func dayName(t time.Time) string { return fmt.Sprintf("%d 月 %d 号", t.Month(), t.Day()) }

// number draws what consists of digits.
func (v *values) number(name string) string {
	r := v.r
	switch name {
	case "天", "days":
		return fmt.Sprint(3 + r.IntN(9))
	case "体重":
		return fmt.Sprint(95 + r.IntN(70))
	case "积分":
		return fmt.Sprint(100 * (3 + r.IntN(60)))
	case "金额":
		return fmt.Sprintf("%d.%02d", 39+r.IntN(1800), r.IntN(4)*25)
	case "差价":
		return fmt.Sprint(8 + r.IntN(190))
	case "快递":
		return couriers[r.IntN(len(couriers))].name
	case "运单":
		name := v.get("快递")
		for _, c := range couriers {
			if c.name == name {
				return fmt.Sprintf("%s%013d", c.prefix, r.Int64N(1e13))
			}
		}
	case "订单":
		if v.who.platform == "ctrip" {
			return fmt.Sprintf("30%09d", r.IntN(1e9))
		}
		return fmt.Sprintf("29%s%09d", v.at.Format("06010215"), r.IntN(1e9))
	case "工单":
		return fmt.Sprintf("G-%s-%04d", v.at.Format("0102"), r.IntN(10000))
	case "合同":
		return fmt.Sprintf("HT-%d-%04d", v.at.Year(), r.IntN(10000))
	}
	panic("demo: nothing to fill in for {" + name + "}") // the words are part of the program
}
