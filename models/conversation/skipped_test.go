package conversation

import "testing"

// A number that no page has leads to the last that has one, and numbers end where walking down would take too long.
func TestWhereAPageOfANumberBegins(t *testing.T) {
	const many = 3_000_000
	for _, tt := range []struct {
		number, size int
		total, want  int64
	}{
		{0, 20, 45, 0},
		{1, 20, 45, 0},
		{-5, 20, 45, 0},
		{2, 20, 45, 20},
		{3, 20, 45, 40},
		{4, 20, 45, 40},
		{1 << 30, 20, 45, 40},
		{2, 20, 20, 0},
		{2, 20, 21, 20},
		{2, 20, 0, 0},
		{500, 20, many, 9980},
		{501, 20, many, 9980},
		{100, 100, many, 9900},
		{101, 100, many, 9900},
		{1000, 10, many, 9990},
		{1428, 7, many, 9989},
		{1429, 7, many, 9989}, // the next would end beyond
		{500, 20, 10_000, 9980},
		{501, 20, 10_001, 9980},
	} {
		q := Query{Number: tt.number, Size: tt.size}
		if got := q.skipped(&Page{Total: tt.total, Exact: true}); got != tt.want {
			t.Errorf("page %d of %d rows of %d begins behind %d, want %d", tt.number, tt.size, tt.total, got, tt.want)
		}
		if got := q.skipped(&Page{Total: tt.total}); got != 0 {
			t.Errorf("page %d of nobody knows how many begins behind %d", tt.number, got)
		}
	}
}
