package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/report"
)

// busy is a story with everything in it that a report counts, in three months.
func (s *shop) busy(r *rand.Rand) {
	s.t.Helper()
	s.story()
	s.clock.Advance(20 * 24 * time.Hour)
	var all []*format.Conversation
	s.department("云栖优品集团/杭州分公司/一组")
	paths := []string{"云栖优品集团/杭州分公司", "云栖优品集团/杭州分公司/一组", "云栖优品集团/南京分公司"}
	classes := []string{"咨询", "投诉", "交易", "法律纠纷", ""}
	for i := range 60 {
		at := s.clock.Time().AddDate(0, 0, -r.IntN(1400))
		all = append(all, &format.Conversation{
			Platform: "qianniu", ExternalID: fmt.Sprintf("busy-%d", i), DepartmentPath: paths[r.IntN(3)], AgentID: s.agent.StaffNo, CustomerID: "tb_2", ServiceType: classes[r.IntN(5)],
			Messages: []format.Message{{ID: "1", Sender: "customer", At: at, Kind: "text", Text: strings.Repeat("CANARY ", 1+r.IntN(9))}},
		})
	}
	im := &intake.Importer{DB: s.d, Vault: conversation.Vault{Store: s.keys}}
	s.must(im.Add(s.ctx(), account.System("cli", ""), slices.Values(all)))
	moved := 0
	for _, c := range s.conversations() {
		if moved < 9 && c.State == conversation.Active && c.DepartmentID == s.sales && (c.ServiceType == "咨询" || c.ServiceType == "") && c.LastAt.Before(s.clock.Time().AddDate(0, -8, 0)) {
			s.discard(c.ID)
			moved++
			s.clock.Advance(30 * time.Hour)
		}
	}
	if moved < 3 {
		s.t.Fatalf("only %d were discarded", moved)
	}
	actions := []string{"conversation.searched", "conversation.opened", "conversation.unmasked", "export.requested", "export.made", "export.downloaded", "certificate.downloaded", "account.role_changed", "audit.checked", "login.refused"}
	for range 80 {
		by := []account.Actor{s.agent, s.supervisor, s.elsewhere, s.legal}[r.IntN(4)]
		s.must(s.d.Write(s.ctx(), func(tx *db.Tx) error {
			return audit.Append(tx, audit.Entry{
				Actor: by.Audit(), Action: actions[r.IntN(len(actions))], ObjectKind: "thing", Object: "X-1", Department: []id.Department{0, s.sales, s.support}[r.IntN(3)],
				Result: []string{"", "", "", audit.ResultRefused, audit.ResultFailed}[r.IntN(5)], Count: int64(r.IntN(40)),
			})
		}))
		s.clock.Advance(11 * time.Hour)
	}
}

func (s *shop) conversations() (rows []conversation.Conversation) {
	s.must(s.d.Read(s.ctx(), func(tx *db.Tx) error { return tx.Order("id").Find(&rows).Error }))
	return rows
}

func (s *shop) rows(table string) (n int64) {
	s.must(s.d.Read(s.ctx(), func(tx *db.Tx) error { return tx.Table(table).Count(&n).Error }))
	return n
}

// fact is one thing that an oracle counts, with everything that it may be divided by.
type fact struct {
	at          time.Time // zero: as of now
	n           int64
	department  id.Department
	class, role string
	actor       id.User
}

// facts counts from whole rows, without the engines' help.
func (s *shop) facts(key string, leaves []audit.Leaf) (out []fact) {
	s.t.Helper()
	type itemRow struct {
		DepartmentID                    id.Department
		State                           string
		Bytes                           int64
		ChangedAt, CreatedAt, KeepUntil time.Time
	}
	type purgedRow struct {
		DepartmentID       id.Department
		ServiceType, State string
		Messages, Bytes    int64
		LastAt             time.Time
		StartedAt          *time.Time
	}
	var items []itemRow
	var purged []purgedRow
	var stones []struct {
		DepartmentID id.Department
		CreatedAt    time.Time
	}
	heldNow := map[id.Conversation]bool{}
	s.must(s.d.Read(s.ctx(), func(tx *db.Tx) error {
		var heldIDs []id.Conversation
		for _, err := range []error{
			tx.Raw("SELECT i.department_id, i.state, i.bytes, i.changed_at, b.created_at, b.keep_until FROM bin_item i, bin_batch b WHERE b.id = i.batch_id").Scan(&items).Error,
			tx.Raw("SELECT i.department_id, i.service_type, i.state, i.messages, i.bytes, i.last_at, r.started_at FROM purge_item i, purge_request r WHERE r.id = i.purge_id").Scan(&purged).Error,
			tx.Raw("SELECT department_id, created_at FROM tombstone").Scan(&stones).Error,
			tx.Raw("SELECT conversation_id FROM hold_item i, legal_hold h WHERE h.id = i.hold_id AND h.released_at IS NULL").Scan(&heldIDs).Error,
		} {
			if err != nil {
				return err
			}
		}
		for _, c := range heldIDs {
			heldNow[c] = true
		}
		return nil
	}))
	floors := map[string]int{"投诉": 365, "交易": 1095}
	past := func(class string, days int, last, now time.Time) bool {
		return class != "法律纠纷" && !last.AddDate(0, 0, max(days, floors[class])).After(now)
	}
	over := func(class string, last, now time.Time) bool {
		days, ok := floors[class]
		if !ok {
			days = 183
		}
		return class != "法律纠纷" && !last.AddDate(0, 0, days).After(now)
	}
	now := s.clock.Time()
	log := func(weigh bool, actions ...string) {
		for _, l := range leaves {
			if l.Result == audit.OK && slices.Contains(actions, l.Action) {
				n := int64(1)
				if weigh {
					n = l.Count
				}
				out = append(out, fact{at: l.At, n: n, department: l.Department, role: l.Actor.Role, actor: l.Actor.ID})
			}
		}
	}
	entries := func(is func(audit.Leaf) bool) {
		for _, l := range leaves {
			if is(l) {
				out = append(out, fact{at: l.At, n: 1, department: l.Department, role: l.Actor.Role, actor: l.Actor.ID})
			}
		}
	}
	chats := func(timed bool, n func(c conversation.Conversation) int64) {
		for _, c := range s.conversations() {
			f := fact{n: n(c), department: c.DepartmentID, class: c.ServiceType}
			if timed {
				f.at = c.CreatedAt
			}
			out = append(out, f)
		}
	}
	yes := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	inBin := func(n func(itemRow) int64, at func(itemRow) time.Time) {
		for _, i := range items {
			out = append(out, fact{n: n(i), department: i.DepartmentID, at: at(i)})
		}
	}
	never := func(itemRow) time.Time { return time.Time{} }
	rests := func(i itemRow) bool { return i.State == "binned" || i.State == "frozen" }
	gone := func(n func(purgedRow) int64) {
		for _, p := range purged {
			if p.State == "purged" {
				out = append(out, fact{n: n(p), department: p.DepartmentID, class: p.ServiceType, at: *p.StartedAt})
			}
		}
	}
	archived := func(c conversation.Conversation) bool {
		return c.State == conversation.Active || c.State == conversation.Hidden
	}
	switch key {
	case "searches":
		log(false, "conversation.searched")
	case "opened":
		log(false, "conversation.opened")
	case "unmasked":
		log(false, "conversation.unmasked")
	case "access_asked":
		log(false, "access.requested")
	case "access_granted":
		log(false, "access.granted")
	case "access_uses":
		entries(func(l audit.Leaf) bool {
			_, under := l.Data["access"]
			return under && l.Result == audit.OK && (l.Action == "conversation.searched" || l.Action == "conversation.opened")
		})
	case "exports":
		log(false, "export.requested")
	case "exported":
		log(true, "export.made")
	case "erased_log":
		log(true, "purge.erased")
	case "purges_requested":
		log(false, "purge.requested")
	case "purges_rejected":
		log(false, "purge.rejected")
	case "certificates":
		log(false, "certificate.issued")
	case "checks":
		log(false, "audit.checked")
	case "downloads":
		entries(func(l audit.Leaf) bool {
			return l.Result == audit.OK && (strings.HasSuffix(l.Action, "downloaded") || slices.Contains([]string{"audit.log_exported", "hold.listed", "letter.written"}, l.Action))
		})
	case "accounts_changed":
		entries(func(l audit.Leaf) bool { return l.Result == audit.OK && strings.HasPrefix(l.Action, "account.") })
	case "refused":
		entries(func(l audit.Leaf) bool { return l.Result == audit.ResultRefused })
	case "denied":
		entries(func(l audit.Leaf) bool {
			return slices.Contains([]string{"access.denied", "login.refused", "code.refused", "password.refused"}, l.Action)
		})
	case "kept":
		chats(false, func(conversation.Conversation) int64 { return 1 })
	case "kept_bytes":
		chats(false, func(c conversation.Conversation) int64 { return int64(c.Bytes) })
	case "messages":
		chats(false, func(c conversation.Conversation) int64 { return int64(c.Messages) })
	case "attachments":
		chats(false, func(c conversation.Conversation) int64 { return int64(c.Attachments) })
	case "arrived":
		chats(true, func(conversation.Conversation) int64 { return 1 })
	case "arrived_bytes":
		chats(true, func(c conversation.Conversation) int64 { return int64(c.Bytes) })
	case "arrived_attachments":
		chats(true, func(c conversation.Conversation) int64 { return int64(c.Attachments) })
	case "in_bin":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(c.State >= conversation.Binned && c.State <= conversation.Purging)
		})
	case "sealed":
		chats(false, func(c conversation.Conversation) int64 { return yes(c.State == conversation.Sealed) })
	case "held":
		chats(false, func(c conversation.Conversation) int64 { return yes(heldNow[c.ID]) })
	case "within":
		chats(false, func(c conversation.Conversation) int64 { return yes(!over(c.ServiceType, c.LastAt, now)) })
	case "due":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(archived(c) && over(c.ServiceType, c.LastAt, now) && !heldNow[c.ID])
		})
	case "due_bytes":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(archived(c) && over(c.ServiceType, c.LastAt, now) && !heldNow[c.ID]) * int64(c.Bytes)
		})
	case "due_year":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(archived(c) && over(c.ServiceType, c.LastAt, now.AddDate(-1, 0, 0)) && !heldNow[c.ID])
		})
	case "past_target":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(archived(c) && past(c.ServiceType, 200, c.LastAt, now) && c.OrderState != conversation.OrderOpen && !heldNow[c.ID])
		})
	case "past_ceiling":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(past(c.ServiceType, 400, c.LastAt, now) && c.OrderState != conversation.OrderOpen && !heldNow[c.ID])
		})
	case "never_keep":
		chats(false, func(c conversation.Conversation) int64 { return yes(c.Personal != nil && *c.Personal%4 > 0) })
	case "late":
		gone(func(p purgedRow) int64 {
			return yes(past(p.ServiceType, 400, p.LastAt, *p.StartedAt) && p.LastAt.AddDate(0, 0, max(400, floors[p.ServiceType])).Before(*p.StartedAt))
		})
	case "purge_frees":
		chats(false, func(c conversation.Conversation) int64 { return yes(c.State >= conversation.Binned && !heldNow[c.ID]) })
	case "purge_frees_bytes":
		chats(false, func(c conversation.Conversation) int64 {
			return yes(c.State >= conversation.Binned && !heldNow[c.ID]) * int64(c.Bytes)
		})
	case "binned_in":
		inBin(func(i itemRow) int64 { return yes(i.State != "pending" && i.State != "skipped") }, func(i itemRow) time.Time { return i.CreatedAt })
	case "restored_in":
		inBin(func(i itemRow) int64 { return yes(i.State == "restored") }, func(i itemRow) time.Time { return i.ChangedAt })
	case "resting":
		inBin(func(i itemRow) int64 { return yes(rests(i)) }, never)
	case "resting_bytes":
		inBin(func(i itemRow) int64 { return yes(rests(i)) * i.Bytes }, never)
	case "frozen":
		inBin(func(i itemRow) int64 { return yes(i.State == "frozen") }, never)
	case "overdue":
		inBin(func(i itemRow) int64 { return yes(i.State == "binned" && !i.KeepUntil.After(now)) }, never)
	case "erased_rows":
		for _, x := range stones {
			out = append(out, fact{n: 1, department: x.DepartmentID, at: x.CreatedAt})
		}
	case "erased_items":
		gone(func(purgedRow) int64 { return 1 })
	case "erased_messages":
		gone(func(p purgedRow) int64 { return p.Messages })
	case "erased_bytes":
		gone(func(p purgedRow) int64 { return p.Bytes })
	case "early":
		gone(func(p purgedRow) int64 { return yes(!over(p.ServiceType, p.LastAt, *p.StartedAt)) })
	case "actors":
		entries(func(l audit.Leaf) bool { return l.Actor.ID != 0 })
	default:
		s.t.Errorf("the oracle does not know %q", key)
	}
	return out
}

// Every figure and every cell of every kind is counted again here: from the bytes of the log and from whole
// rows, for periods and departments.
func TestEveryNumberIsThatOfAnOracle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.busy(rand.New(rand.NewPCG(1, 2)))
		dbtest.Exec(t, d, "UPDATE retention_rule SET target_days = 200, ceiling_days = 400 WHERE service_type = ''")
		dbtest.Exec(t, d, "UPDATE conversation SET personal = MOD(id, 9), order_state = MOD(id, 3)")
		team := s.department("云栖优品集团/杭州分公司/一组")
		numbers := 0
		for _, kind := range report.Kinds()[1:] {
			for _, p := range []report.Period{{First: "2026-11-01", Last: "2027-02-28"}, {First: "2026-11-22", Last: "2026-12-15"}} {
				for _, under := range []id.Department{0, s.sales} {
					leaves := s.leaves()
					made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: kind, Period: p, Department: under})
					s.must(err)
					if !made.Statement.Reconciled {
						t.Errorf("%s: does not add up: %+v", kind, made.Statement.Reconciliation)
					}
					o := &oracle{shop: s, leaves: leaves, period: p, all: under == 0, team: team, names: s.names(), seen: map[string][]fact{}}
					numbers += o.compare(made.Statement)
					if strings.Contains(string(made.File), "CANARY") {
						t.Error("the report repeats what somebody wrote")
					}
				}
			}
		}
		if numbers < 700 {
			t.Errorf("only %d numbers were compared", numbers)
		}
	})
}

type oracle struct {
	*shop
	leaves []audit.Leaf
	period report.Period
	all    bool
	team   id.Department
	names  map[string]id.User
	seen   map[string][]fact
}

func (s *shop) names() map[string]id.User {
	out := map[string]id.User{}
	for _, a := range []account.Actor{s.agent, s.supervisor, s.elsewhere, s.legal, s.auditor, s.it} {
		out[a.Name] = a.ID
	}
	return out
}

// number adds up the facts of a key that fit.
func (o *oracle) number(key string, fits func(fact) bool) (n int64) {
	if _, ok := o.seen[key]; !ok {
		o.seen[key] = o.facts(key, o.leaves)
	}
	from, _ := time.Parse(time.RFC3339, o.period.First+"T00:00:00+08:00")
	last, _ := time.Parse(time.RFC3339, o.period.Last+"T00:00:00+08:00")
	people := map[id.User]bool{}
	for _, f := range o.seen[key] {
		if !f.at.IsZero() && (f.at.Before(from) || !f.at.Before(last.AddDate(0, 0, 1))) || !o.all && f.department != o.sales && f.department != o.team || !fits(f) {
			continue
		}
		n += f.n
		people[f.actor] = true
	}
	if key == "actors" {
		return int64(len(people))
	}
	return n
}

func (o *oracle) compare(st *report.Statement) (numbers int) {
	t := o.t
	for _, f := range st.Figures {
		numbers++
		if want := o.number(f.Key, func(fact) bool { return true }); f.Value != want {
			t.Errorf("%s %v: %s = %d, want %d (%s)", st.Kind, o.period, f.Key, f.Value, want, f.Definition)
		}
		if f.Definition == "" {
			t.Errorf("%s has no definition", f.Key)
		}
	}
	for _, g := range st.Tables {
		sums := make([]int64, len(g.Numbers))
		divided := true
		for _, row := range g.Rows {
			fits := o.rowOf(g, row)
			if divided = fits != nil; !divided {
				break
			}
			for i, n := range row.Numbers {
				numbers++
				if want := o.number(g.Numbers[i].Key, fits); n != want {
					t.Errorf("%s %v %s %v: %s = %d, want %d", st.Kind, o.period, g.Key, row.Texts, g.Numbers[i].Key, n, want)
				}
				sums[i] += n
			}
		}
		// Nothing that was counted may be missing from the rows.
		for i, c := range g.Numbers {
			stock := g.Texts[0].Unit == report.UnitMonth
			if want := int64(0); divided && len(g.Rows) > 0 && c.Key != "actors" && !(stock && strings.HasPrefix(c.Key, "kept")) {
				if want = o.number(c.Key, func(fact) bool { return true }); sums[i] != want {
					t.Errorf("%s %s: the rows of %s add up to %d of %d", st.Kind, g.Key, c.Key, sums[i], want)
				}
			}
		}
	}
	return numbers
}

// rowOf tells which facts belong to a row; nil for lists, which have tests of their own.
func (o *oracle) rowOf(g report.Grid, row report.GridRow) func(fact) bool {
	text := row.Texts[0]
	switch unit := g.Texts[0].Unit; {
	case unit == report.UnitMonth:
		return func(f fact) bool { return f.at.In(time.FixedZone("", 8*3600)).Format("2006-01") == text }
	case unit == report.UnitClass:
		return func(f fact) bool { return f.class == text }
	case unit == report.UnitRole:
		return func(f fact) bool { return f.role == text }
	case unit == report.UnitDepartment:
		if text == "" {
			return func(f fact) bool { return f.department == 0 }
		}
		d := o.department(text)
		return func(f fact) bool { return f.department == d }
	case g.Texts[0].Key == "person":
		return func(f fact) bool { return f.actor == o.names[text] }
	}
	return nil
}

// The lists of the reports, row by row against the tables and the certificates.
func TestTheListsOfReports(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.busy(rand.New(rand.NewPCG(3, 4)))
	grid := func(kind report.Kind, key string) report.Grid {
		made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: kind, Period: report.Period{First: "2026-11-01", Last: "2027-01-31"}})
		s.must(err)
		i := slices.IndexFunc(made.Statement.Tables, func(g report.Grid) bool { return g.Key == key })
		if i < 0 {
			t.Fatalf("%s has no table %s", kind, key)
		}
		return made.Statement.Tables[i]
	}
	list := grid(report.Register, "purge_list")
	if len(list.Rows) != 1 || list.Of != 1 || !slices.Equal(list.Rows[0].Numbers[:3], []int64{4, 4, 0}) || list.Rows[0].Texts[5] != "CERT-2026-0001" ||
		list.Rows[0].Texts[3] != "approve:"+s.supervisor.Name+";approve:"+s.legal.Name {
		t.Errorf("%+v", list)
	}
	if g := grid(report.Privacy, "certificate_list"); len(g.Rows) != 1 || g.Rows[0].Numbers[0] != 4 {
		t.Errorf("%+v", g)
	}
	if g := grid(report.Retention, "holds_in_force"); len(g.Rows) != 1 || g.Rows[0].Numbers[0] != s.rows("hold_item") {
		t.Errorf("%+v", g)
	}
	batches := grid(report.BinCheck, "bin_batches")
	if n := s.rows("bin_batch"); int64(len(batches.Rows)) != n {
		t.Errorf("%d batches of %d", len(batches.Rows), n)
	}
	for _, row := range batches.Rows {
		if row.Numbers[0] != row.Numbers[1]+row.Numbers[2]+row.Numbers[3] {
			t.Errorf("%v: moved is not resting, restored and purged", row)
		}
	}
	// The inspections of the quarters that the period touches, and no others.
	for n, q := range []struct{ code, first, end, state string }{
		{"XJ-2026Q3", "2026-06-30 16:00:00", "2026-09-30 16:00:00", "signed"},
		{"XJ-2026Q4", "2026-09-30 16:00:00", "2026-12-31 16:00:00", "signed"},
		{"XJ-2027Q1", "2026-12-31 16:00:00", "2027-03-31 16:00:00", "checking"},
		{"XJ-2027Q2", "2027-03-31 16:00:00", "2027-06-30 16:00:00", "not_started"},
	} {
		s.inspection(n+1, q.code, q.state, q.first, q.end)
	}
	seen := grid(report.BinCheck, "bin_inspections")
	if len(seen.Rows) != 2 || seen.Rows[0].Texts[0] != "XJ-2026Q4" || seen.Rows[1].Texts[0] != "XJ-2027Q1" || seen.Rows[1].Texts[1] != "checking" ||
		!slices.Equal(seen.Rows[0].Numbers, []int64{100, 3, 2, 1, 2, 1}) {
		t.Errorf("%+v", seen)
	}
	for _, row := range grid(report.Storage, "storage_tables").Rows {
		// The counted log is shorter by the entries about the report itself.
		if n := s.rows(row.Texts[0]); row.Numbers[0] != n && !strings.HasPrefix(row.Texts[0], "audit_") {
			t.Errorf("%s: %d, want %d", row.Texts[0], row.Numbers[0], n)
		}
	}
	// Three whole months stand in the period, so the line is their mean.
	months, ahead := grid(report.Storage, "storage_months"), grid(report.Storage, "storage_forecast")
	var arrived int64
	for _, m := range months.Rows {
		arrived += m.Numbers[0]
	}
	if kept := int64(len(s.conversations())); ahead.Rows[2].Numbers[0] != kept+12*arrived/3 {
		t.Errorf("forecast %+v of %+v", ahead.Rows, months.Rows)
	}
	// What left, and apart from it what was done with exports inside: together every such act, none twice.
	_, err := s.evidence.Letter(s.ctx(), s.supervisor, s.gone())
	s.must(err)
	want := map[string]map[string]int64{"access_outgoing": {}, "access_steps": {}}
	results := map[string][3]int64{}
	for _, l := range s.leaves() {
		if !l.At.Before(time.Date(2027, 1, 31, 16, 0, 0, 0, time.UTC)) {
			continue
		}
		switch {
		case l.Action == "letter.written", l.Action == "certificate.downloaded", l.Action == "export.downloaded", l.Action == "report.downloaded":
			want["access_outgoing"][l.Action]++
		case strings.HasPrefix(l.Action, "export."):
			want["access_steps"][l.Action]++
		default:
			continue
		}
		n := results[l.Action]
		n[slices.Index([]string{audit.OK, audit.ResultRefused, audit.ResultFailed}, l.Result)]++
		results[l.Action] = n
	}
	for key, acts := range want {
		g := grid(report.Access, key)
		if len(acts) < 2 || len(g.Rows) != len(acts) || g.Of != int64(len(acts)) {
			t.Errorf("%s: %+v, want %v", key, g, acts)
		}
		for _, row := range g.Rows {
			if n := results[row.Texts[0]]; acts[row.Texts[0]] == 0 || !slices.Equal(row.Numbers[:3], n[:]) {
				t.Errorf("%s: %v, want %v", key, row, n)
			}
		}
	}
}

// gone is a conversation that was purged.
func (s *shop) gone() (c id.Conversation) {
	s.must(s.d.Read(s.ctx(), func(tx *db.Tx) error {
		var all []id.Conversation
		err := tx.Model(&conversation.Tombstone{}).Order("conversation_id").Limit(1).Pluck("conversation_id", &all).Error
		c = all[0]
		return err
	}))
	return c
}

// inspection writes one down as rows: of three items two are judged, one of them a problem; of two findings one is closed.
func (s *shop) inspection(n int, code, state, first, end string) {
	s.t.Helper()
	at := func(v string) time.Time {
		out, err := time.Parse(time.DateTime, v)
		s.must(err)
		return out
	}
	s.must(s.d.Write(s.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		i := inspection.Inspection{
			Code: code, State: inspection.State(state), FirstAt: at(first), EndAt: at(end), DueAt: at(end).AddDate(0, 0, 15), SeedSealed: []byte{1}, OpenedAt: at(first), Population: 100, Sample: 3,
		}
		if err := tx.Create(&i).Error; err != nil {
			return err
		}
		for seq, verdict := range []string{inspection.OK, inspection.Problem, ""} {
			if err := tx.Create(&inspection.Item{InspectionID: i.ID, Seq: seq + 1, ConversationID: id.Conversation(n*10 + seq + 1), Verdict: verdict}).Error; err != nil {
				return err
			}
		}
		for k, state := range []string{inspection.FindingOpen, inspection.FindingClosed} {
			if err := tx.Create(&inspection.Finding{InspectionID: i.ID, N: k + 1, Level: inspection.Low, Objects: "[]", State: state, CreatedAt: at(first)}).Error; err != nil {
				return err
			}
		}
		return nil
	}))
}

// A kind is a question of its own, so each says in its own file when the log and the tables differ.
func TestEveryKindSaysWhenItDoesNotAddUp(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	dbtest.Exec(t, d, "DELETE FROM tombstone WHERE conversation_id IN (SELECT conversation_id FROM purge_item WHERE seq = 0)")
	for _, kind := range report.Kinds() {
		made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: kind, Period: report.Period{First: "2026-11-01", Last: "2026-12-31"}})
		s.must(err)
		if made.Reconciled || !bytes.Contains(made.File, []byte(`"reconciled": false`)) {
			t.Errorf("%s says that it adds up", kind)
		}
	}
}

func TestAnyChangedByteOfAnyKindIsFound(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	for _, kind := range report.Kinds()[1:] {
		made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: kind, Period: report.Period{First: "2026-11-22", Last: "2026-12-31"}})
		s.must(err)
		flip(t, s, made, 97)
	}
}

// What excelize and encoding/csv read is what the report says.
func TestTablesOfStatementsSayWhatTheyCount(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	s.story()
	dbtest.Exec(t, d, "UPDATE audit_leaf SET actor_name = '=HYPERLINK(1)' WHERE action = 'access.denied'")
	for _, kind := range report.Kinds() {
		made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: kind, Period: report.Period{First: "2026-11-22", Last: "2026-12-31"}})
		s.must(err)
		var flat, book bytes.Buffer
		s.must(made.WriteCSV(&flat, words, time.UTC))
		s.must(made.WriteXLSX(&book, words, time.UTC))
		read := csv.NewReader(strings.NewReader(strings.TrimPrefix(flat.String(), "\ufeff")))
		read.FieldsPerRecord = -1
		rows, err := read.ReadAll()
		s.must(err)
		x, err := excelize.OpenReader(&book)
		s.must(err)
		sheet, err := x.GetRows("Sheet1")
		s.must(err)
		sheet = slices.DeleteFunc(sheet, func(row []string) bool { return strings.Join(row, "") == "" }) // the reader of CSV leaves them out too
		for i, row := range rows {
			for j, cell := range row {
				got := ""
				if i < len(sheet) && j < len(sheet[i]) {
					got = sheet[i][j]
				}
				if got != cell {
					t.Errorf("%s row %d cell %d: %q in the workbook, %q in the table", kind, i, j, got, cell)
				}
				if cell != "" && strings.ContainsAny(cell[:1], "=+@\t\r") {
					t.Errorf("a formula: %q", cell)
				}
			}
		}
		if made.Statement == nil {
			continue
		}
		for _, f := range made.Statement.Figures {
			if !slices.ContainsFunc(rows, func(row []string) bool {
				return row[0] == "report.num_"+f.Key && row[1] == strconv.FormatInt(f.Value, 10)
			}) {
				t.Errorf("%s: no row for %s", kind, f.Key)
			}
		}
	}
}

func TestReportsThatCannotBe(t *testing.T) {
	d, clock := dbtest.New(t)
	s := newShop(t, d, clock)
	p := report.Period{First: "2026-11-22", Last: "2026-12-31"}
	_, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: "gossip", Period: p})
	wantFault(t, err, "report.kind_unknown", "kind")
	_, err = s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: report.Access, Period: p, Department: 4711})
	wantFault(t, err, "report.department_unknown", "department")
}

// The register of access tells each grant with its uses, and says so when the log does not know one.
func TestTheAccessRegister(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.story()
		desk := &access.Desk{DB: d, Vault: conversation.Vault{Store: s.keys}, Accounts: s.accounts, Zone: time.FixedZone("", 8*3600)}
		archive := &conversation.Conversations{DB: d, Vault: conversation.Vault{Store: s.keys}}
		wish := access.Wish{Kind: access.OfDepartment, Department: s.sales, From: clock.Time().AddDate(-3, 0, 0), To: clock.Time(), Reason: "核对两个部门的答复"}
		ask := func() *access.Grant {
			g, err := desk.Ask(s.ctx(), s.elsewhere, wish)
			s.must(err)
			return g
		}
		ballot := func(g *access.Grant) access.Ballot {
			clock.Advance(time.Minute)
			return access.Ballot{Access: g.ID, SeenRoot: g.Fingerprint(), Opinion: "同意", Code: accounttest.Code(t, d, s.supervisor.ID)}
		}
		used, refused, waits := ask(), ask(), ask()
		_, err := desk.Approve(s.ctx(), s.supervisor, ballot(used))
		s.must(err)
		_, err = desk.Reject(s.ctx(), s.supervisor, ballot(refused))
		s.must(err)
		by := s.elsewhere
		s.must(s.d.Read(s.ctx(), func(tx *db.Tx) (err error) {
			by.Readings, err = desk.Readings(tx, by.ID)
			return err
		}))
		for range 3 {
			_, err := archive.Search(s.ctx(), by, conversation.Query{Under: used.Code, Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
			s.must(err)
		}
		report1 := func() *report.Statement {
			made, err := s.evidence.Make(s.ctx(), s.auditor, report.Ask{Kind: report.Access, Period: report.Period{First: "2026-11-01", Last: "2026-12-31"}})
			s.must(err)
			return made.Statement
		}
		st := report1()
		i := slices.IndexFunc(st.Tables, func(g report.Grid) bool { return g.Key == "access_grants" })
		want := [][3]any{{used.Code, "granted", int64(3)}, {refused.Code, "rejected", int64(0)}, {waits.Code, "asked", int64(0)}}
		if len(st.Tables[i].Rows) != len(want) {
			t.Fatalf("%+v", st.Tables[i])
		}
		for n, row := range st.Tables[i].Rows {
			if got := [3]any{row.Texts[0], row.Texts[1], row.Numbers[1]}; got != want[n] {
				t.Errorf("row %d is %v, want %v", n, got, want[n])
			}
		}
		if !st.Reconciled {
			t.Errorf("does not add up: %+v", st.Reconciliation)
		}
		dbtest.Exec(t, d, "UPDATE access_grant SET state = 'granted', decided_at = asked_at WHERE id = ?", waits.ID)
		if st := report1(); st.Reconciled {
			t.Error("a grant that the log does not know adds up")
		}
	})
}
