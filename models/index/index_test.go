package index

import (
	"errors"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

func TestChangesAreUnknownUntilTheyAreFolded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		w.add(300)
		if n := w.check(); n != 0 {
			t.Fatalf("%d are settled and nothing was folded", n)
		}
		if done := w.fold(); done.Changes != 300 || done.Docs != 300 {
			t.Fatalf("%+v", done)
		}
		if n := w.check(); n != 300 {
			t.Fatalf("%d are settled", n)
		}
		w.turn(w.some(40)...)
		if n := w.check(); n != 260 {
			t.Fatalf("%d are settled", n)
		}
		if done := w.fold(); done.Attributes != 40 || done.Docs != 0 {
			t.Fatalf("%+v", done)
		}
		w.grow(w.some(30)...)
		w.turn(w.some(30)...)
		w.check()
		if done := w.fold(); done.Docs != 30 || done.Dead != 30 {
			t.Fatalf("%+v", done)
		}
		if n := w.check(); n != 300 {
			t.Fatalf("%d are settled", n)
		}
		if n := w.checkWith(w.open(d)); n != 300 { // without anything in memory
			t.Fatalf("%d are settled for another process", n)
		}
	})
}

func TestAChangedContentStaysOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		ids := w.add(3)
		w.fold()
		note := func(c id.Conversation) (n changeRow) {
			w.write(func(tx *db.Tx) error { return tx.Where("conversation_id = ?", c).Take(&n).Error })
			return n
		}
		w.write(func(tx *db.Tx) error { return Changed(tx, false, ids[0], ids[1], ids[0]) })
		if note(ids[0]).Content != 0 {
			t.Error("only attributes were changed")
		}
		before := note(ids[1])
		w.write(func(tx *db.Tx) error { return Changed(tx, true, ids[1]) })
		w.write(func(tx *db.Tx) error { return Changed(tx, false, ids[1:]...) })
		if n := note(ids[1]); n.Content != 1 || n.Stamp == before.Stamp {
			t.Errorf("%+v after %+v", n, before)
		}
		if n := note(ids[2]); n.Content != 0 {
			t.Errorf("%+v", n)
		}
		if n := dbtest.Count(t, d, &changeRow{}); n != 3 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestARangeOfTimeIsARangeOfOrdinals(t *testing.T) {
	d, _ := dbtest.New(t)
	w := newWorld(t, d)
	w.add(200)
	w.fold()
	from, to := dbtest.Start.Add(-700_000*time.Second), dbtest.Start.Add(-200_000*time.Second)
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		v, err := w.x.View(tx)
		if err != nil {
			return err
		}
		s := v.Segments[0]
		lo, hi := s.Range(from, to)
		for ord := range uint32(s.N()) {
			at := s.LastAt(ord)
			if in := !at.Before(from) && at.Before(to); in != (ord >= lo && ord < hi) {
				t.Errorf("%v is outside of %d…%d", at, lo, hi)
			}
		}
		if lo, hi := s.Range(time.Time{}, time.Time{}); lo != 0 || int(hi) != s.N() {
			t.Errorf("without bounds %d…%d", lo, hi)
		}
		if lo, hi := s.Range(to, from); lo != hi {
			t.Errorf("reversed %d…%d", lo, hi)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTooManyChangesAreSaid(t *testing.T) {
	d, _ := dbtest.New(t)
	w := newWorld(t, d)
	w.add(11)
	w.x.mostChanges = 10
	view := func() error {
		return d.Read(t.Context(), func(tx *db.Tx) error { _, err := w.x.View(tx); return err })
	}
	if err := view(); !errors.Is(err, ErrBehind) {
		t.Errorf("%v", err)
	}
	w.x.mostChanges = 11
	if err := view(); err != nil {
		t.Error(err)
	}
}

// Who alters a part, or puts another in its place, is noticed.
func TestAPartOpensInItsPlaceOnly(t *testing.T) {
	tests := []struct{ name, statement string }{
		{"a changed byte", "UPDATE index_part SET body = CASE WHEN 1 = 1 THEN (SELECT b FROM (SELECT body b FROM index_part WHERE part = 2) other) END WHERE part = 1"},
		{"a head of another version", "UPDATE index_segment SET version = version + 1"},
		{"a head of fewer documents", "UPDATE index_segment SET n = n - 1"},
		{"a missing shard", "DELETE FROM index_part WHERE part = 1"},
		{"a missing head", "DELETE FROM index_part WHERE part = 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := dbtest.New(t)
			w := newWorld(t, d)
			w.add(300)
			w.fold()
			dbtest.Exec(t, d, tt.statement)
			x := w.open(d)
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				v, err := x.View(tx)
				if err != nil {
					return err
				}
				_, err = v.Postings(x.Tokens(someWords), v.Segments...)
				return err
			})
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("%v", err)
			}
		})
	}
}
