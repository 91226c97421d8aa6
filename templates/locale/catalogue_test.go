package locale

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFillPutsEachArgumentInItsPlaceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"{", "}", "{0}", "{1}", "{2}", "{01}", "{-1}", "{+1}", "0", "{{1}}", "页"})
		text := strings.Join(rapid.SliceOf(piece).Draw(t, "text"), "")
		args, pairs := []any{}, []string{}
		for i, s := range rapid.SliceOfN(piece, 1, 3).Draw(t, "args") {
			args, pairs = append(args, s), append(pairs, "{"+strconv.Itoa(i)+"}", s)
		}
		if got, want := fill(t.Context(), text, args), strings.NewReplacer(pairs...).Replace(text); got != want {
			t.Errorf("%q with %q is %q, want %q", text, args, got, want)
		}
	})
}

func TestCatalogueFilesAreWellFormed(t *testing.T) {
	if err := catalogues().err; err != nil {
		t.Error(err)
	}
}

// Of a key that stands twice in a file the last text wins, and the page of the first says something else.
func TestNoKeyStandsTwice(t *testing.T) {
	key := regexp.MustCompile(`(?m)^\s*("[^"]+"): "`)
	files, err := filepath.Glob("*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, found := range key.FindAllStringSubmatch(string(text), -1) {
			if seen[found[1]] {
				t.Errorf("%s stands twice in %s", found[1], name)
			}
			seen[found[1]] = true
		}
	}
}

var placeholder = regexp.MustCompile(`\{\d+\}`)

func TestBothLanguagesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	chinese, english := catalogues().texts[Chinese], catalogues().texts[English]
	for key, text := range chinese {
		other, ok := english[key]
		if !ok {
			t.Errorf("%s has no English text", key)
			continue
		}
		if got, want := holes(other), holes(text); !slices.Equal(got, want) {
			t.Errorf("%s has placeholders %v in English, %v in Chinese", key, got, want)
		}
	}
	for key, text := range english {
		base := strings.TrimSuffix(key, pluralOne)
		reference, ok := chinese[base]
		if !ok {
			t.Errorf("%s has no Chinese text", key)
			continue
		}
		// A singular may leave its number out: "the conversation".
		for _, hole := range holes(text) {
			if !slices.Contains(holes(reference), hole) {
				t.Errorf("%s has %s, which the Chinese text has not", key, hole)
			}
		}
	}
}

func holes(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestTextsKeepToTheWordingRules(t *testing.T) {
	rules := map[Lang][]string{
		Chinese: {"清空数据", "销毁一切", "一键删除", "永久清理", "抱歉", "成功！", "您"},
		English: {"Sorry", "sorry", "Are you sure", "Oops"},
	}
	for lang, words := range rules {
		for key, text := range catalogues().texts[lang] {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s %s is empty", lang, key)
			}
			for _, word := range words {
				if strings.Contains(text, word) {
					t.Errorf("%s %s says %q", lang, key, word)
				}
			}
		}
	}
}

// used finds keys in sources: T(ctx, "…") and its likes, faults, flashes, and
// fields whose name ends in Key.
var used = []*regexp.Regexp{
	regexp.MustCompile(`\bT\((?:ctx|[\w.]+\(\)(?:\.Context\(\))?|[\w.]+),\s*"([^"]+)"`),
	regexp.MustCompile(`\bfault\.(?:Invalid|Forbidden|NotFound|Conflict|Gone|Busy)\(\s*"([^"]+)"`),
	regexp.MustCompile(`\bFlash\w*\(\w+,\s*"([^"]+)"`),
	regexp.MustCompile(`\b\w*Key:\s*"([^"]+)"`),
	regexp.MustCompile(`\blocale\.Key\("([^"]+)"`),
}

// rooms are where words are used, seen from this package.
var rooms = []string{"../../templates", "../../handlers", "../../web", "../../models"}

func TestEveryUsedKeyIsInTheCatalogue(t *testing.T) {
	found := 0
	for _, room := range rooms {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !isSource(path) {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, pattern := range used {
				for _, m := range pattern.FindAllStringSubmatch(string(source), -1) {
					found++
					checkKey(t, path, m[1])
				}
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if found < 50 {
		t.Errorf("found only %d uses; the patterns no longer match the sources", found)
	}
}

func isSource(path string) bool {
	if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
		return false
	}
	return strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ")
}

// checkKey holds that a key is there; one that ends in a separator is the
// beginning of keys that are put together from a code.
func checkKey(t *testing.T, path, key string) {
	t.Helper()
	if !strings.Contains(key, ".") {
		return // not a key: another function or field of the same shape
	}
	if strings.HasSuffix(key, ".") || strings.HasSuffix(key, "_") {
		for known := range catalogues().texts[Chinese] {
			if strings.HasPrefix(known, key) {
				return
			}
		}
		t.Errorf("%s: no key begins with %q", path, key)
		return
	}
	if !Has(key) {
		t.Errorf("%s: key %q is missing", path, key)
	}
}
