package templates

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qingdang/templates/locale"
)

// Whatever the program writes beside an act has a word in both languages: nobody reads recipient_key.
func TestEveryFactOfTheLogHasAWord(t *testing.T) {
	facts := map[string]string{}
	for _, room := range []string{"../models", "../handlers", "../web", "../cmd"} {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if strings.HasPrefix(filepath.ToSlash(path), "../models/audit/") {
				return nil // it writes the leaf itself
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			factsIn(f, func(name string) { facts[name] = path })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(facts) < 100 {
		t.Errorf("found only %d facts; the patterns no longer match the sources", len(facts))
	}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		if name != "was" && name != "is" && !locale.Has("audit.fact_"+name) { // those two are columns of their own
			t.Errorf("%s: the fact %q has no word: add audit.fact_%s", facts[name], name, name)
		}
	}
}

var factName = regexp.MustCompile(`^[a-z0-9_]+$`)

// rowWriters take maps of columns.
var rowWriters = []string{"Updates", "UpdateListed", "move", "update", "confirm", "set", "mark", "shift", "prefer", "append"}

// factsIn gives the names in maps that may be an entry's Data: those in a field or variable of that name, handed
// to a function that writes no rows, or returned.
func factsIn(f *ast.File, found func(string)) {
	text := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if name, err := strconv.Unquote(l.Value); err == nil && factName.MatchString(name) {
				found(name)
			}
		}
	}
	keys := func(e ast.Expr) {
		l, ok := e.(*ast.CompositeLit)
		if !ok || !isFactMap(l.Type) {
			return
		}
		for _, one := range l.Elts {
			text(one.(*ast.KeyValueExpr).Key)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if lastName(n.Key) == "Data" {
				keys(n.Value)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if at, ok := left.(*ast.IndexExpr); ok && isData(at.X) {
					text(at.Index)
				}
				if isData(left) && len(n.Rhs) == len(n.Lhs) {
					keys(n.Rhs[i])
				}
			}
		case *ast.CallExpr:
			if !slices.Contains(rowWriters, lastName(n.Fun)) {
				for _, arg := range n.Args {
					keys(arg)
				}
				// put is how the conditions of a search are collected.
				if lastName(n.Fun) == "put" && len(n.Args) > 0 {
					text(n.Args[0])
				}
			}
		case *ast.ReturnStmt:
			for _, one := range n.Results {
				keys(one)
			}
		}
		return true
	})
}

func isFactMap(e ast.Expr) bool {
	m, ok := e.(*ast.MapType)
	return ok && lastName(m.Key) == "string" && lastName(m.Value) == "any"
}

func isData(e ast.Expr) bool { return strings.EqualFold(lastName(e), "data") }

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
