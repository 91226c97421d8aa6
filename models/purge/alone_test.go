package purge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// TestOneChangeAloneIsNoticed changes a single thing about a single conversation of a transaction, when the purge has
// begun: the question that is asked of a whole transaction at once must notice each of them by itself.
func TestOneChangeAloneIsNoticed(t *testing.T) {
	set := func(query string, args ...any) func(*world, id.Conversation) {
		return func(w *world, c id.Conversation) { w.set(query+" WHERE id = ?", append(args, c)...) }
	}
	tests := []struct {
		name string
		do   func(*world, id.Conversation)
		want purge.Reason
	}{
		{"held", func(w *world, c id.Conversation) { w.hold(c) }, purge.Held},
		{"in no batch", set("UPDATE conversation SET batch_id = NULL"), purge.Restored},
		{"in another batch", set("UPDATE conversation SET batch_id = 9999"), purge.Restored},
		{"back in the bin", set("UPDATE conversation SET state = ?", conversation.Binned), purge.Restored},
		{"an open order", set("UPDATE conversation SET order_state = ?", conversation.OrderOpen), purge.Order},
		{"a message just now", func(w *world, c id.Conversation) {
			w.set("UPDATE conversation SET last_at = ? WHERE id = ?", w.clock.Time(), c)
		}, purge.Floor},
		{"another version", set("UPDATE conversation SET version = version + 1"), purge.Version},
		{"another department", func(w *world, c id.Conversation) {
			w.set("UPDATE conversation SET department_id = ? WHERE id = ?", w.support, c)
		}, purge.Version},
		{"another service type", set("UPDATE conversation SET service_type = '售后'"), purge.Version},
		{"another body", set("UPDATE conversation_body SET digest = ?", make([]byte, 32)), purge.Version},
		{"no key", set("DELETE FROM conversation_key"), purge.Version},
		{"no body", set("DELETE FROM conversation_body"), purge.Version},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for i, tt := range tests {
			clock.Advance(time.Minute) // a one-time code counts once
			ids, batch := w.expiredAs(fmt.Sprintf("case%d-", i), 3)
			r := w.approved(batch)
			w.toTheEvening(r)
			j, err := job.Claim(w.ctx(), d, "worker-1", []string{purge.JobRun})
			w.must(err)
			_, err = w.runner().Step(w.ctx(), j) // begins
			w.must(err)
			tt.do(w, ids[1])
			_, err = w.runner().Step(w.ctx(), j) // erases
			w.must(err)
			for n, c := range ids {
				want := purge.Reason("")
				if n == 1 {
					want = tt.want
				}
				var it purge.Item
				w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
					return tx.Where("purge_id = ? AND conversation_id = ?", r.ID, c).Take(&it).Error
				}))
				if it.State == purge.Pending || it.Reason != want {
					t.Errorf("%s: conversation %d is %s, %q, want %q", tt.name, n, it.State, it.Reason, want)
				}
			}
			w.set("UPDATE job SET state = 'failed', solo = NULL WHERE kind = ? AND subject = ?", purge.JobRun, r.ID)
			w.set("UPDATE bin_item SET state = ? WHERE batch_id = ?", bin.ItemPurged, batch)
		}
	})
}

// TestAKeyThatLiesElsewhereIsErasedWhereItLies lets the list name another place of a key than its own, as after the
// lift of a bucket: what is noted in the end is where it was.
func TestAKeyThatLiesElsewhereIsErasedWhereItLies(t *testing.T) {
	for _, differs := range []string{"leaf = leaf + 7", "bucket_id = bucket_id + 1"} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
			w := newWorld(t, d, clock)
			ids, batch := w.expired(3)
			r := w.approved(batch)
			place := func(model any, cond string) (out []struct {
				BucketID id.Bucket
				Leaf     int
			},
			) {
				w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
					return tx.Model(model).Select("bucket_id", "leaf").Where(cond, ids[1]).Scan(&out).Error
				}))
				return out
			}
			was := place(&conversation.Key{}, "id = ?")
			w.set("UPDATE purge_item SET "+differs+" WHERE conversation_id = ?", ids[1])
			w.toTheEvening(r)
			w.work()
			w.wantWhole(r)
			if now := place(&purge.Item{}, "conversation_id = ?"); !slices.Equal(was, now) {
				t.Errorf("%s: erased at %v, lay at %v", differs, now, was)
			}
		})
	}
}
