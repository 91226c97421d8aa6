package main

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// drill is an installation with some thousand conversations of which a third is purged, and backups
// that were made on the way.
type drill struct {
	t                       *testing.T
	engine                  string
	app                     *app
	clock                   *dbtest.Clock
	size                    int
	asks, supervisor, legal account.Actor
	purged                  map[id.Conversation]bool
	n                       int
}

const drillSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

const drillRooms = 6 // months, each with its own key bucket and more

// drillSize is how many conversations: 20,000 take a minute and more.
func drillSize(t *testing.T) int {
	t.Helper()
	if s := os.Getenv("QINGDANG_DRILL"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 2000
}

func newDrill(t *testing.T, engine string) *drill {
	t.Helper()
	d := &drill{t: t, engine: engine, clock: dbtest.NewClock(), size: drillSize(t), purged: map[id.Conversation]bool{}}
	d.app = openTestApp(t, engine, d.clock)
	dep, err := d.app.departments.Ensure(t.Context(), account.System("cli", ""), "集团/华东")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.departments.Ensure(t.Context(), account.System("cli", ""), "集团/华南"); err != nil {
		t.Fatal(err)
	}
	d.supervisor = accounttest.User(t, d.app.db, d.app.accounts, account.Supervisor, dep.ID)
	d.asks = accounttest.User(t, d.app.db, d.app.accounts, account.Supervisor, dep.ID)
	d.legal = accounttest.User(t, d.app.db, d.app.accounts, account.Legal)
	d.legal.Scope = account.Everywhere()
	for _, by := range []account.Actor{d.supervisor, d.legal} {
		sealed := d.app.store.SealSmall("account totp", []byte(id.String(by.ID)), []byte(drillSecret))
		dbtest.Exec(t, d.app.db, "UPDATE `user` SET totp = ? WHERE id = ?", sealed, by.ID)
	}
	d.load(d.app, "")
	d.clock.Advance(72 * time.Hour)
	return d
}

// drafts are the conversations as an export has them: each month has three kinds.
func (d *drill) drafts(prefix string) iter.Seq[*format.Conversation] {
	first := d.clock.Time().AddDate(-2, 0, 0)
	return func(yield func(*format.Conversation) bool) {
		for i := range d.size {
			kind := []string{"售后", "回访", "咨询"}[i/drillRooms%3]
			team := "集团/华东"
			if i%50 == 7 {
				team = "集团/华南" // or all of it would be the whole organisation
			}
			at := first.AddDate(0, i%drillRooms, 0).Add(time.Duration(i) * time.Second)
			c := &format.Conversation{
				Platform: "wechat", ExternalID: fmt.Sprint(prefix, "e", i), DepartmentPath: team, ServiceType: kind, AgentID: "A1", CustomerID: fmt.Sprint("c", i), CustomerName: "王伟",
				Messages: []format.Message{{ID: "1", Sender: format.Customer, At: at, Kind: "text", Text: fmt.Sprint("请问第", i, "单什么时候发货？")}},
			}
			if !yield(c) {
				return
			}
		}
	}
}

func (d *drill) load(a *app, prefix string) {
	d.t.Helper()
	if err := a.importer.Add(d.t.Context(), account.System("cli", ""), d.drafts(prefix)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *drill) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// discard puts the conversations of one kind into the bin.
func (d *drill) discard(kind string) id.Batch {
	d.t.Helper()
	b, ctx := d.app.bin, d.t.Context()
	tree, err := d.app.departments.Tree(ctx)
	d.must(err)
	dep, _ := tree.ByPath("集团/华东")
	draft, err := b.NewDraft(ctx, d.asks, bin.Scope{Departments: []id.Department{dep.ID}, ServiceTypes: []string{kind}})
	d.must(err)
	list, _, err := b.Freeze(ctx, d.asks, draft)
	d.must(err)
	d.n++
	batch, err := b.Discard(ctx, d.asks, bin.Request{
		Draft: draft, Key: fmt.Sprintf("drill-form-%03d", d.n), Reason: "超过保留期的会话清理", Checks: bin.Checks{Notified: true, Partners: true, Complaints: true},
		Typed: fmt.Sprint(list.Frozen), Shown: hex.EncodeToString(list.Fingerprint),
	})
	d.must(err)
	d.must(job.Work(ctx, d.app.db, "w", map[string]job.Runner{bin.JobMove: d.app.bin.Mover()}, job.Options{Once: true}))
	d.clock.Advance(8 * 24 * time.Hour)
	return batch.ID
}

func (d *drill) approve(batch id.Batch) *purge.Request {
	d.t.Helper()
	ctx := d.t.Context()
	d.n++
	r, err := d.app.purges.Request(ctx, d.asks, purge.Ask{Batches: []id.Batch{batch}, Reason: "超过保留期，申请清理", Key: fmt.Sprintf("drill-form-%03d", d.n)})
	d.must(err)
	for _, by := range []account.Actor{d.supervisor, d.legal} {
		code, err := totp.GenerateCode(drillSecret, d.clock.Time())
		d.must(err)
		r, err = d.app.purges.Vote(ctx, by, purge.Ballot{
			Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: hex.EncodeToString(r.Root), Code: code,
		})
		d.must(err)
		d.clock.Advance(time.Minute)
	}
	if r.DueAt == nil {
		d.t.Fatalf("%s is %s", r.Code, r.State)
	}
	d.clock.Set(*r.DueAt)
	return r
}

// steps does n steps of a purge; 0 does all.
func (d *drill) steps(n int) {
	d.t.Helper()
	run := d.app.purgeRunner("worker-1")
	for i := 0; n == 0 || i < n; i++ {
		j, err := job.Claim(d.t.Context(), d.app.db, "w", []string{purge.JobRun})
		d.must(err)
		if j == nil {
			if n > 0 {
				d.t.Fatal("no job")
			}
			break
		}
		_, err = run.Step(d.t.Context(), j)
		d.must(err)
		d.clock.Advance(job.Lease + time.Second)
	}
	d.must(d.app.db.Read(d.t.Context(), func(tx *db.Tx) error {
		var gone []id.Conversation
		err := tx.Model(&conversation.Tombstone{}).Pluck("conversation_id", &gone).Error
		for _, c := range gone {
			d.purged[c] = true
		}
		return err
	}))
}

// backup is a database backup as an operator makes it: a file.
type backup struct {
	name, file string
	bodies     map[id.Conversation]conversation.Body
	keys       map[id.Conversation]conversation.Key
}

func (d *drill) backup(name string) *backup {
	d.t.Helper()
	b := &backup{name: name, file: filepath.Join(d.t.TempDir(), "backup"), bodies: map[id.Conversation]conversation.Body{}, keys: map[id.Conversation]conversation.Key{}}
	if d.engine == db.SQLite {
		d.must(d.app.db.Flush(d.t.Context()))
		d.must(copyFile(b.file, d.app.db.File()))
	} else {
		out, err := os.Create(b.file)
		d.must(err)
		cfg, err := mysql.ParseDSN(d.app.config.DSN)
		d.must(err)
		d.must(client(d.t, "mariadb-dump", cfg, nil, out, "--single-transaction", cfg.DBName))
		d.must(out.Close())
	}
	d.must(d.app.db.Read(d.t.Context(), func(tx *db.Tx) error {
		var bodies []conversation.Body
		if err := tx.Find(&bodies).Error; err != nil {
			return err
		}
		for _, x := range bodies {
			b.bodies[x.ID] = x
		}
		keys, err := conversation.Keys(tx, slices.Collect(maps.Keys(b.bodies))...)
		if err != nil {
			return err
		}
		for _, x := range keys {
			b.keys[x.ID] = x
		}
		return nil
	}))
	return b
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// client runs one of MariaDB's own programs against the server of the DSN.
func client(t *testing.T, tool string, cfg *mysql.Config, in io.Reader, out io.Writer, args ...string) error {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		dbtest.Missing(t, tool)
	}
	all := []string{"--no-defaults", "--default-character-set=utf8mb4", "--user=" + cfg.User, "--password=" + cfg.Passwd}
	if cfg.Net == "unix" {
		all = append(all, "--socket="+cfg.Addr)
	} else {
		host, port, _ := strings.Cut(cfg.Addr, ":")
		all = append(all, "--protocol=tcp", "--host="+host, "--port="+port)
	}
	cmd := exec.CommandContext(t.Context(), path, append(all, args...)...)
	var errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, errOut.String())
	}
	return nil
}

// restored is a second installation with the backup's database, and the key store, ledger and
// checkpoints of the first as they are now.
type restored struct {
	*drill
	env map[string]string
}

func (d *drill) restore(file string) *restored {
	d.t.Helper()
	data := d.t.TempDir()
	r := &restored{drill: d, env: map[string]string{
		"QINGDANG_DATA": data, "QINGDANG_LANG": "en", "QINGDANG_ORGANISATION": "清档集团",
		"QINGDANG_KEYS": filepath.Join(data, "keys"), "QINGDANG_CHECKPOINTS": filepath.Join(data, "checkpoints"),
	}}
	d.must(os.CopyFS(r.env["QINGDANG_KEYS"], os.DirFS(d.app.config.Keys)))
	d.must(os.CopyFS(r.env["QINGDANG_CHECKPOINTS"], os.DirFS(d.app.config.Checkpoints)))
	for _, secret := range []string{"root.key", "secret.key"} {
		_ = os.Chmod(filepath.Join(r.env["QINGDANG_KEYS"], secret), 0o600)
	}
	if d.engine == db.SQLite {
		d.must(copyFile(filepath.Join(data, "qingdang.db"), file))
		return r
	}
	cfg, err := mysql.ParseDSN(d.app.config.DSN)
	d.must(err)
	server := cfg.Clone()
	server.DBName = ""
	pool, err := sql.Open("mysql", server.FormatDSN())
	d.must(err)
	defer pool.Close()
	d.n++
	cfg.DBName = fmt.Sprintf("%s_r%d", cfg.DBName, d.n)
	_, err = pool.Exec("CREATE DATABASE " + cfg.DBName)
	d.must(err)
	d.t.Cleanup(func() {
		pool, err := sql.Open("mysql", server.FormatDSN())
		if err == nil {
			_, err = pool.Exec("DROP DATABASE " + cfg.DBName)
		}
		if err := errors.Join(err, pool.Close()); err != nil {
			d.t.Error(err)
		}
	})
	in, err := os.Open(file)
	d.must(err)
	defer in.Close()
	if err := client(d.t, "mariadb", cfg, in, io.Discard, cfg.DBName); err != nil && !strings.Contains(file, "truncated") {
		d.t.Fatal(err)
	}
	r.env["QINGDANG_DSN"] = cfg.FormatDSN()
	return r
}

func (r *restored) run(args ...string) (text string, code int) {
	r.t.Helper()
	var out, errOut bytes.Buffer
	code = run(r.t.Context(), args, env(r.env), strings.NewReader(""), &out, &errOut, options{clock: r.clock})
	return out.String() + errOut.String(), code
}

// wants runs a command and looks at its exit code and words.
func (r *restored) wants(code int, words string, args ...string) {
	r.t.Helper()
	text, got := r.run(args...)
	if got != code || !strings.Contains(text, words) {
		r.t.Errorf("qingdang %s: exit %d, want %d with %q:\n%s", strings.Join(args, " "), got, code, words, text)
	}
}

// closed tries every door of a restored database.
func (r *restored) closed(words string) {
	r.t.Helper()
	for _, args := range [][]string{
		{"serve"}, {"worker"}, {"search"}, {"import", "nothing.jsonl"}, {"user", "add", "--staff-no", "9", "--name", "某人", "--role", "admin"}, {"departments", "import", "x.csv"},
	} {
		r.wants(exitClosed, words, args...)
	}
	r.wants(0, "up to date", "migrate")
	r.wants(1, "closed", "ledger", "status")
	r.wants(0, "qingdang ledger replay --by NAME", "keys", "status")
	r.wants(0, `"database_closed":true`, "keys", "status", "--json")
}

// T13: every backup, made whenever, gives back everything but what was purged.
func TestRestoreDrill(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			d := newDrill(t, engine)
			first := d.discard("售后")
			// The purges scrub the index: the keys of the segments that the backups have are destroyed.
			if _, err := d.app.index.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			backups := []*backup{d.backup("before the request")}
			d.approve(first)
			backups = append(backups, d.backup("approved"))
			d.steps(2)
			backups = append(backups, d.backup("half erased"))
			d.steps(0)
			backups = append(backups, d.backup("finished"))
			if _, err := d.app.log.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			// Half of what is left in every month goes too: the survivors move once more.
			d.approve(d.discard("回访"))
			d.steps(0)
			clean(t, d.app)
			want := d.size / 2
			if len(d.purged) < want {
				t.Fatalf("%d purged", len(d.purged))
			}
			for _, b := range backups {
				t.Run(b.name, func(t *testing.T) { d.as(t).replayed(b) })
			}
			t.Run("damaged", func(t *testing.T) { d.as(t).damaged(backups[0]) })
			t.Run("key store lost", func(t *testing.T) { d.as(t).withoutKeys(backups[0]) })
		})
	}
}

// as is the drill for a sub-test.
func (d *drill) as(t *testing.T) *drill {
	c := *d
	c.t = t
	return &c
}

func (d *drill) replayed(b *backup) {
	r := d.restore(b.file)
	r.closed("closed until the outside ledger was replayed")
	r.wants(2, "", "ledger", "replay")
	r.wants(1, "8 characters", "ledger", "replay", "--by", "陈运维", "--reason", "短")
	start := time.Now()
	text, code := r.run("ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复")
	if code != 0 {
		d.t.Fatalf("replay: exit %d: %s", code, text)
	}
	d.t.Logf("%s: replayed in %v", b.name, time.Since(start).Round(time.Millisecond))
	r.wants(0, "Nothing to replay", "ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复")
	r.wants(0, "The database is open", "ledger", "status")
	r.wants(0, `"database_closed":false`, "keys", "status", "--json")
	r.wants(0, "wechat", "search", "发货", "--json", "--limit", "1") // at once, before any worker was there
	r.wants(0, "Compared the words of", "fsck", "--deep", "--words")
	config, err := loadConfig(env(r.env))
	d.must(err)
	a, err := openApp(d.t.Context(), config, options{clock: d.clock})
	d.must(err)
	defer a.Close()
	vault := conversation.Vault{Store: a.store}
	// Nothing of the backup opens what was purged, with the key store as it is now.
	buckets := map[id.Bucket]conversation.Bucket{}
	d.must(a.db.Read(d.t.Context(), func(tx *db.Tx) error {
		var rows []conversation.Bucket
		err := tx.Find(&rows).Error
		for _, b := range rows {
			buckets[b.ID] = b
		}
		return err
	}))
	unreadable := 0
	for c := range d.purged {
		body, was := b.bodies[c]
		if !was {
			continue
		}
		key := b.keys[c]
		if _, err := vault.Open(&body, &key); !errors.Is(err, seal.ErrDestroyed) {
			d.t.Errorf("purged %d opens: %v", c, err)
		}
		if now, ok := buckets[key.BucketID]; ok {
			key.Slot, key.Tree = now.Slot, now.Tree
			if _, err := vault.Open(&body, &key); !errors.Is(err, seal.ErrDestroyed) {
				d.t.Errorf("purged %d opens with what is left of its bucket: %v", c, err)
			}
		}
		unreadable++
	}
	// Everything else is there and opens.
	now := map[id.Conversation]bool{}
	d.must(a.db.Read(d.t.Context(), func(tx *db.Tx) error {
		var bodies []conversation.Body
		if err := tx.Find(&bodies).Error; err != nil {
			return err
		}
		for i := range bodies {
			now[bodies[i].ID] = true
			keys, err := conversation.Keys(tx, bodies[i].ID)
			if err != nil || len(keys) != 1 {
				return fmt.Errorf("keys of %d: %d, %w", bodies[i].ID, len(keys), err)
			}
			if _, err := vault.Open(&bodies[i], &keys[0]); err != nil {
				d.t.Errorf("survivor %d: %v", bodies[i].ID, err)
			}
		}
		return nil
	}))
	for c := range maps.Keys(b.bodies) {
		if now[c] == d.purged[c] {
			d.t.Errorf("conversation %d: purged %v, there %v", c, d.purged[c], now[c])
		}
	}
	d.t.Logf("%s: %d purged unreadable, %d others open", b.name, unreadable, len(now))
	// Imported again, what was purged stays away.
	d.load(a, "")
	if n := dbtest.Count(d.t, a.db, &conversation.Conversation{}); n != int64(len(now)) {
		d.t.Errorf("%d conversations after importing again, %d before", n, len(now))
	}
	clean(d.t, a)
}

// damaged: no damage of ledger or backup goes unnoticed.
func (d *drill) damaged(b *backup) {
	r := d.restore(b.file)
	files, err := filepath.Glob(filepath.Join(r.env["QINGDANG_KEYS"], "ledger", "*.ledger"))
	d.must(err)
	if len(files) != 2 {
		d.t.Fatalf("%d files", len(files))
	}
	whole, err := os.ReadFile(files[0])
	d.must(err)
	again := []string{"ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复"}
	for name, data := range map[string][]byte{
		"cut off": whole[:len(whole)/2], "changed": bytes.Replace(whole, []byte(`"gone":"`), []byte(`"gone":"1`), 1), "emptied": {},
	} {
		d.must(os.WriteFile(files[0], data, 0o600))
		text, code := r.run(again...)
		if code != 1 || !strings.Contains(text, "damaged") {
			d.t.Errorf("ledger file %s: exit %d: %s", name, code, text)
		}
		r.wants(exitClosed, "closed", "search")
	}
	d.must(os.WriteFile(files[0], whole, 0o600))
	// A file that is gone: the others are replayed, and the log says how much is missing. The checkpoints
	// alone keep a database closed as well.
	r = d.restore(b.file)
	d.must(os.RemoveAll(filepath.Join(r.env["QINGDANG_KEYS"], "ledger")))
	r.closed("does not continue the checkpoint outside")
	// No backup at all: an empty database beside a used key store.
	r = d.restore(b.file)
	if d.engine == db.SQLite {
		d.must(os.Remove(filepath.Join(r.env["QINGDANG_DATA"], "qingdang.db")))
	} else {
		empty := dbtest.Settings(d.t, db.MySQL)
		r.env["QINGDANG_DSN"] = empty.DSN
	}
	r.closed("closed until the outside ledger was replayed")
	d.truncated(b)
}

// truncated: a backup file that was cut off is noticed at the start, by the replay or by fsck.
func (d *drill) truncated(b *backup) {
	whole, err := os.ReadFile(b.file)
	d.must(err)
	for _, percent := range []int{35, 60, 85, 97} {
		cut := whole[:len(whole)*percent/100]
		if d.engine == db.MySQL {
			// At the end of a statement, where the client notices nothing.
			cut = cut[:bytes.LastIndex(cut, []byte(";\n"))+2]
		}
		file := filepath.Join(d.t.TempDir(), "truncated")
		d.must(os.WriteFile(file, cut, 0o600))
		r := d.restore(file)
		if text, code := r.run("search"); code == 0 {
			d.t.Errorf("%d %% of the backup opens: %s", percent, text)
		}
		text, code := r.run("ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复")
		if code == 0 {
			text, code = r.run("fsck", "--deep")
		}
		if code == 0 {
			d.t.Errorf("%d %% of the backup passes: %s", percent, text)
		}
	}
}

// withoutKeys: without the key store nothing can be read, and that is what the words say.
func (d *drill) withoutKeys(b *backup) {
	r := d.restore(b.file)
	d.must(os.RemoveAll(r.env["QINGDANG_KEYS"]))
	r.wants(1, "nothing stored can be read", "search")
	r.wants(1, "nothing stored can be read", "ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复")
	// A key store that is not this database's is no way around.
	other, err := seal.OpenStore(seal.Options{Dir: r.env["QINGDANG_KEYS"], Create: true})
	d.must(err)
	d.must(other.Close())
	r.wants(1, "belongs to another database", "search")
}
