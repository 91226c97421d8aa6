package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

func TestAGrantOpensWhatWasAgreedToAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.open(w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Fatalf("before anybody agreed: %v", err)
		}
		g := w.ask(nil)
		if !strings.HasPrefix(g.Code, "DY-") || !account.IsReadingCode(g.Code) {
			t.Errorf("the code is %q", g.Code)
		}
		w.wantReading(g, false)
		w.must(w.approve(g, w.chief))
		w.wantReading(g, true)
		if n, _ := w.found(g); n != 1 {
			t.Errorf("%d found in 华东 without its sub-departments, want 1", n)
		}
		if err := w.open(w.inCity); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a sub-department that was not asked for: %v", err)
		}
		// Without the grant's code the search stays in the own departments.
		own, err := w.archive.Search(w.ctx(), w.now(w.li), conversation.Query{Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
		if w.must(err); own.Total != 1 || own.Rows[0].ID != w.inNorth {
			t.Errorf("the plain search finds %d", own.Total)
		}
		if n := w.leaves("conversation.opened", "ok", `"access":"`+g.Code+`"`); n != 1 {
			t.Errorf("%d entries of opening name %s, want 1", n, g.Code)
		}
		if n := w.leaves("conversation.searched", "ok", `"access":"`+g.Code+`"`); n != 2 {
			t.Errorf("%d entries of searching name %s, want 2", n, g.Code)
		}
		d, err := w.desk.Get(w.ctx(), w.now(w.auditor), g.ID)
		if w.must(err); d.Used != 3 || len(d.Uses) != 3 {
			t.Errorf("the page tells of %d uses (%d listed), want 3", d.Used, len(d.Uses))
		}
	})
}

// The grant is no scope: what changes, hides or gives out does not look at it.
func TestAGrantIsForReadingOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.grant(nil)
		by := w.now(w.li)
		if len(by.Readings) != 1 || by.Scope.Has(w.east) || by.Scope.All {
			t.Fatalf("the scope is %+v with readings %+v", by.Scope, by.Readings)
		}
		if err := w.archive.Hide(w.ctx(), by, w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("hiding: %v", err)
		}
		for _, p := range account.Permissions() {
			if by.May(p) != w.li.May(p) {
				t.Errorf("the grant changed %s", p)
			}
			if err := by.Require(p, w.east); err == nil {
				t.Errorf("%s is allowed in 华东", p)
			}
		}
		w.wantReading(g, true)
	})
}

func TestWhoAgrees(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.ask(nil)
		w.wantKey(w.approve(g, w.other), "access.not_found") // another department's supervisor does not even see it
		w.wantKey(w.approve(g, w.li), "account.forbidden")
		w.wantKey(w.approve(g, w.auditor), "account.forbidden")
		w.wantKey(w.approve(g, w.admin), "account.forbidden")
		w.wantState(g, access.Asked, "")
		if n := w.leaves("access.refused", "refused", g.Code) + w.leaves("access.look_refused", "refused", g.Code); n != 4 {
			t.Errorf("%d refusals in the log, want 4", n)
		}
		below := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.city)
		w.wantKey(w.approve(g, below), "access.not_found")
		// With sub-departments, somebody of the upper department alone does not cover them.
		top := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.east)
		all := w.ask(func(w *access.Wish) { w.Sub = true })
		w.wantKey(w.approve(all, top), "access.not_found")
		w.must(w.approve(all, w.chief))
		w.must(w.approve(g, w.legal))
		w.wantReading(g, true)
		if n, err := w.found(all); n != 2 || err != nil {
			t.Errorf("with sub-departments %d are found, %v; want 2", n, err)
		}
	})
}

func TestNobodyApprovesTheOwnWish(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// A supervisor of 华北 asks for 华东, and has a second account that leads 华东.
		first := accounttest.Same(t, w.d, w.accounts, "hr-twice", account.Supervisor, w.north)
		second := accounttest.Same(t, w.d, w.accounts, "hr-twice", account.Supervisor, w.east)
		g, err := w.desk.Ask(w.ctx(), w.now(first), w.wish())
		w.must(err)
		w.wantKey(w.approve(g, second), "approval.own_request")
		// The departments of the asker come to cover the wish: still not the own one.
		w.must(w.accounts.SetScope(w.ctx(), account.System("test", ""), first.ID, []account.ScopeRow{{Department: w.east}, {Department: w.north}}))
		w.wantKey(w.approve(g, first), "approval.own_request")
		w.wantState(g, access.Asked, "")
	})
}

func TestACodeServesOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.ask(nil), w.ask(nil)
		ballot := w.ballot(a, w.chief)
		_, err := w.desk.Approve(w.ctx(), w.now(w.chief), ballot)
		w.must(err)
		again := ballot
		again.Access, again.SeenRoot = b.ID, b.Fingerprint()
		_, err = w.desk.Approve(w.ctx(), w.now(w.chief), again)
		w.wantKey(err, "account.code_used")
		_, err = w.desk.Approve(w.ctx(), w.now(w.chief), ballot)
		w.wantKey(err, "approval.closed")
		wrong := w.ballot(b, w.chief)
		wrong.Code = "000000"
		_, err = w.desk.Approve(w.ctx(), w.now(w.chief), wrong)
		w.wantKey(err, "account.code_wrong")
		stale := w.ballot(b, w.chief)
		stale.SeenRoot = a.Fingerprint()
		_, err = w.desk.Approve(w.ctx(), w.now(w.chief), stale)
		w.wantKey(err, "approval.root_changed")
		silent := w.ballot(b, w.chief)
		silent.Opinion = " "
		_, err = w.desk.Reject(w.ctx(), w.now(w.chief), silent)
		w.wantKey(err, "approval.opinion_missing")
		_, err = w.desk.Reject(w.ctx(), w.now(w.chief), w.ballot(b, w.chief))
		w.must(err)
		w.wantState(b, access.Rejected, "")
		if n, err := w.found(b); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("a rejected wish finds %d, %v", n, err)
		}
	})
}

func TestAGrantEndsByItselfToTheMinute(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.grant(func(w *access.Wish) { w.Days = 2 })
		ends := *w.state(g).EndsAt
		w.clock.Set(ends.Add(-time.Microsecond))
		w.wantReading(g, true)
		held := w.now(w.li) // a request that began in the last minute
		w.clock.Set(ends)
		w.wantReading(g, false)
		if _, err := w.archive.Open(w.ctx(), held, w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a request that began before the end opens after it: %v", err)
		}
		_, err := w.archive.Search(w.ctx(), held, conversation.Query{Under: g.Code, Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
		w.wantKey(err, "conversation.reading_over")
		if n := w.leaves("conversation.searched", "refused", `"access":"`+g.Code+`"`); n != 2 {
			t.Errorf("%d refused searches name %s, want 2", n, g.Code)
		}
		w.must(w.desk.Tick(w.ctx()))
		w.wantState(g, access.Ended, access.EndTime)
	})
}

// However many grants run before it, one that is over is written down.
func TestTheWorkerLooksAtEveryGrant(t *testing.T) {
	was := access.SetPage(2)
	t.Cleanup(func() { access.SetPage(was) })
	each(t, func(t *testing.T, w *world) {
		var running []*access.Grant
		for range 5 {
			running = append(running, w.grant(func(wish *access.Wish) { wish.Days = access.MostDays }))
		}
		short := w.grant(func(wish *access.Wish) { wish.Days = 1 })
		waits := w.ask(nil)
		w.clock.Advance(access.AnswerTime + day)
		w.must(w.desk.Tick(w.ctx()))
		for _, g := range running {
			w.wantState(g, access.Granted, "")
		}
		w.wantState(short, access.Ended, access.EndTime)
		w.wantState(waits, access.Lapsed, access.EndTime)
	})
}

func TestAWishLapses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.ask(nil)
		w.clock.Advance(access.AnswerTime)
		w.wantKey(w.approve(g, w.chief), "approval.expired")
		w.must(w.desk.Tick(w.ctx()))
		w.wantState(g, access.Lapsed, access.EndTime)
		w.wantReading(g, false)
	})
}

// Whoever asked is told what became of it, and nobody else is.
func TestWhoIsToldOfAnAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		told := func(by account.Actor) (got []string) {
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
				rows, err := access.AnsweredTo(tx, by, tx.Now.Add(-7*day), tx.Now.Add(-14*day), 9)
				for _, g := range rows {
					got = append(got, g.Code+" "+string(g.Status(tx.Now)))
				}
				return err
			}))
			return got
		}
		want := func(when string, want ...string) {
			t.Helper()
			if got := told(w.li); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
			if got := told(w.chief); got != nil {
				t.Errorf("%s: another one is told of %v", when, got)
			}
		}
		long := func(w *access.Wish) { w.Days = 10 }
		a, b, c := w.ask(long), w.ask(nil), w.ask(nil)
		want("nobody answered yet")
		w.must(w.approve(a, w.chief))
		_, err := w.desk.Reject(w.ctx(), w.now(w.chief), w.ballot(b, w.chief))
		w.must(err)
		want("two are answered", b.Code+" rejected", a.Code+" granted")
		w.clock.Set(c.ExpiresAt)
		want("the third lapsed", c.Code+" lapsed", b.Code+" rejected", a.Code+" granted")
		w.must(w.desk.Tick(w.ctx()))
		want("and the worker came by", c.Code+" lapsed", b.Code+" rejected", a.Code+" granted")
		w.clock.Advance(5 * day)
		want("a week after the yes", c.Code+" lapsed", b.Code+" rejected")
		w.clock.Advance(10 * day)
		want("two weeks after the nos")
		w.must(w.desk.Tick(w.ctx()))
	})
}

func TestEndingEarly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		stranger := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.east, w.city)
		for _, tt := range []struct {
			why string
			by  account.Actor
		}{{access.EndAsker, w.li}, {access.EndApprover, w.chief}, {access.EndLegal, w.legal}, {access.EndAdmin, w.admin}} {
			g := w.grant(nil)
			for _, no := range []account.Actor{w.auditor, w.other, stranger} {
				if _, err := w.desk.End(w.ctx(), w.now(no), g.ID, ""); err == nil {
					t.Errorf("%s ended it", no.Role)
				}
			}
			w.wantReading(g, true)
			_, err := w.desk.End(w.ctx(), w.now(tt.by), g.ID, "已核对完毕")
			w.must(err)
			w.wantState(g, access.Ended, tt.why)
			w.wantReading(g, false)
			_, err = w.desk.End(w.ctx(), w.now(tt.by), g.ID, "")
			w.wantKey(err, "access.over")
		}
		g := w.ask(nil)
		if _, err := w.desk.End(w.ctx(), w.now(w.legal), g.ID, ""); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("legal withdrew somebody's wish: %v", err)
		}
		_, err := w.desk.End(w.ctx(), w.now(w.li), g.ID, "")
		w.must(err)
		w.wantState(g, access.Withdrawn, access.EndAsker)
	})
}

func TestAnAccountThatIsTurnedOffReadsNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := account.System("test", "")
		g, waits := w.grant(nil), w.ask(nil)
		w.must(w.accounts.DisableUser(w.ctx(), admin, w.li.ID))
		w.wantState(g, access.Ended, access.EndAccount)
		w.wantState(waits, access.Withdrawn, access.EndAccount)
		w.must(w.accounts.EnableUser(w.ctx(), admin, w.li.ID))
		w.wantReading(g, false)

		g = w.grant(nil)
		w.must(w.accounts.ChangeRole(w.ctx(), admin, w.li.ID, account.Supervisor))
		w.wantState(g, access.Ended, access.EndAccount)
	})
}

// Decided: a grant lies beside the own departments, and other ones of the asker's neither end nor widen it.
func TestTheAskersOwnDepartmentsChangeNoGrant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.grant(nil)
		found, err := w.found(g)
		w.must(err)
		for _, rows := range [][]account.ScopeRow{nil, {{Department: w.north}, {Department: w.city}}} {
			w.must(w.accounts.SetScope(w.ctx(), account.System("test", ""), w.li.ID, rows))
			w.must(w.desk.Tick(w.ctx()))
			w.wantState(g, access.Granted, "")
			if again, err := w.found(g); err != nil || again != found {
				t.Errorf("with %v the grant finds %d, before %d, %v", rows, again, found, err)
			}
		}
	})
}

// The consent stands as long as whoever gave it could give it today.
func TestTheConsentMustStand(t *testing.T) {
	admin := account.System("test", "")
	for name, loses := range map[string]func(w *world) error{
		"is turned off":   func(w *world) error { return w.accounts.DisableUser(w.ctx(), admin, w.chief.ID) },
		"does other work": func(w *world) error { return w.accounts.ChangeRole(w.ctx(), admin, w.chief.ID, account.Agent) },
		"leads other departments": func(w *world) error {
			return w.accounts.SetScope(w.ctx(), admin, w.chief.ID, []account.ScopeRow{{Department: w.city}})
		},
		"has to be confirmed anew": func(w *world) error {
			_, err := w.accounts.ResetLink(w.ctx(), w.admin, w.chief.ID, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				g := w.grant(nil)
				w.wantReading(g, true)
				w.must(loses(w))
				w.wantReading(g, false)
				w.must(w.desk.Tick(w.ctx()))
				w.wantState(g, access.Ended, access.EndConsent)
			})
		})
	}
}

// Decided: what was agreed to is a list of departments. One that comes below another later is not in it.
func TestADepartmentThatComesLaterIsNotOpened(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.grant(func(w *access.Wish) { w.Sub = true })
		later := w.department("集团/华东/宁波")
		inLater := w.chat(later, "tb9")
		w.write(func(tx *db.Tx) error { // and one that is moved there
			return tx.Exec("UPDATE department SET parent_id = ? WHERE id = ?", w.east, w.north).Error
		})
		if n, err := w.found(g); n != 2 || err != nil {
			t.Errorf("%d are found, %v; want the two of the list", n, err)
		}
		if err := w.open(inLater); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a department that came later: %v", err)
		}
		// Written past the program the list opens nothing at all.
		w.write(func(tx *db.Tx) error {
			return tx.Exec("INSERT INTO access_department (grant_id, department_id) VALUES (?, ?)", g.ID, later).Error
		})
		w.wantReading(g, false)
		if got := w.flaws(); !slices.Contains(got, "fsck.access_forged") {
			t.Errorf("fsck says %v", got)
		}
		w.write(func(tx *db.Tx) error {
			return tx.Exec("DELETE FROM access_department WHERE grant_id = ? AND department_id = ?", g.ID, later).Error
		})
		w.wantReading(g, true)
	})
}

func TestOneConversation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		only := func(code string) func(*access.Wish) {
			return func(wish *access.Wish) { *wish = access.Wish{Kind: access.OfConversation, Code: code, Reason: reason} }
		}
		second := w.chat(w.east, "tb5")
		g := w.ask(only(strings.ToLower(w.eastCode)))
		ghostCode := conversation.Code(w.inEast+77, "qianniu")
		ghost := w.ask(only(ghostCode))
		// The asker cannot tell the one that exists from the one that does not.
		seen := func(g *access.Grant) string {
			d, err := w.desk.Get(w.ctx(), w.now(w.li), g.ID)
			w.must(err)
			if d.Missing || d.DecideRefused == nil {
				t.Errorf("%s tells its asker more: %+v", g.Code, d)
			}
			return string(d.State) + d.ConversationCode[:2]
		}
		if seen(g) != seen(ghost) {
			t.Error("the answers differ")
		}
		if n := w.leaves("access.requested", "ok", `"department":"0"`); n != 2 {
			t.Errorf("%d of 2 entries of asking keep where a conversation lies", n)
		}
		w.wantKey(w.approve(ghost, w.chief), "access.not_found")
		w.wantKey(w.approve(ghost, w.legal), "access.no_conversation")
		_, err := w.desk.Reject(w.ctx(), w.now(w.legal), w.ballot(ghost, w.legal))
		w.must(err)
		w.must(w.approve(g, w.chief))
		w.wantReading(g, true)
		if n, _ := w.found(g); n != 1 {
			t.Errorf("%d are found, want the one", n)
		}
		if err := w.open(second); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("its neighbour: %v", err)
		}
		w.write(func(tx *db.Tx) error {
			return tx.Exec("UPDATE conversation SET state = ? WHERE id = ?", conversation.Binned, w.inEast).Error
		})
		if err := w.open(w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("in the bin: %v", err)
		}
		w.write(func(tx *db.Tx) error {
			return tx.Exec("UPDATE conversation SET state = ?, department_id = ? WHERE id = ?", conversation.Active, w.city, w.inEast).Error
		})
		if err := w.open(w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("moved to a department that nobody spoke for: %v", err)
		}
	})
}

func TestOneCustomer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		of := func(wish *access.Wish) { wish.Kind, wish.Customer, wish.Department = access.OfCustomer, " tb1 ", 0 }
		g := w.ask(of)
		w.wantKey(w.approve(g, w.chief), "access.not_found") // everywhere is a matter of legal
		w.must(w.approve(g, w.legal))
		w.wantReading(g, true)
		if n, _ := w.found(g); n != 2 {
			t.Errorf("%d of the customer are found, want 2", n)
		}
		if err := w.open(w.inCity); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("another customer: %v", err)
		}
		p, err := w.archive.Search(w.ctx(), w.now(w.li), conversation.Query{Under: g.Code, Customer: "tb2", Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
		if w.must(err); p.Total != 0 {
			t.Errorf("another customer under the grant: %d", p.Total)
		}
		if n := w.leaves("access.requested", "ok", "tb1"); n != 0 {
			t.Error("the customer stands in the log")
		}
	})
}

func TestThePeriodBounds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.grant(func(wish *access.Wish) { wish.From, wish.To = spring.Add(-2*day), spring.Add(-day) })
		if n, err := w.found(g); n != 0 || err != nil {
			t.Errorf("%d found outside the period, %v", n, err)
		}
		if err := w.open(w.inEast); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("outside the period: %v", err)
		}
	})
}

func TestWhatAWishNeeds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tests := []struct {
			name, field, key string
			change           func(*access.Wish)
		}{
			{"a reason of seven characters", "reason", "access.reason_short", func(w *access.Wish) { w.Reason = "  核对投诉的答复  " }},
			{"a reason without end", "reason", "access.reason_long", func(w *access.Wish) { w.Reason = strings.Repeat("长", access.LongReason+1) }},
			{"31 days", "days", "access.days", func(w *access.Wish) { w.Days = 31 }},
			{"less than a day", "days", "access.days", func(w *access.Wish) { w.Days = -1 }},
			{"no kind", "kind", "access.kind_needed", func(w *access.Wish) { w.Kind = "all" }},
			{"no department", "department", "access.department_needed", func(w *access.Wish) { w.Department = 0 }},
			{"a department that is none", "department", "access.department_needed", func(w *access.Wish) { w.Department = 999999 }},
			{"the own department", "department", "access.own_department", func(wish *access.Wish) { wish.Department = w.north }},
			{"no period", "from", "access.from_needed", func(w *access.Wish) { w.From = time.Time{} }},
			{"a period that runs back", "to", "conversation.dates_reversed", func(w *access.Wish) { w.To = w.From.Add(-day) }},
			{"no code", "conversation", "access.code_needed", func(w *access.Wish) { w.Kind, w.Code = access.OfConversation, "C-1" }},
			{"no customer", "customer", "access.customer_needed", func(w *access.Wish) { w.Kind = access.OfCustomer }},
		}
		for _, tt := range tests {
			wish := w.wish()
			tt.change(&wish)
			_, err := w.desk.Ask(w.ctx(), w.now(w.li), wish)
			if f, ok := fault.Of(err); !ok || f.Key != tt.key || f.Field != tt.field {
				t.Errorf("%s: %v, want %s on %s", tt.name, err, tt.key, tt.field)
			}
		}
		for _, who := range []account.Actor{w.legal, w.auditor, w.admin} {
			if _, err := w.desk.Ask(w.ctx(), w.now(who), w.wish()); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s asks: %v", who.Role, err)
			}
		}
		if n := dbtest.Count(t, w.d, &access.Grant{}); n != 0 {
			t.Errorf("%d wishes were stored", n)
		}
		first, again := w.ask(func(w *access.Wish) { w.FormKey = "one-form" }), w.ask(func(w *access.Wish) { w.FormKey = "one-form" })
		if first.ID != again.ID {
			t.Error("one form asked twice")
		}
		for range access.MostOpen - 1 {
			w.ask(nil)
		}
		_, err := w.desk.Ask(w.ctx(), w.now(w.li), w.wish())
		w.wantKey(err, "access.too_many")
	})
}

func TestTheLists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, waits := w.grant(nil), w.ask(nil)
		counts := func(by account.Actor) [4]int64 {
			p, err := w.desk.List(w.ctx(), w.now(by), access.Query{Part: access.Mine, Size: 20})
			w.must(err)
			return [4]int64{p.Counts[access.Waiting], p.Counts[access.Running], p.Counts[access.Mine], p.Counts[access.Over]}
		}
		lonely := accounttest.User(t, w.d, w.accounts, account.Supervisor) // of no department at all
		for name, tt := range map[string]struct {
			by   account.Actor
			want [4]int64
		}{
			"the asker": {w.li, [4]int64{1, 1, 2, 0}}, "the chief": {w.chief, [4]int64{1, 1, 0, 0}}, "legal": {w.legal, [4]int64{1, 1, 0, 0}},
			"audit": {w.auditor, [4]int64{1, 1, 0, 0}}, "another chief": {w.other, [4]int64{}}, "a chief of nothing": {lonely, [4]int64{}},
		} {
			if got := counts(tt.by); got != tt.want {
				t.Errorf("%s sees %v, want %v", name, got, tt.want)
			}
		}
		if _, err := w.desk.Get(w.ctx(), w.now(w.other), waits.ID); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("another chief: %v", err)
		}
		if n := w.leaves("access.look_refused", "refused", waits.Code); n != 1 {
			t.Errorf("%d refusals, want 1", n)
		}
		w.clock.Advance(8 * day)
		if got := counts(w.auditor); got != [4]int64{0, 0, 0, 2} {
			t.Errorf("after their time audit sees %v, before the worker came by", got)
		}
		_ = g
		w.must(w.desk.Tick(w.ctx()))
	})
}

func TestFsckTellsOfForgedGrants(t *testing.T) {
	tests := []struct{ name, query, key string }{
		{"longer than agreed", "UPDATE access_grant SET ends_at = '2039-01-01 00:00:00', days = 30", "fsck.access_forged"},
		{"granted without anybody", "UPDATE access_grant SET state = 'granted', decided_at = asked_at, ends_at = expires_at", "fsck.access_unapproved"},
		{"the consent's vote changed", "UPDATE vote SET opinion = 'x'", "fsck.access_vote_forged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				g := w.ask(nil)
				if tt.key != "fsck.access_unapproved" {
					w.must(w.approve(g, w.chief))
				}
				w.write(func(tx *db.Tx) error { return tx.Exec(tt.query).Error })
				w.wantReading(g, false)
				if got := w.flaws(); !slices.Contains(got, tt.key) {
					t.Errorf("fsck says %v, want %s", got, tt.key)
				}
			})
		})
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.grant(nil)
		w.clock.Advance(8 * day)
		if got := w.flaws(); !slices.Contains(got, "fsck.access_past_end") {
			t.Errorf("a grant that nobody ended: %v", got)
		}
		w.must(w.desk.Tick(w.ctx()))
		if got := w.flaws(); len(got) != 0 {
			t.Errorf("after the worker: %v", got)
		}
	})
}
