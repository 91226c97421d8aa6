package conversation

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// MaxBody is the largest sealed body that every engine's column and packet take.
const MaxBody = 12 << 20

// sealAll packs and seals on all cores: it costs as much as the database does.
func sealAll(v Vault, fresh []addition, places map[id.Conversation]id.Bucket) ([]Body, []Key, error) {
	buckets := map[id.Bucket]*seal.Bucket{}
	for _, b := range places {
		if buckets[b] == nil {
			open, err := v.Store.Bucket(uint64(b))
			if err != nil {
				return nil, nil, fmt.Errorf("bucket key: %w", err)
			}
			buckets[b] = open
		}
	}
	bodies, keys, errs := make([]Body, len(fresh)), make([]Key, len(fresh)), make([]error, len(fresh))
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(fresh))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(fresh); i += workers {
				b := places[fresh[i].row.ID]
				bodies[i], keys[i], errs[i] = sealOne(fresh[i].row, &fresh[i].new.Document, buckets[b], b)
			}
		})
	}
	wg.Wait()
	return bodies, keys, errors.Join(errs...)
}

func sealOne(c *Conversation, d *Document, b *seal.Bucket, bucket id.Bucket) (Body, Key, error) {
	packed, size, err := encode(d)
	if err != nil {
		return Body{}, Key{}, err
	}
	in := d.Personal()
	c.Bytes, c.Personal = int64(size), &in
	body, key, err := sealDocument(b, bucket, c, packed)
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
	body, key, err := load(tx, old.ID)
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
	old.StartedAt, old.LastAt = doc.Messages[0].At.Time(), doc.Messages[len(doc.Messages)-1].At.Time()
	return out, reseal(tx, v, old, doc)
}

// mergeFacts takes what an import says beside the messages: the state of the order, which may
// lock the conversation, and tags. It needs no new seal.
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
			fresh[t], out.Changed = []id.Conversation{old.ID}, true
		}
	}
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
	var k Key
	if err := tx.Where("id = ?", c).Take(&k).Error; err != nil {
		return nil, nil, fmt.Errorf("load key: %w", err)
	}
	return &b, &k, nil
}

// reseal stores the document of a locked conversation under a fresh data key and writes
// the row's counters.
func reseal(tx *db.Tx, v Vault, c *Conversation, doc *Document) error {
	places, err := takeBuckets(tx, v, []*Conversation{c})
	if err != nil {
		return err
	}
	open, err := v.Store.Bucket(uint64(places[c.ID]))
	if err != nil {
		return fmt.Errorf("bucket key: %w", err)
	}
	body, key, err := sealOne(c, doc, open, places[c.ID])
	if err != nil {
		return err
	}
	if err := tx.Model(&Body{}).Where("id = ?", c.ID).Select("version", "department_id", "digest", "body").Updates(&body).Error; err != nil {
		return fmt.Errorf("store body: %w", err)
	}
	if err := tx.Model(&Key{}).Where("id = ?", c.ID).Select("bucket_id", "wrapped").Updates(&key).Error; err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	err = tx.Model(&Conversation{}).Where("id = ?", c.ID).
		Select("version", "content_mac", "messages", "attachments", "bytes", "started_at", "last_at", "order_state", "personal").Updates(c).Error
	if err != nil {
		return fmt.Errorf("store conversation: %w", err)
	}
	return nil
}
