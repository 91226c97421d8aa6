package export_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department/departmenttest"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/seal"
)

var (
	old      = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
)

// Planted texts: what may be read by nobody who only has the folder, and what a mask hides. None is shorter than eight
// bytes: four are in some megabytes of ciphertext by chance once in a few hundred runs.
const (
	canary = "CANARY-7741-灯笼"
	phone  = "13812345678"
	idCard = "11010519491231002X"
	extern = "canary-chat-" // begins the id of every conversation
)

// world is 集团 above 华东 and 华北 with people in each, and a desk whose parts hold three conversations.
type world struct {
	t                         *testing.T
	d                         *db.DB
	clock                     *dbtest.Clock
	accounts                  *account.Accounts
	keys                      *seal.Store
	keyDir                    string
	vault                     conversation.Vault
	desk                      *export.Desk
	root, east, north         id.Department
	agent, supervisor, second account.Actor // of 华东; second: another supervisor
	legal, cro                account.Actor // two of legal
	chats                     int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, keyDir: t.TempDir()}
	keys, err := seal.OpenStore(seal.Options{Dir: w.keyDir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	accounttest.Use(t, d, keys)
	w.keys, w.vault = keys, conversation.Vault{Store: keys}
	w.accounts = accounttest.New(t, d)
	w.east, w.north = w.department("集团/华东"), w.department("集团/华北")
	w.root = w.department("集团")
	w.agent = accounttest.User(t, d, w.accounts, account.Agent, w.east)
	w.supervisor = accounttest.User(t, d, w.accounts, account.Supervisor, w.east, w.north)
	w.second = accounttest.User(t, d, w.accounts, account.Supervisor, w.east)
	w.legal, w.cro = accounttest.User(t, d, w.accounts, account.Legal), accounttest.User(t, d, w.accounts, account.Legal)
	w.legal.Scope, w.cro.Scope = account.Everywhere(), account.Everywhere()
	w.desk = &export.Desk{
		DB: d, Vault: w.vault, Accounts: w.accounts, Dir: filepath.Join(t.TempDir(), "exports"), Zone: shanghai, Organisation: "云栖优品集团",
		PartSize: 3,
	}
	return w
}

// each runs f in a world on each engine; at the end the log adds up.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		w.sound()
	})
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

func (w *world) news(d id.Department, text string) conversation.New {
	w.chats++
	at := old.Add(time.Duration(w.chats) * time.Hour)
	return conversation.New{
		Platform: "qianniu", DepartmentID: d, ServiceType: "咨询", AgentID: w.agent.StaffNo, AgentName: "小林", Tags: []string{"退款"},
		Document: conversation.Document{
			ExternalID: fmt.Sprint(extern, w.chats), CustomerID: "tb_zhangwei88", CustomerName: "张伟", OrderNo: "202103011234567890",
			Messages: []conversation.Message{
				{ID: "0", Sender: conversation.FromCustomer, SenderName: "张伟", At: conversation.MicrosOf(at), Kind: "text", Text: text},
				{ID: "1", Sender: conversation.FromAgent, SenderName: "小林", At: conversation.MicrosOf(at.Add(time.Minute)), Kind: "text", Text: "好的，电话 " + phone + " 已记下"},
			},
		},
	}
}

// store imports n conversations into a department, each with the planted texts.
func (w *world) store(d id.Department, n int) (ids []id.Conversation) {
	w.t.Helper()
	for range n {
		ids = append(ids, w.say(d, canary+" 我的电话是 "+phone)...)
	}
	return ids
}

func (w *world) say(d id.Department, text string) (ids []id.Conversation) {
	w.t.Helper()
	n := w.news(d, text)
	w.write(func(tx *db.Tx) error {
		ids = nil
		out, err := conversation.Store(tx, w.vault, []conversation.New{n})
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		return err
	})
	return ids
}

func (w *world) everything() export.Selection {
	return export.Selection{Kind: export.OfQuery, Query: conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}}}
}

func (w *world) wish() export.Wish {
	return export.Wish{Selection: w.everything(), Format: file.JSONL, Purpose: "配合监管部门问询", Lang: "zh-CN", FormKey: rand.Text()}
}

func (w *world) ask(by account.Actor, wish export.Wish) *export.Export {
	w.t.Helper()
	e, err := w.desk.Ask(w.ctx(), by, wish)
	w.must(err)
	return e
}

func (w *world) approve(e *export.Export, by account.Actor) *export.Export {
	w.t.Helper()
	e, err := w.desk.Approve(w.ctx(), by, export.Ballot{Export: e.ID, SeenRoot: e.WishRoot(), Opinion: "同意，范围无误", Code: accounttest.Code(w.t, w.d, by.ID)})
	w.must(err)
	w.clock.Advance(30 * time.Second)
	return e
}

// work lets a worker do everything that is due.
func (w *world) work() {
	w.t.Helper()
	w.must(job.Work(w.ctx(), w.d, "worker-1", map[string]job.Runner{export.JobRun: w.desk.Runner()}, job.Options{Once: true}))
}

// steps lets a worker do some steps and die afterwards.
func (w *world) steps(n int) error {
	w.t.Helper()
	for range n {
		j, err := job.Claim(w.ctx(), w.d, "dies", []string{export.JobRun})
		w.must(err)
		if j == nil {
			w.t.Fatal("no job")
		}
		if _, err := w.desk.Runner().Step(w.ctx(), j); err != nil {
			return err
		}
		w.clock.Advance(job.Lease)
	}
	return nil
}

func (w *world) now(e *export.Export) *export.Export {
	w.t.Helper()
	var fresh export.Export
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", e.ID).Take(&fresh).Error }))
	return &fresh
}

// ready is an export of everything that the supervisor may fetch.
func (w *world) ready(by account.Actor, wish export.Wish) *export.Export {
	w.t.Helper()
	e := w.ask(by, wish)
	w.work()
	if e = w.now(e); e.State != export.Ready {
		w.t.Fatalf("%s is %s (%s)", e.Code, e.State, e.ClosedReason)
	}
	return e
}

// fetch prepares and downloads, and gives what is inside by name.
func (w *world) fetch(by account.Actor, e *export.Export) map[string]string {
	w.t.Helper()
	g, err := w.desk.Prepare(w.ctx(), by, e.ID)
	w.must(err)
	f, err := w.desk.Download(w.ctx(), by, e.ID, g.Token, g.Passphrase)
	w.must(err)
	var out bytes.Buffer
	_, err = f.WriteTo(&out)
	w.must(err)
	key, err := age.NewScryptIdentity(g.Passphrase)
	w.must(err)
	return w.unpack(out.Bytes(), key)
}

func (w *world) unpack(data []byte, key age.Identity) map[string]string {
	w.t.Helper()
	plain, err := age.Decrypt(bytes.NewReader(data), key)
	w.must(err)
	all, err := io.ReadAll(plain)
	w.must(err)
	z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
	w.must(err)
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		w.must(err)
		b, err := io.ReadAll(r)
		w.must(err)
		files[f.Name] = string(b)
	}
	return files
}

// text is everything that parts say.
func text(files map[string]string) string {
	var b strings.Builder
	for name, s := range files {
		if strings.HasSuffix(name, ".jsonl") {
			b.WriteString(s)
		}
	}
	return b.String()
}

func (w *world) manifest(files map[string]string) (m export.Manifest) {
	w.t.Helper()
	w.must(json.Unmarshal([]byte(files["manifest.json"]), &m))
	return m
}

// shelf lists the files in the folder.
func (w *world) shelf() (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.desk.Dir)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// planted tells whether a planted text can be read in the folder.
func (w *world) planted(dir string) bool {
	w.t.Helper()
	found := false
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		w.must(err)
		found = found || bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte(extern)) || bytes.Contains(b, []byte(phone))
	}
	return found
}

func (w *world) wantFault(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}

// wrote counts entries of the log.
func (w *world) wrote(action, object, result string) int64 {
	w.t.Helper()
	var n int64
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ? AND object = ? AND result = ?", action, object, result).Count(&n).Error
	}))
	return n
}

// sound checks what must always be true, on the tables alone.
func (w *world) sound() {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		wrong, err := export.Wrong(tx, w.keys)
		for _, f := range wrong {
			w.t.Errorf("%s: %s", f.Object, f.Key)
		}
		return err
	}))
	signer, err := w.keys.Signer("qingdang.example.cn/log")
	w.must(err)
	check, err := (&audit.Log{DB: w.d, Signer: signer, Dir: w.t.TempDir()}).Check(w.ctx(), true)
	w.must(err)
	if !check.OK {
		w.t.Errorf("the audit log is broken: %+v", check)
	}
}

func (w *world) count(model any, cond ...any) int64 {
	w.t.Helper()
	return dbtest.Count(w.t, w.d, model, cond...)
}

// binned puts conversations into the bin, one batch each.
func (w *world) binned(ids ...id.Conversation) {
	w.t.Helper()
	b := &bin.Bin{DB: w.d, Zone: shanghai, Keys: accounttest.Keys(w.t, w.d)}
	for _, c := range ids {
		_, err := b.DiscardOne(w.ctx(), w.supervisor, c, "到期清理，已超过保留期", rand.Text())
		w.must(err)
	}
}
