package handlers_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/templates"
)

// A search narrows by how much was said and by what is in it; each condition is a chip, can be saved
// and exported, and goes along to a bulk delete; what is wrong is said at the field.
func TestSearchingForHowMuchWasSaidAndWhatIsInIt(t *testing.T) {
	offered := conversation.Languages()
	if !slices.EqualFunc(templates.SearchLanguages, offered, func(a string, b conversation.Language) bool { return a == string(b) }) {
		t.Errorf("the form offers %v of %v", templates.SearchLanguages, offered)
	}
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		photo := talk("e2", "云栖优品集团/一店", "tb_2", "投诉", old.AddDate(0, 0, 1), "这个坏了", "", "怎么办", "在吗")
		photo.Messages[1].Kind = "image"
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "再不退款我打12315"), photo,
			talk("e3", "云栖优品集团/一店", "tb_3", "咨询", old.AddDate(0, 0, 2), "hello", "where is my parcel"), talk("e4", "别家", "tb_4", "售后", old, "再不退款我打12315", "二", "三", "四"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		for i, tt := range []struct {
			path, chip string
			found      int
		}{
			{"least=2", "消息数：2 条及以上", 2},
			{"most=2", "消息数：2 条及以下", 2},
			{"least=2&most=2", "消息数：2", 1},
			{"least=2&most=9", "消息数：2–9", 2},
			{"attached=yes", "附件：有", 1},
			{"attached=no", "附件：无", 2},
			{"sensitive=yes", "敏感词：有", 1},
			{"sensitive=no", "敏感词：无", 2},
			{"language=en", "语言：英文", 1},
			{"language=zh,en", "语言：中文、英文", 3},
			{"least=2&attached=no&sensitive=no&language=en", "敏感词：无", 1},
		} {
			path := "/conversations?" + tt.path
			found := boss.Get(t, path)
			found.Want(t, 200, tt.chip)
			if n := len(rowsOf(found)); n != tt.found {
				t.Errorf("%s: %d rows, want %d", tt.path, n, tt.found)
			}
			if to := link(t, found, "按这些条件批量删除"); to != "/batches/new?"+tt.path {
				t.Errorf("%s: a bulk delete begins with %s", tt.path, to)
			}
			typed, err := url.ParseQuery(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			boss.Post(t, "/conversations", typed).WantRedirect(t, path)
			saved := boss.Post(t, "/searches", url.Values{"name": {fmt.Sprint("检索", i)}, "back": {path}}).Header.Get("Location")
			if n := len(rowsOf(boss.Get(t, saved).Want(t, 200, tt.chip))); n != tt.found {
				t.Errorf("%s, saved: %d rows", tt.path, n)
			}
			if tt.found > 0 {
				boss.Get(t, "/exports/new?of=search&"+tt.path).Want(t, 200, tt.chip)
			}
		}
		boss.Get(t, "/conversations?attached=maybe&language=fr&sort=first").WantRedirect(t, "/conversations")
		for field, typed := range map[string]url.Values{
			"消息数是 1 到 1,000,000 的整数": {"least": {"viele"}}, "消息数的上限小于下限": {"least": {"5"}, "most": {"4"}},
		} {
			boss.Post(t, "/conversations", typed).Want(t, 422, field, `value="`+typed.Get("least")+`"`, "<details class=\"qd-more\" open")
		}
		boss.Get(t, "/conversations?least=0").Want(t, 422, "消息数是")
		// Turned around, the form keeps the order and the conditions keep theirs.
		turned := boss.Get(t, "/conversations?attached=no&sort=last").Want(t, 200, `aria-sort="ascending"`, `href="/conversations?attached=no"`)
		if rows := rowsOf(turned); len(rows) != 2 || opened(rows[0]) != opened(rowsOf(boss.Get(t, "/conversations?attached=no"))[1]) {
			t.Errorf("turned around: %v", rows)
		}
		boss.Post(t, "/conversations", url.Values{"attached": {"no"}, "sort": {"last"}}).WantRedirect(t, "/conversations?attached=no&sort=last")
	})
}

// Everything that was found can be chosen in either order, and what is chosen stays so when the order is turned.
func TestChoosingAllOldestFirst(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		for i := range 25 {
			a.add(t, talk(string(rune('a'+i)), "云栖优品集团/一店", "tb_1", "售后", old.AddDate(0, 0, i), "你好"))
		}
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		page := boss.Get(t, "/conversations?language=zh&sort=last&size=10").Want(t, 200, "25 条会话")
		all := boss.Get(t, link(t, page, "选择全部")).Want(t, 200, "sort=last")
		turned := boss.Get(t, link(t, all, "最后消息")).Want(t, 200, `aria-sort="descending"`)
		for _, p := range []string{all.Body, turned.Body} {
			if !strings.Contains(p, "已选 25 条") || !strings.Contains(p, `name="sel"`) {
				t.Error("it is not chosen any more")
			}
		}
	})
}
