package hold_test

import (
	"sync"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
)

func (w *world) tagging() *conversation.Tagging {
	return &conversation.Tagging{
		DB: w.d, Share: hold.ShareEpoch,
		Cover: func(tx *db.Tx, ids []id.Conversation) (map[string]int64, error) {
			return hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
		},
	}
}

// A hold by tags takes what people tag, as it takes what an import brings, and keeps what loses its tag.
func TestAHoldTakesWhatPeopleTag(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.bring(chat{}, chat{tags: []string{"结案"}, platform: "wechat"}, chat{})
		w.place(hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Tags: []string{"诉讼"}}})
		w.place(hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Platforms: []string{"wechat"}, WithoutTags: []string{"结案"}}})
		w.wantCovered()
		tag := func(c id.Conversation, e conversation.TagEdit) {
			t.Helper()
			_, err := w.tagging().Edit(w.ctx(), w.supervisor, c, e)
			w.must(err)
		}
		tag(ids[0], conversation.TagEdit{Add: []string{"诉讼"}})
		w.wantCovered(ids[0])
		tag(ids[1], conversation.TagEdit{Remove: []string{"结案"}})
		w.wantCovered(ids[0], ids[1])
		tag(ids[0], conversation.TagEdit{Remove: []string{"诉讼"}}) // a held one may be tagged
		w.wantCovered(ids[0], ids[1])
		sum, err := w.tagging().EditAll(w.ctx(), w.supervisor, ids, conversation.TagEdit{Add: []string{"诉讼"}})
		if err != nil || sum.Changed != 3 {
			t.Errorf("%+v, %v", sum, err)
		}
		w.wantCovered(ids...)
	})
}

// Whoever comes first, a hold that is being placed and a person who tags: the conversation ends up covered.
func TestNothingThatIsTaggedSlipsPastAHold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 20 {
			ids := w.bring(chat{})
			var wg sync.WaitGroup
			var h *hold.Hold
			var placed, tagged error
			name := "t" + id.String(ids[0])[10:]
			wg.Go(func() {
				h, placed = w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Kind: hold.OnQuery, Criteria: hold.Criteria{Tags: []string{name}}})
			})
			wg.Go(func() {
				_, tagged = w.tagging().Edit(w.ctx(), w.supervisor, ids[0], conversation.TagEdit{Add: []string{name}})
			})
			wg.Wait()
			w.must(placed)
			w.must(tagged)
			d, err := w.holds.Get(w.ctx(), w.legal, h.ID)
			if err != nil || d.Conversations != 1 {
				t.Fatalf("the hold covers %+v, %v", d, err)
			}
		}
	})
}
