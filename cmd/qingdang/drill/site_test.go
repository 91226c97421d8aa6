package drill_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"qingdang/cmd/qingdang/bench"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// site is an installation: the database and folders that the program works on, and the same
// opened by the test. What takes days is done with a clock that stands days ago; the program
// itself has the database's clock.
type site struct {
	t                        *testing.T
	dsn                      string   // the program's; empty: the embedded file
	env                      []string // more of the program's environment
	mute                     bool     // what the program says goes to a disk that is full
	revive                   func()   // starts the server again; nil: it is not ours
	data, keys, listen       string
	clock                    *dbtest.Clock
	then                     *db.DB // at that clock
	now                      *db.DB // at the database's own
	store                    *seal.Store
	vault                    conversation.Vault
	accounts                 *account.Accounts
	department               id.Department // of the supervisor
	agent, supervisor, legal account.Actor
	purges                   []*planned
}

// planned is a purge that is due, and what the test knows of it by itself.
type planned struct {
	*purge.Request
	list   []id.Conversation        // everything that was put into the bin for it
	others []id.Conversation        // between them, which stay
	held   map[id.Conversation]bool // since the purge was due
	backup []copied                 // some rows of a database backup from before
}

// copied is a sealed body with its key as a backup of the database has them.
type copied struct {
	body conversation.Body
	key  conversation.Key
}

var zone = time.FixedZone("UTC+8", 8*60*60)

// newSite makes an installation; direct is the database as the test reaches it, which may be
// another way than the program's.
func newSite(t *testing.T, direct db.Settings, s *site) *site {
	t.Helper()
	s.t = t
	if s.keys == "" {
		s.keys = filepath.Join(s.data, "keys")
	}
	if out, code := s.run("migrate"); code != 0 {
		t.Fatalf("migrate: %s", out)
	}
	s.clock = dbtest.NewClock()
	s.clock.Set(time.Now().Add(-12 * 24 * time.Hour))
	s.now = s.database(direct)
	direct.Clock = s.clock
	s.then = s.database(direct)
	var err error
	s.store, err = seal.OpenStore(seal.Options{Dir: s.keys})
	s.must(err)
	t.Cleanup(func() { s.must(s.store.Close()) })
	accounttest.Use(t, s.then, s.store)
	s.vault, s.accounts = conversation.Vault{Store: s.store}, accounttest.New(t, s.then)
	root, err := (&department.Departments{DB: s.then}).Ensure(s.ctx(), account.System("cli", ""), "云栖优品集团")
	s.must(err)
	s.department = root.ID
	s.agent = accounttest.User(t, s.then, s.accounts, account.Agent, s.department)
	s.supervisor = accounttest.User(t, s.then, s.accounts, account.Supervisor, s.department)
	s.legal = accounttest.User(t, s.then, s.accounts, account.Legal)
	s.agent.Scope, s.supervisor.Scope, s.legal.Scope = account.Everywhere(), account.Everywhere(), account.Everywhere()
	return s
}

// onMaria is an installation on a database of the shared server.
func onMaria(t *testing.T) *site {
	t.Helper()
	return onMariaWith(t, &site{data: place(t)})
}

// onMariaWith is onMaria with folders of the drill's choice.
func onMariaWith(t *testing.T, s *site) *site {
	t.Helper()
	dsn, err := dbtest.CreateDatabase(mariadb(t).DSN)
	if err != nil {
		t.Fatal(err)
	}
	s.dsn = dsn
	return newSite(t, db.Settings{DSN: dsn}, s)
}

// onSQLite is an installation with the embedded file.
func onSQLite(t *testing.T) *site {
	t.Helper()
	data := place(t)
	return newSite(t, db.Settings{File: filepath.Join(data, "qingdang.db")}, &site{data: data})
}

func (s *site) database(settings db.Settings) *db.DB {
	s.t.Helper()
	d, err := db.Open(s.ctx(), settings)
	s.must(err)
	s.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (s *site) ctx() context.Context { return context.WithoutCancel(s.t.Context()) }

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// plan fills the database, takes lists of these sizes through the bin and the consent of
// everybody, and leaves purges that are due now. One conversation in fifty stays behind, so that
// the buckets have survivors; neighbouring lists share buckets.
func (s *site) plan(sizes ...int) []*planned {
	s.t.Helper()
	total := 0
	for _, n := range sizes {
		total += n + n/stays + 1
	}
	s.clock.Set(time.Now().Add(-12 * 24 * time.Hour))
	s.must(bench.Fill(s.ctx(), s.then, s.vault, bench.Shape{Conversations: total, Divisions: 1, Departments: 1, Teams: 3, Months: 3}))
	var all []id.Conversation
	s.must(s.then.Read(s.ctx(), func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Order("id").Pluck("id", &all).Error
	}))
	cast := bench.Cast{Requester: s.agent, Supervisor: s.supervisor, Legal: s.legal, Code: func(_ context.Context, who account.Actor) (string, error) {
		return accounttest.Code(s.t, s.then, who.ID), nil
	}}
	desk := &purge.Desk{DB: s.then, Accounts: s.accounts, Keys: s.store, Zone: zone}
	s.clock.Advance(bin.Keep + 3*24*time.Hour)
	for _, n := range sizes {
		p := &planned{held: map[id.Conversation]bool{}}
		for i, c := range all[:n+n/stays+1] {
			if i%(stays+1) == stays || len(p.list) == n {
				p.others = append(p.others, c)
			} else {
				p.list = append(p.list, c)
			}
		}
		all = all[n+n/stays+1:]
		batch, err := bench.Bin(s.ctx(), s.then, s.store, cast.Requester, s.clock.Time(), p.list)
		s.must(err)
		p.Request, err = bench.Approved(s.ctx(), desk, cast, batch)
		s.must(err)
		if p.Size != int64(n) || !p.DueAt.Before(time.Now()) {
			s.t.Fatalf("%s: %d conversations for %d, due at %s", p.Code, p.Size, n, p.DueAt)
		}
		s.copyRows(p)
		s.clock.Advance(time.Minute) // a one-time code counts once
		s.purges = append(s.purges, p)
	}
	s.believe()
	return s.purges
}

// believe takes the present time for right: to the program, days have passed since the last entry.
func (s *site) believe() {
	s.t.Helper()
	guard := &audit.ClockGuard{DB: s.now}
	why, err := guard.Beat(s.ctx())
	s.must(err)
	if why != "" {
		_, err = guard.Accept(s.ctx(), "drill", "the list was made with a clock of its own")
		s.must(err)
	}
}

// stays is how many conversations go for one that stays between them.
const stays = 50

// copyRows keeps some rows of the list as a database backup has them.
func (s *site) copyRows(p *planned) {
	s.t.Helper()
	var some []id.Conversation
	for i := 0; i < len(p.list); i += max(1, len(p.list)/100) {
		some = append(some, p.list[i])
	}
	s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
		for _, c := range some {
			var row copied
			if err := tx.Where("id = ?", c).Take(&row.body).Error; err != nil {
				return err
			}
			keys, err := conversation.Keys(tx, c)
			if err != nil || len(keys) != 1 {
				return fmt.Errorf("keys of %d: %d, %w", c, len(keys), err)
			}
			row.key = keys[0]
			p.backup = append(p.backup, row)
		}
		return nil
	}))
}

// hold puts one conversation of a purge under a legal hold, now. What a hold covers must still
// be there at the end; one that comes too late is refused.
func (s *site) hold(p *planned, c id.Conversation) bool {
	s.t.Helper()
	holds := &hold.Holds{DB: s.now, Rescue: bin.Rescue, Zone: zone, Vault: s.vault}
	_, err := holds.Place(s.ctx(), s.legal, hold.Order{Name: "案件", Reason: "法院要求保全相关记录", Conversations: []id.Conversation{c}})
	if err != nil {
		return false
	}
	p.held[c] = true
	return true
}

// only lets the queue forget every purge but these for the time being.
func (s *site) only(these ...*planned) {
	s.t.Helper()
	s.from(time.Now().Add(-time.Minute), these...)
}

// from is only with an instant from which the queue knows these.
func (s *site) from(due time.Time, these ...*planned) {
	s.t.Helper()
	var jobs []id.Job
	for _, p := range these {
		jobs = append(jobs, p.JobID)
	}
	for _, p := range s.purges {
		at := due
		if !slices.Contains(jobs, p.JobID) {
			at = time.Now().Add(24 * time.Hour)
		}
		dbtest.Exec(s.t, s.now, "UPDATE job SET run_at = ? WHERE id = ? AND state = 'queued'", db.Instant(at), p.JobID)
	}
}

// hurry lets the time pass for which the queue waits after a worker died or a step failed: the
// leases of workers that are gone and the pauses between attempts.
func (s *site) hurry(p *planned) {
	s.t.Helper()
	past := db.Instant(time.Now().Add(-time.Second))
	dbtest.Exec(s.t, s.now, "UPDATE job SET lease_until = ? WHERE kind = ? AND subject = ? AND state = 'running'", past, purge.JobRun, p.ID)
	s.unpause(p)
}

// unpause is hurry without the leases: workers live, and one that works may have the job's row.
func (s *site) unpause(p *planned) {
	s.t.Helper()
	_, j := s.where(p)
	if j.State == job.Running {
		return
	}
	past := db.Instant(time.Now().Add(-time.Second))
	dbtest.Exec(s.t, s.now, "UPDATE job SET run_at = ? WHERE kind = ? AND subject = ? AND state = 'queued' AND run_at > ?", past, purge.JobRun, p.ID, past)
	if j.Over() {
		// The timer queues it again.
		dbtest.Exec(s.t, s.now, "UPDATE job SET run_at = ? WHERE kind = ? AND state = 'queued' AND run_at > ?", past, purge.JobTimer, past)
	}
}

// where tells how far a purge is.
func (s *site) where(p *planned) (r purge.Request, j job.Job) {
	s.t.Helper()
	s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
		if err := tx.Where("id = ?", p.ID).Take(&r).Error; err != nil {
			return err
		}
		return tx.Where("kind = ? AND subject = ?", purge.JobRun, p.ID).Order("id DESC").Take(&j).Error
	}))
	return r, j
}

// over tells whether a purge is carried out and its certificate sealed.
func (s *site) over(p *planned) bool {
	s.t.Helper()
	r, _ := s.where(p)
	if r.State == purge.Lapsed || r.State == purge.Withdrawn {
		s.t.Fatalf("%s is %s: %s", r.Code, r.State, r.ClosedReason)
	}
	return r.Phase == purge.PhaseEnd
}
