package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
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

// Whoever may not see an entry sees it through no door: not in the list, not by its number, not
// in the file, not as a neighbour, and not in the bars.
func TestEveryDoorShowsTheSameEntries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.story()
		all := s.leaves()
		may := map[string]func(audit.Leaf) bool{
			"agent": func(l audit.Leaf) bool { return l.Actor.ID == s.agent.ID },
			"supervisor": func(l audit.Leaf) bool {
				return l.Actor.ID == s.supervisor.ID || l.Department == s.sales && l.ObjectKind != "hold"
			},
			"elsewhere": func(l audit.Leaf) bool {
				return l.Actor.ID == s.elsewhere.ID || l.Department == s.support && l.ObjectKind != "hold"
			},
			"legal":   func(audit.Leaf) bool { return true },
			"auditor": func(audit.Leaf) bool { return true },
			"admin":   func(l audit.Leaf) bool { return l.Actor.ID == s.it.ID },
		}
		for name, by := range map[string]account.Actor{"agent": s.agent, "supervisor": s.supervisor, "elsewhere": s.elsewhere, "legal": s.legal, "auditor": s.auditor, "admin": s.it} {
			t.Run(name, func(t *testing.T) {
				var wanted []int64
				for _, l := range all {
					if may[name](l) {
						wanted = append(wanted, l.N)
					}
				}
				last := all[0].N
				known := func(ns []int64) []int64 { return slices.DeleteFunc(ns, func(n int64) bool { return n > last }) }
				if got := known(s.listed(by)); !slices.Equal(got, wanted) {
					t.Errorf("the list has %v, want %v", got, wanted)
				}
				if got := known(s.inFile(by)); !slices.Equal(got, wanted) {
					t.Errorf("the file has %v, want %v", got, wanted)
				}
				var barred int64
				q := report.Question{Period: days("2026-11-20", "2026-12-31").Period, Actions: []string{"hold.placed", "conversation.discarded", "conversation.imported", "purge.requested"}}
				sight, err := s.evidence.Read(s.ctx(), by, report.Look{Question: q, Size: 1})
				s.must(err)
				for _, b := range sight.Bars {
					barred += b.View + b.Change + b.Danger
				}
				if barred != sight.Total {
					t.Errorf("the bars count %d, the list %d", barred, sight.Total)
				}
				for _, l := range all[:min(len(all), 60)] {
					s.detail(t, by, l, may[name])
				}
			})
		}
	})
}

func (s *shop) listed(by account.Actor) (ns []int64) {
	s.t.Helper()
	for cursor := ""; ; {
		sight, err := s.evidence.Read(s.ctx(), by, report.Look{Cursor: cursor, Size: 7})
		s.must(err)
		for _, l := range sight.Leaves {
			ns = append(ns, l.N)
		}
		if cursor = sight.Older; cursor == "" {
			return ns
		}
	}
}

func (s *shop) inFile(by account.Actor) (ns []int64) {
	s.t.Helper()
	var out bytes.Buffer
	s.must(s.evidence.ExportCSV(s.ctx(), by, report.Question{}, &out))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), report.BOM))).ReadAll()
	s.must(err)
	for _, r := range rows[1:] {
		n, err := strconv.ParseInt(r[0], 10, 64)
		s.must(err)
		ns = append(ns, n)
	}
	return ns
}

func (s *shop) detail(t *testing.T, by account.Actor, l audit.Leaf, may func(audit.Leaf) bool) {
	t.Helper()
	n := l.N
	sight, err := s.evidence.Read(s.ctx(), by, report.Look{Size: 1, Row: &n})
	if !may(l) {
		if fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("leaf %d: %v", n, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if sight.Entry.N != n || sight.Entry.Action != l.Action || !sight.Entry.Proven {
		t.Errorf("leaf %d: %+v", n, sight.Entry)
	}
	for _, beside := range []*audit.Leaf{sight.Entry.Before, sight.Entry.After} {
		if beside == nil || may(*beside) {
			continue
		}
		if beside.Action != "" || beside.Actor.Name != "" || beside.Object != "" || beside.Bytes != nil || beside.Data != nil {
			t.Errorf("a neighbour of %d shows %+v", n, beside)
		}
	}
}

// Which hold it was is for those who may read holds; others read how many came under one.
func TestAnEntryNamesHoldsToThoseWhoMayReadThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		data := map[string]any{"held_by": map[string]int64{"LH-20261101-001": 2, "LH-20261101-002": 3}, "holds_gain": []string{"LH-20261101-001"}, "holds_lose": []string{"LH-20261101-003"}, "digest": "d"}
		s.must(d.Write(s.ctx(), func(tx *db.Tx) error {
			return audit.Append(tx, audit.Entry{Actor: s.agent.Audit(), Action: "conversation.tagged", ObjectKind: "conversation", Department: s.sales, Data: data})
		}))
		row := s.leaves()[0].N
		for name, want := range map[string]struct {
			by    account.Actor
			held  string
			codes string
		}{
			"agent": {by: s.agent, held: "5"}, "supervisor": {by: s.supervisor, held: "5"},
			"legal": {by: s.legal, held: "<nil>", codes: "map[LH-20261101-001:2 LH-20261101-002:3]"}, "auditor": {by: s.auditor, held: "<nil>", codes: "map[LH-20261101-001:2 LH-20261101-002:3]"},
		} {
			sight, err := s.evidence.Read(s.ctx(), want.by, report.Look{Size: 10, Row: &row})
			s.must(err)
			if got := sight.Entry.Data; fmt.Sprint(got["held"]) != want.held || got["digest"] != "d" {
				t.Errorf("%s reads %v", name, got)
			} else if text := fmt.Sprint(got); strings.Contains(text, "LH-") != (want.codes != "") || !strings.Contains(text, want.codes) {
				t.Errorf("%s reads %s", name, text)
			}
		}
	})
}

func TestSignsAreForThoseWhoSeeAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		for range 2 {
			s.must(s.accounts.Denied(s.ctx(), s.agent, account.AuditCheck, "/audit/check"))
		}
		clock.Advance(3 * 24 * time.Hour)
		for range 3 {
			s.must(s.accounts.Denied(s.ctx(), s.elsewhere, account.AuditCheck, "/audit/check"))
		}
		sight, err := s.evidence.Read(s.ctx(), s.auditor, report.Look{Size: 1})
		s.must(err)
		want := report.Sign{ActorID: s.elsewhere.ID, Person: s.elsewhere.Name, Action: "access.denied", Refused: true, Times: 3}
		if len(sight.Signs) != 1 || sight.Signs[0] != want {
			t.Errorf("%+v", sight.Signs)
		}
		if sight, err = s.evidence.Read(s.ctx(), s.elsewhere, report.Look{Size: 1}); err != nil || sight.Signs != nil {
			t.Errorf("%+v %v", sight, err)
		}
		clock.Advance(8 * 24 * time.Hour)
		if sight, err = s.evidence.Read(s.ctx(), s.auditor, report.Look{Size: 1}); err != nil || len(sight.Signs) != 0 {
			t.Errorf("a week later: %+v %v", sight.Signs, err)
		}
	})
}

func TestReadingLeavesOneEntry(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	for _, tt := range []struct {
		by   account.Actor
		want int64
	}{{s.agent, 0}, {s.it, 0}, {s.supervisor, 1}, {s.legal, 1}, {s.auditor, 1}} {
		head, err := s.evidence.Log.Head(s.ctx())
		s.must(err)
		row := head.Size - 1
		_, err = s.evidence.Read(s.ctx(), tt.by, report.Look{Question: report.Question{Period: days("2026-11-20", "2026-11-22").Period, Text: "PG-1"}, Size: 20})
		s.must(err)
		after, err := s.evidence.Log.Head(s.ctx())
		s.must(err)
		if after.Size-head.Size != tt.want {
			t.Errorf("%s: %d entries, want %d", tt.by.Role, after.Size-head.Size, tt.want)
		}
		if tt.want == 1 {
			l := s.leaves()[0]
			if l.Action != "audit.viewed" || l.Actor.ID != tt.by.ID || l.Data["text"] != nil || l.N != row+1 {
				t.Errorf("%+v", l)
			}
		}
	}
}

func TestTheFileOfTheLogIsSafeAndBounded(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.must(d.Write(s.ctx(), func(tx *db.Tx) error {
		for _, object := range []string{"=1+1", "+2", "-cmd", "@x", "\tx", "安全"} {
			if err := audit.Append(tx, audit.Entry{Actor: s.agent.Audit(), Action: "conversation.searched", Object: object}); err != nil {
				return err
			}
		}
		return nil
	}))
	var out bytes.Buffer
	s.must(s.evidence.ExportCSV(s.ctx(), s.agent, report.Question{Actions: []string{"conversation.searched"}}, &out))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), report.BOM))).ReadAll()
	s.must(err)
	if len(rows) != 7 || !strings.HasPrefix(out.String(), report.BOM) {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		if strings.ContainsAny(r[7][:1], "=+-@\t") {
			t.Errorf("a formula: %q", r[7])
		}
	}
	if l := s.leaves()[0]; l.Action != "audit.downloaded" || l.Count != 6 {
		t.Errorf("%+v", l)
	}
	s.must(d.Write(s.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		return tx.Exec("WITH RECURSIVE k(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM k WHERE i < 11000) " +
			"INSERT INTO audit_leaf SELECT i, at, actor_id, person_id, actor_name, actor_role, action, object_kind, object, department_id, result, source, request_id, item_count, leaf, hash " +
			"FROM audit_leaf, k WHERE action = 'conversation.searched' AND object = '安全'").Error
	}))
	out.Reset()
	err = s.evidence.ExportCSV(s.ctx(), s.agent, report.Question{}, &out)
	if f, ok := fault.Of(err); !ok || f.Key != "audit.csv_too_many" || out.Len() != 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	wrong := report.Question{Period: days("2026-11-22", "2026-11-01").Period}
	wantFault(t, s.evidence.ExportCSV(s.ctx(), s.auditor, wrong, &out), "report.dates_reversed", "to")
}

func TestTheChain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.story()
		state, err := s.evidence.ChainState(s.ctx())
		if err != nil || !state.OK || state.Broken() || state.CheckedAt.IsZero() {
			t.Fatalf("%+v %v", state, err)
		}
		for _, by := range []account.Actor{s.agent, s.supervisor, s.legal, s.it} {
			if _, err := s.evidence.Check(s.ctx(), by); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s checks: %v", by.Role, err)
			}
		}
		if _, err := s.evidence.Check(s.ctx(), account.System("worker", "")); err != nil {
			t.Error(err)
		}
		for _, by := range []account.Actor{s.agent, s.supervisor, s.it} {
			if _, err := s.evidence.Proof(s.ctx(), by); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s sees the proof: %v", by.Role, err)
			}
		}
		dbtest.Exec(t, d, "UPDATE audit_leaf SET actor_name = '别人' WHERE n = 5")
		if state, err = s.evidence.ChainState(s.ctx()); err != nil || !state.OK {
			t.Errorf("within five minutes the last state is given: %+v %v", state, err)
		}
		found, err := s.evidence.Check(s.ctx(), s.auditor)
		if err != nil || found.OK || found.FirstBad != 5 || found.What != audit.WhatColumns {
			t.Errorf("%+v %v", found, err)
		}
		if l := s.leaves()[0]; l.Action != "audit.checked" || l.Result != audit.ResultFailed {
			t.Errorf("%+v", l)
		}
		// Another process that has looked at nothing yet.
		other := &report.Evidence{DB: d, Log: s.evidence.Log}
		for _, e := range []*report.Evidence{s.evidence, other} {
			if state, err = e.ChainState(s.ctx()); err != nil || !state.Broken() || state.FirstBad != 5 {
				t.Errorf("%+v %v", state, err)
			}
		}
		p, err := s.evidence.Proof(s.ctx(), s.auditor)
		if err != nil || p.Full.OK || p.Full.FirstBad != 5 || p.Full.What != audit.WhatColumns || len(p.Latest) != 3 || !p.Outside {
			t.Errorf("%+v %v", p, err)
		}
		if p.Latest[0].Action != "" {
			t.Error("the page of the proof shows what was done")
		}
	})
}

func TestTheBundleHoldsItsOwnAskingAndVerifies(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	for _, by := range []account.Actor{s.agent, s.supervisor, s.legal, s.it} {
		var out bytes.Buffer
		if err := s.evidence.Bundle(s.ctx(), by, &out); fault.KindOf(err) != fault.KindForbidden || out.Len() != 0 {
			t.Errorf("%s: %v", by.Role, err)
		}
	}
	var out bytes.Buffer
	s.must(s.evidence.Bundle(s.ctx(), s.auditor, &out))
	if !strings.Contains(out.String(), "audit.log_exported") {
		t.Error("the file does not say who asked for it")
	}
	r, err := proof.VerifyLog(&out, proof.Options{Keys: []string{s.evidence.Log.Signer.Public()}})
	if err != nil || !r.OK {
		t.Errorf("%+v %v", r, err)
	}
	p, err := s.evidence.Proof(s.ctx(), s.legal)
	s.must(err)
	if len(p.Checkpoints) == 0 {
		t.Fatal("no checkpoint")
	}
	c, err := s.evidence.Checkpoint(s.ctx(), s.legal, p.Checkpoints[0].Size)
	if err != nil || c.Note != p.Checkpoints[0].Note {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := s.evidence.Checkpoint(s.ctx(), s.legal, 1<<40); fault.KindOf(err) != fault.KindNotFound {
		t.Error(err)
	}
}

func TestBarsFollowTheCalendar(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	for _, tt := range []struct {
		first, last string
		bars        int
	}{
		{"2026-11-22", "2026-11-22", 24}, {"2026-11-16", "2026-11-22", 28}, {"2026-11-01", "2026-11-30", 30}, {"2026-01-01", "2026-12-31", 53}, {"2022-01-01", "2026-12-31", 60},
	} {
		sight, err := s.evidence.Read(s.ctx(), s.auditor, report.Look{Question: report.Question{Period: days(tt.first, tt.last).Period}, Size: 10})
		s.must(err)
		if len(sight.Bars) != tt.bars {
			t.Errorf("%s – %s: %d bars, want %d", tt.first, tt.last, len(sight.Bars), tt.bars)
		}
		for i, b := range sight.Bars {
			if i > 0 && !b.From.Equal(sight.Bars[i-1].To) {
				t.Errorf("a gap before %v", b.From)
			}
		}
		if end := sight.Bars[len(sight.Bars)-1].To; end.In(time.FixedZone("", 8*3600)).Format("15:04") != "00:00" {
			t.Error(fmt.Sprint("the last bar ends at ", end))
		}
	}
}
