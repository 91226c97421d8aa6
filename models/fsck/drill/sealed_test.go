package drill_test

import (
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

const plea = "客户来信要求删除全部聊天记录"

// seal places a customer's deletion request, by whoever of legal.
func (x *machine) seal(rt *rapid.T) {
	if rapid.IntRange(0, 2).Draw(rt, "seldom") > 0 {
		rt.Skip("else everything is sealed soon")
	}
	x.sealAs(rt, pick(rt, "conversation", x.m.convs), pick(rt, "by", []account.Actor{x.w.legal, x.w.counsel}))
}

// sealedAway takes what may go of a customer all the way to a purge that waits for its time.
func (x *machine) sealedAway(rt *rapid.T) {
	if len(x.someOf(purge.CoolingOff, purge.Scheduled)) > 1 {
		rt.Skip("enough of them wait")
	}
	before := len(x.m.batches)
	x.sealAs(rt, pick(rt, "conversation", x.m.convs), x.w.legal)
	if len(x.m.batches) == before {
		return
	}
	purges := len(x.m.purges)
	x.requestFor(rt, x.m.batches[before], x.w.boss, nil)
	if len(x.m.purges) == purges {
		return
	}
	for _, by := range []account.Actor{x.w.third, x.w.counsel} {
		if x.code(by) == "" {
			x.clock(time.Minute)
		}
		x.cast(rt, x.m.purges[purges], by, approval.Approve)
	}
}

func (x *machine) sealAs(rt *rapid.T, c *modelConv, by account.Actor) {
	code := x.code(by)
	if code == "" {
		rt.Skip("no code left")
	}
	want := !x.m.off[by.ID]
	for _, r := range x.m.wishes {
		want = want && (r.who != c.who || r.state != subject.Open)
	}
	var reached []*modelConv
	for _, o := range x.m.convs {
		if !o.gone && o.who == c.who {
			reached = append(reached, o)
		}
	}
	placed, err := x.w.requests.Place(x.w.ctx(), by, subject.Order{Key: x.w.key(), Customer: c.who, Reason: plea, Code: code})
	if !x.agree(rt, "sealing a customer", err, want && len(reached) > 0) {
		return
	}
	r := &modelSubject{id: placed.ID, who: c.who, by: by, state: subject.Open, convs: reached}
	x.m.wishes = append(x.m.wishes, r)
	for _, o := range reached {
		o.sealed, o.been = r, o.batch != nil
		if o.batch == nil {
			o.state = conversation.Sealed
		}
	}
	x.binSealed(rt)
}

// lift lets somebody of legal take a request back.
func (x *machine) lift(rt *rapid.T) {
	r := pick(rt, "request", x.m.wishes)
	by := pick(rt, "by", []account.Actor{x.w.legal, x.w.counsel})
	code := x.code(by)
	if code == "" {
		rt.Skip("no code left")
	}
	err := x.w.requests.Lift(x.w.ctx(), by, r.id, "客户撤回了删除请求", code)
	if !x.agree(rt, "lifting a seal", err, r.state == subject.Open && by.PersonID != r.by.PersonID && !x.m.off[by.ID]) {
		return
	}
	r.state = subject.Lifted
	for _, c := range r.convs {
		c.sealed, c.been = nil, false
		if !c.gone && c.state == conversation.Sealed {
			c.state = conversation.Active
		}
	}
}

func (x *machine) binAgain(rt *rapid.T) {
	r := pick(rt, "request", x.m.wishes)
	back := int64(0)
	for _, c := range r.convs {
		if !c.gone && c.sealed == r && c.been && c.state == conversation.Sealed {
			back++
		}
	}
	n, err := x.w.requests.BinAgain(x.w.ctx(), x.w.counsel, r.id)
	if !x.agree(rt, "letting into the bin again", err, r.state == subject.Open && back > 0) {
		return
	}
	if n != back {
		rt.Fatalf("%d may go again, the model says %d", n, back)
	}
	for _, c := range r.convs {
		c.been = c.been && c.state != conversation.Sealed
	}
	x.binSealed(rt)
}

// binSealed is what the timer does about deletion requests.
func (x *machine) binSealed(rt *rapid.T) {
	x.w.must(x.w.requests.Tick(x.w.ctx()))
	dbtest.Exec(x.w.t, x.w.plain, "DELETE FROM job WHERE kind = ?", subject.JobBin) // the tick did its work
	for _, r := range x.m.wishes {
		if r.state != subject.Open {
			continue
		}
		var moves []*modelConv
		left := 0
		for _, c := range r.convs {
			if c.gone {
				continue
			}
			left++
			if c.state == conversation.Sealed && !c.been && x.m.protects(c) == "" {
				moves = append(moves, c)
			}
		}
		switch {
		case left == 0:
			r.state = subject.Done
			x.seen.note("a deletion request done")
		case len(moves) > 0:
			x.seen.note("what was sealed is binned")
			var made []bin.Batch
			x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error {
				return tx.Where("kind = ? AND id = (SELECT batch_id FROM conversation WHERE id = ?)", bin.KindSubject, moves[0].id).Find(&made).Error
			}))
			if len(made) != 1 || made[0].Size != int64(len(moves)) || made[0].OwnerID != r.by.ID {
				rt.Fatalf("what may go went into %+v, the model says %d", made, len(moves))
			}
			x.intoBin(&made[0], r.by, nil, moves...)
			x.m.batches[len(x.m.batches)-1].plea = true
			for _, c := range moves {
				c.been = true
			}
		}
	}
}

func (x *machine) compareWishes(rt *rapid.T) {
	var rows []subject.Request
	x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error { return tx.Order("id").Find(&rows).Error }))
	if len(rows) != len(x.m.wishes) {
		rt.Fatalf("%d deletion requests are there, the model has %d", len(rows), len(x.m.wishes))
	}
	for i, r := range x.m.wishes {
		if rows[i].ID != r.id || rows[i].State != r.state || rows[i].Size != int64(len(r.convs)) {
			rt.Fatalf("%s is %s with %d, the model says %s with %d", rows[i].Code, rows[i].State, rows[i].Size, r.state, len(r.convs))
		}
	}
}
