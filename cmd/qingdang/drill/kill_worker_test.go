package drill_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// T1: the worker is killed at random instants of purges, and holds are placed while it is down
// and while it runs.
func TestTheWorkerIsKilled(t *testing.T) {
	begin(t)
	for name, drill := range map[string]killing{
		"sqlite": {on: onSQLite, purges: tier(1, 2), size: tier(3_000, 20_000), kills: tier(8, 40), holds: 16, step: 20 * time.Millisecond},
		"mysql":  {on: onMaria, purges: 5, size: tier(5_000, 100_000), kills: tier(10, 100), holds: tier(20, 100), step: 100 * time.Millisecond},
	} {
		t.Run(name, drill.run)
	}
}

// killing is one drill; kills and holds are of each purge. Two thirds of the kills are spread over the rows and the
// others over what comes after. A leash sees to it that none comes too late, so their number is certain.
type killing struct {
	on                         func(*testing.T) *site
	purges, size, kills, holds int
	step                       time.Duration // what one usually takes
}

func (k killing) run(t *testing.T) {
	s, r := k.on(t), chance(t)
	s.plan(slices.Repeat([]int{k.size}, k.purges)...)
	t.Logf("%d times %d conversations", k.purges, k.size)
	s.only()
	phases, kills := map[purge.Phase]int{}, 0
	for _, p := range s.purges {
		s.only(p)
		for n := k.kills; n > 0; n-- {
			for i := 0; i < k.holds/k.kills; i++ {
				s.holdAny(r, p)
			}
			phases[k.kill(s, r, p, n)]++
			kills++
			s.hurry(p)
		}
		w := s.start("worker")
		wait(t, "the end of "+p.Code, func() bool {
			s.unpause(p)
			return s.over(p)
		})
		w.end()
	}
	held := 0
	for _, p := range s.purges {
		held += len(p.held)
	}
	t.Logf("%d kills, by phase %v; %d conversations held meanwhile", kills, phases, held)
	if rows := phases[purge.PhaseNone] + phases[purge.PhaseErase]; phases[purge.PhaseEnd] > 0 || rows < k.purges || rows > kills-k.purges {
		t.Errorf("%d kills by phase %v, want some of each purge before and some after the rows were erased, none after its end", kills, phases)
	}
	s.whole(s.purges...)
}

// kill runs a worker and kills it at a random instant, when so many kills are left of the purge with this one. It tells
// in which phase the worker died.
func (k killing) kill(s *site, r *rand.Rand, p *planned, left int) purge.Phase {
	s.t.Helper()
	was, before := s.where(p)
	all, rows := k.kills-k.kills/3, left-k.kills/3 // kills on rows, and how many are left of them
	least, part, most := was.Size, int64(1), fmt.Sprintf("NEW.phase = '%s'", k.end(r, was.Phase, left))
	if rows > 0 {
		least = was.Purged + was.Skipped
		to := was.Size * int64(all-rows+1) / int64(all+1)
		part = to - least
		most = fmt.Sprintf("NEW.purged + NEW.skipped > %d", to)
	}
	if r.IntN(3) > 0 && part > 0 { // or its first step is good enough
		least += 1 + r.Int64N(part)
	}
	leash := s.leash(p, most)
	w := s.start("worker")
	var meanwhile sync.WaitGroup
	if early := r.IntN(10) == 0; early && rows != 0 {
		time.Sleep(between(r, 0, 300*time.Millisecond))
	} else {
		k.follow(s, p, before, least, rows <= 0)
		if c := s.any(r, p); r.IntN(3) == 0 {
			meanwhile.Go(func() { s.hold(p, c) }) // it may have to wait for the worker's death
		}
		time.Sleep(between(r, 0, k.step))
	}
	w.kill()
	leash.off()
	meanwhile.Wait()
	now, _ := s.where(p)
	return now.Phase
}

// nowhere is how long a worker gets nowhere before it is killed all the same.
const nowhere = 300 * time.Millisecond

// follow waits until a worker has the purge and has done at least so many rows, or has got nowhere for a while: it is slow
// or at the end of its leash. Past means that it must have come past the rows.
func (k killing) follow(s *site, p *planned, before job.Job, least int64, past bool) {
	s.t.Helper()
	version, since := int64(-1), time.Now()
	wait(s.t, "a step of the worker", func() bool {
		now, j := s.where(p)
		switch {
		case j.State != job.Running:
			s.unpause(p)
			return false
		case j.ID == before.ID && j.Token == before.Token, past && onRows(now.Phase):
			return false
		case j.Version != version:
			version, since = j.Version, time.Now()
		}
		return now.Purged+now.Skipped >= least || time.Since(since) > nowhere
	})
}

// end is the phase that a worker must not come to: one of those after the rows, the later the fewer kills are left.
func (k killing) end(r *rand.Rand, now purge.Phase, left int) purge.Phase {
	after := []purge.Phase{purge.PhaseLedger, purge.PhaseKeys, purge.PhaseVerify, purge.PhaseFile, purge.PhaseEnd}
	n := k.kills / 3
	at := (n-left)*4/n + r.IntN(2)
	return after[1+min(3, max(at, slices.Index(after, now)))]
}

// onRows tells whether rows are still erased in the phase, or will be.
func onRows(p purge.Phase) bool { return p == purge.PhaseErase || p == purge.PhaseNone }

// holdAny places a hold: mostly on a conversation that the purge has not come to yet.
func (s *site) holdAny(r *rand.Rand, p *planned) {
	s.t.Helper()
	s.hold(p, s.any(r, p))
}

// any is a conversation of a purge, mostly one that it has not come to yet.
func (s *site) any(r *rand.Rand, p *planned) id.Conversation {
	s.t.Helper()
	_, j := s.where(p)
	from := 0
	if r.IntN(5) > 0 {
		from = min(int(j.Done), len(p.list)-1)
	}
	return p.list[from+r.IntN(len(p.list)-from)]
}
