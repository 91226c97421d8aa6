package fsck_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
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
	"qingdang/models/fsck"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

// asker is a customer who asked for deletion.
const asker = "tb_9"

// world is an installation in which everything that the oracles look at is there: a finished
// purge, something in the bin, a legal hold, a deletion request, conversations with tags. It was made by use cases.
type world struct {
	t                  *testing.T
	d                  *db.DB
	checker            *fsck.Checker
	live, binned, held id.Conversation
	shadows            []string
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d}
	keys, accounts := accounttest.Keys(t, d), accounttest.New(t, d)
	signer, err := keys.Signer("qingdang.example.cn/evidence")
	w.must(err)
	w.checker = &fsck.Checker{
		DB: d, Store: keys, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}, Ledger: &purge.Ledger{Dir: filepath.Join(t.TempDir(), "ledger"), Keys: keys},
	}
	const sales, support = "云栖优品集团/杭州分公司", "云栖优品集团/南京分公司"
	departments := map[string]id.Department{}
	for _, path := range []string{sales, support} {
		dep, err := (&department.Departments{DB: d}).Ensure(w.ctx(), account.System("cli", ""), path)
		w.must(err)
		departments[path] = dep.ID
	}
	agent := accounttest.User(t, d, accounts, account.Agent, departments[sales])
	supervisor := accounttest.User(t, d, accounts, account.Supervisor, departments[sales])
	legal := accounttest.User(t, d, accounts, account.Legal)
	legal.Scope = account.Everywhere()
	var chats []*format.Conversation
	for i := range 9 {
		path := map[bool]string{true: sales, false: support}[i < 6]
		customer := map[bool]string{true: "tb_1", false: asker}[i < 8]
		chats = append(chats, &format.Conversation{
			Platform: "qianniu", ExternalID: fmt.Sprint("t", i), DepartmentPath: path, AgentID: agent.StaffNo, CustomerID: customer, ServiceType: "咨询", Tags: []string{"退款"},
			Messages: []format.Message{{ID: "1", Sender: "customer", At: time.Date(2021, 3, 1+i, 2, 0, 0, 0, time.UTC), Kind: "text", Text: "我要退款"}},
		})
	}
	vault := conversation.Vault{Store: keys}
	w.must((&intake.Importer{DB: d, Vault: vault}).Add(w.ctx(), account.System("cli", ""), slices.Values(chats)))
	ids := func(dep id.Department) (out []id.Conversation) {
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Model(&conversation.Conversation{}).Where("department_id = ?", dep).Order("id").Pluck("id", &out).Error
		}))
		return out
	}
	ours, theirs := ids(departments[sales]), ids(departments[support])
	zone := time.FixedZone("UTC+8", 8*3600)
	_, err = (&hold.Holds{DB: d, Rescue: bin.Rescue, Zone: zone, Vault: vault}).Place(w.ctx(), legal, hold.Order{Name: "复议", Reason: "复议期间保留全部会话", Conversations: theirs[:1]})
	w.must(err)
	desk := &bin.Bin{DB: d, Zone: zone, Keys: accounttest.Keys(t, d)}
	var batches []id.Batch
	for _, c := range ours[:4] {
		b, err := desk.DiscardOne(w.ctx(), agent, c, "超过保留期，季度清理", rand.Text())
		w.must(err)
		batches = append(batches, b.ID)
	}
	requests := &subject.Requests{DB: d, Vault: vault, Bin: desk, Accounts: accounts, Zone: zone}
	_, err = requests.Place(w.ctx(), legal, subject.Order{Customer: asker, Reason: "客户来信要求删除全部聊天记录", Code: accounttest.Code(t, d, legal.ID)})
	w.must(err)
	clock.Advance(8 * 24 * time.Hour)
	purges := &purge.Desk{DB: d, Accounts: accounts, Keys: keys}
	r, err := purges.Request(w.ctx(), agent, purge.Ask{Batches: batches[:3], Reason: "回收站到期清理，已超过保留期", Key: rand.Text()})
	w.must(err)
	for _, by := range []account.Actor{supervisor, legal} {
		r, err = purges.Vote(w.ctx(), by, purge.Ballot{
			Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: fmt.Sprintf("%x", r.Root), Code: accounttest.Code(t, d, by.ID),
		})
		w.must(err)
		clock.Advance(time.Minute)
	}
	clock.Set(*r.DueAt)
	run := &purge.Runner{DB: d, Vault: vault, Desk: purges, Log: w.checker.Log, Ledger: w.checker.Ledger, Organisation: "云栖优品集团", Worker: "worker-1"}
	w.must(job.Work(w.ctx(), d, "worker-1", map[string]job.Runner{purge.JobRun: run}, job.Options{Once: true}))
	w.live, w.binned, w.held = ours[5], ours[3], theirs[0]
	return w
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// shadow keeps a copy of some tables, to which restore goes back.
func (w *world) shadow(tables ...string) {
	w.t.Helper()
	w.shadows = tables
	for _, t := range tables {
		dbtest.Exec(w.t, w.d, "CREATE TABLE shadow_"+t+" AS SELECT * FROM "+w.quote(t))
	}
	w.t.Cleanup(func() {
		for _, t := range tables {
			dbtest.Exec(w.t, w.d, "DROP TABLE shadow_"+t)
		}
	})
}

func (w *world) restore() {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		for _, t := range w.shadows {
			for _, q := range []string{"DELETE FROM " + w.quote(t), "INSERT INTO " + w.quote(t) + " SELECT * FROM shadow_" + t} {
				if err := tx.Exec(q).Error; err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func (w *world) quote(table string) string { return "`" + table + "`" }

// keys runs every oracle and gives what they say.
func (w *world) keys(deep bool) map[string]bool {
	w.t.Helper()
	r, err := w.checker.Run(w.ctx(), deep)
	w.must(err)
	out := map[string]bool{}
	for _, f := range r.Findings {
		out[f.Promise+" "+f.Key] = true
		if f.Object == "" {
			w.t.Errorf("%s does not say what it is about", f.Key)
		}
	}
	return out
}
