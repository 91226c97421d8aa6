package export_test

import (
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/export"
	"qingdang/models/id"
)

// A supervisor without any department sees nobody's exports and restores nobody's batches: a list of no
// departments must not read as "none is beyond them".
func TestWhoHasNoDepartmentSeesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.east, 2)
		e := w.ready(w.supervisor, w.wish())
		nobody := accounttest.User(t, w.d, w.accounts, account.Supervisor)
		if !nobody.Scope.Empty() {
			t.Fatal("the account has departments")
		}
		_, err := w.desk.Get(w.ctx(), nobody, e.ID)
		w.wantFault(err, "export.not_found")
		page, err := w.desk.List(w.ctx(), nobody, export.Query{Size: 20})
		w.must(err)
		if len(page.Rows) != 0 || page.OnShelf != 0 {
			t.Errorf("the list has %d, the shelf %d", len(page.Rows), page.OnShelf)
		}
		w.binned(ids...)
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			var batches []id.Batch
			if err := tx.Model(&bin.Batch{}).Pluck("id", &batches).Error; err != nil {
				return err
			}
			all, err := bin.AllWithin(tx, batches, nobody.Scope)
			if len(batches) == 0 || all {
				t.Errorf("%d batches lie within no department: %v", len(batches), all)
			}
			return err
		}))
	})
}
