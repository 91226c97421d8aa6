package conversation_test

import (
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
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
			err := d.Write(t.Context(), func(beside *db.Tx) error {
				beside.MarkAudited()
				closed, err := conversation.CloseBuckets(beside, []id.Bucket{key.BucketID})
				if err == nil {
					_, err = conversation.Rewrap(beside, v, closed)
				}
				return err
			})
			if err != nil {
				return err
			}
			if err := v.Store.Destroy(uint64(key.BucketID)); err != nil {
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
