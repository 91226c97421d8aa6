package bench_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/cmd/qingdang/bench"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// small is a shape whose buckets hold several conversations each.
func small(n int) bench.Shape {
	return bench.Shape{Conversations: n, Divisions: 2, Departments: 2, Teams: 2, Months: 3}
}

type world struct {
	d      *db.DB
	vault  conversation.Vault
	desk   *purge.Desk
	runner *purge.Runner
	cast   bench.Cast
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	accounts, keys := accounttest.New(t, d), accounttest.Keys(t, d)
	signer, err := keys.Signer("qingdang.example.cn/log")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{d: d, vault: conversation.Vault{Store: keys}, desk: &purge.Desk{DB: d, Accounts: accounts, Keys: keys}}
	w.runner = &purge.Runner{
		DB: d, Vault: w.vault, Desk: w.desk, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}, Organisation: "云栖优品集团", Worker: "worker-1",
	}
	w.cast = bench.Cast{
		Requester: accounttest.User(t, d, accounts, account.Supervisor), Supervisor: accounttest.User(t, d, accounts, account.Supervisor),
		Legal: accounttest.User(t, d, accounts, account.Legal),
		Code:  func(_ context.Context, who account.Actor) (string, error) { return accounttest.Code(t, d, who.ID), nil },
	}
	for _, by := range []*account.Actor{&w.cast.Requester, &w.cast.Supervisor, &w.cast.Legal} {
		by.Scope = account.Everywhere()
	}
	return w
}

func TestFill(t *testing.T) {
	n := 2500
	if s := os.Getenv("QINGDANG_BENCH_FILL"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		from := time.Now()
		if err := bench.Fill(t.Context(), d, w.vault, small(n)); err != nil {
			t.Fatal(err)
		}
		t.Logf("%.0f conversations a second", float64(n)/time.Since(from).Seconds())
		if got := dbtest.Count(t, d, &conversation.Conversation{}, "state = ?", conversation.Active); got != int64(n) {
			t.Fatalf("%d conversations, want %d", got, n)
		}
		var rows []struct {
			conversation.Body
			BucketID     id.Bucket
			Leaf         int
			Wrapped      []byte
			Slot         uint64
			Department   id.Department
			BucketMonth  string
			LastAt       time.Time
			BucketOf     id.Department
			MessageCount int
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Raw("SELECT b.*, k.bucket_id, k.leaf, k.wrapped, g.slot, c.department_id AS department, c.last_at, c.messages AS message_count, g.month AS bucket_month, g.department_id AS bucket_of " +
				"FROM conversation c JOIN conversation_body b ON b.id = c.id JOIN conversation_key k ON k.id = c.id JOIN key_bucket g ON g.id = k.bucket_id ORDER BY c.id").Scan(&rows).Error
		})
		if err != nil || len(rows) != n {
			t.Fatalf("%d whole conversations, %v", len(rows), err)
		}
		used := map[id.Bucket]int{}
		for i := range rows {
			r := &rows[i]
			used[r.BucketID]++
			if r.BucketOf != r.Department || r.BucketMonth != r.LastAt.UTC().Format("200601") {
				t.Fatalf("conversation %d of %d, %s lies in a bucket of %d, %s", r.ID, r.Department, r.LastAt, r.BucketOf, r.BucketMonth)
			}
			doc, err := w.vault.Open(&r.Body, &conversation.Key{ID: r.ID, BucketID: r.BucketID, Leaf: r.Leaf, Wrapped: r.Wrapped, Slot: r.Slot})
			if err != nil || len(doc.Messages) != r.MessageCount {
				t.Fatalf("open %d: %v", r.ID, err)
			}
		}
		for b, n := range used {
			if n > conversation.BucketSize {
				t.Errorf("bucket %d holds %d", b, n)
			}
		}
	})
}

func TestAFilledSelectionGoesThroughAPurge(t *testing.T) {
	for name, choose := range map[string]func(context.Context, *db.DB, int) ([]id.Conversation, error){"scattered": bench.Scattered, "period": bench.Period} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				ctx, w := t.Context(), newWorld(t, d)
				if err := bench.Fill(ctx, d, w.vault, small(600)); err != nil {
					t.Fatal(err)
				}
				ids, err := choose(ctx, d, 150)
				if err != nil {
					t.Fatal(err)
				}
				batch, err := bench.Bin(ctx, d, w.vault.Store, w.cast.Requester, clock.Time(), ids)
				if err != nil {
					t.Fatal(err)
				}
				r, err := bench.Approved(ctx, w.desk, w.cast, batch)
				if err != nil {
					t.Fatal(err)
				}
				clock.Set(*r.DueAt)
				if err := job.Work(ctx, d, "worker-1", map[string]job.Runner{purge.JobRun: w.runner}, job.Options{Once: true}); err != nil {
					t.Fatal(err)
				}
				if n := dbtest.Count(t, d, &purge.Request{}, "state = ? AND purged = ?", purge.Done, len(ids)); n != 1 {
					t.Error("the purge did not destroy what was chosen")
				}
				if n := dbtest.Count(t, d, &conversation.Conversation{}); n != int64(600-len(ids)) {
					t.Errorf("%d conversations are left", n)
				}
			})
		})
	}
}

func TestPurgeIsMeasured(t *testing.T) {
	dsn := ""
	if _, err := exec.LookPath("pt-archiver"); err == nil {
		cfg, err := mysql.ParseDSN(dbtest.Settings(t, db.MySQL).DSN)
		if err != nil {
			t.Fatal(err)
		}
		cfg.DBName = ""
		dsn = cfg.FormatDSN()
	}
	rep, err := bench.Purge(t.Context(), bench.Options{DSN: dsn, Conversations: 600, Job: 150, Rounds: 1, Indexed: true, Embedded: true, Bare: true, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rep.Rounds {
		if r.Purged < 150 || r.Ours.Rate <= 0 || r.Peer.Rate == 0 || r.Idle.Turns == 0 || r.Ours.Reader.Turns == 0 || r.Memory == 0 || r.Bare == nil || r.Bare.Rate <= 0 {
			t.Errorf("nothing was measured: %+v", r)
		}
	}
	if len(rep.SQLite) != 2 || rep.SQLite[0].Held.N == 0 || rep.SQLite[0].Waited.N == 0 || dsn != "" && len(rep.Rounds) != 2 {
		t.Errorf("%d rounds, SQLite %+v", len(rep.Rounds), rep.SQLite)
	}
	if err := rep.Write(t.Output()); err != nil {
		t.Error(err)
	}
}

func TestNoOtherDatabaseIsTouched(t *testing.T) {
	s := dbtest.Settings(t, db.MySQL)
	_, err := bench.Purge(t.Context(), bench.Options{DSN: s.DSN, Conversations: 10, Job: 2, Rounds: 1, Progress: t.Output()})
	if !errors.Is(err, bench.ErrNotOurs) {
		t.Errorf("error = %v", err)
	}
}
