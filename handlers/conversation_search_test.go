package handlers_test

import (
	"bytes"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/web/webtest"
)

// link gives the address of the first link or bar whose text, without markup, holds words.
func link(t *testing.T, r *webtest.Response, words string) string {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?s)<a\b([^>]*)>(.*?)</a>`).FindAllStringSubmatch(r.Body, -1) {
		text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[2], " ")), " ")
		if href := regexp.MustCompile(`href="([^"]*)"`).FindStringSubmatch(m[1]); href != nil && (strings.Contains(text, words) || strings.Contains(m[1], words)) {
			return html.UnescapeString(href[1])
		}
	}
	t.Fatalf("there is no link %q", words)
	return ""
}

func q(text string) string { return "/conversations?q=" + url.QueryEscape(text) }

func TestSearchingForWords(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		wechat := talk("e3", "云栖优品集团/一店", "wx_1", "咨询", old.AddDate(0, 0, 2), "你好", "  我要赔付 iPhone手机壳，<b>退款</b>  也行")
		wechat.Platform, wechat.AgentName, wechat.Tags = "wechat", "孙浩然", []string{"物流"}
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, spoken), talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", old.AddDate(0, 0, 1), "第二条，测试单"), wechat,
			talk("e4", "别家", "tb_99999", "售后", old, "外人的退款"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		for _, tt := range []struct {
			typed, want string
		}{
			{"退款", "2 条会话"},
			{"退款 赔付", "1 条会话"},
			{"赔付 OR 第二条", "2 条会话"},
			{"赔付或第二条 OR 测试单 -测试单", "没有符合条件的会话"},
			{`"赔付 退款"`, "没有符合条件的会话"},
			{"退款 -赔付", "1 条会话"},
			{"ＩＰＨＯＮＥ手机", "1 条会话"},
			{"平台:微信", "1 条会话"},
			{"platform:wechat 退款", "1 条会话"},
			{"平台：WeChat", "1 条会话"},
			{"客服:孙浩然", "1 条会话"},
			{"标签:退款", "2 条会话"},
			{"-标签:退款", "1 条会话"},
			{"客户", "没有符合条件的会话"},
		} {
			if got := boss.Get(t, q(tt.typed)); got.Status != 200 || !strings.Contains(got.Body, tt.want) || strings.Contains(got.Body, "外人") {
				t.Errorf("%s: %d, lacks %q", tt.typed, got.Status, tt.want)
			}
		}
		boss.Get(t, q("赔付")).Want(t, 200, "我要<mark>赔付</mark> iPhone手机壳，&lt;b&gt;退款&lt;/b&gt; 也行", "关键词：赔付", `value="赔付"`)
		boss.Post(t, "/conversations", url.Values{"q": {" 退款 OR 赔付 "}, "type": {"售后"}}).WantRedirect(t, "/conversations?q=%E9%80%80%E6%AC%BE+OR+%E8%B5%94%E4%BB%98&type=%E5%94%AE%E5%90%8E")

		// An error stands at the field, what was typed and chosen stays, and so does what was found before.
		wrong := boss.Post(t, "/conversations", url.Values{"q": {`退款 "赔付`}, "from": {"2020-01-01"}, "dept": {id.String(a.shop.ID)}, "back": {q("赔付")}})
		wrong.Want(t, 422, `id="q-error"`, "第 4 个字的引号没有配对", `value="退款 &#34;赔付"`, `value="2020-01-01"`, "1 条会话", "关键词：赔付", `<option value="`+id.String(a.shop.ID)+`" selected`)
		boss.Get(t, q("退款 OR")).Want(t, 422, "第 4 个字的 OR", `value="退款 OR"`).Lacks(t, "条会话</")
		if found := boss.Get(t, q("退款")); !strings.Contains(found.Body, "请勾选或“选择全部”") || strings.Contains(found.Body, "/batches/new") {
			t.Error("a bulk delete is offered that would leave out the words")
		}
	})
}

func TestMarksTellNothingOfWhatIsMasked(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	old := long(clock.Time())
	a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "退款打到 13800138000 或者 13800138001"))
	a.add(t, talk("e2", "云栖优品集团/一店", "tb_2", "售后", old, strings.Repeat("很长的开头", 30)+"，邮箱 wangwei@example.com，要退款"+strings.Repeat("，很长的结尾", 30)))
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	for _, typed := range []string{"13800138000", "退款 13800138001", "-没有 13800138000"} {
		asked := boss.Post(t, "/conversations", url.Values{"q": {typed}})
		found := boss.Get(t, asked.Location).Want(t, 200, "1 条会话", "138****8000")
		if strings.Count(found.Body, "13800138") != strings.Count(typed, "13800138") || strings.Contains(found.Body, "<mark>138") {
			t.Errorf("%s: a number stands elsewhere than in the field", typed)
		}
	}
	cut := boss.Get(t, q("退款 邮箱")).Want(t, 200, "1 条会话", "…", "<mark>邮箱</mark>", "要<mark>退款</mark>")
	cut.Lacks(t, "wangwei@")
	a.add(t, talk("e3", "云栖优品集团/一店", "tb_3", "售后", old, "Would you like a replacement or a voucher?"))
	boss.Get(t, q("voucher")).Want(t, 200, "…replacement or a <mark>voucher</mark>?") // not "…placement"
	boss.Get(t, boss.Post(t, "/conversations", url.Values{"q": {"wangwei"}}).Location).Want(t, 200, "1 条会话").Lacks(t, "<mark>", "wangwei@")
}

func TestPersonalWordsStandInNoAddress(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), spoken), talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", long(clock.Time()), "第二条"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		for _, typed := range []string{"13800138000", "退款 138 0013 8000", "客户:tb_88821", "customer：tb_88821", "a@b.cn OR 退款"} {
			asked := boss.Post(t, "/conversations", url.Values{"q": {typed}, "from": {"2020-01-01"}})
			if asked.Status != http.StatusSeeOther || strings.Contains(asked.Location, "q=") || !strings.Contains(asked.Location, "sid=") {
				t.Fatalf("%s: %d %s", typed, asked.Status, asked.Location)
			}
			found := boss.Get(t, asked.Location).Want(t, 200, `value="`+typed+`"`, "关键词：含个人信息，不在此显示")
			if n := strings.Count(found.Body, html.EscapeString(typed)); n != 1 {
				t.Errorf("%s stands %d times on the page, not only in its field", typed, n)
			}
			if got := found.Header.Get("Referrer-Policy"); got != "no-referrer" {
				t.Errorf("Referrer-Policy %q", got)
			}
		}
		asked := boss.Post(t, "/conversations", url.Values{"q": {"13800138000"}, "customer": {"tb_88821"}})
		both := boss.Get(t, asked.Location).Want(t, 200, "1 条会话")
		boss.Get(t, link(t, both, "关键词：")).Want(t, 200, `value="tb_88821"`, "1 条会话").Lacks(t, "13800138000")
		boss.Get(t, link(t, both, "客户标识：")).Want(t, 200, `value="13800138000"`, "1 条会话").Lacks(t, "tb_88821")
		a.As(accounttest.Actor(account.Supervisor, a.shop.ID)).Get(t, asked.Location).Want(t, 422, "属于他人").Lacks(t, "138001")
		// By hand in the address: the answer leads away from it.
		led := boss.Get(t, q("13800138000"))
		if led.Status != http.StatusSeeOther || strings.Contains(led.Location, "138001") {
			t.Errorf("%d %s", led.Status, led.Location)
		}
		boss.Post(t, "/conversations", url.Values{"q": {`"13800138000`}}).Want(t, 422, "引号没有配对")
		if n := dbtest.Count(t, a.db, &leafRow{}, "INSTR(leaf, '138001') > 0 OR INSTR(leaf, '88821') > 0"); n != 0 {
			t.Errorf("%d entries of the audit log tell what was looked for", n)
		}
	})
	if s := log.String(); strings.Contains(s, "138001") || strings.Contains(s, "88821") {
		t.Errorf("the log tells what was looked for: %s", s)
	}
}

func TestFacetsAndBars(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		wechat := talk("e3", "云栖优品集团/一店", "wx_1", "咨询", old.AddDate(0, 2, 0), "退款")
		wechat.Platform, wechat.Tags = "wechat", []string{"物流"}
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "退款"), talk("e2", "云栖优品集团", "tb_2", "售后", old.AddDate(0, 1, 0), "退款"), wechat, talk("e4", "别家", "tb_9", "售后", old, "退款"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		all := boss.Get(t, q("退款")).Want(t, 200, "3 条会话", "共 3 条消息 · ", "千牛", "直属", "查看数据表")
		for _, tt := range []struct{ name, words, want string }{
			{"a platform", "微信 1", "1 条会话"},
			{"a type", "售后 2", "2 条会话"},
			{"a sub-department", "一店 2", "2 条会话"},
			{"what is direct", "直属 1", "1 条会话"},
			{"a tag", "物流 1", "1 条会话"},
			{"hidden ones too", "已隐藏 0", "3 条会话"},
			{"one bar of the histogram", old.In(shanghai).Format("2006-01-02") + " · 1", "1 条会话"},
		} {
			path := link(t, all, tt.words)
			got := boss.Get(t, path)
			if got.Status != 200 || !strings.Contains(got.Body, tt.want) || !strings.HasPrefix(path, "/conversations?q=") {
				t.Errorf("%s: %s gives %d, lacks %q", tt.name, path, got.Status, tt.want)
			}
		}
		// A second value of the same kind widens, a second choice of the same takes back.
		one := boss.Get(t, link(t, all, "售后 2"))
		boss.Get(t, link(t, one, "咨询 1")).Want(t, 200, "3 条会话", "服务类型：售后、咨询")
		boss.Get(t, link(t, one, "售后 2")).Want(t, 200, "3 条会话")
		boss.Get(t, link(t, one, "服务类型：售后")).Want(t, 200, "3 条会话")
		first, last := old.In(shanghai), old.AddDate(0, 1, 0).In(shanghai)
		span := boss.Get(t, "/conversations?from="+first.Format("2006-01-02")+"&to="+last.Format("2006-01-02")).Want(t, 200, "2 条会话", "柱宽：日")
		boss.Get(t, link(t, span, "后移")).Want(t, 200, "1 条会话")

		// A chosen time stands in a frame, between what lies before and after it.
		from, to := last.AddDate(0, 0, -20).Format("2006-01-02"), last.AddDate(0, 0, 5).Format("2006-01-02")
		framed := boss.Get(t, "/conversations?from="+from+"&to="+to).Want(t, 200, "1 条会话", "已框选 "+from+" ～ "+to+"（26 天）", "chart-frame", last.Format("2006-01-02")+" · 时段内 1")
		boss.Get(t, link(t, framed, first.Format("2006-01-02")+" · 前后 1")).Want(t, 200, "1 条会话", "已框选 "+first.Format("2006-01-02")+"（1 天）")
		if all.Lacks(t, "chart-frame"); strings.Contains(link(t, framed, "缩小到全部"), "from") {
			t.Error("there is no way out of the frame")
		}
		boss.Get(t, link(t, span, "缩小到全部")).Want(t, 200, "3 条会话")
		boss.Get(t, "/conversations?from="+first.Format("2006-01-02")+"&to="+first.Format("2006-01-02")).Want(t, 200, "1 条会话", "柱宽：小时").Lacks(t, `aria-label="`+first.Format("01-02 15:00"))
	})
}

func TestChoosingEverythingThatWasFound(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 14 {
			a.add(t, talk("p"+string(rune('a'+i)), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款第"+string(rune('a'+i))))
		}
		a.add(t, talk("z", "云栖优品集团/一店", "tb_1", "投诉", long(clock.Time()), "别的"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		everything := link(t, boss.Get(t, q("退款")+"&size=10"), "选择全部 14 条")
		all := boss.Get(t, everything).Want(t, 200, "已选 14 条")
		if n := strings.Count(all.Body, " checked"); n < 10 {
			t.Errorf("%d rows are ticked", n)
		}
		// An exception survives paging.
		out, rows := id.String(a.only(t, "pn")), regexp.MustCompile(`name="row" value="(\d+)"`).FindAllStringSubmatch(all.Body, -1)
		form := url.Values{"sel": {"all"}, "back": {everything}}
		for _, r := range rows {
			form.Add("row", r[1])
			if r[1] != out {
				form.Add("id", r[1])
			}
		}
		kept := boss.Post(t, "/conversations/select", form).Location
		one := boss.Get(t, kept).Want(t, 200, "已选 13 条")
		boss.Get(t, link(t, one, "下一页")).Want(t, 200, "已选 13 条", "第 11–14 条")

		// Another's, another search's, an old and a changed one count no more.
		for name, path := range map[string]string{
			"other conditions": strings.Replace(kept, "q=", "type=%E6%8A%95%E8%AF%89&q=", 1),
			"no words":         "/conversations?" + kept[strings.Index(kept, "sel="):],
		} {
			led := boss.Get(t, path)
			for led.Status == http.StatusSeeOther && strings.Contains(led.Location, "sel=") {
				led = boss.Get(t, led.Location)
			}
			if led.Status != http.StatusSeeOther || !strings.Contains(boss.Get(t, led.Location).Body, "全选已失效") {
				t.Errorf("%s: %d %s", name, led.Status, led.Location)
			}
		}
		hide := url.Values{"sel": {"all"}, "back": {kept}}
		other := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		other.Post(t, "/conversations/hide", hide)
		other.Get(t, q("退款")).Want(t, 200, "全选已失效", "14 条会话")
		a.add(t, talk("new", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "也要退款"))
		boss.Post(t, "/conversations/hide", hide)
		boss.Get(t, q("退款")).Want(t, 200, "原 14 条，现 15 条", "15 条会话")

		kept = link(t, boss.Get(t, q("退款")+"&size=10"), "选择全部 15 条")
		hide.Set("back", kept)
		clock.Advance(31 * 60 * 1e9)
		boss.Post(t, "/conversations/hide", hide)
		boss.Get(t, q("退款")).Want(t, 200, "全选已失效", "15 条会话")

		// A bulk delete by conditions is not offered beside exceptions.
		whole := link(t, boss.Get(t, "/conversations?size=10"), "选择全部")
		boss.Get(t, whole).Want(t, 200, "/batches/new")
		but := boss.Post(t, "/conversations/select", url.Values{"back": {whole}, "row": {out}}).Location
		boss.Get(t, but).Want(t, 200, "请勾选或“选择全部”", "批量删除所选").Lacks(t, "/batches/new")

		// An export takes what the words find, one by one and without the exception.
		kept = link(t, boss.Get(t, q("退款")+"&size=10"), "选择全部 15 条")
		form = url.Values{"sel": {"all"}, "back": {kept}, "row": {out}, "go": {"chosen"}}
		boss.Post(t, "/exports/new", form).Want(t, 200, `name="shown" value="14"`)
		boss.Get(t, "/exports/new?of=search&q="+url.QueryEscape("退款")).Want(t, 200, `name="shown" value="15"`)
		hide = url.Values{"sel": {"all"}, "back": {kept}, "row": {out}}
		boss.Post(t, "/conversations/hide", hide)
		boss.Get(t, q("退款")).Want(t, 200, "已隐藏 14 条会话", "1 条会话")
		boss.Get(t, "/conversations?state=hidden").Want(t, 200, "14 条会话").Lacks(t, "别的")
	})
}

// A search that finds nothing says what it names that is not there; of sealed words it repeats nothing.
func TestWhyNothingWasFound(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), "请拨打 138-0013-8000"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		boss.Get(t, q("平台:淘宝")).Want(t, 200, "没有名为“淘宝”的平台。可用的平台：千牛")
		boss.Get(t, q("平台:微信")).Want(t, 200, "没有符合条件的会话").Lacks(t, "可用的平台")
		boss.Get(t, q("标签:没有的")).Want(t, 200, "你的数据范围内没有标签“没有的”")
		boss.Get(t, q("客服:王不在")).Want(t, 200, "你的数据范围内没有客服“王不在”")
		boss.Get(t, q("没有的 or 词")).Want(t, 200, "要写大写的 OR")
		boss.Get(t, q("没有的 OR 词")).Want(t, 200, "没有符合条件的会话").Lacks(t, "要写大写的 OR")
		boss.Get(t, q("随便什么词")).Want(t, 200, "没有符合条件的会话").Lacks(t, "你的数据范围内没有")
		asked := boss.Post(t, "/conversations", url.Values{"q": {"13800138000"}})
		boss.Get(t, asked.Location).Want(t, 200, "1 条会话")
		asked = boss.Post(t, "/conversations", url.Values{"q": {"标签:13800138000"}})
		sealed := boss.Get(t, asked.Location).Want(t, 200, "没有符合条件的会话")
		if n := strings.Count(sealed.Body, "13800138000"); n != 1 {
			t.Errorf("what was sealed stands %d times on the page, not only in its field", n)
		}
		// A form that comes without the page before it, and is wrong, shows no conversation below the error.
		boss.Post(t, "/conversations", url.Values{"q": {`"没有配对`}}).Want(t, 422, "引号没有配对").Lacks(t, "tb_88821", "条会话", "C-2")
	})
}
