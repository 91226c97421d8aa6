package subject_test

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/subject"
)

func TestARequestSealsWhatIsThereAndBinsWhatMayGo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		free := w.store(chat{}, chat{hidden: true}, chat{dep: w.north})
		young := w.young()
		floor := w.store(chat{at: young}, chat{class: "法律纠纷"})
		open, held := w.store(chat{open: true}), w.store(chat{})
		binned, others := w.store(chat{}), w.store(chat{who: "tb_lihua"})
		w.hold(held...)
		w.discard(binned...)
		p, err := w.requests.Preview(w.ctx(), w.legal, " "+customer+" ")
		w.must(err)
		if p.Total != 8 || p.Free != 3 || p.Floor != 2 || p.Order != 1 || p.Held != 1 || p.InBin != 1 || p.OnList != 0 || p.Forever != 1 {
			t.Errorf("preview = %+v", p)
		}
		if p.FirstUntil == nil || !p.FirstUntil.Equal(young.Add(183*day)) || !p.LastUntil.Equal(*p.FirstUntil) {
			t.Errorf("the floor ends %v, %v", p.FirstUntil, p.LastUntil)
		}
		o := w.order()
		o.Shown = &p.Total
		r, err := w.requests.Place(w.ctx(), w.legal, o)
		w.must(err)
		if r.Code != "DSR-0001" || r.State != subject.Open || r.Size != 8 || !r.AnswerBy.Equal(r.ReceivedAt.Add(30*day)) {
			t.Errorf("request = %+v", r)
		}
		sealed := slices.Concat(free, floor, open, held)
		w.wantStates(sealed, "sealed")
		w.wantStates(binned, "binned")
		w.wantStates(others, "active")
		w.wantParts(r, subject.Counts{Sealed: 7, Held: 1, Floor: 2, Order: 1, Due: 3, InBin: 1})
		w.work()
		w.wantStates(free, "binned")
		w.wantStates(slices.Concat(floor, open, held), "sealed")
		w.wantParts(r, subject.Counts{Sealed: 4, Held: 1, Floor: 2, Order: 1, InBin: 4})
		later := w.store(chat{})
		w.tick()
		w.wantStates(later, "active")
		d := w.get(r)
		if len(d.Batches) != 1 || d.Batches[0].Size != 3 || d.NextUntil == nil || d.Forever != 1 || d.Waiting != 0 || len(d.History) != 2 || d.History[1].Batch != d.Batches[0].Code {
			t.Errorf("detail = %+v", d)
		}
		// The floor ends, the order is closed: they follow.
		w.clock.Advance(11 * day)
		closed := w.news(chat{open: true}, "c6", 1)
		closed.OrderState = conversation.OrderClosed
		w.storeNews([]conversation.New{closed})
		w.wantStates(open, "sealed")
		w.tick()
		w.wantStates([]id.Conversation{floor[0], open[0]}, "binned")
		w.wantStates([]id.Conversation{floor[1], held[0]}, "sealed")
		if n := len(w.get(r).Batches); n != 2 {
			t.Errorf("%d batches", n)
		}
	})
}

func TestTheLogDoesNotSayWhoAskedForDeletion(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{})
		r := w.place()
		typed, err := w.requests.Customer(w.ctx(), w.counsel, r.ID)
		w.must(err)
		if typed != customer {
			t.Errorf("the customer is %q", typed)
		}
		_, err = w.requests.Customer(w.ctx(), w.auditor, r.ID)
		wantFault(t, err, "account.forbidden", "")
		var said []string
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("INSTR(leaf, ?) > 0 OR INSTR(leaf, ?) > 0 OR INSTR(leaf, ?) > 0", customer, "KF-2026-118", reason).Pluck("action", &said).Error
		}))
		if len(said) > 0 {
			t.Errorf("%v tell what was typed", said)
		}
		for _, action := range []string{"subject.placed", "subject.viewed"} {
			var n int64
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
				return tx.Table("audit_leaf").Where("action = ? AND object = ? AND result = ?", action, r.Code, audit.OK).Count(&n).Error
			}))
			if n != 1 {
				t.Errorf("%d entries say %s", n, action)
			}
		}
	})
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{})
		one, two := int64(1), int64(2)
		for _, tt := range []struct {
			name, key, field string
			by               account.Actor
			change           func(*subject.Order)
		}{
			{"by a supervisor", "account.forbidden", "", w.boss, func(*subject.Order) {}},
			{"by audit", "account.forbidden", "", w.auditor, func(*subject.Order) {}},
			{"without a customer", "subject.customer_needed", "customer", w.legal, func(o *subject.Order) { o.Customer = " " }},
			{"of somebody who never wrote", "subject.nothing_there", "customer", w.legal, func(o *subject.Order) { o.Customer = "tb_nobody" }},
			{"without a reason", "subject.reason_needed", "reason", w.legal, func(o *subject.Order) { o.Reason = "删除" }},
			{"from tomorrow", "subject.received_when", "received", w.legal, func(o *subject.Order) { o.ReceivedAt = w.clock.Time().Add(day) }},
			{"when another number was shown", "subject.count_changed", "", w.legal, func(o *subject.Order) { o.Shown = &one }},
			{"with a wrong code", "account.code_wrong", "code", w.legal, func(o *subject.Order) { o.Code = "000000" }},
		} {
			o := w.order()
			o.Shown = &two
			tt.change(&o)
			_, err := w.requests.Place(w.ctx(), tt.by, o)
			wantFault(t, err, tt.key, tt.field)
			w.wantStates(ids, "active")
			if t.Failed() {
				t.Fatalf("above: a request %s", tt.name)
			}
		}
		o := w.order()
		r, err := w.requests.Place(w.ctx(), w.legal, o)
		w.must(err)
		again, err := w.requests.Place(w.ctx(), w.legal, o)
		w.must(err)
		if again.ID != r.ID {
			t.Errorf("the same form placed %s and %s", r.Code, again.Code)
		}
		second := w.order()
		second.Key = w.key()
		_, err = w.requests.Place(w.ctx(), w.legal, second)
		wantFault(t, err, "subject.open_already", "")
		_, err = w.requests.Preview(w.ctx(), w.legal, customer)
		wantFault(t, err, "subject.open_already", "")
	})
}

// A role counts from the second day on: whoever was made of legal today seals nobody.
func TestAnUnconfirmedLegalPlacesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{})
		dbtest.Exec(t, w.d, "UPDATE `user` SET vote_from = ? WHERE id = ?", w.clock.Time().Add(day), w.legal.ID)
		_, err := w.requests.Place(w.ctx(), w.legal, w.order())
		wantFault(t, err, "account.vote_wait", "")
		w.wantStates(ids, "active")
	})
}

func TestNobodySealsMoreThanAPersonAnswersFor(t *testing.T) {
	d, clock := dbtest.New(t)
	w := newWorld(t, d, clock)
	mac := w.vault.CustomerMAC(customer)
	rows := make([]conversation.Conversation, subject.MostItems+1)
	for i := range rows {
		rows[i] = conversation.Conversation{
			ID: id.Conversation(1<<40 + i), Platform: "qianniu", ExternalMAC: w.vault.ExternalMAC("qianniu", w.key()), DepartmentID: w.east, ServiceType: "咨询", State: conversation.Active,
			CustomerMAC: mac, StartedAt: old, LastAt: old, ContentMAC: make([]byte, 32), CreatedAt: old,
		}
	}
	w.write(func(tx *db.Tx) error { return tx.CreateInBatches(rows, 400).Error })
	_, err := w.requests.Preview(w.ctx(), w.legal, customer)
	wantFault(t, err, "subject.too_many", "customer")
	_, err = w.requests.Place(w.ctx(), w.legal, w.order())
	wantFault(t, err, "subject.too_many", "customer")
	if n := dbtest.Count(t, d, &conversation.Conversation{}, "state = ?", conversation.Sealed); n != 0 {
		t.Errorf("%d are sealed", n)
	}
}

// What rests in the bin when the request comes goes under seal out of it, wherever it came from.
func TestWhatRestsInTheBinComesOutUnderSeal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{}, chat{hidden: true}, chat{})
		w.discard(ids...)
		r := w.place()
		w.wantStates(ids, "binned")
		_, err := w.bin.RestoreItems(w.ctx(), w.counsel, w.set(ids[0], ids[2]))
		w.must(err)
		w.hold(ids[1])
		w.wantStates(ids, "sealed", "sealed", "sealed", "binned")
		w.tick() // what a person or a hold took out does not go back by itself
		w.wantStates(ids, "sealed", "sealed", "sealed", "binned")
		w.wantParts(r, subject.Counts{Sealed: 3, Restored: 3, InBin: 1})
		_, err = w.requests.BinAgain(w.ctx(), w.boss, r.ID)
		wantFault(t, err, "account.forbidden", "")
		n, err := w.requests.BinAgain(w.ctx(), w.counsel, r.ID)
		w.must(err)
		if n != 3 {
			t.Errorf("%d may go again", n)
		}
		w.work()
		w.wantStates(ids, "binned", "sealed", "binned", "binned") // the hold goes on
		_, err = w.requests.BinAgain(w.ctx(), w.counsel, r.ID)
		wantFault(t, err, "subject.nothing_back", "")
	})
}

// A hold that is placed on what is sealed keeps it there.
func TestAHoldKeepsWhatIsSealed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{at: w.young()}, chat{at: w.young()})
		r := w.place()
		w.work()
		c, err := w.holds.Preview(w.ctx(), w.counsel, hold.Order{Department: w.east})
		w.must(err)
		if c.Sealed != 2 || c.Total() != 2 || c.OnList != 0 {
			t.Errorf("the hold would cover %+v", c)
		}
		w.hold(ids[0])
		w.clock.Advance(11 * day)
		w.tick()
		w.wantStates(ids, "sealed", "binned")
		w.wantParts(r, subject.Counts{Sealed: 1, Held: 1, InBin: 1})
	})
}

// What a later import adds to a sealed conversation is stored, and it stays sealed.
func TestAnImportLeavesTheSeal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := w.young()
		ids := w.store(chat{at: at})
		w.place()
		w.storeNews([]conversation.New{w.news(chat{at: at}, "c1", 3)})
		w.wantStates(ids, "sealed")
		if n := dbtest.Count(t, w.d, &conversation.Conversation{}, "version = 2 AND messages = 3"); n != 1 {
			t.Error("the import was not stored")
		}
	})
}

// The cap of a batch holds for a request within a day, too: the rest waits, and its page says so.
func TestMoreThanTheCapWaitsForAnotherDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bin.Cap = 3
		w.store(chat{}, chat{}, chat{}, chat{}, chat{})
		r := w.place()
		w.work()
		w.tick()
		w.wantParts(r, subject.Counts{Sealed: 2, Due: 2, InBin: 3})
		if d := w.get(r); d.Waiting != 2 {
			t.Errorf("%d wait", d.Waiting)
		}
		w.clock.Advance(day + time.Hour)
		w.tick()
		w.wantParts(r, subject.Counts{InBin: 5})
	})
}

func TestAWrongCodeCostsATryAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{})
		o := w.order()
		o.Code = accounttest.Code(t, w.d, w.counsel.ID) + "1"
		_, err := w.requests.Place(w.ctx(), w.legal, o)
		wantFault(t, err, "account.code_wrong", "code")
		w.wantStates(ids, "active")
		w.place()
	})
}
