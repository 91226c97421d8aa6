package drill_test

import (
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// T3: the database is killed in the middle of a purge, again and again. The same worker goes on
// with the same data folder, and nobody restarts it.
func TestTheDatabaseIsKilled(t *testing.T) {
	begin(t)
	server, r := ownMariaDB(t, place(t)), chance(t)
	dsn, err := dbtest.CreateDatabase(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, db.Settings{DSN: dsn}, &site{dsn: dsn, data: place(t)})
	kills := tier(5, 50)
	p := s.plan(tier(6_000, 100_000))[0]
	w := s.start("worker")
	var away time.Duration
	leash := s.next(r, p, kills, kills)
	for n := range kills {
		_, before := s.where(p)
		steps := int64(1 + r.IntN(3))
		wait(t, "a step of the worker", func() bool {
			s.unpause(p)
			_, j := s.where(p)
			return j.Token > 0 && (j.Version > before.Version+steps || leash.strained())
		})
		time.Sleep(between(r, 0, 100*time.Millisecond))
		server.Kill()
		time.Sleep(between(r, 0, 500*time.Millisecond))
		began := time.Now()
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		away += time.Since(began)
		leash.off()
		s.holdAny(r, p)
		if n+1 < kills {
			leash = s.next(r, p, kills-n-1, kills)
		}
		s.hurry(p)
	}
	t.Logf("%d kills, back in %s on average", kills, away/time.Duration(kills))
	wait(t, "the end of the purge", func() bool {
		s.unpause(p)
		return s.over(p)
	})
	if !w.alive() {
		t.Error("the worker ended")
	}
	w.end()
	s.whole(p)
}
