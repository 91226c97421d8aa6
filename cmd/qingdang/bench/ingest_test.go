package bench_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"qingdang/cmd/qingdang/bench"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestIngestIsMeasured(t *testing.T) {
	cfg, err := mysql.ParseDSN(dbtest.Settings(t, db.MySQL).DSN)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = ""
	rep, err := bench.Ingest(t.Context(), bench.Options{DSN: cfg.FormatDSN(), Conversations: 120, Rounds: 2, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rep.Rounds {
		if r.Without.Rate <= 0 || r.With.Rate <= 0 || r.Fold <= 0 || r.Ratio <= 0 {
			t.Errorf("nothing was measured: %+v", r)
		}
	}
	if len(rep.Rounds) != 2 {
		t.Errorf("%d rounds", len(rep.Rounds))
	}
	if err := rep.Write(t.Output()); err != nil {
		t.Error(err)
	}
}
