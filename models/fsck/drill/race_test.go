package drill_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

// windows are the statements behind checks: each waits 2 ms before it is sent, so that somebody
// else can come between.
const windows = "^(UPDATE `(conversation|purge_request|approval|user|bin_batch|bin_item|legal_hold|job)`|INSERT INTO (`?vote`?|hold_item|tombstone|`?purge_item`?)|COMMIT)"

// ground is where two acts meet: a shop with two conversations in a batch and one beside it, and,
// the later the stage, a request for the batch.
type ground struct {
	w            *world
	round        int
	shop         *shop
	first, other id.Conversation // in the batch
	beside       id.Conversation // in the archive
	batch        *bin.Batch
	request      *purge.Request
	supervisor   account.Actor // who approved, one for each ground
	sealed       *subject.Request
}

// The stages of a ground.
const (
	binned  = iota // in the bin, its time over where expired is asked for
	asked          // the supervisor has approved, legal is awaited
	due            // approved, its time has come
	running        // begun
)

func (w *world) ground(round, stage int, expired, release bool) *ground {
	w.t.Helper()
	g := &ground{w: w, round: round, shop: w.shop(3), supervisor: w.second}
	if release {
		h, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "保全", Reason: reason, Conversations: g.shop.ids[2:]})
		w.must(err)
		w.releasing(h)
		w.clock.Advance(hold.Buffer)
	}
	// The third is of another service type and stays.
	b, err := w.bin.Discard(w.ctx(), w.boss, w.draftOf(bin.Scope{Departments: []id.Department{g.shop.dep}, ServiceTypes: []string{"咨询"}}))
	w.must(err)
	g.batch = b
	g.first, g.other, g.beside = g.shop.ids[0], g.shop.ids[1], g.shop.ids[2]
	if stage >= asked {
		g.supervisor = accounttest.User(w.t, w.d, w.accounts, account.Supervisor)
		g.supervisor.Scope = account.Everywhere()
		r, err := w.desk.Request(w.ctx(), w.boss, w.ask(g.batch.ID))
		w.must(err)
		w.vote(r, g.supervisor)
		g.request = r
	}
	if stage >= due {
		w.vote(g.request, w.legal)
		w.clock.Set(*w.now(g.request).DueAt)
	}
	if stage >= running {
		w.must(w.step(w.ctx()))
	}
	if expired {
		w.clock.Advance(7 * day)
	}
	w.clock.Advance(time.Minute)
	return g
}

// racer is an act of the matrix and the stage at which it makes sense.
type racer struct {
	name    string
	stage   int
	expired bool
	release bool                                      // a hold on the one beside is about to be released
	do      func(g *ground, second bool) func() error // second: the other one of a pair of the same
}

var racers = []racer{
	{"bin", binned, false, false, func(g *ground, second bool) func() error {
		by, key := g.w.boss, g.w.key()
		if second {
			by = g.w.second
		}
		return func() error { _, err := g.w.bin.DiscardOne(g.w.ctx(), by, g.beside, reason, key); return err }
	}},
	{"restore", binned, false, false, func(g *ground, second bool) func() error {
		by := g.w.counsel // who may also when its time is over
		if second {
			by = g.w.legal
		}
		return func() error { _, err := g.w.bin.Restore(g.w.ctx(), by, g.batch.ID); return err }
	}},
	{"hold", binned, false, false, func(g *ground, _ bool) func() error {
		order := hold.Order{Name: g.w.key(), Reason: reason, Department: g.shop.dep}
		if g.round%2 == 0 {
			order = hold.Order{Name: g.w.key(), Reason: reason, Conversations: []id.Conversation{g.first, g.beside}}
		}
		return func() error { _, err := g.w.holds.Place(g.w.ctx(), g.w.legal, order); return err }
	}},
	{"release", binned, false, true, func(g *ground, _ bool) func() error { return func() error { return g.w.holds.Tick(g.w.ctx()) } }},
	{"approve", asked, false, false, func(g *ground, second bool) func() error { return g.vote(second, approval.Approve) }},
	{"reject", asked, false, false, func(g *ground, second bool) func() error { return g.vote(!second, approval.Reject) }},
	{"edit the list", asked, false, false, func(g *ground, _ bool) func() error {
		ask := g.w.ask(g.batch.ID)
		return func() error {
			if err := g.w.desk.Withdraw(g.w.ctx(), g.w.boss, g.request.ID, "名单有误，重新提交"); err != nil {
				return err
			}
			_, err := g.w.desk.Request(g.w.ctx(), g.w.boss, ask)
			return err
		}
	}},
	{"disable an approver", asked, false, false, func(g *ground, _ bool) func() error {
		return func() error { return g.w.accounts.DisableUser(g.w.ctx(), g.w.admin, g.supervisor.ID) }
	}},
	{"start", due, false, false, func(g *ground, second bool) func() error { return g.worker(second) }},
	{"batch step", running, false, false, func(g *ground, second bool) func() error { return g.worker(second) }},
	{"auto-clean", binned, true, false, func(g *ground, _ bool) func() error { return func() error { return g.w.desk.Tick(g.w.ctx()) } }},
	{"seal", binned, false, false, func(g *ground, _ bool) func() error {
		by := g.w.lawyer()
		o := subject.Order{Customer: g.shop.customer(), Reason: plea, Code: accounttest.Code(g.w.t, g.w.plain, by.ID)}
		return func() error { _, err := g.w.requests.Place(g.w.ctx(), by, o); return err }
	}},
	{"bin what is sealed", binned, false, false, func(g *ground, second bool) func() error {
		if !second {
			g.sealed = g.w.sealed(g.shop)
		}
		return func() error { return g.w.requests.Settle(g.w.ctx(), g.sealed.ID) }
	}},
	{"import", binned, false, false, func(g *ground, _ bool) func() error {
		grown := []*format.Conversation{g.shop.chat(0, 2)}
		if g.round%2 == 1 {
			grown = append(grown, g.shop.chat(7, 1)) // and a new one
		}
		return func() error { return g.w.adding(grown)(g.w.ctx()) }
	}},
}

// vote is legal's answer, by one of two people.
func (g *ground) vote(second bool, v approval.Verdict) func() error {
	by := g.w.legal
	if second {
		by = g.w.counsel
	}
	b := g.w.ballot(g.request, by)
	b.Verdict = v
	return func() error { _, err := g.w.desk.Vote(g.w.ctx(), by, b); return err }
}

// lateWorker signs what a worker does that has lost the job: nothing may be signed so.
const lateWorker = "late"

// worker does the next step; the second one is a worker that claimed the job before and comes
// back late.
func (g *ground) worker(second bool) func() error {
	if !second {
		return func() error { return g.w.step(g.w.ctx()) }
	}
	j, err := job.Claim(g.w.ctx(), g.w.d, lateWorker, []string{purge.JobRun})
	g.w.must(err)
	g.w.claimable()
	return func() error {
		if j == nil {
			return nil
		}
		late := g.w.runner()
		late.Worker = lateWorker
		_, err := late.Step(g.w.ctx(), j)
		return err
	}
}

// together starts both acts. From round to round the one begins a little earlier or later than
// the other, so that their steps meet in every order.
func together(round int, a, b func() error) (first, second error) {
	const most = 20
	shift := time.Duration(round*7%(2*most+1)-most) * time.Millisecond
	var wg sync.WaitGroup
	wg.Go(func() { time.Sleep(shift); first = a() })
	wg.Go(func() { time.Sleep(-shift); second = b() })
	wg.Wait()
	return first, second
}

// acceptable tells whether an act of a race ended as it may: done, refused with a reason, or
// fenced out.
func acceptable(err error) bool {
	return err == nil || fault.KindOf(err) != fault.None || errors.Is(err, job.ErrFenced)
}

// finish lets whatever was begun come to its end, one way or the other.
func (g *ground) finish() {
	if g.request == nil {
		return
	}
	r := g.w.now(g.request)
	if r.State == purge.CoolingOff {
		g.w.clock.Set(later(*r.DueAt, g.w.clock.Time()))
	}
	if r.State == purge.CoolingOff || r.State.Executing() || r.State.Finished() {
		g.w.claimable()
		g.w.must(g.w.work(g.w.ctx()))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// How often each pair meets: at least leastRounds, in the short tier as often as raceTime lets it,
// at night all.
const (
	leastRounds = 4
	mostRounds  = 50
	allRounds   = 500
	raceTime    = 60 * time.Second
)

// lanes is how many worlds the pairs are shared out to; most of the time they wait.
const lanes = 6

// matrix hands out pairs to lanes, a few rounds of each at a time.
type matrix struct {
	mu       sync.Mutex
	pairs    [][2]racer
	next     int // counts pairs, again and again
	end      time.Time
	outcomes [][4]int
}

func (m *matrix) take() (pair, round int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	round = m.next / len(m.pairs) * leastRounds
	switch {
	case round >= allRounds, !long() && round >= mostRounds:
		return 0, 0, false
	case !long() && m.next >= len(m.pairs) && time.Now().After(m.end):
		return 0, 0, false
	}
	pair = m.next % len(m.pairs)
	m.next++
	return pair, round, true
}

// TestEveryPairOfActsAtTheSameTime lets every two acts of the matrix loose on one shop.
func TestEveryPairOfActsAtTheSameTime(t *testing.T) {
	m := &matrix{end: time.Now().Add(raceTime)}
	for i, a := range racers {
		for _, b := range racers[i:] {
			m.pairs = append(m.pairs, [2]racer{a, b})
		}
	}
	m.outcomes = make([][4]int, len(m.pairs))
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				w := withNeighbour(t, db.MySQL)
				w.faults.Slow(windows, 2*time.Millisecond)
				for pair, round, ok := m.take(); ok; pair, round, ok = m.take() {
					w.race(m, pair, round)
				}
			})
		}
	})
	least := allRounds
	for i, p := range m.pairs {
		o := m.outcomes[i]
		least = min(least, o[0]+o[1]+o[2]+o[3])
		t.Logf("%-20s × %-20s both %d, the first %d, the second %d, neither %d", p[0].name, p[1].name, o[3], o[2], o[1], o[0])
	}
	t.Logf("%d pairs, at least %d rounds each", len(m.pairs), least)
}

// race lets a pair loose for some rounds and then looks for what must never be.
func (w *world) race(m *matrix, pair, from int) {
	w.t.Helper()
	a, b := m.pairs[pair][0], m.pairs[pair][1]
	name := a.name + " × " + b.name
	for round := from; round < from+leastRounds; round++ {
		g := w.ground(round, max(a.stage, b.stage), a.expired || b.expired, a.release || b.release)
		first, second := a.do(g, false), b.do(g, a.name == b.name || bothWork(a, b))
		x, y := together(round, first, second)
		if !acceptable(x) || !acceptable(y) {
			w.t.Errorf("%s, round %d: %v; %v", name, round, x, y)
		}
		m.mu.Lock()
		m.outcomes[pair][both(x == nil, y == nil)]++
		m.mu.Unlock()
		g.finish()
	}
	w.wantNothingForbidden(name)
	if w.t.Failed() {
		w.t.FailNow()
	}
}

func bothWork(a, b racer) bool { return a.stage >= due && b.stage >= due }

func both(a, b bool) (n int) {
	if a {
		n += 2
	}
	if b {
		n++
	}
	return n
}

// forbidden are the outcomes that no order of acts may have, each a query that gives what is
// wrong. What a hold or an approval forbids is told by fsck.
var forbidden = []struct{ name, query string }{
	{"restored and purged", `SELECT p.conversation_id FROM purge_item p JOIN bin_item i ON i.batch_id = p.batch_id AND i.conversation_id = p.conversation_id
		WHERE p.state = 'purged' AND i.state <> 'purged'`},
	{"two certificates", `SELECT purge_id FROM certificate GROUP BY purge_id HAVING COUNT(*) > 1`},
	{"begun twice", `SELECT object FROM audit_leaf WHERE action = 'purge.started' GROUP BY object HAVING COUNT(*) > 1`},
	{"on two lists", `SELECT conversation_id FROM bin_item WHERE state = 'frozen' GROUP BY conversation_id HAVING COUNT(DISTINCT purge_id) <> 1`},
	{"done by a worker that had lost the job", "SELECT object FROM audit_leaf WHERE request_id = '" + lateWorker + "'"},
	{"in two batches", `SELECT conversation_id FROM bin_item WHERE state IN ('pending', 'binned', 'frozen') GROUP BY conversation_id HAVING COUNT(*) > 1`},
	{"purged by the word of somebody disabled", `SELECT p.code FROM purge_request p JOIN vote v ON v.approval_id = p.approval_id
		JOIN audit_leaf off ON off.action = 'account.disabled' AND off.object = v.staff_no
		JOIN audit_leaf gone ON gone.action = 'purge.erased' AND gone.object = p.code AND gone.item_count > 0 AND gone.n > off.n`},
	{"purged though it had gone on", `SELECT p.conversation_id FROM purge_item p JOIN audit_leaf came ON came.action = 'conversation.imported'
		AND came.leaf LIKE CONCAT('%"first":"', p.conversation_id, '"%') JOIN purge_request r ON r.id = p.purge_id
		JOIN audit_leaf froze ON froze.action = 'purge.requested' AND froze.object = r.code AND froze.n < came.n WHERE p.state = 'purged'`},
	{"not under its department's hold", `SELECT c.id FROM conversation c JOIN legal_hold h ON h.department_id = c.department_id AND h.released_at IS NULL
		WHERE NOT EXISTS (SELECT 1 FROM hold_item i WHERE i.hold_id = h.id AND i.conversation_id = c.id)`},
	{"a batch that does not count right", `SELECT b.code FROM bin_batch b WHERE b.moved <> (SELECT COUNT(*) FROM bin_item i WHERE i.batch_id = b.id AND i.state NOT IN ('pending', 'skipped'))`},
	{"frozen for nobody", `SELECT c.id FROM conversation c JOIN bin_item i ON i.conversation_id = c.id AND i.state = 'frozen' JOIN purge_request p ON p.id = i.purge_id
		WHERE p.state IN ('rejected', 'withdrawn', 'lapsed', 'done', 'done_with_exceptions', 'draft')`},
}

func (w *world) wantNothingForbidden(name string) {
	w.t.Helper()
	for _, f := range w.found(false) {
		w.t.Errorf("%s: %s", name, f)
	}
}

// found names what is forbidden and there; deep, it opens every body too.
func (w *world) found(deep bool) (out []string) {
	w.t.Helper()
	w.must(w.plain.Read(w.ctx(), func(tx *db.Tx) error {
		out = nil
		for _, f := range forbidden {
			var objects []string
			if err := tx.Raw(f.query).Scan(&objects).Error; err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			for _, o := range objects {
				out = append(out, f.name+": "+o)
			}
		}
		return nil
	}))
	r, err := w.checker.Run(w.ctx(), deep)
	w.must(err)
	for _, f := range r.Findings {
		out = append(out, f.String())
	}
	return out
}
