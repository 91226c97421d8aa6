package drill_test

import (
	"database/sql"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// leash keeps a worker from committing what goes further than it may, however fast it is: a transaction that wants to
// hangs in a trigger, with nearly everything done but its end, until the worker is gone. So a drill disturbs as often
// as it wants to on every machine, and what it waits for comes.
type leash struct {
	s    *site
	lock *sql.DB // has what the trigger on a server waits for
}

// leash holds a purge back from what makes a condition of its row true.
func (s *site) leash(p *planned, so string) *leash {
	s.t.Helper()
	l := &leash{s: s}
	so = fmt.Sprintf("NEW.id = %d AND (%s)", p.ID, so)
	if s.now.Engine() == db.SQLite {
		// It counts for hours.
		dbtest.Exec(s.t, s.now, "CREATE TRIGGER leash AFTER UPDATE ON purge_request WHEN "+so+
			" BEGIN SELECT COUNT(*) FROM purge_item a, purge_item b, purge_item c; END")
		return l
	}
	dsn, err := mysql.ParseDSN(s.dsn)
	s.must(err)
	dsn.Params = nil // it is silent for long
	l.lock, err = sql.Open("mysql", dsn.FormatDSN())
	s.must(err)
	l.lock.SetMaxOpenConns(1)
	var got sql.NullInt64
	s.must(l.lock.QueryRowContext(s.ctx(), "SELECT GET_LOCK(DATABASE(), 60)").Scan(&got))
	if got.Int64 != 1 {
		s.t.Fatal("somebody else has the leash")
	}
	dbtest.Exec(s.t, s.now, "CREATE TRIGGER leash AFTER UPDATE ON purge_request FOR EACH ROW IF "+so+" THEN DO GET_LOCK(DATABASE(), 3600); END IF")
	return l
}

// off ends it after the worker's death. What hung finds then that nobody waits for it, and is undone.
func (l *leash) off() {
	l.s.t.Helper()
	if l.lock != nil {
		l.s.must(l.lock.Close())
	}
	dbtest.Exec(l.s.t, l.s.now, "DROP TRIGGER leash")
}
