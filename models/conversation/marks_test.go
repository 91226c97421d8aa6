package conversation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

func TestTheLanguageOfAConversation(t *testing.T) {
	for _, tt := range []struct {
		want  conversation.Language
		texts []string
	}{
		{conversation.Chinese, []string{"你好，这款手机壳还有货吗", "有的亲"}},
		{conversation.Chinese, []string{"我买的 iPhone 手机壳什么时候发货，已经等了三天了"}},
		{conversation.Chinese, []string{"看这个链接 https://item.example.com/goods/detail?id=3&from=share&spm=abc 还有货吗"}},
		{conversation.English, []string{"Hi, where is my parcel?", "It is on the way. Order 12345678"}},
		{conversation.English, []string{"Grüße, le café est fermé — naïve e\u0301te"}},
		{conversation.Mixed, []string{"Hello, can I return this?", "可以的，请申请退货"}},
		{conversation.OtherLanguage, []string{"こんにちは、注文をキャンセルしたいです"}},
		{conversation.OtherLanguage, []string{"Здравствуйте, где мой заказ"}},
		{conversation.OtherLanguage, []string{"12345", "……", "👍"}},
		{conversation.OtherLanguage, nil},
	} {
		d := &conversation.Document{Messages: said(tt.texts...)}
		d.Messages = append(d.Messages, conversation.Message{Sender: conversation.FromSystem, Text: strings.Repeat("会话已结束 this conversation is closed ", 20)})
		f := conversation.Traits{Languages: []conversation.Language{tt.want}}
		m := d.Marks(words.UsualList())
		if !f.Meets(m) {
			t.Errorf("%q is %b, want %s", tt.texts, m, tt.want)
		}
		for _, l := range conversation.Languages() {
			if l != tt.want && (conversation.Traits{Languages: []conversation.Language{l}}).Meets(m) {
				t.Errorf("%q is %s, too", tt.texts, l)
			}
		}
	}
}

func TestWhatIsAnAttachmentAndASensitiveWord(t *testing.T) {
	list := words.UsualList()
	has := func(m ...conversation.Message) (attached, sensitive bool) {
		got := (&conversation.Document{Messages: m}).Marks(list)
		return got&conversation.MarkAttached != 0, got&conversation.MarkSensitive != 0
	}
	for _, tt := range []struct {
		m                   conversation.Message
		attached, sensitive bool
	}{
		{conversation.Message{Kind: "text", Text: "你好"}, false, false},
		{conversation.Message{Kind: "image"}, true, false},
		{conversation.Message{Kind: "voice", Recalled: true}, true, false},
		{conversation.Message{Kind: "other", Attachment: "合同.pdf"}, true, false},
		{conversation.Message{Kind: "sticker"}, false, false},
		{conversation.Message{Kind: "text", Text: "再不退我就打12315"}, false, true},
		{conversation.Message{Kind: "text", Text: "单号 9912315"}, false, false}, // part of a longer number
		{conversation.Message{Kind: "text", Text: "加我ｑｑ聊", Recalled: true}, false, true},
	} {
		if a, s := has(tt.m); a != tt.attached || s != tt.sensitive {
			t.Errorf("%+v: attached %v, sensitive %v", tt.m, a, s)
		}
	}
	if names := slices.Compact(slices.Sorted(slices.Values(conversation.Languages()))); len(names) != 4 {
		t.Errorf("%v", names)
	}
}

// Beside what a condition on marks finds it is told how much of it nobody has looked into, words included.
func TestWhatNobodyHasLookedIntoIsCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("e1", sales, said("退款没到")), one("e2", sales, said("退款没到")), one("e3", sales, said("没退款，到")), one("e4", support, said("退款没到")))
		dbtest.Exec(t, d, "UPDATE conversation SET marks = NULL WHERE id IN ?", []id.Conversation{out[1].ID, out[2].ID, out[3].ID})
		x := conversation.NewIndex(d, v, index.Options{})
		if _, err := x.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := &conversation.Conversations{DB: d, Vault: v, Index: x}
		by := accounttest.Actor(account.Supervisor, sales)
		for typed, want := range map[string]int64{"": 2, "退款没到": 1} {
			w, err := words.Parse(typed)
			if err != nil {
				t.Fatal(err)
			}
			f := conversation.Filter{Departments: account.Everywhere(), Traits: conversation.Traits{Sensitive: conversation.No}}
			p, err := s.Search(t.Context(), by, conversation.Query{Filter: f, Words: w, Size: 10})
			if err != nil || p.Total != 1 || !p.Exact || p.Unmarked != want || p.Plan.Way != conversation.WayIndex {
				t.Errorf("%q: %d found, %d not looked into, want %d; %v", typed, p.Total, p.Unmarked, want, err)
			}
			f.Traits = conversation.Traits{Least: 1}
			if p, err = s.Search(t.Context(), by, conversation.Query{Filter: f, Words: w, Size: 10}); err != nil || p.Unmarked != 0 || p.Total != 1+want {
				t.Errorf("%q without a condition on marks: %d, %d, %v", typed, p.Total, p.Unmarked, err)
			}
		}
	})
}

// Words that many conversations may have are still counted exactly where a condition on marks leaves few of them, once all
// of them are looked into; as long as many are not, only what may be found can be told.
func TestAConditionOnMarksKeepsACountExact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		var news []conversation.New
		for i := range 300 {
			text := "再不退款我就投诉"
			if i%100 == 0 {
				text += "，打12315"
			}
			news = append(news, one(fmt.Sprint("e", i), sales, said(text)))
		}
		out := store(t, d, v, news...)
		x := conversation.NewIndex(d, v, index.Options{})
		s := &conversation.Conversations{DB: d, Vault: v, Index: x}
		look := func(unmarked int64, exact bool) {
			t.Helper()
			if _, err := x.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			w, err := words.Parse(`"不退款我就"`)
			if err != nil {
				t.Fatal(err)
			}
			f := conversation.Filter{Departments: account.Everywhere(), Traits: conversation.Traits{Sensitive: conversation.Yes}}
			p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: f, Words: w, Size: 10})
			if err != nil || p.Total != 3 || p.Exact != exact || p.Unmarked != unmarked || p.Plan.Way != conversation.WayIndex {
				t.Errorf("%d found, exactly %v, %d not looked into, want %d; %+v, %v", p.Total, p.Exact, p.Unmarked, unmarked, p.Plan, err)
			}
		}
		look(0, true)
		var dark []id.Conversation
		for i := range out {
			if i%100 != 0 {
				dark = append(dark, out[i].ID)
			}
		}
		dbtest.Exec(t, d, "UPDATE conversation SET marks = NULL WHERE id IN ?", dark)
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return index.Changed(tx, false, dark...) }); err != nil {
			t.Fatal(err)
		}
		look(297, false)
	})
}

// The rows believe a mark of sensitive words by the list that there is, and no other one.
func TestTheRowsAskByWhichListTheyWereMarked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("e1", sales, said("退款没到")), one("e2", sales, said("退款没到")))
		dbtest.Exec(t, d, "UPDATE conversation SET marks_list = 1 WHERE id = ?", out[0].ID)
		other, err := words.ReadList(strings.NewReader("退货\n"))
		if err != nil {
			t.Fatal(err)
		}
		for list, want := range map[*words.List]int64{nil: 1, other: 0} {
			v.Sensitive = list
			s := &conversation.Conversations{DB: d, Vault: v}
			f := conversation.Filter{Departments: account.Everywhere(), Traits: conversation.Traits{Sensitive: conversation.No}}
			p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: f, Size: 10})
			if err != nil || p.Total != want {
				t.Errorf("%d found, want %d; %v", p.Total, want, err)
			}
		}
	})
}

// While a walk marks the archive by another list of words, a search believes the marks as far as that has come, in segments as
// beside them; what else it asks for is known of the rest, too.
func TestASearchBelievesMarksAsFarAsTheWalkHasCome(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("e1", sales, said("退款没到")), one("e2", sales, said("退款没到")), one("e3", sales, said("where is it")))
		x := conversation.NewIndex(d, v, index.Options{})
		other, err := words.ReadList(strings.NewReader("退货\n"))
		if err != nil {
			t.Fatal(err)
		}
		v.Sensitive = other
		s := &conversation.Conversations{DB: d, Vault: v, Index: x}
		finds := func(total, unmarked int64, languages ...conversation.Language) {
			t.Helper()
			f := conversation.Filter{Departments: account.Everywhere(), Traits: conversation.Traits{Sensitive: conversation.No, Languages: languages}}
			p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: f, Size: 10})
			if err != nil || p.Total != total || len(p.Rows) != int(total) || p.Unmarked != unmarked || p.Plan.Way != conversation.WayIndex {
				t.Errorf("%d found, %d not looked into, want %d and %d; %v", p.Total, p.Unmarked, total, unmarked, err)
			}
		}
		for _, folded := range []bool{false, true} {
			if folded {
				if _, err := x.Fold(t.Context()); err != nil {
					t.Fatal(err)
				}
				dbtest.Exec(t, d, "DELETE FROM marked_by")
			}
			finds(3, 0) // no list has become another one
			for done, unmarked := range map[int]int64{0: 2, 1: 1, 2: 0} {
				dbtest.Exec(t, d, "DELETE FROM marked_by")
				write(t, d, func(tx *db.Tx) error { return v.Reached(tx, out[done].ID, false) })
				finds(3-unmarked, unmarked)
			}
			write(t, d, func(tx *db.Tx) error { return v.Reached(tx, out[0].ID, false) })
			dbtest.Exec(t, d, "UPDATE marked_by SET upto = ?", out[0].ID)
			finds(1, 1, conversation.Chinese)
			finds(0, 1, conversation.English)
			write(t, d, func(tx *db.Tx) error { return v.Reached(tx, 0, true) })
			write(t, d, func(tx *db.Tx) error { return v.Reached(tx, out[0].ID, false) })
			finds(3, 0) // a later walk takes nothing back
		}
	})
}

// What does not open while a walk marks the archive by another list has a mark of the old one, which says nothing of the new.
func TestWhatDoesNotOpenKeepsNoMarkByAnotherList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("e1", sales, said("退款没到")), one("e2", sales, said("要退货")))
		x := conversation.NewIndex(d, v, index.Options{})
		other, err := words.ReadList(strings.NewReader("退货\n"))
		if err != nil {
			t.Fatal(err)
		}
		v.Sensitive = other
		dbtest.Exec(t, d, "UPDATE conversation_body SET body = ? WHERE id = ?", []byte("damaged"), out[0].ID)
		for range 2 { // the next walk finds it as it is
			ids := []id.Conversation{out[0].ID, out[1].ID}
			looked, err := v.Look(t.Context(), d, ids)
			if err != nil || looked.Closed() != 1 {
				t.Fatalf("%+v, %v", looked, err)
			}
			write(t, d, func(tx *db.Tx) error {
				_, _, err := looked.Note(tx, ids)
				return err
			})
			write(t, d, func(tx *db.Tx) error { return v.Reached(tx, 0, true) })
			for _, folded := range []bool{false, true} {
				if folded {
					if _, err := x.Fold(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				for sensitive, total := range map[conversation.Answer]int64{conversation.Yes: 1, conversation.No: 0} {
					f := conversation.Filter{Departments: account.Everywhere(), Traits: conversation.Traits{Sensitive: sensitive}}
					for _, x := range []*index.Index{x, nil} {
						s := &conversation.Conversations{DB: d, Vault: v, Index: x}
						p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{Filter: f, Size: 10})
						if err != nil || p.Total != total || x != nil && p.Unmarked != 1 {
							t.Errorf("%s: %d found, %d not looked into; %v", sensitive, p.Total, p.Unmarked, err)
						}
					}
				}
			}
		}
	})
}
