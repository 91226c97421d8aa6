package bin_test

import (
	"errors"
	"testing"
	"time"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// TestWhatBinsWaitsForAHoldThatIsBeingPlaced stops a hold in the middle: it has looked for what
// is in the bin and has not yet written what it covers. What bins must wait until it has.
func TestWhatBinsWaitsForAHoldThatIsBeingPlaced(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(w *world) (c id.Conversation, act func() error)
		refused bool
	}{
		{"one conversation", func(w *world) (id.Conversation, func() error) {
			c := w.some(1)[0]
			return c, func() error { _, err := w.bin.DiscardOne(w.ctx(), w.local, c, reason, w.key()); return err }
		}, true},
		{"a batch", func(w *world) (id.Conversation, func() error) {
			c := w.some(1)[0]
			req := w.frozen(w.local, w.in(w.city))
			return c, func() error { _, err := w.bin.Discard(w.ctx(), w.local, req); return err }
		}, true},
		{"the job of a large batch", func(w *world) (id.Conversation, func() error) {
			w.bin.SyncLimit = 1
			ids, _ := w.binned(2)
			j := w.claim("worker")
			return ids[0], func() error { _, err := w.bin.Mover().Step(w.ctx(), j); return err }
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock()
			w := newWorld(t, dbtest.Open(t, db.MySQL, clock), clock)
			c, act := tt.prepare(w)
			done := make(chan error, 1)
			w.write(func(tx *db.Tx) error {
				var n int64
				if err := tx.ForUpdate().Table("hold_epoch").Where("id = 1").Pluck("n", &n).Error; err != nil {
					return err
				}
				go func() { done <- act() }()
				select {
				case err := <-done:
					return errors.Join(errors.New("it did not wait"), err)
				case <-time.After(200 * time.Millisecond):
				}
				h := &hold.Hold{Code: "LH-2026-001", Name: "保全", Reason: reason, DepartmentID: w.city, CreatedAt: tx.Now}
				if err := tx.Create(h).Error; err != nil {
					return err
				}
				if err := tx.Create(&hold.Item{ConversationID: c, HoldID: h.ID}).Error; err != nil {
					return err
				}
				return audit.Append(tx, audit.Entry{Actor: w.legal.Audit(), Action: "hold.placed", ObjectKind: "hold", Object: h.Code, Count: 1})
			})
			err := <-done
			if kind := fault.KindOf(err); tt.refused && kind != fault.KindConflict || !tt.refused && err != nil {
				t.Errorf("the act that waited: %v", err)
			}
			w.wantStates([]id.Conversation{c}, conversation.Active)
			if !tt.refused && w.count(&bin.Item{}, "state = ? AND reason = ?", bin.ItemSkipped, bin.Held) != 1 {
				t.Error("the held conversation was not skipped with its reason")
			}
			w.wantWhole()
		})
	}
}
