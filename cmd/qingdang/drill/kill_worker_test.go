package drill_test

import (
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
	rows := left > k.kills/3
	most, to := bound(r, was, left, k.kills)
	least, part := was.Purged+was.Skipped, to-was.Purged-was.Skipped
	if !rows {
		least, part = was.Size, 1 // which nobody reaches: as far as it can come
	}
	if r.IntN(3) > 0 && part > 0 { // or its first step is good enough
		least += 1 + r.Int64N(part)
	}
	leash := s.leash(p, most)
	w := s.start("worker")
	var meanwhile sync.WaitGroup
	if early := r.IntN(10) == 0; early && left != k.kills/3 {
		time.Sleep(between(r, 0, 300*time.Millisecond))
	} else {
		k.follow(s, p, before, least, !rows)
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
		s.unpause(p)
		now, j := s.where(p)
		switch {
		case j.State != job.Running, j.ID == before.ID && j.Token == before.Token, past && onRows(now.Phase):
			return false
		case j.Version != version:
			version, since = j.Version, time.Now()
		}
		return now.Purged+now.Skipped >= least || time.Since(since) > nowhere
	})
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
