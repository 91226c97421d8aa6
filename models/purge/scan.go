package purge

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/db"
)

// itemColumns are what a line is under the roots with, and where its key lay.
const itemColumns = "i.seq, i.conversation_id, i.version, i.digest, i.department_id, i.service_type, i.platform, i.bucket_id, i.leaf, i.messages, i.attachments, i.bytes, i.last_at, i.state, i.reason"

// columns are where the itemColumns go.
func (i *Item) columns() []any {
	return []any{
		db.Number(&i.Seq),
		db.Number(&i.ConversationID),
		db.Number(&i.Version),
		(*sql.RawBytes)(&i.Digest),
		db.Number(&i.DepartmentID),
		db.Word(&i.ServiceType),
		db.Word(&i.Platform),
		db.Number(&i.BucketID),
		db.Number(&i.Leaf),
		db.Number(&i.Messages),
		db.Number(&i.Attachments),
		db.Number(&i.Bytes),
		&i.LastAt,
		db.Word(&i.State),
		db.Word(&i.Reason),
	}
}

// bucketsOf reads the touched buckets that a query gives.
func bucketsOf(q *gorm.DB) (list []bucket, err error) {
	var b bucket
	to := []any{db.Number(&b.BucketID), db.Word(&b.State), db.Number(&b.Slot), db.Number(&b.Lifted)}
	err = db.EachRow(q.Model(&bucket{}).Select("bucket_id", "state", "slot", "lifted"), func(r *sql.Rows) error {
		err := r.Scan(to...)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read buckets: %w", err)
	}
	return list, nil
}
