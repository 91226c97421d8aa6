package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// bench runs commands against one installation, as a script would.
type bench struct {
	t   *testing.T
	env map[string]string
}

func eachEngine(t *testing.T, f func(t *testing.T, b *bench)) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			s := dbtest.Settings(t, engine)
			b := &bench{t: t, env: map[string]string{"QINGDANG_DATA": t.TempDir(), "QINGDANG_DSN": s.DSN, "QINGDANG_LANG": "en"}}
			f(t, b)
		})
	}
}

func (b *bench) run(args ...string) (out, errOut string, code int) {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(b.t.Context(), args, func(name string) string { return b.env[name] }, strings.NewReader(""), &stdout, &stderr, options{})
	return stdout.String(), stderr.String(), code
}

func (b *bench) ok(args ...string) string {
	b.t.Helper()
	out, errOut, code := b.run(args...)
	if code != 0 {
		b.t.Fatalf("qingdang %s: exit %d: %s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

func lines(s string) []string {
	return slices.DeleteFunc(strings.Split(s, "\n"), func(l string) bool { return l == "" })
}

type counts struct {
	Conversations, Messages, Duplicates, Events, Rejected, Recalled int
	FileError                                                       bool `json:"file_error"`
}

// All specimens give exactly what is expected, also the second time, which adds nothing.
func TestImportCountsAsExpectedTwice(t *testing.T) {
	var want map[string]counts
	raw, err := os.ReadFile(dbtest.Shared(t, "formats/expectations.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	folder := dbtest.Shared(t, "formats")
	eachEngine(t, func(t *testing.T, b *bench) {
		b.ok("departments", "import", filepath.Join(folder, "neutral", "departments.csv"))
		added := 0
		for round := 1; round <= 2; round++ {
			for file, expected := range want {
				var got struct {
					counts
					AddedConversations int `json:"added_conversations"`
					AddedMessages      int `json:"added_messages"`
					Rejects            []struct{ Reason string }
				}
				out := b.ok("import", "--json", "--department", "清档集团/导入", filepath.Join(folder, file))
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatalf("%s: %v in %s", file, err, out)
				}
				if diff := cmp.Diff(expected, got.counts); diff != "" {
					t.Errorf("round %d, %s: %s", round, file, diff)
				}
				if len(got.Rejects) != expected.Rejected {
					t.Errorf("round %d, %s: %d rejected records are described, want %d", round, file, len(got.Rejects), expected.Rejected)
				}
				if round == 1 && got.AddedMessages != expected.Messages || round == 2 && got.AddedConversations+got.AddedMessages != 0 {
					t.Errorf("round %d, %s: added %d conversations and %d messages", round, file, got.AddedConversations, got.AddedMessages)
				}
				added += got.AddedConversations
			}
		}
		// The two WeChat specimens are one conversation of one account, so it is one less than the sum.
		if found := lines(b.ok("search", "--json")); len(found) != added || added != 321 {
			t.Errorf("search finds %d conversations, %d were added, want 321", len(found), added)
		}
		if out := b.ok("fsck", "--deep"); !strings.Contains(out, "all hold") {
			t.Errorf("fsck: %s", out)
		}
		for _, tt := range []struct {
			options     []string
			deep, words bool // is told as left out
			asJSON      string
		}{
			{nil, true, true, `"left_out":["--deep","--words"]`},
			{[]string{"--deep"}, false, true, `"left_out":["--words"]`},
			{[]string{"--words"}, true, false, `"left_out":["--deep"]`},
			{[]string{"--deep", "--words"}, false, false, `"left_out":[]`},
		} {
			args := append([]string{"fsck"}, tt.options...)
			out := b.ok(args...)
			if strings.Contains(out, "Left out, for --deep") != tt.deep || strings.Contains(out, "Left out, for --words") != tt.words {
				t.Errorf("%v says of what it leaves out: %s", args, out)
			}
			if out := b.ok(append(args, "--json")...); !strings.Contains(out, tt.asJSON) {
				t.Errorf("%v --json: %s", args, out)
			}
		}
	})
}

// Search finds what a brute-force look at the imported file finds, for every filter.
func TestSearchFindsWhatTheFileHolds(t *testing.T) {
	file := dbtest.Shared(t, "formats/neutral/conversations.jsonl")
	type message struct {
		At, Text         string
		Type, Attachment string
		Recalled         bool
	}
	type source struct {
		Platform    string
		ExternalID  string `json:"external_id"`
		Department  string
		ServiceType string `json:"service_type"`
		Tags        []string
		Agent       struct{ ID string }
		Customer    struct{ ID string }
		Messages    []message
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var held []source
	for _, l := range lines(string(raw)) {
		var s source
		if err := json.Unmarshal([]byte(l), &s); err != nil {
			t.Fatal(err)
		}
		held = append(held, s)
	}
	last := func(s source) string { return s.Messages[len(s.Messages)-1].At } // +08:00 throughout, so text orders as time
	one := held[slices.IndexFunc(held, func(s source) bool { return len(s.Tags) > 0 && s.Customer.ID != "" })]
	day := last(one)[:10]
	company := strings.Join(strings.Split(one.Department, "/")[:3], "/")
	says := func(s source, word string) bool {
		return slices.ContainsFunc(s.Messages, func(m message) bool { return !m.Recalled && strings.Contains(m.Text, word) })
	}
	attached := func(s source) bool {
		return slices.ContainsFunc(s.Messages, func(m message) bool {
			return m.Attachment != "" || slices.Contains([]string{"image", "file", "voice", "video"}, m.Type)
		})
	}
	tests := []struct {
		name string
		args []string
		want func(source) bool
	}{
		{"a word", []string{"退款"}, func(s source) bool { return says(s, "退款") }},
		{"one of two words, without a third", []string{"--", "退款", "OR", "发票", "-你好"}, func(s source) bool {
			return (says(s, "退款") || says(s, "发票")) && !says(s, "你好")
		}},
		{"a word and a tag", []string{"您好 标签:" + one.Tags[0]}, func(s source) bool { return says(s, "您好") && slices.Contains(s.Tags, one.Tags[0]) }},
		{"everything", nil, func(source) bool { return true }},
		{"one day, both ends included", []string{"--from", day, "--to", day}, func(s source) bool { return last(s)[:10] == day }},
		{"from a day on", []string{"--from", day}, func(s source) bool { return last(s)[:10] >= day }},
		{"up to a day", []string{"--to", day}, func(s source) bool { return last(s)[:10] <= day }},
		{"a department alone", []string{"--department", company}, func(s source) bool { return s.Department == company }},
		{"a department with sub-departments", []string{"--department", company, "--sub"}, func(s source) bool {
			return s.Department == company || strings.HasPrefix(s.Department, company+"/")
		}},
		{"a service type", []string{"--type", one.ServiceType}, func(s source) bool { return s.ServiceType == one.ServiceType }},
		{"a tag", []string{"--tag", one.Tags[0]}, func(s source) bool { return slices.Contains(s.Tags, one.Tags[0]) }},
		{"a platform", []string{"--platform", one.Platform}, func(s source) bool { return s.Platform == one.Platform }},
		{"a platform by its name", []string{"平台:微信"}, func(s source) bool { return s.Platform == "wechat" }},
		{"platforms by their names", []string{"--platform", "微信", "--platform", "Qianniu"}, func(s source) bool { return s.Platform == "wechat" || s.Platform == "qianniu" }},
		{"an agent", []string{"--agent", one.Agent.ID}, func(s source) bool { return s.Agent.ID == one.Agent.ID }},
		{"a customer", []string{"--customer", one.Customer.ID}, func(s source) bool { return s.Customer.ID == one.Customer.ID }},
		{"many messages", []string{"--least", "10"}, func(s source) bool { return len(s.Messages) >= 10 }},
		{"few messages", []string{"--least", "3", "--most", "9"}, func(s source) bool { return len(s.Messages) >= 3 && len(s.Messages) <= 9 }},
		{"with an attachment", []string{"--attached", "yes"}, attached},
		{"without one, in Chinese or else", []string{"--attached", "no", "--language", "zh,en,mixed,other"}, func(s source) bool { return !attached(s) }},
		{"several at once", []string{"--platform", one.Platform, "--type", one.ServiceType, "--from", day}, func(s source) bool {
			return s.Platform == one.Platform && s.ServiceType == one.ServiceType && last(s)[:10] >= day
		}},
	}
	eachEngine(t, func(t *testing.T, b *bench) {
		b.ok("departments", "import", dbtest.Shared(t, "formats/neutral/departments.csv"))
		b.ok("import", file)
		for _, tt := range tests {
			var want, got []string
			for _, s := range held {
				if tt.want(s) {
					want = append(want, s.ExternalID)
				}
			}
			before := "9999"
			for _, l := range lines(b.ok(append([]string{"search", "--json"}, tt.args...)...)) {
				var r foundRow
				if err := json.Unmarshal([]byte(l), &r); err != nil {
					t.Fatal(err)
				}
				if r.LastAt > before {
					t.Errorf("%s: %s comes after %s; newest come first", tt.name, r.LastAt, before)
				}
				before = r.LastAt
				got = append(got, r.ExternalID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
		if plan := b.ok("search", "--explain", "退款"); !strings.Contains(plan, "way         index") {
			t.Errorf("the plan: %s", plan)
		}
		if plan := b.ok("search", "--explain", "--least", "10", "--attached", "yes"); !strings.Contains(plan, "narrowed    by state, messages, marks\n") {
			t.Errorf("the plan: %s", plan)
		}
		b.env["QINGDANG_LANG"] = "zh-CN"
		if plan := b.ok("search", "--explain", "--least", "10", "--attached", "yes", "退款 -没有的词"); !strings.Contains(plan, "方式    检索索引") || !strings.Contains(plan, "按状态、消息数、标记（附件、敏感词、语言）、关键词\n") || strings.Contains(plan, "explain_") {
			t.Errorf("the plan in Chinese: %s", plan)
		}
		b.env["QINGDANG_LANG"] = "en"
		newest, oldest := lines(b.ok("search", "--json")), lines(b.ok("search", "--json", "--oldest"))
		if slices.Reverse(oldest); !slices.Equal(newest, oldest) {
			t.Error("the oldest first are not the newest first the other way round")
		}
		if got := lines(b.ok("search", "--json", "--limit", "3")); len(got) != 3 {
			t.Errorf("--limit 3 gave %d", len(got))
		}
	})
}

func TestBadCallsSayWhatIsWrong(t *testing.T) {
	b := &bench{t: t, env: map[string]string{"QINGDANG_DATA": t.TempDir(), "QINGDANG_LANG": "en"}}
	empty := filepath.Join(t.TempDir(), "empty.csv")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"reversed dates", []string{"search", "--from", "2026-02-02", "--to", "2026-02-01"}, 1, "before"},
		{"a date that does not exist", []string{"search", "--from", "2026-02-30"}, 1, "2026-02-30"},
		{"an unknown department", []string{"search", "--department", "火星"}, 1, "火星"},
		{"a negative limit", []string{"search", "--limit=-1"}, 1, "0"},
		{"a query that does not end", []string{"search", "退款", "OR"}, 1, "OR"},
		{"a missing file", []string{"import", "/no/such/file.csv"}, 1, "/no/such/file.csv"},
		{"a folder", []string{"import", t.TempDir()}, 1, "file"},
		{"an unknown format", []string{"import", "--format", "excel97", empty}, 2, "excel97"},
		{"an unknown role", []string{"user", "add", "--staff-no", "1", "--name", "x", "--role", "king"}, 2, "role"},
		{"an unknown command", []string{"destroy"}, 2, "destroy"},
	}
	for _, tt := range tests {
		out, errOut, code := b.run(tt.args...)
		if code != tt.code || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("%s: exit %d, %q; want exit %d and %q", tt.name, code, out+errOut, tt.code, tt.want)
		}
	}
	out, _, code := b.run("import", "--json", empty)
	var r counts
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || !r.FileError {
		t.Errorf("an empty file: exit %d, %s", code, out)
	}
	if got := lines(b.ok("search", "--json")); len(got) != 0 {
		t.Errorf("bad calls stored %d conversations", len(got))
	}
}
