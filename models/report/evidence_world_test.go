package report_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/report"
	"qingdang/models/seal"
)

// shop is a small installation in which everything happens through use cases, as in the
// product: so the log knows all of it.
type shop struct {
	t        *testing.T
	d        *db.DB
	clock    *dbtest.Clock
	keys     *seal.Store
	accounts *account.Accounts
	evidence *report.Evidence
	bin      *bin.Bin
	holds    *hold.Holds
	desk     *purge.Desk

	sales, support                                   id.Department
	agent, supervisor, elsewhere, legal, auditor, it account.Actor
}

func newShop(t *testing.T, d *db.DB, clock *dbtest.Clock) *shop {
	t.Helper()
	s := &shop{t: t, d: d, clock: clock, keys: accounttest.Keys(t, d), accounts: accounttest.New(t, d)}
	signer, err := s.keys.Signer("qingdang.example.cn/evidence")
	s.must(err)
	s.evidence = &report.Evidence{DB: d, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}, Organisation: "云栖优品集团"}
	zone := time.FixedZone("UTC+8", 8*3600)
	s.bin = &bin.Bin{DB: d, Zone: zone, Keys: accounttest.Keys(t, d)}
	s.holds = &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: zone, Vault: conversation.Vault{Store: s.keys}}
	s.desk = &purge.Desk{DB: d, Accounts: s.accounts, Keys: s.keys}
	s.sales, s.support = s.department("云栖优品集团/杭州分公司"), s.department("云栖优品集团/南京分公司")
	s.agent = accounttest.User(t, d, s.accounts, account.Agent, s.sales)
	s.supervisor = accounttest.User(t, d, s.accounts, account.Supervisor, s.sales)
	s.elsewhere = accounttest.User(t, d, s.accounts, account.Supervisor, s.support)
	s.legal = s.everywhere(account.Legal)
	s.auditor = s.everywhere(account.Auditor)
	s.it = s.everywhere(account.Admin)
	return s
}

func (s *shop) everywhere(role account.Role) account.Actor {
	a := accounttest.User(s.t, s.d, s.accounts, role)
	a.Scope = account.Everywhere()
	return a
}

func (s *shop) ctx() context.Context { return context.WithoutCancel(s.t.Context()) }

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) department(path string) id.Department {
	d, err := (&department.Departments{DB: s.d}).Ensure(s.ctx(), account.System("cli", ""), path)
	s.must(err)
	return d.ID
}

// bring imports conversations of 2021 into a department and gives their ids.
func (s *shop) bring(path, name string, n int) []id.Conversation {
	s.t.Helper()
	var all []*format.Conversation
	for i := range n {
		at := time.Date(2021, 3, 1+i%20, 2, 0, 0, 0, time.UTC)
		all = append(all, &format.Conversation{
			Platform: "qianniu", ExternalID: fmt.Sprintf("%s-%d", name, i), DepartmentPath: path, AgentID: s.agent.StaffNo, CustomerID: "tb_1", ServiceType: "咨询",
			Messages: []format.Message{{ID: "1", Sender: "customer", At: at, Kind: "text", Text: "CANARY 我要退款"}},
		})
	}
	im := &intake.Importer{DB: s.d, Vault: conversation.Vault{Store: s.keys}}
	s.must(im.Add(s.ctx(), account.System("cli", ""), slices.Values(all)))
	var ids []id.Conversation
	s.must(s.d.Read(s.ctx(), func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Order("id DESC").Limit(n).Pluck("id", &ids).Error
	}))
	return ids
}

func (s *shop) discard(c id.Conversation) id.Batch {
	s.t.Helper()
	b, err := s.bin.DiscardOne(s.ctx(), s.agent, c, "超过保留期，季度清理", rand.Text())
	s.must(err)
	return b.ID
}

// purged requests, approves and carries out the purge of some batches.
func (s *shop) purged(batches ...id.Batch) *purge.Request {
	s.t.Helper()
	r, err := s.desk.Request(s.ctx(), s.agent, purge.Ask{Batches: batches, Reason: "回收站到期清理，已超过保留期", Key: rand.Text()})
	s.must(err)
	for _, by := range []account.Actor{s.supervisor, s.legal} {
		r, err = s.desk.Vote(s.ctx(), by, purge.Ballot{
			Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: fmt.Sprintf("%x", r.Root), Code: accounttest.Code(s.t, s.d, by.ID),
		})
		s.must(err)
		s.clock.Advance(time.Minute)
	}
	s.clock.Set(*r.DueAt)
	run := &purge.Runner{DB: s.d, Vault: conversation.Vault{Store: s.keys}, Desk: s.desk, Log: s.evidence.Log, Organisation: "云栖优品集团", Worker: "worker-1"}
	s.must(job.Work(s.ctx(), s.d, "worker-1", map[string]job.Runner{purge.JobRun: run}, job.Options{Once: true}))
	return r
}

// story is two weeks in the shop: imports, a hold, the bin, a purge, refusals. It gives the
// purge.
func (s *shop) story() *purge.Request {
	s.t.Helper()
	chats := s.bring("云栖优品集团/杭州分公司", "hz", 8)
	s.bring("云栖优品集团/南京分公司", "nj", 3)
	s.clock.Advance(time.Hour)
	_, err := s.holds.Place(s.ctx(), s.legal, hold.Order{Name: "复议", Reason: "复议期间保留全部会话", Department: s.support})
	s.must(err)
	var batches []id.Batch
	for _, c := range chats[:5] {
		batches = append(batches, s.discard(c))
	}
	_, err = s.bin.Restore(s.ctx(), s.supervisor, batches[4])
	s.must(err)
	if _, err := s.bin.DiscardOne(s.ctx(), s.elsewhere, chats[6], "本不该看到的这条会话", rand.Text()); fault.KindOf(err) != fault.KindNotFound {
		s.t.Fatalf("a stranger's discard: %v", err)
	}
	s.must(s.accounts.Denied(s.ctx(), s.agent, account.AuditCheck, "/audit/check"))
	s.must(s.accounts.Denied(s.ctx(), s.agent, account.AuditCheck, "/audit/check"))
	s.clock.Advance(8 * 24 * time.Hour)
	return s.purged(batches[:4]...)
}

// leaves reads the whole log from its bytes.
func (s *shop) leaves() []audit.Leaf {
	s.t.Helper()
	var all []audit.Leaf
	for cursor := ""; ; {
		p, err := s.evidence.Log.Page(s.ctx(), audit.Filter{Seen: audit.Seen{All: true}}, cursor, 200)
		s.must(err)
		all = append(all, p.Leaves...)
		if cursor = p.Older; cursor == "" {
			return all
		}
	}
}

func wantFault(t *testing.T, err error, key, field string) {
	t.Helper()
	f, ok := fault.Of(err)
	if !ok || f.Key != key || f.Field != field {
		t.Errorf("fault = %+v (%v), want %s at %q", f, err, key, field)
	}
}
