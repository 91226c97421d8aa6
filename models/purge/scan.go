package purge

import (
	"database/sql"
	"fmt"
	"math"

	"qingdang/models/id"
)

// What is read of every line of a list is read past the reflection of GORM and database/sql, which takes longer than all that
// is done with a line.

// number scans an integer that must fit; NULL is 0.
type number[T ~int | ~int64 | ~uint32 | ~uint64] struct{ to *T }

// Scan implements sql.Scanner.
func (n number[T]) Scan(src any) error {
	v, fits := int64(0), true
	switch s := src.(type) {
	case nil:
	case int64:
		v = s
	case uint64:
		v, fits = int64(s), s <= math.MaxInt64
	default:
		fits = false
	}
	*n.to = T(v)
	if !fits || int64(*n.to) != v || *n.to < 0 != (v < 0) {
		return fmt.Errorf("purge: %T is not the number that a column holds", src)
	}
	return nil
}

// word scans a text of which there are few that many rows have.
type word[T ~string] struct{ to *T }

// Scan implements sql.Scanner.
func (w word[T]) Scan(src any) error {
	switch s := src.(type) {
	case []byte:
		if string(*w.to) != string(s) {
			*w.to = T(s)
		}
	case string:
		*w.to = T(s)
	default:
		return fmt.Errorf("purge: %T is not the text that a column holds", src)
	}
	return nil
}

// itemColumns are what a line is under the roots with, and where its key lay.
const itemColumns = "i.seq, i.conversation_id, i.version, i.digest, i.department_id, i.service_type, i.platform, i.bucket_id, i.leaf, i.messages, i.attachments, i.bytes, i.last_at, i.state, i.reason"

// columns are where the itemColumns go.
func (i *Item) columns() []any {
	return []any{
		number[int64]{&i.Seq},
		number[id.Conversation]{&i.ConversationID},
		number[uint32]{&i.Version},
		(*sql.RawBytes)(&i.Digest),
		number[id.Department]{&i.DepartmentID},
		word[string]{&i.ServiceType},
		word[string]{&i.Platform},
		number[id.Bucket]{&i.BucketID},
		number[int]{&i.Leaf},
		number[int]{&i.Messages},
		number[int]{&i.Attachments},
		number[int64]{&i.Bytes},
		&i.LastAt,
		word[ItemState]{&i.State},
		word[Reason]{&i.Reason},
	}
}
