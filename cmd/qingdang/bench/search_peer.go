package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"qingdang/models/conversation"
	"qingdang/models/id"
)

// The peers of search hold everything in the clear, in a database of their own: a table to look
// through with LIKE, and copies of it with a full text index. They know two filters, which are
// enough for the comparison of words.
type textPeer struct {
	name  string
	table string
	note  string // what it is, for the report
	// where gives the condition that finds a word.
	where func(word string) (string, any)
	built time.Duration
	bytes int64 // of its index alone
}

const plainTable = "plain"

// The index (last_at, id) serves a page of the newest, (l2, last_at, id) one of a division.
const plainColumns = "id BIGINT UNSIGNED NOT NULL PRIMARY KEY, last_at DATETIME(6) NOT NULL, l2 BIGINT UNSIGNED NOT NULL, body LONGTEXT NOT NULL, KEY at (last_at, id), KEY division (l2, last_at, id)"

func textPeers() []*textPeer {
	return []*textPeer{
		{
			name: "LIKE", table: plainTable, note: "body LIKE '%word%' on plaintext rows, binary collation",
			where: func(w string) (string, any) { return "body LIKE ?", "%" + w + "%" },
		},
		{
			name: "FULLTEXT", table: "fulltext_rows",
			note:  "InnoDB FULLTEXT on plaintext pairs of characters, its built-in parser (MariaDB has none for n-grams, so every pair is spelled as a word of its own), phrases in Boolean mode, index built after the rows",
			where: func(w string) (string, any) { return "MATCH(body) AGAINST(? IN BOOLEAN MODE)", `"` + pairs(w) + `"` },
		},
		{
			name: "Mroonga", table: "mroonga_rows",
			note:  "Mroonga in storage mode, TokenBigram, phrases in Boolean mode, index built after the rows",
			where: func(w string) (string, any) { return "MATCH(body) AGAINST(? IN BOOLEAN MODE)", `"` + w + `"` },
		},
	}
}

// pairs spells text for a parser that knows words only: 退款单 as u9000u6b3e u6b3eu5355. Digits stay
// words; a word of its own stands where anything separates.
func pairs(text string) string {
	var b strings.Builder
	var before rune
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			if before != '0' {
				b.WriteString(" n")
			}
			b.WriteRune(r)
			before = '0'
			continue
		case !unicode.Is(unicode.Han, r):
			b.WriteString(" xxxx")
			r = 0
		case before != 0 && before != '0':
			fmt.Fprintf(&b, " u%04xu%04x", before, r)
		}
		before = r
	}
	return strings.TrimSpace(b.String())
}

// plain is the database of the peers.
type plain struct {
	server  *server
	peers   []*textPeer
	plugged bool // Mroonga was loaded for this
}

const plainDatabase = "plain"

// newPlain makes the tables that are filled beside the product's.
func newPlain(ctx context.Context, s *server, peers []*textPeer) (*plain, error) {
	if err := s.fresh(ctx, plainDatabase); err != nil {
		return nil, err
	}
	p := &plain{server: s, peers: peers}
	return p, p.do(ctx, "CREATE TABLE plain ("+plainColumns+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
}

// do runs statements in the peers' database.
func (p *plain) do(ctx context.Context, statements ...string) error {
	c, err := p.server.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, do := range append([]string{"USE " + p.server.own + plainDatabase}, statements...) {
		if _, err := c.ExecContext(ctx, do); err != nil {
			return err
		}
	}
	return nil
}

// insert copies stored conversations.
func (p *plain) insert(ctx context.Context, batch []conversation.New, as []conversation.Outcome, division func(id.Department) id.Department) error {
	rows, args := make([]string, len(batch)), make([]any, 0, 4*len(batch))
	for i := range batch {
		d := &batch[i].Document
		rows[i] = "(?,?,?,?)"
		args = append(args, uint64(as[i].ID), d.Messages[len(d.Messages)-1].At.Time(), uint64(division(batch[i].DepartmentID)), strings.Join(spoken(d), "\n"))
	}
	_, err := p.server.pool.ExecContext(ctx, "INSERT INTO "+p.server.own+plainDatabase+".plain VALUES "+strings.Join(rows, ","), args...)
	return err
}

// build makes the indexed copies. A peer that the server does not have is left out, with the reason.
func (p *plain) build(ctx context.Context, say func(string, ...any)) (missing map[string]string, err error) {
	missing = map[string]string{}
	var there []*textPeer
	for _, peer := range p.peers {
		from := time.Now()
		switch peer.name {
		case "FULLTEXT":
			err = p.buildFulltext(ctx, peer)
		case "Mroonga":
			if why := p.install(ctx); why != nil {
				missing[peer.name] = why.Error()
				say("%s is not there (Debian: apt-get install mariadb-plugin-mroonga): %v", peer.name, why)
				continue
			}
			err = p.buildMroonga(ctx, peer)
		}
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", peer.name, err)
		}
		peer.built = time.Since(from)
		if err := p.do(ctx, "ANALYZE TABLE "+peer.table); err != nil {
			return nil, err
		}
		there = append(there, peer)
		say("%s built in %.1f s", peer.name, peer.built.Seconds())
	}
	p.peers = there
	return missing, nil
}

// buildFulltext spells all texts anew, then has them indexed.
func (p *plain) buildFulltext(ctx context.Context, peer *textPeer) error {
	if err := p.do(ctx, "CREATE TABLE fulltext_rows ("+plainColumns+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"); err != nil {
		return err
	}
	own := p.server.own + plainDatabase
	for last := uint64(0); ; {
		rows, err := p.server.pool.QueryContext(ctx, "SELECT id, last_at, l2, body FROM "+own+".plain WHERE id > ? ORDER BY id LIMIT 500", last)
		if err != nil {
			return err
		}
		var values []string
		var args []any
		for rows.Next() {
			var at, body string
			var division uint64
			if err := rows.Scan(&last, &at, &division, &body); err != nil {
				return err
			}
			values, args = append(values, "(?,?,?,?)"), append(args, last, at, division, pairs(body))
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(values) == 0 {
			break
		}
		if _, err := p.server.pool.ExecContext(ctx, "INSERT INTO "+own+".fulltext_rows VALUES "+strings.Join(values, ","), args...); err != nil {
			return err
		}
	}
	if err := p.do(ctx, "ALTER TABLE fulltext_rows ADD FULLTEXT KEY words (body)"); err != nil {
		return err
	}
	var err error
	peer.bytes, err = p.files(ctx, "/FTS_*")
	return err
}

func (p *plain) buildMroonga(ctx context.Context, peer *textPeer) error {
	if err := p.do(ctx, "CREATE TABLE mroonga_rows ("+plainColumns+") ENGINE=Mroonga DEFAULT CHARSET=utf8mb4", "INSERT INTO mroonga_rows SELECT * FROM plain ORDER BY id", "FLUSH TABLES"); err != nil {
		return err
	}
	before, err := p.files(ctx, ".mrn*")
	if err != nil {
		return err
	}
	if err := p.do(ctx, `ALTER TABLE mroonga_rows ADD FULLTEXT KEY words (body) COMMENT 'tokenizer "TokenBigram"'`, "FLUSH TABLES"); err != nil {
		return err
	}
	after, err := p.files(ctx, ".mrn*")
	peer.bytes = after - before
	return err
}

// install loads Mroonga where the server has not.
func (p *plain) install(ctx context.Context) error {
	var n int
	if err := p.server.pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.engines WHERE engine = 'Mroonga'").Scan(&n); err != nil || n > 0 {
		return err
	}
	_, err := p.server.pool.ExecContext(ctx, "INSTALL SONAME 'ha_mroonga'")
	p.plugged = err == nil
	return err
}

// drop removes what newPlain and build made.
func (p *plain) drop(ctx context.Context) error {
	err := p.server.drop(ctx, plainDatabase)
	if p.plugged {
		_, e := p.server.pool.ExecContext(ctx, "UNINSTALL SONAME 'ha_mroonga'")
		err = errors.Join(err, e)
	}
	return err
}

// files tells how many bytes files of the peers' database take. It is 0 where the server's files are elsewhere.
func (p *plain) files(ctx context.Context, pattern string) (n int64, err error) {
	var dir string
	if err := p.server.pool.QueryRowContext(ctx, "SELECT @@datadir").Scan(&dir); err != nil {
		return 0, err
	}
	found, err := filepath.Glob(filepath.Join(dir, p.server.own+plainDatabase+pattern))
	for _, f := range found {
		var info syscall.Stat_t // Groonga's files have holes
		if syscall.Stat(f, &info) == nil {
			n += info.Blocks * 512
		}
	}
	return n, err
}

// find gives the newest page of the conversations with the word, as a console on plaintext would: the
// ids, then what was said in them, and how many there are in all.
func (p *plain) find(ctx context.Context, peer *textPeer, q *question) (a answer, err error) {
	cond, arg := peer.where(q.words)
	where, args := []string{cond}, []any{arg}
	if !q.filter.From.IsZero() {
		where, args = append(where, "last_at >= ? AND last_at < ?"), append(args, q.filter.From.UTC(), q.filter.To.UTC())
	}
	if q.division != 0 {
		where, args = append(where, "l2 = ?"), append(args, uint64(q.division))
	}
	own := p.server.own + plainDatabase + "."
	from := own + peer.table + " WHERE " + strings.Join(where, " AND ")
	began := time.Now()
	ids, _, err := p.list(ctx, "SELECT id, '' FROM "+from+" ORDER BY last_at DESC, id DESC LIMIT ?", append(slices.Clone(args), searchPage)...)
	if a.part = time.Since(began); err != nil {
		return a, fmt.Errorf("%s: %w", peer.name, err)
	}
	for _, c := range ids {
		a.ids = append(a.ids, id.Conversation(c.(uint64)))
	}
	if len(ids) > 0 {
		in := strings.TrimSuffix(strings.Repeat("?,", len(ids)), ",")
		if _, texts, err := p.list(ctx, "SELECT id, body FROM "+own+plainTable+" WHERE id IN ("+in+")", ids...); err != nil || texts == 0 {
			return a, fmt.Errorf("%s: read texts: %d bytes: %w", peer.name, texts, err)
		}
	}
	return a, p.server.pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+from, args...).Scan(&a.n)
}

// list gives ids, and how many bytes of text stood beside them.
func (p *plain) list(ctx context.Context, query string, args ...any) (ids []any, size int, err error) {
	rows, err := p.server.pool.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var c uint64
		var text string
		if err := rows.Scan(&c, &text); err != nil {
			return nil, 0, err
		}
		ids, size = append(ids, c), size+len(text)
	}
	return ids, size, rows.Err()
}
