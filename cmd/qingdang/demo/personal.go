package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// personal is the data of a customer. It has the right form and belongs to nobody:
// births in 1900 to 1919, 0000 in mobile numbers, cards that begin like the public
// test numbers of the card scheme, the example mail hosts, and 示例路.
type personal struct{ mobile, idCard, bankCard, mail, address string }

var districts = []struct{ code, name string }{
	{"330106", "浙江省杭州市西湖区"},
	{"330212", "浙江省宁波市鄞州区"},
	{"320102", "江苏省南京市玄武区"},
	{"320508", "江苏省苏州市姑苏区"},
	{"440106", "广东省广州市天河区"},
	{"440305", "广东省深圳市南山区"},
	{"350203", "福建省厦门市思明区"},
	{"370202", "山东省青岛市市南区"},
	{"510107", "四川省成都市武侯区"},
	{"420102", "湖北省武汉市江岸区"},
	{"430104", "湖南省长沙市岳麓区"},
	{"610113", "陕西省西安市雁塔区"},
	{"410105", "河南省郑州市金水区"},
	{"340104", "安徽省合肥市蜀山区"},
	{"210102", "辽宁省沈阳市和平区"},
	{"110105", "北京市朝阳区"},
	{"310115", "上海市浦东新区"},
	{"120104", "天津市南开区"},
	{"500103", "重庆市渝中区"},
	{"530102", "云南省昆明市五华区"},
}

func newPersonal(r *rand.Rand) personal {
	d := districts[r.IntN(len(districts))]
	birth := time.Date(1900, 1, 1+r.IntN(20*365), 0, 0, 0, 0, time.UTC)
	p := personal{
		mobile:   fmt.Sprintf("1%d%d0000%04d", 3+r.IntN(7), r.IntN(10), r.IntN(10000)),
		idCard:   withIDCheck(fmt.Sprintf("%s%s%03d", d.code, birth.Format("20060102"), r.IntN(1000))),
		bankCard: withLuhn(fmt.Sprintf("62162610000%07d", r.IntN(10_000_000))),
		mail: fmt.Sprintf("%s%d@%s", oneOf(r, []string{"buyer", "guest", "hello", "mail", "user"}), 100+r.IntN(900),
			oneOf(r, []string{"example.com", "example.net", "example.org"})),
		address: fmt.Sprintf("%s示例路%d号%d幢%d室", d.name, 1+r.IntN(400), 1+r.IntN(20), 101+100*r.IntN(18)+r.IntN(6)),
	}
	switch r.IntN(4) {
	case 0:
		p.bankCard = inFours(p.bankCard)
	case 1:
		p.bankCard = withLuhn(fmt.Sprintf("622155881234%03d", r.IntN(1000)))
	}
	if r.IntN(4) == 0 {
		p.mobile = p.mobile[:3] + " " + p.mobile[3:7] + " " + p.mobile[7:]
	}
	return p
}

// withIDCheck adds the check digit of GB 11643 to 17 digits.
func withIDCheck(s string) string {
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * w
	}
	return s + "10X98765432"[sum%11:][:1]
}

// withLuhn adds the check digit of payment cards.
func withLuhn(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + fmt.Sprint((10-sum%10)%10)
}

func inFours(s string) string {
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(append(parts, s), " ")
}
