package index

import (
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
)

func TestWhatAChangeLeftIsReadOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		ids := w.add(200)
		w.fold()
		reads := func(want int64) {
			t.Helper()
			from := &w.x.Source.(*rowSource).read
			before := from.Load()
			w.check()
			if n := from.Load() - before; n != want {
				t.Errorf("%d rows were read, want %d", n, want)
			}
		}
		reads(0)
		w.turn(ids[:40]...)
		w.add(10)
		reads(50)
		reads(0)
		w.turn(ids[30:60]...) // ten of them once more
		reads(30)
		w.grow(ids[70:80]...)
		reads(10)
		reads(0)
		other := w.open(d)
		w.checkWith(other)
		w.turn(ids[0], ids[199]) // the ends of a segment
		w.checkWith(other)
		reads(2)

		w.freeze(ids[20:30]...) // these may be gone at any time
		reads(10)
		reads(10)
		w.erase(ids[20:25]...)
		w.loose = map[id.Conversation]bool{}
		reads(5)
		reads(5)
		if waits := w.waits(); waits != 81 {
			t.Errorf("%d wait", waits)
		}
		w.fold()
		reads(0)
		if waits := w.waits(); waits != 0 {
			t.Errorf("%d wait", waits)
		}
	})
}

// freeze takes conversations into the state out of which they are erased.
func (w *world) freeze(ids ...id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		for _, c := range ids {
			d := w.truth[c]
			d.State = fleeting
			w.truth[c] = d
		}
		if err := tx.Exec("UPDATE conversation SET state = ? WHERE id IN ?", fleeting, ids).Error; err != nil {
			return err
		}
		return Changed(tx, false, ids...)
	})
}

func (w *world) waits() (n int64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) (err error) {
		n, err = Waiting(tx)
		return err
	})
	return n
}

// Whoever reads an older state of the database goes on seeing that.
func TestAnOlderTransactionSeesWhatWaitedThen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		ids := w.add(50)
		w.fold()
		w.turn(ids[:10]...)
		then := w.truth[ids[0]]
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			look := func() {
				v, err := w.x.View(tx)
				if err != nil {
					t.Fatal(err)
				}
				loose, err := v.Loose()
				if err != nil || len(loose) != 1 || loose[0].N() != 10 {
					t.Fatalf("%d loose segments, %v", len(loose), err)
				}
				ord, there := loose[0].Ordinal(ids[0])
				if !there {
					t.Fatal("it is not there")
				}
				w.checkDoc(loose[0], ord, then, attributesOf(loose[0])[ord])
			}
			look()
			for w.truth[ids[0]].State == then.State && w.truth[ids[0]].Department == then.Department {
				w.turn(ids[0])
			}
			w.check() // somebody else looks
			look()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.check()
	})
}

func TestMuchThatWaitsIsNotLeftForLong(t *testing.T) {
	d, clock := dbtest.New(t)
	w := newWorld(t, d)
	ids := w.add(muchWaits/newText - 1)
	since := epoch
	hastened := func() bool {
		t.Helper()
		if err := w.x.hasten(t.Context(), &since); err != nil {
			t.Fatal(err)
		}
		var n int64
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Table("job").Where("kind = ? AND run_at <= ?", JobFold, tx.Now).Count(&n).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	w.write(func(tx *db.Tx) error {
		_, err := job.Enqueue(tx, job.New{Kind: JobFold, RunAt: tx.Now.Add(time.Minute), Solo: true})
		return err
	})
	if hastened() {
		t.Error("hastened for few")
	}
	w.fold()
	w.turn(ids...)
	w.grow(ids[:muchWaits/newText/2]...)
	if hastened() {
		t.Error("hastened for few")
	}
	w.grow(ids...)
	w.add(1)
	if !hastened() {
		t.Error("not hastened")
	}

	// What the job has left waits for its time, whatever comes beside it.
	clock.Advance(time.Minute)
	dbtest.Exec(t, d, "UPDATE job SET run_at = ?", clock.Time().Add(time.Minute))
	w.turn(ids...)
	if hastened() {
		t.Error("hastened for what could not be taken in")
	}
	w.grow(ids...)
	w.add(1)
	if !hastened() {
		t.Error("not hastened for what is new")
	}
}
