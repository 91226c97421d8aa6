package export_test

import (
	"testing"
	"time"

	"qingdang/models/db/dbtest"
	"qingdang/models/export"
)

// What failed or was not fetched in time is asked for anew, once, by its owner, on the same terms; what needed
// a second person needs one again.
func TestWhatFailedIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		wish := w.wish()
		wish.Recipient, wish.Consent, wish.Days = "杭州市市场监管局", "行政调查，依法提供", 3
		e := w.approve(w.ask(w.supervisor, wish), w.legal)
		_, err := w.desk.Again(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.not_again")
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'failed' WHERE id = ?", e.JobID)
		w.must(w.desk.Sweep(w.ctx()))
		if now := w.now(e); now.State != export.Failed {
			t.Fatalf("%s", now.State)
		}
		_, err = w.desk.Again(w.ctx(), w.legal, e.ID)
		w.wantFault(err, "export.not_yours")
		_, err = w.desk.Again(w.ctx(), w.agent, e.ID)
		w.wantFault(err, "export.not_found")
		if n := w.wrote("export.look_refused", e.Code, "refused"); n != 1 {
			t.Errorf("%d refusals are written down", n)
		}

		w.store(w.east, 1)
		next, err := w.desk.Again(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		if next.ID == e.ID || next.State != export.Waiting || next.Asked != 3 || next.Purpose != e.Purpose || next.Days != 3 || !next.Outside || next.ApprovalID == e.ApprovalID {
			t.Errorf("%+v", next)
		}
		d, err := w.desk.Get(w.ctx(), w.supervisor, next.ID)
		w.must(err)
		if d.Recipient != wish.Recipient || d.Consent != wish.Consent {
			t.Errorf("it goes to %q with %q", d.Recipient, d.Consent)
		}
		if twice, err := w.desk.Again(w.ctx(), w.supervisor, e.ID); err != nil || twice.ID != next.ID {
			t.Errorf("twice: %+v, %v", twice, err)
		}
		w.work()
		if now := w.now(next); now.State != export.Waiting {
			t.Errorf("without the second person it is %s", now.State)
		}
		w.approve(next, w.cro)
		w.work()
		if now := w.now(next); now.State != export.Ready || now.Written != 3 {
			t.Errorf("%s with %d", now.State, now.Written)
		}
		w.clock.Advance(4 * 24 * time.Hour)
		w.must(w.desk.Sweep(w.ctx()))
		last, err := w.desk.Again(w.ctx(), w.supervisor, next.ID)
		if w.must(err); last.State != export.Waiting {
			t.Errorf("%+v", last)
		}
		// A row that was written past the program starts nothing.
		dbtest.Exec(t, w.d, "UPDATE export SET purpose = 'forged purpose' WHERE id = ?", e.ID)
		_, err = w.desk.Again(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.forged")
		dbtest.Exec(t, w.d, "UPDATE export SET purpose = ? WHERE id = ?", e.Purpose, e.ID)
	})
}

// A role or a department that was lost since is lost for the second try too.
func TestALostRightIsNotGottenAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		w.store(w.north, 1)
		e := w.ask(w.supervisor, w.wish())
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'failed' WHERE id = ?", e.JobID)
		w.must(w.desk.Sweep(w.ctx()))
		narrower := w.supervisor
		narrower.Scope = w.second.Scope
		next, err := w.desk.Again(w.ctx(), narrower, e.ID)
		w.must(err)
		if next.Asked != 2 {
			t.Errorf("%d conversations", next.Asked)
		}
	})
}
