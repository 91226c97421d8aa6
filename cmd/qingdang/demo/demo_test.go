package demo_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/intake/format"
)

var until = time.Date(2026, 11, 20, 14, 32, 0, 0, time.FixedZone("UTC+8", 8*60*60))

func TestDepartmentsAreATreeOfFourLevels(t *testing.T) {
	byCode, levels := map[string]demo.Department{}, map[int]int{}
	for i, d := range demo.Departments() {
		levels[d.Level]++
		parent, ok := byCode[d.ParentCode]
		switch {
		case i == 0:
			if d.ParentCode != "" || d.Level != 1 || d.Path != "云栖优品集团" {
				t.Errorf("the root is %+v", d)
			}
		case !ok:
			t.Errorf("%s stands before its parent", d.Path)
		case d.Level != parent.Level+1 || d.Path != parent.Path+"/"+d.Name:
			t.Errorf("%+v below %+v", d, parent)
		}
		if _, twice := byCode[d.Code]; twice {
			t.Errorf("code %s twice", d.Code)
		}
		byCode[d.Code] = d
	}
	if len(byCode) < 40 || len(levels) != 4 {
		t.Errorf("%d departments on %d levels", len(byCode), len(levels))
	}
	for _, path := range []string{"华东大区/杭州分公司/一店售后组", "酒店旅业事业部", "跨境业务部"} {
		if !slices.ContainsFunc(demo.Departments(), func(d demo.Department) bool { return d.Path == "云栖优品集团/"+path }) {
			t.Errorf("no department %s", path)
		}
	}
}

func TestPeopleHaveEveryRoleAndExistingScopes(t *testing.T) {
	paths := map[string]bool{}
	for _, d := range demo.Departments() {
		paths[d.Path] = true
	}
	roles, seen := map[string]int{}, map[string]bool{}
	for _, p := range demo.People() {
		roles[p.Role]++
		for _, key := range []string{p.StaffNo, p.Login, p.Email} {
			if seen[key] {
				t.Errorf("%s twice", key)
			}
			seen[key] = true
		}
		for _, path := range p.ScopePaths {
			if !paths[path] {
				t.Errorf("%s: no department %s", p.Name, path)
			}
		}
		if (len(p.ScopePaths) == 0) != (p.Role == "admin") {
			t.Errorf("%s, %s, has the scope %v", p.Name, p.Role, p.ScopePaths)
		}
	}
	for role, least := range map[string]int{"agent": 3, "supervisor": 3, "legal": 2, "auditor": 1, "admin": 1} {
		if roles[role] < least {
			t.Errorf("%d of role %s, want %d", roles[role], role, least)
		}
	}
}

func TestConversationsAreVaried(t *testing.T) {
	paths := map[string]bool{}
	for _, d := range demo.Departments() {
		paths[d.Path] = true
	}
	count := map[string]map[string]int{}
	note := func(what, value string) {
		if count[what] == nil {
			count[what] = map[string]int{}
		}
		count[what][value]++
	}
	n, ids := 0, map[string]bool{}
	for c := range demo.Conversations(demo.DefaultSeed, demo.DefaultCount, until) {
		n++
		note("platform", c.Platform)
		note("service", c.ServiceType)
		note("state", c.OrderState)
		note("month", c.StartedAt.Format("2006-01"))
		note("department", c.DepartmentPath)
		note("customer", c.CustomerID)
		for _, tag := range c.Tags {
			note("tag", tag)
		}
		if ids[c.Platform+c.ExternalID] {
			t.Fatalf("%s twice", c.ExternalID)
		}
		ids[c.Platform+c.ExternalID] = true
		if !paths[c.DepartmentPath] || (c.OrderNo == "") != (c.OrderState == "") || c.AgentID == "" || c.CustomerName == "" {
			t.Fatalf("odd: %+v", c)
		}
		if len(c.Messages) < 6 || len(c.Messages) > 41 {
			t.Errorf("%s has %d messages", c.ExternalID, len(c.Messages))
		}
		for i, m := range c.Messages {
			note("sender", m.Sender)
			note("kind", m.Kind)
			if m.Recalled {
				note("sender", "recalled")
			}
			if strings.ContainsAny(m.Text, "{}[]|") || (m.Text == "") == (m.Attachment == "") || m.Kind == "" {
				t.Fatalf("odd message: %+v", m)
			}
			if m.At.After(until) || m.At.Before(until.AddDate(-3, 0, 0)) || i > 0 && m.At.Before(c.Messages[i-1].At) {
				t.Fatalf("%s: message %d at %v", c.ExternalID, i+1, m.At)
			}
		}
	}
	want := map[string]int{"platform": 8, "service": 5, "state": 3, "month": 36, "tag": 46, "sender": 4, "kind": 4, "department": 50}
	for what, least := range want {
		if len(count[what]) < least {
			t.Errorf("%d of %s, want %d: %v", len(count[what]), what, least, count[what])
		}
	}
	if customers := len(count["customer"]); n != demo.DefaultCount || customers > n/2 || customers < n/10 {
		t.Errorf("%d conversations of %d customers", n, customers)
	}
	t.Log(count["platform"], count["service"], count["state"], len(count["tag"]), count["sender"], count["kind"])
}

func TestMixedConversationsAreTheSameButForSomeInEnglish(t *testing.T) {
	var plain []demo.Conversation
	for c := range demo.Conversations(demo.DefaultSeed, 2000, until) {
		plain = append(plain, c)
	}
	i, foreign := 0, 0
	for c := range demo.Mixed(demo.DefaultSeed, 2000, until) {
		var text strings.Builder
		for _, m := range c.Messages {
			if strings.ContainsAny(m.Text, "{}[]|") || (m.Text == "") == (m.Attachment == "") {
				t.Fatalf("odd message: %+v", m)
			}
			text.WriteString(m.Text + " ")
		}
		switch {
		case strings.Count(text.String(), "e") > 5:
			foreign++
		case c.ExternalID != plain[i].ExternalID || c.CustomerID != plain[i].CustomerID || len(c.Messages) != len(plain[i].Messages):
			t.Fatalf("%s became %+v", plain[i].ExternalID, c)
		}
		i++
	}
	if i != 2000 || foreign < 60 || foreign > 140 {
		t.Errorf("%d of %d are in English", foreign, i)
	}
}

func TestConversationsComeInOrderAndEndEarlyWhenAsked(t *testing.T) {
	last, n := time.Time{}, 0
	for c := range demo.Conversations(1, 300, until) {
		if c.StartedAt.Before(last) {
			t.Fatalf("%s starts before the one before it", c.ExternalID)
		}
		last = c.StartedAt
		if n++; n == 100 {
			break
		}
	}
	for range demo.Conversations(1, 0, until) {
		t.Error("a conversation of none")
	}
}

func TestNeutralJSONLIsTheSameForTheSameSeedAndCanBeImported(t *testing.T) {
	write := func(seed uint64) []byte {
		var b bytes.Buffer
		if n, err := demo.NeutralJSONL(&b, demo.Conversations(seed, 200, until)); err != nil || n != 200 {
			t.Fatal(n, err)
		}
		return b.Bytes()
	}
	first := write(7)
	if !bytes.Equal(first, write(7)) {
		t.Error("the same seed gave other bytes")
	}
	if bytes.Equal(first, write(8)) {
		t.Error("another seed gave the same bytes")
	}
	var made []demo.Conversation
	for c := range demo.Conversations(7, 200, until) {
		made = append(made, c)
	}
	i := 0
	report, err := format.Read(context.Background(), format.Source{Name: "demo.jsonl", Body: bytes.NewReader(first), Size: int64(len(first))}, format.Options{}, func(c *format.Conversation) error {
		j := slices.IndexFunc(made, func(m demo.Conversation) bool { return m.ExternalID == c.ExternalID })
		if j < 0 || made[j].OrderNo != c.OrderNo || made[j].OrderState != c.OrderState || len(made[j].Messages) != len(c.Messages) || !slices.Equal(made[j].Tags, c.Tags) {
			t.Errorf("%s came back changed", c.ExternalID)
		}
		i++
		return nil
	})
	if err != nil || i != 200 || report.Format != format.Neutral || report.Rejected != 0 || report.Duplicates != 0 {
		t.Errorf("%d read back, %+v, %v", i, report, err)
	}
}

func BenchmarkConversations(b *testing.B) {
	best := math.Inf(1)
	for b.Loop() {
		begin := time.Now()
		if _, err := demo.NeutralJSONL(io.Discard, demo.Conversations(1, demo.DefaultCount, until)); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(begin).Seconds())
	}
	b.ReportMetric(best, "best-s")
}
