package conversation

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// MaxBody is the largest sealed body that every engine's column and packet take.
const MaxBody = 12 << 20

// sealAll packs and seals on all cores: it costs as much as the database does.
func sealAll(v Vault, fresh []addition, places map[id.Conversation]place) ([]Body, []Key, error) {
	trees := map[id.Bucket]*seal.Tree{}
	for _, p := range places {
		if trees[p.bucket.ID] == nil {
			t, err := v.tree(p.bucket)
			if err != nil {
				return nil, nil, err
			}
			trees[p.bucket.ID] = t
		}
	}
	bodies, keys, errs := make([]Body, len(fresh)), make([]Key, len(fresh)), make([]error, len(fresh))
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(fresh))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(fresh); i += workers {
				at := places[fresh[i].row.ID]
				bodies[i], keys[i], errs[i] = sealOne(v, fresh[i].row, &fresh[i].new.Document, trees[at.bucket.ID], at)
			}
		})
	}
	wg.Wait()
	return bodies, keys, errors.Join(errs...)
}

func sealOne(v Vault, c *Conversation, d *Document, t *seal.Tree, at place) (Body, Key, error) {
	packed, size, err := encode(d)
	if err != nil {
		return Body{}, Key{}, err
	}
	list := v.List()
	in, marks, by := d.Personal(), d.Marks(list), list.ID()
	c.Bytes, c.Personal, c.Marks, c.MarksList = int64(size), &in, &marks, &by
	body, key, err := sealDocument(t, at, c, packed)
	if err == nil && len(body.Body) > MaxBody {
		return Body{}, Key{}, fault.Invalid("conversation.too_large", MaxBody>>20)
	}
	return body, key, err
}

// packets cuts bodies into statements of about 4 MB.
func packets(bodies []Body) iter.Seq[[]Body] {
	return func(yield func([]Body) bool) {
		start, size := 0, 0
		for i := range bodies {
			if n := len(bodies[i].Body); i > start && (size+n > 4<<20 || i-start == 500) {
				if !yield(bodies[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += len(bodies[i].Body)
		}
		if start < len(bodies) {
			yield(bodies[start:])
		}
	}
}

// merge adds to a known, locked conversation the messages that are new, and seals it anew
// under the next version, which a purge list that was frozen before will notice.
func merge(tx *db.Tx, v Vault, old *Conversation, n *New) (Outcome, error) {
	out := Outcome{ID: old.ID}
	if err := mergeFacts(tx, old, n, &out); err != nil {
		return out, err
	}
	if slices.Equal(old.ContentMAC, v.contentMAC(old.ExternalMAC, n.Document.Messages)) {
		return out, nil
	}
	body, key, bucket, err := loadLocked(tx, old.ID)
	if err != nil {
		return out, err
	}
	doc, err := v.Open(body, key)
	if errors.Is(err, seal.ErrDestroyed) {
		// Its key was lost with a restored backup: what the import brings takes its place.
		doc, err = &Document{ExternalID: n.Document.ExternalID, CustomerID: n.Document.CustomerID, CustomerName: n.Document.CustomerName, OrderNo: n.Document.OrderNo}, nil
	}
	if err != nil {
		return out, err
	}
	var changed bool
	if out.Messages, changed = combine(doc, n.Document.Messages); !changed {
		return out, nil
	}
	out.Changed = true
	old.Version++
	old.ContentMAC = v.contentMAC(old.ExternalMAC, doc.Messages)
	old.Messages, old.Attachments = len(doc.Messages), attachments(doc.Messages)
	// What is left may be less than there was, but the period stays: earlier versions were sealed in its months, where a
	// purge looks for them, and the age of what was said last counts.
	if first := doc.Messages[0].At.Time(); first.Before(old.StartedAt) {
		old.StartedAt = first
	}
	if last := doc.Messages[len(doc.Messages)-1].At.Time(); last.After(old.LastAt) {
		old.LastAt = last
	}
	return out, reseal(tx, v, old, doc, place{bucket, key.Leaf})
}

// mergeFacts takes what an import says beside the messages: the state of the order, which may
// lock the conversation, and tags, but for those that somebody took from it. It needs no new seal.
func mergeFacts(tx *db.Tx, old *Conversation, n *New, out *Outcome) error {
	if n.OrderState != NoOrder && n.OrderState != old.OrderState {
		old.OrderState, out.Changed = n.OrderState, true
		if err := tx.Model(&Conversation{}).Where("id = ?", old.ID).Update("order_state", old.OrderState).Error; err != nil {
			return fmt.Errorf("store order state: %w", err)
		}
	}
	if len(n.Tags) == 0 {
		return nil
	}
	has, err := Tags(tx, []id.Conversation{old.ID})
	if err != nil {
		return err
	}
	fresh := map[string][]id.Conversation{}
	for _, t := range n.Tags {
		if !slices.Contains(has[old.ID], t) {
			fresh[t] = []id.Conversation{old.ID}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	removed, err := removedTags(tx, old.ID)
	if err != nil {
		return err
	}
	for _, t := range removed {
		delete(fresh, t)
	}
	out.Changed = out.Changed || len(fresh) > 0
	return addTags(tx, fresh)
}

// combine puts the unknown messages into the document, in order of time, and marks the
// ones that were recalled since.
func combine(doc *Document, incoming []Message) (added int, changed bool) {
	at := map[string]int{}
	for i, k := range identities(doc.Messages) {
		at[k] = i
	}
	for i, k := range identities(incoming) {
		j, known := at[k]
		switch {
		case !known:
			doc.Messages = append(doc.Messages, incoming[i])
			added++
		case incoming[i].Recalled && !doc.Messages[j].Recalled:
			doc.Messages[j].Recalled = true
			changed = true
		}
	}
	slices.SortStableFunc(doc.Messages, func(a, b Message) int { return int(min(1, max(-1, a.At-b.At))) })
	return added, changed || added > 0
}

func load(tx *db.Tx, c id.Conversation) (*Body, *Key, error) {
	var b Body
	if err := tx.Where("id = ?", c).Take(&b).Error; err != nil {
		return nil, nil, fmt.Errorf("load body: %w", err)
	}
	keys, err := Keys(tx, c)
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("load key: %w", gorm.ErrRecordNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	return &b, &keys[0], nil
}

// loadLocked is load for a conversation that the caller has locked, with its bucket locked too: what its
// key is wrapped by stays what it is until the end of the transaction.
func loadLocked(tx *db.Tx, c id.Conversation) (*Body, *Key, *Bucket, error) {
	var in Key
	if err := tx.Select("bucket_id").Where("id = ?", c).Take(&in).Error; err != nil {
		return nil, nil, nil, fmt.Errorf("find bucket: %w", err)
	}
	var bucket Bucket
	if err := tx.ForUpdate().Where("id = ?", in.BucketID).Take(&bucket).Error; err != nil {
		return nil, nil, nil, fmt.Errorf("lock bucket: %w", err)
	}
	body, key, err := load(tx, c)
	return body, key, &bucket, err
}

// takeAgain gives a conversation that is sealed anew the place that it has, unless its bucket takes nothing any
// more, is of another department or month by now, or lost that leaf.
func takeAgain(tx *db.Tx, v Vault, c *Conversation, has place) (place, *seal.Tree, error) {
	b := has.bucket
	if has.leaf >= 0 && b.State == BucketOpen && roomOf(c) == (room{b.DepartmentID, b.Month}) {
		t, err := v.tree(b)
		if err == nil && t.Covers(has.leaf) || err != nil && !errors.Is(err, seal.ErrDestroyed) {
			return has, t, err
		}
	}
	places, err := takeBuckets(tx, v, []*Conversation{c})
	if err != nil {
		return place{}, nil, err
	}
	t, err := v.tree(places[c.ID].bucket)
	return places[c.ID], t, err
}

// reseal stores the document of a locked conversation under a fresh data key and writes
// the row's counters.
func reseal(tx *db.Tx, v Vault, c *Conversation, doc *Document, has place) error {
	at, tree, err := takeAgain(tx, v, c, has)
	if err != nil {
		return err
	}
	body, key, err := sealOne(v, c, doc, tree, at)
	if err != nil {
		return err
	}
	if err := tx.Model(&Body{}).Where("id = ?", c.ID).Select("version", "department_id", "digest", "body").Updates(&body).Error; err != nil {
		return fmt.Errorf("store body: %w", err)
	}
	if err := tx.Model(&Key{}).Where("id = ?", c.ID).Select("bucket_id", "leaf", "wrapped").Updates(&key).Error; err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	err = tx.Model(&Conversation{}).Where("id = ?", c.ID).
		Select("version", "content_mac", "messages", "attachments", "bytes", "started_at", "last_at", "order_state", "personal", "marks", "marks_list").Updates(c).Error
	if err != nil {
		return fmt.Errorf("store conversation: %w", err)
	}
	return nil
}
