package file_test

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"qingdang/models/export/file"
)

// talk is a conversation of n messages.
func talk(n int) file.Conversation {
	c := file.Conversation{Code: "C-20251019-QN-3F7K2M9A", Department: "云栖优品集团/第1事业部", Platform: "qianniu", State: "active", StartedAt: day(9, 0, 0), LastAt: day(10, 0, 0)}
	for i := range n {
		c.Messages = append(c.Messages, file.Message{
			ID: "m", At: day(9, 0, 0).Add(time.Duration(i) * time.Second), Sender: []string{"customer", "agent"}[i%2], SenderName: "杨帆", Kind: "text",
			Text: strings.Repeat("您好，请问这件羽绒服还有货吗？", 1+i%3),
		})
	}
	return c
}

// heap is the most live heap there was after a conversation, above what there was before.
func heap(t testing.TB, f file.Format, c file.Conversation, times int) uint64 {
	t.Helper()
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := live(), uint64(0)
	w, err := file.New(f, io.Discard, options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range times {
		if err := w.Add(&c); err != nil {
			t.Fatal(err)
		}
		if i%max(1, times/5) == times/5-1 {
			most = max(most, live())
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(c)
	if most < before {
		return 0
	}
	return most - before
}

// Ten times as much takes no more memory: 100,000 messages as 5,000 conversations.
func TestMemoryStaysFlat(t *testing.T) {
	for _, f := range []file.Format{file.CSV, file.JSON, file.JSONL, file.XLSX} {
		small, large := heap(t, f, talk(20), 500), heap(t, f, talk(20), 5000)
		t.Logf("%s: %d kB for 10,000 messages, %d kB for 100,000", f, small>>10, large>>10)
		if large > small+1<<20 {
			t.Errorf("%s: %d kB for 10,000 messages, %d kB for 100,000", f, small>>10, large>>10)
		}
	}
}

// A part of a PDF stays in memory, so it has a limit, and that limit fits.
func TestTheLargestPartOfAPDFFitsMemory(t *testing.T) {
	n := file.Limit(file.PDF)
	most := heap(t, file.PDF, talk(file.Messages(file.PDF)/n), n)
	t.Logf("%d MB", most>>20)
	if most > 96<<20 {
		t.Errorf("%d MB", most>>20)
	}
}

func BenchmarkMessages(b *testing.B) {
	c := talk(20)
	for _, f := range file.Formats {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			w, err := file.New(f, io.Discard, options)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				if err := w.Add(&c); err != nil {
					b.Fatal(err)
				}
				if n += 20; f == file.PDF && n >= file.Messages(f) {
					if _, err := w.Close(); err != nil {
						b.Fatal(err)
					}
					w, n = must(file.New(f, io.Discard, options)), 0
				}
			}
			b.ReportMetric(float64(20*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

func must(w file.Writer, err error) file.Writer {
	if err != nil {
		panic(err)
	}
	return w
}
