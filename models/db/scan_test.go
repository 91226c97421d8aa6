package db_test

import (
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestNumbersAndWordsAreScanned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		type name string
		scan := func(query string, to any) error {
			return d.Read(t.Context(), func(tx *db.Tx) error {
				rows, err := tx.Raw(query).Rows()
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					if err := rows.Scan(to); err != nil {
						return err
					}
				}
				return rows.Err()
			})
		}
		var small uint32
		var whole int
		var large uint64
		var word name
		for query, to := range map[string]any{
			"SELECT 4294967295": db.Number(&small), "SELECT -7": db.Number(&whole), "SELECT 9223372036854775807": db.Number(&large), "SELECT 'a' UNION ALL SELECT 'b'": db.Word(&word),
		} {
			if err := scan(query, to); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
		if small != 1<<32-1 || whole != -7 || large != 1<<63-1 || word != "b" {
			t.Errorf("%d, %d, %d, %q", small, whole, large, word)
		}
		if err := scan("SELECT NULL", db.Number(&whole)); err != nil || whole != 0 {
			t.Errorf("NULL: %d, %v", whole, err)
		}
		for query, to := range map[string]any{
			"SELECT 4294967296": db.Number(&small), "SELECT -1": db.Number(&large), "SELECT 'x'": db.Number(&whole), "SELECT NULL": db.Word(&word), "SELECT 1": db.Word(&word),
		} {
			if err := scan(query, to); err == nil {
				t.Errorf("%s was scanned", query)
			}
		}
	})
}
