package drill_test

import "testing"

// Nothing is disturbed here: the oracle is quiet when all goes well, on both engines.
func TestUndisturbed(t *testing.T) {
	begin(t)
	for name, on := range map[string]func(*testing.T) *site{"sqlite": onSQLite, "mysql": onMaria} {
		t.Run(name, func(t *testing.T) {
			s := on(t)
			p := s.plan(2000)[0]
			s.hold(p, p.list[7])
			w := s.start("worker")
			wait(t, "the end of the purge", func() bool { return s.over(p) })
			w.end()
			s.whole(p)
		})
	}
}
