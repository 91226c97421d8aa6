package purge_test

import (
	"errors"
	"testing"
	"time"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// TestAnErasureWaitsForAHoldThatIsBeingPlaced stops a hold in the middle: it has looked what there is and has not
// yet written what it covers. The next chunk of a purge must wait until it has, and then skip it.
func TestAnErasureWaitsForAHoldThatIsBeingPlaced(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.Open(t, db.MySQL, clock), clock)
	ids, batch := w.expired(2)
	r := w.approved(batch)
	w.toTheEvening(r)
	w.step(r) // begins
	clock.Advance(job.Lease + time.Second)
	j, err := job.Claim(w.ctx(), w.d, "worker-1", []string{purge.JobRun})
	w.must(err)
	done := make(chan error, 1)
	w.write(func(tx *db.Tx) error {
		var n int64
		if err := tx.ForUpdate().Table("hold_epoch").Where("id = 1").Pluck("n", &n).Error; err != nil {
			return err
		}
		go func() { _, err := w.runner().Step(w.ctx(), j); done <- err }()
		select {
		case err := <-done:
			return errors.Join(errors.New("it did not wait"), err)
		case <-time.After(200 * time.Millisecond):
		}
		h := &hold.Hold{Code: "LH-2026-001", Name: "保全", Reason: "法院要求保全相关记录", DepartmentID: w.sales, CreatedAt: tx.Now}
		if err := tx.Create(h).Error; err != nil {
			return err
		}
		if err := tx.Create(&hold.Item{ConversationID: ids[0], HoldID: h.ID}).Error; err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: w.legal.Audit(), Action: "hold.placed", ObjectKind: "hold", Object: h.Code, Count: 1})
	})
	w.must(<-done)
	var left []id.Conversation
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Where("id IN ?", ids).Pluck("id", &left).Error
	}))
	if r = w.now(r); len(left) != 1 || left[0] != ids[0] || r.Purged != 1 || r.Skipped != 1 {
		t.Errorf("%v are left, %d purged, %d skipped", left, r.Purged, r.Skipped)
	}
}
