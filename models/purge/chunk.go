package purge

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"gorm.io/gorm/clause"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// chunk is what becomes of the items of one transaction.
type chunk struct {
	erase   []*Item
	buckets map[id.Bucket]bool
	moved   []*Item       // whose key has another place since the list was frozen
	rooms   map[room]bool // where earlier versions may have been sealed
	skip    map[Reason][]*Item
	back    []id.Conversation // skipped ones that are still on the list
	noted   *noted
}

// judge looks at the items under lock. When the consent broke while the purge ran, nothing more
// is destroyed: the rest is skipped.
func (w *Runner) judge(tx *db.Tx, s span, items []Item, broken string) (*chunk, error) {
	g, err := newGuard(tx)
	if err != nil {
		return nil, err
	}
	c := &chunk{buckets: map[id.Bucket]bool{}, rooms: map[room]bool{}, skip: map[Reason][]*Item{}, noted: &w.noted}
	if broken == "" {
		free, err := lockFree(tx, s, g, items)
		if err != nil {
			return nil, err
		}
		if free {
			return c, c.takeAll(tx, s, items)
		}
	}
	l, err := lockSpan(tx, s, items)
	if err != nil {
		return nil, err
	}
	for i := range items {
		it := &items[i]
		why := l.judge(tx, g, it)
		if why == notExcluded && broken != "" {
			why = NoConsent
		}
		if why == notExcluded {
			if now := l.keys[it.ConversationID]; now.BucketID != it.BucketID || now.Leaf != it.Leaf {
				it.BucketID, it.Leaf = now.BucketID, now.Leaf
				c.moved = append(c.moved, it)
			}
			c.buckets[it.BucketID] = true
			if row := l.rows[it.ConversationID]; row.Version > 1 {
				c.rooms[roomOf(row)] = true
			}
			c.erase = append(c.erase, it)
			continue
		}
		c.skip[why] = append(c.skip[why], it)
		if row := l.rows[it.ConversationID]; row != nil && row.State == conversation.Frozen && row.BatchID != nil && *row.BatchID == it.BatchID {
			c.back = append(c.back, it.ConversationID)
		}
	}
	return c, nil
}

// takeAll makes up a chunk of which everything may be erased, and is where it was when the list was frozen.
func (c *chunk) takeAll(tx *db.Tx, s span, items []Item) error {
	c.erase = make([]*Item, len(items))
	grown := false
	for i := range items {
		c.erase[i] = &items[i]
		c.buckets[items[i].BucketID] = true
		grown = grown || items[i].Version > 1
	}
	if !grown {
		return nil
	}
	q := s.in(Pending).Query(tx, tx.DB, "conversation", "id").Where("conversation.version > 1")
	err := db.EachRow(q.Select("conversation.department_id, conversation.started_at, conversation.last_at"), func(r *sql.Rows) error {
		var row conversation.Conversation
		err := r.Scan(&row.DepartmentID, &row.StartedAt, &row.LastAt)
		c.rooms[roomOf(&row)] = true
		return err
	})
	if err != nil {
		return fmt.Errorf("look at grown conversations: %w", err)
	}
	return nil
}

// carryOut writes into the manifest what becomes of its lines, erases what is to be erased and
// gives back what is skipped.
func (c *chunk) carryOut(tx *db.Tx, s span) error {
	for reason, items := range c.skip {
		if err := skip(tx, s.purge, items, reason); err != nil {
			return err
		}
	}
	if len(c.erase) > 0 {
		if err := c.destroy(tx, s); err != nil {
			return err
		}
	}
	if len(c.back) == 0 {
		return nil
	}
	return release(tx, s.purge, c.back)
}

// destroy marks what is left of the span and erases it. What is noted for the whole purge comes
// last, since others may wait for it.
func (c *chunk) destroy(tx *db.Tx, s span) error {
	res := tx.Model(&Item{}).Where("purge_id = ? AND seq >= ? AND seq < ? AND state = ?", s.purge, s.from, s.to, Pending).Update("state", Purged)
	switch {
	case res.Error != nil:
		return fmt.Errorf("write manifest: %w", res.Error)
	case res.RowsAffected != int64(len(c.erase)):
		return fmt.Errorf("write manifest: %d rows for %d items", res.RowsAffected, len(c.erase))
	}
	if err := c.noteMoved(tx, s.purge); err != nil {
		return err
	}
	list := s.in(Purged)
	list.Values = make([]uint64, len(c.erase))
	for i, it := range c.erase {
		list.Values[i] = uint64(it.ConversationID)
	}
	slices.Sort(list.Values)
	if err := conversation.Erase(tx, list, len(c.erase), s.purge); err != nil {
		return err
	}
	if err := bin.Purged(tx, s.purge, list, len(c.erase)); err != nil {
		return err
	}
	return c.noteBuckets(tx, s.purge)
}

func skip(tx *db.Tx, p id.Purge, items []*Item, why Reason) error {
	res := tx.Model(&Item{}).Where("purge_id = ? AND conversation_id IN ? AND state = ?", p, pointerIDs(items), Pending).
		Updates(map[string]any{"state": Skipped, "reason": why})
	switch {
	case res.Error != nil:
		return fmt.Errorf("write manifest: %w", res.Error)
	case res.RowsAffected != int64(len(items)):
		return fmt.Errorf("write manifest: %d rows for %d items", res.RowsAffected, len(items))
	}
	return nil
}

// noteMoved notes where a key lay at the end, where that is not where it was when the list was frozen: another
// purge has given it the leaf that it did not have.
func (c *chunk) noteMoved(tx *db.Tx, p id.Purge) error {
	for _, it := range c.moved {
		err := tx.Model(&Item{}).Where("purge_id = ? AND seq = ?", p, it.Seq).Updates(map[string]any{"bucket_id": it.BucketID, "leaf": it.Leaf}).Error
		if err != nil {
			return fmt.Errorf("note moved keys: %w", err)
		}
	}
	return nil
}

// noteBuckets remembers from which buckets keys were erased. Chunks beside each other note the same
// ones, so all do it in one order.
func (c *chunk) noteBuckets(tx *db.Tx, p id.Purge) error {
	if err := c.earlierBuckets(tx); err != nil {
		return err
	}
	rows := make([]bucket, 0, len(c.buckets))
	for _, b := range slices.Sorted(maps.Keys(c.buckets)) {
		if !c.noted.has(p, b) {
			rows = append(rows, bucket{PurgeID: p, BucketID: b, State: touched})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return fmt.Errorf("note buckets: %w", err)
	}
	return nil
}

// noted remembers which buckets a purge has noted for good: nearly every chunk of a list that is scattered over the
// archive touches the same thousands. Before a key goes, all of the list's are looked for (sparedBuckets).
type noted struct {
	mu      sync.Mutex
	purge   id.Purge
	buckets map[id.Bucket]bool
}

func (n *noted) has(p id.Purge, b id.Bucket) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.purge == p && n.buckets[b]
}

// add is called when the transaction that noted them was committed.
func (n *noted) add(p id.Purge, buckets map[id.Bucket]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.purge != p {
		n.purge, n.buckets = p, map[id.Bucket]bool{}
	}
	maps.Copy(n.buckets, buckets)
}

// room is the buckets of a department over some months.
type room struct {
	department  id.Department
	first, last string // months as key_bucket writes them
}

func roomOf(c *conversation.Conversation) room {
	month := func(t time.Time) string { return t.UTC().Format("200601") }
	return room{c.DepartmentID, month(c.StartedAt), month(c.LastAt)}
}

// earlierBuckets adds the buckets in which earlier versions of a conversation may have been
// sealed. Their bodies are gone from the database, but a backup from before the
// conversation grew still holds them, and their leaf in that bucket would open them. An earlier
// version ended somewhere between the conversation's beginning and its end.
func (c *chunk) earlierBuckets(tx *db.Tx) error {
	for r := range c.rooms {
		var ids []id.Bucket
		err := tx.Model(&conversation.Bucket{}).
			Where("department_id = ? AND month >= ? AND month <= ? AND state <> ?", r.department, r.first, r.last, conversation.BucketDestroyed).
			Pluck("id", &ids).Error
		if err != nil {
			return fmt.Errorf("find buckets of earlier versions: %w", err)
		}
		for _, b := range ids {
			c.buckets[b] = true
		}
	}
	return nil
}

func (c *chunk) skipped() (n int) {
	for _, items := range c.skip {
		n += len(items)
	}
	return n
}

// entry is the chunk's leaf: the manifest's lines by what became of them.
func (c *chunk) entry(w *Runner, r *Request, items []Item, broken string) audit.Entry {
	skipped := map[string][]string{}
	for why, list := range c.skip {
		skipped[string(why)] = ranges(list)
	}
	return audit.Entry{
		Actor: w.system(), Action: "purge.erased", ObjectKind: "purge", Object: r.Code, Count: int64(len(c.erase)),
		Data: map[string]any{
			"root": hexOf(r.Root), "first": items[0].Seq, "last": items[len(items)-1].Seq, "requester": r.RequesterID,
			"purged": ranges(c.erase), "skipped": skipped, "skipped_count": c.skipped(), "stopped": broken,
		},
	}
}

func pointerIDs(items []*Item) []id.Conversation {
	ids := make([]id.Conversation, len(items))
	for i, it := range items {
		ids[i] = it.ConversationID
	}
	return ids
}

// ranges writes line numbers of the manifest as "0-511", "513".
func ranges(items []*Item) []string {
	out := []string{}
	for i := 0; i < len(items); {
		first := items[i].Seq
		last := first
		for i++; i < len(items) && items[i].Seq == last+1; i++ {
			last++
		}
		span := strconv.FormatInt(first, 10)
		if last > first {
			span += "-" + strconv.FormatInt(last, 10)
		}
		out = append(out, span)
	}
	return out
}
