package department_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
)

var cli = account.System("cli", "")

func TestSharedTreeIsImportedOnce(t *testing.T) {
	path := dbtest.Shared(t, "org/departments.csv")
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		deps := &department.Departments{DB: d}
		for i, want := range []int{148, 0} {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if n, err := deps.ImportCSV(t.Context(), cli, f); err != nil || n != want {
				t.Fatalf("import %d created %d, %v; want %d", i+1, n, err, want)
			}
		}
		tree, err := deps.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		team, ok := tree.ByPath(" 清档集团 / 华东大区/杭州分公司/一店售后组")
		if !ok || team.Level != 4 {
			t.Fatalf("the team is not found by its path: %+v", team)
		}
		root := tree.Roots()
		l := tree.Lineage(team.ID)
		if len(root) != 1 || len(l) != 4 || l[0] != root[0] || tree.Path(l[2]) != "清档集团/华东大区/杭州分公司" || l[3] != team.ID {
			t.Errorf("lineage = %v, roots = %v", l, root)
		}
		if tree.Path(tree.Division(team.ID)) != "清档集团/华东大区" || tree.Division(root[0]) != root[0] {
			t.Errorf("the division of the team is %s", tree.Path(tree.Division(team.ID)))
		}
		if got := len(tree.Subtree(root[0])); got != 148 || len(tree.Preorder()) != 148 {
			t.Errorf("the subtree of the root has %d departments, want 148", got)
		}
		region, _ := tree.ByCode("D01")
		with := tree.Scope([]account.ScopeRow{{Department: region.ID, Sub: true}})
		alone := tree.Scope([]account.ScopeRow{{Department: region.ID}})
		if !with.Has(team.ID) || alone.Has(team.ID) || !alone.Has(region.ID) || with.Has(root[0]) {
			t.Error("the scope with and without sub-departments is wrong")
		}
		if s := tree.Scope([]account.ScopeRow{{Department: 999999, Sub: true}}); !s.Empty() {
			t.Error("an unknown department gave a scope")
		}
	})
}

func TestBadTablesStoreNothing(t *testing.T) {
	tests := []struct{ name, csv, key string }{
		{"an empty file", "", "department.csv_unreadable"},
		{"no header", "D,,1,集团\n", "department.csv_columns"},
		{"a parent that is not there", "id,parent_id,name\nA,,集团\nB,X,大区\n", "department.csv_parent"},
		{"a circle", "id,parent_id,name\nA,B,甲\nB,A,乙\n", "department.csv_circle"},
		{"a code twice", "id,parent_id,name\nA,,甲\nA,,乙\n", "department.csv_twice"},
		{"a name with a slash", "id,parent_id,name\nA,,甲/乙\n", "department.csv_unreadable"},
		{"broken UTF-8", "id,parent_id,name\nA,,\xff\xfe\n", "department.csv_unreadable"},
		{"too few cells", "id,parent_id,name\nA\n", "department.csv_unreadable"},
		{"a name that is too long", "id,parent_id,name\nA,,甲\nB,A," + strings.Repeat("长", 101) + "\n", "department.name_too_long"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		deps := &department.Departments{DB: d}
		for _, tt := range tests {
			_, err := deps.ImportCSV(t.Context(), cli, strings.NewReader(tt.csv))
			if f, ok := fault.Of(err); !ok || f.Key != tt.key {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.key)
			}
			if n := dbtest.Count(t, d, &department.Department{}); n != 0 {
				t.Fatalf("%s: %d departments were stored", tt.name, n)
			}
		}
	})
}

func TestEnsureCreatesWhatIsMissing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		deps := &department.Departments{DB: d}
		a, err := deps.Ensure(t.Context(), cli, "集团/大区/分公司")
		if err != nil {
			t.Fatal(err)
		}
		b, err := deps.Ensure(t.Context(), cli, "/集团/ 大区 /分公司/")
		if err != nil || b.ID != a.ID || dbtest.Count(t, d, &department.Department{}) != 3 {
			t.Errorf("the same path gave %+v after %+v, %v", b, a, err)
		}
		for _, bad := range []string{"", " / ", strings.Repeat("很长的名字/", 120)} {
			if _, err := deps.Ensure(t.Context(), cli, bad); fault.KindOf(err) != fault.KindInvalid {
				t.Errorf("Ensure(%q) = %v, want invalid", bad, err)
			}
		}
		if _, err := deps.Ensure(t.Context(), account.Actor{}, "x"); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("nobody may create departments, got %v", err)
		}
	})
}

func TestARequestSeesOneTree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		departments := &department.Departments{DB: d}
		ctx := t.Context()
		remembering := department.Remember(ctx)
		for _, path := range []string{"一部", "一部/甲组"} {
			if _, err := departments.Ensure(ctx, cli, path); err != nil {
				t.Fatal(err)
			}
			first, err := departments.Tree(remembering)
			if err != nil || first.Len() != 1 {
				t.Errorf("the request's tree has %d departments, %v, want the 1 it first saw", first.Len(), err)
			}
			err = d.Read(remembering, func(tx *db.Tx) error {
				switch again, err := department.Seen(tx); {
				case err != nil:
					return err
				case again != first:
					t.Error("a transaction of the request sees another tree")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		for name, c := range map[string]context.Context{"another request": department.Remember(ctx), "no request": ctx} {
			if now, err := departments.Tree(c); err != nil || now.Len() != 2 {
				t.Errorf("%s sees %d departments, %v", name, now.Len(), err)
			}
		}
	})
}

// Whoever changes the tree, through the program or past it, in this process or another, the next request sees it.
func TestARememberedTreeIsNeverOld(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			settings := dbtest.Settings(t, engine)
			ours, theirs := connect(t, settings), connect(t, settings)
			here, there := &department.Departments{DB: ours}, &department.Departments{DB: theirs}
			ensure := func(path string) func() {
				return func() {
					if _, err := there.Ensure(t.Context(), cli, path); err != nil {
						t.Fatal(err)
					}
				}
			}
			run := func(query string, args ...any) func() {
				return func() {
					if n := dbtest.Exec(t, theirs, query, args...); n != 1 {
						t.Fatalf("%s: %d rows", query, n)
					}
				}
			}
			for _, step := range []struct {
				name string
				do   func()
			}{
				{"nothing is there yet", func() {}},
				{"two are made", ensure("集团/一部")},
				{"a third is made", ensure("集团/二部")},
				{"codes are imported", func() {
					if _, err := there.ImportCSV(t.Context(), cli, strings.NewReader("id,parent_id,name\nR,,集团\n")); err != nil {
						t.Fatal(err)
					}
				}},
				{"one is moved", func() { move(t, theirs, "集团/二部", department.Place{Name: "二部"}) }},
				{"one is renamed past the program", run("UPDATE department SET name = '三部' WHERE name = '二部'")},
				{"one is put in past the program", run("INSERT INTO department (parent_id, name, created_at) VALUES (0, '四部', '2026-01-01 00:00:00')")},
				{"one is taken out past the program", run("DELETE FROM department WHERE name = '四部'")},
				{"a former path is changed", run("UPDATE department_path SET path = '旧'")},
				{"a former path is forgotten", run("DELETE FROM department_path")},
				{"the stamp's row is taken away", run("DELETE FROM department_stamp")},
				{"one is made without a stamp", ensure("集团/五部")},
			} {
				step.do()
				got, err := here.Tree(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				err = theirs.Read(t.Context(), func(tx *db.Tx) error {
					want, err := department.Load(tx)
					if diff := cmp.Diff(want, got, cmp.AllowUnexported(department.Tree{}), cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("after %s the tree is old (-stored +seen):\n%s", step.name, diff)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Requests share a tree that nobody changed; and a change that came to nothing is remembered by none.
func TestATreeIsLoadedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		departments := &department.Departments{DB: d}
		top, err := departments.Ensure(t.Context(), cli, "集团")
		if err != nil {
			t.Fatal(err)
		}
		first, err := departments.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := []account.ScopeRow{{Department: top.ID, Sub: true}}
		undone := errors.New("undone")
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			tree, err := department.Load(tx)
			if err != nil {
				return err
			}
			if _, _, err := department.Ensure(tx, tree, "集团/一部"); err != nil {
				return err
			}
			scope, err := departments.Resolve(tx, all)
			if err != nil {
				return err
			}
			if scope.Departments.Len() != 2 {
				t.Errorf("the transaction does not see what it made: %v", scope)
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		again, err := departments.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again != first {
			t.Error("a tree that nobody changed was loaded anew")
		}
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			scope, err := departments.Resolve(tx, all)
			if scope.Departments.Len() != 1 {
				t.Errorf("a request covers %v", scope)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func connect(t *testing.T, s db.Settings) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func move(t *testing.T, d *db.DB, path string, to department.Place) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		tree, err := department.Load(tx)
		if err != nil {
			return err
		}
		dep, _ := tree.ByPath(path)
		_, err = department.Move(tx, tree, dep.ID, to)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
