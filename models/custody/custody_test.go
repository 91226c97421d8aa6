package custody_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/custody"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

var cli = account.System("cli", "")

// world is a database with its key store and some conversations.
type world struct {
	t     *testing.T
	d     *db.DB
	clock *dbtest.Clock
	o     seal.Options
	*custody.Keeper
}

func each(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{t: t, d: d, clock: clock, o: seal.Options{Dir: filepath.Join(t.TempDir(), "keys"), Now: clock.Time}}
		s, err := custody.Open(t.Context(), d, w.o)
		w.must(err)
		t.Cleanup(func() { s.Close() })
		w.Keeper = &custody.Keeper{DB: d, Store: s, Folder: t.TempDir()}
		f(w)
	})
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}

// leaves gives the data of the leaves of an action, oldest first.
func (w *world) leaves(action string) (data []map[string]any) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		var leaves []string
		if err := tx.Raw("SELECT leaf FROM audit_leaf WHERE action = ? ORDER BY n", action).Scan(&leaves).Error; err != nil {
			return err
		}
		data = nil
		for _, l := range leaves {
			var leaf map[string]any
			if err := json.Unmarshal([]byte(l), &leaf); err != nil {
				return err
			}
			data = append(data, leaf)
		}
		return nil
	}))
	return data
}

// bucket makes a bucket in a state, with or without a data key in it.
func (w *world) bucket(state int, used bool) uint64 {
	w.t.Helper()
	ids, err := w.Store.NewBuckets(1)
	w.must(err)
	rows := []any{&conversation.Bucket{ID: id.Bucket(ids[0]), DepartmentID: 1, Month: "202601", State: state, CreatedAt: w.clock.Time(), Slot: ids[0]}}
	if used {
		rows = append(rows, &conversation.Key{ID: id.Conversation(1000 + ids[0]), BucketID: id.Bucket(ids[0]), Wrapped: make([]byte, seal.WrappedSize)})
	}
	dbtest.Insert(w.t, w.d, rows...)
	return ids[0]
}

// segment makes the key of a segment of the search index.
func (w *world) segment() uint64 {
	w.t.Helper()
	ids, err := w.Store.NewBuckets(1)
	w.must(err)
	dbtest.Exec(w.t, w.d, "INSERT INTO index_key (bucket_id, state, created_at) VALUES (?, 1, ?)", ids[0], w.clock.Time())
	return ids[0]
}

func (w *world) noHead() {
	w.t.Helper()
	dbtest.Exec(w.t, w.d, "DELETE FROM audit_head")
}

func TestBackupsAreWrittenDownAndEnd(t *testing.T) {
	each(t, func(w *world) {
		for n := range 9 {
			w.must(w.Daily(w.ctx(), cli))
			files, err := filepath.Glob(filepath.Join(w.Folder, "*"))
			w.must(err)
			if want := min(n+1, seal.BackupDays); len(files) != want {
				t.Errorf("day %d: %d files, want %d", n, len(files), want)
			}
			w.clock.Advance(24 * time.Hour)
		}
		leaves := w.leaves("keys.backed_up")
		if len(leaves) != 9 {
			t.Fatalf("%d leaves", len(leaves))
		}
		data := leaves[8]["data"].(map[string]any)
		if made := dbtest.Start.AddDate(0, 0, 8).Format("2006-01-02T15:04:05.000000Z"); data["made_at"] != made || fmt.Sprint(data["removed"]) != "1" {
			t.Errorf("leaf = %v", data)
		}
		st, err := w.Status(w.ctx())
		w.must(err)
		ended := 0
		for _, b := range st.Backups {
			if !b.RemovedAt.IsZero() {
				ended++
			}
		}
		if len(st.Backups) != 9 || ended != 2 || !st.Until.Equal(w.clock.Time().AddDate(0, 0, seal.BackupDays)) {
			t.Errorf("%d backups, %d removed, until %v", len(st.Backups), ended, st.Until)
		}
	})
}

func TestWithoutAFolderNobodyMakesABackupAndTheEndedGo(t *testing.T) {
	each(t, func(w *world) {
		b, err := w.BackUp(w.ctx(), cli, w.t.TempDir())
		w.must(err)
		w.Folder = ""
		w.clock.Set(b.ExpiresAt)
		w.must(w.Daily(w.ctx(), cli))
		if _, err := os.Stat(b.File); !errors.Is(err, os.ErrNotExist) || len(w.leaves("keys.backed_up")) != 1 {
			t.Errorf("the ended backup: %v", err)
		}
	})
}

// A wrong clock (invariant I16) removes no backup; the daily job waits.
func TestAWrongClockEndsNoBackup(t *testing.T) {
	each(t, func(w *world) {
		b, err := w.BackUp(w.ctx(), cli, w.Folder)
		w.must(err)
		w.Clock = &audit.ClockGuard{DB: w.d, Host: w.clock.Time}
		w.must(w.Daily(w.ctx(), cli))
		w.clock.Advance(30 * 24 * time.Hour)
		if err := w.Daily(w.ctx(), cli); !audit.Halted(err) {
			t.Errorf("30 days ahead: %v", err)
		}
		if _, err := os.Stat(b.File); err != nil || len(w.leaves("keys.backed_up")) != 2 {
			t.Errorf("the backup: %v", err)
		}
	})
}

func TestWhatCannotBeWrittenDown(t *testing.T) {
	each(t, func(w *world) {
		b, err := w.BackUp(w.ctx(), cli, w.t.TempDir())
		w.must(err)
		w.noHead()
		if _, err := w.BackUp(w.ctx(), cli, w.Folder); err == nil {
			t.Error("a backup without its leaf")
		}
		files, err := filepath.Glob(filepath.Join(w.Folder, "*"))
		w.must(err)
		if len(files) != 0 {
			t.Errorf("left behind: %v", files)
		}
		done, err := w.Rotate(w.ctx(), cli, nil)
		w.want(err, "keys.rotated_unwritten")
		if done.Epoch != 2 {
			t.Errorf("rotation = %+v: it is in force and has to be told", done)
		}
		_, err = custody.Restore(w.ctx(), w.d, cli, w.o, b.File, nil)
		w.want(err, "keys.backup_root") // nothing was done, so there is nothing to be written down
		w.must(os.RemoveAll(w.o.Dir))
	})
}

func TestOnlyTheSystemTouchesTheKeyStore(t *testing.T) {
	each(t, func(w *world) {
		admin := account.Actor{ID: 1, PersonID: 1, Role: account.Admin, Scope: account.Everywhere()}
		_, err := w.BackUp(w.ctx(), admin, w.Folder)
		w.want(err, "account.forbidden")
		_, err = w.Rotate(w.ctx(), admin, nil)
		w.want(err, "account.forbidden")
		_, err = custody.Restore(w.ctx(), w.d, admin, w.o, "x", nil)
		w.want(err, "account.forbidden")
		if files, err := os.ReadDir(w.Folder); err != nil || len(files) > 0 {
			t.Errorf("%v, %v", files, err)
		}
	})
}

// What the database knows as destroyed does not come back, even when the folder that knew it too is lost.
func TestRestoreAsksTheDatabase(t *testing.T) {
	each(t, func(w *world) {
		live := w.bucket(conversation.BucketOpen, true)
		destroyed := w.bucket(conversation.BucketDestroyed, false) // the purge had not come to it when the backup was made
		empty := w.bucket(conversation.BucketClosing, false)
		closing := w.bucket(conversation.BucketClosing, true)
		segment, scrubbed := w.segment(), w.segment()
		punctured := w.bucket(conversation.BucketOpen, true) // it lies under another slot, and the purge has not come to destroy this one
		fresh, err := w.Store.NewBuckets(1)
		w.must(err)
		dbtest.Exec(w.t, w.d, "UPDATE key_bucket SET slot = ? WHERE id = ?", fresh[0], punctured)
		dbtest.Exec(w.t, w.d, "INSERT INTO purge_bucket (purge_id, bucket_id, state, survivors, slot, moved_to) VALUES (1, ?, 'closed', 1, ?, ?)", punctured, punctured, fresh[0])
		b, err := w.BackUp(w.ctx(), cli, w.t.TempDir())
		w.must(err)
		dbtest.Exec(w.t, w.d, "UPDATE index_key SET state = 2 WHERE bucket_id = ?", scrubbed) // about to be destroyed, or it is
		newer := w.bucket(conversation.BucketOpen, true)
		newest := w.segment()
		root, err := os.ReadFile(filepath.Join(w.o.Dir, "root.key"))
		w.must(err)
		w.must(os.RemoveAll(w.o.Dir))
		w.must(os.MkdirAll(w.o.Dir, 0o700))
		w.must(os.WriteFile(filepath.Join(w.o.Dir, "root.key"), root, 0o600))

		r, err := custody.Restore(w.ctx(), w.d, cli, w.o, b.File, nil)
		w.must(err)
		if r.Brought != 4 || r.Entombed != 4 || r.Missing != (custody.Missing{Buckets: 1, Conversations: 1}) {
			t.Errorf("restored = %+v", r)
		}
		for bucket, want := range map[uint64]seal.State{live: seal.Live, destroyed: seal.Destroyed, empty: seal.Destroyed, closing: seal.Live, punctured: seal.Destroyed, fresh[0]: seal.Live, newer: seal.Damaged, segment: seal.Live, scrubbed: seal.Destroyed, newest: seal.Damaged} {
			if st, err := w.Store.State(bucket); err != nil || st.State != want {
				t.Errorf("bucket %d is %v, %v, want %v", bucket, st.State, err, want)
			}
		}
		w.must(custody.CheckAge(w.ctx(), w.d, w.Store))
		if next := w.bucket(conversation.BucketOpen, false); next <= newest {
			t.Errorf("bucket %d is given out twice", next)
		}
		leaves := w.leaves("keys.restored")
		if len(leaves) != 1 || fmt.Sprint(leaves[0]["data"].(map[string]any)["stay_destroyed"]) != "4" {
			t.Errorf("leaves = %v", leaves)
		}
		w.clock.Set(b.ExpiresAt)
		_, err = custody.Restore(w.ctx(), w.d, cli, w.o, b.File, nil)
		w.want(err, "keys.expired")
	})
}

func TestRotationIsWrittenDown(t *testing.T) {
	each(t, func(w *world) {
		w.bucket(conversation.BucketOpen, true)
		done, err := w.Rotate(w.ctx(), cli, nil)
		w.must(err)
		leaves := w.leaves("keys.rotated")
		if done != (seal.Rotation{Epoch: 2, Rewrapped: 1}) || len(leaves) != 1 || fmt.Sprint(leaves[0]["data"].(map[string]any)["epoch"]) != "2" {
			t.Errorf("%+v, %v", done, leaves)
		}
		_, err = w.Rotate(w.ctx(), cli, make([]byte, 32))
		w.want(err, "keys.root_inside")
		if st, err := w.Status(w.ctx()); err != nil || st.Buckets.Epoch != 2 || st.Buckets.Live != 1 || st.Missing.Buckets != 0 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}
