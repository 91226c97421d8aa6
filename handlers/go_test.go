package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db/dbtest"
	"qingdang/models/report"
	"qingdang/web/webtest"
)

// reportsOf is the reports of the archive.
func reportsOf(t *testing.T, a *archive) *handlers.Reports {
	t.Helper()
	signer, err := accounttest.Keys(t, a.db).Signer("qingdang.example.cn/evidence")
	if err != nil {
		t.Fatal(err)
	}
	desk := &report.Evidence{DB: a.db, Log: &audit.Log{DB: a.db, Signer: signer, Dir: t.TempDir()}, Zone: shanghai, Organisation: "云栖优品集团"}
	return &handlers.Reports{Desk: desk, Reader: desk, Departments: a.departments}
}

// A code leads to its page for whoever that page is open to, and to nothing for everybody else: what the
// search field says and what the page says never differ.
func TestACodeLeadsOnlyToPagesThatOpen(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, spoken), talk("e2", "别家", "tb_88821", "售后", old, "外人的话"))
		person := func(role account.Role, all bool) account.Actor {
			by := accounttest.User(t, a.db, a.people, role, a.shop.ID)
			if all {
				by.Scope = account.Everywhere()
			}
			return by
		}
		boss, foreign := person(account.Supervisor, false), accounttest.User(t, a.db, a.people, account.Supervisor, a.other.ID)
		auditor, legal, admin := person(account.Auditor, true), person(account.Legal, true), person(account.Admin, true)
		bounded := accounttest.User(t, a.db, a.people, account.Legal, a.other.ID)
		bounded.Scope = account.Within(a.other.ID)
		clock.Advance(72 * time.Hour)
		as := map[string]*webtest.Client{
			"supervisor": a.As(boss), "another supervisor": a.As(foreign), "agent": a.As(person(account.Agent, false)), "auditor": a.As(auditor), "legal": a.As(legal),
			"legal of another department": a.As(bounded), "administrator": a.As(admin),
		}

		page := map[string]string{} // code to the page that it names
		asked := as["supervisor"].Post(t, "/exports/new", url.Values{
			"go": {"ask"}, "kind": {"conversation"}, "id": {fmt.Sprint(a.only(t, "e1"))}, "format": {"jsonl"}, "mask": {"all"}, "days": {"7"}, "purpose": {"内部复盘培训"},
		})
		page["EX-20261125-001"] = asked.Location
		held := as["legal"].Post(t, "/holds/new", url.Values{
			"go": {"place"}, "kind": {"customers"}, "name": {"劳务外包诉讼"}, "reason": {"杭民初案件，保留全部往来"}, "review_at": {clock.Time().AddDate(0, 1, 0).Format("2006-01-02")},
			"key": {"form-key-1"}, "customers": {"tb_88821"}, "fixed": {"1"}, "shown": {"2"},
		})
		page["LH-2026-001"] = held.Location
		sent := send(t, as["administrator"], url.Values{"format": {"auto"}}, "一店.jsonl", line)
		page["IM-20261125-001"] = sent.Location
		made := as["auditor"].Post(t, "/reports", url.Values{"kind": {"operations"}, "from": {"2026-11-01"}, "to": {"2026-11-25"}})
		page["AR-20261125-001"] = made.Location
		as["auditor"].Post(t, "/inspections", url.Values{}).WantRedirect(t, "/inspections/XJ-2026Q4")
		page["XJ-2026Q4"] = "/inspections/XJ-2026Q4"
		a.add(t, talk("e3", "云栖优品集团/一店", "tb_3", "售后", old, spoken))
		if _, err := (&bin.Bin{DB: a.db, Zone: shanghai, Keys: accounttest.Keys(t, a.db)}).DiscardOne(t.Context(), boss, a.only(t, "e3"), "超过保留期的会话清理", "form-key-2"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(24 * time.Hour)
		as["auditor"].Post(t, "/inspections/XJ-2026Q4/draw", url.Values{}).WantRedirect(t, "/inspections/XJ-2026Q4")
		finding := url.Values{"level": {"low"}, "words": {"原因过于笼统"}, "owner": {fmt.Sprint(uint64(boss.ID))}, "due": {clock.Time().AddDate(0, 0, 9).Format(time.DateOnly)}}
		as["auditor"].Post(t, "/inspections/XJ-2026Q4/findings", finding).WantRedirect(t, "/inspections/XJ-2026Q4?tab=findings")

		for code, address := range page {
			if !strings.HasPrefix(address, "/") {
				t.Fatalf("%s was not made: %q", code, address)
			}
			opened := 0
			for who, c := range as {
				want := c.Get(t, address).Status == http.StatusOK
				got := c.Get(t, "/go?q="+url.QueryEscape(" "+strings.ToLower(code)))
				switch {
				case want && (got.Status != http.StatusSeeOther || got.Location != address):
					t.Errorf("%s may open %s, but the search field answers %d %s", who, code, got.Status, got.Location)
				case !want && got.Status != http.StatusNotFound:
					t.Errorf("%s may not open %s, but the search field answers %d %s", who, code, got.Status, got.Location)
				case !want:
					got.Want(t, http.StatusNotFound, "没有找到这个编号")
				default:
					opened++
				}
			}
			if opened == 0 || opened == len(as) {
				t.Errorf("%s is open to %d of %d", code, opened, len(as))
			}
		}

		// A finding stands on its inspection's page; who is to answer finds it, other supervisors do not.
		const place = "/inspections/XJ-2026Q4?tab=findings#F-01"
		for _, code := range []string{"F-01", "f-1", "XJ-2026Q4/F-01", "XJ-2026Q4 F-01"} {
			for who, c := range as {
				got := c.Get(t, "/go?q="+url.QueryEscape(code))
				if sees := who == "supervisor" || who == "auditor" || who == "legal" || who == "legal of another department"; sees {
					got.WantRedirect(t, place)
				} else {
					got.Want(t, http.StatusNotFound, "没有找到这个编号")
				}
			}
		}
		for _, code := range []string{"F-02", "XJ-2026Q3/F-01", "EX-20261125-002", "EX-" + strings.Repeat("9", 40), "AR-' OR 1=1", "LH-%"} {
			as["legal"].Get(t, "/go?q="+url.QueryEscape(code)).Want(t, http.StatusNotFound, "没有找到这个编号")
		}
	})
}

// The menu has one entry for everything that leaves the system; it leads to what the role may open.
func TestExportsAndReportsAreOneEntryOfTheMenu(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	for _, tt := range []struct {
		role      account.Role
		page      string
		has, lack string
	}{
		{account.Supervisor, "/exports", `href="/reports"`, "x"},
		{account.Auditor, "/reports", `href="/inspections"`, `href="/exports"`},
		{account.Agent, "/exports", "会话导出", `href="/reports"`},
	} {
		home := a.As(accounttest.Actor(tt.role, a.shop.ID)).Get(t, tt.page)
		home.Want(t, 200, tt.has, ">导出与报告</span>", `class="qd-menu-item active" href="`+tt.page+`" aria-current="page"`)
		if tt.lack != "x" {
			home.Lacks(t, tt.lack)
		}
	}
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	boss.Get(t, "/reports").Want(t, 200, `class="qd-menu-item active" href="/exports"`, `href="/exports"`)
}
