package index

import (
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// A head that is damaged here may be whole in a backup: as long as its key lives it may tell of what was
// erased, so Scrub takes the segment away and Holds does not pass it over.
func TestADamagedHeadHidesNothingFromScrub(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		w.add(30)
		if _, err := w.x.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		var key uint64
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Raw("SELECT id FROM index_segment WHERE state = 2 ORDER BY id LIMIT 1").Scan(&key).Error
		}); err != nil {
			t.Fatal(err)
		}
		erased := w.some(3)
		w.erase(erased...)
		dbtest.Exec(t, d, "UPDATE index_part SET body = wrapped WHERE part = 0")
		x := w.open(d) // nothing is remembered
		holds := func() (n int) {
			t.Helper()
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { n, err = x.Holds(tx, []id.Conversation(erased)); return err }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if holds() == 0 {
			t.Error("a head that does not open is taken for silent")
		}
		if _, err := x.Scrub(t.Context(), erased, nil); err != nil {
			t.Fatal(err)
		}
		if n := holds(); n != 0 {
			t.Errorf("the index holds %d", n)
		}
		if s, err := w.store.State(key); err != nil || s.State != seal.Destroyed {
			t.Errorf("the key is %v, %v", s.State, err)
		}
	})
}
