package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// marks makes the names of marks different, so that an item that was marked twice
// would be counted twice.
var marks atomic.Int64

// items is a job that marks items 1…total, a few in each step.
type items struct {
	d     *db.DB
	total int64
	batch int64
	inTx  func() error // called inside each step's transaction, at its end
}

func (r items) Step(ctx context.Context, j *Job) (done bool, err error) {
	err = r.d.Write(ctx, func(tx *db.Tx) error {
		last := min(j.Pos+r.batch, r.total)
		for i := j.Pos + 1; i <= last; i++ {
			if err := tx.Exec("INSERT INTO setting (name, value) VALUES (?, '')", fmt.Sprintf("item-%d-%d-%d", j.Subject, i, marks.Add(1))).Error; err != nil {
				return err
			}
		}
		if err := Advance(tx, j, last, last); err != nil {
			return err
		}
		if done = last == r.total; done {
			if err := Finish(tx, j); err != nil {
				return err
			}
		}
		if r.inTx != nil {
			return r.inTx()
		}
		return nil
	})
	return done, err
}

type settingRow struct{ Name string }

func (settingRow) TableName() string { return "setting" }

func marked(t *testing.T, d *db.DB) int64 {
	t.Helper()
	return dbtest.Count(t, d, &settingRow{}, "name LIKE 'item-%'")
}

func enqueue(t *testing.T, d *db.DB, n New) id.Job {
	t.Helper()
	var j id.Job
	err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
		j, err = Enqueue(tx, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func find(t *testing.T, d *db.DB, j id.Job) *Job {
	t.Helper()
	var out *Job
	err := d.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) (err error) {
		out, err = Find(tx, j)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func claim(t *testing.T, d *db.DB, owner string, kinds ...string) *Job {
	t.Helper()
	j, err := Claim(t.Context(), d, owner, kinds)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestClaimTakesWhatIsDueLongest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		now := clock.Time()
		late := enqueue(t, d, New{Kind: "purge", RunAt: now.Add(time.Hour)})
		second := enqueue(t, d, New{Kind: "purge"})
		first := enqueue(t, d, New{Kind: "purge", RunAt: now.Add(-time.Second)})
		enqueue(t, d, New{Kind: "export", RunAt: now.Add(-time.Hour)})
		for _, want := range []id.Job{first, second} {
			j := claim(t, d, "w1", "purge")
			if j == nil || j.ID != want || j.State != Running || j.Token != 1 || j.Owner != "w1" || !j.LeaseUntil.Equal(now.Add(Lease)) {
				t.Fatalf("got %+v, want job %d", j, want)
			}
		}
		if j := claim(t, d, "w1", "purge"); j != nil {
			t.Fatalf("nothing is due, but %+v was given out", j)
		}
		clock.Set(now.Add(time.Hour - time.Microsecond))
		for range 2 { // the leases of the first two have run out
			claim(t, d, "w2", "purge")
		}
		if j := claim(t, d, "w2", "purge"); j != nil {
			t.Fatalf("given out a microsecond early: %+v", j)
		}
		clock.Advance(time.Microsecond)
		if j := claim(t, d, "w2", "purge"); j == nil || j.ID != late {
			t.Fatalf("got %+v, want job %d", j, late)
		}
		if j := claim(t, d, "w2"); j != nil {
			t.Fatal("a worker without kinds was given a job")
		}
	})
}

// What waits for its time is not at work; what waits a little after a failure is.
func TestAtWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		cooling := enqueue(t, d, New{Kind: "purge", RunAt: clock.Time().Add(time.Hour)})
		failing := enqueue(t, d, New{Kind: "again"})
		if err := Fail(t.Context(), d, claim(t, d, "w", "again"), errors.New("the key store does not answer")); err != nil {
			t.Fatal(err)
		}
		enqueue(t, d, New{Kind: "timer"})
		round := claim(t, d, "w", "timer")
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return Every(tx, round, time.Hour) }); err != nil {
			t.Fatal(err)
		}
		running := enqueue(t, d, New{Kind: "export"})
		claim(t, d, "w", "export")
		due := enqueue(t, d, New{Kind: "import"})
		atWork := func() (ids []id.Job) {
			t.Helper()
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				page, err := List(tx, Filter{Kinds: []string{"purge", "again", "timer", "export", "import"}, AtWork: true, Size: 9})
				for _, j := range page.Jobs {
					ids = append(ids, j.ID)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		if got, want := atWork(), []id.Job{due, running, failing}; !slices.Equal(got, want) {
			t.Errorf("%v are at work, want %v", got, want)
		}
		clock.Advance(time.Hour)
		if got := atWork(); !slices.Contains(got, cooling) {
			t.Errorf("%v are at work an hour later, without %d", got, cooling)
		}
	})
}

// The rows of ARCHITECTURE's table "the process dies …, … and afterwards".
func TestAWorkerMayDieAtAnyInstant(t *testing.T) {
	errDied := errors.New("power cut")
	const total, batch = 12, 5
	tests := []struct {
		name       string
		dieInTx    int // the step whose transaction does not commit, from 1; 0 = none
		dieAfter   int // steps that commit before the process dies
		wantMarked int64
	}{
		{"before its first step commits", 1, 0, 0},
		{"after the first commit", 0, 1, 5},
		{"before the second step commits", 2, 1, 5},
		{"after the second commit", 0, 2, 10},
		{"before the last step commits", 3, 2, 10},
		{"after the last commit", 0, 3, 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				jobID := enqueue(t, d, New{Kind: "purge", Total: total})
				j := claim(t, d, "w1", "purge")
				step := 0
				r := items{d: d, total: total, batch: batch, inTx: func() error {
					if step++; step == tt.dieInTx {
						return errDied
					}
					return nil
				}}
				for range tt.dieAfter {
					if _, err := r.Step(t.Context(), j); err != nil {
						t.Fatal(err)
					}
					j = find(t, d, jobID)
				}
				if tt.dieInTx > 0 {
					if _, err := r.Step(t.Context(), j); !errors.Is(err, errDied) {
						t.Fatal(err)
					}
				}
				zombie := j
				if n := marked(t, d); n != tt.wantMarked {
					t.Fatalf("%d items are marked after death, want %d", n, tt.wantMarked)
				}
				whole := items{d: d, total: total, batch: batch}
				work := func(owner string) {
					t.Helper()
					if err := Work(t.Context(), d, owner, map[string]Runner{"purge": whole}, Options{Once: true}); err != nil {
						t.Fatal(err)
					}
				}
				clock.Advance(Lease - time.Microsecond)
				work("w2")
				if n := marked(t, d); n != tt.wantMarked {
					t.Fatal("the lease was not respected")
				}
				clock.Advance(time.Microsecond)
				if over := find(t, d, jobID).Over(); !over {
					late := claim(t, d, "w2", "purge")
					if late == nil {
						t.Fatal("the lease ran out, but nobody could take the job")
					}
					if _, err := whole.Step(t.Context(), zombie); !errors.Is(err, ErrFenced) {
						t.Fatalf("the dead worker woke up and was let through: %v", err)
					}
					if n := marked(t, d); n != tt.wantMarked {
						t.Fatalf("the dead worker changed something: %d", n)
					}
					clock.Advance(Lease)
					work("w3")
				}
				if got := find(t, d, jobID); got.State != Done || got.Done != total || marked(t, d) != total {
					t.Fatalf("%+v, %d items marked", got, marked(t, d))
				}
				for _, late := range []func(tx *db.Tx) error{
					func(tx *db.Tx) error { return Finish(tx, zombie) },
					func(tx *db.Tx) error { return Advance(tx, zombie, 0, 0) },
					func(tx *db.Tx) error { return Again(tx, zombie, tx.Now) },
				} {
					if err := d.Write(t.Context(), late); !errors.Is(err, ErrFenced) {
						t.Errorf("the dead worker touched a finished job: %v", err)
					}
				}
				if err := Fail(t.Context(), d, zombie, errDied); !errors.Is(err, ErrFenced) {
					t.Errorf("the dead worker failed a finished job: %v", err)
				}
			})
		})
	}
}

func TestFourWorkersDoEachJobOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const jobs, total = 6, 20
		for i := range jobs {
			enqueue(t, d, New{Kind: "purge", Subject: uint64(i + 1), Total: total})
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				r := map[string]Runner{"purge": items{d: d, total: total, batch: 3}}
				if err := Work(t.Context(), d, fmt.Sprintf("w%d", w), r, Options{Once: true}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := dbtest.Count(t, d, &Job{}, "state = ? AND done = ? AND token = 1", Done, total); n != jobs || marked(t, d) != jobs*total {
			t.Errorf("%d jobs done, %d items marked", n, marked(t, d))
		}
	})
}

// One job, four workers that all claim as fast as they can while the lease runs out under every
// third step: whoever loses the token must leave nothing behind.
func TestALeaseThatRunsOutUnderAWorkerFencesItOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		const total = 40
		jobID := enqueue(t, d, New{Kind: "purge", Total: total})
		var wg sync.WaitGroup
		var mu sync.Mutex
		fenced := 0
		for w := range 4 {
			wg.Go(func() {
				r := items{d: d, total: total, batch: 1}
				for range 400 {
					j, err := Claim(t.Context(), d, fmt.Sprintf("w%d", w), []string{"purge"})
					if err != nil {
						t.Error(err)
						return
					}
					for done, n := false, 1; j != nil && !done; n++ {
						if n%3 == 0 {
							clock.Advance(Lease + time.Second)
							time.Sleep(20 * time.Millisecond) // the others may take it meanwhile
						}
						if done, err = r.Step(t.Context(), j); errors.Is(err, ErrFenced) {
							mu.Lock()
							fenced++
							mu.Unlock()
							break
						} else if err != nil {
							t.Error(err)
							return
						}
						next := find(t, d, jobID)
						if next.Token != j.Token {
							break
						}
						j = next
					}
					if find(t, d, jobID).Over() {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		got := find(t, d, jobID)
		if got.State != Done || marked(t, d) != total {
			t.Errorf("%+v, %d items", got, marked(t, d))
		}
		t.Logf("%d claims, %d fenced out", got.Token, fenced)
	})
}

func TestFailureWaitsLongerEachTimeAndThenGivesUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		jobID := enqueue(t, d, New{Kind: "purge"})
		var waits []string
		for range mostAttempts {
			j := claim(t, d, "w", "purge")
			if j == nil {
				t.Fatal("not given out")
			}
			if err := Fail(t.Context(), d, j, errors.New("the key store does not answer")); err != nil {
				t.Fatal(err)
			}
			j = find(t, d, jobID)
			if j.State == Queued {
				wait := j.RunAt.Sub(clock.Time())
				waits = append(waits, wait.String())
				clock.Advance(wait)
			}
		}
		j := find(t, d, jobID)
		if fmt.Sprint(waits) != "[5s 10s 20s 40s 1m20s 2m40s 5m20s]" || j.State != Failed || j.FinishedAt == nil || j.Error != "the key store does not answer" {
			t.Errorf("waits %v, %+v", waits, j)
		}
		if claim(t, d, "w", "purge") != nil {
			t.Error("a failed job was given out")
		}
	})
}

func TestWhatWaitingWillNotCureFailsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		tests := []struct {
			name  string
			cause error
			want  State
		}{
			{"a hold", fmt.Errorf("step: %w", fault.Conflict("purge.held")), Failed},
			{"too much at once", fault.Busy("export.busy"), Queued},
			{"a broken connection", errors.New("broken pipe"), Queued},
		}
		for i, tt := range tests {
			kind := fmt.Sprint("k", i)
			jobID := enqueue(t, d, New{Kind: kind})
			r := RunnerFunc(func(context.Context, *Job) (bool, error) { return false, tt.cause })
			if err := Work(t.Context(), d, "w", map[string]Runner{kind: r}, Options{Once: true}); err != nil {
				t.Fatal(err)
			}
			if j := find(t, d, jobID); j.State != tt.want || !strings.Contains(j.Error, tt.cause.Error()) {
				t.Errorf("%s: %+v", tt.name, j)
			}
		}
	})
}

func TestAJobThatKillsItsWorkersIsGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		jobID := enqueue(t, d, New{Kind: "purge"})
		claims := 0
		for range 20 {
			if claim(t, d, "w", "purge") != nil {
				claims++
			}
			clock.Advance(Lease)
		}
		if j := find(t, d, jobID); claims != mostAttempts || j.State != Failed || j.Error == "" {
			t.Errorf("%d claims, %+v", claims, j)
		}
	})
}

func TestProgressRenewsTheLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		jobID := enqueue(t, d, New{Kind: "purge"})
		j := claim(t, d, "w1", "purge")
		for range 4 {
			clock.Advance(Lease - time.Second)
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				return errors.Join(Advance(tx, j, 1, 1), Total(tx, j, 7), Remark(tx, j, "第 2 步"))
			}); err != nil {
				t.Fatal(err)
			}
			if stolen := claim(t, d, "w2", "purge"); stolen != nil {
				t.Fatalf("taken from a worker that makes progress: %+v", stolen)
			}
		}
		if j := find(t, d, jobID); j.Total != 7 || j.Note != "第 2 步" || j.Pos != 1 || j.Attempts != 0 {
			t.Errorf("%+v", j)
		}
	})
}
