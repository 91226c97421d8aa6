package bin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// running is a batch of n conversations that a job is to move, three at a time.
func (w *world) running(n int) ([]id.Conversation, *bin.Batch, *bin.Mover) {
	w.t.Helper()
	w.bin.SyncLimit = 1
	ids, batch := w.binned(n)
	if batch.State != bin.Running || batch.Moved != 0 {
		w.t.Fatalf("the batch is %+v, want one that waits for its job", batch)
	}
	w.wantStates(ids, conversation.Active)
	m := w.bin.Mover()
	m.Chunk = 3
	return ids, batch, m
}

func (w *world) claim(owner string) *job.Job {
	w.t.Helper()
	j, err := job.Claim(w.ctx(), w.d, owner, []string{bin.JobMove})
	if err != nil || j == nil {
		w.t.Fatalf("nothing to claim: %v", err)
	}
	return j
}

func (w *world) work(r job.Runner) {
	w.t.Helper()
	w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{bin.JobMove: r}, job.Options{Once: true}))
}

func (w *world) leaves(code string, actions ...string) (n, count int64) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		var got struct{ N, C int64 }
		err := tx.Table("audit_leaf").Where("object = ? AND action IN ?", code, actions).Select("COUNT(*) AS n, COALESCE(SUM(item_count), 0) AS c").Scan(&got).Error
		n, count = got.N, got.C
		return err
	}))
	return n, count
}

func TestALargeBatchIsMovedByAJobInChunks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids, batch, m := w.running(10)
		w.clock.Advance(50 * time.Hour) // the worker was down
		w.work(m)
		now := w.batch(batch.ID)
		if now.State != bin.Done || now.Moved != 10 || now.Skipped != 0 {
			t.Errorf("the batch is %+v", now)
		}
		w.wantStates(ids, conversation.Binned)
		// What moved late has its full time (invariant I10).
		if !now.KeepUntil.Equal(w.clock.Time().Add(7 * day)) {
			t.Errorf("kept until %v, want 7 days from now", now.KeepUntil)
		}
		if n, count := w.leaves(batch.Code, "batch.moved", "batch.finished"); n != 5 || count != 10 {
			t.Errorf("%d leaves count %d, want 5 (4 chunks and the end) and 10", n, count)
		}
		if n, _ := w.leaves(batch.Code, "batch.started"); n != 1 {
			t.Errorf("%d leaves of the start", n)
		}
		if n := w.count(&job.Job{}, "state = ?", job.Done); n != 1 {
			t.Error("the job is not done")
		}
	})
}

func TestWhatChangedBeforeTheJobCameIsSkippedWithItsReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bin.SyncLimit = 1
		ids := w.store(
			chat{}, chat{name: "grows"}, chat{}, chat{name: "today"}, chat{}, chat{}, chat{dep: w.north}, chat{hidden: true}, chat{},
		)
		batch := w.discard(w.boss, w.all())
		w.store(chat{name: "grows", replies: 1})
		fresh := w.news(chat{name: "today", at: w.clock.Time()})
		fresh.Document.Messages[0].ID = "new"
		w.storeNews(fresh)
		w.hold(w.north, false)
		dbtest.Exec(t, w.d, "UPDATE conversation SET order_state = ? WHERE id = ?", conversation.OrderOpen, ids[4])
		w.bin.SyncLimit = 0
		_, err := w.bin.DiscardOne(w.ctx(), w.boss, ids[5], reason, w.key())
		w.must(err)
		for _, table := range []string{"conversation", "conversation_body", "conversation_key"} {
			dbtest.Exec(t, w.d, "DELETE FROM "+table+" WHERE id = ?", ids[8])
		}
		m := w.bin.Mover()
		m.Chunk = 2
		w.work(m)
		now := w.batch(batch.ID)
		if now.State != bin.PartlyDone || now.Moved != 3 || now.Skipped != 6 || now.Moved+now.Skipped != now.Size {
			t.Errorf("the batch is %+v", now)
		}
		row, err := w.bin.Get(w.ctx(), w.boss, batch.ID)
		w.must(err)
		want := map[string]int64{bin.Changed: 1, bin.Floor: 1, bin.Held: 1, bin.Order: 1, bin.Elsewhere: 2}
		if diff := cmp.Diff(want, row.Stayed); diff != "" {
			t.Error(diff)
		}
		w.wantStates([]id.Conversation{ids[0], ids[2], ids[7]}, conversation.Binned)
		out, err := w.bin.Restore(w.ctx(), w.boss, batch.ID)
		if err != nil || out.Done != 3 || w.row(ids[7]).State != conversation.Hidden || w.batch(batch.ID).State != bin.Undone {
			t.Errorf("restored %+v, %v", out, err)
		}
	})
}

var errCrash = errors.New("the power went")

func TestACrashLosesNoChunkAndDoesNoneTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids, batch, m := w.running(8)
		steps := 0
		crashing := job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
			steps++
			switch steps {
			case 1, 4: // before the commit
				err := w.d.Write(ctx, func(tx *db.Tx) error {
					if err := tx.Exec("UPDATE bin_batch SET moved = moved + 1").Error; err != nil {
						return err
					}
					return errCrash
				})
				return false, err
			case 2, 3: // after it: the step is done, the worker does not learn of it
				if _, err := m.Step(ctx, j); err != nil {
					return false, err
				}
				return false, errCrash
			}
			return m.Step(ctx, j)
		})
		for range 10 {
			w.work(crashing)
			if moved := w.batch(batch.ID).Moved; int(moved) != w.inState(conversation.Binned, ids) {
				t.Fatalf("after %d steps %d are counted, %d are in the bin", steps, moved, w.inState(conversation.Binned, ids))
			}
			w.wantWhole()
			w.clock.Advance(20 * time.Minute)
		}
		if now := w.batch(batch.ID); now.State != bin.Done || now.Moved != 8 {
			t.Errorf("the batch is %+v after %d steps", now, steps)
		}
		if _, count := w.leaves(batch.Code, "batch.moved", "batch.finished"); count != 8 {
			t.Errorf("the leaves count %d", count)
		}
	})
}

func TestAWorkerThatLostTheJobChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids, batch, m := w.running(8)
		zombie := w.claim("zombie")
		_, err := m.Step(w.ctx(), zombie)
		w.must(err)
		w.clock.Advance(job.Lease + time.Second)
		heir := w.claim("heir")
		before := w.snapshot()
		if _, err := m.Step(w.ctx(), zombie); !errors.Is(err, job.ErrFenced) {
			t.Errorf("the zombie's step: %v, want fenced", err)
		}
		w.wantUntouched(before, "the zombie's step")
		for done := false; !done; {
			done, err = m.Step(w.ctx(), heir)
			w.must(err)
		}
		before = w.snapshot()
		if _, err := m.Step(w.ctx(), zombie); !errors.Is(err, job.ErrFenced) {
			t.Errorf("the zombie's last step: %v, want fenced", err)
		}
		w.wantUntouched(before, "the zombie's last step")
		w.wantStates(ids, conversation.Binned)
		if now := w.batch(batch.ID); now.Moved != 8 {
			t.Errorf("%d are counted", now.Moved)
		}
	})
}

func TestARunningBatchIsLeftAloneAndAFailedJobIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids, batch, m := w.running(7)
		_, err := m.Step(w.ctx(), w.claim("worker"))
		w.must(err)
		_, err = w.bin.Restore(w.ctx(), w.local, batch.ID)
		wantFault(t, err, "bin.still_running", "")
		_, err = w.bin.Extend(w.ctx(), w.local, batch.ID, reason)
		wantFault(t, err, "bin.still_running", "")
		wantFault(t, w.bin.Retry(w.ctx(), w.local, batch.ID), "bin.nothing_to_retry", "")
		// Single ones come back also while the rest is moving.
		out, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(ids[0]))
		if err != nil || out.Done != 1 {
			t.Errorf("restored %+v, %v", out, err)
		}
		dbtest.Exec(t, w.d, "UPDATE job SET state = ?, solo = NULL, lease_until = NULL", job.Failed)
		w.must(w.bin.Retry(w.ctx(), w.local, batch.ID))
		wantFault(t, w.bin.Retry(w.ctx(), w.local, batch.ID), "bin.nothing_to_retry", "")
		w.work(m)
		if now := w.batch(batch.ID); now.State != bin.Done || now.Moved != 7 || w.inState(conversation.Binned, ids) != 6 {
			t.Errorf("the batch is %+v, %d are in the bin", now, w.inState(conversation.Binned, ids))
		}
	})
}

func TestAJobForNothingFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.write(func(tx *db.Tx) error {
			_, err := job.Enqueue(tx, job.New{Kind: bin.JobMove, Subject: 99_999, Object: "SC-?"})
			return err
		})
		if _, err := w.bin.Mover().Step(w.ctx(), w.claim("worker")); err == nil || fault.KindOf(err) != fault.KindInternal {
			t.Errorf("a batch that is not there was moved: %v", err)
		}
	})
}
