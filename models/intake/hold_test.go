package intake_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake"
)

// TestAnImportComesUnderTheHoldsThatItMatches: what is new, and what an import adds to a
// conversation that lies in the bin.
func TestAnImportComesUnderTheHoldsThatItMatches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := setUp(t, d)
		legal := accounttest.Actor(account.Legal)
		holds := &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: time.UTC, Vault: w.Vault}
		bring := func(lines string) { w.source(t, text("a.jsonl", lines), intake.Options{}) }
		bring(neutral("old", inShop, "在吗") + neutral("apart", inShop, "在吗"))
		var ids []id.Conversation
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Model(&conversation.Conversation{}).Order("id").Pluck("id", &ids).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		supervisor := accounttest.Actor(account.Supervisor, w.shop.ID)
		box := &bin.Bin{DB: d, Zone: time.UTC, Keys: accounttest.Keys(t, d)}
		for _, c := range ids {
			if _, err := box.DiscardOne(t.Context(), supervisor, c, "到期清理，客户无诉求", "form-key-"+id.String(c)); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range []hold.Order{
			{Kind: hold.OnQuery, Criteria: hold.Criteria{Tags: []string{"仲裁"}}},
			{Kind: hold.OnCustomers, Customers: []string{"tb_99"}},
		} {
			o.Name, o.Reason = "案件", "法院要求保全相关记录"
			if _, err := holds.Place(t.Context(), legal, o); err != nil {
				t.Fatal(err)
			}
		}
		bring(neutral("old", inShop+`,"tags":["仲裁"]`, "在吗") + neutral("new", inShop+`,"tags":["仲裁"]`, "你好") + neutral("plain", inShop, "你好"))
		if n := dbtest.Count(t, d, &conversation.Conversation{}, hold.Covers); n != 2 {
			t.Errorf("%d are covered, want what is new and what was tagged", n)
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}, "state = ?", conversation.Binned); n != 1 {
			t.Errorf("%d are in the bin, want the one that no hold is about", n)
		}
		if n := dbtest.Count(t, d, &bin.Item{}, "state = ? AND reason = ?", bin.ItemRestored, bin.Held); n != 1 {
			t.Errorf("%d came out of the bin", n)
		}
		stripped := func(want int) {
			t.Helper()
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				codes, err := hold.Stripped(tx, w.Vault.Store)
				if len(codes) != want {
					t.Errorf("%d holds lost something: %v", len(codes), codes)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		stripped(0)
		dbtest.Exec(t, d, "DELETE FROM hold_item WHERE conversation_id = ?", ids[0])
		stripped(1) // the log counts what the import put under it
	})
}
