package conversation

import (
	"encoding/json"
	"reflect"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

var aText = rapid.OneOf(
	rapid.Just(""), rapid.StringOf(rapid.SampledFrom([]rune("退款,a\"\\/<>&{}[]:\n\t\x00\u2028\u200b😀\ufffd"))),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }),
)

func aDocument(t *rapid.T) *Document {
	text := func(of string) string { return aText.Draw(t, of) }
	d := &Document{ExternalID: text("e"), CustomerID: text("c"), CustomerName: text("n"), OrderNo: text("o")}
	for range rapid.IntRange(0, 4).Draw(t, "messages") {
		d.Messages = append(d.Messages, Message{
			ID: text("i"), Sender: Sender(text("s")), SenderName: text("w"), At: Micros(rapid.Int64().Draw(t, "t")), Kind: text("k"),
			Text: text("x"), Attachment: text("a"), Recalled: rapid.Bool().Draw(t, "r"),
		})
	}
	return d
}

// A document is read by hand for speed. Nothing may come of it that the general decoder does not say, and what
// encode writes must not be left to that one.
func TestADocumentIsReadAsTheGeneralDecoderDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := aDocument(t)
		plain, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := readDocument(plain); !ok && d.Messages != nil {
			t.Errorf("not read: %q", plain)
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			from := rapid.IntRange(0, len(plain)-1).Draw(t, "from")
			piece := rapid.SampledFrom([]string{"", `"`, `\`, `\u`, `\ud800`, "0", "-", "1e3", ".5", ",", "{", "}", "]", " ", "\n", "\x80", "null", `"x":"y",`, `"r":false`, `,"r":true`, string(plain[from:])}).Draw(t, "piece")
			to := min(len(plain), from+rapid.IntRange(0, 12).Draw(t, "length"))
			plain = append(append(append([]byte{}, plain[:from]...), piece...), plain[to:]...)
			if len(plain) == 0 {
				break
			}
		}
		var want Document
		err = jsonv2.Unmarshal(plain, &want)
		got, ok := readDocument(plain)
		switch {
		case ok && err != nil:
			t.Errorf("%q is read, and is malformed: %v", plain, err)
		case ok && !reflect.DeepEqual(got, &want):
			t.Errorf("%q is read as\n%+v\nand means\n%+v", plain, got, &want)
		}
	})
}

func BenchmarkReadDocument(b *testing.B) {
	d := &Document{ExternalID: "b-1-000000001", CustomerID: "tb12345678", CustomerName: "张三", OrderNo: "2012345600000001"}
	for range 16 {
		d.Messages = append(d.Messages, Message{ID: "1", Sender: FromCustomer, At: 1_700_000_000_000_000, Kind: "text", Text: "我要退款，订单已经发出来了吗？麻烦帮我看一下物流信息"})
	}
	plain, err := json.Marshal(d)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			readDocument(plain)
		}
	})
	b.Run("general", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d Document
			_ = jsonv2.Unmarshal(plain, &d)
		}
	})
}
