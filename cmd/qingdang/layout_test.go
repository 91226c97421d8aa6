package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms says which room may look into which. Arrows point down; see the map in README.md.
var rooms = map[string][]string{
	"cmd":       {"cmd/qingdang/bench", "cmd/qingdang/demo", "handlers", "web", "templates", "models", "static"},
	"handlers":  {"web", "templates", "models"},
	"web":       {"templates", "models/account", "models/fault", "models/id", "static"},
	"templates": {"templates", "paper", "static"},
	"models":    {"models", "paper"},
	"paper":     {"static"},
	"static":    {},
}

// floors are the floors of the cabinet. A new drawer is one word here.
var floors = [][]string{
	{"db", "seal", "fault", "id", "mask"},
	{"audit", "job", "words"},
	{"account", "index"},
	{"department", "conversation", "approval"},
	{"retention", "hold", "access", "custody", "search"},
	{"bin"},
	{"intake", "purge", "export", "inspection", "subject"},
	{"report"},
	{"fsck", "reorg"},
}

// The top level holds these folders and a few root files, nothing else.
var topFolders = []string{"cmd", "handlers", "models", "paper", "static", "templates", "web"}

const root = "../.."

func TestLayout(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "var" && !slices.Contains(topFolders, e.Name()) {
			t.Errorf("folder %s at the top level; it belongs into one of %v", e.Name(), topFolders)
		}
	}
	files := 0
	for _, room := range topFolders {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			checkFile(t, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 50 {
		t.Errorf("only %d files were looked at", files)
	}
}

func checkFile(t *testing.T, path string) {
	t.Helper()
	rel, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.ToSlash(filepath.Dir(rel))
	if from == "models" {
		t.Errorf("%s: models itself holds no code, only drawers", rel)
	}
	if strings.HasPrefix(from, "models/") && floor(from) < 0 {
		t.Errorf("%s: this drawer stands on no floor", from)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		to, _ := strconv.Unquote(imp.Path.Value)
		checkForeign(t, from, to)
		if to, ours := strings.CutPrefix(to, "qingdang/"); ours {
			checkImport(t, from, to)
		}
	}
}

func checkImport(t *testing.T, from, to string) {
	t.Helper()
	room, _, _ := strings.Cut(from, "/")
	inside := func(r string) bool { return to == r || strings.HasPrefix(to, r+"/") }
	helper := isTestHelper(from)
	if !slices.ContainsFunc(rooms[room], inside) && !helper {
		t.Errorf("%s imports %s; %s looks into %v", from, to, room, rooms[room])
	}
	if room == "handlers" && to == "models/db" {
		t.Errorf("%s imports %s; screens reach the database through use cases", from, to)
	}
	if isTestHelper(to) && !helper {
		t.Errorf("%s imports the test helper %s", from, to)
	}
	up, down := floor(from), floor(to)
	if drawer(from) == drawer(to) || helper {
		return
	}
	if up >= 0 && down >= up {
		t.Errorf("%s (floor %d) imports %s (floor %d); imports go downstairs", from, up, to, down)
	}
}

// checkForeign keeps GORM in models and Echo in web and handlers, so that either can be
// exchanged in one room.
func checkForeign(t *testing.T, from, to string) {
	t.Helper()
	room, _, _ := strings.Cut(from, "/")
	if strings.HasPrefix(to, "gorm.io/") && room != "models" {
		t.Errorf("%s imports %s; only models knows the database library", from, to)
	}
	if strings.HasPrefix(to, "github.com/labstack/echo") && !slices.Contains([]string{"web", "handlers", "cmd"}, room) {
		t.Errorf("%s imports %s; only web, handlers and cmd know the web framework", from, to)
	}
}

func isTestHelper(pkg string) bool {
	last := pkg[strings.LastIndex(pkg, "/")+1:]
	return strings.HasSuffix(last, "test") || strings.Contains(pkg, "dbtest")
}

func drawer(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if len(parts) < 2 || parts[0] != "models" {
		return pkg
	}
	return parts[1]
}

func floor(pkg string) int {
	if !strings.HasPrefix(pkg, "models/") {
		return -1
	}
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, drawer(pkg)) })
}
