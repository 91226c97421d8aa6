package conversation_test

import (
	"fmt"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/index"
	"qingdang/models/words"
)

// Only what terms leave open is opened to count exactly: a longer word that is not wanted, or that is one of several, makes
// no count uncertain that few conversations could change.
func TestACountIsExactWhereFewAreInDoubt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		var news []conversation.New
		for i := range 300 {
			news = append(news, one(fmt.Sprint("e", i), sales, said("退款到账慢")))
		}
		news = append(news, one("a", sales, said("退款，这是测试单")), one("b", sales, said("退款，测试的，试单")), one("c", sales, said("测试单")))
		store(t, d, v, news...)
		x := conversation.NewIndex(d, v, index.Options{})
		if _, err := x.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := &conversation.Conversations{DB: d, Vault: v, Index: x}
		for _, tt := range []struct {
			typed  string
			total  int64
			opened int
			exact  bool
		}{
			{"退款 -测试单", 301, 2, true},
			{"-测试单", 301, 3, true},
			{"退款 OR 测试单", 303, 1, true},
			{"退款 测试单", 1, 2, true},
			{"退款 -测试单 -没有的词", 301, 2, true},
			{"到账慢", 300, 10, false},
			{"到账慢 OR 测试单", 303, 10, false},
		} {
			w, err := words.Parse(tt.typed)
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Words: w, Size: 10})
			if err != nil || p.Total != tt.total || p.Exact != tt.exact || tt.exact && p.Plan.Opened != tt.opened || p.Plan.Way != conversation.WayIndex || len(p.Rows) != int(min(10, tt.total)) {
				t.Errorf("%s: %d found, exactly %v, %+v, %v", tt.typed, p.Total, p.Exact, p.Plan, err)
			}
		}
	})
}
