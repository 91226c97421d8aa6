package department_test

import (
	"context"
	"os"
	"strings"
	"testing"

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
