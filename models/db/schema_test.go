package db_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// Both engines must have the same tables, columns and unique keys, or a test on one would say
// nothing about the other.
func TestBothEnginesHaveOneSchema(t *testing.T) {
	lite := describe(t, db.SQLite, sqliteColumns, sqliteUniques)
	maria := describe(t, db.MySQL, mariaColumns, mariaUniques)
	if len(lite) < 40 {
		t.Fatalf("only %d facts about the schema were found", len(lite))
	}
	for _, f := range slices.Sorted(maps.Keys(lite)) {
		if !maria[f] {
			t.Errorf("only SQLite has %s", f)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(maria)) {
		if !lite[f] {
			t.Errorf("only MySQL has %s", f)
		}
	}
}

// A foreign key's cascade removes rows past the triggers that keep what a legal hold covers (M17).
// There is no foreign key at all.
func TestNoRowGoesByACascade(t *testing.T) {
	files, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(strings.ToUpper(string(text))) {
			if !strings.HasPrefix(line, "--") && (strings.Contains(line, "CASCADE") || strings.Contains(line, "REFERENCES") || strings.Contains(line, "FOREIGN KEY")) {
				t.Errorf("%s: %s", f, line)
			}
		}
	}
}

func TestBothEnginesHaveTheTriggers(t *testing.T) {
	for engine, query := range map[string]string{
		db.SQLite: "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
		db.MySQL:  "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND event_manipulation = 'DELETE' AND action_timing = 'BEFORE' ORDER BY trigger_name",
	} {
		var names []string
		d := dbtest.Open(t, engine, nil)
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Raw(query).Scan(&names).Error }); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"conversation_body_held", "conversation_held", "conversation_key_held"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s has the triggers %v, not %s", engine, names, want)
			}
		}
	}
}

const (
	sqliteColumns = `SELECT m.name AS t, p.name AS c, p."notnull" AS n FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`
	mariaColumns  = `SELECT table_name AS t, column_name AS c, is_nullable = 'NO' AS n FROM information_schema.columns WHERE table_schema = DATABASE()`
	sqliteUniques = `SELECT m.name AS t, i.name AS k, c.name AS c FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
		WHERE m.type = 'table' AND i."unique" = 1 ORDER BY m.name, i.name, c.seqno`
	mariaUniques = `SELECT table_name AS t, index_name AS k, column_name AS c FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND non_unique = 0 ORDER BY table_name, index_name, seq_in_index`
)

func describe(t *testing.T, engine, columns, uniques string) map[string]bool {
	t.Helper()
	facts := map[string]bool{}
	d := dbtest.Open(t, engine, nil)
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		var cols []struct{ T, C string }
		if err := tx.Raw(columns).Scan(&cols).Error; err != nil {
			return err
		}
		for _, c := range cols {
			if ours(c.T) {
				facts[fmt.Sprintf("column %s.%s", c.T, c.C)] = true
			}
		}
		var keys []struct{ T, K, C string }
		if err := tx.Raw(uniques).Scan(&keys).Error; err != nil {
			return err
		}
		byKey := map[[2]string][]string{}
		for _, k := range keys {
			if ours(k.T) {
				byKey[[2]string{k.T, k.K}] = append(byKey[[2]string{k.T, k.K}], k.C)
			}
		}
		for k, cs := range byKey {
			// A single-column number key is the row's own id in SQLite and has no index there.
			if len(cs) > 1 || cs[0] != "id" && cs[0] != "n" && cs[0] != "idx" && cs[0] != "size" {
				facts[fmt.Sprintf("unique %s(%s)", k[0], strings.Join(cs, ","))] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func ours(table string) bool {
	return !strings.HasPrefix(table, "goose_") && !strings.HasPrefix(table, "seed_of_")
}
