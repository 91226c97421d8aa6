package db_test

import (
	"slices"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestNumbersOfAListAreThoseInIt(t *testing.T) {
	var many, holes []uint64
	for n := range uint64(2000) {
		many = append(many, 3*n)
		if n%6 != 5 {
			holes = append(holes, n)
		}
	}
	tests := []struct {
		name   string
		values []uint64
		want   string // "" where it is long
	}{
		{"none", nil, "1 = 0"},
		{"one", []uint64{7}, "(n IN (7))"},
		{"three in a row", []uint64{7, 8, 9}, "(n IN (7,8,9))"},
		{"a row", []uint64{7, 8, 9, 10}, "(n BETWEEN 7 AND 10)"},
		{"rows and others", []uint64{1, 7, 8, 9, 10, 12, 20, 21, 22, 23, 24}, "(n BETWEEN 7 AND 10 OR n BETWEEN 20 AND 24 OR n IN (1,12))"},
		{"in no order", []uint64{5, 4, 3, 2, 1, 0}, "(n IN (5,4,3,2,1,0))"},
		{"the greatest", []uint64{1<<63 - 4, 1<<63 - 3, 1<<63 - 2, 1<<63 - 1}, "(n BETWEEN 9223372036854775804 AND 9223372036854775807)"},
		{"thousands alone", many, ""},
		{"hundreds of rows", holes, ""},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		dbtest.Exec(t, d, "CREATE TABLE numbered (n BIGINT PRIMARY KEY)")
		t.Cleanup(func() { dbtest.Exec(t, d, "DROP TABLE numbered") })
		for _, tt := range tests {
			where := db.In("n", tt.values)
			if tt.want != "" && where != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, where, tt.want)
			}
			var in, out []uint64
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				tx.Exec("DELETE FROM numbered")
				var rows []map[string]any
				for n := range uint64(2100) {
					rows = append(rows, map[string]any{"n": n})
				}
				rows = append(rows, map[string]any{"n": uint64(1<<63 - 5)}, map[string]any{"n": uint64(1<<63 - 4)}, map[string]any{"n": uint64(1<<63 - 1)})
				tx.Table("numbered").Create(rows)
				tx.Table("numbered").Where(where).Order("n").Pluck("n", &in)
				return tx.Table("numbered").Where("NOT "+where).Pluck("n", &out).Error
			})
			var want []uint64
			for _, n := range slices.Sorted(slices.Values(tt.values)) {
				if n < 2100 || n == 1<<63-4 || n == 1<<63-1 {
					want = append(want, n)
				}
			}
			if err != nil || !slices.Equal(in, want) || len(in)+len(out) != 2103 {
				t.Errorf("%s: %d in, %d out, %v", tt.name, len(in), len(out), err)
			}
		}
	})
}
