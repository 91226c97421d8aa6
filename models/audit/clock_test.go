package audit

import (
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

// wall is a machine's clock that the test moves apart from the database's.
type wall struct {
	clock *dbtest.Clock
	apart time.Duration
}

func (w *wall) now() time.Time { return w.clock.Time().Add(w.apart) }

func beat(t *testing.T, g *ClockGuard) string {
	t.Helper()
	why, err := g.Beat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return why
}

// trusted gives what a transaction that would destroy something is told.
func trusted(t *testing.T, g *ClockGuard) string {
	t.Helper()
	err := g.Write(t.Context(), g.DB, func(*db.Tx) error { return nil })
	if err == nil {
		return ""
	}
	f, ok := fault.Of(err)
	if !ok || !Halted(err) || f.Kind != fault.KindBusy {
		t.Fatal(err)
	}
	return f.Key
}

func clockLeaves(t *testing.T, d *db.DB) (acts []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Model(&leafRow{}).Where("action IN ?", clockActs).Order("n").Pluck("action", &acts).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

func TestAClockThatIsWrongIsNotTrusted(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name         string
		jump, apart  time.Duration // of both clocks together, and of the machine's against the database's
		want         string
		acceptable   bool
		backAgain    time.Duration // the jump that makes it right
		entries, own int           // clock entries after being right again, and after being accepted
	}{
		{"a minute later", time.Minute, 0, "", false, 0, 0, 0},
		{"a second back", -time.Second, 0, "", false, 0, 0, 0},
		{"more than a second back", -time.Second - time.Microsecond, 0, HaltBack, true, time.Second, 2, 2},
		{"an hour back", -time.Hour, 0, HaltBack, true, time.Hour, 2, 2},
		{"48 hours off", 2 * day, 0, "", false, 0, 0, 0},
		{"48 hours and a moment", 2*day + time.Microsecond, 0, HaltAhead, true, -2 * day, 2, 2},
		{"a week off", 7 * day, 0, HaltAhead, true, -7 * day, 2, 2},
		{"30 days ahead", 30 * day, 0, HaltAhead, true, -30 * day, 2, 2},
		{"a minute apart", time.Minute, time.Minute, "", false, 0, 0, 0},
		{"the machine is ahead", time.Minute, time.Minute + time.Microsecond, HaltHost, false, 0, 2, 0},
		{"the machine is behind", time.Minute, -time.Minute - time.Microsecond, HaltHost, false, 0, 2, 0},
	}
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		for _, tt := range tests {
			outer.Run(tt.name, func(t *testing.T) {
				for _, accept := range []bool{false, true} {
					dbtest.Exec(t, d, "DELETE FROM clock_beat")
					dbtest.Exec(t, d, "DELETE FROM audit_leaf")
					dbtest.Exec(t, d, "DELETE FROM audit_node")
					dbtest.Exec(t, d, "UPDATE audit_head SET size = 0, edge = '', last_at = NULL")
					clock.Set(dbtest.Start)
					machine := &wall{clock: clock}
					g := &ClockGuard{DB: d, Host: machine.now}
					appendMany(t, d, 1)
					if why := beat(t, g); why != "" || trusted(t, g) != "" {
						t.Fatalf("at first: %s", why)
					}
					clock.Advance(tt.jump)
					machine.apart = tt.apart
					said := ""
					if tt.want != "" {
						said = "clock.halted_" + tt.want
					}
					if got := trusted(t, g); got != said {
						t.Fatalf("told %q, want %q", got, said)
					}
					for range 3 { // it is written down once
						if why := beat(t, g); why != tt.want {
							t.Errorf("beat: %q, want %q", why, tt.want)
						}
						appendMany(t, d, 1) // what is not destructive goes on, and changes nothing
					}
					if got := trusted(t, g); got != said {
						t.Errorf("after other acts: %q, want %q", got, said)
					}
					if tt.want == "" {
						continue
					}
					var c Clock
					if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { c, err = ClockOf(tx); return err }); err != nil || c.Halted != tt.want || c.HaltedAt.IsZero() {
						t.Errorf("remembered: %+v %v", c, err)
					}
					if accept {
						acceptClock(t, g, tt.acceptable)
						if !tt.acceptable {
							continue
						}
					} else {
						clock.Advance(tt.backAgain)
						machine.apart = 0
						for range 2 { // the first may still look at an entry of the wrong time
							beat(t, g)
						}
					}
					if got := trusted(t, g); got != "" || beat(t, g) != "" {
						t.Errorf("right again (accept=%v): %q", accept, got)
					}
					want := tt.entries
					if accept {
						want = tt.own
					}
					if acts := clockLeaves(t, d); len(acts) != want {
						t.Errorf("accept=%v: %v", accept, acts)
					}
					back, err := backwards(t, d)
					if err != nil || len(back) != 0 {
						t.Errorf("accept=%v: unexplained steps %v, %v", accept, back, err)
					}
				}
			})
		}
	})
}

func backwards(t *testing.T, d *db.DB) (back []int64, err error) {
	t.Helper()
	err = d.Read(t.Context(), func(tx *db.Tx) (err error) { back, err = Backwards(tx, 5); return err })
	return back, err
}

func acceptClock(t *testing.T, g *ClockGuard, may bool) {
	t.Helper()
	for _, who := range [][2]string{{"", "机房停电一周"}, {"李华", "停电"}} {
		if _, err := g.Accept(t.Context(), who[0], who[1]); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("accepted by %q for %q: %v", who[0], who[1], err)
		}
	}
	_, err := g.Accept(t.Context(), "李华", "机房停电一周，已核对时间")
	if may && err != nil || !may && fault.KindOf(err) != fault.KindConflict {
		t.Errorf("accept: %v", err)
	}
	if !may {
		return
	}
	if _, err := g.Accept(t.Context(), "李华", "机房停电一周，已核对时间"); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("accepted twice: %v", err)
	}
}

func TestALogThatShrankUnderTheProgramIsNotTrusted(t *testing.T) {
	d, clock := dbtest.New(t)
	g := &ClockGuard{DB: d, Host: (&wall{clock: clock}).now}
	appendMany(t, d, 5)
	before := takeSnapshot(t, d)
	appendMany(t, d, 5)
	if got := trusted(t, g); got != "" {
		t.Fatal(got)
	}
	before.restore(t, d)
	if got := trusted(t, g); got != "clock.halted_"+HaltLog {
		t.Errorf("%q", got)
	}
	if (*ClockGuard)(nil).Check(nil) != nil {
		t.Error("no guard must let everything pass")
	}
}

func TestALeafIsNeverOlderThanTheOneBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l := newLog(t, d)
		appendMany(t, d, 3)
		clock.Advance(-time.Minute) // a transaction that waited a minute for the head
		appendMany(t, d, 1)
		clock.Advance(2 * time.Minute)
		appendMany(t, d, 1)
		if back, err := backwards(t, d); err != nil || len(back) != 0 {
			t.Errorf("%v %v", back, err)
		}
		clock.Advance(-time.Hour)
		appendMany(t, d, 2)
		if back, err := backwards(t, d); err != nil || len(back) != 1 || back[0] != 5 {
			t.Errorf("an hour back: %v %v", back, err)
		}
		if r := check(t, l); !r.OK {
			t.Errorf("%+v", r)
		}
	})
}

// uptime is a time that only runs on, moved by the test.
type uptime struct{ up time.Duration }

func (u *uptime) running() time.Duration { return u.up }

// pass lets time pass by the clock and truly.
func (u *uptime) pass(clock *dbtest.Clock, d time.Duration) {
	u.up += d
	clock.Advance(d)
}

func TestAClockThatRunsAheadOfTimeIsNotTrusted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		machine, up := &wall{clock: clock}, &uptime{up: time.Hour}
		process := func() *ClockGuard { return &ClockGuard{DB: d, Host: machine.now, Up: up.running} }
		appendMany(t, d, 1)
		console, worker := process(), process()
		all := func(want string) {
			t.Helper()
			said := ""
			if want != "" {
				said = "clock.halted_" + want
			}
			for i, g := range []*ClockGuard{console, worker, process()} {
				if got := beat(t, g); got != want {
					t.Errorf("beat %d: %q, want %q", i, got, want)
				}
				if got := trusted(t, g); got != said {
					t.Errorf("guard %d: %q, want %q", i, got, said)
				}
			}
		}
		all("")
		up.pass(clock, 40*time.Hour) // it slept, or the database was away
		all("")
		clock.Advance(time.Hour) // summer time in a machine that sets its clock by it
		all("")
		clock.Advance(time.Hour + time.Second)
		all(HaltJump)
		appendMany(t, d, 1)
		up.pass(clock, 3*time.Hour)
		all(HaltJump)
		clock.Advance(-time.Hour - time.Second)
		beat(t, console) // an entry of the wrong time stands before it
		if got := beat(t, console); got != "" {
			t.Errorf("right again: %q", got)
		}
		all("")
		clock.Advance(47 * time.Hour)
		all(HaltJump)
		acceptClock(t, process(), true)
		all("")
		back, err := backwards(t, d)
		if err != nil || len(back) != 0 {
			t.Errorf("unexplained steps %v, %v", back, err)
		}
	})
}

func TestUptimeRunsOn(t *testing.T) {
	up := Uptime()
	a := up()
	if b := up(); b < a {
		t.Errorf("%v after %v", b, a)
	}
}
