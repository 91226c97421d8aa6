package search_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/search"
)

// world is 集团 with 华东 (杭州 below it) and 华北. east leads 华东 with 杭州 and city works in 杭州.
type world struct {
	t                 *testing.T
	d                 *db.DB
	clock             *dbtest.Clock
	desk              *search.Desk
	top, hz, hd, hb   id.Department
	east, east2, city account.Actor
	north, cityLead   account.Actor
	legal, auditor    account.Actor
	admin             account.Actor
	accounts          *account.Accounts
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		keys := accounttest.Keys(t, d)
		deps := &department.Departments{DB: d}
		accounts, err := account.New(account.Settings{DB: d, Keys: keys, Resolve: deps.Resolve})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, d: d, clock: clock, accounts: accounts, desk: &search.Desk{DB: d, Keys: keys, Zone: time.UTC}}
		for path, at := range map[string]*id.Department{"集团/华东/杭州": &w.hz, "集团/华北": &w.hb} {
			dep, err := deps.Ensure(t.Context(), account.System("cli", ""), path)
			if err != nil {
				t.Fatal(err)
			}
			*at = dep.ID
		}
		tree, err := deps.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		east, _ := tree.ByPath("集团/华东")
		top, _ := tree.ByPath("集团")
		w.hd, w.top = east.ID, top.ID
		user := func(role account.Role, in ...id.Department) account.Actor {
			return accounttest.User(t, d, accounts, role, in...)
		}
		w.east, w.east2, w.city = user(account.Supervisor, w.hd, w.hz), user(account.Supervisor, w.hd, w.hz), user(account.Agent, w.hz)
		w.cityLead, w.north = user(account.Supervisor, w.hz), user(account.Supervisor, w.hb)
		w.legal, w.auditor, w.admin = user(account.Legal), user(account.Auditor), user(account.Admin)
		f(t, w)
	})
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) save(by account.Actor, name string, s search.Share) string {
	w.t.Helper()
	code, err := w.desk.Save(w.ctx(), by, name, some, s)
	if err != nil {
		w.t.Fatalf("save %s: %v", name, err)
	}
	return code
}

func (w *world) key(err error, want string) {
	w.t.Helper()
	if f, ok := fault.Of(err); want == "" && err != nil || want != "" && (!ok || f.Key != want) {
		w.t.Errorf("fault = %v, want %q", err, want)
	}
}

func (w *world) names(by account.Actor) (out []string) {
	w.t.Helper()
	list, err := w.desk.List(w.ctx(), by)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range list {
		out = append(out, s.Name)
	}
	return out
}

type leafRow struct{ Leaf []byte }

// TableName is audit_leaf.
func (leafRow) TableName() string { return "audit_leaf" }

func (w *world) leaves(action string) int64 {
	return dbtest.Count(w.t, w.d, &leafRow{}, "action = ?", action)
}

var some = search.Conditions{
	Words: "退款 13800138000", Customer: "tb_88821", Period: "last30", Department: 7, DepartmentName: "杭州", Sub: true,
	Types: []string{"售后"}, Tags: []string{"物流"}, Agents: []string{"A1"}, State: "all",
}

func TestWhoSeesASavedSearch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		private := w.save(w.east, "自己的", search.Share{})
		inEast := w.save(w.east, "华东的", search.Share{With: search.InDepartment, Department: w.hd})
		inCity := w.save(w.city, "杭州的", search.Share{With: search.InDepartment, Department: w.hz})
		forLegal := w.save(w.east, "给法务", search.Share{With: search.InRole, Role: account.Legal})
		forBoss := w.save(w.legal, "给主管", search.Share{With: search.InRole, Role: account.Supervisor})
		everyone := w.save(w.legal, "全集团", search.Share{With: search.InDepartment, Department: w.top})
		for _, p := range []struct {
			name string
			by   account.Actor
			sees []string
		}{
			{"its maker, who leads 华东", w.east, []string{private, inEast, inCity, forLegal, forBoss, everyone}},
			{"another who leads 华东", w.east2, []string{inEast, inCity, forBoss, everyone}},
			{"an agent of 杭州, which is below", w.city, []string{inEast, inCity, everyone}},
			{"who leads 杭州", w.cityLead, []string{inEast, inCity, forBoss, everyone}},
			{"who leads 华北", w.north, []string{forBoss, everyone}},
			{"legal", w.legal, []string{inEast, inCity, forLegal, forBoss, everyone}},
			{"another of legal, who may remove everything that is shared", accounttest.Actor(account.Legal), []string{inEast, inCity, forLegal, forBoss, everyone}},
			{"an auditor", w.auditor, []string{inEast, inCity, everyone}},
			{"nobody's department", accounttest.Actor(account.Supervisor), []string{forBoss}},
		} {
			list, err := w.desk.List(w.ctx(), p.by)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range list {
				got = append(got, s.Code)
			}
			slices.Sort(got)
			if diff := cmp.Diff(p.sees, got); diff != "" {
				t.Errorf("%s: %s", p.name, diff)
			}
			for _, code := range []string{private, inEast, inCity, forLegal, forBoss, everyone} {
				before := w.leaves("search.refused")
				s, err := w.desk.Open(w.ctx(), p.by, code)
				if slices.Contains(p.sees, code) {
					if err != nil || !s.Conditions.Equal(some) {
						t.Errorf("%s opens %s: %v", p.name, code, err)
					}
					continue
				}
				w.key(err, "search.not_found")
				for _, act := range []error{
					w.desk.Rename(w.ctx(), p.by, code, "别的"), w.desk.Update(w.ctx(), p.by, code, search.Conditions{}), w.desk.Share(w.ctx(), p.by, code, search.Share{}),
					w.desk.Delete(w.ctx(), p.by, code), w.desk.Move(w.ctx(), p.by, code, true),
				} {
					if k := fault.KindOf(act); k != fault.KindNotFound && (k != fault.KindForbidden || p.by.May(account.SearchSave)) {
						t.Errorf("%s at %s: %v", p.name, code, act)
					}
				}
				if n := w.leaves("search.refused") - before; n != 6 && p.by.May(account.SearchSave) {
					t.Errorf("%s reached for %s and left %d entries", p.name, code, n)
				}
			}
		}
		if _, err := w.desk.List(w.ctx(), w.admin); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an administrator lists: %v", err)
		}
		before := w.leaves("search.refused")
		for _, code := range []string{"SX-20990101-001", "SX-1", "", "1 OR 1=1"} {
			_, err := w.desk.Open(w.ctx(), w.east, code)
			w.key(err, "search.not_found")
		}
		if n := w.leaves("search.refused") - before; n != 0 {
			t.Errorf("what is not there left %d entries", n)
		}
	})
}

func TestChangingASavedSearch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.save(w.east, "  退款　纠纷\u200b ", search.Share{})
		b := w.save(w.east, "ABC", search.Share{With: search.InDepartment, Department: w.hd})
		// One act, one entry; a repeated submit is the first one.
		if n := w.leaves("search.saved"); n != 2 {
			t.Errorf("%d entries", n)
		}
		if again := w.save(w.east, "退款 纠纷", search.Share{}); again != a || w.leaves("search.saved") != 2 {
			t.Errorf("a second submit made %s", again)
		}
		for name, want := range map[string]string{
			"": "search.name_needed", "　 ": "search.name_needed", strings.Repeat("长", 41): "search.name_long", "找13800138000": "search.name_personal", "ａｂｃ": "search.name_taken", strings.Repeat("长", 40): "",
		} {
			_, err := w.desk.Save(w.ctx(), w.east, name, search.Conditions{}, search.Share{})
			w.key(err, want)
		}
		w.key(w.desk.Rename(w.ctx(), w.east, a, "abc"), "search.name_taken")
		w.key(w.desk.Rename(w.ctx(), w.east, b, "abc"), "")
		w.save(w.city, "abc", search.Share{}) // somebody else's name
		for _, tt := range []struct {
			by   account.Actor
			s    search.Share
			want string
		}{
			{w.city, search.Share{With: search.InRole, Role: account.Agent}, "search.share_role"},
			{w.city, search.Share{With: search.InDepartment, Department: w.hd}, "search.share_department"},
			{w.east, search.Share{With: search.InDepartment}, "search.share_department"},
			{w.legal, search.Share{With: search.InDepartment, Department: 987654321}, "search.share_department"},
			{w.east, search.Share{With: search.InRole, Role: account.Admin}, "search.share_needed"},
			{w.east, search.Share{With: search.InRole}, "search.share_needed"},
			{w.east, search.Share{With: "all"}, "search.share_needed"},
		} {
			_, err := w.desk.Save(w.ctx(), tt.by, "新的", search.Conditions{}, tt.s)
			w.key(err, tt.want)
		}
		w.key(w.desk.Update(w.ctx(), w.east, a, search.Conditions{Words: strings.Repeat("长", 5000)}), "search.conditions_long")
		w.key(w.desk.Update(w.ctx(), w.east, a, search.Conditions{Words: "赔付"}), "")
		if s, err := w.desk.Open(w.ctx(), w.east, a); err != nil || s.Conditions.Words != "赔付" || s.Name != "退款 纠纷" || !s.Own {
			t.Errorf("%+v %v", s, err)
		}
		w.key(w.desk.Share(w.ctx(), w.east, a, search.Share{With: search.InRole, Role: account.Legal}), "")
		// Who sees it may not change it, and is noted.
		for _, err := range []error{w.desk.Rename(w.ctx(), w.legal, a, "别的"), w.desk.Update(w.ctx(), w.legal, a, search.Conditions{}), w.desk.Share(w.ctx(), w.legal, a, search.Share{})} {
			w.key(err, "search.not_yours")
		}
		w.key(w.desk.Delete(w.ctx(), w.city, b), "search.not_yours")
		w.key(w.desk.Delete(w.ctx(), w.cityLead, b), "search.not_yours")
		if n := w.leaves("search.refused"); n != 5 {
			t.Errorf("%d refusals were noted", n)
		}
		w.key(w.desk.Share(w.ctx(), w.east, a, search.Share{}), "")
		w.key(w.desk.Delete(w.ctx(), w.legal, a), "search.not_found")
		w.key(w.desk.Delete(w.ctx(), w.east2, b), "") // leads the whole department
		w.key(w.desk.Delete(w.ctx(), w.east, a), "")
		if dbtest.Count(t, w.d, &leafRow{}, "INSTR(leaf, '退款') > 0 OR INSTR(leaf, '赔付') > 0 OR INSTR(leaf, '13800138000') > 0 OR INSTR(leaf, 'abc') > 0") != 0 {
			t.Error("the log tells what was looked for")
		}
		for action, want := range map[string]int64{"search.renamed": 1, "search.updated": 1, "search.shared": 2, "search.deleted": 2} {
			if n := w.leaves(action); n != want {
				t.Errorf("%s: %d entries, want %d", action, n, want)
			}
		}
	})
}

func TestTheDatabaseTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		private := w.save(w.east, "退款纠纷", search.Share{})
		var rows []map[string]any
		read := func(tx *db.Tx) error { return tx.Table("saved_search").Find(&rows).Error }
		if err := w.d.Read(w.ctx(), read); err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		for column, v := range rows[0] {
			text := fmt.Appendf(nil, "%s", v)
			for _, word := range []string{"退款", "13800138000", "tb_88821", "物流", "杭州"} {
				if bytes.Contains(text, []byte(word)) {
					t.Errorf("%s tells %s", column, word)
				}
			}
		}
		// A row whose maker or audience is changed past the program opens no more.
		for _, forged := range []string{"owner_id = " + id.String(w.north.ID), "audience = 'role', role = 'supervisor'", "audience = 'department', department_id = " + id.String(w.hb)} {
			dbtest.Exec(t, w.d, "UPDATE saved_search SET "+forged)
			list, err := w.desk.List(w.ctx(), w.north)
			if err != nil || len(list) != 1 || !list[0].Broken || list[0].Name != "" || !cmp.Equal(list[0].Conditions, search.Conditions{}) {
				t.Errorf("after %s: %+v %v", forged, list, err)
			}
			_, err = w.desk.Open(w.ctx(), w.north, private)
			w.key(err, "search.broken")
			dbtest.Exec(t, w.d, "UPDATE saved_search SET owner_id = ?, audience = 'private', role = '', department_id = 0", w.east.ID)
		}
		if _, err := w.desk.Open(w.ctx(), w.east, private); err != nil {
			t.Error(err)
		}
	})
}

func TestOrderAndUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, n := range []string{"一", "二", "三"} {
			w.save(w.east, n, search.Share{With: search.InDepartment, Department: w.hd})
		}
		mine := w.save(w.east2, "己", search.Share{})
		order := func(want string) {
			t.Helper()
			if got := strings.Join(w.names(w.east2), ""); got != want {
				t.Errorf("the order is %s, want %s", got, want)
			}
		}
		order("己一二三")
		w.key(w.desk.Move(w.ctx(), w.east2, mine, false), "") // at the top already
		w.key(w.desk.Move(w.ctx(), w.east2, mine, true), "")
		w.key(w.desk.Move(w.ctx(), w.east2, mine, true), "")
		order("一二己三")
		w.save(w.east2, "新", search.Share{})
		order("一二己三新")
		w.key(w.desk.Move(w.ctx(), w.east2, mine, false), "")
		order("一己二三新")
		if got := strings.Join(w.names(w.east), ""); got != "一二三" {
			t.Errorf("somebody else's order became %s", got)
		}
		if err := w.accounts.DisableUser(w.ctx(), account.System("cli", ""), w.east.ID); err != nil {
			t.Fatal(err)
		}
		at := w.clock.Time()
		if err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
			return audit.Append(tx, audit.Entry{Actor: w.north.Audit(), Action: "conversation.searched", ObjectKind: "search", Object: mine})
		}); err != nil {
			t.Fatal(err)
		}
		list, err := w.desk.List(w.ctx(), w.east2)
		if err != nil {
			t.Fatal(err)
		}
		if s := list[0]; !s.OwnerGone || s.Owner.Name == "" || !s.CanRemove || s.Own {
			t.Errorf("what a maker shares who left: %+v", s)
		}
		if s := list[1]; s.OwnerGone || !s.Own {
			t.Errorf("the own: %+v", s)
		}
		if used, err := w.desk.Used(w.ctx(), w.east2, list); err != nil || len(used) != 1 || !used[mine].Equal(at) {
			t.Errorf("used at %v (%v), want %s at %v", used, err, mine, at)
		}
	})
}

func TestThereIsABound(t *testing.T) {
	d, _ := dbtest.New(t)
	desk := &search.Desk{DB: d, Keys: accounttest.Keys(t, d), Zone: time.UTC}
	by := accounttest.Actor(account.Agent, 1)
	for i := range search.MostOwn {
		if _, err := desk.Save(t.Context(), by, fmt.Sprint("第", i), search.Conditions{}, search.Share{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := desk.Save(t.Context(), by, "多一个", search.Conditions{}, search.Share{}); fault.KindOf(err) != fault.KindConflict {
		t.Errorf("one more: %v", err)
	}
	if n := dbtest.Count(t, d, &leafRow{}, "action = 'search.saved'"); n != search.MostOwn {
		t.Errorf("%d entries", n)
	}
}

// What is saved is what is opened, whatever stands in it.
func TestSavedIsOpened(t *testing.T) {
	d, _ := dbtest.New(t)
	desk := &search.Desk{DB: d, Keys: accounttest.Keys(t, d), Zone: time.UTC}
	by := accounttest.Actor(account.Supervisor, 1)
	code, err := desk.Save(t.Context(), by, "名", search.Conditions{}, search.Share{})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, 200)
		list := rapid.SliceOfN(rapid.StringN(1, 10, 40), 0, 4)
		c := search.Conditions{
			Words: text.Draw(t, "words"), Customer: text.Draw(t, "customer"), Period: text.Draw(t, "period"), From: text.Draw(t, "from"), To: text.Draw(t, "to"),
			Department: id.Department(rapid.Uint64Range(0, 1<<63-1).Draw(t, "department")), DepartmentName: text.Draw(t, "name"), Sub: rapid.Bool().Draw(t, "sub"),
			Types: list.Draw(t, "types"), Platforms: list.Draw(t, "platforms"), Tags: list.Draw(t, "tags"), Agents: list.Draw(t, "agents"), Personal: list.Draw(t, "personal"), State: text.Draw(t, "state"),
		}
		if err := desk.Update(context.Background(), by, code, c); err != nil {
			t.Fatal(err)
		}
		s, err := desk.Open(context.Background(), by, code)
		if err != nil || !s.Conditions.Equal(c) || s.Conditions.DepartmentName != c.DepartmentName {
			t.Fatalf("%+v became %+v (%v)", c, s.Conditions, err)
		}
	})
}
