package account

import (
	"context"
	"strings"
	"testing"
	"time"

	"qingdang/models/fault"
)

func TestTheAdministratorSeesNoConversation(t *testing.T) {
	for _, p := range Permissions() {
		noun, verb, _ := strings.Cut(string(p), ".")
		if noun == "" || verb == "" {
			t.Errorf("permission %q is not noun.verb", p)
		}
		switch noun {
		case "conversation", "search", "batch", "bin", "purge", "hold", "export", "retention", "certificate":
			if Admin.Has(p) {
				t.Errorf("the administrator has %s", p)
			}
		}
		if noun == "account" && p != "" {
			for _, r := range []Role{Agent, Supervisor, Legal, Auditor} {
				if r.Has(p) {
					t.Errorf("%s has %s", r, p)
				}
			}
		}
	}
}

func TestWhoMayNeverVote(t *testing.T) {
	for _, p := range []Permission{PurgeApprove, PurgeApproveSupervisor, PurgeApproveLegal, PurgeExecute, ConversationOpen, ExportCreate} {
		if System("worker", "").May(p) {
			t.Errorf("the system may %s", p)
		}
	}
	if Supervisor.Has(PurgeApproveLegal) || Legal.Has(PurgeApproveSupervisor) {
		t.Error("one role has both votes")
	}
	if (Actor{Role: Legal}).May(PurgeApproveLegal) {
		t.Error("an actor without an account may vote")
	}
	if System("worker", "").Natural() || (Actor{ID: 1}).Natural() || !(Actor{ID: 1, PersonID: 1}).Natural() {
		t.Error("who counts as a person is wrong")
	}
}

func TestRequire(t *testing.T) {
	by := Actor{ID: 1, PersonID: 1, Role: Supervisor, Scope: Within(3, 4)}
	if err := by.Require(ConversationDiscard, 3, 4); err != nil {
		t.Errorf("in the own departments: %v", err)
	}
	for name, err := range map[string]error{
		"outside the scope":        by.Require(ConversationDiscard, 3, 5),
		"no department":            by.Require(ConversationDiscard, 0),
		"without the permission":   by.Require(AccountManage),
		"an empty scope":           Actor{ID: 1, Role: Supervisor}.Require(ConversationDiscard, 3),
		"nobody":                   Actor{}.Require(ConversationDiscard),
		"everywhere, department 0": Actor{ID: 1, Role: Legal, Scope: Everywhere()}.Require(HoldCreate, 0),
	} {
		if fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("%s: %v, want forbidden", name, err)
		}
	}
	if s := Within(); s.All || !s.Empty() || s.Has(0) {
		t.Error("a scope of no departments is not nothing")
	}
}

func TestPasswords(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("汉字密码", 30)
	hash, err := hashPassword(ctx, long)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password, hash string
		want                 bool
	}{
		{"the password itself", long, hash, true},
		{"its first half", long[:len(long)/2], hash, false},
		{"one letter less", long[:len(long)-3], hash, false},
		{"no stored hash", "", "", false},
		{"the hash of nobody", "", nobody, false},
	} {
		got, err := matches(ctx, tt.password, tt.hash)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
	for _, bad := range []string{
		"$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=19456,t=0,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5", "plain",
	} {
		if got, err := matches(ctx, "x", bad); got || err == nil {
			t.Errorf("hash %q: %v, %v; want an error", bad, got, err)
		}
	}
	if a, _ := hashPassword(ctx, "x"); a == hash {
		t.Error("two passwords have one hash")
	}
	for _, bad := range []string{"short", "aaaaaaaaaaaa", "Password123456", "x10482-lin-x", strings.Repeat("长", 201)} {
		if err := CheckPassword(bad, "10482"); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("CheckPassword(%q) = %v", bad, err)
		}
	}
	if err := CheckPassword("正确的马电池订书钉九", "10482"); err != nil {
		t.Errorf("a good Chinese password: %v", err)
	}
}

func FuzzCanonicalCode(f *testing.F) {
	for _, s := range []string{"123456", "123 456", "１２３４５６", "12345", "1234567", "-1", "１２3 4-56", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := canonicalCode(typed)
		if !ok {
			return
		}
		again, same := canonicalCode(code)
		if !same || again != code || len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
			t.Errorf("canonicalCode(%q) = %q", typed, code)
		}
	})
}

// TestAnUnknownLoginCostsAsMuch compares the check of a real hash with the one that is
// made when there is no account.
func TestAnUnknownLoginCostsAsMuch(t *testing.T) {
	ctx := context.Background()
	hash, err := hashPassword(ctx, "Silver-Harbour-9923")
	if err != nil {
		t.Fatal(err)
	}
	best := func(hash string) time.Duration {
		least := time.Hour
		for range 5 {
			began := time.Now()
			if _, err := matches(ctx, "x", hash); err != nil {
				t.Fatal(err)
			}
			least = min(least, time.Since(began))
		}
		return least
	}
	known, unknown := best(hash), best("")
	if known > 3*unknown || unknown > 3*known {
		t.Errorf("a known login takes %v, an unknown one %v", known, unknown)
	}
}
