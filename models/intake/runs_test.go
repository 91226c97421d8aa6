package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/job"
)

func uploads(t *testing.T, d *db.DB) (*world, *intake.Imports, account.Actor) {
	t.Helper()
	w := setUp(t, d)
	im := &intake.Imports{DB: d, Importer: w.Importer, Keys: w.store, Dir: filepath.Join(t.TempDir(), "uploads"), TempDir: t.TempDir(), Zone: time.FixedZone("CST", 8*3600)}
	by := accounttest.User(t, d, accounttest.New(t, d), account.Admin)
	by.Scope = account.Everywhere()
	return w, im, by
}

// files gives uploads one after the other, as a form does.
func files(named ...string) func() (*intake.Upload, error) {
	return func() (*intake.Upload, error) {
		if len(named) == 0 {
			return nil, io.EOF
		}
		up := &intake.Upload{Name: named[0], Body: strings.NewReader(named[1])}
		named = named[2:]
		return up, nil
	}
}

func start(t *testing.T, im *intake.Imports, by account.Actor, named ...string) []id.Import {
	t.Helper()
	runs, err := im.Start(t.Context(), by, intake.Order{Format: format.Auto}, files(named...))
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func work(t *testing.T, d *db.DB, im *intake.Imports) {
	t.Helper()
	if err := job.Work(t.Context(), d, "w", map[string]job.Runner{intake.JobRun: im.Runner()}, job.Options{Once: true}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, im *intake.Imports, by account.Actor, run id.Import) *intake.Run {
	t.Helper()
	r, err := im.Get(t.Context(), by, run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// onDisk is everything that lies in the folders of the uploads.
func onDisk(t *testing.T, im *intake.Imports) (content []byte, n int) {
	t.Helper()
	for _, dir := range []string{im.Dir, im.TempDir} {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			content, n = append(content, b...), n+1
		}
	}
	return content, n
}

func TestAnUploadIsImportedByTheWorkerAndLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		_, im, by := uploads(t, d)
		secret := "我的手机号是13800138000"
		good := neutral("a", inShop, secret, "在吗") + "不是 JSON\n"
		runs := start(t, im, by, "王伟的聊天.jsonl", good, "empty.csv", "")
		lies, n := onDisk(t, im)
		if n != 2 || bytes.Contains(lies, []byte("13800138000")) || bytes.Contains(lies, []byte("qianniu")) || bytes.Contains(lies, []byte("external")) {
			t.Fatalf("%d files lie in the folder, readable: %.200q", n, lies)
		}
		if got := get(t, im, by, runs[0]); got.State != "queued" || got.Name != "王伟的聊天.jsonl" || got.Over() {
			t.Errorf("%+v", got)
		}
		work(t, d, im)
		got := get(t, im, by, runs[0])
		if got.State != intake.RunDone || got.Report.Conversations != 1 || got.Report.Messages != 2 || got.Report.Rejected != 1 || got.Report.AddedMessages != 2 ||
			len(got.Report.Rejects) != 1 || got.Report.Rejects[0].Line != 2 || got.Report.Rejects[0].Reason != format.ReasonNotJSON || !got.Over() {
			t.Errorf("%+v", got)
		}
		if got := get(t, im, by, runs[1]); got.State != intake.RunUnreadable || got.Report.FileError == nil || got.Report.FileError.Key != format.FileEmpty {
			t.Errorf("%+v", got)
		}
		if _, n := onDisk(t, im); n != 0 {
			t.Errorf("%d files were left behind", n)
		}
		again := start(t, im, by, "again.jsonl", good)
		work(t, d, im)
		if got := get(t, im, by, again[0]); got.Report.Conversations != 1 || got.Report.AddedConversations != 0 || got.Report.AddedMessages != 0 {
			t.Errorf("a second time: %+v", got.Report)
		}
	})
}

// killedMidway runs a step and breaks it off when it notes that conversations are in: the process dies in the middle of a
// run, however fast or slow it is.
func killedMidway(t *testing.T, d *db.DB, faults *dbtest.Faults, im *intake.Imports) {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	plain := faults.Plain(t)
	var look func()
	look = func() {
		if dbtest.Count(t, plain, &conversation.Conversation{}) > 0 {
			die()
			return
		}
		faults.Meanwhile("added_conversations", look)
	}
	faults.Meanwhile("added_conversations", look)
	var j *job.Job
	j, err := job.Claim(ctx, d, "dies", []string{intake.JobRun})
	if err != nil || j == nil {
		t.Fatalf("claim: %v %v", j, err)
	}
	if _, err := im.Runner().Step(ctx, j); !errors.Is(err, context.Canceled) {
		t.Fatalf("the step was not broken off: %v", err)
	}
}

func TestARunThatDiedIsDoneAgainAndStoresNothingTwice(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := dbtest.NewClock()
			d, faults := dbtest.FaultyOn(t, engine, clock)
			_, im, by := uploads(t, d)
			const all = 2300
			var b strings.Builder
			for i := range all {
				b.WriteString(neutral(fmt.Sprint("c", i), inShop, "你好", "再见"))
			}
			run := start(t, im, by, "x.jsonl", b.String())[0]
			killedMidway(t, d, faults, im)
			half := dbtest.Count(t, d, &conversation.Conversation{})
			if half == 0 || half == all {
				t.Fatalf("%d conversations were in when the worker died", half)
			}
			work(t, d, im) // still leased
			if got := get(t, im, by, run); got.State != "running" {
				t.Errorf("somebody took a job that is held: %+v", got)
			}
			clock.Advance(2 * job.Lease)
			work(t, d, im)
			got := get(t, im, by, run)
			if n := dbtest.Count(t, d, &conversation.Conversation{}); n != all || got.State != intake.RunDone || got.Report.Conversations != all || got.Tries != 2 {
				t.Errorf("%d conversations, %+v", n, got)
			}
			if got.Report.AddedConversations < all-500 || got.Report.AddedConversations > all {
				t.Errorf("%d of %d are told as new", got.Report.AddedConversations, all)
			}
			if _, n := onDisk(t, im); n != 0 {
				t.Errorf("%d files were left behind", n)
			}
		})
	}
}

func TestACancelledRunStops(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		_, im, by := uploads(t, d)
		run := start(t, im, by, "x.jsonl", neutral("a", inShop, "你好"))[0]
		if err := im.Cancel(t.Context(), accounttest.Actor(account.Supervisor), run); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("a supervisor cancelled: %v", err)
		}
		if err := im.Cancel(t.Context(), by, run); err != nil {
			t.Fatal(err)
		}
		work(t, d, im)
		if got := get(t, im, by, run); got.State != intake.RunCancelled || dbtest.Count(t, d, &conversation.Conversation{}) != 0 {
			t.Errorf("%+v", got)
		}
		if _, n := onDisk(t, im); n != 0 {
			t.Errorf("%d files were left behind", n)
		}
		if err := im.Cancel(t.Context(), by, run); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("cancelled twice: %v", err)
		}
	})
}

func TestWhatIsRefusedLeavesNothing(t *testing.T) {
	d, _ := dbtest.New(t)
	w, im, by := uploads(t, d)
	im.Limits.MaxBytes = 100
	broken := errors.New("the line broke")
	for _, tt := range []struct {
		name  string
		by    account.Actor
		order intake.Order
		next  func() (*intake.Upload, error)
		want  fault.Kind
		field string
	}{
		{"no file", by, intake.Order{Format: format.Auto}, files(), fault.KindInvalid, "files"},
		{"an unknown format", by, intake.Order{Format: "nonsense"}, files("a", "x"), fault.KindInvalid, "format"},
		{"an unknown department", by, intake.Order{Format: format.Auto, Department: 999}, files("a", "x"), fault.KindInvalid, "department"},
		{"a file over the limit", by, intake.Order{Format: format.Auto, Department: w.shop.ID}, files("a", "x", "b", strings.Repeat("x", 101)), fault.KindInvalid, "files"},
		{"somebody without the right", accounttest.Actor(account.Supervisor), intake.Order{Format: format.Auto}, files("a", "x"), fault.KindForbidden, ""},
		{"an upload that breaks off", by, intake.Order{Format: format.Auto}, func() (*intake.Upload, error) {
			return &intake.Upload{Name: "a", Body: io.MultiReader(strings.NewReader("x"), failing{broken})}, nil
		}, fault.KindInternal, ""},
	} {
		_, err := im.Start(t.Context(), tt.by, tt.order, tt.next)
		f, _ := fault.Of(err)
		if fault.KindOf(err) != tt.want || f != nil && f.Field != tt.field {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, n := onDisk(t, im); n != 0 {
			t.Errorf("%s: %d files were left behind", tt.name, n)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestARequestGoesWithItsAnswer(t *testing.T) {
	d, _ := dbtest.New(t)
	w, im, by := uploads(t, d)
	read := func(name string) string {
		b, err := os.ReadFile(dbtest.Shared(t, "formats/qianniu/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const answer = "wangwang_chatlog_get.json"
	request := strings.TrimSuffix(answer, ".json") + ".request.json"
	runs, err := im.Start(t.Context(), by, intake.Order{Format: format.Auto, Department: w.shop.ID}, files(answer, read(answer), request, read(request)))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%v %v", runs, err)
	}
	work(t, d, im)
	if got := get(t, im, by, runs[0]); got.Report.Conversations != 1 || got.Report.Messages != 17 || got.Report.Format != format.Qianniu {
		t.Errorf("%+v", got)
	}
}

func TestSweepingBeforeAnyUploadIsNoFault(t *testing.T) {
	d, _ := dbtest.New(t)
	im := &intake.Imports{DB: d, Dir: filepath.Join(t.TempDir(), "uploads")}
	if err := im.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}
