// Package drill holds the tests that stand above all drawers: faults at every call to the
// database, races of every pair of acts, and a state machine beside a model. Each of them ends
// with every oracle of package fsck.
package drill_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
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
	"qingdang/models/fsck"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
	"qingdang/models/subject"
)

const (
	day    = 24 * time.Hour
	reason = "到期清理，已超过保留期"
)

// old is long enough ago for every floor but the one of disputes.
var old = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// long tells whether the nightly tier runs.
func long() bool { return os.Getenv("QINGDANG_TEST_TIER") == "long" }

// world is an organisation and the people who act in it. Every act of a test goes through the
// use cases that the console calls.
type world struct {
	t        testing.TB
	d        *db.DB // its calls pass by faults
	plain    *db.DB // the same database, for looking
	clock    *dbtest.Clock
	faults   *dbtest.Faults
	accounts *account.Accounts
	vault    conversation.Vault
	bin      *bin.Bin
	holds    *hold.Holds
	desk     *purge.Desk
	requests *subject.Requests
	ledger   *purge.Ledger
	log      *audit.Log
	importer *intake.Importer
	checker  *fsck.Checker

	agent, boss, second, third, legal, counsel, admin account.Actor // boss, second and third are supervisors, counsel another legal
	tables                                            []string
	chunk                                             int // items of one step
	serial                                            atomic.Int64
}

func newWorld(t testing.TB, engine string) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d, faults := dbtest.FaultyOn(t, engine, clock)
	w := assemble(t, d, faults, clock, accounttest.Keys(t, d))
	w.people()
	return w
}

// withNeighbour is newWorld with a shop that nothing happens to: without it the only shop would be
// the whole organisation.
func withNeighbour(t testing.TB, engine string) *world {
	t.Helper()
	w := newWorld(t, engine)
	w.shop(1)
	return w
}

// assemble puts the drawers together on a database and a key store.
func assemble(t testing.TB, d *db.DB, faults *dbtest.Faults, clock *dbtest.Clock, keys *seal.Store) *world {
	t.Helper()
	w := &world{
		t: t, d: d, plain: faults.Plain(t), clock: clock, faults: faults, chunk: 10, vault: conversation.Vault{Store: keys},
		bin: &bin.Bin{DB: d, Zone: shanghai, Keys: keys},
	}
	var err error
	w.accounts, err = account.New(account.Settings{DB: d, Keys: keys, Resolve: accounttest.Exactly})
	w.must(err)
	w.holds = &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai, Vault: w.vault, Accounts: w.accounts}
	w.desk = &purge.Desk{DB: d, Accounts: w.accounts, Keys: keys, Zone: shanghai}
	w.requests = &subject.Requests{DB: d, Vault: w.vault, Bin: w.bin, Accounts: w.accounts, Zone: shanghai}
	w.ledger = &purge.Ledger{Dir: t.TempDir(), Keys: keys}
	w.importer = &intake.Importer{DB: d, Vault: w.vault}
	signer, err := keys.Signer("qingdang.example.cn/drill")
	w.must(err)
	w.log = &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}
	w.checker = &fsck.Checker{DB: w.plain, Store: keys, Log: &audit.Log{DB: w.plain, Signer: signer, Dir: t.TempDir()}}
	w.tables = w.listTables()
	return w
}

// people gives the world everybody who acts in it.
func (w *world) people() {
	w.t.Helper()
	w.clock.Advance(-3 * day) // so that the accounts are old enough
	for _, p := range []struct {
		actor *account.Actor
		role  account.Role
	}{
		{&w.agent, account.Agent},
		{&w.boss, account.Supervisor},
		{&w.second, account.Supervisor},
		{&w.third, account.Supervisor},
		{&w.legal, account.Legal},
		{&w.counsel, account.Legal},
		{&w.admin, account.Admin},
	} {
		*p.actor = accounttest.User(w.t, w.d, w.accounts, p.role)
		p.actor.Scope = account.Everywhere()
	}
	w.clock.Advance(3 * day)
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// next gives a number that no other part of the test has.
func (w *world) next() int64 { return w.serial.Add(1) }

func (w *world) key() string { return fmt.Sprintf("drill-key-%06d", w.next()) }

// shop is a department of its own with some conversations.
type shop struct {
	path string
	dep  id.Department
	ids  []id.Conversation
}

func (w *world) shop(n int) *shop {
	w.t.Helper()
	s := &shop{path: fmt.Sprintf("机构%d/店", w.next())}
	s.dep = w.department(s.path)
	w.bring(s, n)
	return s
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	dep, err := (&department.Departments{DB: w.d}).Ensure(w.ctx(), account.System("cli", ""), path)
	w.must(err)
	return dep.ID
}

// bring imports conversations into a shop.
func (w *world) bring(s *shop, n int) {
	w.t.Helper()
	chats := make([]*format.Conversation, n)
	for i := range chats {
		chats[i] = s.chat(len(s.ids)+i, 1)
	}
	w.must(w.importer.Add(w.ctx(), account.System("cli", ""), slices.Values(chats)))
	s.ids = w.idsOf(s.dep)
}

// customer is who wrote all that is in a shop.
func (s *shop) customer() string { return "tb_" + s.path }

// chat is the i-th conversation of a shop with some messages.
func (s *shop) chat(i, messages int) *format.Conversation {
	c := &format.Conversation{
		Platform: "qianniu", ExternalID: fmt.Sprintf("%s-%d", s.path, i), DepartmentPath: s.path,
		AgentID: "a1", CustomerID: s.customer(), ServiceType: "咨询", Tags: []string{"退款"},
	}
	if i == 2 {
		c.ServiceType = "售后"
	}
	for m := range messages {
		at := old.Add(time.Duration(i)*time.Hour + time.Duration(m)*time.Minute)
		c.Messages = append(c.Messages, format.Message{ID: fmt.Sprint(m), Sender: "customer", At: at, Kind: "text", Text: "我要退款"})
	}
	return c
}

func (w *world) idsOf(dep id.Department) (out []id.Conversation) {
	w.t.Helper()
	w.must(w.plain.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Where("department_id = ?", dep).Order("started_at").Pluck("id", &out).Error
	}))
	return out
}

// draft is a batch of the whole shop up to the wizard's last page.
func (w *world) draft(s *shop) bin.Request {
	w.t.Helper()
	return w.draftOf(bin.Scope{Departments: []id.Department{s.dep}})
}

func (w *world) draftOf(scope bin.Scope) bin.Request {
	w.t.Helper()
	draft, err := w.bin.NewDraft(w.ctx(), w.boss, scope)
	w.must(err)
	d, _, err := w.bin.Freeze(w.ctx(), w.boss, draft)
	w.must(err)
	return bin.Request{
		Draft: draft, Key: w.key(), Reason: reason, Checks: bin.Checks{Notified: true, Partners: true, Complaints: true},
		Typed: fmt.Sprint(d.Frozen), Shown: hex.EncodeToString(d.Fingerprint),
	}
}

func (w *world) discard(s *shop) *bin.Batch {
	w.t.Helper()
	b, err := w.bin.Discard(w.ctx(), w.boss, w.draft(s))
	w.must(err)
	return b
}

func (w *world) ask(batches ...id.Batch) purge.Ask {
	return purge.Ask{Batches: batches, Reason: "回收站到期清理，已超过保留期", Key: w.key()}
}

// asked is a request for everything in a shop, right after it was binned.
func (w *world) asked(s *shop) *purge.Request {
	w.t.Helper()
	r, err := w.desk.Request(w.ctx(), w.boss, w.ask(w.discard(s).ID))
	w.must(err)
	return r
}

func (w *world) ballot(r *purge.Request, by account.Actor) purge.Ballot {
	w.t.Helper()
	return purge.Ballot{
		Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: hex.EncodeToString(r.Root), Code: accounttest.Code(w.t, w.plain, by.ID),
	}
}

func (w *world) vote(r *purge.Request, by ...account.Actor) {
	w.t.Helper()
	for _, a := range by {
		_, err := w.desk.Vote(w.ctx(), a, w.ballot(r, a))
		w.must(err)
		w.clock.Advance(30 * time.Second) // so that the codes of a person never run out
	}
}

func (w *world) now(r *purge.Request) *purge.Request {
	w.t.Helper()
	var fresh purge.Request
	w.must(w.plain.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", r.ID).Take(&fresh).Error }))
	return &fresh
}

func (w *world) runner() *purge.Runner {
	return &purge.Runner{DB: w.d, Vault: w.vault, Desk: w.desk, Log: w.log, Ledger: w.ledger, Organisation: "云栖优品集团", Worker: "worker-1", Chunk: w.chunk}
}

// runners are the jobs that a worker of the console does.
func (w *world) runners() map[string]job.Runner {
	return map[string]job.Runner{
		purge.JobRun: w.runner(), bin.JobMove: &bin.Mover{DB: w.d, Keys: w.bin.Keys, Chunk: w.chunk}, purge.JobTimer: &purge.Timer{Desk: w.desk}, subject.JobBin: w.requests.Binner(),
	}
}

// work lets a worker do what is due until nothing is.
func (w *world) work(ctx context.Context) error {
	return job.Work(ctx, w.d, "worker", w.runners(), job.Options{Once: true, Log: silent})
}

func (w *world) count(model any, cond ...any) int64 {
	w.t.Helper()
	return dbtest.Count(w.t, w.plain, model, cond...)
}

func (w *world) inState(s conversation.State, ids []id.Conversation) bool {
	w.t.Helper()
	return w.count(&conversation.Conversation{}, "state = ? AND id IN ?", s, ids) == int64(len(ids))
}

// wantClean runs every oracle.
func (w *world) wantClean(when string) {
	w.t.Helper()
	r, err := w.checker.Run(w.ctx(), true)
	w.must(err)
	for _, f := range r.Findings {
		w.t.Errorf("%s: %s", when, f)
	}
}

func faultKey(err error) string {
	if f, ok := fault.Of(err); ok {
		return f.Key
	}
	return ""
}

// passing are the tables whose rows say only that something is being tried, and those of the log
// that its head stands for.
var passing = []string{"job", "login_guard", "user_session", "purge_review", "audit_leaf", "audit_node"}

func (w *world) listTables() (out []string) {
	w.t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.d.Engine() == db.MySQL {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
	}
	w.must(w.plain.Read(w.ctx(), func(tx *db.Tx) error { return tx.Raw(query).Scan(&out).Error }))
	sort.Strings(out)
	return slices.DeleteFunc(out, func(s string) bool {
		return slices.Contains(passing, s) || strings.HasPrefix(s, "seed_of_") || strings.HasPrefix(s, "goose_")
	})
}

// digest is a fingerprint of everything that is stored, but for what is passing.
func (w *world) digest() string {
	w.t.Helper()
	h := sha256.New()
	w.must(w.plain.Read(w.ctx(), func(tx *db.Tx) error {
		if w.d.Engine() == db.MySQL {
			var sums []struct {
				Table    string
				Checksum uint64
			}
			err := tx.Raw("CHECKSUM TABLE `" + strings.Join(w.tables, "`, `") + "`").Scan(&sums).Error
			fmt.Fprint(h, sums)
			return err
		}
		for _, table := range w.tables {
			rows, err := tx.Raw("SELECT * FROM `" + table + "`").Rows()
			if err != nil {
				return err
			}
			defer rows.Close()
			io.WriteString(h, table)
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			for rows.Next() {
				if err := rows.Scan(into...); err != nil {
					return err
				}
				for _, v := range values {
					hashValue(h, v)
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	}))
	return hex.EncodeToString(h.Sum(nil))
}

func hashValue(h hash.Hash, v any) {
	var b [9]byte
	switch v := v.(type) {
	case int64:
		h.Write(binary.BigEndian.AppendUint64(b[:1], uint64(v)))
	case []byte:
		h.Write(binary.BigEndian.AppendUint64(b[:1], uint64(len(v))))
		h.Write(v)
	case string:
		h.Write(binary.BigEndian.AppendUint64(b[:1], uint64(len(v))))
		io.WriteString(h, v)
	case time.Time:
		h.Write(binary.BigEndian.AppendUint64(b[:1], uint64(v.UnixMicro())))
	default:
		fmt.Fprint(h, v)
	}
}
