package intake_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/seal"
)

// world is an importer over a database with two departments.
type world struct {
	*intake.Importer
	db          *db.DB
	store       *seal.Store
	sales, shop department.Department
}

var cli = account.System("cli", "")

func setUp(t *testing.T, d *db.DB) *world {
	t.Helper()
	s, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{Importer: &intake.Importer{DB: d, Vault: conversation.Vault{Store: s}}, db: d, store: s}
	departments := &department.Departments{DB: d}
	for path, into := range map[string]*department.Department{"云栖优品集团/销售": &w.sales, "云栖优品集团/一店": &w.shop} {
		if *into, err = departments.Ensure(t.Context(), cli, path); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) file(t *testing.T, path string, o intake.Options) *intake.Report {
	t.Helper()
	src, f, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return w.source(t, src, o)
}

func (w *world) source(t *testing.T, src format.Source, o intake.Options) *intake.Report {
	t.Helper()
	o.TempDir = t.TempDir()
	rep, err := w.Import(t.Context(), cli, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func text(name, content string) format.Source {
	return format.Source{Name: name, Body: strings.NewReader(content), Size: int64(len(content))}
}

// neutral is one conversation as a line of the neutral form. extra are further members.
func neutral(external, extra string, texts ...string) string {
	var messages []string
	for i, x := range texts {
		messages = append(messages, fmt.Sprintf(`{"id":"%s-%d","sender":"customer","sender_name":"王伟","at":"2026-03-01T10:%02d:00+08:00","kind":"text","text":%q}`, external, i, i, x))
	}
	if extra != "" {
		extra += ","
	}
	return fmt.Sprintf(`{"platform":"qianniu","external_id":"%s",%s"customer_id":"tb_88821","agent_id":"10482","agent_name":"李雨桐","service_type":"售后","messages":[%s]}`, external, extra, strings.Join(messages, ",")) + "\n"
}

const inShop = `"department":"云栖优品集团/一店"`

type expectation struct {
	Conversations int  `json:"conversations"`
	Messages      int  `json:"messages"`
	Duplicates    int  `json:"duplicates"`
	Events        int  `json:"events"`
	Rejected      int  `json:"rejected"`
	Recalled      int  `json:"recalled"`
	FileError     bool `json:"file_error"`
}

func counts(r *intake.Report) expectation {
	return expectation{r.Conversations, r.Messages, r.Duplicates, r.Events, r.Rejected, r.Recalled, r.FileError != nil}
}

func TestEverySpecimenIsCountedAsExpectedAndStoredOnce(t *testing.T) {
	raw, err := os.ReadFile(dbtest.Shared(t, "formats/expectations.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]expectation
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, expected := range want {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
				storedOnce(t, setUp(t, d), dbtest.Shared(t, "formats/"+name), expected)
			})
		})
	}
}

func storedOnce(t *testing.T, w *world, path string, want expectation) {
	t.Helper()
	first := w.file(t, path, intake.Options{Department: w.sales.ID})
	if diff := cmp.Diff(want, counts(first)); diff != "" {
		t.Errorf("%s (%v)", diff, first.Rejects)
	}
	if first.AddedConversations != int64(want.Conversations) || first.AddedMessages != int64(want.Messages) {
		t.Errorf("added %d conversations and %d messages", first.AddedConversations, first.AddedMessages)
	}
	again := w.file(t, path, intake.Options{Department: w.sales.ID})
	if diff := cmp.Diff(want, counts(again)); diff != "" {
		t.Errorf("a second time: %s", diff)
	}
	if again.AddedConversations != 0 || again.AddedMessages != 0 {
		t.Errorf("a second time added %d conversations and %d messages", again.AddedConversations, again.AddedMessages)
	}
	if n := dbtest.Count(t, w.db, &conversation.Conversation{}); n != int64(want.Conversations) {
		t.Errorf("%d conversations are stored", n)
	}
}

func TestWhereConversationsGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := setUp(t, d)
		for _, tt := range []struct {
			name       string
			line       string
			into       id.Department
			wantIn     id.Department // 0: rejected
			wantReason string
		}{
			{"a known department is kept", neutral("a", inShop, "你好"), w.sales.ID, w.shop.ID, ""},
			{"an unknown department is rejected without a default", neutral("b", `"department":"不存在/部门"`, "你好"), 0, 0, intake.ReasonUnknownDepartment},
			{"no department is rejected without a default", neutral("c", "", "你好"), 0, 0, intake.ReasonNoDepartment},
			{"an unknown department goes to the default", neutral("d", `"department":"不存在/部门"`, "你好"), w.sales.ID, w.sales.ID, ""},
			{"a tag that does not fit is rejected, not cut", neutral("e", inShop+`,"tags":["`+strings.Repeat("长", 65)+`"]`, "你好"), 0, 0, intake.ReasonFieldTooLong},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before := dbtest.Count(t, d, &conversation.Conversation{}, "department_id = ?", tt.wantIn)
				rep := w.source(t, text("x.jsonl", tt.line), intake.Options{Department: tt.into})
				if tt.wantIn == 0 {
					if rep.Rejected != 1 || rep.Conversations != 0 || rep.Messages != 0 || len(rep.Rejects) != 1 || rep.Rejects[0].Reason != tt.wantReason || rep.Rejects[0].Line != 1 {
						t.Errorf("%+v", rep)
					}
					return
				}
				if rep.Rejected != 0 || dbtest.Count(t, d, &conversation.Conversation{}, "department_id = ?", tt.wantIn) != before+1 {
					t.Errorf("%+v", rep)
				}
			})
		}
	})
}

func TestADepartmentOutsideTheScopeIsUnknown(t *testing.T) {
	d, _ := dbtest.New(t)
	w := setUp(t, d)
	by := account.Actor{ID: 9, PersonID: 9, Role: account.Admin, Scope: account.Within(w.sales.ID)}
	rep, err := w.Import(t.Context(), by, text("x.jsonl", neutral("a", inShop, "你好")), intake.Options{})
	if err != nil || rep.Rejected != 1 || rep.Rejects[0].Reason != intake.ReasonUnknownDepartment {
		t.Errorf("%+v %v", rep, err)
	}
	if _, err := w.Import(t.Context(), by, text("x.jsonl", ""), intake.Options{Department: w.shop.ID}); fault.KindOf(err) != fault.KindForbidden {
		t.Errorf("into a foreign department: %v", err)
	}
}

func TestWhatWasPurgedStaysAway(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := setUp(t, d)
		dbtest.Insert(t, d, &conversation.Tombstone{Platform: "qianniu", ExternalMAC: w.Vault.ExternalMAC("qianniu", "gone"), ConversationID: 7, DepartmentID: w.shop.ID, PurgeID: 3})
		rep := w.source(t, text("x.jsonl", neutral("gone", inShop, "一", "二")+neutral("here", inShop, "三")), intake.Options{})
		if rep.PurgedBefore != 1 || rep.Conversations != 1 || rep.Messages != 1 || rep.Duplicates != 2 || rep.AddedConversations != 1 {
			t.Errorf("%+v", rep)
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}); n != 1 {
			t.Errorf("%d conversations", n)
		}
	})
}

func TestAMessageRecalledLaterIsMarked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := setUp(t, d)
		w.source(t, text("x.jsonl", neutral("a", inShop, "说错了", "你好")), intake.Options{})
		recalled := strings.Replace(neutral("a", inShop, "说错了", "你好"), `"id":"a-0",`, `"id":"a-0","recalled":true,`, 1)
		rep := w.source(t, text("y.jsonl", recalled), intake.Options{})
		if rep.Recalled != 1 || rep.AddedConversations != 0 {
			t.Errorf("%+v", rep)
		}
		cs := &conversation.Conversations{DB: d, Vault: w.Vault}
		reader := account.Actor{ID: 5, PersonID: 5, Role: account.Auditor, Scope: account.Everywhere()}
		page, err := cs.Search(t.Context(), reader, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Size: 10})
		if err != nil || len(page.Rows) != 1 {
			t.Fatalf("%v %v", page, err)
		}
		read, err := cs.Open(t.Context(), reader, page.Rows[0].ID)
		if err != nil || len(read.Document.Messages) != 2 || !read.Document.Messages[0].Recalled || read.Document.Messages[1].Recalled {
			t.Errorf("%+v %v", read, err)
		}
		if read.Document.Messages[0].Text != "说错了" {
			t.Error("a recalled message has lost its text")
		}
	})
}

func TestAFileThatCannotBeReadStoresNothing(t *testing.T) {
	d, _ := dbtest.New(t)
	w := setUp(t, d)
	for _, tt := range []struct {
		name string
		src  format.Source
		o    intake.Options
		want string
	}{
		{"an empty file", text("x.csv", ""), intake.Options{}, format.FileEmpty},
		{"a picture", text("x.png", "\x89PNG\r\n\x1a\n\x00\x00"), intake.Options{}, format.FileNoHeader},
		{"a file over the limit", text("x.jsonl", neutral("a", inShop, "你好")), intake.Options{Limits: format.Limits{MaxBytes: 10}}, format.FileTooLarge},
		{"a workbook that is none", text("x.xlsx", "PK\x03\x04 no"), intake.Options{}, format.FileNotWorkbook},
	} {
		rep := w.source(t, tt.src, tt.o)
		if rep.FileError == nil || rep.FileError.Key != tt.want || rep.Conversations != 0 {
			t.Errorf("%s: %+v", tt.name, rep.FileError)
		}
	}
	if n := dbtest.Count(t, d, &conversation.Conversation{}); n != 0 {
		t.Errorf("%d conversations", n)
	}
}
