package hold_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

const day = 24 * time.Hour

func (w *world) list(q hold.Query) *hold.Page {
	w.t.Helper()
	p, err := w.holds.List(w.ctx(), w.legal, q)
	w.must(err)
	return p
}

func codes(p *hold.Page) string {
	var out []string
	for _, r := range p.Rows {
		out = append(out, strings.TrimPrefix(r.Code, "LH-2026-00"))
	}
	return strings.Join(out, " ")
}

func TestTheListTellsWhatMustBeLookedAt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city, w.north, w.east)
		now := w.clock.Time()
		place := func(name string, o hold.Order, review time.Duration) *hold.Hold {
			o.Name, o.Reason, o.ReviewAt = name, reason, now.Add(review)
			h, err := w.holds.Place(w.ctx(), w.legal, o)
			w.must(err)
			return h
		}
		place("平台处罚复议", hold.Order{Department: w.city}, 100*day)                         // 1 in force
		place("劳务外包诉讼", hold.Order{Department: w.east, Sub: true}, 40*day)               // 2 due soon
		place("供应商合同纠纷", hold.Order{Conversations: ids[2:3], Owner: w.second.ID}, 8*day) // 3 overdue
		four := place("内部调查", hold.Order{Department: w.north}, 200*day)                  // 4 asked for
		five := place("酒店预订争议", hold.Order{Department: w.root}, 200*day)                 // 5 in the buffer
		six := place("个人信息投诉", hold.Order{Department: w.root, Sub: true}, 200*day)       // 6 released
		for _, h := range []*hold.Hold{six, five} {
			r, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
			w.must(err)
			w.approve(r)
			if h == six {
				w.clock.Advance(week)
				w.tick()
			}
		}
		w.clock.Set(now.Add(10*day + time.Hour))
		_, err := w.holds.RequestRelease(w.ctx(), w.legal, four.ID, reason)
		w.must(err)
		p := w.list(hold.Query{})
		if codes(p) != "6 5 4 3 2 1" || p.All != 6 || p.Total != 6 {
			t.Errorf("the list is %s, %d of %d", codes(p), p.Total, p.All)
		}
		s := p.Strip
		if s.InForce != 5 || s.Conversations != 4 || s.DueSoon != 1 || !s.Earliest.Equal(now.Add(40*day)) || s.Overdue != 1 ||
			s.OldestCode != "LH-2026-003" || !s.OldestSince.Equal(now.Add(8*day)) || s.Releasing != 1 || s.Waiting != four.Code || s.Requester != w.legal.Name || s.Buffered != 1 {
			t.Errorf("the strip is %+v", s)
		}
		if len(p.Owners) != 2 {
			t.Errorf("the owners are %v", p.Owners)
		}
		for _, tt := range []struct {
			name string
			q    hold.Query
			want string
		}{
			{"in force", hold.Query{State: hold.InForce}, "1"},
			{"due soon", hold.Query{State: hold.ReviewDue}, "2"},
			{"overdue", hold.Query{State: hold.Overdue}, "3"},
			{"asked for", hold.Query{State: hold.Releasing}, "4"},
			{"in the buffer", hold.Query{State: hold.Buffered}, "5"},
			{"released", hold.Query{State: hold.Released}, "6"},
			{"somebody's", hold.Query{Owner: w.second.ID}, "3"},
			{"by code", hold.Query{Text: " lh-2026-004"}, "4"},
			{"by name", hold.Query{Text: "诉讼"}, "2"},
			{"by owner", hold.Query{Text: w.second.Name}, "3"},
			{"the second page of two", hold.Query{Page: 2, Size: 2}, "4 3"},
			{"a page beyond", hold.Query{Page: 9, Size: 2}, ""},
			{"nothing", hold.Query{Text: "没有"}, ""},
		} {
			if got := codes(w.list(tt.q)); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		rows, err := w.holds.Export(w.ctx(), w.legal, hold.Query{State: hold.Overdue, Page: 3, Size: 1})
		if err != nil || len(rows) != 1 || rows[0].Conversations != 1 || rows[0].Scope.Conversations != 1 || rows[0].Owner.Name != w.second.Name {
			t.Errorf("exported %+v, %v", rows, err)
		}
		if n := w.leaves("hold.listed", ""); n != 1 {
			t.Errorf("%d entries of the export", n)
		}
	})
}

func TestOnlyLegalAndAuditorsReadHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.place(hold.Order{Department: w.city})
		for _, role := range []account.Role{account.Agent, account.Supervisor, account.Legal, account.Auditor, account.Admin} {
			by := accounttest.Actor(role, w.city)
			may := role == account.Legal || role == account.Auditor
			_, err := w.holds.List(w.ctx(), by, hold.Query{})
			_, gerr := w.holds.Get(w.ctx(), by, h.ID)
			_, xerr := w.holds.Export(w.ctx(), by, hold.Query{})
			for _, err := range []error{err, gerr, xerr} {
				if may && err != nil || !may && fault.KindOf(err) != fault.KindForbidden {
					t.Errorf("%s: %v", role, err)
				}
			}
			_, err = w.holds.Preview(w.ctx(), by, hold.Order{Department: w.city})
			if role == account.Legal && err != nil || role != account.Legal && fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s previews: %v", role, err)
			}
		}
		if _, err := w.holds.Get(w.ctx(), w.legal, h.ID+1000); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a hold that is not there: %v", err)
		}
		auditor := accounttest.Actor(account.Auditor)
		d, err := w.holds.Get(w.ctx(), auditor, h.ID)
		if err != nil || d.Reason != reason || d.CanReview || d.CanRequest || d.CanDecide || d.CanCancel || d.CanSeeCustomers {
			t.Errorf("an auditor gets %+v, %v", d, err)
		}
	})
}

func TestAReviewExtendsAndNeverReleases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city)
		h := w.place(hold.Order{Department: w.city})
		start := w.clock.Time()
		if got := w.now(h).ReviewOn; !got.Equal(start.Add(90 * day)) {
			t.Errorf("the first review is on %v", got)
		}
		for _, tt := range []struct {
			at   time.Duration
			want hold.State
		}{
			{60*day - time.Second, hold.InForce}, {60 * day, hold.ReviewDue}, {90*day - time.Second, hold.ReviewDue}, {90 * day, hold.Overdue}, {3000 * day, hold.Overdue},
		} {
			w.clock.Set(start.Add(tt.at))
			w.tick()
			w.wantStatus(h, tt.want, ids...)
		}
		now := w.clock.Time()
		for _, tt := range []struct {
			name string
			edit func(r *hold.Reviewing)
			key  string
		}{
			{"no date", func(r *hold.Reviewing) { r.Next = time.Time{} }, "hold.review_date"},
			{"now", func(r *hold.Reviewing) { r.Next = now }, "hold.review_date"},
			{"more than a year ahead", func(r *hold.Reviewing) { r.Next = now.AddDate(1, 0, 0).Add(time.Second) }, "hold.review_date"},
			{"no note", func(r *hold.Reviewing) { r.Note = " " }, "hold.note_needed"},
			{"an owner who is not of legal", func(r *hold.Reviewing) { r.Owner = w.supervisor.ID }, "hold.owner_needed"},
			{"a hold that is not there", func(r *hold.Reviewing) { r.Hold += 1000 }, "hold.not_found"},
		} {
			r := hold.Reviewing{Hold: h.ID, Next: now.AddDate(1, 0, 0), Note: "仍在审理"}
			tt.edit(&r)
			err := w.holds.Review(w.ctx(), w.legal, r)
			if f, ok := fault.Of(err); !ok || f.Key != tt.key {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.key)
			}
		}
		w.must(w.holds.Review(w.ctx(), w.second, hold.Reviewing{Hold: h.ID, Next: now.AddDate(1, 0, 0), Note: " 仍在审理 ", Owner: w.second.ID}))
		d := w.now(h)
		if d.Status != hold.InForce || d.Owner.User != w.second.ID || !d.ReviewOn.Equal(now.AddDate(1, 0, 0)) || len(d.History) != 2 ||
			d.History[1].Name != w.second.Name || d.History[1].Text != "仍在审理" || !d.History[1].Until.Equal(d.ReviewOn) {
			t.Errorf("after the review %+v", d)
		}
		if n := w.leaves("hold.reviewed", h.Code); n != 1 {
			t.Errorf("%d entries of the review", n)
		}
		w.wantCovered(ids...)
	})
}

func TestAHoldTellsWhatItStopped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city, w.city, w.city)
		h, other := w.place(hold.Order{Conversations: ids[:3]}), w.place(hold.Order{Conversations: ids[2:]})
		note := func(kind, code, by string, ids ...id.Conversation) {
			w.clock.Advance(time.Hour)
			w.write(func(tx *db.Tx) error {
				return hold.NoteBlock(tx, kind, code, by, tx.Model(&conversation.Conversation{}).Where("conversation.id IN ?", ids))
			})
		}
		note(hold.BlockPurge, "PG-1", "", ids[0])
		note(hold.BlockBatch, "SC-1", "林静怡", ids...)
		note(hold.BlockPurge, "PG-1", "", ids[1], ids[2])
		got := fmt.Sprint(stopped(w.now(h)), stopped(w.now(other)))
		if want := "[purge PG-1 3  9h0m0s batch SC-1 3 林静怡 8h0m0s] [purge PG-1 1  9h0m0s batch SC-1 2 林静怡 8h0m0s]"; got != want {
			t.Errorf("stopped %s, want %s", got, want)
		}
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), other.ID)
		note(hold.BlockBatch, "SC-2", "", ids...)
		if got := len(w.now(other).Blocks); got != 2 {
			t.Errorf("a released hold stopped %d acts", got)
		}
	})
}

func stopped(d *hold.Detail) (out []string) {
	for _, b := range d.Blocks {
		out = append(out, fmt.Sprint(b.Kind, " ", b.Code, " ", b.Conversations, " ", b.By, " ", b.At.Sub(dbtest.Start.Truncate(day)).String()))
	}
	return out
}
