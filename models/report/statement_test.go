package report_test

import (
	"fmt"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/report"
)

func TestDraft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.story()
		for _, k := range report.Kinds()[1:] {
			made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: k, Period: report.Period{First: "2026-11-01", Last: "2026-12-31"}})
			if err != nil {
				t.Fatal(k, err)
			}
			st := made.Statement
			fmt.Println("==", k, st.Reconciled, st.Notes, len(made.File))
			for _, f := range st.Figures {
				fmt.Println("  ", f.Key, f.Value, f.Definition)
			}
			for _, g := range st.Tables {
				fmt.Println("  #", g.Key, g.Rows)
			}
			if !st.Reconciled { fmt.Println(st.Reconciliation) }
		}
	})
}
