package drill_test

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// gaveUp tells whether the database server ended, which MariaDB does on a disk where it cannot even write what it
// has to take back.
func (f *filling) gaveUp(err error) bool {
	return f.revive != nil && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn))
}

func (f *filling) gone() bool {
	return f.gaveUp(f.now.Read(f.ctx(), func(*db.Tx) error { return nil }))
}

// look is where for a database that may be away.
func (f *filling) look(p *planned) (r purge.Request, j job.Job, err error) {
	err = f.now.Read(f.ctx(), func(tx *db.Tx) error {
		if err := tx.Where("id = ?", p.ID).Take(&r).Error; err != nil {
			return err
		}
		return tx.Where("kind = ? AND subject = ?", purge.JobRun, p.ID).Order("id DESC").Take(&j).Error
	})
	return r, j, err
}

// consistent: while the disk is full, what is gone has its tombstone and is in the log, and nothing else is.
func (f *filling) consistent(p *planned) {
	f.t.Helper()
	var there []id.Conversation
	var stones, logged int64
	err := f.now.Read(f.ctx(), func(tx *db.Tx) error {
		if err := tx.Model(&conversation.Conversation{}).Pluck("id", &there).Error; err != nil {
			return err
		}
		if err := tx.Model(&conversation.Tombstone{}).Where("purge_id = ?", p.ID).Count(&stones).Error; err != nil {
			return err
		}
		return tx.Raw("SELECT COALESCE(SUM(item_count), 0) FROM audit_leaf WHERE action = 'purge.erased' AND object = ?", p.Code).Scan(&logged).Error
	})
	if f.gaveUp(err) {
		return // the end is looked at
	}
	f.must(err)
	left, gone := set(there), int64(0)
	for _, c := range p.list {
		if !left[c] {
			gone++
		}
	}
	if gone != stones || gone != logged {
		f.t.Errorf("%d are gone, %d have a tombstone, %d are in the log", gone, stones, logged)
	}
}

// brought is how many conversations are imported: enough to need more space than what is reserved already.
const brought = 1_000

// export writes a file to import, of texts that no compression makes small.
func (f *filling) export() string {
	f.t.Helper()
	var b strings.Builder
	text := make([]byte, 1_500)
	for i := range brought {
		_, _ = rand.Read(text)
		fmt.Fprintf(&b, `{"platform":"wechat","external_id":"disk-%d","service_type":"咨询","messages":[{"id":"1","sender":"customer","at":"2026-01-02T03:04:05Z","type":"text","text":"%x"}]}`+"\n", i, text)
	}
	file := filepath.Join(place(f.t), "export.jsonl")
	f.must(os.WriteFile(file, []byte(b.String()), 0o600))
	return file
}

// imported: the same file comes in whole now, whatever was stored of it before.
func (f *filling) imported(file string) {
	f.t.Helper()
	out, code := f.run("import", "--department", "云栖优品集团/导入", "--json", file)
	var r struct{ Conversations, Rejected int }
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Conversations != brought || r.Rejected != 0 {
		f.t.Errorf("import afterwards: exit %d, %v: %s", code, err, out)
	}
	// It went into a department of its own, so these are all of them.
	var n int64
	f.must(f.now.Read(f.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT COUNT(*) FROM conversation c JOIN department d ON d.id = c.department_id WHERE d.name = ?", "导入").Scan(&n).Error
	}))
	if n != brought {
		f.t.Errorf("%d conversations were imported, want %d", n, brought)
	}
}

// full tells whether somebody who reads a text knows that a disk is full, or that a file may not grow.
func full(said string) bool {
	for _, words := range []string{"no space left on device", "is full", "disk is full", "file too large", "disk I/O error"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}
