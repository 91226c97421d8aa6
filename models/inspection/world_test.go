package inspection_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department/departmenttest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/models/seal"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// world is one department with conversations, a supervisor who bins them, two auditors and legal.
type world struct {
	t                     *testing.T
	d                     *db.DB
	clock                 *dbtest.Clock
	keys                  *seal.Store
	accounts              *account.Accounts
	desk                  *inspection.Desk
	bin                   *bin.Bin
	shop                  id.Department
	boss                  account.Actor
	auditor, other, legal account.Actor
	chats                 int
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		f(t, newWorld(t, d, clock))
	})
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, keys: accounttest.Keys(t, d), accounts: accounttest.New(t, d), bin: &bin.Bin{DB: d, Zone: shanghai, Keys: accounttest.Keys(t, d)}}
	signer, err := w.keys.Signer("qingdang.example.cn/evidence")
	w.must(err)
	w.desk = &inspection.Desk{DB: d, Accounts: w.accounts, Keys: w.keys, Log: &audit.Log{DB: d, Signer: signer}, Zone: shanghai, Organisation: "云栖优品集团"}
	w.shop = departmenttest.Ensure(t, d, "集团")
	w.boss = accounttest.User(t, d, w.accounts, account.Supervisor, w.shop)
	w.auditor, w.other = accounttest.User(t, d, w.accounts, account.Auditor), accounttest.User(t, d, w.accounts, account.Auditor)
	w.legal = accounttest.User(t, d, w.accounts, account.Legal)
	clock.Advance(72 * time.Hour)
	return w
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// want fails unless err is the fault.
func (w *world) want(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Fatalf("got %v, want %s", err, key)
	}
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

// store imports conversations.
func (w *world) store(n int) (ids []id.Conversation) {
	w.t.Helper()
	old := time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
	var news []conversation.New
	for range n {
		w.chats++
		news = append(news, conversation.New{
			Platform: "qianniu", DepartmentID: w.shop, ServiceType: "咨询",
			Document: conversation.Document{ExternalID: fmt.Sprint("c", w.chats), CustomerID: "tb", Messages: []conversation.Message{{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(old), Kind: "text", Text: "在吗"}}},
		})
	}
	w.write(func(tx *db.Tx) error {
		ids = nil
		out, err := conversation.Store(tx, conversation.Vault{Store: w.keys}, news)
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		return err
	})
	return ids
}

// discard bins n conversations as one batch, as rows: what the inspection reads is the bin's tables.
func (w *world) discard(n int) string {
	w.t.Helper()
	ids := w.store(n)
	batch := &bin.Batch{}
	w.write(func(tx *db.Tx) error {
		w.chats++
		*batch = bin.Batch{
			Code: fmt.Sprintf("SC-%05d", w.chats), RequestKey: fmt.Sprint("k", w.chats), State: bin.Done, Kind: bin.KindBatch, OwnerID: w.boss.ID, OwnerPerson: w.boss.PersonID, OwnerName: w.boss.Name,
			Scope: "{}", ScopeKind: bin.ScopeDepartment, DepartmentID: w.shop, Reason: "超过保留期的会话清理", Residue: "[]", Excluded: "{}", Size: int64(n), Moved: int64(n),
			Fingerprint: make([]byte, 32), KeepUntil: tx.Now.Add(bin.Keep), CreatedAt: tx.Now,
		}
		if err := tx.Create(batch).Error; err != nil {
			return err
		}
		batch.Seal(w.keys)
		if err := tx.Model(batch).Update("mac", batch.MAC).Error; err != nil {
			return err
		}
		items := make([]bin.Item, 0, n)
		for _, c := range ids {
			items = append(items, bin.Item{BatchID: batch.ID, ConversationID: c, DepartmentID: w.shop, State: bin.ItemBinned, WasState: conversation.Active, ChangedAt: tx.Now})
		}
		if err := tx.Create(&items).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE conversation SET state = 3, batch_id = ? WHERE id IN ?", batch.ID, ids).Error
	})
	return batch.Code
}

// drawn opens the present quarter, bins batches of these sizes, and draws on the next day.
func (w *world) drawn(sizes ...int) *inspection.Inspection {
	w.t.Helper()
	i, err := w.desk.Open(w.ctx(), w.auditor)
	w.must(err)
	for _, n := range sizes {
		w.discard(n)
	}
	w.clock.Advance(24 * time.Hour)
	i, err = w.desk.Draw(w.ctx(), w.auditor, i.Code)
	w.must(err)
	return i
}

func (w *world) get(by account.Actor, code string) *inspection.Detail {
	w.t.Helper()
	d, err := w.desk.Get(w.ctx(), by, code)
	w.must(err)
	return d
}

// judge says ok to every item that is left.
func (w *world) judgeAll(code string) {
	w.t.Helper()
	for seq, err := w.desk.Next(w.ctx(), w.auditor, code, 0); seq != 0; {
		w.must(err)
		seq, err = w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: code, Seq: seq, Verdict: inspection.OK})
		w.must(err)
	}
}

func (w *world) sign(by account.Actor, code string) error {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	root := w.get(by, code).Root
	_, err := w.desk.Sign(w.ctx(), by, inspection.Ballot{Inspection: code, SeenRoot: root, Opinion: "已逐条核查，同意", Code: accounttest.Code(w.t, w.d, by.ID)})
	return err
}

func (w *world) flaws() (out []inspection.Flaw) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		out, err = inspection.Flaws(tx, w.keys)
		return err
	}))
	return out
}
