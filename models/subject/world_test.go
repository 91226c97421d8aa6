package subject_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	"qingdang/models/fsck"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/subject"
)

const (
	day      = 24 * time.Hour
	reason   = "客户来信要求删除全部聊天记录"
	customer = "tb_zhangwei88"
)

var (
	old      = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC) // past every floor but the one of disputes
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
)

// world is 集团 above 华东 and 华北, two people of legal, a supervisor and an agent, and everything through which a
// conversation may be met.
type world struct {
	t                    *testing.T
	d                    *db.DB
	clock                *dbtest.Clock
	vault                conversation.Vault
	accounts             *account.Accounts
	bin                  *bin.Bin
	holds                *hold.Holds
	requests             *subject.Requests
	log                  *audit.Log
	root, east, north    id.Department
	legal, counsel       account.Actor
	boss, agent, auditor account.Actor
	chats, keys          int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	keys := accounttest.Keys(t, d)
	w := &world{t: t, d: d, clock: clock, vault: conversation.Vault{Store: keys}, accounts: accounttest.New(t, d)}
	w.bin = &bin.Bin{DB: d, Zone: shanghai, Keys: keys, Codes: w.accounts}
	w.holds = &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: shanghai, Vault: w.vault, Accounts: w.accounts}
	w.requests = &subject.Requests{DB: d, Vault: w.vault, Bin: w.bin, Accounts: w.accounts, Zone: shanghai}
	signer, err := keys.Signer("qingdang.example.cn/log")
	w.must(err)
	w.log = &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}
	w.root, w.east, w.north = w.department("集团"), w.department("集团/华东"), w.department("集团/华北")
	w.department("集团/华南") // else both of the others would be the whole organisation
	clock.Advance(-3 * day)
	for _, p := range []struct {
		actor *account.Actor
		role  account.Role
	}{{&w.legal, account.Legal}, {&w.counsel, account.Legal}, {&w.auditor, account.Auditor}} {
		*p.actor = accounttest.User(t, d, w.accounts, p.role)
		p.actor.Scope = account.Everywhere()
	}
	w.boss = accounttest.User(t, d, w.accounts, account.Supervisor, w.root, w.east, w.north)
	w.agent = accounttest.User(t, d, w.accounts, account.Agent, w.east)
	clock.Advance(3 * day)
	return w
}

// each runs f in a world on each engine, and then every oracle.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		for _, found := range w.findings() {
			t.Error(found)
		}
	})
}

func (w *world) findings() (out []string) {
	w.t.Helper()
	report, err := (&fsck.Checker{DB: w.d, Store: w.vault.Store, Log: w.log}).Run(w.ctx(), true)
	w.must(err)
	for _, f := range report.Findings {
		out = append(out, f.String())
	}
	return out
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

func (w *world) key() string {
	w.keys++
	return fmt.Sprintf("form-key-%d", w.keys)
}

// chat is one conversation to be stored; zero fields are the usual ones.
type chat struct {
	dep    id.Department // 华东
	who    string        // customer
	class  string        // 咨询
	at     time.Time     // old
	open   bool          // its order
	hidden bool
	tag    string // 退款
	agent  string // the world's
}

// store imports conversations as the importer does.
func (w *world) store(chats ...chat) []id.Conversation {
	w.t.Helper()
	var news []conversation.New
	for _, c := range chats {
		w.chats++
		news = append(news, w.news(c, fmt.Sprint("c", w.chats), 1))
	}
	ids := w.storeNews(news)
	for i, c := range chats {
		if c.hidden {
			dbtest.Exec(w.t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Hidden, ids[i])
		}
	}
	return ids
}

func (w *world) news(c chat, name string, messages int) conversation.New {
	if c.dep == 0 {
		c.dep = w.east
	}
	if c.who == "" {
		c.who = customer
	}
	if c.class == "" {
		c.class = "咨询"
	}
	if c.at.IsZero() {
		c.at = old
	}
	n := conversation.New{
		Platform: "qianniu", DepartmentID: c.dep, ServiceType: c.class, AgentID: cmp.Or(c.agent, w.agent.StaffNo), AgentName: "小林", Tags: []string{cmp.Or(c.tag, "退款")},
		Document: conversation.Document{ExternalID: name, CustomerID: c.who, CustomerName: "张伟"},
	}
	if c.open {
		n.OrderState = conversation.OrderOpen
	}
	for i := range messages {
		n.Document.Messages = append(n.Document.Messages, conversation.Message{
			ID: fmt.Sprint(i), Sender: conversation.FromCustomer, At: conversation.MicrosOf(c.at.Add(time.Duration(i) * time.Minute)), Kind: "text", Text: "我要退款，灯笼",
		})
	}
	return n
}

func (w *world) storeNews(news []conversation.New) (ids []id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		ids = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		out, err := conversation.Store(tx, w.vault, news)
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		_, held := hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
		return errors.Join(err, held)
	})
	return ids
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

// young is inside the floor of half a year, and leaves it after 10 days.
func (w *world) young() time.Time { return w.clock.Time().Add(-173 * day) }

func (w *world) code(by account.Actor) string {
	w.t.Helper()
	w.clock.Advance(30 * time.Second) // so that the codes of a person never run out
	return accounttest.Code(w.t, w.d, by.ID)
}

func (w *world) order() subject.Order {
	return subject.Order{Key: w.key(), Customer: customer, Reference: "KF-2026-118", Reason: reason, Code: w.code(w.legal)}
}

func (w *world) place() *subject.Request {
	w.t.Helper()
	r, err := w.requests.Place(w.ctx(), w.legal, w.order())
	w.must(err)
	return r
}

// work lets a worker do what is due.
func (w *world) work() {
	w.t.Helper()
	w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{subject.JobBin: w.requests.Binner()}, job.Options{Once: true}))
}

func (w *world) tick() {
	w.t.Helper()
	w.must(w.requests.Tick(w.ctx()))
}

func (w *world) get(r *subject.Request) *subject.Detail {
	w.t.Helper()
	d, err := w.requests.Get(w.ctx(), w.legal, r.ID)
	w.must(err)
	return d
}

func (w *world) states(ids ...id.Conversation) (out []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		out = nil
		for _, c := range ids {
			var s []conversation.State
			if err := tx.Model(&conversation.Conversation{}).Where("id = ?", c).Pluck("state", &s).Error; err != nil {
				return err
			}
			if len(s) == 0 {
				out = append(out, "gone")
				continue
			}
			out = append(out, s[0].Code())
		}
		return nil
	}))
	return out
}

func (w *world) wantStates(ids []id.Conversation, want ...string) {
	w.t.Helper()
	if len(want) == 1 {
		want = slices.Repeat(want, len(ids))
	}
	if got := w.states(ids...); !slices.Equal(got, want) {
		w.t.Errorf("the conversations are %v, want %v", got, want)
	}
}

func (w *world) wantParts(r *subject.Request, want subject.Counts) {
	w.t.Helper()
	if got := w.get(r).Parts; got != want {
		w.t.Errorf("parts of %s are %+v, want %+v", r.Code, got, want)
	}
}

func (w *world) discard(ids ...id.Conversation) {
	w.t.Helper()
	for _, c := range ids {
		_, err := w.bin.DiscardOne(w.ctx(), w.boss, c, reason, w.key())
		w.must(err)
	}
}

func (w *world) hold(ids ...id.Conversation) *hold.Hold {
	w.t.Helper()
	h, err := w.holds.Place(w.ctx(), w.counsel, hold.Order{Name: "诉讼保全", Reason: "法院来函，案号 2026-77", Conversations: ids})
	w.must(err)
	return h
}

func (w *world) set(ids ...id.Conversation) id.Set[id.Conversation] {
	w.t.Helper()
	s, err := id.NewSet(ids...)
	w.must(err)
	return s
}

func wantFault(t *testing.T, err error, key, field string) {
	t.Helper()
	f, ok := fault.Of(err)
	if !ok {
		t.Errorf("err = %v, want %s", err, key)
		return
	}
	for _, one := range f.List() {
		if one.Key == key && (field == "" || one.Field == field) {
			return
		}
	}
	t.Errorf("fault = %v on %q, want %s on %q", f, f.Field, key, field)
}
