package format

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestScatteredConversationsComeTogether compares with a plain model that keeps everything in
// memory: shuffled rows, equal times, copies, many conversations, and a budget that forces runs.
func TestScatteredConversationsComeTogether(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	type line struct {
		conv, id, text string
		at             time.Time
	}
	var file strings.Builder
	file.WriteString(head)
	var lines []line
	for i := range 3000 {
		l := line{
			conv: fmt.Sprint("C", rnd.IntN(40)), id: fmt.Sprint(rnd.IntN(120)), text: fmt.Sprint("文 ", i),
			at: time.Date(2024, 8, 1, 10, 0, rnd.IntN(600), 0, china),
		}
		if rnd.IntN(5) == 0 {
			l.id = ""
		}
		lines = append(lines, l)
		fmt.Fprintf(&file, "QQ,%s,%s,客户,%s,文本,%s,,\n", l.conv, l.id, l.at.Format(time.DateTime), l.text)
	}
	model := make(map[string][]line)
	seenIDs := make(map[string]bool)
	for _, l := range lines {
		key := l.conv + "/" + l.id
		if l.id != "" && seenIDs[key] {
			continue
		}
		seenIDs[key] = true
		model[l.conv] = append(model[l.conv], l)
	}
	rep, seen := readAll(t, text("a.csv", file.String()), Options{TempDir: t.TempDir(), Limits: Limits{MemoryBytes: 4096}})
	orderly(t, rep, seen)
	if len(seen) != len(model) {
		t.Fatalf("%d conversations, want %d", len(seen), len(model))
	}
	kept := 0
	for _, c := range seen {
		want := model[c.ExternalID]
		kept += len(want)
		slices.SortStableFunc(want, func(a, b line) int { return a.at.Compare(b.at) })
		var got []line
		for _, m := range c.Messages {
			got = append(got, line{c.ExternalID, m.ID, m.Text, m.At.In(china)})
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s differs:\n%v\n%v", c.ExternalID, got, want)
		}
	}
	if rep.Duplicates != len(lines)-kept {
		t.Errorf("%d duplicates, want %d", rep.Duplicates, len(lines)-kept)
	}
}

func TestAConversationHasACap(t *testing.T) {
	body := head
	for i := range 10 {
		body += fmt.Sprintf("QQ,A,%d,客户,2024-08-01 10:00:%02d,文本,%s,,\n", i, 59-i, strings.Repeat("x", 1000))
	}
	body += "QQ,A,3,客户,2024-08-01 10:00:00,文本,again,,\nQQ,B,3,客户,2024-08-01 10:00:00,文本,x,,\n"
	rep, _ := readAll(t, text("a.csv", body), Options{Limits: Limits{MaxConversationMessages: 4, MaxRejectDetails: 2}})
	if got, want := outcome(rep), "c2 m5 d1 e0 r6 R0 conversation_full conversation_full"; got != want || rep.RejectsMore != 4 {
		t.Errorf("got %s and %d more, want %s", got, rep.RejectsMore, want)
	}
	if rep.Rejects[0].Line != 6 {
		t.Errorf("first surplus is in line %d, want 6", rep.Rejects[0].Line)
	}
	rep, _ = readAll(t, text("a.csv", body), Options{Limits: Limits{MaxConversationBytes: 3300}})
	if rep.Messages != 4 || rep.Rejected != 8 {
		t.Errorf("by size: %s", outcome(rep))
	}
}

func TestLimitsOfAFile(t *testing.T) {
	src := text("a.csv", head+row1+row2)
	for _, tt := range []struct {
		limits Limits
		want   string
	}{
		{Limits{MaxBytes: 20}, FileTooLarge},
		{Limits{MaxRows: 1}, FileTooManyRows},
		{Limits{MaxRows: 2}, "c1 m2 d0 e0 r0 R0"},
		{Limits{MaxMessageChars: 1}, "c1 m2 d0 e0 r0 R0"},
	} {
		rep, seen := readAll(t, src, Options{Limits: tt.limits})
		if got := outcome(rep); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.limits, got, tt.want)
		}
		if rep.FileError != nil && (len(seen) > 0 || rep.Messages+rep.Rejected+rep.Events > 0) {
			t.Errorf("%+v: something was taken from a file that cannot be read", tt.limits)
		}
	}
}

func TestMetadataIsGatheredFromAllRows(t *testing.T) {
	body := "会话ID,发送方,时间,内容,客服,客户,部门,标签,订单号,服务类型\n" +
		"A,客户,2024-08-01 10:00:00,一,,王,,大促；退换货,,\n" +
		"A,客服,2024-08-01 10:00:01,二,小清,,甲/乙,\"发票,大促\",77,售后\n"
	_, seen := readAll(t, text("a.csv", body), Options{DefaultPlatform: "ctrip"})
	c := *seen[0]
	c.Messages = nil
	want := Conversation{
		Platform: "ctrip", ExternalID: "A", AgentName: "小清", CustomerName: "王", DepartmentPath: "甲/乙",
		Tags: []string{"大促", "退换货", "发票"}, OrderNo: "77", ServiceType: "售后", Position: Position{Line: 2},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	line := `{"platform":"qq","external_id":"y","department_id":"D1","department":"甲","agent":{"id":"a","name":"清"},` +
		`"customer":{"id":"c","nick":"阿离"},"service_type":"咨询","tags":["一","一"," "],"order_no":"9","order_state":"open",` +
		`"messages":[{"sender":"system","at":"2024-01-01T00:00:00Z","text":" 不改 "}]}`
	_, seen = readAll(t, text("a", line), Options{})
	want = Conversation{
		Platform: "qq", ExternalID: "y", DepartmentCode: "D1", DepartmentPath: "甲", AgentID: "a", AgentName: "清",
		CustomerID: "c", CustomerName: "阿离", ServiceType: "咨询", Tags: []string{"一"}, OrderNo: "9", OrderState: "open",
		Messages: []Message{{Sender: System, At: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Kind: "text", Text: " 不改 ", pos: Position{Line: 1, Item: 1}}},
		Position: Position{Line: 1},
	}
	if !reflect.DeepEqual(*seen[0], want) {
		t.Errorf("got  %+v\nwant %+v", *seen[0], want)
	}
}

func TestLongIDsStayDifferent(t *testing.T) {
	long := strings.Repeat("号", 300)
	a, b := boundID(long+"a"), boundID(long+"b")
	if a == b || len(a) > maxIDChars || len(b) > maxIDChars {
		t.Errorf("ids of %d and %d bytes", len(a), len(b))
	}
}

func TestReadingStopsWhenAsked(t *testing.T) {
	body := head + strings.Repeat(row1, 50_000)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Read(ctx, text("a.csv", body), Options{Progress: func(done, total int64) {
		if total != int64(len(body)) || done > total {
			t.Errorf("progress %d of %d", done, total)
		}
		cancel()
	}}, func(*Conversation) error { t.Error("the sink was called"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	stop := errors.New("stop")
	if _, err := Read(t.Context(), text("a.csv", head+row1), Options{}, func(*Conversation) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("err = %v", err)
	}
	if _, err := Read(t.Context(), Source{Name: "a.csv", Body: brokenDisk{}, Size: 99}, Options{}, nil); !errors.Is(err, errDisk) {
		t.Errorf("err = %v", err)
	}
	zip := Source{Name: "a.xlsx", Body: brokenDisk{head: []byte("PK\x03\x04")}, Size: 4096}
	if _, err := Read(t.Context(), zip, Options{}, nil); !errors.Is(err, errDisk) {
		t.Errorf("err = %v", err)
	}
}

var errDisk = errors.New("disk")

// brokenDisk reads its head once and then fails.
type brokenDisk struct{ head []byte }

func (d brokenDisk) ReadAt(b []byte, off int64) (int, error) {
	if d.head != nil && off == 0 {
		return copy(b, bytes.Repeat(d.head, 1+len(b)/len(d.head))), nil
	}
	return 0, errDisk
}
