package drill_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/templates"
)

// soakVariable asks for the soak and says how long it lasts, as Go writes durations: QINGDANG_SOAK=3m.
const soakVariable = "QINGDANG_SOAK"

// T20: people read and bin, legal places holds and purges run for half an hour, while workers, the console and the
// database are killed and the network misbehaves at random. Afterwards everything is whole, each act happened exactly
// once, and outside the faults fewer than one answer in a hundred was an error.
func TestSoak(t *testing.T) {
	begin(t)
	d := soakTime(t)
	s := newSoak(t, d)
	var people sync.WaitGroup
	stop := make(chan struct{})
	for _, p := range s.readers {
		people.Go(func() { s.read(p, stop) })
	}
	people.Go(func() { s.bin(stop) })
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.quiet(between(s.r, 2*time.Second, 6*time.Second))
		f := s.faults[s.r.IntN(len(s.faults))]
		s.times[f.name]++
		f.do()
		s.heal()
	}
	close(stop)
	people.Wait()
	s.finish()
}

func soakTime(t *testing.T) time.Duration {
	t.Helper()
	said := os.Getenv(soakVariable)
	switch {
	case said == "" && !long():
		t.Skipf("long tier, or %s=3m", soakVariable)
	case said == "":
		return 30 * time.Minute
	}
	d, err := time.ParseDuration(said)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	return d
}

// soak is a network with people in it.
type soak struct {
	*network
	usual   *site // the console's
	readers []*person
	faults  []fault
	times   map[string]int
	begun   int // purges that the queue may run
	acts    []act
	sky     weather
}

type fault struct {
	name string
	do   func()
}

// weather tells in which time an error is nobody's fault, and counts answers of all other times.
type weather struct {
	mu            sync.Mutex
	bad           bool
	cleared       time.Time // when it last was
	asked, failed int
	wrong         []string // the first few
}

func (w *weather) set(bad bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad, w.cleared = bad, time.Now()
}

// count notes an answer, if no fault fell into the time between the question and it.
func (w *weather) count(began time.Time, what string, status int, good bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bad || began.Before(w.cleared) {
		return
	}
	if w.asked++; !good {
		if w.failed++; len(w.wrong) < 20 {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %d", what, status))
		}
	}
}

// perPurge is how often a purge comes due, purgeSize how large one is.
const (
	perPurge  = 15 * time.Second
	purgeSize = 600
)

func newSoak(t *testing.T, d time.Duration) *soak {
	s := &soak{network: newNetwork(t), times: map[string]int{}}
	s.plan(slices.Repeat([]int{purgeSize}, int(d/perPurge)+2)...)
	s.only()
	s.others()
	s.worker = s.start("worker")
	usual := *s.site
	usual.dsn = s.patient
	s.usual = &usual
	s.console = s.usual.start("serve", "--worker=false")
	s.person = s.signIn(s.supervisor)
	for _, who := range []account.Actor{s.agent, s.legal} {
		s.readers = append(s.readers, s.signIn(who))
	}
	s.faults = []fault{
		{"the worker is killed", s.killWorker},
		{"the console is killed", s.killConsole},
		{"the database is killed", s.killDatabase},
		{"connections are cut", func() {
			s.proxy.set(func() int64 { return int64(math.Exp(rand.Float64()*8 + 6)) }, 0)
			s.proxy.each(func(c *line) { c.close() })
			time.Sleep(between(s.r, time.Second, 4*time.Second))
		}},
		{"connections die without a word", func() { s.proxy.halfOpen() }},
		{"every question takes 100 ms", func() {
			s.proxy.set(nil, 100*time.Millisecond)
			time.Sleep(between(s.r, time.Second, 4*time.Second))
		}},
		{"the server is read-only", func() {
			s.sql(t, "SET GLOBAL read_only = 1")
			time.Sleep(between(s.r, time.Second, 4*time.Second))
			s.sql(t, "SET GLOBAL read_only = 0")
		}},
	}
	for i := range s.faults {
		do := s.faults[i].do
		s.faults[i].do = func() { s.sky.set(true); do() }
	}
	return s
}

// quiet lets time pass in which nothing is broken: purges come due and holds fall on them.
func (s *soak) quiet(d time.Duration) {
	s.t.Helper()
	if s.begun < len(s.purges) {
		s.begun++
		s.only(s.purges[:s.begun]...)
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second / 2) {
		for _, p := range s.purges[:s.begun] {
			if !s.over(p) {
				s.unpause(p)
			}
		}
		if p := s.purges[s.r.IntN(s.begun)]; s.r.IntN(4) == 0 {
			s.holdAny(s.r, p)
		}
	}
}

// heal ends a fault and waits until the console answers again.
func (s *soak) heal() {
	s.t.Helper()
	s.proxy.set(nil, 0)
	s.proxy.each(func(c *line) { c.close() })
	wait(s.t, "the console after a fault", func() bool {
		status, _ := s.person.get("/bin")
		time.Sleep(100 * time.Millisecond)
		return status == http.StatusOK
	})
	s.sky.set(false)
}

func (s *soak) killWorker() {
	s.worker.kill()
	for _, p := range s.purges[:s.begun] {
		s.hurry(p) // its lease would last a minute
	}
	s.worker = s.start("worker")
}

func (s *soak) killConsole() {
	s.console.kill()
	s.console = s.usual.start("serve", "--worker=false")
}

func (s *soak) killDatabase() {
	s.server.Kill()
	time.Sleep(between(s.r, 0, 2*time.Second))
	s.must(s.server.Start())
	s.proxy.to(fmt.Sprintf("127.0.0.1:%d", s.server.Port))
}

// read goes from page to page.
func (s *soak) read(p *person, stop <-chan struct{}) {
	pages := []string{"/", "/conversations", "/bin", "/purges"}
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(200 * time.Millisecond):
		}
		began := time.Now()
		status, _ := p.get(pages[i%len(pages)])
		s.sky.count(began, pages[i%len(pages)], status, status == http.StatusOK)
	}
}

// bin puts one conversation after the other into the bin; the form is not sent again before the end.
func (s *soak) bin(stop <-chan struct{}) {
	for len(s.free) > 0 {
		select {
		case <-stop:
			return
		case <-time.After(time.Second):
		}
		a := s.next()
		s.acts = append(s.acts, a)
		began := time.Now()
		status := s.person.discard(a)
		s.sky.count(began, templates.ConversationActPath(uint64(a.conversation), "discard"), status, status == http.StatusSeeOther)
	}
}

// finish lets every purge end and looks at everything.
func (s *soak) finish() {
	s.t.Helper()
	s.only(s.purges...)
	for _, p := range s.purges {
		wait(s.t, "the end of "+p.Code, func() bool {
			s.hurry(p)
			time.Sleep(50 * time.Millisecond)
			return s.over(p)
		})
	}
	for _, a := range s.acts {
		s.person.again(a)
	}
	if !s.worker.alive() || !s.console.alive() {
		s.t.Errorf("worker runs %v, console runs %v", s.worker.alive(), s.console.alive())
	}
	s.worker.end()
	s.console.end()
	s.t.Logf("%d purges of %d, %d conversations binned, faults %v; %d answers outside of them, %d wrong", len(s.purges), purgeSize, len(s.acts), s.times, s.sky.asked, s.sky.failed)
	if s.sky.asked < 10 || s.sky.failed*100 > s.sky.asked {
		s.t.Errorf("%d of %d answers outside the faults were wrong: %s", s.sky.failed, s.sky.asked, strings.Join(s.sky.wrong, ", "))
	}
	s.whole(s.purges...)
}
