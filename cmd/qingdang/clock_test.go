package main

import (
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/templates"
	"qingdang/templates/locale"
)

// A clock that stands before what was already seen is told on every page and by the command, and believed
// again on a named person's word.
func TestAWrongClockIsToldAndAccepted(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		if out := b.ok("clock", "status"); !strings.Contains(out, "trusted") {
			t.Error(out)
		}
		if _, errOut, code := b.run("clock", "accept", "--by", "Li Hua", "--reason", "nothing is wrong"); code == 0 || !strings.Contains(errOut, "nothing to accept") {
			t.Errorf("exit %d: %s", code, errOut)
		}
		config, err := loadConfig(env(b.env))
		if err != nil {
			t.Fatal(err)
		}
		a, err := openApp(t.Context(), config, options{})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		ctx := locale.With(t.Context(), locale.English, time.UTC)
		look := func() string {
			t.Helper()
			if _, err := a.guard.Beat(ctx); err != nil {
				t.Fatal(err)
			}
			var f templates.Frame
			if err := a.frame(ctx, account.Actor{ID: 1, Role: account.Agent, Scope: account.Everywhere()}, &f); err != nil {
				t.Fatal(err)
			}
			return f.Alert
		}
		if got := look(); got != "" {
			t.Errorf("at first: %s", got)
		}
		dbtest.Exec(t, a.db, "UPDATE clock_beat SET at = ?", db.Instant(time.Now().Add(time.Hour)))
		if got := look(); !strings.Contains(got, "gone back") || !strings.Contains(got, "qingdang clock accept") {
			t.Errorf("the notice: %q", got)
		}
		if out, errOut, code := b.run("clock", "status"); code == 0 || !strings.Contains(errOut, "gone back") {
			t.Errorf("status: exit %d: %s%s", code, out, errOut)
		}
		if _, errOut, code := b.run("clock", "accept", "--by", "Li Hua", "--reason", "short"); code == 0 || !strings.Contains(errOut, "8") {
			t.Errorf("without a reason: exit %d: %s", code, errOut)
		}
		b.ok("clock", "accept", "--by", "Li Hua", "--reason", "the clock was an hour ahead and is right now")
		if got := look(); got != "" {
			t.Errorf("afterwards: %s", got)
		}
		b.ok("clock", "status")
		b.ok("fsck")
	})
}
