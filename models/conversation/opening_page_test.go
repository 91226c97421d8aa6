package conversation_test

import (
	"fmt"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// Bodies of a page are opened several at once, and each by itself: what does not open keeps no other shut.
func TestWhatDoesNotOpenKeepsNoOtherShut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		var batch []conversation.New
		for i := range 20 {
			in := sales
			if i%4 == 1 {
				in = support
			}
			batch = append(batch, one(fmt.Sprint("e", i), in, said("还在")))
		}
		out := store(t, d, v, batch...)
		_, key := copied(t, d, out[1].ID)
		if err := v.Store.Destroy(key.Slot); err != nil {
			t.Fatal(err)
		}
		body, _ := copied(t, d, out[2].ID)
		body.Body[len(body.Body)-1] ^= 1
		dbtest.Exec(t, d, "UPDATE conversation_body SET body = ? WHERE id = ?", body.Body, out[2].ID)
		dbtest.Exec(t, d, "DELETE FROM conversation_key WHERE id = ?", out[3].ID)
		s := &conversation.Conversations{DB: d, Vault: v}
		p, err := s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales, support), conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Size: 50})
		if err != nil || len(p.Rows) != len(out) {
			t.Fatalf("%+v, %v", p, err)
		}
		open := map[string]bool{}
		for _, r := range p.Rows {
			open[r.Code()] = r.Readable && r.Preview == "还在"
		}
		for i, o := range out {
			if want := i%4 != 1 && i != 2 && i != 3; open[conversation.Code(o.ID, "wechat")] != want {
				t.Errorf("conversation %d opens: %v", i, !want)
			}
		}
	})
}
