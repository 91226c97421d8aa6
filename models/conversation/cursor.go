package conversation

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"gorm.io/gorm"

	"qingdang/models/fault"
	"qingdang/models/id"
)

// position is a place in the order newest first: last message, then id.
type position struct {
	at time.Time
	id id.Conversation
}

// token writes a position for an address. Forward means "older than this", backward
// "newer than this".
func (p position) token(backward bool) string {
	b := make([]byte, 17)
	if backward {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[1:], uint64(p.at.UnixMicro()))
	binary.BigEndian.PutUint64(b[9:], uint64(p.id))
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseToken reads a token; an empty one is the beginning.
func parseToken(s string) (p position, backward bool, err error) {
	if s == "" {
		return position{}, false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 17 || b[0] > 1 {
		return position{}, false, fault.Invalid("conversation.bad_cursor").On("cursor")
	}
	p.at = time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:]))).UTC()
	p.id = id.Conversation(binary.BigEndian.Uint64(b[9:]))
	if p.at.Year() < 1970 || p.at.Year() > 9999 || p.id == 0 || p.id >= 1<<63 || p.token(b[0] == 1) != s {
		return position{}, false, fault.Invalid("conversation.bad_cursor").On("cursor")
	}
	return p, b[0] == 1, nil
}

// place is where a page of a search begins, and whether it goes from there towards newer ones.
func (q *Query) place() (at position, backward bool, err error) {
	if q.Cursor == "" {
		return position{}, q.Oldest, nil
	}
	return parseToken(q.Cursor)
}

// after narrows a query to one side of the position and orders it. The condition is written
// so that both engines seek instead of scanning (PERFORMANCE.md).
func (p position) after(q *gorm.DB, backward bool) *gorm.DB {
	if backward {
		q = q.Order("conversation.last_at").Order("conversation.id")
		if p.id == 0 {
			return q
		}
		return q.Where("conversation.last_at >= ? AND (conversation.last_at > ? OR conversation.id > ?)", p.at, p.at, p.id)
	}
	q = q.Order("conversation.last_at DESC").Order("conversation.id DESC")
	if p.id == 0 {
		return q
	}
	return q.Where("conversation.last_at <= ? AND (conversation.last_at < ? OR conversation.id < ?)", p.at, p.at, p.id)
}
