package conversation_test

import (
	"context"
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

// A purge moves data keys to other buckets and destroys the old ones while the index reads the bodies, in
// a transaction that still sees the old ones: what survives must not lose its words.
func TestTheIndexReadsBesideAPurgeThatMovesKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("stays", sales, said("还在")))[0]
		x := conversation.NewIndex(d, v, index.Options{})
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			var key conversation.Key
			if err := tx.Where("id = ?", out.ID).Take(&key).Error; err != nil {
				return err
			}
			if err := moveKey(d, v, out.ID); err != nil {
				return err
			}
			docs, err := x.Source.Docs(t.Context(), tx, []id.Conversation{out.ID}, true)
			if len(docs) != 1 || len(docs[0].Terms) == 0 {
				t.Errorf("%+v", docs)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A search whose transaction still sees a key that was moved and destroyed looks again.
func TestASearchBesideAPurgeThatMovesKeysMissesNothing(t *testing.T) {
	d, faults := dbtest.Faulty(t, dbtest.NewClock())
	beside := faults.Plain(t)
	v := vault(t)
	out := store(t, beside, v, one("stays", sales, said("还在这里")))[0]
	x := conversation.NewIndex(d, v, index.Options{})
	if _, err := x.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	q, err := words.Parse("在这里")
	if err != nil {
		t.Fatal(err)
	}
	s := &conversation.Conversations{DB: d, Vault: v, Index: x}
	// The search has begun and has not read the key.
	moved := faults.Meanwhile("conversation_key", func() {
		if err := moveKey(beside, v, out.ID); err != nil {
			t.Error(err)
		}
	})
	p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{
		Filter: conversation.Filter{Departments: account.Everywhere()}, Words: q, Size: 10,
	})
	if !moved() {
		t.Fatal("no key was moved meanwhile, so this proves nothing")
	}
	if err != nil || len(p.Rows) != 1 || !p.Rows[0].Readable {
		t.Errorf("%+v, %v", p, err)
	}
}

// moveKey puts what is in a conversation's bucket under a fresh key and destroys the one it had.
func moveKey(d *db.DB, v conversation.Vault, c id.Conversation) error {
	var key conversation.Key
	var slot uint64
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		tx.MarkAudited()
		if err := tx.Where("id = ?", c).Take(&key).Error; err != nil {
			return err
		}
		punctured, err := conversation.Puncture(tx, v, []id.Bucket{key.BucketID})
		slot = punctured[key.BucketID].Slot
		return err
	})
	if err != nil {
		return err
	}
	return v.Store.Destroy(slot)
}
