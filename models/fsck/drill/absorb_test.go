package drill_test

import (
	"pgregory.net/rapid"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// work lets a worker do one step of whatever is due.
func (x *machine) work(rt *rapid.T) {
	if len(x.someOf(purge.CoolingOff, purge.Scheduled, purge.Running, purge.Verifying)) == 0 && !x.executing() {
		rt.Skip("nothing to do")
	}
	x.step(0, 0)
}

// crash lets a call of a worker's step fail, in one of the ways in which calls do.
func (x *machine) crash(rt *rapid.T) {
	if !x.executing() {
		rt.Skip("nothing is being carried out")
	}
	x.seen.note("crash")
	x.step(rapid.IntRange(1, 45).Draw(rt, "call"), rapid.IntRange(dbtest.Before, dbtest.Cut).Draw(rt, "mode"))
}

// step does one step and takes what it did over into the model, if the model allows it.
func (x *machine) step(call, mode int) {
	if x.executing() {
		x.claimable()
	}
	x.w.faults.FailAt(call, mode)
	err := x.w.step(x.w.ctx())
	x.w.faults.FailAt(0, 0)
	if call == 0 {
		x.w.must(err)
	}
	x.absorb()
}

// claimable lets pauses and leases of what was begun run out; what waits for its time waits on.
func (x *machine) claimable() {
	dbtest.Exec(x.w.t, x.w.plain, "UPDATE job SET state = 'queued', run_at = ?, lease_until = NULL, attempts = 0 WHERE state IN ('queued', 'running') AND kind = ? "+
		"AND subject IN (SELECT id FROM purge_request WHERE phase NOT IN ('', 'end'))", x.w.clock.Time(), purge.JobRun)
}

func (x *machine) absorb() {
	var purges []purge.Request
	var items []purge.Item
	x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error {
		if err := tx.Order("id").Find(&purges).Error; err != nil {
			return err
		}
		return tx.Order("purge_id, seq").Find(&items).Error
	}))
	for _, r := range purges {
		for _, p := range x.m.purges {
			if p.id == r.ID {
				x.advanced(p, r)
			}
		}
	}
	for _, it := range items {
		for _, p := range x.m.purges {
			if p.id == it.PurgeID {
				x.carried(p, it)
			}
		}
	}
}

// advanced takes over where a request is now, if it may be there.
func (x *machine) advanced(p *modelPurge, r purge.Request) {
	if p.state == r.State {
		return
	}
	at := p.until
	if !p.emergency {
		at = later(at, p.batch.keep)
	}
	switch r.State {
	case purge.Running:
		switch {
		case p.state != purge.CoolingOff && p.state != purge.Scheduled:
			x.rt.Fatalf("request %s began when it was %s", r.Code, p.state)
		case x.m.now.Before(at):
			x.rt.Fatalf("request %s began at %v, it may from %v on", r.Code, x.m.now, at)
		case !x.m.consent(p):
			x.rt.Fatalf("request %s began without consent", r.Code)
		case p.organ && (p.confirmed == nil || x.m.off[p.confirmed.ID]):
			x.rt.Fatalf("request %s began without legal's confirmation", r.Code)
		}
	case purge.Lapsed:
		confirmed := !p.organ || p.confirmed != nil && !x.m.off[p.confirmed.ID]
		if x.m.consent(p) && confirmed || x.m.now.Before(at) {
			x.rt.Fatalf("request %s lapsed (%s) though nothing is wrong with it", r.Code, r.ClosedReason)
		}
		x.m.giveBack(p, purge.Lapsed)
	case purge.Verifying, purge.Done, purge.DoneWithExceptions:
		if !p.state.Executing() {
			x.rt.Fatalf("request %s is %s, it was %s", r.Code, r.State, p.state)
		}
	default:
		x.rt.Fatalf("the worker made request %s %s", r.Code, r.State)
	}
	p.state = r.State
	x.seen.note(string(r.State))
}

// carried takes over what became of an item, if the model says the same.
func (x *machine) carried(p *modelPurge, stored purge.Item) {
	it := x.item(p, stored.ConversationID)
	if it.state == stored.State {
		return
	}
	why := x.m.judge(p, *it)
	switch stored.State {
	case purge.Purged:
		if why != "" || !p.state.Executing() {
			x.rt.Fatalf("conversation %s was purged by a request that is %s; the model says %q", it.conv.name, p.state, why)
		}
		it.conv.gone = true
	case purge.Skipped:
		if why != stored.Reason {
			x.rt.Fatalf("conversation %s was skipped as %q; the model says %q", it.conv.name, stored.Reason, why)
		}
		if !it.conv.gone && it.conv.state == conversation.Frozen && it.conv.batch == p.batch {
			it.conv.state = conversation.Binned
		}
	default:
		x.rt.Fatalf("an item of conversation %s is %s", it.conv.name, stored.State)
	}
	it.state = stored.State
	what := string(stored.State)
	if why != "" {
		what += ": " + string(why)
	}
	x.seen.note(what)
}

func (x *machine) item(p *modelPurge, c id.Conversation) *modelItem {
	for i := range p.items {
		if p.items[i].conv.id == c {
			return &p.items[i]
		}
	}
	x.rt.Fatalf("conversation %d is on a list that the model does not know", c)
	return nil
}
