// Package guards holds the mutation check of INVARIANTS.md, T19: each guard of the list is taken out of the
// program, alone, and the tests that are there for it must turn red. A guard that no test notices is one that
// anybody may break.
//
// Nothing in the working tree is changed: the compiler gets the patched file as an overlay. The list is read in
// every run of the tests; the guards are taken out in the long tier (QINGDANG_TEST_TIER=long), or here:
//
//	QINGDANG_TEST_TIER=long go test ./cmd/qingdang/guards -run TestEveryGuardIsNoticed/hold -v -timeout 2h
package guards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

// guard is one line that keeps a promise. To takes it out of File; Tests of the package In must notice.
type guard struct {
	Name    string
	Promise string
	File    string
	From    string // stands in File exactly once
	To      string
	In      string // package of the tests
	Tests   string // names without Test, divided by |
	On      string // engine, for tests that run on both; empty: tests without engines
}

// perGuard is how long the tests of one guard may take; one that hangs without its guard is noticed, too.
const perGuard = 4 * time.Minute

// TestEveryGuardStandsWhereTheListSays fails when a guard moved: then the list is mended, or it would prove nothing.
func TestEveryGuardStandsWhereTheListSays(t *testing.T) {
	if len(guards) < 40 {
		t.Errorf("only %d guards are listed", len(guards))
	}
	seen := map[string]bool{}
	for _, g := range guards {
		if seen[g.Name] {
			t.Errorf("%s stands twice in the list", g.Name)
		}
		seen[g.Name] = true
		if _, err := g.patched(); err != nil {
			t.Error(err)
		}
		names := testsIn(t, g.In)
		for _, test := range strings.Split(g.Tests, "|") {
			if !slices.Contains(names, "Test"+test) {
				t.Errorf("%s: %s has no Test%s: mend the list", g.Name, g.In, test)
			}
		}
	}
}

// TestEveryGuardIsNoticed takes out one guard at a time.
func TestEveryGuardIsNoticed(t *testing.T) {
	if os.Getenv("QINGDANG_TEST_TIER") != "long" {
		t.Skip("long tier: it compiles the program anew for each guard")
	}
	for _, g := range guards {
		t.Run(g.Name, func(t *testing.T) {
			if out, err := g.run(t, ""); err != nil {
				t.Fatalf("red before the guard was taken out:\n%s", tail(out))
			}
			text, err := g.patched()
			if err != nil {
				t.Fatal(err)
			}
			out, err := g.run(t, overlay(t, g.File, text))
			switch {
			case err == nil:
				t.Errorf("%s: nobody notices that this is gone from %s:\n%s", g.Promise, g.File, g.From)
			case !bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("panic: ")):
				t.Errorf("the program without the guard does not compile, or its tests do not run:\n%s", tail(out))
			default:
				t.Logf("%s: noticed by %s", g.Promise, strings.Join(red(out), ", "))
			}
		})
	}
}

// patched gives the file without the guard.
func (g *guard) patched() (string, error) {
	text, err := os.ReadFile(filepath.Join(root, g.File))
	if err != nil {
		return "", fmt.Errorf("%s: guard moved, mend the list: %w", g.Name, err)
	}
	if n := strings.Count(string(text), g.From); n != 1 {
		return "", fmt.Errorf("%s: guard moved, mend the list: %s has %d times:\n%s", g.Name, g.File, n, g.From)
	}
	return strings.Replace(string(text), g.From, g.To, 1), nil
}

// overlay writes down for the compiler that a file has another text.
func overlay(t *testing.T, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	there, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	instead, list := filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{there: instead}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{instead: []byte(text), list: b} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// run runs the tests of a guard, at their ordinary size.
func (g *guard) run(t *testing.T, overlay string) ([]byte, error) {
	t.Helper()
	only := "^Test(" + g.Tests + ")$"
	if g.On != "" {
		only += "/^" + g.On + "$"
	}
	args := []string{"test", "-vet=off", "-timeout", perGuard.String(), "-run", only}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./"+g.In)...)
	cmd.Dir = root
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "QINGDANG_TEST_TIER=") })
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("no tests to run")) {
		t.Fatalf("no test ran: mend the list\n%s", tail(out))
	}
	return out, err
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// red names the innermost tests that failed, the first few.
func red(out []byte) (names []string) {
	for _, m := range failed.FindAllSubmatch(out, 8) {
		names = append(names, string(m[1]))
	}
	return names
}

var inTest = map[string][]string{}

var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

func testsIn(t *testing.T, pkg string) []string {
	t.Helper()
	if names, known := inTest[pkg]; known {
		return names
	}
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no tests, mend the list (%v)", pkg, err)
	}
	var names []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	inTest[pkg] = names
	return names
}

func tail(out []byte) string {
	const enough = 3000
	return string(out[max(0, len(out)-enough):])
}
