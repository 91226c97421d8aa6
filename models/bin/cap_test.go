package bin_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

// capped is a world in which four conversations are the most for one batch, and a frozen draft of
// five.
func capped(w *world) bin.Request {
	w.bin.Cap, w.bin.Codes = 4, w.accounts
	w.some(5)
	return w.frozen(w.local, w.in(w.city))
}

func (w *world) capRequest(req bin.Request, by account.Actor) bin.CapRequest {
	w.t.Helper()
	return bin.CapRequest{Draft: req.Draft, Shown: req.Shown, Reason: "已与法务核对范围，同意", Code: accounttest.Code(w.t, w.d, by.ID)}
}

func TestAboveTheCapASecondPersonRaisesItForThisDraft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		req := capped(w)
		_, err := w.bin.Discard(w.ctx(), w.local, req)
		wantFault(t, err, "bin.over_cap", "cap")
		if f, _ := fault.Of(err); fmt.Sprint(f.Args) != "[5 4]" {
			t.Errorf("the fault names %v", f.Args)
		}
		if w.count(&conversation.Conversation{}, "state = ?", conversation.Binned) != 0 {
			t.Fatal("something moved")
		}
		ask, err := w.bin.CapAsked(w.ctx(), w.boss, req.Draft)
		w.must(err)
		if ask.Frozen != 5 || ask.Cap != 4 || ask.Refused != nil || hex.EncodeToString(ask.Fingerprint) != req.Shown || len(ask.Shares) != 1 || ask.Shares[0].Count != 5 {
			t.Errorf("asked: %+v", ask)
		}
		w.must(w.bin.RaiseCap(w.ctx(), w.boss, w.capRequest(req, w.boss)))
		wantFault(t, w.bin.RaiseCap(w.ctx(), w.legal, w.capRequest(req, w.legal)), "bin.raise_not_needed", "")
		batch, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
		d, err := w.bin.Get(w.ctx(), w.local, batch.ID)
		w.must(err)
		if batch.Moved != 5 || d.Raised == nil || d.Raised.PersonID != w.boss.PersonID || d.Raised.Cap != 4 || d.Raised.Size != 5 {
			t.Errorf("moved %d, raised %+v", batch.Moved, d.Raised)
		}
		if n, _ := w.leaves(fmt.Sprintf("draft %d", req.Draft), "batch.cap_raised"); n != 1 {
			t.Errorf("%d leaves of a raised cap", n)
		}
	})
}

// What was made past the rules is found afterwards: the oracle of invariant I14.
func TestABatchAboveTheCapIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		over := func() (codes []string) {
			t.Helper()
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) { codes, err = bin.OverCap(tx, w.vault.Store); return err }))
			return codes
		}
		req := capped(w)
		w.must(w.bin.RaiseCap(w.ctx(), w.boss, w.capRequest(req, w.boss)))
		batch, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
		w.bin.Cap = 3
		w.some(3)
		_, err = w.bin.Discard(w.ctx(), w.local, w.frozen(w.local, w.in(w.city)))
		w.must(err)
		if codes := over(); len(codes) != 0 {
			t.Fatalf("allowed and within: %v", codes)
		}
		w.bin.Cap = 1 // the cap of today says nothing of what was made before
		for _, past := range []struct{ do, undo string }{
			{"UPDATE bin_raise SET person_id = person_id + 1000000000, draft_id = draft_id + 7", "UPDATE bin_raise SET person_id = person_id - 1000000000, draft_id = draft_id - 7"},
			{"UPDATE bin_raise SET size = 4", "UPDATE bin_raise SET size = 5"},
			{fmt.Sprintf("UPDATE bin_raise SET person_id = %d", w.local.PersonID), fmt.Sprintf("UPDATE bin_raise SET person_id = %d", w.boss.PersonID)},
			{"UPDATE audit_leaf SET object = 'draft x' WHERE action = 'batch.cap_raised'", fmt.Sprintf("UPDATE audit_leaf SET object = 'draft %d' WHERE action = 'batch.cap_raised'", req.Draft)},
		} {
			dbtest.Exec(t, w.d, past.do)
			if codes := over(); len(codes) != 1 || codes[0] != batch.Code {
				t.Errorf("%s: found %v, want %s", past.do, codes, batch.Code)
			}
			dbtest.Exec(t, w.d, past.undo)
		}
		if codes := over(); len(codes) != 0 {
			t.Errorf("as it was: %v", codes)
		}
	})
}

func TestWhoRaisesNoCap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		req := capped(w)
		twin := w.local
		twin.ID++ // another account of the drafter
		raise := func(by account.Actor, change func(*bin.CapRequest)) error {
			t.Helper()
			r := bin.CapRequest{Draft: req.Draft, Shown: req.Shown, Reason: "已与法务核对范围，同意", Code: "000000"}
			if change != nil {
				change(&r)
			}
			return w.bin.RaiseCap(w.ctx(), by, r)
		}
		north := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.north)
		fresh := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.city)
		w.write(func(tx *db.Tx) error {
			return tx.Exec("UPDATE `user` SET vote_from = NULL WHERE id = ?", fresh.ID).Error
		})
		wantFault(t, raise(w.local, nil), "bin.own_draft", "")
		wantFault(t, raise(twin, nil), "bin.own_draft", "")
		wantFault(t, raise(north, nil), "bin.draft_not_found", "")
		wantFault(t, raise(w.agent, nil), "account.forbidden", "")
		wantFault(t, raise(account.System("cli", ""), nil), "account.forbidden", "")
		wantFault(t, raise(w.boss, nil), "account.code_wrong", "code")
		wantFault(t, raise(w.boss, func(r *bin.CapRequest) { r.Reason = "同意" }), "bin.reason_needed", "reason")
		wantFault(t, raise(w.boss, func(r *bin.CapRequest) { r.Shown = "00" }), "bin.list_not_shown", "")
		wantFault(t, w.bin.RaiseCap(w.ctx(), fresh, w.capRequest(req, fresh)), "account.vote_unconfirmed", "")
		if n := w.count(&bin.CapRaise{}); n != 0 {
			t.Errorf("%d caps are raised", n)
		}
	})
}

func TestARaisedCapHoldsForOneScopeAndOneNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		req := capped(w)
		w.must(w.bin.RaiseCap(w.ctx(), w.legal, w.capRequest(req, w.legal)))
		w.some(1)
		more := w.freeze(w.local, req.Draft)
		_, err := w.bin.Discard(w.ctx(), w.local, more)
		wantFault(t, err, "bin.over_cap", "cap") // six, and five were agreed to
		_, err = w.bin.EditDraft(w.ctx(), w.local, req.Draft, func(f *bin.Form) { f.Scope.To = "2024-12-31" })
		w.must(err)
		other := w.freeze(w.local, req.Draft)
		_, err = w.bin.Discard(w.ctx(), w.local, other)
		wantFault(t, err, "bin.over_cap", "cap")
		w.clock.Advance(time.Minute)
		w.must(w.bin.RaiseCap(w.ctx(), w.legal, w.capRequest(other, w.legal)))
		_, err = w.bin.Discard(w.ctx(), w.local, other)
		w.must(err)
	})
}

// TestTheCapIsAShareOfWhatIsStored moves more than a thousand: half of what is stored is the most.
func TestTheCapIsAShareOfWhatIsStored(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bin.Codes = w.accounts
		old, young := make([]chat, 1001), make([]chat, 1000)
		for i := range young {
			young[i].at = w.clock.Time().Add(-day)
		}
		w.store(old...)
		w.store(young...)
		req := w.frozen(w.local, w.in(w.city))
		_, err := w.bin.Discard(w.ctx(), w.local, req)
		wantFault(t, err, "bin.over_cap", "cap")
		if f, _ := fault.Of(err); fmt.Sprint(f.Args) != "[1001 1000]" {
			t.Errorf("the fault names %v", f.Args)
		}
		// What is stored where nothing moves does not count.
		far := make([]chat, 10)
		for i := range far {
			far[i] = chat{dep: w.north, at: w.clock.Time().Add(-day)}
		}
		w.store(far...)
		wide := w.frozen(w.boss, w.in(w.city, w.north))
		_, err = w.bin.Discard(w.ctx(), w.boss, wide)
		wantFault(t, err, "bin.over_cap", "cap")
		w.store(young[:1]...)
		if batch, err := w.bin.Discard(w.ctx(), w.local, w.freeze(w.local, req.Draft)); err != nil || batch.Moved != 1001 {
			t.Errorf("half of 2002: %+v, %v", batch, err)
		}
	})
}
