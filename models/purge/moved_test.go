package purge_test

import (
	"bytes"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// move hangs a department on another one, as models/reorg does.
func (w *world) move(d, on id.Department) error {
	return w.d.Write(w.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		if err := hold.Alone(tx); err != nil {
			return err
		}
		before, err := department.Load(tx)
		if err != nil {
			return err
		}
		after, err := department.Move(tx, before, d, department.Place{Parent: on, Name: before.Name(d)})
		if err != nil {
			return err
		}
		_, err = w.holds().OnTree(tx, before, after)
		return err
	})
}

// Where a department hangs is not on a purge's list: what was agreed to stays agreed to, and is carried out.
func TestARequestStaysWhatItIsWhenItsDepartmentMoves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(4)
		r := w.approved(batch)
		w.must(w.move(w.sales, w.support))
		w.must(w.move(w.support, 0))
		if now := w.now(r); !bytes.Equal(now.Root, r.Root) || now.State != r.State || now.ScopeKind != r.ScopeKind {
			t.Errorf("the request is another one: %+v", now)
		}
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		if r = w.now(r); r.State != purge.Done || r.Purged != 4 || r.Skipped != 0 {
			t.Errorf("%s: %d purged, %d skipped", r.State, r.Purged, r.Skipped)
		}
	})
}

// A department that comes under a hold in the middle of a purge keeps what is not gone yet.
func TestAMoveUnderAHoldInTheMiddleOfAPurgeKeepsTheRest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(6)
		_, err := w.holds().Place(w.ctx(), w.legal, hold.Order{Name: "案件", Reason: holdReason, Department: w.support, Sub: true})
		w.must(err)
		r := w.approved(batch)
		w.toTheEvening(r)
		runner := w.runner()
		runner.Chunk = 2
		j, err := job.Claim(w.ctx(), w.d, "worker-1", []string{purge.JobRun})
		w.must(err)
		for range 2 { // it begins, and erases two
			_, err = runner.Step(w.ctx(), j)
			w.must(err)
		}
		w.must(w.move(w.sales, w.support))
		if n := w.count(&conversation.Conversation{}, "state = ? AND batch_id IS NULL", conversation.Active); n != 4 {
			t.Errorf("%d are back in the archive", n)
		}
		for done := false; !done && err == nil; {
			done, err = runner.Step(w.ctx(), j)
		}
		w.must(err)
		w.wantWhole(r)
		if r = w.now(r); r.Purged != 2 || r.Skipped != 4 || w.count(&purge.Item{}, "reason = ?", purge.Held) != 4 {
			t.Errorf("%s: %d purged, %d skipped", r.State, r.Purged, r.Skipped)
		}
	})
}

// A purge's steps beside the move under a hold: whatever the order, what is covered is there, and what is there
// is covered.
func TestAPurgeBesideAMoveUnderAHold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(30)
		h, err := w.holds().Place(w.ctx(), w.legal, hold.Order{Name: "案件", Reason: holdReason, Department: w.support, Sub: true})
		w.must(err)
		r := w.approved(batch)
		w.toTheEvening(r)
		runner := w.runner()
		runner.Chunk = 2
		j, err := job.Claim(w.ctx(), w.d, "worker-1", []string{purge.JobRun})
		w.must(err)
		begun, moved := make(chan struct{}), make(chan error, 1)
		go func() {
			<-begun
			moved <- w.move(w.sales, w.support)
		}()
		for step, done := 0, false; !done; step++ {
			if step == 3 {
				close(begun)
			}
			done, err = runner.Step(w.ctx(), j)
			w.must(err)
		}
		w.must(<-moved)
		w.wantWhole(r)
		left := w.count(&conversation.Conversation{})
		covered := w.count(&hold.Item{}, "hold_id = ?", h.ID)
		if r = w.now(r); left != covered || left != 30-r.Purged || w.count(&conversation.Conversation{}, "state = ?", conversation.Active) != left {
			t.Errorf("%s: %d purged, %d left, %d covered", r.State, r.Purged, left, covered)
		}
		t.Logf("%d went before the move", r.Purged)
	})
}
