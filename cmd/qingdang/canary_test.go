package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/web/webtest"
)

// canaries are planted where nothing of them may stay readable: what was said, who the customer
// is, what was sent along, what was searched for.
var canaries = map[string]string{
	"text": "canary-text-7f3a9c 鸦雀无声之七", "long text": "canary-long-51be02", "attachment": "canary-attachment-88d1.jpg",
	"customer id": "canary-customer-0c77", "customer name": "canary-name-41aa", "external id": "canary-external-93fe", "order": "canary-order-2b6d", "message id": "canary-message-6e01",
}

// control is planted in the clear, so that a scan that finds nothing has at least been looking.
const control = "canary-control-department"

// Nothing that was said is readable in the database's files and logs, in the application's folder
// or in its log, while it is stored and after it was destroyed.
func TestNothingReadableIsLeftBehind(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			dsn, folder := canaryDatabase(t, engine)
			data, temporary := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", temporary)
			folder = append(folder, data, temporary)
			var log bytes.Buffer
			old := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(old)
			clock := dbtest.NewClock()
			a := openAppAt(t, dsn, data, clock)
			plantControl(t, a)
			playCanaries(t, a, clock, func() { nothingOfTheIndex(t, a, "while it is kept", folder) })
			if err := a.db.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, "application.log"), log.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			found := map[string][]string{}
			nothingOfTheIndex(t, a, "after it was destroyed", folder)
			for _, f := range folder {
				scan(t, f, found)
			}
			if len(found["control"]) == 0 {
				t.Error("the scan did not find the control: it looks in the wrong place")
			}
			delete(found, "control")
			for what, where := range found {
				t.Errorf("%s is readable in %v", what, where)
			}
		})
	}
}

func canaryDatabase(t *testing.T, engine string) (dsn string, folder []string) {
	t.Helper()
	if engine == db.SQLite {
		return "", nil // its file lies in the application's folder
	}
	dir, err := os.MkdirTemp("", "qd-canary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := dbtest.StartServer(dir, "--log-bin="+filepath.Join(dir, "binlog"), "--server-id=1", "--innodb-log-file-size=24M", "--binlog-format=ROW")
	if err != nil {
		dbtest.Missing(t, err.Error())
	}
	t.Cleanup(s.Kill)
	d, err := dbtest.CreateDatabase(s.DSN)
	if err != nil {
		t.Fatal(err)
	}
	return d, []string{dir}
}

// playCanaries imports, searches, reads, deletes and destroys. kept is called before the deletion.
func playCanaries(t *testing.T, a *app, clock *dbtest.Clock, kept func()) {
	t.Helper()
	ctx := t.Context()
	exports := t.TempDir()
	file := filepath.Join(exports, "c.jsonl")
	if err := os.WriteFile(file, canaryExport(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, code := a.cli(t, clock, "import", "--department", control+"/一组", file); code != 0 {
		t.Fatalf("import: %s%s", out, errOut)
	}
	neighbour := filepath.Join(exports, "n.jsonl")
	const one = `{"platform":"wechat","external_id":"n1","service_type":"咨询","messages":[{"id":"1","sender":"customer","at":"2024-03-01T02:00:00Z","type":"text","text":"你好"}]}`
	if err := os.WriteFile(neighbour, []byte(one), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, code := a.cli(t, clock, "import", "--department", control+"/二组", neighbour); code != 0 {
		t.Fatalf("import: %s%s", out, errOut)
	}
	tree, err := a.departments.Tree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	team, _ := tree.ByPath(control + "/一组")
	supervisor := accounttest.User(t, a.db, a.accounts, account.Supervisor, team.ID)
	indexed(t, a, supervisor)
	browse(t, a, supervisor)
	kept()
	draft, err := a.bin.NewDraft(ctx, supervisor, bin.Scope{Departments: []id.Department{team.ID}, To: "2025-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := a.bin.Freeze(ctx, supervisor, draft)
	if err != nil || d.Frozen != 40 {
		t.Fatalf("frozen %d, %v", d.Frozen, err)
	}
	dbtest.Exec(t, a.db, "UPDATE `user` SET created_at = ?", dbtest.Start.AddDate(0, 0, -10))
	batch, err := a.bin.Discard(ctx, supervisor, bin.Request{
		Draft: draft, Key: "canary-batch", Reason: "超过保留期的会话清理", Checks: bin.Checks{Notified: true, Partners: true, Complaints: true}, Shown: hex.EncodeToString(d.Fingerprint),
	})
	if err != nil {
		t.Fatal(err)
	}
	destroy(t, a, clock, supervisor, team.ID, batch.ID)
}

// canaryExport is 40 old conversations, so that a fair number of pages is written, and one that
// stays.
func canaryExport(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for i := range 41 {
		at := time.Date(2024, 3, 1, 2, i, 0, 0, time.UTC)
		if i == 40 {
			at = at.AddDate(2, 0, 0)
		}
		line := map[string]any{
			"platform": "wechat", "external_id": fmt.Sprint(canaries["external id"], i), "service_type": "咨询", "order_no": canaries["order"],
			"customer": map[string]string{"id": canaries["customer id"], "name": canaries["customer name"], "nick": canaries["customer name"]},
			"messages": []map[string]any{
				{"id": fmt.Sprint(canaries["message id"], i), "sender": "customer", "at": at.Format(time.RFC3339), "type": "text", "text": canaries["text"] + " " + indexWords},
				{"id": "2", "sender": "agent", "at": at.Add(time.Minute).Format(time.RFC3339), "type": "text", "text": strings.Repeat(canaries["long text"]+" ", 500)},
				{"id": "3", "sender": "customer", "at": at.Add(time.Hour).Format(time.RFC3339), "type": "image", "attachment": canaries["attachment"]},
			},
		}
		enc := json.NewEncoder(&b)
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// browse does with the pages what a supervisor does, the customer's id in every field that takes
// one.
func browse(t *testing.T, a *app, by account.Actor) {
	t.Helper()
	client := webtest.Start(t, a.screens().Routes()).As(by)
	for _, path := range []string{"/", "/conversations", "/bin", "/audit"} {
		client.Get(t, path)
	}
	for _, path := range []string{"/go", "/conversations"} {
		res := client.Post(t, path, url.Values{"q": {"客户:" + canaries["customer id"]}, "customer": {canaries["customer id"]}})
		if strings.Contains(res.Location, canaries["customer id"]) {
			t.Errorf("%s puts the customer's id into the address %s", path, res.Location)
		}
		if res.Location != "" {
			client.Get(t, res.Location)
		}
	}
}

// destroy asks, approves, lets the time pass and runs the worker.
func destroy(t *testing.T, a *app, clock *dbtest.Clock, supervisor account.Actor, team id.Department, batch id.Batch) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	second, legal := accounttest.User(t, a.db, a.accounts, account.Supervisor, team), accounttest.User(t, a.db, a.accounts, account.Legal)
	legal.Scope = account.Everywhere()
	r, err := a.purges.Request(ctx, supervisor, purge.Ask{Batches: []id.Batch{batch}, Reason: "超过保留期，申请清理", AtOnce: true, Key: "canary-purge"})
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []account.Actor{second, legal} {
		const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		dbtest.Exec(t, a.db, "UPDATE `user` SET totp = ? WHERE id = ?", a.store.SealSmall("account totp", []byte(id.String(by.ID)), []byte(secret)), by.ID)
		code, err := totp.GenerateCode(secret, clock.Time())
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.purges.Vote(ctx, by, purge.Ballot{
			Purge: r.ID, Verdict: approval.Approve, Opinion: "同意", SeenRoot: hex.EncodeToString(r.Root), Code: code, AgreeAtOnce: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(9 * 24 * time.Hour)
	a.workNow(t)
	if n := dbtest.Count(t, a.db, &purge.Item{}, "state = ?", "purged"); n != 40 {
		t.Fatalf("%d of 40 were destroyed", n)
	}
}

// scan looks for the canaries as UTF-8, as UTF-16 and in upper case, in every file of a folder.
func scan(t *testing.T, folder string, found map[string][]string) {
	t.Helper()
	needles := map[string][][]byte{"control": {[]byte(control)}}
	for what, s := range canaries {
		wide := make([]byte, 0, 2*len(s))
		for _, u := range utf16.Encode([]rune(s)) {
			wide = append(wide, byte(u), byte(u>>8))
		}
		needles[what] = [][]byte{[]byte(s), wide, []byte(strings.ToUpper(s)), []byte(hex.EncodeToString([]byte(s)))}
	}
	var all []needle
	for what, forms := range needles {
		for _, form := range forms {
			all = append(all, needle{what, form})
		}
	}
	for what, where := range lookFor(t, []string{folder}, all) {
		for _, path := range where {
			found[what] = append(found[what], filepath.Base(path))
		}
	}
}
