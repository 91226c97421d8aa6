package bench_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"qingdang/cmd/qingdang/bench"
	"qingdang/models/export/file"
)

// The bench measures exports that come to their end, and its table names every round.
func TestExportsAreMeasured(t *testing.T) {
	dsn := os.Getenv("QINGDANG_TEST_MARIADB")
	if _, err := exec.LookPath("mariadb-dump"); dsn == "" || err != nil {
		t.Skip("needs a MariaDB and mariadb-dump")
	}
	rep, err := bench.Export(t.Context(), bench.Options{DSN: dsn, Conversations: 60, Rounds: 2, Formats: []file.Format{file.CSV, file.JSONL}, Zip: true, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := rep.Write(&out); err != nil || len(rep.Rounds) != 4 || strings.Count(out.String(), "jsonl") != 3 {
		t.Errorf("%v:\n%s", err, out.String())
	}
	for _, r := range rep.Rounds {
		if r.Ours.Bytes == 0 || r.Dump.Bytes == 0 || r.Ours.Memory == 0 || r.Ratio <= 0 || r.Sent.Bytes == 0 || r.Sent.Rate <= 0 {
			t.Errorf("%+v", r)
		}
	}
}
