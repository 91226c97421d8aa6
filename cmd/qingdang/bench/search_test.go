package bench_test

import (
	"os"
	"strings"
	"testing"

	"qingdang/cmd/qingdang/bench"
)

// The bench asks everybody everything, and everybody gives the same answers.
func TestSearchIsMeasured(t *testing.T) {
	dsn := os.Getenv("QINGDANG_TEST_MARIADB")
	if dsn == "" {
		t.Skip("needs a MariaDB")
	}
	rep, err := bench.Search(t.Context(), bench.SearchOptions{DSN: dsn, Conversations: 400, Words: 2, Rounds: 1, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := rep.Write(&out); err != nil || strings.Count(out.String(), "common, month + division") != 2 || strings.Count(out.String(), "S7") != 3 {
		t.Errorf("%v:\n%s", err, out.String())
	}
	for _, c := range rep.Classes {
		for name, times := range c.Times {
			if times.Turns == 0 {
				t.Errorf("%s was not asked for %s", name, c.Name)
			}
		}
	}
}
