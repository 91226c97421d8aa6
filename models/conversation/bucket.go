package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// BucketSize is the most conversations that share a bucket. All of a bucket belong
// to one department and one month, so that a purge of a department's period destroys
// mostly whole buckets.
const BucketSize = seal.TreeLeaves

// The states of a bucket. A Closing bucket holds nothing and takes nothing new: its key is about to be
// destroyed.
const (
	BucketOpen      = 1
	BucketClosing   = 2
	BucketDestroyed = 3
)

// Bucket is the row of a bucket. Its secret lives in the key store only, under the number Slot: that of the bucket
// itself until it is punctured, a fresh one from then on, of which Tree is the state. Used is the first leaf that
// nobody was given yet; it only grows.
type Bucket struct {
	ID           id.Bucket `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID id.Department
	Month        string
	Used         int
	State        int
	CreatedAt    time.Time
	DestroyedAt  *time.Time
	Slot         uint64
	Tree         []byte
}

// TableName is key_bucket.
func (Bucket) TableName() string { return "key_bucket" }

// Buckets reads the rows that a query gives, for queries that give very many. When one was destroyed is left out.
func Buckets(q *gorm.DB) (list []Bucket, err error) {
	var b Bucket
	to := []any{db.Number(&b.ID), db.Number(&b.DepartmentID), db.Word(&b.Month), db.Number(&b.Used), db.Number(&b.State), &b.CreatedAt, db.Number(&b.Slot), &b.Tree}
	q = q.Model(&Bucket{}).Select("id", "department_id", "month", "used", "state", "created_at", "slot", "tree")
	err = db.EachRow(q, func(r *sql.Rows) error {
		err := r.Scan(to...)
		list = append(list, b)
		return err
	})
	return list, err
}

// place is where a conversation's key is wrapped: a leaf of a bucket whose row is locked.
type place struct {
	bucket *Bucket
	leaf   int
}

type room struct {
	department id.Department
	month      string
}

func roomOf(c *Conversation) room { return room{c.DepartmentID, c.LastAt.UTC().Format("200601")} }

// lockPlaces locks the buckets in which an import will seal something, as far as they are there: in ascending order, as those do
// that puncture them, so that nobody waits in a circle.
func lockPlaces(tx *db.Tx, v Vault, batch []New, macs [][]byte, known map[string]*Conversation, out []Outcome) error {
	if tx.Engine() == db.SQLite {
		return nil // it has one writer
	}
	rooms := map[room]bool{}
	var grow []id.Conversation
	for i := range batch {
		messages := batch[i].Document.Messages
		now := Conversation{DepartmentID: batch[i].DepartmentID, LastAt: messages[len(messages)-1].At.Time()}
		switch old := known[string(macs[i])]; {
		case out[i].Purged:
			continue
		case old != nil:
			if slices.Equal(old.ContentMAC, v.contentMAC(old.ExternalMAC, messages)) {
				continue
			}
			grow = append(grow, old.ID)
			if now.DepartmentID = old.DepartmentID; old.LastAt.After(now.LastAt) {
				now.LastAt = old.LastAt
			}
		}
		rooms[roomOf(&now)] = true
	}
	ids := map[id.Bucket]bool{}
	note := func(q *gorm.DB, column string) error {
		var some []id.Bucket
		if err := q.Pluck(column, &some).Error; err != nil {
			return fmt.Errorf("find buckets: %w", err)
		}
		for _, b := range some {
			ids[b] = true
		}
		return nil
	}
	for part := range slices.Chunk(grow, idsAtOnce) {
		if err := note(tx.Model(&Key{}).Where("id IN ?", part), "bucket_id"); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(slices.SortedFunc(maps.Keys(rooms), room.compare), roomsAtOnce) {
		if err := note(tx.Model(&Bucket{}).Where(openIn(tx, part)).Where("used < ?", BucketSize), "id"); err != nil {
			return err
		}
	}
	_, err := lockBuckets(tx, slices.Collect(maps.Keys(ids)))
	return err
}

func (r room) compare(o room) int {
	return cmp.Or(cmp.Compare(r.department, o.department), strings.Compare(r.month, o.month))
}

// openIn is the condition that a bucket takes what belongs into one of the rooms.
func openIn(tx *db.Tx, rooms []room) *gorm.DB {
	either := tx.Where("1 = 0")
	for _, r := range rooms {
		either = either.Or("department_id = ? AND month = ? AND state = ?", r.department, r.month, BucketOpen)
	}
	return either
}

// takeBuckets gives every conversation a place in a bucket of its department and month,
// fills buckets that have room and makes new ones. The rows stay locked, so that no
// purge destroys or punctures a bucket while it is being filled.
func takeBuckets(tx *db.Tx, v Vault, cs []*Conversation) (map[id.Conversation]place, error) {
	groups := map[room][]*Conversation{}
	for _, c := range cs {
		groups[roomOf(c)] = append(groups[roomOf(c)], c)
	}
	places := make(map[id.Conversation]place, len(cs))
	waiting := map[room][]*Conversation{}
	needed := 0
	// Every import takes the rooms in one order, so that two of them do not wait for each other in
	// a circle.
	rooms := slices.SortedFunc(maps.Keys(groups), room.compare)
	open, err := lockOpen(tx, rooms)
	if err != nil {
		return nil, err
	}
	taken := map[id.Bucket]int{}
	for _, r := range rooms {
		members := groups[r]
		for _, b := range open[r] {
			n := min(BucketSize-b.Used, len(members))
			for i, c := range members[:n] {
				places[c.ID] = place{b, b.Used + i}
			}
			if members = members[n:]; n > 0 {
				taken[b.ID] = n
			}
		}
		if len(members) > 0 {
			waiting[r] = members
			needed += (len(members) + BucketSize - 1) / BucketSize
		}
	}
	if err := fill(tx, taken); err != nil {
		return nil, err
	}
	if needed == 0 {
		return places, nil
	}
	return places, newBuckets(tx, v, waiting, needed, places)
}

// roomsAtOnce bounds the rooms of one statement: SQLite takes no deeper condition.
const roomsAtOnce = 200

// lockOpen locks the buckets of the rooms that take more, the oldest first.
func lockOpen(tx *db.Tx, rooms []room) (map[room][]*Bucket, error) {
	open := map[room][]*Bucket{}
	for part := range slices.Chunk(rooms, roomsAtOnce) {
		var found []*Bucket
		if err := tx.ForUpdate().Where(openIn(tx, part)).Where("used < ?", BucketSize).Order("department_id, month, id").Find(&found).Error; err != nil {
			return nil, fmt.Errorf("find open buckets: %w", err)
		}
		for _, b := range found {
			r := room{b.DepartmentID, b.Month}
			open[r] = append(open[r], b)
		}
	}
	return open, nil
}

// fill counts what buckets were given, those that were given as many in one statement.
func fill(tx *db.Tx, taken map[id.Bucket]int) error {
	given := map[int][]id.Bucket{}
	for b, n := range taken {
		given[n] = append(given[n], b)
	}
	for n, ids := range given {
		if err := tx.Model(&Bucket{}).Where("id IN ?", ids).Update("used", gorm.Expr("used + ?", n)).Error; err != nil {
			return fmt.Errorf("fill buckets: %w", err)
		}
	}
	return nil
}

// newBuckets makes the keys with one sync of the key store.
func newBuckets(tx *db.Tx, v Vault, waiting map[room][]*Conversation, needed int, places map[id.Conversation]place) error {
	keys, err := v.NewKeys(tx, needed)
	if err != nil {
		return err
	}
	var rows []*Bucket
	for r, members := range waiting {
		for len(members) > 0 {
			n := min(BucketSize, len(members))
			b := &Bucket{ID: id.Bucket(keys[0]), DepartmentID: r.department, Month: r.month, Used: n, State: BucketOpen, CreatedAt: tx.Now, Slot: keys[0]}
			for i, c := range members[:n] {
				places[c.ID] = place{b, i}
			}
			keys, members, rows = keys[1:], members[n:], append(rows, b)
		}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("store buckets: %w", err)
	}
	return nil
}
