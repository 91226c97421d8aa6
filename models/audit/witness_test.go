package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// receiver is a witness that keeps what it gets, and that can be away.
type receiver struct {
	t     *testing.T
	l     *Log
	notes []string
	away  *NotTaken
}

func newReceiver(t *testing.T, l *Log, host string) *receiver {
	r := &receiver{t: t, l: l}
	l.Witness = &Witness{Host: host, Post: func(_ context.Context, origin, note string) error {
		if origin != l.Signer.Name() {
			t.Errorf("the origin is %q", origin)
		}
		if r.away != nil {
			return r.away
		}
		r.notes = append(r.notes, note)
		return nil
	}}
	return r
}

// tell hands over all that waits, as the job does.
func (r *receiver) tell() Told {
	r.t.Helper()
	for rounds := 0; ; rounds++ {
		sent, err := r.l.Tell(r.t.Context())
		if rounds > 20 {
			r.t.Fatal("it is handed the same again and again")
		}
		if r.away == nil && err != nil || r.away != nil && err != nil && !errors.Is(err, r.away.Err) {
			r.t.Fatal(err)
		}
		if !sent {
			break
		}
	}
	t, err := r.l.Told(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

func (r *receiver) sizes() (out []int64) {
	r.t.Helper()
	for _, note := range r.notes {
		c, err := proof.ParseCheckpoint(note, r.l.Signer.Public())
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, c.Size)
	}
	return out
}

// results are how the entries of what was handed over ended, oldest first.
func (r *receiver) results() (out []string) {
	r.t.Helper()
	page, err := r.l.Page(r.t.Context(), Filter{Seen: Seen{All: true}, Actions: []string{actPosted}}, "", 50)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, leaf := range page.Leaves {
		out = append(out, leaf.Result)
	}
	slices.Reverse(out)
	return out
}

func (r *receiver) checkpoint() int64 {
	r.t.Helper()
	c, err := r.l.Checkpoint(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Size
}

// A new witness gets the newest checkpoint, and from then on each one, in order and once, also after it was away, and
// whoever hands it over.
func TestAWitnessGetsEachCheckpointOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l := newLog(t, d)
		r := newReceiver(t, l, "log.example.cn")
		if told := r.tell(); len(r.notes) != 0 || told.Waiting != 0 || told.Overdue {
			t.Errorf("an empty log: %q, %+v", r.notes, told)
		}
		appendMany(t, d, 3)
		r.checkpoint()
		appendMany(t, d, 2)
		want := []int64{r.checkpoint()}
		told := r.tell()
		if !slices.Equal(r.sizes(), want) || told.Size != want[0] || told.At.IsZero() || told.Waiting != 0 {
			t.Fatalf("the witness has %d of %d: %+v", r.sizes(), want, told)
		}
		r.tell()
		want = append(want, r.checkpoint())
		r.away = &NotTaken{Class: WitnessAnswer, Status: 503, Err: errors.New("closed")}
		for range 3 {
			clock.Advance(time.Hour)
			told = r.tell()
		}
		if told.Class != WitnessAnswer || told.Status != 503 || told.FailedAt.IsZero() || told.Waiting != 1 || told.Size != want[0] {
			t.Errorf("a witness that is closed: %+v", told)
		}
		appendMany(t, d, 1)
		want = append(want, r.checkpoint())
		r.away = nil
		// Another process, as after a restart, knows what was handed over from the log alone.
		other := *l
		r.l = &other
		told = r.tell()
		if !slices.Equal(r.sizes(), want) || !told.FailedAt.IsZero() || told.Waiting != 0 {
			t.Errorf("the witness has %d of %d: %+v", r.sizes(), want, told)
		}
		if got := r.results(); !slices.Equal(got, []string{OK, ResultFailed, OK, OK}) {
			t.Errorf("entries: %v", got)
		}
		// Another machine begins with the newest.
		second := newReceiver(t, l, "second.example.cn")
		second.tell()
		if !slices.Equal(second.sizes(), want[2:]) {
			t.Errorf("the second witness has %d of %d", second.sizes(), want[2:])
		}
		if res := check(t, l); !res.OK {
			t.Errorf("the log afterwards: %+v", res)
		}
	})
}

// A failure is written down once a day and whenever it becomes another; after 50 hours without success it is overdue.
func TestAWitnessThatIsAwayIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l := newLog(t, d)
		r := newReceiver(t, l, "log.example.cn")
		r.away = &NotTaken{Class: WitnessTimeout, Err: errors.New("no answer")}
		appendMany(t, d, 3)
		r.checkpoint()
		for hour := range 60 {
			told := r.tell()
			if told.Overdue != (hour > 50) {
				t.Errorf("after %d hours: %+v", hour, told)
			}
			clock.Advance(time.Hour)
		}
		if got := r.results(); len(got) != 3 {
			t.Errorf("entries of 60 hours: %v", got)
		}
		r.away = &NotTaken{Class: WitnessTLS, Err: errors.New("another certificate")}
		if told := r.tell(); told.Class != WitnessTLS || len(r.results()) != 4 {
			t.Errorf("another failure: %+v", told)
		}
		r.away = nil
		if told := r.tell(); told.Overdue || told.Class != "" || len(r.notes) != 1 {
			t.Errorf("the witness is back: %+v", told)
		}
		clock.Advance(51 * time.Hour)
		if told := r.tell(); !told.Overdue {
			t.Errorf("nothing for two days: %+v", told)
		}
	})
}

// A witness that nobody ever tried, since no worker has its address, is told as soon as the oldest checkpoint has waited
// for 50 hours; the younger ones do not hide that.
func TestAWitnessThatNobodyTriedIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l := newLog(t, d)
		r := newReceiver(t, l, "log.example.cn")
		for hour := range 60 {
			if hour%24 == 0 {
				appendMany(t, d, 1)
				r.checkpoint()
			}
			told, err := l.Told(t.Context())
			if err != nil || told.Overdue != (hour > 50) {
				t.Errorf("after %d hours: %+v, %v", hour, told, err)
			}
			clock.Advance(time.Hour)
		}
		if told := r.tell(); told.Overdue || told.Waiting != 0 {
			t.Errorf("it was tried at last: %+v", told)
		}
	})
}

// A checkpoint that somebody wrote into the database is not handed over, and a certificate waits for no witness.
func TestAWitnessIsNotLiedTo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		r := newReceiver(t, l, "log.example.cn")
		asked := false
		l.Witness.Post = func(context.Context, string, string) error { asked = true; return nil }
		body := json.RawMessage(`{"code":"CERT-2026-0087"}`)
		sum, err := proof.Digest(proof.Certificate, body)
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		err = d.Write(t.Context(), func(tx *db.Tx) (err error) {
			n, err = AppendAt(tx, Entry{Action: "purge.certified", ObjectKind: "certificate", Object: "CERT-2026-0087", Data: map[string]any{proof.DigestField: hex.EncodeToString(sum[:])}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Certify(t.Context(), n, proof.Certificate, body); err != nil || asked {
			t.Errorf("a certificate waited for the witness (%v): %v", asked, err)
		}
		if told, err := l.Told(t.Context()); err != nil || told.Waiting != 1 {
			t.Errorf("its checkpoint does not wait for the witness: %+v, %v", told, err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			return tx.Model(&checkpointRow{}).Where("size > 0").Update("size", 7).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if sent, err := l.Tell(t.Context()); sent || err == nil || asked || len(r.results()) != 0 {
			t.Errorf("a changed row was handed over: %v, %v", asked, err)
		}
	})
}
