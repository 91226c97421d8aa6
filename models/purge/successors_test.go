package purge

import (
	"fmt"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// Survivors of bucket 1 moved to 2, and from there, by another purge, to 3 and 4. Those of 5 went to 6.
func TestTheFileNamesWhereMovedKeysAreNow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.MarkAudited()
			rows := []bucket{
				{PurgeID: 1, BucketID: 1, State: closed, MovedTo: 2},
				{PurgeID: 2, BucketID: 2, State: closed, MovedTo: 3},
				{PurgeID: 3, BucketID: 2, State: closed, MovedTo: 4},
				{PurgeID: 1, BucketID: 5, State: closed, MovedTo: 6},
				{PurgeID: 1, BucketID: 7, State: closed},
			}
			if err := tx.Create(&rows).Error; err != nil {
				return err
			}
			for c, b := range map[id.Conversation]id.Bucket{10: 3, 11: 4, 12: 6, 13: 8, 14: 3} {
				row := conversation.Conversation{ID: c, Platform: "qianniu", ExternalMAC: []byte(fmt.Sprintf("%032d", c)), Version: 1, StartedAt: tx.Now, LastAt: tx.Now, CustomerMAC: []byte("c"), ContentMAC: []byte("c")}
				if err := tx.Create(&row).Error; err != nil {
					return err
				}
				if err := tx.Create(&conversation.Key{ID: c, BucketID: b, Wrapped: []byte("w")}).Error; err != nil {
					return err
				}
			}
			kept, err := keptFrom(tx, []id.Bucket{1, 5, 7})
			if err != nil {
				return err
			}
			got := map[id.Bucket][]id.Conversation{}
			for b, keys := range kept {
				for _, k := range keys {
					got[b] = append(got[b], k.ID)
				}
			}
			if s := fmt.Sprint(got); s != "map[1:[10 11 14] 5:[12]]" {
				t.Errorf("kept %s", s)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
