package db_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

type setting struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

func TestWriteStoresAllOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Create(&setting{"a", "1"}).Error; err != nil {
				return err
			}
			return errors.New("changed my mind")
		})
		if err == nil || dbtest.Count(t, d, &setting{}) != 0 {
			t.Errorf("err = %v, %d rows left; want an error and none", err, dbtest.Count(t, d, &setting{}))
		}
	})
}

func TestWhatComesToNothingIsClearedAway(t *testing.T) {
	tests := []struct {
		name string
		do   func(tx *db.Tx) error
		want int
	}{
		{"committed", func(tx *db.Tx) error { return tx.Create(&setting{"a", "1"}).Error }, 0},
		{"an error of the caller's", func(*db.Tx) error { return errors.New("changed my mind") }, 1},
		{"a failed statement that nobody looked at", func(tx *db.Tx) error { tx.Create(&setting{"a", "2"}); return nil }, 1},
		{"a panic", func(*db.Tx) error { panic("oh") }, 1},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for _, tt := range tests {
			cleared := 0
			func() {
				defer func() { _ = recover() }()
				_ = d.Write(t.Context(), func(tx *db.Tx) error {
					tx.OnRollback(func() { cleared++ })
					return tt.do(tx)
				})
			}()
			if cleared != tt.want {
				t.Errorf("%s: cleared away %d times, want %d", tt.name, cleared, tt.want)
			}
		}
	})
}

func TestFirstErrorPoisonsTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		dbtest.Insert(t, d, &setting{"a", "1"})
		var later error
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.Create(&setting{"b", "1"})
			tx.Create(&setting{"a", "2"}) // a duplicate, and the caller forgets to look
			later = tx.Create(&setting{"c", "1"}).Error
			return nil
		})
		if !errors.Is(later, db.ErrPoisoned) || !errors.Is(err, db.ErrPoisoned) || !db.Duplicate(err) {
			t.Errorf("later = %v, err = %v; want both poisoned by the duplicate", later, err)
		}
		if n := dbtest.Count(t, d, &setting{}); n != 1 {
			t.Errorf("%d rows, want the first only", n)
		}
	})
}

func TestProtectedChangeNeedsALeaf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		change := func(tx *db.Tx) error { return tx.Exec("DELETE FROM conversation_key WHERE id = 1").Error }
		if err := d.Write(t.Context(), change); !errors.Is(err, db.ErrUnaudited) {
			t.Errorf("err = %v, want ErrUnaudited", err)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error { tx.MarkAudited(); return change(tx) })
		if err != nil {
			t.Errorf("an audited change was refused: %v", err)
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Create(&setting{"a", "1"}).Error })
		if err == nil || dbtest.Count(t, d, &setting{}) != 0 {
			t.Errorf("a read-only transaction stored a row (err = %v)", err)
		}
	})
}

func TestSerialHasNoGapsAndNoTwins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var mu sync.Mutex
		seen := map[int]bool{}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					n, err := db.Serial(tx, "SC", "20261122")
					if err != nil {
						return err
					}
					if i%5 == 0 {
						return errors.New("given up")
					}
					mu.Lock()
					seen[n] = true
					mu.Unlock()
					return nil
				})
				if (err != nil) != (i%5 == 0) {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		for n := 1; n <= 16; n++ {
			if !seen[n] {
				t.Errorf("number %d was never given; got %v", n, seen)
			}
		}
	})
}

func TestInstantsSurviveStorage(t *testing.T) {
	type instant struct {
		ID   int
		Seen time.Time
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		dbtest.Exec(t, d, "CREATE TABLE instant (id INTEGER PRIMARY KEY, seen "+map[string]string{db.SQLite: "DATETIME", db.MySQL: "DATETIME(6)"}[d.Engine()]+" NOT NULL)")
		t.Cleanup(func() { dbtest.Exec(t, d, "DROP TABLE instant") })
		clock.Set(time.Date(2026, 2, 28, 15, 59, 59, 123456789, time.UTC))
		whole := time.Date(2026, 2, 28, 15, 59, 59, 0, time.UTC)
		var got []instant
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.Create(&instant{1, tx.Now})
			tx.Create(&instant{2, whole.In(time.FixedZone("", 8*3600))})
			return tx.Where("seen < ?", tx.Now).Or("seen = ?", tx.Now).Order("seen").Find(&got).Error
		})
		if err != nil || len(got) != 2 || got[0].ID != 2 || !got[0].Seen.Equal(whole) || !got[1].Seen.Equal(clock.Time().Truncate(time.Microsecond)) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestRowLocksMakeWritersWait(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		dbtest.Insert(t, d, &setting{"n", "0"})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					var s setting
					if err := tx.ForUpdate().Where("name = ?", "n").Take(&s).Error; err != nil {
						return err
					}
					return tx.Model(&setting{}).Where("name = ?", "n").Update("value", s.Value+"x").Error
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := dbtest.Count(t, d, &setting{}, "value = ?", "0xxxxxxxxxx"); n != 1 {
			t.Error("an update was lost")
		}
	})
}
