package purge_test

import (
	"testing"
	"time"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

const day = 24 * time.Hour

// guarded wires the clock guard as the program does: the machine's clock is the database's, set apart by
// what the test says.
func (w *world) guarded() (apart *time.Duration) {
	apart = new(time.Duration)
	w.desk.Clock = &audit.ClockGuard{DB: w.d, Host: func() time.Time { return w.clock.Time().Add(*apart) }}
	w.beat()
	return apart
}

func (w *world) beat() {
	w.t.Helper()
	_, err := w.desk.Clock.Beat(w.ctx())
	w.must(err)
}

// round lets a worker do all that is due, as the program runs it.
func (w *world) round() {
	w.t.Helper()
	runners := map[string]job.Runner{purge.JobRun: w.runner(), purge.JobTimer: &purge.Timer{Desk: w.desk}}
	w.must(job.Work(w.ctx(), w.d, "worker-1", runners, job.Options{Once: true, Waits: audit.Halted, Timers: []job.New{{Kind: purge.JobTimer}}}))
}

func (w *world) left(ids []id.Conversation) int64 {
	return w.count(&conversation.Conversation{}, "id IN ?", ids)
}

func (w *world) entries(action string) int64 {
	w.t.Helper()
	var n int64
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT COUNT(*) FROM audit_leaf WHERE action = ?", action).Scan(&n).Error
	}))
	return n
}

// T8: around the end of the bin window, to the second, over leap days and ends of months.
func TestNothingIsPurgedASecondBeforeItsTime(t *testing.T) {
	for _, from := range []time.Time{
		time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC),
		time.Date(2028, 2, 24, 15, 59, 59, 999999000, time.UTC), // over 29 February
		time.Date(2027, 2, 25, 16, 0, 0, 0, time.UTC),           // over 28 February
		time.Date(2026, 12, 29, 15, 59, 59, 0, time.UTC),        // over New Year in China
		time.Date(2027, 3, 26, 0, 30, 0, 0, time.UTC),           // over Europe's change of the hour
		time.Date(2026, 8, 31, 23, 59, 59, 1000, time.UTC),      // from the end of a month
	} {
		t.Run(from.Format("2006-01-02"), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				clock.Set(from)
				w := newWorld(t, d, clock)
				w.guarded()
				ids := w.store(w.chats(4)...)
				end := clock.Time().Add(bin.Keep)
				if end.Sub(from) != 7*day {
					t.Fatalf("the window is %v", end.Sub(from))
				}
				batch := w.binned(end, bin.ScopeDepartment, ids...)
				ask := w.ask(batch)
				ask.AtOnce = true
				r, err := w.desk.Request(w.ctx(), w.agent, ask)
				w.must(err)
				for _, by := range []int{0, 1} {
					voter := w.supervisor
					if by == 1 {
						voter = w.legal
					}
					ballot := w.ballot(r, voter)
					ballot.AgreeAtOnce = true
					r, err = w.desk.Vote(w.ctx(), voter, ballot)
					w.must(err)
					clock.Advance(30 * time.Second)
				}
				w.walk(end.Add(-time.Second))
				w.round()
				if n := w.left(ids); n != 4 || w.now(r).State != purge.CoolingOff {
					t.Fatalf("a second early: %d left, %s", n, w.now(r).State)
				}
				clock.Set(end.Add(-time.Microsecond))
				w.beat()
				w.round()
				if n := w.left(ids); n != 4 {
					t.Fatalf("a microsecond early: %d left", n)
				}
				clock.Set(end.Add(time.Second))
				w.beat()
				w.round()
				if n := w.left(ids); n != 0 {
					t.Errorf("a second late: %d left, %s", n, w.now(r).State)
				}
				w.wantWhole(r)
			})
		})
	}
}

// walk moves the clock as time does, with beats.
func (w *world) walk(to time.Time) {
	w.t.Helper()
	for w.clock.Time().Before(to) {
		w.clock.Set(minTime(to, w.clock.Time().Add(40*time.Hour)))
		w.beat()
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// T8: back 1 h, ahead 30 d, a machine that disagrees. Nothing is destroyed, drafted or asked for by a wrong
// clock; the job says why; when the clock is right again it goes on, not before its time.
func TestJobsStandStillWhileTheClockIsWrong(t *testing.T) {
	tests := []struct {
		name  string
		wrong func(w *world, apart *time.Duration)
		right func(w *world, apart *time.Duration)
		why   string
	}{
		{
			"an hour back", func(w *world, _ *time.Duration) { w.clock.Advance(-time.Hour) },
			func(w *world, _ *time.Duration) { w.clock.Advance(time.Hour) }, "clock.halted_back",
		},
		{
			"30 days ahead", func(w *world, _ *time.Duration) { w.clock.Advance(30 * day) },
			func(w *world, _ *time.Duration) { w.clock.Advance(-30 * day) }, "clock.halted_ahead",
		},
		{
			"the machine disagrees", func(_ *world, apart *time.Duration) { *apart = 5 * time.Minute },
			func(_ *world, apart *time.Duration) { *apart = 0 }, "clock.halted_host",
		},
	}
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		for i, tt := range tests {
			outer.Run(tt.name, func(t *testing.T) {
				clock.Set(dbtest.Start.AddDate(0, 6*i, 0))
				dbtest.Exec(t, d, "DELETE FROM clock_beat")
				w := newWorld(outer, d, clock)
				w.t = t
				apart := w.guarded()
				ids, batch := w.expiredAs(tt.name, 6)
				r := w.approved(batch)
				halted := w.entries("clock.halted")
				// One purge stands at its beginning, one in the middle.
				w.walk(*r.DueAt)
				more, second := w.expiredAs(tt.name+" more ", 6)
				run := w.runner()
				run.Chunk = 2
				w.steps(r, run, 2)
				w.beat()
				draftable := w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: tt.name + " draft"})...)
				half := w.left(ids)
				tt.wrong(w, apart)
				for range 3 {
					w.beat()
					w.round()
				}
				if w.left(ids) != half || w.left(more) != 6 || w.count(&purge.Batch{}, "batch_id = ?", draftable) != 0 {
					t.Errorf("%d and %d left, want %d and 6; %d drafts", w.left(ids), w.left(more), half, w.count(&purge.Batch{}, "batch_id = ?", draftable))
				}
				if n := w.entries("clock.halted") - halted; n != 1 {
					t.Errorf("%d entries say so", n)
				}
				j := w.jobOf(r)
				if j.Over() || j.Error != tt.why || j.Attempts > 1 {
					t.Errorf("the job: %s %q after %d attempts", j.State, j.Error, j.Attempts)
				}
				// Nor does a person set a deadline by it.
				if _, err := w.desk.Vote(w.ctx(), w.supervisor, w.ballot(w.request(w.agent, second), w.supervisor)); fault.KindOf(err) != fault.KindBusy {
					t.Errorf("a vote: %v", err)
				}
				tt.right(w, apart)
				w.beat()
				w.beat()
				w.clock.Advance(job.Lease) // of the step that was under way
				w.beat()
				w.round()
				w.wantWhole(r)
				if w.left(ids) != 0 || w.left(more) != 6 {
					t.Errorf("afterwards %d and %d left", w.left(ids), w.left(more))
				}
				if n := w.count(&purge.Batch{}, "batch_id = ?", draftable); n != 1 {
					t.Errorf("%d drafts afterwards", n)
				}
			})
		}
	})
}

func (w *world) jobOf(r *purge.Request) *job.Job {
	w.t.Helper()
	var j *job.Job
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) { j, err = job.Of(tx, purge.JobRun, uint64(r.ID)); return err }))
	return j
}

// A console that was off for a week waits for one confirmation, and no more.
func TestAfterAWeekOffOnePersonConfirms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.guarded()
		ids, batch := w.expired(4)
		r := w.approved(batch)
		clock.Set(r.DueAt.Add(5 * day))
		w.beat()
		w.round()
		if w.left(ids) != 4 {
			t.Fatal("it went on by itself")
		}
		if _, err := w.desk.Clock.Accept(w.ctx(), "李华", "机房停电一周，已核对时间"); err != nil {
			t.Fatal(err)
		}
		w.beat()
		w.round()
		if w.left(ids) != 0 || w.entries("clock.halted") != 1 || w.entries("clock.accepted") != 1 {
			t.Errorf("%d left, %d halts, %d confirmations", w.left(ids), w.entries("clock.halted"), w.entries("clock.accepted"))
		}
	})
}

// The zones of the machine, of the server's session and of the program change nothing: deadlines are instants.
func TestZonesOfMachineAndSessionChangeNoDeadline(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	for _, where := range []string{"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Apia"} {
		place, err := time.LoadLocation(where)
		if err != nil {
			t.Fatal(err)
		}
		time.Local = place
		t.Run(where, zonesChangeNothing)
	}
}

func zonesChangeNothing(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			d := dbtest.Open(t, engine, nil)
			guard := &audit.ClockGuard{DB: d}
			stored := time.Now().Add(bin.Keep)
			b := bin.Batch{
				Code: "SC-1", RequestKey: "zone-key", State: bin.Done, Kind: "batch", OwnerName: "主管", Scope: "{}", ScopeKind: bin.ScopeDepartment,
				Reason: "到期清理", Residue: "[]", Excluded: "{}", Fingerprint: make([]byte, 32), KeepUntil: db.Instant(stored), CreatedAt: db.Instant(time.Now()),
			}
			dbtest.Insert(t, d, &b)
			for _, zone := range []string{"+08:00", "-11:00", "+00:00"} {
				for range 4 { // whichever connection of the pool comes
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						if engine == db.SQLite {
							return nil
						}
						return tx.Exec("SET time_zone = ?", zone).Error
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				err := guard.Write(t.Context(), d, func(tx *db.Tx) error {
					if off := time.Since(tx.Now); off > time.Minute || off < -time.Minute {
						t.Errorf("session %s: off by %v", zone, off)
					}
					var early []id.Batch
					if err := tx.Model(&bin.Batch{}).Where("keep_until <= ?", tx.Now.Add(7*day-time.Minute)).Pluck("id", &early).Error; err != nil {
						return err
					}
					var late []id.Batch
					if err := tx.Model(&bin.Batch{}).Where("keep_until <= ?", tx.Now.Add(7*day+time.Minute)).Pluck("id", &late).Error; err != nil {
						return err
					}
					if len(early) != 0 || len(late) != 1 {
						t.Errorf("session %s: %d a minute early, %d a minute late", zone, len(early), len(late))
					}
					var again bin.Batch
					if err := tx.Where("id = ?", b.ID).Take(&again).Error; err != nil || !again.KeepUntil.Equal(b.KeepUntil) {
						t.Errorf("session %s: read %v, want %v, %v", zone, again.KeepUntil, b.KeepUntil, err)
					}
					return nil
				})
				if err != nil {
					t.Errorf("session %s: %v", zone, err)
				}
			}
		})
	}
}
