package main

import (
	"testing"

	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/subject"
)

// A database that was restored from before a deletion request stays closed until the replay put the request back.
func TestADeletionRequestOutlivesARestore(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			t.Setenv("QINGDANG_DRILL", "24")
			d := newDrill(t, engine)
			_, err := d.app.log.Checkpoint(t.Context()) // which the backup continues
			d.must(err)
			before := d.backup("before")
			placed, err := d.app.subjects.Place(t.Context(), d.legal, subject.Order{
				Customer: "c3", Reason: "客户来信要求删除全部聊天记录", Code: accounttest.Code(t, d.app.db, d.legal.ID),
			})
			d.must(err)
			after := d.backup("after")
			r := d.restore(before.file)
			if text, code := r.run("search"); code != exitClosed {
				t.Fatalf("it is open: exit %d, %s", code, text)
			}
			r.closed("1 deletion request(s) of the outside ledger are not in this database: " + placed.Code)
			r.wants(1, placed.Code+": NOT in this database", "ledger", "status")
			again := []string{"ledger", "replay", "--by", "陈运维", "--reason", "磁盘损坏，由备份恢复"}
			r.wants(0, "Deletion requests put back: 1; of their conversations 1 are sealed again", again...)
			r.wants(0, "Deletion requests remembered there: 1", "ledger", "status")
			r.wants(0, "", "fsck", "--deep")
			r.wants(0, "Nothing to replay", again...)
			d.restore(after.file).wants(0, "The database is open", "ledger", "status")
		})
	}
}
