package drill_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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

// killing is one drill; kills and holds are of each purge.
type killing struct {
	on                         func(*testing.T) *site
	purges, size, kills, holds int
	step                       time.Duration // what one may take
}

func (k killing) run(t *testing.T) {
	s, r := k.on(t), chance(t)
	s.plan(slices.Repeat([]int{k.size}, k.purges)...)
	t.Logf("%d times %d conversations", k.purges, k.size)
	s.only()
	phases, kills := map[purge.Phase]int{}, 0
	for _, p := range s.purges {
		s.only(p)
		for n := k.kills; n > 0 && !s.over(p); n-- {
			for i := 0; i < k.holds/k.kills; i++ {
				s.holdAny(r, p)
			}
			phases[k.once(s, r, p, k.pace(s, p, n))]++
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
	if rows := phases[purge.PhaseNone] + phases[purge.PhaseErase]; kills < k.purges*k.kills*3/4 || rows == 0 || rows == kills {
		t.Errorf("%d kills by phase %v, want %d, before and after the rows were erased", kills, phases, k.purges*k.kills)
	}
	s.whole(s.purges...)
}

// pace tells how many lines of the list may be done before the next kill, so that two thirds of the
// kills are spread over the rows and the others over what comes after.
func (k killing) pace(s *site, p *planned, kills int) int {
	r, j := s.where(p)
	switch {
	case !onRows(r.Phase):
		return 0
	case kills <= k.kills/3:
		return past
	}
	return int(r.Size-j.Done) / (kills - k.kills/3)
}

// past is the pace of a kill that waits until all rows are done.
const past = -1

// onRows tells whether rows are still erased in the phase, or will be.
func onRows(p purge.Phase) bool { return p == purge.PhaseErase || p == purge.PhaseNone }

// once runs a worker, lets it do a few steps and kills it at a random instant. Sometimes it
// dies before it has taken the job. It tells in which phase it died.
func (k killing) once(s *site, r *rand.Rand, p *planned, pace int) purge.Phase {
	s.t.Helper()
	w := s.start("worker")
	if r.IntN(10) == 0 {
		time.Sleep(between(r, 0, 300*time.Millisecond))
		w.kill()
		now, _ := s.where(p)
		return now.Phase
	}
	_, before := s.where(p)
	done, steps := before.Done+int64(r.IntN(2*max(0, pace)+1)), int64(1+r.IntN(3))
	wait(s.t, "a step of the worker", func() bool {
		now, j := s.where(p)
		ran := j.Token > before.Token && j.State == job.Running
		if onRows(now.Phase) {
			return pace != past && ran && j.Version > before.Version && j.Done >= done
		}
		return now.Phase == purge.PhaseEnd || ran && j.Version >= before.Version+steps
	})
	time.Sleep(between(r, 0, k.step))
	if r.IntN(3) == 0 {
		s.holdAny(r, p) // while it runs
	}
	w.kill()
	now, _ := s.where(p)
	return now.Phase
}

// holdAny places a hold: mostly on a conversation that the purge has not come to yet.
func (s *site) holdAny(r *rand.Rand, p *planned) {
	s.t.Helper()
	_, j := s.where(p)
	from := 0
	if r.IntN(5) > 0 {
		from = min(int(j.Done), len(p.list)-1)
	}
	s.hold(p, p.list[from+r.IntN(len(p.list)-from)])
}
