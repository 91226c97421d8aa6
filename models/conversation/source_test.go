package conversation_test

import (
	"context"
	"sync"
	"testing"
	"time"

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
	faults.Slow("conversation_key", 300*time.Millisecond)
	var moved sync.WaitGroup
	moved.Go(func() {
		time.Sleep(100 * time.Millisecond) // the search has begun and waits before it reads the key
		if err := moveKey(beside, v, out.ID); err != nil {
			t.Error(err)
		}
	})
	p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{
		Filter: conversation.Filter{Departments: account.Everywhere()}, Words: q, Size: 10,
	})
	moved.Wait()
	if err != nil || len(p.Rows) != 1 || !p.Rows[0].Readable {
		t.Errorf("%+v, %v", p, err)
	}
}

// moveKey moves what is in a conversation's bucket and destroys its key.
func moveKey(d *db.DB, v conversation.Vault, c id.Conversation) error {
	var key conversation.Key
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		tx.MarkAudited()
		if err := tx.Where("id = ?", c).Take(&key).Error; err != nil {
			return err
		}
		closed, err := conversation.CloseBuckets(tx, []id.Bucket{key.BucketID})
		if err == nil {
			_, err = conversation.Rewrap(tx, v, closed)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Store.Destroy(uint64(key.BucketID))
}
