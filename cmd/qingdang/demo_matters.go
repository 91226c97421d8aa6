package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// demoClock lets the first start live through two weeks, so that the demo has a batch whose
// time is over, requests that wait, and a certificate. Afterwards it is the host's clock.
type demoClock struct{ ahead atomic.Int64 }

// Now is part of db.Clock.
func (c *demoClock) Now(context.Context, string, db.Queryer) (time.Time, error) {
	return time.Now().Add(time.Duration(c.ahead.Load())), nil
}

// at puts the clock to an offset from the present; the past is negative.
func (c *demoClock) at(offset time.Duration) { c.ahead.Store(int64(offset)) }

const (
	hour     = time.Hour
	day24    = 24 * hour
	demoPast = 15 * day24 // how long before the first start the story of the open matters begins
)

// story plays the demo's open matters through the same use cases that people use.
type story struct {
	*app
	ctx   context.Context
	clock *demoClock
	tree  *department.Tree
	cast  map[string]account.Actor
	n     int
}

// openDemoMatters fills the bin, asks for purges in several stages, carries one out and places
// holds.
func (a *app) openDemoMatters(ctx context.Context, tree *department.Tree, clock *demoClock) error {
	s := &story{app: a, ctx: ctx, clock: clock, tree: tree, cast: map[string]account.Actor{}}
	defer clock.at(0)
	for _, p := range demo.People() {
		if err := s.enter(p); err != nil {
			return err
		}
	}
	const east = "云栖优品集团/华东大区/"
	const (
		lin, gu, xu, zhou, yang = "10482", "10355", "10517", "10077", "10083"
		zheng, qin              = "10031", "10036"
	)
	if err := s.inspectPast(zheng, zhou, lin, pastQuarter(time.Now(), a.config.location)); err != nil {
		return err
	}
	s.clock.at(-14 * day24)
	settled, inquiry, err := s.placeHolds(zhou, yang)
	if err != nil {
		return err
	}
	s.clock.at(-13 * day24)
	done, err := s.discard(lin, bin.Scope{Departments: s.of(east + "南京分公司/直营一组"), To: s.daysAgo(700), ServiceTypes: []string{"咨询"}}, "超过保留期的咨询会话季度清理")
	if err != nil {
		return err
	}
	asked, err := s.discard(xu, bin.Scope{Departments: s.of(east + "杭州分公司/一店售后组"), To: s.daysAgo(800), ServiceTypes: []string{"咨询", "售后"}}, "一店售后组历史会话清理")
	if err != nil {
		return err
	}
	s.clock.at(-9 * day24)
	if _, err := s.discard(gu, bin.Scope{Departments: s.of(east + "上海分公司/浦东售后组"), To: s.daysAgo(800), ServiceTypes: []string{"咨询"}}, "浦东售后组两年前的咨询会话"); err != nil {
		return err
	}
	waiting, err := s.discard(lin, bin.Scope{Departments: s.of(east + "杭州分公司/二店售后组"), To: s.daysAgo(750), ServiceTypes: []string{"咨询", "售后"}}, "二店售后组历史会话清理")
	if err != nil {
		return err
	}
	s.clock.at(-6*day24 - 10*hour)
	if _, err := s.discard(lin, bin.Scope{Departments: s.of(east + "杭州分公司"), Sub: false, To: s.daysAgo(500), ServiceTypes: []string{"咨询"}}, "杭州分公司直属历史咨询清理"); err != nil {
		return err
	}
	s.clock.at(-5*day24 + hour)
	first, err := s.request(lin, done, "回收站到期清理，已超过保留期")
	if err == nil {
		err = s.approve(gu, first, "范围无误，同意")
	}
	if err == nil {
		s.clock.at(-5*day24 + 3*hour)
		err = s.approve(zhou, first, "已核对法务保留，同意")
	}
	if err != nil {
		return err
	}
	s.clock.at(-4*day24 + 4*hour)
	if err := s.purge(); err != nil {
		return err
	}
	s.clock.at(-3 * day24)
	if _, err := s.discard(gu, bin.Scope{Departments: s.of(east + "上海分公司"), Sub: true, To: s.daysAgo(400), ServiceTypes: []string{"咨询", "售后"}}, "上海分公司超期咨询与售后会话清理"); err != nil {
		return err
	}
	if err := s.release(zhou, yang, settled, "出租方撤诉裁定已生效，无须继续保留"); err != nil {
		return err
	}
	if err := s.askDeletion(zhou); err != nil {
		return err
	}
	s.clock.at(-2 * day24)
	if _, err := s.discard(xu, bin.Scope{Departments: s.of(east + "杭州分公司/旗舰店售前组"), To: s.daysAgo(600), ServiceTypes: []string{"咨询"}, Platforms: []string{"qianniu", "wechat"}}, "旗舰店售前组历史咨询清理"); err != nil {
		return err
	}
	if err := s.keepSearches(lin, xu, zhou); err != nil {
		return err
	}
	if err := s.readElsewhere("20631", gu); err != nil {
		return err
	}
	s.clock.at(-30 * hour)
	if err := s.release(zhou, "", inquiry, "离职审计已结束，未发现问题"); err != nil {
		return err
	}
	if _, err := s.request(xu, asked, "回收站到期清理，客户未再联系"); err != nil {
		return err
	}
	second, err := s.request(lin, waiting, "二店售后组到期清理，已核对")
	if err == nil {
		err = s.inspectNow(zheng, qin, gu)
	}
	if err == nil {
		s.clock.at(-2 * hour)
		err = s.approve(gu, second, "已抽查十条，范围无误")
	}
	if err != nil {
		return err
	}
	s.clock.at(-hour)
	if err := s.askExports(lin, zhou, inquiry); err != nil {
		return err
	}
	if _, err := s.askAccess("10391", east+"杭州分公司/交易纠纷组", "华南有同类交易纠纷，申请参考杭州的处理过程"); err != nil {
		return err
	}
	s.clock.at(0)
	return s.purges.Tick(ctx)
}

// enter makes the actor of a person.
func (s *story) enter(p demo.Person) error {
	who, err := s.accounts.FindUser(s.ctx, account.System("demo", ""), p.StaffNo)
	if err != nil {
		return err
	}
	by := account.Actor{ID: who.User, PersonID: who.Person, StaffNo: who.StaffNo, Name: who.Name, Role: who.Role, Source: "demo"}
	for _, path := range p.ScopePaths {
		by.Scope = s.tree.Scope([]account.ScopeRow{{Department: s.find(path), Sub: p.IncludeSub}})
	}
	if by.Role == account.Legal || by.Role == account.Auditor {
		by.Scope = account.Everywhere()
	}
	s.cast[p.StaffNo] = by
	return nil
}

func (s *story) find(path string) id.Department {
	d, _ := s.tree.ByPath(path)
	return d.ID
}

func (s *story) of(path string) []id.Department { return []id.Department{s.find(path)} }

func (s *story) daysAgo(n int) string {
	return time.Now().In(s.config.location).AddDate(0, 0, -n).Format(time.DateOnly)
}

// key gives each form of the story a key of its own.
func (s *story) key() string {
	s.n++
	return fmt.Sprintf("demo-form-%02d", s.n)
}

// discard goes through the wizard.
func (s *story) discard(staffNo string, scope bin.Scope, reason string) (id.Batch, error) {
	by := s.cast[staffNo]
	draft, err := s.bin.NewDraft(s.ctx, by, scope)
	if err != nil {
		return 0, err
	}
	if _, err := s.bin.EditDraft(s.ctx, by, draft, func(f *bin.Form) {
		f.KeepResidue, f.ResidueReason = true, "子部门由各自主管另行处理"
	}); err != nil {
		return 0, err
	}
	d, _, err := s.bin.Freeze(s.ctx, by, draft)
	if f, ok := fault.Of(err); ok && f.Key == "bin.nothing_to_move" {
		return 0, nil // a small demo has nothing that old in this department
	}
	if err != nil {
		return 0, err
	}
	batch, err := s.bin.Discard(s.ctx, by, bin.Request{
		Draft: draft, Key: s.key(), Reason: reason, Checks: bin.Checks{Notified: true, Partners: true, Complaints: true},
		Typed: fmt.Sprint(d.Frozen), Shown: hex.EncodeToString(d.Fingerprint),
	})
	if err != nil {
		return 0, err
	}
	return batch.ID, nil
}

// request asks for a purge. A small demo may have put nothing into the batch; there is
// nothing to ask for then.
func (s *story) request(staffNo string, batch id.Batch, reason string) (*purge.Request, error) {
	if batch == 0 {
		return nil, nil
	}
	return s.purges.Request(s.ctx, s.cast[staffNo], purge.Ask{Batches: []id.Batch{batch}, Reason: reason, AtOnce: true, Key: s.key()})
}

func (s *story) approve(staffNo string, r *purge.Request, opinion string) error {
	if r == nil {
		return nil
	}
	code, err := s.accounts.DemoCode(s.ctx, staffNo)
	if err != nil {
		return err
	}
	_, err = s.purges.Vote(s.ctx, s.cast[staffNo], purge.Ballot{
		Purge: r.ID, Verdict: approval.Approve, Opinion: opinion, SeenRoot: hex.EncodeToString(r.Root), Code: code, AgreeAtOnce: true,
	})
	return err
}

// purge runs whatever is due now, as the worker would.
func (s *story) purge() error {
	return job.Work(s.ctx, s.db, "demo", map[string]job.Runner{purge.JobRun: s.purgeRunner("demo")}, job.Options{Once: true})
}
