package export_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/export"
)

// told is what the home page tells somebody of exports.
func (w *world) told(by account.Actor) (wait, fetch, nothing []string, badge int64) {
	w.t.Helper()
	codes := func(rows []export.Export, err error) (out []string) {
		w.must(err)
		for _, e := range rows {
			out = append(out, e.Code+" "+string(e.State))
		}
		return out
	}
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		wait, fetch = codes(export.WaitingFor(tx, by, 9)), codes(export.ToFetch(tx, by, 9))
		nothing = codes(export.CameToNothing(tx, by, tx.Now.Add(-14*24*time.Hour), 9))
		badge, err = export.CountWaiting(tx, by)
		return err
	}))
	return wait, fetch, nothing, badge
}

// Who is told that an export waits is who may answer it now; its owner is told what became of it.
func TestWhoIsToldOfAnExport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		alias := accounttest.Same(t, w.d, w.accounts, "hr-one", account.Legal)
		again := accounttest.Same(t, w.d, w.accounts, "hr-one", account.Legal)
		alias.Scope, again.Scope = account.Everywhere(), account.Everywhere()
		everybody := []account.Actor{w.agent, w.supervisor, w.second, w.legal, w.cro, alias, again, accounttest.Actor(account.Auditor), accounttest.Actor(account.Admin)}
		same := func(when string) {
			t.Helper()
			for i, by := range everybody {
				wait, _, _, badge := w.told(by)
				var may []string
				page, err := w.desk.List(w.ctx(), by, export.Query{Size: 50})
				if err == nil {
					for _, r := range page.Rows {
						if r.MayApprove {
							may = append(may, r.Code+" "+string(r.State))
						}
					}
				}
				if len(wait) != len(may) || int(badge) != len(may) {
					t.Errorf("%s: %d (%s) is told of %v, badge %d, and may answer %v", when, i, by.Role, wait, badge, may)
				}
			}
		}
		bare := func() export.Wish {
			wish := w.wish()
			wish.Recipient, wish.Consent = "杭州市市场监管局", "同意书 CS-1"
			return wish
		}
		first, second, third := w.ask(w.supervisor, bare()), w.ask(alias, bare()), w.ask(w.legal, bare())
		same("all wait")
		if wait, _, _, badge := w.told(w.cro); len(wait) != 3 || badge != 3 {
			t.Errorf("another one of legal is told of %v, badge %d", wait, badge)
		}
		if wait, _, _, _ := w.told(again); len(wait) != 2 {
			t.Errorf("the same person under another account is told of %v", wait)
		}
		w.approve(first, w.cro)
		_, err := w.desk.Reject(w.ctx(), w.cro, export.Ballot{Export: third.ID, SeenRoot: third.WishRoot(), Opinion: "范围太大", Code: accounttest.Code(t, w.d, w.cro.ID)})
		w.must(err)
		w.work()
		same("two are answered")
		if _, fetch, nothing, _ := w.told(w.supervisor); len(fetch) != 1 || fetch[0] != first.Code+" ready" || nothing != nil {
			t.Errorf("its owner may fetch %v, and came to nothing with %v", fetch, nothing)
		}
		if _, fetch, nothing, _ := w.told(w.second); fetch != nil || nothing != nil {
			t.Errorf("another supervisor is told of %v %v", fetch, nothing)
		}
		if _, _, nothing, _ := w.told(w.legal); len(nothing) != 1 || nothing[0] != third.Code+" rejected" {
			t.Errorf("whoever was rejected is told %v", nothing)
		}
		// To the second, before and after the worker has come by.
		w.clock.Advance(w.now(second).AnswerUntil.Sub(w.clock.Time()))
		same("nobody answered")
		w.must(w.desk.Sweep(w.ctx()))
		if _, _, nothing, _ := w.told(alias); len(nothing) != 1 || nothing[0] != second.Code+" rejected" {
			t.Errorf("what nobody answered: %v", nothing)
		}
		w.clock.Advance(8 * 24 * time.Hour)
		if _, fetch, _, _ := w.told(w.supervisor); fetch != nil {
			t.Errorf("past its end one is told to fetch %v", fetch)
		}
		w.must(w.desk.Sweep(w.ctx()))
		w.clock.Advance(7 * 24 * time.Hour)
		if _, _, nothing, _ := w.told(w.legal); nothing != nil {
			t.Errorf("after two weeks one is still told of %v", nothing)
		}
	})
}
