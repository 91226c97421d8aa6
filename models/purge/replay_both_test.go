package purge_test

import (
	"os"
	"path/filepath"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// The machine is lost, and database and key store come back from one backup; only the ledger outside knows of what was
// purged since. Where the replay dies makes no difference: what lives opens, and what was purged does not, not even
// what came and went after the backup, out of a later dump.
func TestDatabaseAndKeyStoreOfOneBackupAreReplayed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{name: "n1"}, chat{name: "n2"})
		_, batch := w.expired(5)
		_, err := w.log.Checkpoint(w.ctx())
		w.must(err)
		restore, slots := w.dump(), filepath.Join(w.keys.Dir(), "buckets.slots")
		then, err := os.ReadFile(slots)
		w.must(err)

		came := w.store(chat{name: "came"}, chat{name: "went"})
		dump := w.backup()
		r := w.approved(batch, w.binned(clock.Time(), bin.ScopeDepartment, came[1]))
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		kept := keepFolder(t, w.log.Dir)

		restore()
		kept()
		w.must(os.WriteFile(slots, then, 0o600))
		w.replayWithDeaths("both")
		w.open()
		if n := w.count(&conversation.Conversation{}); n != 2 {
			t.Errorf("%d survivors", n)
		}
		for c, old := range dump {
			if w.count(&conversation.Tombstone{}, "conversation_id = ?", c) > 0 {
				w.gone("both", old)
			}
		}
		// Life goes on: what is imported next lies elsewhere, and is purged like anything else.
		_, next := w.expiredAs("more-", 3)
		for c, old := range dump {
			if w.count(&conversation.Tombstone{}, "conversation_id = ?", c) > 0 {
				w.gone("after an import", old)
			}
		}
		r2 := w.approved(next)
		w.toTheEvening(r2)
		w.work()
		w.wantWhole(r2)
		w.open()
	})
}
