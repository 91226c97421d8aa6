package format

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"qingdang/models/db/dbtest"
)

// readAll reads src and gives what the sink saw.
func readAll(t testing.TB, src Source, opt Options) (Report, []*Conversation) {
	t.Helper()
	var seen []*Conversation
	rep, err := Read(t.Context(), src, opt, func(c *Conversation) error {
		seen = append(seen, c)
		return nil
	})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return rep, seen
}

func readFile(t testing.TB, path string, opt Options) (Report, []*Conversation) {
	t.Helper()
	src, closer, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	return readAll(t, src, opt)
}

type expectation struct {
	Conversations int  `json:"conversations"`
	Messages      int  `json:"messages"`
	Duplicates    int  `json:"duplicates"`
	Events        int  `json:"events"`
	Rejected      int  `json:"rejected"`
	Recalled      int  `json:"recalled"`
	FileError     bool `json:"file_error"`
}

func counts(r Report) expectation {
	return expectation{r.Conversations, r.Messages, r.Duplicates, r.Events, r.Rejected, r.Recalled, r.FileError != nil}
}

var specimenFormats = map[string]string{
	"wecom/chat_archive.jsonl":          WeCom,
	"dingtalk/robot_callback.jsonl":     DingTalk,
	"wechat/memotrace_contact_utf8.csv": WeChat,
	"wechat/memotrace_contact.xlsx":     WeChat,
	"qq/message_manager_export.txt":     QQ,
	"qianniu/wangwang_chatlog_get.json": Qianniu,
	"sobot/unread_push.jsonl":           Sobot,
	"generic/generic_utf8_bom.csv":      Table,
	"generic/generic_gb18030.csv":       Table,
	"generic/generic.xlsx":              Table,
	"neutral/conversations.jsonl":       Neutral,
}

func TestEverySpecimenGivesTheExpectedCountsInMemoryAndFromDisk(t *testing.T) {
	raw, err := os.ReadFile(dbtest.Shared(t, "formats/expectations.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]expectation
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < len(specimenFormats) {
		t.Fatalf("%d expectations, want at least %d", len(want), len(specimenFormats))
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			path := dbtest.Shared(t, "formats/"+name)
			for _, named := range []string{Auto, specimenFormats[name]} {
				rep, memory := readFile(t, path, Options{Format: named})
				if got := counts(rep); got != w {
					t.Errorf("%s: counts = %+v, want %+v (%v %v)", named, got, w, rep.FileError, rep.Rejects)
				}
				if rep.Format != specimenFormats[name] {
					t.Errorf("%s: found %q, want %q", named, rep.Format, specimenFormats[name])
				}
				again, disk := readFile(t, path, Options{Format: named, TempDir: t.TempDir(), Limits: Limits{MemoryBytes: 2048}})
				if !reflect.DeepEqual(rep, again) {
					t.Errorf("%s: the report differs when fragments lie on disk: %+v and %+v", named, rep, again)
				}
				if !reflect.DeepEqual(memory, disk) {
					t.Errorf("%s: the conversations differ when fragments lie on disk", named)
				}
				orderly(t, rep, memory)
			}
		})
	}
}

// orderly checks what every sink may rely on.
func orderly(t *testing.T, rep Report, seen []*Conversation) {
	t.Helper()
	messages := 0
	for i, c := range seen {
		if len(c.Messages) == 0 || c.Platform == "" || c.ExternalID == "" {
			t.Errorf("conversation %d is incomplete: %q %q, %d messages", i, c.Platform, c.ExternalID, len(c.Messages))
			continue
		}
		messages += len(c.Messages)
		for j := 1; j < len(c.Messages); j++ {
			if c.Messages[j].At.Before(c.Messages[j-1].At) {
				t.Errorf("conversation %d: message %d is earlier than the one before", i, j)
			}
		}
		if i > 0 && c.Messages[0].At.Before(seen[i-1].Messages[0].At) {
			t.Errorf("conversation %d begins before the one before", i)
		}
	}
	if len(seen) != rep.Conversations || messages != rep.Messages {
		t.Errorf("sink saw %d conversations and %d messages, report says %d and %d", len(seen), messages, rep.Conversations, rep.Messages)
	}
}
