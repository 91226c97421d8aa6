package db_test

import (
	"fmt"
	"strings"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// TestListedRowsAreDeleted deletes what a list names, its values known and not, and nothing beside. It takes any two
// tables: one is the list of every other row of the other.
func TestListedRowsAreDeleted(t *testing.T) {
	const rows = 2600
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for _, known := range []bool{false, true} {
			var every, listed []string
			list := db.List{Table: "tagged_list", Column: "conversation_id", Where: "l.leaf = ? AND l.conversation_id > 0", Args: []any{9}}
			for i := range rows {
				every = append(every, fmt.Sprintf("(%d, 1)", i+1))
				if i%2 == 0 {
					listed = append(listed, fmt.Sprintf("(%d, 9)", i+1))
					if known {
						list.Values = append(list.Values, uint64(i+1))
					}
				}
			}
			var deleted int64
			err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
				tx.MarkAudited()
				for _, do := range []string{
					"DELETE FROM removed_tag", "DELETE FROM tagged_list",
					"INSERT INTO removed_tag (conversation_id, tag_id) VALUES " + strings.Join(every, ","),
					"INSERT INTO tagged_list (conversation_id, leaf) VALUES " + strings.Join(listed, ","),
				} {
					if err := tx.Exec(do).Error; err != nil {
						return err
					}
				}
				deleted, err = tx.DeleteListed("removed_tag", "conversation_id", list)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var left, odd int64
			err = d.Read(t.Context(), func(tx *db.Tx) error {
				if err := tx.Table("removed_tag").Count(&left).Error; err != nil {
					return err
				}
				return tx.Table("removed_tag").Where("conversation_id % 2 = 1").Count(&odd).Error
			})
			if err != nil || deleted != rows/2 || left != rows/2 || odd != 0 {
				t.Errorf("values known %t: %d deleted, %d left, %d of these listed, %v", known, deleted, left, odd, err)
			}
		}
	})
}
