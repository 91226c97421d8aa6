package bin_test

import (
	"testing"

	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Single conversations are no second door: what is hidden counts like what is not there, and the
// reach for it is written down.
func TestHiddenAndAbsentConversationsCountAlike(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{})
		mine := w.discard(w.boss, w.in(w.city))
		w.store(chat{dep: w.north})
		other := w.discard(w.boss, w.in(w.north))
		ids := func(b *bin.Batch) (ids []id.Conversation) {
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
				return tx.Model(&bin.Item{}).Where("batch_id = ?", b.ID).Pluck("conversation_id", &ids).Error
			}))
			return ids
		}
		hidden, own := ids(other)[0], ids(mine)[0]
		before := w.count(&leaf{}, "result = 'refused' AND object = ?", other.Code)
		out, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(own, hidden))
		w.must(err)
		if out.Done != 1 || out.Stays[bin.NotThere] != 1 || len(out.Stays) != 1 {
			t.Errorf("out = %+v", out)
		}
		for name, c := range map[string]id.Conversation{"hidden": hidden, "absent": hidden + 1000} {
			out, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(c))
			if err != nil || out.Done != 0 || out.Stays[bin.NotThere] != 1 || len(out.Stays) != 1 {
				t.Errorf("%s alone: %+v, %v", name, out, err)
			}
		}
		if got := w.count(&leaf{}, "result = 'refused' AND object = ?", other.Code) - before; got != 2 {
			t.Errorf("%d entries for two refusals", got)
		}
	})
}

type leaf struct{ N int64 }

// TableName is audit_leaf.
func (leaf) TableName() string { return "audit_leaf" }
