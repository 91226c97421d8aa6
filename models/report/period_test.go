package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/report"
)

func days(first, last string) report.Ask {
	return report.Ask{Kind: report.Operations, Period: report.Period{First: first, Last: last}}
}

func words(key string) string { return key }

// The figures are counted again here, leaf by leaf from the bytes in the log.
func TestTheFiguresAreThoseOfTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		r := s.story()
		for _, ask := range []report.Ask{
			days("2026-11-22", "2026-12-31"), // all of it
			days("2026-11-22", "2026-11-22"), // one day
			days("2026-11-30", "2026-12-02"), // the purge
			days("2026-01-01", "2026-11-21"), // nothing
		} {
			p := ask.Period
			t.Run(p.First+" "+p.Last, func(t *testing.T) {
				before := s.leaves()
				made, err := s.evidence.Make(s.ctx(), s.auditor, ask)
				if err != nil {
					t.Fatal(err)
				}
				from, _ := time.Parse(time.RFC3339, p.First+"T00:00:00+08:00")
				until, _ := time.Parse(time.RFC3339, p.Last+"T00:00:00+08:00")
				until = until.AddDate(0, 0, 1)
				var wanted []audit.Leaf
				for _, l := range before {
					if !l.At.Before(from) && l.At.Before(until) {
						wanted = append(wanted, l)
					}
				}
				compareWith(t, made.Body, wanted)
				if !made.Body.Reconciled {
					t.Errorf("not reconciled: %+v %+v", made.Body.Reconciliation, made.Body.Log)
				}
				if err := json.Unmarshal(made.File, new(any)); err != nil {
					t.Error(err)
				}
			})
		}
		made, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-11-22", "2026-12-31"))
		s.must(err)
		b := made.Body
		if len(b.Purges) != 1 || b.Purges[0].Code != r.Code || b.Purges[0].PurgedHere != 4 || b.Purges[0].Purged != 4 || b.Purges[0].Certificate != "CERT-2026-0001" {
			t.Fatalf("purges: %+v", b.Purges)
		}
		p := b.Purges[0]
		if p.Requester.StaffNo != s.agent.StaffNo || len(p.Approvals) != 2 || p.Approvals[0].Person.Role != "supervisor" || p.Approvals[1].Person.StaffNo != s.legal.StaffNo {
			t.Errorf("people: %+v", p)
		}
		for _, v := range p.Approvals {
			if !v.InLog || v.Verdict != "approve" || v.At.IsZero() {
				t.Errorf("vote: %+v", v)
			}
		}
		if len(b.Holds) != 1 || b.Holds[0].Conversations != 3 || len(b.Imports) != 1 || b.Imports[0].Conversations != 11 {
			t.Errorf("holds %+v, imports %+v", b.Holds, b.Imports)
		}
		i := slices.IndexFunc(b.Departments, func(d report.BodyDepartment) bool { return d.Path == "云栖优品集团/杭州分公司" })
		if i < 0 || b.Departments[i].Discarded != 5 || b.Departments[i].Restored != 1 {
			t.Errorf("departments: %+v", b.Departments)
		}
		i = slices.IndexFunc(b.Refusals, func(f report.BodyRefusal) bool { return f.Action == "access.denied" })
		if i < 0 || b.Refusals[i].Times != 2 || b.Refusals[i].Person != s.agent.Name {
			t.Errorf("refusals: %+v", b.Refusals)
		}
		if strings.Contains(string(made.File), "CANARY") || strings.Contains(string(made.File), "退款") {
			t.Error("the report repeats what somebody wrote")
		}
	})
}

func compareWith(t *testing.T, b report.Body, leaves []audit.Leaf) {
	t.Helper()
	acts, departments, refusals := map[string]*report.BodyAct{}, map[string]int64{}, map[string]int64{}
	people := map[any]bool{}
	var total report.BodyTotal
	for _, l := range leaves {
		a := acts[l.Action]
		if a == nil {
			a = &report.BodyAct{Action: l.Action}
			acts[l.Action] = a
		}
		total.Entries++
		departments[fmt.Sprint(uint64(l.Department))]++
		if l.Actor.PersonID != 0 {
			people[l.Actor.PersonID] = true
		}
		switch l.Result {
		case audit.OK:
			a.OK++
			a.Items += l.Count
			total.OK++
			if l.Action == "purge.erased" {
				total.Purged += l.Count
			}
		case audit.ResultRefused:
			a.Refused++
			total.Refused++
			refusals[l.Action+" "+l.Actor.Name]++
		default:
			a.Failed++
			total.Failed++
		}
	}
	total.People = int64(len(people))
	if b.Total != total {
		t.Errorf("total %+v, want %+v", b.Total, total)
	}
	if len(b.Acts) != len(acts) {
		t.Errorf("%d acts, want %d", len(b.Acts), len(acts))
	}
	for _, a := range b.Acts {
		if want := acts[a.Action]; want == nil || *want != a {
			t.Errorf("act %+v, want %+v", a, want)
		}
	}
	if len(b.Departments) != len(departments) {
		t.Errorf("departments %+v, want %v", b.Departments, departments)
	}
	for _, d := range b.Departments {
		if departments[d.ID] != d.Entries {
			t.Errorf("department %+v, want %d", d, departments[d.ID])
		}
	}
	var times int64
	for _, r := range b.Refusals {
		times += r.Times
		if refusals[r.Action+" "+r.Person] != r.Times {
			t.Errorf("refusal %+v, want %v", r, refusals)
		}
	}
	if times != total.Refused {
		t.Errorf("%d refusals, want %d", times, total.Refused)
	}
}

func TestAReportSaysWhenFiguresDoNotAddUp(t *testing.T) {
	for what, corrupt := range map[string]string{
		"purged_items": "UPDATE purge_item SET state = 'skipped' WHERE seq = 0",
		"tombstones":   "DELETE FROM tombstone WHERE conversation_id IN (SELECT conversation_id FROM purge_item WHERE seq = 0)",
		"votes":        "DELETE FROM vote WHERE role = 'legal'",
		"holds":        "DELETE FROM legal_hold",
		"binned":       "UPDATE bin_batch SET moved = moved + 1",
		"certificates": "DELETE FROM certificate",
		"entries":      "DELETE FROM audit_leaf WHERE n = 3",
	} {
		t.Run(what, func(t *testing.T) {
			d, clock := dbtest.New(t)
			s := newShop(t, d, clock)
			s.story()
			if dbtest.Exec(t, d, corrupt) == 0 {
				t.Fatal("nothing was corrupted")
			}
			made, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-11-01", "2026-12-31"))
			s.must(err)
			if made.Body.Reconciled || made.Reconciled {
				t.Error("the report says that the figures add up")
			}
			if !slices.ContainsFunc(made.Body.Reconciliation, func(c report.BodyCompare) bool { return c.What == what && c.Differs() }) {
				t.Errorf("no difference at %s: %+v", what, made.Body.Reconciliation)
			}
			if what == "entries" && (made.Body.Log.OK || made.Body.Log.FirstBad != 3) {
				t.Errorf("the log: %+v", made.Body.Log)
			}
		})
	}
}

func TestAForgedVoteIsNotInTheLog(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	dbtest.Exec(t, d, "UPDATE vote SET user_id = user_id + 1000 WHERE role = 'legal'")
	made, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-11-01", "2026-12-31"))
	s.must(err)
	if v := made.Body.Purges[0].Approvals; !v[0].InLog || v[1].InLog {
		t.Errorf("votes: %+v", v)
	}
}

func TestPeriodsThatCannotBe(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	for _, tt := range []struct {
		name, first, last, key, field string
	}{
		{"the days are reversed", "2026-11-22", "2026-11-01", "report.dates_reversed", "to"},
		{"the period is over five years long", "2021-11-22", "2026-11-22", "report.period_long", "from"},
		{"the first day is missing", "", "2026-11-22", "report.date_missing", "from"},
		{"the last day is missing", "2026-11-22", "", "report.date_missing", "to"},
		{"the first day is no day", "2026-02-30", "2026-11-22", "report.bad_date", "from"},
		{"the last day is a formula", "2026-11-22", "=1+1", "report.bad_date", "to"},
	} {
		_, err := s.evidence.Make(s.ctx(), s.auditor, days(tt.first, tt.last))
		if t.Log(tt.name); err == nil {
			t.Errorf("%s: no fault", tt.name)
			continue
		}
		wantFault(t, err, tt.key, tt.field)
	}
	if _, err := s.evidence.Make(s.ctx(), s.auditor, days("2021-11-23", "2026-11-22")); err != nil {
		t.Errorf("five years to the day: %v", err)
	}
}

func TestWhoMayHaveReports(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	made, err := s.evidence.Make(s.ctx(), s.legal, days("2026-11-01", "2026-11-22"))
	s.must(err)
	if made.Code != "AR-20261122-001" || made.Leaf < 0 {
		t.Errorf("%+v", made.PeriodHead)
	}
	for _, tt := range []struct {
		by                 account.Actor
		create, list, read fault.Kind
		listed             int
	}{
		{s.agent, fault.KindForbidden, fault.KindForbidden, fault.KindForbidden, 0},
		{s.supervisor, fault.KindForbidden, fault.None, fault.KindNotFound, 0},
		{s.legal, fault.None, fault.None, fault.None, 1},
		{s.auditor, fault.None, fault.None, fault.None, 2},
		{s.it, fault.KindForbidden, fault.KindForbidden, fault.KindForbidden, 0},
	} {
		rows, err := s.evidence.Reports(s.ctx(), tt.by, 0, 20)
		if fault.KindOf(err) != tt.list || len(rows) != tt.listed {
			t.Errorf("%s lists %d, %v", tt.by.Role, len(rows), err)
		}
		for _, get := range []func() error{
			func() error { _, err := s.evidence.Report(s.ctx(), tt.by, made.ID); return err },
			func() error { _, err := s.evidence.ReportFile(s.ctx(), tt.by, made.ID); return err },
		} {
			if err := get(); fault.KindOf(err) != tt.read {
				t.Errorf("%s reads: %v", tt.by.Role, err)
			}
		}
		_, err = s.evidence.Make(s.ctx(), tt.by, days("2026-11-01", "2026-11-22"))
		if fault.KindOf(err) != tt.create {
			t.Errorf("%s creates: %v", tt.by.Role, err)
		}
	}
	if n := dbtest.Count(t, d, &report.PeriodHead{}); n != 3 {
		t.Errorf("%d reports", n)
	}
	refused := 0
	for _, l := range s.leaves() {
		if strings.HasPrefix(l.Action, "report.") && l.Result == audit.ResultRefused {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d refusals of the supervisor stand in the log", refused)
	}
}

// Every byte of the file counts, and the place of the change is named.
func TestAnyChangedByteOfAReportIsFoundWithItsPlace(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	small, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-01-01", "2026-01-02"))
	s.must(err)
	flip(t, s, small, 1)
	s.story()
	large, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-11-22", "2026-12-31"))
	s.must(err)
	flip(t, s, large, 41)
}

// flip changes every step-th byte, one at a time.
func flip(t *testing.T, s *shop, made *report.PeriodReport, step int) {
	t.Helper()
	key := s.evidence.Log.Signer.Public()
	if r, err := proof.Verify(made.File, proof.Options{Keys: []string{key}}); err != nil || !r.OK || !r.Pinned || r.Format != proof.Report {
		t.Fatalf("the untouched report: %+v %v", r, err)
	}
	for i := 0; i < len(made.File); i += step {
		bad := bytes.Clone(made.File)
		bad[i] ^= 1
		r, err := proof.Verify(bad, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.OK || len(r.Problems) == 0 {
			t.Fatalf("byte %d (%q): not found", i, made.File[i])
		}
		if !slices.ContainsFunc(r.Problems, func(p proof.Problem) bool { return p.Line > 0 || p.Pointer != "" }) {
			t.Errorf("byte %d (%q): no place: %+v", i, made.File[i], r.Problems)
		}
	}
}

func TestTheTableSaysWhatTheFileSays(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	dbtest.Exec(t, d, "UPDATE audit_leaf SET actor_name = '=HYPERLINK(1)' WHERE action = 'access.denied'")
	made, err := s.evidence.Make(s.ctx(), s.auditor, days("2026-11-22", "2026-12-31"))
	s.must(err)
	var out bytes.Buffer
	s.must(made.WriteCSV(&out, words, time.UTC))
	text, ok := strings.CutPrefix(out.String(), "\ufeff")
	if !ok {
		t.Error("no mark of UTF-8")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	s.must(err)
	has := func(cells ...string) bool {
		return slices.ContainsFunc(rows, func(row []string) bool {
			return len(row) >= len(cells) && slices.Equal(row[:len(cells)], cells)
		})
	}
	b := made.Body
	n := func(v int64) string { return fmt.Sprint(v) }
	for _, want := range [][]string{
		{"report.title", b.Code},
		{"report.log_size", n(b.Log.Size)},
		{"report.log_root", b.Log.Root},
		{"report.digest", made.DigestText()},
		{n(b.Total.Entries), n(b.Total.OK), n(b.Total.Refused), n(b.Total.Failed), n(b.Total.People), n(b.Total.Purged)},
	} {
		if !has(want...) {
			t.Errorf("no row %q", want)
		}
	}
	for _, a := range b.Acts {
		if !has("action."+a.Action, a.Action, n(a.OK), n(a.Refused), n(a.Failed), n(a.Items)) {
			t.Errorf("no row for %+v", a)
		}
	}
	for _, c := range b.Reconciliation {
		if !has("report.compare_"+c.What, c.Object, n(c.Log), n(c.Tables)) {
			t.Errorf("no row for %+v", c)
		}
	}
	if !has("action.access.denied", "access.denied", "'=HYPERLINK(1)") {
		t.Error("the name that is a formula is not there, or not made safe")
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsAny(c[:1], "=+@\t\r") {
				t.Errorf("a formula: %q", c)
			}
		}
	}
}
