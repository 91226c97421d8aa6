package drill_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"qingdang/models/job"
)

// T6: four workers at once on one purge. Whoever has it is stopped past the end of its lease, and
// goes on later as if nothing had been.
func TestAWorkerIsStoppedPastItsLease(t *testing.T) {
	begin(t)
	s, r := onMaria(t), chance(t)
	// The server ends a transaction whose program is silent; here after seconds.
	s.dsn += "?wait_timeout=3"
	stops := tier(4, 40)
	p := s.plan(tier(5_000, 60_000))[0]
	var workers []*program
	for range 4 {
		workers = append(workers, s.start("worker"))
	}
	leash := s.next(r, p, stops, stops)
	for n := range stops {
		var late *program
		sure := n == 0 || r.IntN(2) == 0 // it is in the middle of a transaction
		wait(t, "a worker with the purge", func() bool {
			s.unpause(p)
			_, j := s.where(p)
			late = holder(workers, j)
			return late != nil && (!sure || leash.strained())
		})
		time.Sleep(between(r, 0, 60*time.Millisecond))
		late.signal(syscall.SIGSTOP)
		leash.off() // when the server has ended what hung
		if n+1 < stops {
			leash = s.next(r, p, stops-n-1, stops)
		}
		s.hurry(p)
		wait(t, "another worker to take the purge over", func() bool {
			s.unpause(p)
			_, j := s.where(p)
			now := holder(workers, j)
			return s.over(p) || now != nil && now != late
		})
		late.signal(syscall.SIGCONT)
	}
	wait(t, "the end of the purge", func() bool {
		s.unpause(p)
		return s.over(p)
	})
	fenced := 0
	for _, w := range workers {
		w.end()
		fenced += strings.Count(w.said.String(), "job lost")
	}
	t.Logf("%d stops, %d steps fenced out", stops, fenced)
	if fenced == 0 {
		t.Errorf("%d stops, no step fenced out: nobody came late", stops)
	}
	s.whole(p)
}

// holder gives the worker that has the job, by the number of its process in the owner's name.
func holder(workers []*program, j job.Job) *program {
	for _, w := range workers {
		if j.State == job.Running && strings.HasSuffix(j.Owner, fmt.Sprintf("-%d", w.cmd.Process.Pid)) {
			return w
		}
	}
	return nil
}
