package conversation_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"unicode"
	"unicode/utf8"

	"qingdang/models/conversation"
	"qingdang/models/db"
)

// pair is two ideographs side by side.
type pair [6]byte

// pairs are those that were said in some conversation, and those that stand in the clear: in names and tags.
type pairs struct{ said, clear map[pair]bool }

func (p *pairs) note(n *conversation.New) {
	for _, text := range append([]string{n.Platform, n.ServiceType, n.AgentID, n.AgentName}, n.Tags...) {
		each([]byte(text), func(two pair) { p.clear[two] = true })
	}
	for _, one := range n.Document.Messages {
		each([]byte(one.Text), func(two pair) { p.said[two] = true })
	}
	each([]byte(n.Document.CustomerName), func(two pair) { p.said[two] = true })
}

// each finds the pairs of ideographs anywhere in bytes.
func each(raw []byte, f func(pair)) {
	for i := 0; i+len(pair{}) <= len(raw); i++ {
		if raw[i] < 0xe3 || raw[i] > 0xe9 {
			continue // most bytes begin none
		}
		first, n := utf8.DecodeRune(raw[i:])
		second, _ := utf8.DecodeRune(raw[i+n:])
		if n == 3 && unicode.Is(unicode.Han, first) && unicode.Is(unicode.Han, second) && second <= 0xffff {
			f(pair(raw[i:]))
		}
	}
}

// quiet lets the process write its log and its temporary files where unreadable looks, and notes what an empty
// database has in the clear.
func (m *mirror) quiet() {
	m.t.Helper()
	m.pairs = pairs{said: map[pair]bool{}, clear: map[pair]bool{}}
	dir := m.t.TempDir()
	m.t.Setenv("TMPDIR", dir)
	file, err := os.Create(filepath.Join(dir, "process.log"))
	if err != nil {
		m.t.Fatal(err)
	}
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug})))
	m.t.Cleanup(func() {
		slog.SetDefault(old)
		file.Close()
	})
	m.stored(func(_ string, raw []byte) { each(raw, func(two pair) { m.pairs.clear[two] = true }) })
	each([]byte("演员"), func(two pair) { m.pairs.clear[two] = true }) // who asks
}

// stored gives everything that can be read without a key: each value of each table, the database's files where they are
// the test's own, the key store, the log and what lies in the temporary folder.
func (m *mirror) stored(f func(where string, raw []byte)) {
	m.t.Helper()
	err := m.d.Read(m.t.Context(), func(tx *db.Tx) error {
		list := "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
		if m.settings.File != "" {
			list = "SELECT name FROM sqlite_master WHERE type = 'table'"
		}
		var tables []string
		err := tx.Raw(list).Scan(&tables).Error
		for _, table := range tables {
			if err == nil {
				err = values(tx, table, f)
			}
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	folders := []string{m.s.Vault.Store.Dir(), os.TempDir()}
	if m.settings.File != "" {
		folders = append(folders, filepath.Dir(m.settings.File))
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			f(path, raw)
			return err
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

func values(tx *db.Tx, table string, f func(where string, raw []byte)) error {
	rows, err := tx.Table(table).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, into := make([][]byte, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, raw := range row {
			f(table+"."+columns[i], raw)
		}
	}
	return rows.Err()
}

// unreadable makes sure that no two ideographs which stood side by side in any conversation, be it destroyed by now,
// stand so anywhere outside of it.
func (m *mirror) unreadable() {
	m.t.Helper()
	found, clear := map[pair]string{}, 0
	m.stored(func(where string, raw []byte) {
		each(raw, func(two pair) {
			if m.pairs.clear[two] {
				clear++
			} else if m.pairs.said[two] {
				found[two] = where
			}
		})
	})
	if clear == 0 {
		m.t.Error("not even tags were found: the scan looks in the wrong place")
	}
	if len(found) > 1 { // one may stand in ciphertext by chance
		for two, where := range found {
			m.t.Errorf("%d of %d pairs are readable, %s in %s", len(found), len(m.pairs.said), two, where)
			break
		}
	}
	m.t.Logf("%d pairs of ideographs that were said stand nowhere in the clear", len(m.pairs.said))
}
