package fsck_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fsck"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

// A conversation whose body was damaged when it was taken into the index has no words there. When the body
// is whole again no search finds it, until the nightly check sees that and has it taken in anew.
func TestAConversationIndexedWhileItsBodyWasDamagedIsMended(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var whole conversation.Body
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", w.live).Take(&whole).Error }))
		damaged := bytes.Clone(whole.Body)
		damaged[len(damaged)-1] ^= 1
		dbtest.Exec(t, d, "UPDATE conversation_body SET body = ? WHERE id = ?", damaged, w.live)
		x := conversation.NewIndex(d, conversation.Vault{Store: w.checker.Store}, index.Options{})
		w.checker.Index = x
		_, err := x.Fold(w.ctx())
		w.must(err)
		// The body is another finding's; what nobody can read is not compared.
		if found := w.keysOfWords(); len(found) != 0 {
			t.Errorf("while it does not open: %v", found)
		}
		dbtest.Exec(t, d, "UPDATE conversation_body SET body = ? WHERE id = ?", whole.Body, w.live)
		if w.found("退款") {
			t.Error("found although the index has no words of it: the drill shows nothing")
		}
		if found := w.keys(true); len(found) != 0 {
			t.Errorf("the other oracles say %v", found)
		}
		if found := w.keysOfWords(); len(found) != 1 || !strings.HasPrefix(found[0], "I5 fsck.index_wordless "+id.String(w.live)+"/") {
			t.Errorf("words: %v", found)
		}
		if w.found("退款") {
			t.Error("a check that changes nothing has changed something")
		}
		r, err := w.checker.Record(w.ctx(), account.System("worker", ""))
		w.must(err)
		if len(r.Findings) != 1 || r.Findings[0].Key != "fsck.index_wordless" || r.Compared.Conversations < 2 {
			t.Errorf("at night: %+v", r)
		}
		_, err = x.Fold(w.ctx())
		w.must(err)
		if found := w.keysOfWords(); len(found) != 0 || !w.found("退款") {
			t.Errorf("after the night: %v", found)
		}
		clock.Advance(24 * time.Hour)
		if r, err = w.checker.Record(w.ctx(), account.System("worker", "")); err != nil || len(r.Findings) != 0 {
			t.Errorf("the next night: %+v, %v", r, err)
		}
	})
}

func (w *world) keysOfWords() (found []string) {
	w.t.Helper()
	r := &fsck.Report{}
	w.must(w.checker.Words(w.ctx(), r, fsck.EverySegment, false))
	for _, f := range r.Findings {
		found = append(found, f.Promise+" "+f.Key+" "+f.Object)
	}
	return found
}

// found tells whether a search for a word finds what lives.
func (w *world) found(word string) bool {
	w.t.Helper()
	q, err := words.Parse(word)
	w.must(err)
	s := &conversation.Conversations{DB: w.d, Vault: conversation.Vault{Store: w.checker.Store}, Index: w.checker.Index}
	by := accounttest.Actor(account.Supervisor)
	by.Scope = account.Everywhere()
	p, err := s.Search(w.ctx(), by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Words: q, Size: 100})
	w.must(err)
	for _, r := range p.Rows {
		if r.ID == w.live {
			return true
		}
	}
	return false
}
