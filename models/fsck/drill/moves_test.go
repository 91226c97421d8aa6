package drill_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/purge"
)

// agree compares what an act answered with what the model expects.
func (x *machine) agree(rt *rapid.T, what string, err error, want bool) bool {
	if (err == nil) != want {
		rt.Fatalf("%s: %v, the model says done = %v", what, err, want)
	}
	if err == nil {
		x.seen.note(what)
	} else {
		x.seen.note(what + ", refused")
	}
	return err == nil
}

func pick[T any](rt *rapid.T, label string, list []T) T {
	if len(list) == 0 {
		rt.Skip("nothing to choose")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(rt, label)]
}

const mostConvs = 24

var classes = []string{"咨询", "咨询", "投诉", "法律纠纷"}

func (x *machine) bring(rt *rapid.T) {
	if len(x.m.convs) >= mostConvs {
		rt.Skip("enough")
	}
	c := x.come(rapid.IntRange(0, len(paths)-1).Draw(rt, "department"), pick(rt, "class", classes), 1)[0]
	if rapid.IntRange(0, 4).Draw(rt, "young") == 0 {
		x.grow(c, int(x.m.now.Sub(c.began)/time.Minute)-20*24*60) // somebody wrote 20 days ago
	}
}

// come imports new conversations.
func (x *machine) come(dep int, class string, n int) []*modelConv {
	var fresh []*modelConv
	for range n {
		c := &modelConv{
			name: fmt.Sprint("c", len(x.m.convs)), dep: dep, class: class, began: old.Add(time.Duration(len(x.m.convs)) * time.Hour),
			said: []int{0}, version: 1, state: conversation.Active, who: fmt.Sprint("tb_", len(x.m.convs)%8),
		}
		x.m.convs, fresh = append(x.m.convs, c), append(fresh, c)
	}
	x.w.must(x.add(fresh...))
	ids := slices.DeleteFunc(x.w.idsOf(x.m.deps[dep].id), func(c id.Conversation) bool { return x.m.find(c) != nil })
	if len(ids) != n {
		x.rt.Fatalf("%d of %d conversations came", len(ids), n)
	}
	for i, c := range fresh {
		c.id = ids[i]
	}
	return fresh
}

// grow lets somebody write to a conversation, some minutes after it began.
func (x *machine) grow(c *modelConv, minute int) {
	next := *c
	next.said, next.version = append(slices.Clone(c.said), minute), c.version+1
	x.w.must(x.add(&next))
	if !c.gone {
		*c = next
	}
}

// add imports conversations as they are in the model.
func (x *machine) add(convs ...*modelConv) error {
	var all []*format.Conversation
	for _, c := range convs {
		f := &format.Conversation{
			Platform: "qianniu", ExternalID: c.name, DepartmentPath: x.m.deps[c.dep].path, AgentID: "a1", CustomerID: c.who, ServiceType: c.class, OrderState: "closed",
		}
		if c.open {
			f.OrderState = "open"
		}
		for i, minute := range c.said {
			f.Messages = append(f.Messages, format.Message{ID: fmt.Sprint(i), Sender: "customer", At: c.began.Add(time.Duration(minute) * time.Minute), Kind: "text", Text: "我要退款"})
		}
		all = append(all, f)
	}
	return x.w.adding(all)(x.w.ctx())
}

// more lets a conversation go on, or its order be opened or closed, wherever it is.
func (x *machine) more(rt *rapid.T) {
	c := pick(rt, "conversation", x.m.convs)
	if rapid.Bool().Draw(rt, "a message") {
		x.grow(c, len(c.said))
		return
	}
	next := *c
	next.open = rapid.IntRange(0, 2).Draw(rt, "order") == 0
	x.w.must(x.add(&next))
	if !c.gone {
		*c = next
	}
}

func (x *machine) discard(rt *rapid.T) {
	x.discardIn(rt, rapid.IntRange(0, len(paths)-1).Draw(rt, "department"), rapid.Bool().Draw(rt, "sub"))
}

func (x *machine) discardIn(rt *rapid.T, dep int, sub bool) {
	taken := x.m.below(dep, sub)
	var moves []*modelConv
	for _, c := range x.m.convs {
		if !c.gone && c.state == conversation.Active && taken[c.dep] && x.m.protects(c) == "" {
			moves = append(moves, c)
		}
	}
	by := pick(rt, "by", []account.Actor{x.w.boss, x.w.boss, x.w.third})
	draft, err := x.w.bin.NewDraft(x.w.ctx(), by, bin.Scope{Departments: []id.Department{x.m.deps[dep].id}, Sub: sub})
	x.w.must(err)
	_, err = x.w.bin.EditDraft(x.w.ctx(), by, draft, func(f *bin.Form) { f.KeepResidue, f.ResidueReason = true, reason })
	x.w.must(err)
	d, _, err := x.w.bin.Freeze(x.w.ctx(), by, draft)
	if !x.agree(rt, "freezing a list", err, len(moves) > 0) {
		return
	}
	b, err := x.w.bin.Discard(x.w.ctx(), by, bin.Request{
		Draft: draft, Key: x.w.key(), Reason: reason, Checks: bin.Checks{Notified: true, Partners: true, Complaints: true},
		Typed: fmt.Sprint(d.Frozen), Shown: hex.EncodeToString(d.Fingerprint),
	})
	x.w.must(err)
	if b.Moved != int64(len(moves)) {
		rt.Fatalf("%d were binned, the model says %d", b.Moved, len(moves))
	}
	x.intoBin(b, by, taken, moves...)
}

func (x *machine) intoBin(b *bin.Batch, by account.Actor, taken map[int]bool, moves ...*modelConv) {
	batch := &modelBatch{id: b.ID, code: b.Code, keep: x.m.now.Add(7 * day), organ: x.m.whole(taken), taken: taken, owner: by}
	x.m.batches = append(x.m.batches, batch)
	for _, c := range moves {
		c.state, c.batch = conversation.Binned, batch
	}
}

func (x *machine) discardOne(rt *rapid.T) {
	c := pick(rt, "conversation", x.m.convs)
	b, err := x.w.bin.DiscardOne(x.w.ctx(), x.w.boss, c.id, reason, x.w.key())
	if x.agree(rt, "binning one", err, !c.gone && c.state == conversation.Active && x.m.protects(c) == "") {
		x.intoBin(b, x.w.boss, nil, c)
	}
}

func (x *machine) restore(rt *rapid.T) {
	b := pick(rt, "batch", x.m.batches)
	back := x.m.in(b, conversation.Binned, conversation.Frozen)
	by := x.w.boss
	undo := rapid.Bool().Draw(rt, "undo")
	if !undo && rapid.Bool().Draw(rt, "legal") {
		by = x.w.counsel
	}
	want := len(back) > 0 && (!x.m.expired(b) || by.ID == x.w.counsel.ID)
	if by.ID != x.w.counsel.ID { // what is under seal is legal's
		all := len(back)
		back = slices.DeleteFunc(back, func(c *modelConv) bool { return c.sealed != nil })
		want = want && (!undo || len(back) == all)
	}
	var err error
	if undo {
		_, err = x.w.bin.Undo(x.w.ctx(), by, b.id)
	} else {
		_, err = x.w.bin.Restore(x.w.ctx(), by, b.id)
	}
	if x.agree(rt, "restoring", err, want) {
		x.outOfBin(b, back)
	}
}

// outOfBin restores what may be: when the time is over nothing that is on a list.
func (x *machine) outOfBin(b *modelBatch, back []*modelConv) {
	for _, c := range back {
		if c.state == conversation.Binned || !x.m.expired(b) {
			c.state, c.batch = c.home(), nil
		}
	}
}

func (x *machine) restoreOne(rt *rapid.T) {
	c := pick(rt, "conversation", x.m.convs)
	one, err := id.NewSet(c.id)
	x.w.must(err)
	out, err := x.w.bin.RestoreItems(x.w.ctx(), x.w.counsel, one)
	x.w.must(err)
	rests := !c.gone && c.batch != nil && (c.state == conversation.Binned || c.state == conversation.Frozen && !x.m.expired(c.batch))
	if (out.Done == 1) != rests {
		rt.Fatalf("restoring one: %+v, the model says %v", out, rests)
	}
	if rests {
		c.state, c.batch = c.home(), nil
	}
}

func (x *machine) extend(rt *rapid.T) {
	b := pick(rt, "batch", x.m.batches)
	_, err := x.w.bin.Extend(x.w.ctx(), x.w.boss, b.id, reason)
	if x.agree(rt, "extending", err, !b.extended && !x.m.expired(b) && !b.plea) {
		b.extended, b.keep = true, b.keep.Add(bin.Extension)
	}
}

func (x *machine) hold(rt *rapid.T) {
	inForce := 0
	for _, h := range x.m.holds {
		if !h.released {
			inForce++
		}
	}
	if inForce >= 3 || rapid.IntRange(0, 2).Draw(rt, "seldom") > 0 {
		rt.Skip("else everything is held soon")
	}
	order, h := hold.Order{Key: x.w.key(), Name: "保全", Reason: reason}, &modelHold{}
	if rapid.IntRange(0, 3).Draw(rt, "department") == 0 {
		dep, sub := rapid.IntRange(1, len(paths)-1).Draw(rt, "which"), rapid.Bool().Draw(rt, "sub")
		order.Department, order.Sub, h.deps = x.m.deps[dep].id, sub, x.m.below(dep, sub)
	} else {
		h.conv = pick(rt, "conversation", x.m.convs)
		order.Conversations = []id.Conversation{h.conv.id}
	}
	placed, err := x.w.holds.Place(x.w.ctx(), x.w.legal, order)
	if !x.agree(rt, "placing a hold", err, h.conv == nil || !h.conv.gone) {
		return
	}
	h.id = placed.ID
	x.m.holds = append(x.m.holds, h)
	for _, c := range x.m.convs {
		if !c.gone && c.batch != nil && (h.conv == c || h.deps[c.dep]) {
			c.state, c.batch = c.home(), nil
		}
	}
}

// release asks for a hold's release, agrees to one that was asked for, or takes it back.
func (x *machine) release(rt *rapid.T) {
	h := pick(rt, "hold", x.m.holds)
	switch rapid.IntRange(0, 3).Draw(rt, "which") {
	case 0:
		if h.release != nil {
			err := x.w.holds.CancelRelease(x.w.ctx(), x.w.counsel, h.id, "案件重新开庭，需要保留")
			if x.agree(rt, "cancelling a release", err, true) {
				h.release = nil
			}
			return
		}
		fallthrough
	case 1:
		by := pick(rt, "by", []account.Actor{x.w.legal, x.w.counsel})
		_, err := x.w.holds.RequestRelease(x.w.ctx(), by, h.id, "案件已经了结，不再需要")
		if x.agree(rt, "asking for a release", err, !h.released && h.release == nil && !x.m.off[by.ID]) {
			h.release = &modelRelease{by: by, asked: x.m.now}
		}
	default:
		x.agreeToRelease(rt, h)
	}
}

// released takes a hold all the way to its end.
func (x *machine) released(rt *rapid.T) {
	var inForce []*modelHold
	for _, h := range x.m.holds {
		if !h.released && h.release == nil {
			inForce = append(inForce, h)
		}
	}
	h := pick(rt, "hold", inForce)
	_, err := x.w.holds.RequestRelease(x.w.ctx(), x.w.legal, h.id, "案件已经了结，不再需要")
	if !x.agree(rt, "asking for a release", err, !x.m.off[x.w.legal.ID]) {
		return
	}
	h.release = &modelRelease{by: x.w.legal, asked: x.m.now}
	x.clock(time.Minute)
	x.agreeAs(rt, h, x.w.counsel)
	x.clock(hold.Buffer)
	x.tick(rt)
	if h.released {
		x.seen.note("a hold released")
	}
}

func (x *machine) agreeToRelease(rt *rapid.T, h *modelHold) {
	x.agreeAs(rt, h, pick(rt, "by", []account.Actor{x.w.legal, x.w.counsel, x.w.boss}))
}

func (x *machine) agreeAs(rt *rapid.T, h *modelHold, by account.Actor) {
	code, root := x.code(by), strings.Repeat("0", 64)
	if code == "" {
		rt.Skip("no code left")
	}
	if h.release != nil {
		var r hold.Release
		x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error { return tx.Where("open_hold = ?", h.id).Take(&r).Error }))
		root = r.Fingerprint()
	}
	want := h.release != nil && h.release.ends.IsZero() && by.Role == account.Legal && by.PersonID != h.release.by.PersonID &&
		!x.m.off[by.ID] && x.m.now.Before(h.release.asked.Add(7*day))
	_, err := x.w.holds.ApproveRelease(x.w.ctx(), by, hold.Ballot{Hold: h.id, SeenRoot: root, Tail: root[58:], Opinion: "同意解除", Code: code})
	if x.agree(rt, "agreeing to a release", err, want) {
		h.release.ends, h.release.second = x.m.now.Add(hold.Buffer), by
		for _, who := range []account.Actor{h.release.by, by} {
			x.m.lift(who, h.release.ends)
		}
	}
}

func (x *machine) request(rt *rapid.T) {
	b := pick(rt, "batch", x.m.batches)
	by := pick(rt, "by", []account.Actor{x.w.agent, x.w.boss, x.w.boss, x.w.legal})
	var draft *modelPurge
	for _, p := range x.m.purges {
		if p.state == purge.Draft && p.batch == b {
			draft = p
		}
	}
	x.requestFor(rt, b, by, draft)
}

// requestFor asks for a purge of a batch; of one for which the timer has drafted a request, by the
// draft or past it.
func (x *machine) requestFor(rt *rapid.T, b *modelBatch, by account.Actor, draft *modelPurge) {
	ask := x.w.ask(b.id)
	if draft != nil && rapid.Bool().Draw(rt, "the draft") {
		ask.Batches, ask.Draft = nil, draft.id
	}
	p := &modelPurge{state: purge.AwaitingSupervisor, batch: b, requester: by, expires: x.m.now.Add(7 * day), cooling: day}
	if p.organ = b.organ || b.taken != nil && x.m.whole(b.taken); p.organ {
		p.cooling = 3 * day
	}
	if p.emergency = rapid.IntRange(0, 4).Draw(rt, "emergency") == 0; p.emergency {
		ask.Emergency, ask.Incident, p.cooling = true, "SEC-2026-017", 0
	}
	for _, c := range x.m.free(b) {
		p.items = append(p.items, modelItem{c, c.version, purge.Pending})
	}
	r, err := x.w.desk.Request(x.w.ctx(), by, ask)
	if !x.agree(rt, "requesting", err, len(p.items) > 0 && by.Role != account.Agent) { // the agent has no conversations of their own
		return
	}
	if r.Size != int64(len(p.items)) {
		rt.Fatalf("%d are on the list, the model says %d", r.Size, len(p.items))
	}
	p.id = r.ID
	for _, it := range p.items {
		it.conv.state = conversation.Frozen
	}
	switch {
	case ask.Draft != 0:
		*draft = *p
		return
	case draft != nil:
		draft.state = purge.Lapsed
	}
	x.m.purges = append(x.m.purges, p)
}

// someOf gives the requests in one of the states.
func (x *machine) someOf(states ...purge.State) (out []*modelPurge) {
	for _, p := range x.m.purges {
		if slices.Contains(states, p.state) {
			out = append(out, p)
		}
	}
	return out
}

// vote lets anybody answer a request that somebody's answer is awaited on.
func (x *machine) vote(rt *rapid.T) {
	p := pick(rt, "request", x.someOf(purge.AwaitingSupervisor, purge.AwaitingLegal, purge.CoolingOff, purge.Rejected))
	by := pick(rt, "by", []account.Actor{x.w.boss, x.w.second, x.w.third, x.w.legal, x.w.counsel, x.w.agent, x.w.admin})
	v := pick(rt, "verdict", []approval.Verdict{approval.Approve, approval.Approve, approval.Approve, approval.Reject})
	x.cast(rt, p, by, v)
}

// approve lets somebody who is awaited agree, so that requests come to their end.
func (x *machine) approve(rt *rapid.T) {
	p := pick(rt, "request", x.someOf(purge.AwaitingSupervisor, purge.AwaitingLegal))
	people := map[purge.State][]account.Actor{purge.AwaitingSupervisor: {x.w.boss, x.w.second, x.w.third}, purge.AwaitingLegal: {x.w.legal, x.w.counsel}}
	x.cast(rt, p, pick(rt, "by", people[p.state]), approval.Approve)
}

func (x *machine) cast(rt *rapid.T, p *modelPurge, by account.Actor, v approval.Verdict) {
	code := x.code(by)
	if code == "" {
		rt.Skip("no code left")
	}
	role := map[purge.State]account.Role{purge.AwaitingSupervisor: account.Supervisor, purge.AwaitingLegal: account.Legal}[p.state]
	voted := slices.ContainsFunc(p.votes, func(o modelVote) bool { return o.by.PersonID == by.PersonID })
	stale := rapid.IntRange(0, 9).Draw(rt, "stale page") == 0
	checked := rapid.IntRange(0, 9).Draw(rt, "incident looked after") > 0
	want := !stale && (!p.emergency || checked || v == approval.Reject) && by.PersonID != p.batch.owner.PersonID && by.Role == role && by.PersonID != p.requester.PersonID && !voted && !x.m.off[by.ID] && x.m.now.Before(p.expires)
	r := x.w.now(&purge.Request{ID: p.id})
	if stale {
		r.Root[0]++ // the page showed another list
	}
	_, err := x.w.desk.Vote(x.w.ctx(), by, purge.Ballot{
		Purge: p.id, Verdict: v, Opinion: "范围无误，同意", SeenRoot: hex.EncodeToString(r.Root), Code: code, IncidentChecked: checked,
	})
	if f, ok := fault.Of(err); ok && f.Key == "purge.released_a_hold" && x.m.now.Before(x.m.lifted[by.PersonID]) {
		return
	}
	if !x.agree(rt, fmt.Sprintf("%s's %s of what is %s", by.Role, v, p.state), err, want) {
		return
	}
	valid := x.m.now.Add(p.cooling)
	if !p.emergency {
		valid = later(valid, p.batch.keep)
	}
	valid = valid.Add(7 * day)
	p.votes = append(p.votes, modelVote{by, valid})
	switch {
	case v == approval.Reject:
		x.m.giveBack(p, purge.Rejected)
	case p.state == purge.AwaitingSupervisor:
		p.state = purge.AwaitingLegal
	default:
		p.state, p.until = purge.CoolingOff, x.m.now.Add(p.cooling)
	}
}

// approved takes what can be binned of a department all the way to a purge that waits for its
// time, so that enough of them are carried out.
func (x *machine) approved(rt *rapid.T) {
	if len(x.someOf(purge.CoolingOff, purge.Scheduled)) > 1 {
		rt.Skip("enough of them wait")
	}
	var full []int
	for _, c := range x.m.convs {
		if !c.gone && c.state == conversation.Active && x.m.protects(c) == "" && !slices.Contains(full, c.dep) {
			full = append(full, c.dep)
		}
	}
	before := len(x.m.batches)
	x.discardIn(rt, pick(rt, "department", full), rapid.Bool().Draw(rt, "sub"))
	b := x.m.batches[before]
	x.requestFor(rt, b, x.w.boss, nil)
	p := x.m.purges[len(x.m.purges)-1]
	supervisor := x.w.second
	if x.m.off[supervisor.ID] && b.owner.PersonID != x.w.third.PersonID {
		supervisor = x.w.third
	}
	for _, by := range []account.Actor{supervisor, x.w.counsel} {
		if x.code(by) == "" {
			x.clock(time.Minute)
		}
		x.cast(rt, p, by, approval.Approve)
	}
}

// begin moves the clock to the time of a purge and lets a worker do a few steps.
func (x *machine) begin(rt *rapid.T) {
	x.waitTillDue(rt)
	for range rapid.IntRange(1, 4).Draw(rt, "steps") {
		x.step(0, 0)
	}
}

func (x *machine) confirm(rt *rapid.T) {
	p := pick(rt, "request", x.someOf(purge.CoolingOff, purge.AwaitingCodes))
	by := pick(rt, "by", []account.Actor{x.w.legal, x.w.counsel})
	code := x.code(by)
	if code == "" {
		rt.Skip("no code left")
	}
	r := x.w.now(&purge.Request{ID: p.id})
	root := hex.EncodeToString(r.Root)
	want := p.organ && !x.m.now.Before(p.until) && x.m.now.Before(p.until.Add(3*day)) && by.PersonID != p.requester.PersonID && !x.m.off[by.ID]
	for _, v := range p.votes {
		want = want && x.m.now.Before(v.valid)
	}
	err := x.w.desk.Confirm(x.w.ctx(), by, purge.Confirmation{Purge: p.id, Tail: root[len(root)-6:], Code: code})
	if x.agree(rt, "confirming", err, want) {
		p.state, p.confirmed = purge.Scheduled, &by
	}
}

func (x *machine) withdraw(rt *rapid.T) {
	p := pick(rt, "request", x.m.purges)
	by := pick(rt, "by", []account.Actor{x.w.boss, x.w.counsel})
	may := by.ID == x.w.counsel.ID || by.PersonID == p.requester.PersonID
	for _, v := range p.votes {
		may = may || v.by.PersonID == by.PersonID
	}
	err := x.w.desk.Withdraw(x.w.ctx(), by, p.id, "名单有误")
	if x.agree(rt, "withdrawing", err, may && p.state.Open()) {
		x.m.giveBack(p, purge.Withdrawn)
	}
}

func (x *machine) tick(rt *rapid.T) {
	x.w.must(x.w.desk.Tick(x.w.ctx()))
	x.m.tick()
	x.w.must(x.w.holds.Tick(x.w.ctx()))
	x.m.endHolds()
	x.binSealed(rt)
}

func (x *machine) wait(rt *rapid.T) {
	x.clock(pick(rt, "for", []time.Duration{time.Minute, 6 * time.Hour, day, 3 * day, 8 * day}))
}

// waitTillDue moves the clock to the time of a purge, so that some are carried out.
func (x *machine) waitTillDue(rt *rapid.T) {
	p := pick(rt, "request", x.someOf(purge.CoolingOff, purge.Scheduled))
	r := x.w.now(&purge.Request{ID: p.id})
	at := p.until
	if r.DueAt != nil {
		at = *r.DueAt
	}
	if by := at.Sub(x.m.now); by > 0 {
		x.clock(by)
	}
}

// disable turns off the account of one of those who have a deputy.
func (x *machine) disable(rt *rapid.T) {
	if rapid.IntRange(0, 9).Draw(rt, "seldom") > 0 {
		rt.Skip("else nobody is left")
	}
	by := pick(rt, "who", []account.Actor{x.w.second, x.w.legal})
	x.w.must(x.w.accounts.DisableUser(x.w.ctx(), x.w.admin, by.ID))
	x.m.off[by.ID] = true
}

func (x *machine) policy(rt *rapid.T) {
	class := pick(rt, "class", []string{"", "投诉", "交易"})
	days := pick(rt, "days", []int{0, 183, 183, 1500, 3000})
	dbtest.Exec(x.w.t, x.w.plain, "UPDATE retention_rule SET floor_days = ? WHERE service_type = ?", days, class)
	x.m.floors[class] = days
}
