package purge_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// told is what a file of the ledger says, by kind of line.
type told struct {
	gone   map[id.Conversation][]byte // external names
	left   map[id.Conversation]string // reasons
	closed map[uint64]id.Bucket       // of slots
	now    map[id.Bucket]leftOver
	kept   map[id.Conversation]conversation.Key
}

// leftOver is what is left of a bucket.
type leftOver struct {
	slot uint64
	tree []byte
}

func (w *world) told(code string) told {
	w.t.Helper()
	if _, err := w.ledger.Check(code); err != nil {
		w.t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(w.ledger.Dir, code+".ledger"))
	w.must(err)
	out := told{map[id.Conversation][]byte{}, map[id.Conversation]string{}, map[uint64]id.Bucket{}, map[id.Bucket]leftOver{}, map[id.Conversation]conversation.Key{}}
	for line := range bytes.Lines(data) {
		var l struct {
			Gone, Left, Kept        id.Conversation `json:",string"`
			Closed, Slot            uint64          `json:",string"`
			Bucket, Now             id.Bucket       `json:",string"`
			External, Wrapped, Tree []byte
			Reason                  string
			Leaf                    *int
		}
		if bytes.HasPrefix(line, []byte(`{"format"`)) {
			continue
		}
		w.must(json.Unmarshal(line, &l))
		switch {
		case l.Gone != 0:
			out.gone[l.Gone] = l.External
		case l.Left != 0:
			out.left[l.Left] = l.Reason
		case l.Closed != 0:
			out.closed[l.Closed] = l.Bucket
		case l.Now != 0:
			out.now[l.Now] = leftOver{l.Slot, l.Tree}
		case l.Kept != 0:
			out.kept[l.Kept] = conversation.Key{ID: l.Kept, BucketID: l.Bucket, Leaf: -1, Wrapped: l.Wrapped}
			if k := out.kept[l.Kept]; l.Leaf != nil {
				k.Leaf = *l.Leaf
				out.kept[l.Kept] = k
			}
		}
	}
	return out
}

// leftOf is everything that the ledger ever said is left of a bucket.
func (w *world) leftOf(b id.Bucket) (all []leftOver) {
	w.t.Helper()
	codes, err := w.ledger.Files()
	w.must(err)
	for _, code := range codes {
		if n, ok := w.told(code).now[b]; ok {
			all = append(all, n)
		}
	}
	return all
}

func TestTheLedgerNamesWhatWasDestroyedAndWhereTheSurvivorsAre(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbours := w.store(chat{name: "n1"}, chat{name: "n2"})
		ids, batch := w.expired(10)
		before := w.backup()
		r := w.approved(batch)
		w.hold(ids[9])
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		says := w.told(r.Code)
		if len(says.gone) != 9 || len(says.left) != 1 || says.left[ids[9]] != string(purge.Held) {
			t.Errorf("gone %d, left %v", len(says.gone), says.left)
		}
		for _, c := range ids[:9] {
			if w.count(&conversation.Tombstone{}, "conversation_id = ? AND external_mac = ?", c, says.gone[c]) != 1 {
				t.Errorf("the name of %d is not the tombstone's", c)
			}
		}
		for slot := range says.closed {
			if s, err := w.keys.State(slot); err != nil || s.State != seal.Destroyed {
				t.Errorf("slot %d is %v, %v", slot, s.State, err)
			}
		}
		// The body as a backup has it opens with what the ledger says is left of its bucket.
		with := func(c id.Conversation, says told) error {
			old := before[c]
			if now, ok := says.now[old.key.BucketID]; ok {
				old.key.Slot, old.key.Tree = now.slot, now.tree
			}
			_, err := w.vault.Open(&old.body, &old.key)
			return err
		}
		for _, c := range append(neighbours, ids[9]) {
			if err := with(c, told{}); !errors.Is(err, seal.ErrDestroyed) {
				t.Errorf("with the backup's bucket: %v", err)
			}
			if err := with(c, says); err != nil {
				t.Errorf("with the ledger's: %v", err)
			}
		}
		for _, c := range ids[:9] {
			w.gone("the first purge", before[c])
		}
		if len(says.kept) != 0 || len(says.closed) != 1 || len(says.now) != 1 {
			t.Errorf("%d kept, %d slots, %d buckets", len(says.kept), len(says.closed), len(says.now))
		}

		// A bucket moves on when more is purged from it: the next file knows where to.
		second := w.binned(clock.Time(), "department", neighbours[0])
		clock.Advance(time.Hour)
		r2 := w.approved(second)
		w.toTheEvening(r2)
		w.work()
		w.wantWhole(r2)
		next := w.told(r2.Code)
		if err := with(neighbours[1], says); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("with the first file: %v", err)
		}
		if err := with(neighbours[1], next); err != nil {
			t.Errorf("with the second file: %v", err)
		}
		w.gone("the second purge", before[neighbours[0]])
	})
}

func TestNoKeyIsDestroyedBeforeTheLedgerHasIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{name: "neighbour"})
		_, batch := w.expired(6)
		r := w.approved(batch)
		w.toTheEvening(r)
		file := filepath.Join(w.ledger.Dir, r.Code+".ledger")
		// step does one step and gives its error; the lease then runs out.
		step := func() error {
			t.Helper()
			j, err := job.Claim(w.ctx(), d, "w", []string{purge.JobRun})
			w.must(err)
			if j == nil {
				t.Fatal("no job")
			}
			_, err = w.runner().Step(w.ctx(), j)
			clock.Advance(job.Lease + time.Second)
			return err
		}
		until := func(p purge.Phase) {
			t.Helper()
			for i := 0; w.now(r).Phase != p; i++ {
				if i > 20 {
					t.Fatalf("it stays in phase %s", w.now(r).Phase)
				}
				w.must(step())
			}
		}
		until(purge.PhaseLedger)
		// The folder cannot be made: the purge stands still and says so.
		w.must(os.WriteFile(w.ledger.Dir, nil, 0o600))
		for range 3 {
			_ = step() // the first ones move survivors
			if w.destroyed() != 0 || w.now(r).Phase != purge.PhaseLedger {
				t.Fatal("it went on without the ledger")
			}
		}
		if err := step(); err == nil || !strings.Contains(err.Error(), "outside ledger") {
			t.Errorf("the error: %v", err)
		}
		w.must(os.Remove(w.ledger.Dir))
		until(purge.PhaseKeys)
		whole, err := os.ReadFile(file)
		w.must(err)
		// Damaged, of another purge, without the buckets: no key goes.
		for name, data := range map[string][]byte{
			"cut":     whole[:len(whole)/2],
			"changed": bytes.Replace(whole, []byte(`"closed":"`), []byte(`"closed":"1`), 1),
			"empty":   nil,
		} {
			w.must(os.WriteFile(file, data, 0o600))
			if err := step(); !errors.Is(err, purge.ErrLedgerDamaged) || w.destroyed() != 0 {
				t.Errorf("%s: %v, %d keys destroyed", name, err, w.destroyed())
			}
		}
		// Whole, and ours, but silent about the buckets.
		w.must(os.WriteFile(file, w.silent(whole), 0o600))
		if _, err := w.ledger.Check(r.Code); err != nil {
			t.Fatal(err)
		}
		if err := step(); err == nil || !strings.Contains(err.Error(), "does not name") || w.destroyed() != 0 {
			t.Errorf("silent: %v, %d keys destroyed", err, w.destroyed())
		}
		// Lost: it is written again before anything goes on.
		w.must(os.Remove(file))
		w.must(step())
		if w.destroyed() != 0 || w.now(r).Phase != purge.PhaseLedger {
			t.Errorf("phase %s, %d keys destroyed", w.now(r).Phase, w.destroyed())
		}
		for w.now(r).State != purge.Done {
			w.must(step())
		}
		if _, err := w.ledger.Check(r.Code); err != nil {
			t.Error(err)
		}
		until(purge.PhaseEnd)
		w.wantWhole(r)
	})
}

// silent leaves the buckets out of a file of the ledger, and ends it as whoever has the keys would.
func (w *world) silent(file []byte) []byte {
	var out []byte
	for line := range bytes.Lines(file) {
		if !bytes.HasPrefix(line, []byte(`{"closed":`)) && !bytes.HasPrefix(line, []byte(`{"mac":`)) {
			out = append(out, line...)
		}
	}
	sum := sha256.Sum256(out)
	mac := w.ledger.Keys.MAC("purge ledger", sum[:])
	return fmt.Appendf(out, "{\"mac\":\"%x\"}\n", mac)
}

func TestEveryDamageOfALedgerFileIsSeen(t *testing.T) {
	d, clock := dbtest.New(t)
	w := newWorld(t, d, clock)
	w.store(chat{name: "neighbour"})
	_, batch := w.expired(4)
	r := w.approved(batch)
	w.toTheEvening(r)
	w.work()
	file := filepath.Join(w.ledger.Dir, r.Code+".ledger")
	whole, err := os.ReadFile(file)
	w.must(err)
	damaged := func(what string, data []byte) {
		t.Helper()
		w.must(os.WriteFile(file, data, 0o600))
		if _, err := w.ledger.Check(r.Code); !errors.Is(err, purge.ErrLedgerDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		damaged("a bit", bad)
	}
	for n := range len(whole) {
		damaged("a cut", whole[:n])
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for i := range lines[:len(lines)-1] {
		less := append(append([][]byte{}, lines[:i]...), lines[i+1:]...)
		damaged("a line less", bytes.Join(less, nil))
		twice := append(append(append([][]byte{}, lines[:i]...), lines[i]), lines[i:]...)
		damaged("a line twice", bytes.Join(twice, nil))
	}
	damaged("more at the end", append(bytes.Clone(whole), '\n'))
	w.must(os.WriteFile(file, whole, 0o600))
	if h, err := w.ledger.Check(r.Code); err != nil || h.Purged != 4 || h.Code != r.Code {
		t.Errorf("%+v %v", h, err)
	}
	// Under another name, or by another key store.
	w.must(os.Rename(file, filepath.Join(w.ledger.Dir, "PG-other.ledger")))
	if _, err := w.ledger.Check("PG-other"); !errors.Is(err, purge.ErrLedgerDamaged) {
		t.Errorf("another name: %v", err)
	}
}
