package file_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"qingdang/models/export/file"
	"qingdang/models/intake/format"
)

func TestJSONIsOneArrayAndKeepsEveryCharacter(t *testing.T) {
	for _, list := range [][]file.Conversation{nil, sample()} {
		b, sum := write(t, file.JSON, options, list)
		var back []struct {
			Code       string
			Unreadable bool
			Messages   []struct{ Text, Attachment string }
		}
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if len(back) != len(list) || sum.Conversations != len(list) || sum.Replaced != 0 {
			t.Errorf("%d conversations, %+v", len(back), sum)
		}
		for i, c := range back {
			if c.Code != list[i].Code || c.Unreadable != list[i].Unreadable || len(c.Messages) != len(list[i].Messages) || c.Messages == nil {
				t.Errorf("conversation %d: %+v", i, c.Code)
			}
			for k, m := range c.Messages {
				if want := strings.ToValidUTF8(list[i].Messages[k].Text, "\ufffd"); m.Text != want {
					t.Errorf("message %q came back as %q", want, m.Text)
				}
			}
		}
	}
}

// What went out comes in again through the importer, and is the same.
func TestJSONLComesBackThroughTheImporter(t *testing.T) {
	list := sample()
	list[0].ExternalID = "ext-1"
	b, _ := write(t, file.JSONL, options, list)
	if got := bytes.Count(b, []byte("\n")); got != len(list) {
		t.Errorf("%d lines", got)
	}
	var back []*format.Conversation
	rep, err := format.Read(t.Context(), format.Source{Name: "x.jsonl", Body: bytes.NewReader(b), Size: int64(len(b))}, format.Options{TempDir: t.TempDir()}, func(c *format.Conversation) error {
		back = append(back, c)
		return nil
	})
	if err != nil || rep.FileError != nil {
		t.Fatal(err, rep.FileError)
	}
	// The recalled message whose text was left out says nothing, and 24 attacks share one id; two
	// conversations have no messages.
	if rep.Format != format.Neutral || rep.Conversations != 3 || rep.Rejected != 1 || rep.Duplicates != len(attacks)-1 || rep.Recalled != 1 {
		t.Fatalf("%+v", rep)
	}
	got, want := back[0], list[0]
	if got.Platform != want.Platform || got.ExternalID != "ext-1" || got.DepartmentPath != want.Department || got.AgentID != want.AgentID || got.AgentName != want.AgentName ||
		got.CustomerID != want.CustomerID || got.CustomerName != want.CustomerName || got.ServiceType != want.ServiceType || got.OrderNo != want.OrderNo ||
		got.OrderState != want.OrderState || strings.Join(got.Tags, " ") != strings.Join(want.Tags, " ") {
		t.Errorf("%+v, want %+v", got, want)
	}
	if back[1].ExternalID != list[3].Code {
		t.Errorf("without an external id the code is one: %q", back[1].ExternalID)
	}
	left := append(append([]file.Message{}, want.Messages[:5]...), want.Messages[6:]...)
	if len(got.Messages) != len(left) {
		t.Fatalf("%d messages", len(got.Messages))
	}
	for i, m := range got.Messages {
		w := left[i]
		if m.ID != w.ID || string(m.Sender) != w.Sender || m.SenderName != w.SenderName || !m.At.Equal(w.At.Truncate(time.Microsecond)) || m.Kind != w.Kind || m.Text != w.Text ||
			m.Attachment != w.Attachment || m.Recalled != w.Recalled {
			t.Errorf("%+v, want %+v", m, w)
		}
	}
}
