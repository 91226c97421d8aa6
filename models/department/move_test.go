package department

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// branch makes a tree of paths; ids count from 1 in order.
func branch(t interface{ Fatal(...any) }, paths ...string) *Tree {
	at := map[string]id.Department{}
	var all []Department
	for i, p := range paths {
		d := Department{ID: id.Department(i + 1), Name: p}
		if cut := strings.LastIndex(p, "/"); cut >= 0 {
			d.ParentID, d.Name = at[p[:cut]], p[cut+1:]
		}
		at[p] = d.ID
		all = append(all, d)
	}
	slices.Reverse(all) // the order of rows says nothing
	tree, err := grow(all)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestWhereADepartmentMayGo(t *testing.T) {
	tree := branch(t, "集团", "集团/华东", "集团/华东/杭州", "集团/华北", "集团/华北/杭州", "新公司", "集团/"+strings.Repeat("长", 100))
	chain := []string{"五个字部门", strings.Repeat("a", 90)}
	for i := range 6 {
		chain = append(chain, chain[i+1]+"/"+strings.Repeat("b", 100))
	}
	long := branch(t, chain...) // 696 characters
	tests := []struct {
		name string
		tree *Tree
		d    id.Department
		to   Place
		want string // key@field, or the new path
	}{
		{"under another region", tree, 3, Place{4, "杭州二"}, "集团/华北/杭州二"},
		{"under another region where its name is taken", tree, 3, Place{4, "杭州"}, "department.name_taken@name"},
		{"to the top", tree, 2, Place{0, "华东"}, "华东"},
		{"under another root", tree, 2, Place{6, " 华东 "}, "新公司/华东"},
		{"a root under another", tree, 1, Place{6, "集团"}, "新公司/集团"},
		{"under itself", tree, 2, Place{2, "华东"}, "department.below_itself@parent"},
		{"under its own child", tree, 2, Place{3, "华东"}, "department.below_itself@parent"},
		{"the root under its grandchild", tree, 1, Place{5, "集团"}, "department.below_itself@parent"},
		{"under nothing that is there", tree, 3, Place{99, "杭州"}, "department.unknown@parent"},
		{"nothing that is there", tree, 99, Place{1, "杭州"}, "department.unknown@"},
		{"where it is", tree, 3, Place{2, "杭州"}, "department.unchanged@parent"},
		{"another name", tree, 2, Place{1, "华东大区"}, "集团/华东大区"},
		{"the name of its neighbour", tree, 2, Place{1, "华北"}, "department.name_taken@name"},
		{"no name", tree, 2, Place{1, "  "}, "department.name_needed@name"},
		{"a name with a slash", tree, 2, Place{1, "华东/二"}, "department.name_needed@name"},
		{"a name with a line end", tree, 2, Place{1, "华\n东"}, "department.name_needed@name"},
		{"a name that is too long", tree, 2, Place{1, strings.Repeat("长", 101)}, "department.name_too_long@name"},
		{"paths that stay short enough", long, 2, Place{0, strings.Repeat("c", 94)}, strings.Repeat("c", 94)},
		{"paths that become too long far below", long, 2, Place{1, strings.Repeat("a", 90)}, "department.path_too_long@parent"},
	}
	for _, tt := range tests {
		after, err := tt.tree.Moved(tt.d, tt.to)
		got := ""
		if f, ok := fault.Of(err); ok {
			got = f.Key + "@" + f.Field
		} else if err != nil {
			t.Fatal(err)
		} else {
			got = after.Path(tt.d)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if tree.Path(3) != "集团/华东/杭州" || tree.Len() != 7 {
		t.Error("a tree was changed by asking")
	}
}

func TestATreeThatIsNoneIsNotLoaded(t *testing.T) {
	for name, all := range map[string][]Department{
		"a circle":        {{ID: 1, Name: "a"}, {ID: 2, ParentID: 3, Name: "b"}, {ID: 3, ParentID: 2, Name: "c"}},
		"its own parent":  {{ID: 1, ParentID: 1, Name: "a"}},
		"no parent there": {{ID: 1, Name: "a"}, {ID: 2, ParentID: 9, Name: "b"}},
	} {
		if _, err := grow(all); err == nil {
			t.Errorf("%s is a tree", name)
		}
	}
}

func TestDivisions(t *testing.T) {
	one := branch(t, "集团", "集团/总部", "集团/总部/华东", "集团/总部/华东/杭州", "集团/总部/华北")
	two := branch(t, "甲", "甲/一", "乙")
	line := branch(t, "甲", "甲/一")
	for _, tt := range []struct {
		tree    *Tree
		d, want id.Department
	}{{one, 4, 3}, {one, 3, 3}, {one, 5, 5}, {one, 2, 2}, {one, 1, 1}, {two, 2, 1}, {two, 3, 3}, {line, 2, 2}, {line, 1, 1}} {
		if got := tt.tree.Division(tt.d); got != tt.want {
			t.Errorf("%s belongs to %s, want %s", tt.tree.Path(tt.d), tt.tree.Path(got), tt.tree.Path(tt.want))
		}
	}
}

// However departments are moved about: what somebody acts in is what hangs there by the parents' pointers, and
// paths lead where they say.
func TestMovesKeepTheTree(t *testing.T) {
	deep := []string{"d0"}
	for i := range 45 {
		deep = append(deep, deep[i]+"/"+fmt.Sprint("d", i+1))
	}
	rapid.Check(t, func(t *rapid.T) {
		tree := branch(t, append(deep, "r", "r/a", "r/b", "r/a/c")...)
		parent := map[id.Department]id.Department{}
		for _, d := range tree.Preorder() {
			parent[d] = tree.byID[d].ParentID
		}
		some := func(name string) id.Department { return id.Department(rapid.IntRange(1, tree.Len()).Draw(t, name)) }
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			d, to := some("department"), Place{Parent: id.Department(rapid.IntRange(0, tree.Len()).Draw(t, "parent")), Name: rapid.SampledFrom([]string{"d1", "a", "b", "x", "y", "z"}).Draw(t, "name")}
			circle := false
			for up := to.Parent; up != 0; up = parent[up] {
				circle = circle || up == d
			}
			after, err := tree.Moved(d, to)
			if circle != (err != nil && strings.Contains(err.Error(), "below_itself")) {
				t.Fatalf("a circle: %v, %v", circle, err)
			}
			if err != nil {
				continue
			}
			former := tree.Path(d)
			tree, parent[d] = after, to.Parent
			if was, ok := tree.ByFormerPath(former); !ok || was.ID != d {
				t.Fatalf("%s is forgotten", former)
			}
		}
		under := func(d, top id.Department) bool {
			for ; d != 0; d = parent[d] {
				if d == top {
					return true
				}
			}
			return false
		}
		for top := range parent {
			scope := tree.Scope([]account.ScopeRow{{Department: top, Sub: true}})
			for d := range parent {
				if scope.Has(d) != under(d, top) {
					t.Fatalf("%d in the scope of %d: %v", d, top, scope.Has(d))
				}
			}
			if found, ok := tree.ByPath(tree.Path(top)); !ok || found.ID != top || len(tree.Lineage(top)) != found.Level {
				t.Fatalf("%s leads to %v", tree.Path(top), found)
			}
		}
	})
}
