package file_test

import (
	"errors"
	"io"
	"testing"

	"qingdang/models/export/file"
)

func TestNamesAreLettersAndDigits(t *testing.T) {
	for _, tt := range []struct {
		code        string
		part, parts int
		want        string
	}{
		{"EX-20261120-011", 1, 1, "qingdang-EX-20261120-011.csv"},
		{"EX-20261120-011", 7, 12, "qingdang-EX-20261120-011-007.csv"},
		{"../../etc/passwd", 1, 1, "qingdang-______etc_passwd.csv"},
		{"a\r\nSet-Cookie: x\"; 退款.exe", 1, 1, "qingdang-a__Set-Cookie__x______exe.csv"},
		{"", 1, 1, "qingdang-.csv"},
	} {
		if got := file.Name(tt.code, tt.part, tt.parts, file.CSV); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.code, got, tt.want)
		}
	}
}

func TestAnUnknownFormatIsRefused(t *testing.T) {
	if _, err := file.New("exe", io.Discard, options); err == nil || file.Format("exe").Valid() {
		t.Error("taken")
	}
	for _, f := range file.Formats {
		if !f.Valid() || file.Limit(f) < 1 || file.Messages(f) < file.Limit(f) {
			t.Errorf("%s", f)
		}
	}
}

// full takes so many bytes and is full then.
type full struct{ left int }

var errFull = errors.New("disk full")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// A file that could not be written never ends well.
func TestAFullDiskIsTold(t *testing.T) {
	for _, f := range file.Formats {
		whole, _ := write(t, f, options, sample())
		for _, room := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			w, err := file.New(f, &full{room}, options)
			list := sample()
			for i := 0; err == nil && i < len(list); i++ {
				err = w.Add(&list[i])
			}
			if err == nil {
				_, err = w.Close()
			}
			if !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d: %v", f, room, len(whole), err)
			}
		}
	}
}
