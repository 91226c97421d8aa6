package retention_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/models/retention"
)

// office is people who change the policy.
type office struct {
	*keeping
	clock                      *dbtest.Clock
	desk                       *retention.Desk
	boss, legal, second, clerk account.Actor
}

func newOffice(t *testing.T, d *db.DB, clock *dbtest.Clock) *office {
	t.Helper()
	o := &office{keeping: keep(t, d), clock: clock}
	accounts := accounttest.New(t, d)
	o.desk = &retention.Desk{DB: d, Accounts: accounts, Keys: accounttest.Keys(t, d), Zone: time.UTC, Alone: hold.Alone}
	o.boss, o.clerk = accounttest.User(t, d, accounts, account.Supervisor), accounttest.User(t, d, accounts, account.Agent)
	o.legal, o.second = accounttest.User(t, d, accounts, account.Legal), accounttest.User(t, d, accounts, account.Legal)
	clock.Advance(72 * time.Hour)
	return o
}

func (o *office) draft() retention.Draft {
	o.t.Helper()
	p, err := o.desk.Get(o.t.Context(), o.boss)
	o.must(err)
	return p.Draft
}

// rule gives the draft with one rule changed.
func rule(d retention.Draft, serviceType string, change func(*retention.DraftRule)) retention.Draft {
	d.Rules = slices.Clone(d.Rules)
	for i := range d.Rules {
		if d.Rules[i].ServiceType == serviceType {
			change(&d.Rules[i])
		}
	}
	return d
}

func (o *office) propose(by account.Actor, d retention.Draft) (*retention.Change, error) {
	return o.desk.Propose(o.t.Context(), by, d, o.draft().Fingerprint(), "制度修订，按新规定执行")
}

func (o *office) decide(by account.Actor, c *retention.Change, v approval.Verdict) (*retention.Change, error) {
	o.clock.Advance(time.Minute)
	return o.desk.Decide(o.t.Context(), by, retention.Ballot{Change: c.Code, SeenRoot: c.Fingerprint(), Opinion: "同意，依据充分", Code: accounttest.Code(o.t, o.d, by.ID)}, v)
}

func (o *office) state(c *retention.Change) retention.ChangeState {
	o.t.Helper()
	s, err := o.desk.Show(o.t.Context(), o.legal, c.Code)
	o.must(err)
	return s.State
}

func (o *office) want(err error, key string) {
	o.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		o.t.Fatalf("got %v, want %s", err, key)
	}
}

func (o *office) policy() (p *retention.Policy) {
	o.t.Helper()
	o.must(o.d.Read(o.t.Context(), func(tx *db.Tx) (err error) {
		p, err = retention.Load(tx)
		return err
	}))
	return p
}

// What weakens a protection needs two people and takes effect after seven days; what protects more, at once.
func TestAChangeOfThePolicy(t *testing.T) {
	changes := []struct {
		name    string
		change  func(retention.Draft) retention.Draft
		weakens bool
		inForce func(*retention.Policy) bool
	}{
		{"a longer floor", func(d retention.Draft) retention.Draft {
			return rule(d, "投诉", func(r *retention.DraftRule) { r.FloorDays = 400 })
		}, false, func(p *retention.Policy) bool { days, _ := p.Floor("投诉"); return days == 400 }},
		{"a shorter floor", func(d retention.Draft) retention.Draft {
			return rule(d, "投诉", func(r *retention.DraftRule) { r.FloorDays = 200 })
		}, true, func(p *retention.Policy) bool { days, _ := p.Floor("投诉"); return days == 200 }},
		{"no longer for ever", func(d retention.Draft) retention.Draft {
			return rule(d, "法律纠纷", func(r *retention.DraftRule) { r.Forever, r.FloorDays = false, 3000 })
		}, true, func(p *retention.Policy) bool { _, forever := p.Floor("法律纠纷"); return !forever }},
		{"a first ceiling", func(d retention.Draft) retention.Draft {
			return rule(d, "", func(r *retention.DraftRule) { r.TargetDays, r.CeilingDays = 365, 730 })
		}, true, func(p *retention.Policy) bool {
			return p.Bound(retention.Ceiling, "咨询") == 730 && p.Bound(retention.Target, "交易") == 1095 && p.Bound(retention.Ceiling, "法律纠纷") == 0
		}},
		{"bank cards may be kept", func(d retention.Draft) retention.Draft {
			d.NeverKeep = []mask.Kind{mask.IDCard}
			return d
		}, true, func(p *retention.Policy) bool { return p.NeverKeep == conversation.PersonalOf(mask.IDCard) }},
		{"telephone numbers must not be kept either", func(d retention.Draft) retention.Draft {
			d.NeverKeep = []mask.Kind{mask.BankCard, mask.IDCard, mask.Phone}
			return d
		}, false, func(p *retention.Policy) bool { return len(p.NeverKeep.Kinds()) == 3 }},
		{"a new type and a basis", func(d retention.Draft) retention.Draft {
			d = rule(d, "", func(r *retention.DraftRule) { r.Basis, r.Confirmed = "公司制度 CS-DATA-03", true })
			d.Rules = append(d.Rules, retention.DraftRule{ServiceType: "售后", FloorDays: 365})
			return d
		}, false, func(p *retention.Policy) bool { days, _ := p.Floor("售后"); return days == 365 }},
	}
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				o := newOffice(t, d, clock)
				c, err := o.propose(o.boss, tt.change(o.draft()))
				o.must(err)
				if tt.inForce(o.policy()) {
					t.Fatal("in force before anybody agreed")
				}
				c, err = o.decide(o.legal, c, approval.Approve)
				o.must(err)
				if tt.weakens {
					if c.State != retention.Waiting || tt.inForce(o.policy()) {
						t.Fatalf("%s, in force %v", c.State, tt.inForce(o.policy()))
					}
					clock.Advance(retention.Delay - time.Hour)
					o.must(o.desk.Tick(t.Context()))
					if tt.inForce(o.policy()) {
						t.Fatal("in force an hour too early")
					}
					clock.Advance(time.Hour)
					o.must(o.desk.Tick(t.Context()))
				}
				if !tt.inForce(o.policy()) || o.state(c) != retention.Applied {
					t.Errorf("%s, in force %v", o.state(c), tt.inForce(o.policy()))
				}
				if n, _ := o.leaves("retention.changed"); n != 1 {
					t.Errorf("%d entries", n)
				}
				if _, becomes, err := c.Drafts(); err != nil || becomes.Fingerprint() != o.draft().Fingerprint() {
					t.Errorf("in force is %+v", o.draft())
				}
			})
		})
	}
}

func TestWhoMayChangeThePolicy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		longer := rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 300 })
		_, err := o.propose(o.clerk, longer)
		if fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an agent: %v", err)
		}
		_, err = o.propose(o.boss, o.draft())
		o.want(err, "retention.nothing_changes")
		_, err = o.desk.Propose(t.Context(), o.boss, longer, "older", "制度修订，按新规定执行")
		o.want(err, "retention.changed_meanwhile")
		_, err = o.desk.Propose(t.Context(), o.boss, longer, o.draft().Fingerprint(), "短")
		o.want(err, "retention.reason_needed")
		for _, tt := range []struct {
			field, key string
			change     func(*retention.DraftRule)
		}{
			{"floor-0", "retention.days", func(r *retention.DraftRule) { r.FloorDays = -1 }},
			{"target-0", "retention.below_floor", func(r *retention.DraftRule) { r.TargetDays = 10 }},
			{"ceiling-0", "retention.below_target", func(r *retention.DraftRule) { r.TargetDays, r.CeilingDays = 400, 300 }},
		} {
			_, err := o.propose(o.boss, rule(o.draft(), "", tt.change))
			if f, ok := fault.Of(err); !ok || f.Key != tt.key || f.Field != tt.field {
				t.Errorf("%v, want %s at %s", err, tt.key, tt.field)
			}
		}
		// The new type sorts before the others; what is wrong is told at the row in which it was typed.
		last := o.draft()
		last.Rules = append(last.Rules, retention.DraftRule{ServiceType: "A", FloorDays: -5})
		_, err = o.propose(o.boss, last)
		if f, ok := fault.Of(err); !ok || f.Field != fmt.Sprint("floor-", len(last.Rules)-1) {
			t.Errorf("%v, want it at the last row", err)
		}
		_, err = o.desk.Effect(t.Context(), o.boss, last)
		if f, ok := fault.Of(err); !ok || f.Field != fmt.Sprint("floor-", len(last.Rules)-1) {
			t.Errorf("%v, want it at the last row", err)
		}
		missing := o.draft()
		missing.Rules = missing.Rules[:2]
		_, err = o.propose(o.boss, missing)
		o.want(err, "retention.type_missing")

		c, err := o.propose(o.legal, longer)
		o.must(err)
		_, err = o.propose(o.boss, longer)
		o.want(err, "retention.open_already")
		for _, by := range []account.Actor{o.boss, o.legal} {
			if _, err := o.decide(by, c, approval.Approve); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s decides: %v", by.Role, err)
			}
		}
		o.want(o.desk.Cancel(t.Context(), o.boss, c.Code, "不再需要这次修改"), "account.forbidden")
		c, err = o.decide(o.second, c, approval.Reject)
		o.must(err)
		if c.State != retention.Rejected {
			t.Errorf("%s", c.State)
		}
		c, err = o.propose(o.boss, rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 100 }))
		o.must(err)
		c, err = o.decide(o.legal, c, approval.Approve)
		o.must(err)
		o.must(o.desk.Cancel(t.Context(), o.boss, c.Code, "不再需要这次修改"))
		clock.Advance(8 * 24 * time.Hour)
		o.must(o.desk.Tick(t.Context()))
		if days, _ := o.policy().Floor(""); days != 183 || o.state(c) != retention.Cancelled {
			t.Errorf("%d days, %s", days, o.state(c))
		}
		c, err = o.propose(o.boss, longer)
		o.must(err)
		clock.Advance(8 * 24 * time.Hour)
		o.must(o.desk.Tick(t.Context()))
		if o.state(c) != retention.Lapsed {
			t.Errorf("%s", o.state(c))
		}
	})
}

// A row that was changed past the program changes no rule.
func TestAForgedChangeTakesNoEffect(t *testing.T) {
	for name, forge := range map[string]string{
		"another proposal":       "UPDATE retention_change SET proposal = REPLACE(proposal, ':100', ':10')",
		"earlier than agreed":    "UPDATE retention_change SET effective_at = requested_at",
		"agreed to by nobody":    "DELETE FROM vote",
		"the rules are others":   "UPDATE retention_rule SET floor_days = 184 WHERE service_type = ''",
		"the requester is legal": "UPDATE retention_change SET requester_person = 999",
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				o := newOffice(t, d, clock)
				c, err := o.propose(o.boss, rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 100 }))
				o.must(err)
				_, err = o.decide(o.legal, c, approval.Approve)
				o.must(err)
				if dbtest.Exec(t, d, forge) == 0 {
					t.Fatal("nothing was forged")
				}
				if name != "earlier than agreed" {
					clock.Advance(8 * 24 * time.Hour)
				}
				o.must(o.desk.Tick(t.Context()))
				if days, _ := o.policy().Floor(""); days < 183 || o.state(c) != retention.Lapsed {
					t.Errorf("%d days, %s", days, o.state(c))
				}
			})
		})
	}
}

// A consent is good for one time: a change that took effect and was set back past the program is not put in force again.
func TestAChangeTakesEffectOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		dbtest.Exec(t, d, "UPDATE retention_never_keep SET since = ?", db.Instant(dbtest.Start.AddDate(-1, 0, 0)))
		before := o.draft()
		longer := rule(before, "", func(r *retention.DraftRule) { r.FloorDays = 300 })
		longer.NeverKeep = []mask.Kind{mask.IDCard, mask.BankCard, mask.Phone}
		c, err := o.propose(o.boss, longer)
		o.must(err)
		c, err = o.decide(o.legal, c, approval.Approve)
		o.must(err)
		if c.State != retention.Applied {
			t.Fatalf("%s", c.State)
		}
		var old int64
		o.must(d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Table("retention_never_keep").Where("since < ?", db.Instant(dbtest.Start)).Count(&old).Error
		}))
		if old != 2 {
			t.Errorf("%d kinds that stay kept their time", old)
		}
		dbtest.Exec(t, d, "UPDATE retention_rule SET floor_days = 183 WHERE service_type = ''")
		dbtest.Exec(t, d, "DELETE FROM retention_never_keep WHERE kind = 'phone'")
		if dbtest.Exec(t, d, "UPDATE retention_change SET state = 'waiting', open_slot = 1, closed_at = NULL") != 1 || o.draft().Fingerprint() != before.Fingerprint() {
			t.Fatal("nothing was set back")
		}
		clock.Advance(time.Hour)
		o.must(o.desk.Tick(t.Context()))
		if n, _ := o.leaves("retention.changed"); n != 1 || o.state(c) != retention.Lapsed || o.draft().Fingerprint() != before.Fingerprint() {
			t.Errorf("%d entries, %s", n, o.state(c))
		}
	})
}

// Targets and ceilings: counting and deciding agree on rows at the edges, a bound is never below the floor, and
// what is inside its floor is never past anything.
func TestCountingWhatIsPastItsTimeAndDecidingAgree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		rapid.Check(t, func(rt *rapid.T) {
			rules := anyRules(rt)
			for i := range rules {
				rules[i].TargetDays = rapid.SampledFrom([]int{0, 0, 1, 183, 365, 400, 36500}).Draw(rt, "target")
				rules[i].CeilingDays = rapid.SampledFrom([]int{0, 0, 2, 366, 730, 36500}).Draw(rt, "ceiling")
			}
			p := policyOf(rt, rules...)
			b := rapid.SampledFrom([]retention.Bound{retention.Target, retention.Ceiling}).Draw(rt, "bound")
			now := clock.Time()
			var rows []any
			want := map[id.Conversation]bool{}
			for range rapid.IntRange(1, 8).Draw(rt, "rows") {
				serviceType := rapid.SampledFrom(types).Draw(rt, "service type")
				edge := rapid.SampledFrom([]time.Duration{-day, -time.Microsecond, 0, time.Microsecond, day}).Draw(rt, "edge")
				c := talk(serviceType, now.AddDate(0, 0, -p.Bound(b, serviceType)).Add(edge))
				rows = append(rows, c)
				if want[c.ID] = p.Past(b, serviceType, c.LastAt, now); want[c.ID] && p.Within(serviceType, c.LastAt, now) {
					rt.Fatalf("%q of %v is past its bound and inside its floor", serviceType, c.LastAt)
				}
			}
			dbtest.Exec(t, d, "DELETE FROM conversation")
			dbtest.Insert(t, d, rows...)
			got := map[id.Conversation]bool{}
			err := d.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
				cond, args := p.PastCondition(b, now)
				var ids []id.Conversation
				err := tx.Table("conversation").Where(cond, args...).Pluck("id", &ids).Error
				for _, c := range ids {
					got[c] = true
				}
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
			for c, past := range want {
				if got[c] != past {
					rt.Fatalf("%d: counted %v, decided %v", c, got[c], past)
				}
			}
		})
	})
}

// The nightly count equals one row by row; what is on hold or has an open order is not past anything.
func TestTheNightlyCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		o.must(o.desk.Tick(t.Context()))
		if p, err := o.desk.Get(t.Context(), o.legal); err != nil || p.Counts.At.IsZero() || p.Counts.PastCeiling != 0 || len(p.Places) != 0 {
			t.Errorf("%+v, %v", p.Counts, err)
		}
		c, err := o.propose(o.boss, rule(o.draft(), "", func(r *retention.DraftRule) { r.TargetDays, r.CeilingDays = 200, 400 }))
		o.must(err)
		_, err = o.decide(o.legal, c, approval.Approve)
		o.must(err)
		clock.Advance(retention.Delay)
		var rows []any
		for i, age := range []int{100, 300, 300, 500, 500, 600, 5000, 5000, 5000} {
			r := talk([]string{"咨询", "投诉", "法律纠纷"}[i%3], clock.Time().AddDate(0, 0, -age))
			r.DepartmentID = id.Department(1 + i%2)
			rows = append(rows, r)
		}
		binned, held := rows[3].(*conversation.Conversation), rows[4].(*conversation.Conversation)
		open := rows[7].(*conversation.Conversation)
		binned.State, open.OrderState = conversation.Binned, conversation.OrderOpen
		dbtest.Insert(t, d, rows...)
		dbtest.Exec(t, d, "INSERT INTO legal_hold (code, name, reason, kind, continuing, criteria, department_id, sub, placed_by, owner_id, created_at) VALUES ('LH-1', 'n', 'r', 'conversations', 0, '', 0, 0, 1, 1, ?)", db.Instant(clock.Time()))
		dbtest.Exec(t, d, "INSERT INTO hold_item (conversation_id, hold_id) SELECT ?, id FROM legal_hold", held.ID)
		dbtest.Exec(t, d, "UPDATE conversation SET personal = 1 WHERE id = ?", binned.ID)
		o.must(o.desk.Tick(t.Context())) // the change takes effect, and everything is counted anew
		policy, want := o.policy(), map[id.Department]retention.Count{}
		for _, r := range rows {
			c := r.(*conversation.Conversation)
			n := want[c.DepartmentID]
			if c != held && c != open && c != binned && policy.Past(retention.Target, c.ServiceType, c.LastAt, clock.Time()) {
				n.PastTarget++
			}
			if c != held && c != open && policy.Past(retention.Ceiling, c.ServiceType, c.LastAt, clock.Time()) {
				n.PastCeiling++
			}
			if c == binned {
				n.NeverKeep++
			} else {
				n.Unlooked++
			}
			want[c.DepartmentID] = n
		}
		p, err := o.desk.Get(t.Context(), o.legal)
		o.must(err)
		for _, got := range p.Places {
			n := want[got.DepartmentID]
			if got.PastTarget != n.PastTarget || got.PastCeiling != n.PastCeiling || got.NeverKeep != n.NeverKeep || got.Unlooked != n.Unlooked {
				t.Errorf("department %d: %+v, want %+v", got.DepartmentID, got, n)
			}
		}
		if p.Counts.PastCeiling != want[1].PastCeiling+want[2].PastCeiling || p.Counts.PastCeiling == 0 || p.Counts.PastTarget == 0 {
			t.Errorf("%+v", p.Counts)
		}
		if !policy.Past(retention.Ceiling, open.ServiceType, open.LastAt, clock.Time()) {
			t.Error("what has the open order has not passed its ceiling")
		}
		e, err := o.desk.Effect(t.Context(), o.legal, rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 50 }))
		o.must(err)
		if e.Freed != 1 || e.PastCeiling != p.Counts.PastCeiling || e.PastTarget != p.Counts.PastTarget || e.NeverKeep != 1 {
			t.Errorf("%+v", e)
		}
		// Who only reads has nothing counted, and who proposes only his own departments.
		c, err = o.propose(o.legal, rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 50 }))
		o.must(err)
		in := o.boss
		for scope, freed := range map[id.Department]int64{1: 1, 2: 0} {
			in.Scope = account.Within(scope)
			if s, err := o.desk.Show(t.Context(), in, c.Code); err != nil || s.Effect == nil || s.Effect.Freed != freed || s.Effect.PastCeiling != want[scope].PastCeiling {
				t.Errorf("department %d: %+v, %v", scope, s.Effect, err)
			}
		}
		if s, err := o.desk.Show(t.Context(), o.clerk, c.Code); err != nil || s.Effect != nil {
			t.Errorf("an agent sees %+v, %v", s.Effect, err)
		}
		_, err = o.desk.Effect(t.Context(), o.clerk, o.draft())
		o.want(err, "account.forbidden")
	})
}

// A count by a policy that has changed meanwhile is not kept.
func TestACountOfAnOlderPolicyIsNotKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		o.must(o.desk.CountWhile(t.Context(), func() {
			c, err := o.propose(o.boss, rule(o.draft(), "", func(r *retention.DraftRule) { r.FloorDays = 300 }))
			o.must(err)
			_, err = o.decide(o.legal, c, approval.Approve)
			o.must(err)
		}))
		if p, err := o.desk.Get(t.Context(), o.legal); err != nil || !p.Counts.At.IsZero() {
			t.Errorf("%+v, %v", p.Counts, err)
		}
		o.must(o.desk.CountWhile(t.Context(), func() {}))
		if p, err := o.desk.Get(t.Context(), o.legal); err != nil || p.Counts.At.IsZero() {
			t.Errorf("%+v, %v", p.Counts, err)
		}
	})
}
