package format

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"qingdang/models/db/dbtest"
)

// sane reads data and checks what no file may break.
func sane(t *testing.T, name string, data []byte) {
	src := Source{Name: name, Body: bytes.NewReader(data), Size: int64(len(data))}
	rep, seen := readAll(t, src, Options{TempDir: t.TempDir(), Limits: Limits{MemoryBytes: 1024, MaxUnpacked: 1 << 20}})
	if rep.FileError != nil && len(seen) > 0 {
		t.Errorf("a file that cannot be read gave %d conversations", len(seen))
	}
	orderly(t, rep, seen)
	for _, c := range seen {
		if !utf8.ValidString(c.ExternalID + c.Platform + c.AgentName + c.CustomerName) {
			t.Errorf("broken metadata: %+v", c)
		}
		for _, m := range c.Messages {
			if !utf8.ValidString(m.Text+m.ID+m.Kind+m.Attachment) || m.Sender == "" || m.At.Before(firstTime) {
				t.Errorf("broken message: %+v", m)
			}
		}
	}
	_, more := readAll(t, src, Options{Limits: Limits{MaxUnpacked: 1 << 20}})
	if len(more) != len(seen) {
		t.Errorf("%d conversations in memory, %d from disk", len(more), len(seen))
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(head + row1 + row2))
	f.Add([]byte(head + repl(row1, "一", "\"一\n二\"") + "\"x\n" + row2))
	f.Add([]byte(memo + "1,7,1,0,1,1716168605,2,好,2024-05-20 09:30:05\n"))
	f.Add([]byte(utf16(head + row1)))
	f.Fuzz(func(t *testing.T, data []byte) { sane(t, "a.csv", data) })
}

func FuzzJSONL(f *testing.F) {
	for _, s := range []string{wc1 + revoke1, dt1, sb1, neu, `{"a":"\`, `{"chatlog_get_response":{"ret":10000,"msgs":{"msg":{}}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sane(t, "a", data) })
}

func FuzzText(f *testing.F) {
	rule := strings.Repeat("=", 64)
	f.Add([]byte(qqHead + "\n" + rule + "\n消息分组:a\n" + rule + "\n消息对象:b\n" + rule + "\n2024-06-01 9:05:07 b\nx\n"))
	f.Fuzz(func(t *testing.T, data []byte) { sane(t, "a.txt", data) })
}

func FuzzSheet(f *testing.F) {
	f.Add(`<worksheet><sheetData>`+inlineRow("会话ID", "发送方", "时间", "内容")+inlineRow("A", "客户", "1722477600", "x")+`</sheetData></worksheet>`, `<sst/>`)
	f.Add(`<worksheet><row><c r="ZZZ9" t="s"><v>0</v></c></row></worksheet>`, `<sst><si><t>_x0041_</t></si></sst>`)
	f.Fuzz(func(t *testing.T, sheet, shared string) {
		b := zipped(t, "xl/_rels/workbook.xml.rels", relsPart, "xl/workbook.xml", bookPart, "xl/worksheets/sheet1.xml", sheet, "xl/sharedStrings.xml", shared)
		sane(t, "a.xlsx", b)
	})
}

func FuzzJSONWalk(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x\"",{"b":null}],"c":`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		guessJSON(data)
		v := value(data)
		_, _ = v.fields()
		_, _ = v.elements()
		_, _ = v.digits()
	})
}

func BenchmarkNeutral(b *testing.B) {
	src, closer, err := Open(dbtest.Shared(b, "formats/neutral/conversations.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer closer.Close()
	b.SetBytes(src.Size)
	for b.Loop() {
		rep, err := Read(b.Context(), src, Options{}, func(*Conversation) error { return nil })
		if err = errors.Join(err, asError(rep.FileError)); err != nil {
			b.Fatal(err)
		}
	}
}

func asError(e *FileError) error {
	if e == nil {
		return nil
	}
	return e
}
