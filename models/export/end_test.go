package export_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/seal"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

var errDied = errors.New("power cut")

// dying is a writer that dies in the middle of a conversation; what it wrote so far is on the disk.
func dying(after int) func(file.Format, io.Writer, file.Options) (file.Writer, error) {
	n := 0
	return func(_ file.Format, w io.Writer, _ file.Options) (file.Writer, error) {
		return plainWith(func() {
			// Much more than age buffers, so that blocks do reach the disk before the end.
			_, _ = w.Write(bytes.Repeat([]byte(canary+" "+phone+"\n"), 8000))
			if n++; n > after {
				panic(errDied)
			}
		})("", w, file.Options{})
	}
}

// The process dies at any instant of the making: nothing that can be read lies in the folder, and the
// next worker makes it whole.
func TestAWorkerMayDieInTheMiddleOfAPart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 7)
		for die := range 7 {
			e := w.ask(w.supervisor, w.wish())
			real := w.desk.New
			w.desk.New = dying(die)
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(errDied) {
						panic(p)
					}
				}()
				for {
					if err := w.steps(1); err != nil {
						t.Error(err)
					}
				}
			}()
			w.desk.New = real
			if len(w.shelf()) == 0 {
				t.Fatal("the dead worker left nothing, so this proves nothing")
			}
			for _, name := range w.shelf() {
				if info, err := os.Stat(filepath.Join(w.desk.Dir, name)); err != nil || info.Size() < 64<<10 {
					t.Fatalf("%s is too short to prove anything: %v", name, err)
				}
			}
			if w.planted(w.desk.Dir) {
				t.Fatal("what the dead worker left can be read")
			}
			w.clock.Advance(job.Lease)
			w.work()
			if e = w.now(e); e.State != export.Ready || e.Written != 7 || len(w.shelf()) != e.Parts {
				t.Fatalf("after death in conversation %d: %s, %d written, shelf %v", die, e.State, e.Written, w.shelf())
			}
			if said := text(w.fetch(w.supervisor, e)); strings.Count(said, `"external_id"`)+strings.Count(said, `"Code"`) != 7 {
				t.Error("it is not whole")
			}
			if len(w.shelf()) != 0 {
				t.Errorf("left: %v", w.shelf())
			}
		}
		// The control: the same texts in a file that nobody sealed are found.
		dir := t.TempDir()
		w.must(os.WriteFile(filepath.Join(dir, "x"), []byte("…"+canary), 0o600))
		if !w.planted(dir) {
			t.Error("the search finds nothing at all")
		}
	})
}

// A worker that lost the job to another commits nothing, and its file goes.
func TestAWorkerThatLostItsLeaseLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 4)
		e := w.ask(w.supervisor, w.wish())
		w.must(w.steps(2))
		j, err := job.Claim(w.ctx(), w.d, "slow", []string{export.JobRun})
		w.must(err)
		// While the slow one writes its part, its lease ends and another finishes everything.
		once := true
		w.desk.New = plainWith(func() {
			if once {
				once = false
				w.clock.Advance(2 * job.Lease)
				w.work()
			}
		})
		_, err = w.desk.Runner().Step(w.ctx(), j)
		if !errors.Is(err, job.ErrFenced) {
			t.Errorf("the slow one was let through: %v", err)
		}
		if e = w.now(e); e.State != export.Ready || e.Written != 4 || len(w.shelf()) != 2 {
			t.Errorf("%s, %d written, %v", e.State, e.Written, w.shelf())
		}
		w.fetch(w.supervisor, e)
	})
}

// After its end an old copy of the file and of the database, together with the key store of now, open
// nothing; with the key store of then they did.
func TestTheEndOfAnExportIsTheEndOfItsKey(t *testing.T) {
	ends := map[string]func(w *world, e *export.Export){
		"expired": func(w *world, e *export.Export) {
			w.clock.Set(e.ExpiresAt.Add(-time.Microsecond))
			w.must(w.desk.Sweep(w.ctx()))
			if w.now(e).State != export.Ready {
				w.t.Error("ended a microsecond early")
			}
			w.clock.Advance(time.Microsecond)
			_, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
			w.wantFault(err, "export.gone_expired")
			w.must(w.desk.Sweep(w.ctx()))
		},
		"recalled": func(w *world, e *export.Export) {
			w.must(w.desk.Recall(w.ctx(), w.legal, e.ID, "会话将彻底删除"))
			_, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
			w.wantFault(err, "export.gone_recalled")
			w.wantFault(w.desk.Recall(w.ctx(), w.legal, e.ID, "会话将彻底删除"), "export.over")
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.store(w.east, 2)
				e := w.ready(w.supervisor, w.wish())
				old := map[string][]byte{}
				for _, n := range w.shelf() {
					b, err := os.ReadFile(filepath.Join(w.desk.Dir, n))
					w.must(err)
					old[n] = b
				}
				kept := t.TempDir()
				w.must(os.CopyFS(kept, os.DirFS(w.keyDir)))
				w.must(os.Chmod(filepath.Join(kept, "root.key"), 0o600))
				end(w, e)
				after := w.now(e)
				if string(after.State) != name || after.KeyGoneAt == nil || after.Secret != nil || len(w.shelf()) != 0 {
					t.Fatalf("%+v, shelf %v", after, w.shelf())
				}
				if n := w.count(&conversation.Bucket{}, "id = ? AND state = ?", e.BucketID, conversation.BucketDestroyed); n != 1 {
					t.Error("the register of keys does not know")
				}
				if got := w.opens(w.keys, e, old); got != 0 {
					t.Errorf("%d parts open still", got)
				}
				then, err := seal.OpenStore(seal.Options{Dir: kept})
				w.must(err)
				defer then.Close()
				if got := w.opens(then, e, old); got != len(old) || got == 0 {
					t.Errorf("control: %d of %d parts open with the key store of then", got, len(old))
				}
			})
		})
	}
}

// opens counts the parts that somebody with an old row, old files and a key store can read.
func (w *world) opens(s *seal.Store, e *export.Export, files map[string][]byte) (n int) {
	w.t.Helper()
	secret, err := s.Open(uint64(e.BucketID), seal.AAD{Kind: 1, Record: uint64(e.ID), Version: 1}, seal.Sealed{Body: e.Secret, Wrapped: e.SecretKey})
	if err != nil {
		return 0
	}
	key, err := age.ParseX25519Identity(string(secret))
	w.must(err)
	for _, b := range files {
		r, err := age.Decrypt(bytes.NewReader(b), key)
		w.must(err)
		plain, err := io.ReadAll(r)
		w.must(err)
		if bytes.Contains(plain, []byte(canary)) {
			n++
		}
	}
	return n
}

func TestWhoMayEndAnExport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		w.store(w.north, 1)
		e := w.ready(w.supervisor, w.wish())
		w.wantFault(w.desk.Recall(w.ctx(), w.agent, e.ID, "不再需要了"), "export.not_found")
		w.wantFault(w.desk.Recall(w.ctx(), w.second, e.ID, "不再需要了"), "export.not_found")
		w.wantFault(w.desk.Recall(w.ctx(), w.legal, e.ID, " "), "export.reason_needed")
		w.wantFault(w.desk.Cancel(w.ctx(), w.supervisor, e.ID), "export.over")
		w.must(w.desk.Recall(w.ctx(), w.supervisor, e.ID, "不再需要了"))
		// One that the worker has, and one that waits.
		e = w.ask(w.supervisor, w.wish())
		w.must(w.steps(3))
		w.wantFault(w.desk.Cancel(w.ctx(), w.legal, e.ID), "export.not_yours")
		w.must(w.desk.Cancel(w.ctx(), w.supervisor, e.ID))
		if e = w.now(e); e.State != export.Cancelled || e.KeyGoneAt == nil || len(w.shelf()) != 0 {
			t.Errorf("%+v, shelf %v", e, w.shelf())
		}
		w.clock.Advance(job.Lease)
		w.work()
		wish := w.wish()
		wish.Mask = export.MaskNone
		e = w.ask(w.legal, wish)
		w.must(w.desk.Cancel(w.ctx(), w.legal, e.ID))
		if e = w.now(e); e.State != export.Cancelled {
			t.Errorf("%s", e.State)
		}
		page, err := w.desk.List(w.ctx(), w.legal, export.Query{Size: 10})
		w.must(err)
		if page.Total != 3 || page.OnShelf != 0 {
			t.Errorf("%+v", page)
		}
		page, err = w.desk.List(w.ctx(), w.second, export.Query{Size: 10})
		w.must(err)
		if page.Total != 0 {
			t.Errorf("a supervisor sees %d of others", page.Total)
		}
	})
}

func TestHoldingNamesEveryCopy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 2), w.store(w.north, 1)...)
		holding := func(c ...id.Conversation) (held []export.Held) {
			t.Helper()
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
				held, err = export.Holding(tx, tx.Table("conversation").Where("id IN ?", c).Select("id"))
				return err
			}))
			return held
		}
		if len(holding(ids...)) != 0 {
			t.Error("exports out of nothing")
		}
		shelf := w.ready(w.supervisor, w.wish())
		fetched := w.ready(w.second, w.wish()) // 华东 only
		w.fetch(w.second, fetched)
		broken := w.ready(w.supervisor, w.wish())
		w.must(w.desk.Recall(w.ctx(), w.supervisor, broken.ID, "不再需要了"))
		got := holding(ids...)
		if len(got) != 2 || got[0].Code != shelf.Code || got[0].Conversations != 3 || got[0].OutOfReach() || !got[0].ExpiresAt.Equal(*shelf.ExpiresAt) ||
			got[1].Code != fetched.Code || got[1].Conversations != 2 || !got[1].OutOfReach() || got[1].OwnerName != w.second.Name {
			t.Errorf("%+v", got)
		}
		if got := holding(ids[2]); len(got) != 1 || got[0].Code != shelf.Code {
			t.Errorf("%+v", got)
		}
		w.clock.Set(*shelf.ExpiresAt)
		w.must(w.desk.Sweep(w.ctx()))
		if got := holding(ids...); len(got) != 1 || got[0].Code != fetched.Code {
			t.Errorf("after the end: %+v", got)
		}
	})
}

// What a crash between the key store and the database left is put in order, and stray files go.
func TestSweepPutsInOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		dead := w.ready(w.supervisor, w.wish())
		w.must(w.keys.Destroy(uint64(dead.BucketID)))
		_, err := w.desk.Prepare(w.ctx(), w.supervisor, dead.ID)
		w.must(err) // what is on the shelf looks whole: the key is not opened yet
		sent := w.ready(w.supervisor, w.wish())
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, sent.ID)
		w.must(err)
		_, err = w.desk.Download(w.ctx(), w.supervisor, sent.ID, g.Token, g.Passphrase)
		w.must(err) // and the process dies before it sends a byte
		live := w.ready(w.supervisor, w.wish())
		stray := filepath.Join(w.desk.Dir, "EX-20200101-001-1-XYZ.part")
		w.must(os.WriteFile(stray, []byte("x"), 0o600))
		past := w.clock.Time().Add(-2 * time.Hour)
		w.must(os.Chtimes(stray, past, past))
		w.must(w.desk.Sweep(w.ctx()))
		if now := w.now(dead); now.State != export.Failed || now.ClosedReason != "export.key_lost" {
			t.Errorf("%s %s", now.State, now.ClosedReason)
		}
		if _, err := os.Stat(stray); !os.IsNotExist(err) {
			t.Error("the stray file is there")
		}
		w.clock.Advance(7 * time.Hour)
		w.must(w.desk.Sweep(w.ctx()))
		if now := w.now(sent); now.State != export.Fetched || now.KeyGoneAt == nil {
			t.Errorf("%+v", now)
		}
		if n := len(w.shelf()); n != live.Parts {
			t.Errorf("%d files on the shelf", n)
		}
		w.fetch(w.supervisor, live)
		failed := w.ask(w.supervisor, w.wish())
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'failed' WHERE id = ?", failed.JobID)
		w.must(w.desk.Sweep(w.ctx()))
		if now := w.now(failed); now.State != export.Failed {
			t.Errorf("%s", now.State)
		}
	})
}

// A part that was changed or lost on the shelf is not given out.
func TestADamagedShelfGivesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		e := w.ready(w.supervisor, w.wish())
		name := filepath.Join(w.desk.Dir, w.shelf()[0])
		b, err := os.ReadFile(name)
		w.must(err)
		b[len(b)-1] ^= 1
		w.must(os.WriteFile(name, b, 0o600))
		_, err = w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.damaged")
		w.must(os.Remove(name))
		_, err = w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.damaged")
		if w.wrote("export.download_refused", e.Code, "refused") != 2 {
			t.Error("not written down")
		}
	})
}

// A form that is sent twice asks once, and nobody else's form gives somebody an export.
func TestOneFormAsksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 1)
		wish := w.wish()
		a, b := w.ask(w.supervisor, wish), w.ask(w.supervisor, wish)
		if a.ID != b.ID || w.count(&export.Export{}) != 1 {
			t.Error("asked twice")
		}
		_, err := w.desk.Ask(w.ctx(), w.second, wish)
		w.wantFault(err, "export.form_stale")
		g, err := w.desk.Get(w.ctx(), w.supervisor, a.ID)
		w.must(err)
		if g.Selection.Kind != export.OfQuery || g.FetchRefused == nil || g.CancelRefused != nil || g.Ahead != 0 {
			t.Errorf("%+v", g)
		}
	})
}
