package audit

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

const (
	sales   = id.Department(3)
	support = id.Department(4)
)

var lin = Actor{ID: 7, PersonID: 70, Name: "林静怡", Role: "supervisor", Source: "10.20.4.18", RequestID: "r-1"}

func discarded(object string) Entry {
	return Entry{
		Actor: lin, Action: "conversation.discarded", ObjectKind: "batch", Object: object, Department: sales, Count: 214,
		Data: map[string]any{"manifest": strings.Repeat("ab", 32), "batch": id.Batch(12), "shown": 214, "sub": true},
	}
}

func newLog(t testing.TB, d *db.DB) *Log {
	t.Helper()
	store, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Signer("qingdang.test/audit")
	if err != nil {
		t.Fatal(err)
	}
	return &Log{DB: d, Signer: s, Dir: filepath.Join(t.TempDir(), "outside")}
}

func appendAll(t testing.TB, d *db.DB, entries ...Entry) {
	t.Helper()
	err := d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		for _, e := range entries {
			if err := Append(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func appendMany(t testing.TB, d *db.DB, n int) {
	t.Helper()
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = discarded("SC-20261116-" + id.String(id.Batch(i+1)))
	}
	appendAll(t, d, entries...)
}

func check(t testing.TB, l *Log) CheckResult {
	t.Helper()
	r, err := l.Check(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLeafBytesStayAsTheyAre(t *testing.T) {
	d, clock := dbtest.New(t)
	clock.Set(time.Date(2026, 11, 20, 6, 32, 8, 123456789, time.UTC))
	e := discarded("SC-20261116-001")
	e.Actor.Source = "10.0.0.1\nforged line\u202e"
	e.Data["list"] = []any{int64(1), "x", map[string]int{"b": 2, "a": 1}}
	e.Data["at"] = clock.Time()
	appendAll(t, d, e)
	detail, err := newLog(t, d).Leaf(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	// Never written anew: other bytes need a new version of the leaf beside this one.
	want, err := os.ReadFile(filepath.Join("testdata", "v1", "leaf.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(detail.Bytes, want) {
		t.Errorf("a leaf is not what version 1 wrote. Logs that were given out would no longer fit: this change needs a new version of the format.\n%s", detail.Bytes)
	}
	if detail.Damaged || detail.Actor.Source != `10.0.0.1\u000aforged line\u202e` || detail.Data["batch"] != "12" {
		t.Errorf("read again: %+v", detail.Leaf)
	}
	if _, err := proof.ParseLeafHead(detail.Bytes); err != nil {
		t.Errorf("the verifier does not read it: %v", err)
	}
}

func TestEntriesThatHaveNoPlaceAreRefused(t *testing.T) {
	d, _ := dbtest.New(t)
	tests := []struct {
		name string
		e    Entry
	}{
		{"no action", Entry{}},
		{"an action without a verb", Entry{Action: "conversation"}},
		{"an unknown result", Entry{Action: "a.b", Result: "fine"}},
		{"a float", Entry{Action: "a.b", Data: map[string]any{"x": 0.5}}},
		{"bytes", Entry{Action: "a.b", Data: map[string]any{"x": []byte("text")}}},
		{"a struct", Entry{Action: "a.b", Data: map[string]any{"x": []any{struct{}{}}}}},
		{"nothing", Entry{Action: "a.b", Data: map[string]any{"x": nil}}},
		{"too much", Entry{Action: "a.b", Data: map[string]any{"x": make([]int, leafLimit)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := d.Write(t.Context(), func(tx *db.Tx) error { return Append(tx, tt.e) })
			if err == nil {
				t.Error("it was written")
			}
			if n := dbtest.Count(t, d, &leafRow{}); n != 0 {
				t.Errorf("%d leaves are there", n)
			}
		})
	}
}

func TestLongAndMalformedNamesNeverStopAnEntry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		long := strings.Repeat("清档\xff\x00", 3000)
		e := Entry{
			Actor:  Actor{Name: long, Role: long, Source: long, RequestID: long},
			Action: "session.refused", ObjectKind: long, Object: long, Data: map[string]any{long: long},
		}
		appendAll(t, d, e)
		if r := check(t, newLog(t, d)); !r.OK {
			t.Errorf("%+v", r)
		}
	})
}

func TestAppendedLeavesAreProvenByTheHead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l := newLog(t, d)
		for i := range 37 {
			clock.Advance(time.Second)
			appendMany(t, d, 1+i%3)
		}
		head, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if head.Size != 73 || !head.LastAt.Equal(clock.Time()) {
			t.Fatalf("head %+v", head)
		}
		for n := range head.Size {
			detail, err := l.Leaf(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if detail.Damaged || detail.Proof == nil || detail.Hash != tlog.RecordHash(detail.Bytes) ||
				(detail.Before == nil) != (n == 0) || (detail.After == nil) != (n == head.Size-1) {
				t.Fatalf("leaf %d: %+v", n, detail)
			}
			if err := tlog.CheckRecord(detail.Proof, head.Size, head.Root, n, detail.Hash); err != nil {
				t.Fatalf("leaf %d: %v", n, err)
			}
		}
		if r := check(t, l); !r.OK || r.Checked != 73 || r.TailProvable {
			t.Errorf("%+v", r)
		}
		if _, err := l.Leaf(t.Context(), 73); err == nil {
			t.Error("a leaf behind the end was found")
		}
	})
}

func TestWritersAtOnceLeaveADenseLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const writers, each = 8, 12
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						if err := Append(tx, discarded("SC-1")); err != nil {
							return err
						}
						if i%4 == 3 {
							return errors.New("the use case failed after all")
						}
						return nil
					})
					if (err != nil) != (i%4 == 3) {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		wg.Wait()
		if r := check(t, newLog(t, d)); !r.OK || r.Size != writers*each*3/4 {
			t.Errorf("%+v", r)
		}
	})
}

func TestARefusalIsWrittenThoughTheRequestIsOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Refused(ctx, d, Entry{Actor: lin, Action: "purge.voted", Object: "PG-20261113-002", Result: OK}); err != nil {
			t.Fatal(err)
		}
		page, err := newLog(t, d).Page(t.Context(), Filter{Seen: Seen{All: true}}, "", 10)
		if err != nil || len(page.Leaves) != 1 || page.Leaves[0].Result != ResultRefused {
			t.Errorf("%+v %v", page, err)
		}
	})
}

// What was not committed is not in the log, and what is in the log was committed.
func TestNothingIsAppendedWithoutItsTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(tx *db.Tx) error {
			if err := Append(tx, discarded("SC-1")); err != nil {
				return err
			}
			cancel()
			return nil
		})
		if err == nil {
			t.Error("a cancelled transaction was committed")
		}
		if head, err := newLog(t, d).Head(t.Context()); err != nil || head.Size != 0 {
			t.Errorf("head %+v %v", head, err)
		}
		dbtest.Exec(t, d, "DELETE FROM audit_head")
		err = d.Write(t.Context(), func(tx *db.Tx) error { return Append(tx, discarded("SC-1")) })
		if !errors.Is(err, ErrNoHead) {
			t.Errorf("without a head: %v", err)
		}
		dbtest.Exec(t, d, "INSERT INTO audit_head (id, size, root, edge) VALUES (1, 0, ?, ?)", make([]byte, 32), []byte{})
	})
}

func TestAnAppendTakesFourStatements(t *testing.T) {
	d, _ := dbtest.New(t)
	appendMany(t, d, 7) // the next leaf completes three subtrees
	statements := 0
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		count := func(*gorm.DB) { statements++ }
		c := tx.Callback()
		err := errors.Join(
			c.Query().Register("count", count), c.Create().Register("count", count), c.Update().Register("count", count),
			c.Raw().Register("count", count), c.Row().Register("count", count), c.Delete().Register("count", count),
		)
		if err != nil {
			return err
		}
		return Append(tx, discarded("SC-1"))
	})
	if err != nil || statements != 4 {
		t.Errorf("%d statements, %v", statements, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		b.Run(engine, func(b *testing.B) {
			d := dbtest.Open(b, engine, dbtest.NewClock())
			for b.Loop() {
				appendMany(b, d, 1)
			}
		})
	}
}

func TestClasses(t *testing.T) {
	for action, want := range map[string]string{
		"conversation.opened": View, "conversation.searched": View, "purge.opened": View, "export.downloaded": View,
		"conversation.discarded": Change, "bin.restored": Change, "hold.created": Change, "session.refused": Change,
		"purge.requested": Danger, "purge.erased": Danger, "conversation.unmasked": Danger, "hold.released": Danger, "key.destroyed": Danger,
	} {
		if got := Class(action); got != want {
			t.Errorf("%s is %s, want %s", action, got, want)
		}
	}
}
