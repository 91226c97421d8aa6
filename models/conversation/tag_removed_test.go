package conversation_test

import (
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// A tag that somebody took away comes back with no import, and by hand.
func TestATagThatWasTakenAwayComesBackByHandOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		bring := func(texts []string, tags ...string) conversation.Outcome {
			t.Helper()
			n := one("e1", sales, said(texts...))
			n.Tags = tags
			return store(t, d, v, n)[0]
		}
		c := bring([]string{"x"}, "退款").ID
		store(t, d, v, one("e2", sales, said("x")))
		tagging, by := tagger(d), accounttest.Actor(account.Agent, sales)
		edit := func(e conversation.TagEdit) {
			t.Helper()
			if _, err := tagging.Edit(t.Context(), by, c, e); err != nil {
				t.Fatal(err)
			}
		}
		has := func(what, want string) {
			t.Helper()
			if got := tagsOf(t, d, c); got != want {
				t.Errorf("%s: tags %q, want %q", what, got, want)
			}
		}
		edit(conversation.TagEdit{Remove: []string{"退款"}})
		if out := bring([]string{"x"}, "退款"); out.Changed {
			t.Errorf("an import of the same changes something: %+v", out)
		}
		has("imported again", "")
		bring([]string{"x", "y"}, "退款", "VIP")
		has("imported with more", "VIP")
		bring([]string{"x"}, "退款", "VIP")
		edit(conversation.TagEdit{Add: []string{"退款"}})
		has("by hand", "VIP 退款")
		bring([]string{"x"}, "退款")
		edit(conversation.TagEdit{Remove: []string{"退款"}})
		bring([]string{"x"}, "退款")
		has("taken away once more", "VIP")

		// What is taken back was never done.
		all := func(e conversation.TagEdit) {
			t.Helper()
			done, err := tagging.EditAll(t.Context(), by, []id.Conversation{c}, e)
			if err == nil {
				_, err = tagging.Undo(t.Context(), by, done.Act)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		all(conversation.TagEdit{Add: []string{"回访"}})
		has("undone", "VIP")
		bring([]string{"x"}, "回访", "退款")
		has("imported after an adding was undone", "VIP 回访")
		all(conversation.TagEdit{Remove: []string{"VIP"}})
		has("a removal undone", "VIP 回访")
		// Each entry about a list is known by the conversations in it, and the acts on one alone are not.
		if n := dbtest.Count(t, d, &conversation.TaggedList{}, "conversation_id = ?", c); n != 4 {
			t.Errorf("noted in %d entries, want 4", n)
		}
		if n := dbtest.Count(t, d, &conversation.RemovedTag{}, "conversation_id <> ?", c); n != 0 {
			t.Errorf("%d notes of other conversations", n)
		}
	})
}
