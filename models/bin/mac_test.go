package bin_test

import (
	"fmt"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func (w *world) forged() (batches, raises []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		if batches, err = bin.ForgedBatches(tx, w.vault.Store); err == nil {
			raises, err = bin.ForgedRaises(tx, w.vault.Store)
		}
		return err
	}))
	return batches, raises
}

// sealedColumns are those of a batch that say by whose word it may be destroyed and when.
var sealedColumns = map[string]string{
	"code": "'SC-1'", "kind": "'single'", "owner_id": "owner_id + 1", "owner_person": "owner_person + 1", "owner_name": "'别人'",
	"scope": "'{}'", "scope_kind": "'other'", "department_id": "department_id + 1", "reason": "'另一个理由'",
	"residue": "'[1]'", "residue_count": "9", "residue_reason": "'别的'", "excluded": "'{\"held\":1}'", "size": "size + 1",
	"keep_until": "created_at", "extended_at": "created_at", "created_at": "keep_until", "state": "'running'", "mac": "NULL", "id": "id + 7", "fingerprint": "mac",
}

// countedColumns are those that count what became of it, and what a form sent.
var countedColumns = map[string]bool{"request_key": true, "bytes": true, "moved": true, "skipped": true, "drafted_at": true}

// columnsOf gives the columns of a table.
func (w *world) columnsOf(table string) (names []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		types, err := tx.Migrator().ColumnTypes(table)
		for _, c := range types {
			names = append(names, c.Name())
		}
		return err
	}))
	return names
}

// A batch whose row was changed past the program is nobody's word: it is not extended, and named.
func TestEveryFieldOfABatchIsUnderItsCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.some(2)
		batch, err := w.bin.Discard(w.ctx(), w.local, w.frozen(w.local, w.in(w.city)))
		w.must(err)
		if b, r := w.forged(); len(b)+len(r) != 0 {
			t.Fatalf("as it was made: %v %v", b, r)
		}
		columns := w.columnsOf("bin_batch")
		if len(columns) < 20 {
			t.Fatalf("only %d columns", len(columns))
		}
		dbtest.Exec(t, w.d, "CREATE TABLE batch_before AS SELECT * FROM bin_batch")
		defer dbtest.Exec(t, w.d, "DROP TABLE batch_before")
		for _, c := range columns {
			to, sealed := sealedColumns[c]
			if !sealed {
				if !countedColumns[c] {
					t.Errorf("nobody says whether %s is under the code", c)
				}
				continue
			}
			dbtest.Exec(t, w.d, fmt.Sprintf("UPDATE bin_batch SET %s = %s", c, to))
			if b, _ := w.forged(); len(b) != 1 {
				t.Errorf("%s: found %v", c, b)
			}
			if c != "extended_at" && c != "department_id" && c != "keep_until" && c != "id" && c != "state" { // those are refused before
				_, err := w.bin.Extend(w.ctx(), w.boss, batch.ID, "客户还在核对，延长三天")
				wantFault(t, err, "bin.batch_forged", "")
			}
			dbtest.Exec(t, w.d, fmt.Sprintf("UPDATE bin_batch SET %s = (SELECT b.%s FROM batch_before b)", c, c))
		}
		_, err = w.bin.Extend(w.ctx(), w.boss, batch.ID, "客户还在核对，延长三天")
		w.must(err)
		if b, _ := w.forged(); len(b) != 0 {
			t.Errorf("extended: %v", b)
		}
	})
}

// What somebody wrote into the database does not raise a cap, whichever field they changed.
func TestEveryFieldOfARaisedCapIsUnderItsCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		req := capped(w)
		w.must(w.bin.RaiseCap(w.ctx(), w.boss, w.capRequest(req, w.boss)))
		dbtest.Exec(t, w.d, "CREATE TABLE raise_before AS SELECT * FROM bin_raise")
		defer dbtest.Exec(t, w.d, "DROP TABLE raise_before")
		changes := map[string]string{
			"draft_id": "draft_id", "size": "size + 1", "cap": "cap - 1", "scope": "scope", "user_id": "user_id + 1", "person_id": "person_id + 1000", "name": "'别人'",
			"staff_no": "'1'", "role": "'legal'", "reason": "'另一个理由'", "totp_step": "totp_step + 1", "at": "'2020-01-01 00:00:00'", "mac": "NULL",
		}
		for _, c := range w.columnsOf("bin_raise") {
			to, ok := changes[c]
			if !ok {
				t.Errorf("nobody says how %s could be changed", c)
			}
			if to == c {
				continue // another draft or another scope has no raise at all
			}
			dbtest.Exec(t, w.d, fmt.Sprintf("UPDATE bin_raise SET `%s` = %s", c, to))
			if _, r := w.forged(); len(r) != 1 {
				t.Errorf("%s: found %v", c, r)
			}
			_, err := w.bin.Discard(w.ctx(), w.local, req)
			wantFault(t, err, "bin.over_cap", "cap")
			dbtest.Exec(t, w.d, fmt.Sprintf("UPDATE bin_raise SET `%s` = (SELECT b.`%s` FROM raise_before b)", c, c))
		}
		_, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
	})
}

// Rows from before there were codes get theirs once, where the log says the same.
func TestOldRowsAreSealedOnceAsTheLogTellsThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		req := capped(w)
		w.must(w.bin.RaiseCap(w.ctx(), w.boss, w.capRequest(req, w.boss)))
		one, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
		two, err := w.bin.DiscardOne(w.ctx(), w.local, w.some(1)[0], "超过保留期的会话清理", w.key())
		w.must(err)
		three, err := w.bin.DiscardOne(w.ctx(), w.local, w.some(1)[0], "超过保留期的会话清理", w.key())
		w.must(err)

		dbtest.Exec(t, w.d, "UPDATE bin_batch SET mac = NULL")
		w.must(bin.SealOld(w.ctx(), w.d, w.vault.Store))
		if b, _ := w.forged(); len(b) != 3 {
			t.Errorf("a code that was taken off was given back: %v are named", b)
		}
		// As they were before the migration: neither rows nor entries speak of a code.
		dbtest.Exec(t, w.d, "UPDATE bin_raise SET mac = NULL")
		dbtest.Exec(t, w.d, "UPDATE audit_leaf SET leaf = REPLACE(leaf, '\"sealed\":true', '\"sealed\":false')")
		dbtest.Exec(t, w.d, "UPDATE bin_batch SET owner_person = owner_person + 1 WHERE id = ?", two.ID)
		dbtest.Exec(t, w.d, "UPDATE bin_batch SET keep_until = created_at WHERE id = ?", three.ID)
		if b, r := w.forged(); len(r) != 0 || len(b) != 2 {
			t.Errorf("before they are sealed %v %v are named", b, r)
		}
		w.must(bin.SealOld(w.ctx(), w.d, w.vault.Store))
		if b, r := w.forged(); len(r) != 0 || len(b) != 2 || b[0] != two.Code || b[1] != three.Code {
			t.Errorf("%v %v are named, want %s and %s", b, r, two.Code, three.Code)
		}
		dbtest.Exec(t, w.d, "UPDATE bin_batch SET mac = NULL WHERE id = ?", one.ID)
		w.must(bin.SealOld(w.ctx(), w.d, w.vault.Store))
		if b, _ := w.forged(); len(b) != 3 {
			t.Errorf("a second time gives codes: %v are named", b)
		}
	})
}
