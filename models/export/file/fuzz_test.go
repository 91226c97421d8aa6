package file_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"qingdang/models/export/file"
)

// Whatever somebody wrote, each file stays whole and has the same rows.
func FuzzTexts(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	f.Add("-5")
	f.Fuzz(func(t *testing.T, s string) {
		list := []file.Conversation{{Code: s, Department: s, Tags: []string{s}, CustomerName: s, Messages: []file.Message{{ID: s, Sender: s, SenderName: s, Kind: s, Text: s, Attachment: s}, {Text: "end"}}}}
		table, _ := write(t, file.CSV, options, list)
		rows := readCSV(t, table)
		if len(rows) != 3 || rows[2][column(t, rows[0], "消息内容")] != "end" {
			t.Errorf("csv: %q", rows)
		}
		for _, cell := range rows[1] {
			if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
				continue // a negative number is one
			}
			if cell != "" && strings.ContainsAny("=+-@＝＋－＠\t\r\n\x00", string([]rune(cell)[0])) {
				t.Errorf("csv: cell %q", cell)
			}
		}
		lines, _ := write(t, file.JSONL, options, list)
		if !json.Valid(lines) || bytes.Count(lines, []byte("\n")) != 1 {
			t.Errorf("jsonl: %q", lines)
		}
		sheets, _ := write(t, file.XLSX, options, list)
		z, err := zip.NewReader(bytes.NewReader(sheets), int64(len(sheets)))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range z.File {
			wellFormed(t, part)
		}
	})
}

func wellFormed(t *testing.T, part *zip.File) {
	t.Helper()
	r, err := part.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for d := xml.NewDecoder(r); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", part.Name, err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "f" {
			t.Errorf("%s: a formula", part.Name)
		}
	}
}
