package drill_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

// act is one thing that a person does, with everything it needs made ready by begin.
type act struct {
	name  string
	begin func(w *world) try
}

// acts are in no order but that those of the timer, which looks at everything, come first.
var acts = []act{
	{"drafting a request for what is over", func(w *world) try {
		w.quiet()
		b := w.discard(w.shop(2))
		w.clock.Advance(8 * day)
		return try{func(ctx context.Context) error { return w.desk.Tick(ctx) }, func() bool {
			return w.count(&purge.Request{}, "request_key = ?", fmt.Sprint("draft-", b.ID)) == 1
		}, ""}
	}},
	{"a request lapsing", func(w *world) try {
		w.quiet()
		b := w.discard(w.shop(2))
		_, err := w.bin.Extend(w.ctx(), w.boss, b.ID, reason) // or its end would draft the next request
		w.must(err)
		r, err := w.desk.Request(w.ctx(), w.boss, w.ask(b.ID))
		w.must(err)
		w.clock.Set(*r.ExpiresAt)
		return try{func(ctx context.Context) error { return w.desk.Tick(ctx) }, func() bool { return w.now(r).State == purge.Lapsed }, ""}
	}},
	{"a hold's release taking effect", func(w *world) try {
		w.clock.Advance(30 * day)
		w.must(w.holds.Tick(w.ctx()))
		r := w.releasing(w.held(w.shop(1)))
		w.clock.Advance(hold.Buffer)
		return try{func(ctx context.Context) error { return w.holds.Tick(ctx) }, func() bool {
			return w.count(&hold.Hold{}, "id = ? AND released_at IS NOT NULL", r.HoldID) == 1 && w.count(&hold.Release{}, "id = ? AND state = ?", r.ID, hold.Ended) == 1
		}, ""}
	}},
	{"freezing a draft's list", func(w *world) try {
		s := w.shop(2)
		draft, err := w.bin.NewDraft(w.ctx(), w.boss, bin.Scope{Departments: []id.Department{s.dep}})
		w.must(err)
		frozen := false
		return try{func(ctx context.Context) error {
			_, _, err := w.bin.Freeze(ctx, w.boss, draft)
			frozen = frozen || err == nil
			return err
		}, func() bool {
			d, err := w.bin.Draft(w.ctx(), w.boss, draft)
			w.must(err)
			return d.Frozen == 2
		}, ""}
	}},
	{"discarding a batch", func(w *world) try {
		s := w.shop(3)
		req := w.draft(s)
		return try{func(ctx context.Context) error { _, err := w.bin.Discard(ctx, w.boss, req); return err }, w.are(conversation.Binned, s.ids...), ""}
	}},
	{"discarding a large batch", func(w *world) try {
		s := w.shop(3)
		req := w.draft(s)
		large := *w.bin
		large.SyncLimit = 1
		return try{func(ctx context.Context) error { _, err := large.Discard(ctx, w.boss, req); return err }, func() bool {
			return w.count(&bin.Batch{}, "request_key = ? AND state = ?", req.Key, bin.Running) == 1 && w.count(&job.Job{}, "kind = ? AND state = ?", bin.JobMove, job.Queued) > 0
		}, ""}
	}},
	{"discarding one", func(w *world) try {
		s, key := w.shop(1), w.key()
		return try{func(ctx context.Context) error {
			_, err := w.bin.DiscardOne(ctx, w.boss, s.ids[0], reason, key)
			return err
		}, w.are(conversation.Binned, s.ids...), ""}
	}},
	{"restoring a batch", func(w *world) try {
		s := w.shop(3)
		b := w.discard(s)
		return try{func(ctx context.Context) error { _, err := w.bin.Restore(ctx, w.boss, b.ID); return err }, w.are(conversation.Active, s.ids...), "bin.nothing_to_restore"}
	}},
	{"restoring one of a batch", func(w *world) try {
		s := w.shop(3)
		w.discard(s)
		one, err := id.NewSet(s.ids[0])
		w.must(err)
		return try{func(ctx context.Context) error { _, err := w.bin.RestoreItems(ctx, w.boss, one); return err }, w.are(conversation.Active, s.ids[0]), ""}
	}},
	{"undoing a batch", func(w *world) try {
		s := w.shop(3)
		b := w.discard(s)
		return try{func(ctx context.Context) error { _, err := w.bin.Undo(ctx, w.boss, b.ID); return err }, w.are(conversation.Active, s.ids...), "bin.nothing_to_restore"}
	}},
	{"extending a batch's time", func(w *world) try {
		b := w.discard(w.shop(2))
		return try{func(ctx context.Context) error { _, err := w.bin.Extend(ctx, w.boss, b.ID, reason); return err }, func() bool {
			return w.count(&bin.Batch{}, "id = ? AND extended_at IS NOT NULL", b.ID) == 1
		}, "bin.extended_before"}
	}},
	{"placing a hold on what is in the bin", func(w *world) try {
		s := w.shop(2)
		w.discard(s)
		order := hold.Order{Key: w.key(), Name: "保全", Reason: reason, Department: s.dep}
		return try{func(ctx context.Context) error { _, err := w.holds.Place(ctx, w.legal, order); return err }, w.are(conversation.Active, s.ids...), ""}
	}},
	{"asking for a hold's release", func(w *world) try {
		h := w.held(w.shop(1))
		return try{func(ctx context.Context) error {
			_, err := w.holds.RequestRelease(ctx, w.legal, h.ID, reason)
			return err
		}, func() bool {
			return w.count(&hold.Release{}, "hold_id = ? AND state = ?", h.ID, hold.Asked) == 1
		}, "hold.release_open"}
	}},
	{"agreeing to a hold's release", func(w *world) try {
		h := w.held(w.shop(1))
		r, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
		w.must(err)
		w.clock.Advance(time.Minute)
		return try{func(ctx context.Context) error {
			_, err := w.holds.ApproveRelease(ctx, w.counsel, w.releaseBallot(r))
			return err
		}, func() bool { return w.count(&hold.Release{}, "id = ? AND state = ?", r.ID, hold.Approved) == 1 }, "approval.closed"}
	}},
	{"cancelling a hold's release", func(w *world) try {
		r := w.releasing(w.held(w.shop(1)))
		return try{func(ctx context.Context) error { return w.holds.CancelRelease(ctx, w.legal, r.HoldID, reason) }, func() bool {
			return w.count(&hold.Release{}, "id = ? AND state = ?", r.ID, hold.Cancelled) == 1
		}, "hold.no_release"}
	}},
	{"reviewing a hold", func(w *world) try {
		h, next := w.held(w.shop(1)), w.clock.Time().Add(40*day)
		return try{func(ctx context.Context) error {
			return w.holds.Review(ctx, w.legal, hold.Reviewing{Hold: h.ID, Next: next, Note: "案件未结"})
		}, func() bool { return w.count(&hold.Hold{}, "id = ? AND review_at = ?", h.ID, next) == 1 }, ""}
	}},
	{"requesting a purge", func(w *world) try {
		s := w.shop(3)
		ask := w.ask(w.discard(s).ID)
		return try{func(ctx context.Context) error { _, err := w.desk.Request(ctx, w.boss, ask); return err }, w.are(conversation.Frozen, s.ids...), ""}
	}},
	{"a supervisor's approval", func(w *world) try {
		return w.voting(w.asked(w.shop(2)), w.second, approval.Approve, purge.AwaitingLegal, "approval.voted_before")
	}},
	{"legal's approval", func(w *world) try {
		r := w.asked(w.shop(2))
		w.vote(r, w.second)
		return w.voting(r, w.legal, approval.Approve, purge.CoolingOff, "approval.closed")
	}},
	{"a rejection", func(w *world) try {
		return w.voting(w.asked(w.shop(2)), w.second, approval.Reject, purge.Rejected, "approval.closed")
	}},
	{"withdrawing a request", func(w *world) try {
		s := w.shop(2)
		r := w.asked(s)
		w.vote(r, w.second, w.legal)
		return try{func(ctx context.Context) error { return w.desk.Withdraw(ctx, w.boss, r.ID, "发现有误") }, func() bool {
			return w.now(r).State == purge.Withdrawn && w.inState(conversation.Binned, s.ids)
		}, "purge.closed"}
	}},
	{"legal's confirmation of a purge of the organisation", func(w *world) try { return w.confirming() }},
	{"sealing a customer", func(w *world) try {
		s, by := w.shop(3), w.lawyer()
		w.must(w.binned(s, 1))
		order := subject.Order{Key: w.key(), Customer: s.customer(), Reason: plea}
		return try{func(ctx context.Context) error {
			order.Code = accounttest.Code(w.t, w.plain, by.ID)
			_, err := w.requests.Place(ctx, by, order)
			return err
		}, func() bool {
			return w.inState(conversation.Sealed, s.ids[1:]) && w.count(&subject.Item{}, "conversation_id IN ?", s.ids) == 3 && w.count(&bin.Item{}, "conversation_id IN ? AND was_state = ?", s.ids, conversation.Sealed) == 1
		}, ""}
	}},
	{"binning what was sealed", func(w *world) try {
		s := w.shop(3)
		r := w.sealed(s)
		return try{func(ctx context.Context) error { return w.requests.Settle(ctx, r.ID) }, w.are(conversation.Binned, s.ids...), ""}
	}},
	{"lifting a seal", func(w *world) try {
		s, by := w.shop(3), w.lawyer()
		w.must(w.binned(s, 1))
		r := w.sealed(s)
		return try{func(ctx context.Context) error {
			return w.requests.Lift(ctx, by, r.ID, plea, accounttest.Code(w.t, w.plain, by.ID))
		}, func() bool {
			return w.inState(conversation.Active, s.ids[1:]) && w.count(&bin.Item{}, "conversation_id IN ? AND was_state = ?", s.ids, conversation.Active) == 1
		}, "subject.not_open"}
	}},
	{"importing", func(w *world) try {
		s := w.shop(1)
		fresh := []*format.Conversation{s.chat(1, 2), s.chat(2, 1)}
		return try{w.adding(fresh), func() bool { return len(w.idsOf(s.dep)) == 3 }, ""}
	}},
	{"importing what a conversation went on with", func(w *world) try {
		s := w.shop(1)
		return try{w.adding([]*format.Conversation{s.chat(0, 3)}), func() bool {
			return w.count(&conversation.Conversation{}, "id = ? AND messages = 3 AND version = 2", s.ids[0]) == 1
		}, ""}
	}},
	{"disabling an account", func(w *world) try {
		who := accounttest.User(w.t, w.d, w.accounts, account.Supervisor)
		return try{func(ctx context.Context) error { return w.accounts.DisableUser(ctx, w.admin, who.ID) }, func() bool {
			return w.count(&userRow{}, "id = ? AND disabled_at IS NOT NULL", who.ID) == 1
		}, ""}
	}},
}

// userRow is the table of accounts, for counting.
type userRow struct{ ID id.User }

// TableName is user.
func (userRow) TableName() string { return "user" }

func (w *world) are(s conversation.State, ids ...id.Conversation) func() bool {
	return func() bool { return w.inState(s, ids) }
}

func (w *world) adding(chats []*format.Conversation) func(context.Context) error {
	return func(ctx context.Context) error {
		return w.importer.Add(ctx, account.System("cli", ""), slices.Values(chats))
	}
}

// voting is a vote, each time with the code that the person's phone shows then.
func (w *world) voting(r *purge.Request, by account.Actor, v approval.Verdict, to purge.State, again string) try {
	w.clock.Advance(time.Minute) // so that nobody's codes run out
	return try{func(ctx context.Context) error {
		b := w.ballot(r, by)
		b.Verdict = v
		_, err := w.desk.Vote(ctx, by, b)
		return err
	}, func() bool { return w.now(r).State == to }, again}
}

// confirming is legal's second word on a purge of a whole organisation.
func (w *world) confirming() try {
	s := w.shop(2)
	b, err := w.bin.Discard(w.ctx(), w.boss, w.draftOf(bin.Scope{Departments: []id.Department{w.department(strings.TrimSuffix(s.path, "/店"))}, Sub: true}))
	w.must(err)
	r, err := w.desk.Request(w.ctx(), w.boss, w.ask(b.ID))
	w.must(err)
	w.vote(r, w.second, w.legal)
	w.clock.Set(w.now(r).CoolingUntil.Add(time.Minute))
	root := hex.EncodeToString(r.Root)
	return try{func(ctx context.Context) error {
		code := accounttest.Code(w.t, w.plain, w.legal.ID)
		return w.desk.Confirm(ctx, w.legal, purge.Confirmation{Purge: r.ID, Tail: root[len(root)-6:], Code: code})
	}, func() bool { return w.now(r).State == purge.Scheduled }, "purge.not_awaiting_code"}
}

// lawyer is somebody new of legal, whose codes nobody else uses up.
func (w *world) lawyer() account.Actor {
	w.t.Helper()
	by := accounttest.User(w.t, w.d, w.accounts, account.Legal)
	by.Scope = account.Everywhere()
	return by
}

// sealed is the deletion request of a shop's customer.
func (w *world) sealed(s *shop) *subject.Request {
	w.t.Helper()
	by := w.lawyer()
	r, err := w.requests.Place(w.ctx(), by, subject.Order{Customer: s.customer(), Reason: plea, Code: accounttest.Code(w.t, w.plain, by.ID)})
	w.must(err)
	return r
}

// binned puts the first n of a shop into the bin.
func (w *world) binned(s *shop, n int) error {
	for _, c := range s.ids[:n] {
		if _, err := w.bin.DiscardOne(w.ctx(), w.boss, c, reason, w.key()); err != nil {
			return err
		}
	}
	return nil
}

// held is a hold on everything in a shop.
func (w *world) held(s *shop) *hold.Hold {
	w.t.Helper()
	h, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "保全", Reason: reason, Conversations: s.ids})
	w.must(err)
	return h
}

func (w *world) releaseBallot(r *hold.Release) hold.Ballot {
	root := r.Fingerprint()
	return hold.Ballot{
		Hold: r.HoldID, SeenRoot: root, Tail: root[len(root)-6:], Opinion: "案件已结，同意解除", Code: accounttest.Code(w.t, w.plain, w.counsel.ID),
	}
}

// releasing is a release that two people agreed to, in its buffer.
func (w *world) releasing(h *hold.Hold) *hold.Release {
	w.t.Helper()
	r, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
	w.must(err)
	w.clock.Advance(time.Minute)
	r, err = w.holds.ApproveRelease(w.ctx(), w.counsel, w.releaseBallot(r))
	w.must(err)
	return r
}

// quiet lets every deadline of what other acts left pass, and be seen to.
func (w *world) quiet() {
	w.t.Helper()
	w.clock.Advance(30 * day)
	w.must(w.desk.Tick(w.ctx()))
	w.must(w.desk.Tick(w.ctx())) // drafts for what the first one gave back
}
