package main

import (
	"encoding/json"
	"strings"
	"testing"

	"qingdang/models/db/dbtest"
)

// An import ends in the index, the index says what it holds, and it may be made anew; what is found stays
// the same throughout, and nothing is left behind.
func TestTheIndexFollowsTheConversations(t *testing.T) {
	folder := dbtest.Shared(t, "formats")
	eachEngine(t, func(t *testing.T, b *bench) {
		b.ok("departments", "import", folder+"/neutral/departments.csv")
		b.ok("import", folder+"/neutral/conversations.jsonl")
		status := func() (st indexState) {
			if err := json.Unmarshal([]byte(b.ok("index", "status", "--json")), &st); err != nil {
				t.Fatal(err)
			}
			return st
		}
		first, found := status(), b.ok("search", "--json")
		if n := len(lines(found)); first.Conversations != n || n == 0 || first.Segments != 1 || first.Waiting != 0 || first.Building+first.Gone != 0 {
			t.Fatalf("%d found, %+v", n, first)
		}
		if out := b.ok("index", "rebuild"); !strings.Contains(out, "made anew") {
			t.Error(out)
		}
		if again := status(); again.Conversations != first.Conversations || again.Segments != 1 || again.Dead != 0 || again.Building+again.Gone != 0 {
			t.Errorf("after the rebuild %+v, before %+v", again, first)
		}
		if again := b.ok("search", "--json"); again != found {
			t.Errorf("found %s, before %s", again, found)
		}
		if out := b.ok("index", "status"); !strings.Contains(out, "1 segment") || strings.Contains(out, "⟦") {
			t.Error(out)
		}
		if out := b.ok("fsck", "--deep", "--words"); !strings.Contains(out, "all hold") || !strings.Contains(out, "Compared the words of") {
			t.Error(out)
		}
	})
}
