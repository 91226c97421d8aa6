package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/inspection"
	"qingdang/models/purge"
	"qingdang/models/subject"
)

func openDemo(t *testing.T, data string) (*app, *demoClock, *terminal) {
	t.Helper()
	config, err := demoConfig(data, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := &demoClock{}
	a, err := openApp(t.Context(), config, options{demo: true, clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, clock, &terminal{ctx: t.Context(), getenv: env(nil), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
}

// The first start fills every page and keeps every promise; the second changes nothing.
func TestDemoFillsOnceAndKeepsEveryPromise(t *testing.T) {
	a, clock, term := openDemo(t, t.TempDir())
	if err := a.fillDemo(term, demo.DefaultCount, clock); err != nil {
		t.Fatal(err)
	}
	if err := a.accounts.CheckMode(t.Context()); err != nil {
		t.Error(err)
	}
	left := dbtest.Count(t, a.db, &conversation.Conversation{})
	if err := a.fillDemo(term, demo.DefaultCount, clock); err != nil || dbtest.Count(t, a.db, &conversation.Conversation{}) != left {
		t.Errorf("the second start changed the demo: %v", err)
	}
	for what, n := range map[string]int64{
		"batches in the bin": dbtest.Count(t, a.db, &bin.Batch{}), "purges that are done": dbtest.Count(t, a.db, &purge.Request{}, "state = ?", purge.Done),
		"inspections that are signed": dbtest.Count(t, a.db, &inspection.Inspection{}, "state = ?", inspection.Signed), "inspections under way": dbtest.Count(t, a.db, &inspection.Inspection{}, "state = ?", inspection.Drawn),
		"access that waits": dbtest.Count(t, a.db, &access.Grant{}, "state = ?", access.Asked), "access in force": dbtest.Count(t, a.db, &access.Grant{}, "state = ?", access.Granted),
		"deletion requests": dbtest.Count(t, a.db, &subject.Request{}, "state = ?", subject.Open), "sealed conversations": dbtest.Count(t, a.db, &conversation.Conversation{}, "state = ?", conversation.Sealed),
		"requests that wait": dbtest.Count(t, a.db, &purge.Request{}, "state = ?", purge.AwaitingSupervisor),
	} {
		if n == 0 {
			t.Errorf("the demo has no %s", what)
		}
	}
	if n := dbtest.Count(t, a.db, &hold.Hold{}, "NOT EXISTS (SELECT 1 FROM hold_item i WHERE i.hold_id = legal_hold.id)"); n != 0 {
		t.Errorf("%d holds of the demo cover nothing", n)
	}
	clean(t, a)
}

// Whoever has begun to use an installation for real keeps it.
func TestDemoKeepsOffRealData(t *testing.T) {
	for name, begin := range map[string]func(ctx context.Context, a *app) error{
		"a console that waits for its first administrator": func(ctx context.Context, a *app) error {
			_, err := a.accounts.FirstLink(ctx)
			return err
		},
		"departments": func(ctx context.Context, a *app) error {
			_, err := a.departments.Ensure(ctx, account.System("cli", ""), "集团/华东")
			return err
		},
	} {
		data := t.TempDir()
		config, err := loadConfig(env(map[string]string{"QINGDANG_DATA": data}))
		if err != nil {
			t.Fatal(err)
		}
		real, err := openApp(t.Context(), config, options{})
		if err == nil {
			err = errors.Join(begin(t.Context(), real), real.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		a, clock, term := openDemo(t, data)
		if err := a.fillDemo(term, 10, clock); !errors.Is(err, account.ErrRealData) {
			t.Errorf("%s: the demo took over: %v", name, err)
		}
	}
}
