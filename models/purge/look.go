package purge

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// guard is what protects conversations at the instant of a transaction.
type guard struct {
	floors *retention.Policy
}

func newGuard(tx *db.Tx) (*guard, error) {
	floors, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	return &guard{floors: floors}, nil
}

// protects names what keeps a conversation from being destroyed. Each is counted once, under
// the first that applies: hold, floor, open order.
func (g *guard) protects(tx *db.Tx, c *conversation.Conversation, held bool) Reason {
	switch {
	case held:
		return Held
	case g.floors.Within(c.ServiceType, c.LastAt, tx.Now):
		return Floor
	case c.OrderState == conversation.OrderOpen:
		return Order
	}
	return notExcluded
}

// look is what is stored about some conversations now.
type look struct {
	rows   map[id.Conversation]*conversation.Conversation
	bodies map[id.Conversation]conversation.Body // without the body itself
	same   map[id.Conversation]bool              // instead of bodies: whose body is the listed one
	keys   map[id.Conversation]conversation.Key
	held   map[id.Conversation]bool
}

// lookAt reads the conversations, locked in the one order if lock is set: rows first, then
// holds. The caller has the hold epoch then.
func lookAt(tx *db.Tx, ids []id.Conversation, lock bool) (*look, error) {
	set, err := id.NewSet(ids...)
	if err != nil {
		return nil, fmt.Errorf("look at conversations: %w", err)
	}
	from := func() *gorm.DB { return tx.DB }
	if lock {
		from = tx.ForUpdate
	}
	var rows []conversation.Conversation
	if err := from().Where("id IN ?", set.Values()).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look at conversations: %w", err)
	}
	l := &look{rows: map[id.Conversation]*conversation.Conversation{}, bodies: map[id.Conversation]conversation.Body{}, keys: map[id.Conversation]conversation.Key{}}
	for i := range rows {
		l.rows[rows[i].ID] = &rows[i]
	}
	var bodies []conversation.Body
	if err := from().Select("id", "version", "department_id", "digest").Where("id IN ?", set.Values()).Find(&bodies).Error; err != nil {
		return nil, fmt.Errorf("look at bodies: %w", err)
	}
	for _, b := range bodies {
		l.bodies[b.ID] = b
	}
	var keys []conversation.Key
	if err := from().Where("id IN ?", set.Values()).Find(&keys).Error; err != nil {
		return nil, fmt.Errorf("look at keys: %w", err)
	}
	for _, k := range keys {
		l.keys[k.ID] = k
	}
	l.held, err = heldOf(tx, set, lock)
	return l, err
}

// lockSpan is lookAt for the lines of a span to which nothing happened yet: locked, in the same
// order, and with no more of each row than judge needs. The database compares the digests.
func lockSpan(tx *db.Tx, s span, items []Item) (*look, error) {
	n := len(items)
	l := &look{rows: make(map[id.Conversation]*conversation.Conversation, n), same: make(map[id.Conversation]bool, n), keys: make(map[id.Conversation]conversation.Key, n)}
	from := func(table, columns string) *gorm.DB {
		return s.in(Pending).Query(tx, tx.ForUpdate(), table, "id").Order("l.seq").Select(columns)
	}
	err := db.EachRow(from("conversation c", "c.id, c.department_id, c.service_type, c.state, c.order_state, c.started_at, c.last_at, c.version, c.batch_id"), func(r *sql.Rows) error {
		var c conversation.Conversation
		err := r.Scan(&c.ID, &c.DepartmentID, &c.ServiceType, &c.State, &c.OrderState, &c.StartedAt, &c.LastAt, &c.Version, &c.BatchID)
		l.rows[c.ID] = &c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at conversations: %w", err)
	}
	err = db.EachRow(from("conversation_body b", "b.id").Where("b.digest = l.digest"), func(r *sql.Rows) error {
		var c id.Conversation
		err := r.Scan(&c)
		l.same[c] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at bodies: %w", err)
	}
	err = db.EachRow(from("conversation_key k", "k.id, k.bucket_id, k.leaf"), func(r *sql.Rows) error {
		var k conversation.Key
		err := r.Scan(&k.ID, &k.BucketID, &k.Leaf)
		l.keys[k.ID] = k
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at keys: %w", err)
	}
	l.held, err = heldIn(tx, items)
	return l, err
}

// lockFree locks what lockSpan does, and tells whether every one of the span's lines may be erased: what judge asks of
// each line, asked of all by the database. So it is nearly always, and then no row has to be sent here.
func lockFree(tx *db.Tx, s span, g *guard, items []Item) (bool, error) {
	list := s.in(Pending)
	q := list.Query(tx, tx.ForUpdate(), "conversation", "id")
	q = list.Also(tx, q, "conversation_body b", "id")
	q = list.Also(tx, q, "conversation_key k", "id")
	within, args := g.floors.Condition(tx.Now)
	var n int64
	err := q.Select("COUNT(*)").
		Where("conversation.state IN ? AND conversation.batch_id = l.batch_id", []conversation.State{conversation.Frozen, conversation.Purging}).
		Where("conversation.version = l.version AND conversation.department_id = l.department_id AND conversation.service_type = l.service_type").
		Where("conversation.order_state <> ?", conversation.OrderOpen).Where("NOT "+within, args...).
		Where("b.digest = l.digest AND k.bucket_id = l.bucket_id AND k.leaf = l.leaf").Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("look at conversations: %w", err)
	}
	if n != int64(len(items)) {
		return false, nil
	}
	held, err := heldIn(tx, items)
	return len(held) == 0, err
}

// heldIn tells which of the items a hold covers. Their rows are locked before.
func heldIn(tx *db.Tx, items []Item) (map[id.Conversation]bool, error) {
	set, err := id.NewSet(idsOf(items)...)
	if err != nil {
		return nil, fmt.Errorf("look at conversations: %w", err)
	}
	return heldOf(tx, set, true)
}

// heldOf tells which of the conversations a hold covers.
func heldOf(tx *db.Tx, set id.Set[id.Conversation], lock bool) (map[id.Conversation]bool, error) {
	held, err := hold.Covering(tx, set, lock)
	if err != nil {
		return nil, err
	}
	out := make(map[id.Conversation]bool, len(held))
	for c := range held {
		out[c] = true
	}
	return out, nil
}

// judge says why an item of a running or waiting purge must not be destroyed, notExcluded if it
// may be.
func (l *look) judge(tx *db.Tx, g *guard, it *Item) Reason {
	row, there := l.rows[it.ConversationID]
	if !there {
		return Gone
	}
	protected := g.protects(tx, row, l.held[it.ConversationID])
	switch {
	case protected == Held:
		return Held
	case row.State != conversation.Frozen && row.State != conversation.Purging, row.BatchID == nil, *row.BatchID != it.BatchID:
		return Restored
	case protected != notExcluded:
		return protected
	case !l.whole(it, row):
		return Version
	}
	return notExcluded
}
