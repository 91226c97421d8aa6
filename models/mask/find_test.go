package mask_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qingdang/models/mask"
)

// In the tables the wanted findings are written as "kind value".
func TestFind(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"an identity card", "身份证号：330106190303070015。", []string{"id_card 330106190303070015"}},
		{"an identity card in groups", "我的是 330106 19030307 0015 谢谢", []string{"id_card 330106 19030307 0015"}},
		{"an identity card with dashes", "330106-19030307-0015", []string{"id_card 330106-19030307-0015"}},
		{"full-width digits", "证件３３０１０６１９０３０３０７００１５收到", []string{"id_card ３３０１０６１９０３０３０７００１５"}},
		{"another in full-width digits", "１１０１０５１９１２１２３１００２５", []string{"id_card １１０１０５１９１２１２３１００２５"}},
		{"an identity card behind letters", "ID330106190303070015", []string{"id_card 330106190303070015"}},
		{"an identity card with a day that does not exist", "330106190302300018", nil},
		{"an identity card of no province", "990106190303070018", nil},
		{"the old form only behind its name", "身份证号码是330106030307001，别的330106030307001不是", []string{"id_card 330106030307001"}},
		{"nothing in 17 digits with a wrong X", "33010619030307001X", nil},

		{"a phone", "电话13800006620", []string{"phone 13800006620"}},
		{"a phone with dashes", "打 138-0000-6620 找我", []string{"phone 138-0000-6620"}},
		{
			"a phone with the country code in other ways", "0086 13800006620，+86-138-0000-6620，8613800006621；＋８６１３８００００６６２２",
			[]string{"phone 0086 13800006620", "phone +86-138-0000-6620", "phone 8613800006621", "phone ＋８６１３８００００６６２２"},
		},
		{"a phone in full-width digits", "手机１３８００００６６２０，谢谢", []string{"phone １３８００００６６２０"}},
		{"a phone digit by digit", "1 3 8 0 0 0 0 6 6 2 0", []string{"phone 1 3 8 0 0 0 0 6 6 2 0"}},
		{"a phone in parentheses behind the code", "(+86)13800006620", []string{"phone 13800006620"}},
		{"a phone with its account word", "wx13800006620，13800006621vx同号", []string{"phone 13800006620", "phone 13800006621"}},
		{"a virtual number without its extension", "13800006620-5521", []string{"phone 13800006620"}},
		{"two phones", "13800006620 13900006621/15000006622", []string{"phone 13800006620", "phone 13900006621", "phone 15000006622"}},
		{"a phone between other separators", "138\u00a00000\u30006620", []string{"phone 138\u00a00000\u30006620"}},
		{"no phone in a longer number", "2138000066201", nil},
		{"no phone in a code", "AB13800006620, 13800006620a7f, x_13800006620", nil},
		{"no phone in an amount", "13800006620.50 ￥13800006620 13800006620元", nil},
		{"no phone behind an area code", "0571-13800006620", nil},
		{"no phone in a grouped code", "138-0000-6620-1", nil},

		{"a bank card", "卡 6217000000000003305 吧", []string{"bank_card 6217000000000003305"}},
		{"a bank card with dashes", "6221-5588-1234-9741", []string{"bank_card 6221-5588-1234-9741"}},
		{
			"cards of other schemes", "4111111111111111 5555555555554444 378282246310005 3530 1113 3330 0000",
			[]string{"bank_card 4111111111111111", "bank_card 5555555555554444", "bank_card 378282246310005", "bank_card 3530 1113 3330 0000"},
		},
		{"an unknown issuer only behind its name", "卡号 9111111111111110，编码 9111111111111110", []string{"bank_card 9111111111111110"}},
		{"a card, then a phone", "6221 5588 1234 1110 139 0000 1965", []string{"bank_card 6221 5588 1234 1110", "phone 139 0000 1965"}},
		{"two cards", "6221 5588 1234 1110 6221 5588 1234 9741", []string{"bank_card 6221 5588 1234 1110", "bank_card 6221 5588 1234 9741"}},
		{"no card in an order number", "订单号：6221558812341110", nil},
		{"no card in an order number of an unknown issuer", "9111111111111110", nil},
		{"no card of 21 digits", "622155881234111000000", nil},

		{"a mail address", "发到li.wei+a@mail.example.org谢谢", []string{"email li.wei+a@mail.example.org"}},
		{"a mail address before a full stop", "a_b@example.com. 好", []string{"email a_b@example.com"}},
		{"a mail address in full-width letters", "ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ", []string{"email ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ"}},
		{"a phone as a mail address", "13800006620@example.com", []string{"email 13800006620@example.com"}},
		{"a host with digits", "x@163.example.com，y@mail2.example9.org", []string{"email x@163.example.com", "email y@mail2.example9.org"}},
		{"no mail address in a mention", "@李雨桐 看一下，@all，a@b，a@b.c，@example.com", nil},

		{"an address without its province", "住在杭州市西湖区示例路12号3幢402室。", []string{"address 杭州市西湖区示例路12号3幢402室"}},
		{"an address without its city", "地址在朝阳区示例路32号示例社区4号楼", []string{"address 朝阳区示例路32号示例社区4号楼"}},
		{"an address in short names", "寄北京朝阳区示例路6号院2号楼3单元1203，谢谢", []string{"address 北京朝阳区示例路6号院2号楼3单元1203"}},
		{"an address with blanks", "浙江省 杭州市 西湖区 示例街道 示例路 12 号 3 幢 402 室 王女士", []string{"address 浙江省 杭州市 西湖区 示例街道 示例路 12 号 3 幢 402 室"}},
		{"an address with dashes", "浙江-杭州-西湖区-示例路12号3-402", []string{"address 浙江-杭州-西湖区-示例路12号3-402"}},
		{"an address with commas", "浙江省，杭州市，西湖区，示例路12号", []string{"address 浙江省，杭州市，西湖区，示例路12号"}},
		{"an address with full-width digits", "杭州市西湖区示例路１２号４０２室", []string{"address 杭州市西湖区示例路１２号４０２室"}},
		{"an address in words", "上海市浦东新区示例路十二号三号楼二单元", []string{"address 上海市浦东新区示例路十二号三号楼二单元"}},
		{"a compound without a street", "杭州市余杭区示例花园3幢2单元402室", []string{"address 杭州市余杭区示例花园3幢2单元402室"}},
		{"a village", "江西省吉安市泰和县示例镇示例村5组12号", []string{"address 江西省吉安市泰和县示例镇示例村5组12号"}},
		{"a lane", "上海市徐汇区示例路88弄6号1201室", []string{"address 上海市徐汇区示例路88弄6号1201室"}},
		{"a street and a room", "就送示例路12号3幢402室哈", []string{"address 示例路12号3幢402室"}},
		{"an address, then a phone", "浙江省杭州市西湖区示例路12号 13800006620", []string{"address 浙江省杭州市西湖区示例路12号", "phone 13800006620"}},
		{"an address, then a date", "浙江省杭州市西湖区示例路12号2026年3月5日送到", []string{"address 浙江省杭州市西湖区示例路12号"}},
		{"an address behind a phone", "13800006620浙江省杭州市西湖区示例路12号", []string{"phone 13800006620", "address 浙江省杭州市西湖区示例路12号"}},
		{"no address without a number", "地址在北京市东城区前门大街，杭州市西湖区很好玩", nil},
		{"no address in an underground line", "北京市地铁10号线，杭州市文一路3号线", nil},
		{"no address in a date", "我从杭州市出发3号到，上海市15号发货", nil},
		{"no address in a shop's street", "南京东路100号，中山路8号", nil},
		{"no address in a team", "杭州分公司一店售后组3号客服，我们小区3号楼，超市2楼", nil},
		{"no address in talk about roads", "这条路 3 号会修好，知道3号发货吗", nil},

		{"nothing in dates, amounts and counts", "683.00元 2024-07-15 12:30:05，共 1,284,906 条，2026-11-20", nil},
		{"nothing in tracking numbers", "SF0764757272874 YT1234567890123", nil},
		{"nothing in broken text", "\xff138\xfe0000\xfd6620", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tt.text, mask.Find(tt.text)); !slices.Equal(got, tt.want) {
				t.Errorf("%q\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestOrders(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a labelled order", "订单号：392810044137432303", []string{"order 392810044137432303"}},
		{"a labelled order with letters", "单号是 QD20261019001，查一下", []string{"order QD20261019001"}},
		{"a tracking number", "SF0764757272874，JDVA00123456789", []string{"order SF0764757272874", "order JDVA00123456789"}},
		{"no number without a word before it", "392810044137432303", nil},
		{"no short number", "订单 3928，单号 1234567", nil},
		{"no amount", "订单 683.00元", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tt.text, mask.Orders(tt.text)); !slices.Equal(got, tt.want) {
				t.Errorf("%q\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

// The units are the worst that each part of the search could meet.
func TestFindIsLinearOnLargeTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of work")
	}
	const small, large, limit = 1 << 20, 10 << 20, time.Minute // squares would take hours
	sizes := map[string]int{"您好，我的手机是 13800006620，寄到浙江省杭州市西湖区示例路12号，谢谢。": large}
	for _, unit := range []string{"1", "1 ", "1-", "123 4567 8901 ", "@", "a@", "a.a@a.", "a", "号1", "1号", "浙江省", "杭州市西湖区示例路", "杭州市1号", "示例路1号1", "区1号2幢3", "路一", "订单号：12345678 ", "\xff"} {
		sizes[unit] = small
	}
	for unit, size := range sizes {
		text := strings.Repeat(unit, size/len(unit))
		begin := time.Now()
		mask.String(text)
		took := time.Since(begin)
		t.Logf("%d bytes of %q: %v", len(text), unit, took.Round(time.Millisecond))
		if took > limit {
			t.Errorf("%q takes too long", unit)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"浙江省杭州市西湖区示例路12号3幢402室", "+86 138 0000 6620", "6221 5588 1234 9741", "33010619030307001X", "a@example.com", "订单号：392810044137432303", "１３８\xff００００", "路一号"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, s := range mask.Find(text) {
			if s.Start < at || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("%q: span %v after %d", text, s, at)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
				t.Fatalf("%q: span %v cuts a rune", text, s)
			}
			at = s.End
		}
		if masked := mask.Text(text); utf8.ValidString(text) && !utf8.ValidString(masked.String()) {
			t.Fatalf("%q became %q", text, masked.String())
		}
	})
}
