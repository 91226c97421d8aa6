package purge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/job"
	"qingdang/models/purge"
)

func TestWhatIsProtectedStaysOffTheListAndIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(
			chat{name: "plain"}, chat{name: "held"}, chat{name: "young", at: clock.Time().Add(-30 * 24 * time.Hour)},
			chat{name: "dispute", class: "法律纠纷"}, chat{name: "ordered", order: conversation.OrderOpen},
		)
		w.hold(ids[1])
		r := w.request(w.agent, w.binned(clock.Time(), bin.ScopeDepartment, ids...))
		if r.Size != 1 {
			t.Errorf("%d on the list", r.Size)
		}
		if got := fmt.Sprint(r.ExcludedCounts()); got != "map[floor:2 held:1 order:1]" {
			t.Errorf("left out: %s", got)
		}
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Frozen); n != 1 {
			t.Errorf("%d are frozen", n)
		}
		if n := w.count(&bin.Item{}, "state = ?", bin.ItemBinned); n != 4 {
			t.Errorf("%d are back in the bin", n)
		}
		_, err := w.desk.Request(w.ctx(), w.agent, w.ask(w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: "d2", class: "法律纠纷"})...)))
		w.wantFault(err, "purge.nothing_to_freeze")
	})
}

func TestRequesting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		elsewhere := w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: "far", dep: w.support})...)

		ask := w.ask(batch)
		ask.Reason = "清理"
		_, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.wantFault(err, "purge.reason_short")
		_, err = w.desk.Request(w.ctx(), w.agent, w.ask())
		w.wantFault(err, "purge.no_batches")
		_, err = w.desk.Request(w.ctx(), w.agent, w.ask(elsewhere))
		w.wantFault(err, "purge.batch_not_found")
		_, err = w.desk.Request(w.ctx(), w.agent, w.ask(999999))
		w.wantFault(err, "purge.batch_not_found")
		_, err = w.desk.Request(w.ctx(), account.System("worker", ""), w.ask(batch))
		w.wantFault(err, "approval.not_a_person")
		_, err = w.desk.Request(w.ctx(), accounttest.User(t, d, w.accounts, account.Admin), w.ask(batch))
		if fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an administrator: %v", err)
		}
		if n := w.count(&purge.Request{}); n != 0 {
			t.Fatalf("%d requests were stored", n)
		}

		ask = w.ask(batch)
		first, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		again, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		if first.ID != again.ID || first.Code != "PG-20261122-001" {
			t.Errorf("the form twice: %s and %s", first.Code, again.Code)
		}
		_, err = w.desk.Request(w.ctx(), w.agent, w.ask(batch))
		w.wantFault(err, "purge.nothing_to_freeze")
	})
}

func TestNobodyApprovesTheOwnRequestByAnyPath(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		boss := accounttest.Same(t, d, w.accounts, "hr-boss", account.Supervisor, w.sales)
		bossAsLegal := accounttest.Same(t, d, w.accounts, "hr-boss", account.Legal)
		bossAsLegal.Scope = account.Everywhere()
		other := accounttest.User(t, d, w.accounts, account.Supervisor, w.support)
		_, batch := w.expired(2)
		r := w.request(boss, batch)

		vote := func(by account.Actor, change func(*purge.Ballot)) error {
			t.Helper()
			b := purge.Ballot{Purge: r.ID, Verdict: approval.Approve, Opinion: "同意", SeenRoot: fmt.Sprintf("%x", r.Root), Code: "000000"}
			if by.Natural() && by.Role != account.Admin {
				b.Code = accounttest.Code(t, d, by.ID)
			}
			if change != nil {
				change(&b)
			}
			_, err := w.desk.Vote(w.ctx(), by, b)
			return err
		}
		w.wantFault(vote(boss, nil), "approval.own_request")
		w.wantFault(vote(other, nil), "purge.not_found")
		w.wantFault(vote(w.agent, nil), "approval.wrong_role")
		w.wantFault(vote(w.legal, nil), "approval.wrong_role")
		w.wantFault(vote(w.supervisor, func(b *purge.Ballot) { b.SeenRoot = strings.Repeat("0", 64) }), "approval.root_changed")
		w.wantFault(vote(w.supervisor, func(b *purge.Ballot) { b.SeenRoot = "x" }), "approval.root_changed")
		w.wantFault(vote(w.supervisor, func(b *purge.Ballot) { b.Code = "000001" }), "account.code_wrong")
		if fault.KindOf(vote(accounttest.User(t, d, w.accounts, account.Admin), nil)) != fault.KindForbidden {
			t.Error("an administrator may vote")
		}
		if fault.KindOf(vote(account.System("worker", ""), nil)) != fault.KindForbidden {
			t.Error("the system may vote")
		}
		w.must(vote(w.supervisor, nil))
		w.wantFault(vote(bossAsLegal, nil), "approval.own_request")
		w.wantFault(vote(w.supervisor, nil), "approval.voted_before")
		clock.Advance(30 * time.Second)
		used := accounttest.Code(t, d, w.legal.ID)
		w.must(vote(w.legal, func(b *purge.Ballot) { b.Code = used }))
		if got := w.now(r).State; got != purge.CoolingOff {
			t.Fatalf("state %s", got)
		}

		second := w.approve(w.request(w.agent, w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: "n"})...)), w.supervisor)
		clock.Advance(-30 * time.Second)
		r = second
		w.wantFault(vote(w.legal, func(b *purge.Ballot) { b.Code = used }), "account.code_used")
		clock.Advance(7*24*time.Hour + time.Minute)
		w.wantFault(vote(w.legal, nil), "approval.expired")
	})
}

func TestTwoApproversAtOnce(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Open(t, db.MySQL, clock)
	w := newWorld(t, d, clock)
	second := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales)
	const rounds = 40
	for round := range rounds {
		_, batch := w.expiredAs(fmt.Sprintf("r%d-", round), 1)
		r := w.request(w.agent, batch)
		ballots := []purge.Ballot{w.ballot(r, w.supervisor), w.ballot(r, second)}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, by := range []account.Actor{w.supervisor, second} {
			wg.Go(func() { _, errs[i] = w.desk.Vote(w.ctx(), by, ballots[i]) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
		}
		if n := w.count(&approval.Vote{}, "approval_id = ?", r.ApprovalID); n != 1 {
			t.Fatalf("round %d: %d votes", round, n)
		}
		clock.Advance(time.Minute)
	}
}

func TestARejectionGivesEverythingBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		r := w.request(w.agent, batch)
		b := w.ballot(r, w.supervisor)
		b.Verdict, b.Opinion = approval.Reject, "范围过大"
		_, err := w.desk.Vote(w.ctx(), w.supervisor, b)
		w.must(err)
		if r = w.now(r); r.State != purge.Rejected || r.ClosedReason != "范围过大" {
			t.Errorf("%s: %s", r.State, r.ClosedReason)
		}
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Binned); n != 3 {
			t.Errorf("%d are back", n)
		}
		w.request(w.agent, batch) // may be asked for again
	})
}

func TestWithdrawing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stranger := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales)
		auditor := accounttest.User(t, d, w.accounts, account.Auditor)
		auditor.Scope = account.Everywhere()
		for i, by := range []account.Actor{w.agent, w.supervisor, w.legal, w.cro} {
			_, batch := w.expiredAs(fmt.Sprintf("w%d-", i), 2)
			r := w.approved(batch)
			w.wantFault(w.desk.Withdraw(w.ctx(), stranger, r.ID, "不同意"), "purge.not_yours")
			w.wantFault(w.desk.Withdraw(w.ctx(), auditor, r.ID, "不同意"), "purge.not_yours")
			w.wantFault(w.desk.Withdraw(w.ctx(), by, r.ID, " "), "purge.withdraw_reason")
			w.must(w.desk.Withdraw(w.ctx(), by, r.ID, "范围需要复查"))
			w.wantFault(w.desk.Withdraw(w.ctx(), by, r.ID, "再来一次"), "purge.closed")
			clock.Set(*r.DueAt)
			w.work()
			if n := w.count(&conversation.Conversation{}, "state = ? AND batch_id = ?", conversation.Binned, batch); n != 2 {
				t.Errorf("%d of 2 are back", n)
			}
		}
		_, batch := w.expiredAs("late-", 2)
		r := w.approved(batch)
		clock.Set(*r.DueAt)
		w.step(r)
		w.wantFault(w.desk.Withdraw(w.ctx(), w.legal, r.ID, "太晚了"), "purge.started")
	})
}

func TestTheWholeOrganisationNeedsLegalOnceMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		batch := w.binned(clock.Time(), bin.ScopeOrganisation, w.store(w.chats(3)...)...)
		r := w.approved(batch)
		if r.CoolingHours != 72 || r.DueAt != nil || w.count(&job.Job{}) != 0 {
			t.Fatalf("%d h, due %v", r.CoolingHours, r.DueAt)
		}
		root := fmt.Sprintf("%x", r.Root)
		confirm := func(by account.Actor, tail string) error {
			t.Helper()
			return w.desk.Confirm(w.ctx(), by, purge.Confirmation{Purge: r.ID, Tail: tail, Code: accounttest.Code(t, d, by.ID)})
		}
		clock.Set(r.CoolingUntil.Add(-time.Second))
		w.wantFault(confirm(w.legal, root[58:]), "purge.not_awaiting_code")
		clock.Set(*r.CoolingUntil)
		w.must(w.desk.Tick(w.ctx()))
		if got := w.now(r).State; got != purge.AwaitingCodes {
			t.Errorf("state %s", got)
		}
		w.wantFault(confirm(w.legal, "000000"), "purge.tail_wrong")
		if fault.KindOf(confirm(w.supervisor, root[58:])) != fault.KindForbidden {
			t.Error("a supervisor confirms")
		}
		w.must(confirm(w.legal, strings.ToUpper(root[58:])))
		r = w.now(r)
		clock.Set(*r.DueAt)
		w.work()
		w.wantWhole(r)
	})
}

func TestWhatIsNotActedOnInTimeLapses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, one := w.expiredAs("a", 1)
		_, two := w.expiredAs("b", 1)
		waiting := w.approve(w.request(w.agent, one), w.supervisor)
		whole := w.approved(w.binned(clock.Time(), bin.ScopeOrganisation, w.store(chat{name: "o"})...))
		clock.Set(whole.CoolingUntil.Add(72*time.Hour - time.Second))
		w.must(w.desk.Tick(w.ctx()))
		if got := w.now(whole).State; got != purge.AwaitingCodes {
			t.Errorf("a second before the end: %s", got)
		}
		clock.Advance(time.Second)
		w.must(w.desk.Tick(w.ctx()))
		if r := w.now(whole); r.State != purge.Lapsed || r.ClosedReason != "confirm" {
			t.Errorf("%s: %s", r.State, r.ClosedReason)
		}
		clock.Set(*waiting.ExpiresAt)
		w.must(w.desk.Tick(w.ctx()))
		if r := w.now(waiting); r.State != purge.Lapsed || r.ClosedReason != "votes" {
			t.Errorf("%s: %s", r.State, r.ClosedReason)
		}
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Frozen); n != 0 {
			t.Errorf("%d are still frozen", n)
		}
		_ = two
	})
}

func TestTheSystemDraftsAndAPersonRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(w.chats(4)...)
		batch := w.binned(clock.Time().Add(time.Hour), bin.ScopeDepartment, ids...)
		w.must(w.desk.Tick(w.ctx()))
		if n := w.count(&purge.Request{}); n != 0 {
			t.Fatalf("%d drafts before the end", n)
		}
		clock.Advance(time.Hour)
		w.must(w.desk.Tick(w.ctx()))
		w.must(w.desk.Tick(w.ctx()))
		page, err := w.desk.List(w.ctx(), w.agent, purge.Filter{})
		w.must(err)
		if len(page.Rows) != 1 || page.Rows[0].State != purge.Draft || page.Rows[0].Size != 4 || page.Rows[0].RequesterID != 0 {
			t.Fatalf("%+v", page.Rows)
		}
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Frozen); n != 0 {
			t.Error("a draft freezes")
		}
		ask := w.ask()
		ask.Draft = page.Rows[0].ID
		r, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		if r.Code != page.Rows[0].Code || r.State != purge.AwaitingSupervisor || r.Size != 4 {
			t.Errorf("%s %s %d", r.Code, r.State, r.Size)
		}
		r = w.approve(r, w.supervisor, w.legal)
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		_ = batch
	})
}

func TestWhoSeesWhat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(1)
		r := w.request(w.agent, batch)
		colleague := accounttest.User(t, d, w.accounts, account.Agent, w.support)
		admin := accounttest.User(t, d, w.accounts, account.Admin)
		for _, see := range []struct {
			by  account.Actor
			yes bool
		}{{w.agent, true}, {w.supervisor, true}, {w.legal, true}, {colleague, false}} {
			page, err := w.desk.List(w.ctx(), see.by, purge.Filter{})
			w.must(err)
			_, err = w.desk.Get(w.ctx(), see.by, r.ID)
			if (len(page.Rows) == 1) != see.yes || (err == nil) != see.yes {
				t.Errorf("%s sees %d, %v", see.by.Role, len(page.Rows), err)
			}
			if !see.yes {
				w.wantFault(err, "purge.not_found")
			}
		}
		if _, err := w.desk.List(w.ctx(), admin, purge.Filter{}); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an administrator lists: %v", err)
		}
		detail, err := w.desk.Get(w.ctx(), w.agent, r.ID)
		w.must(err)
		w.wantFault(detail.VoteRefused, "approval.own_request")
		detail, err = w.desk.Get(w.ctx(), w.supervisor, r.ID)
		w.must(err)
		if detail.VoteRefused != nil || detail.Changes.Intact() != 1 {
			t.Errorf("%v, %+v", detail.VoteRefused, detail.Changes)
		}
		var file strings.Builder
		w.must(w.desk.ManifestCSV(w.ctx(), w.supervisor, r.ID, &file))
		if lines := strings.Count(file.String(), "\n"); lines != 2 || strings.Contains(file.String(), "CANARY") {
			t.Errorf("manifest file:\n%s", file.String())
		}
		w.wantFault(w.desk.ManifestCSV(w.ctx(), colleague, r.ID, &file), "purge.not_found")
	})
}
