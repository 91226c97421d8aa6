package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// openEach opens the bodies of conversations on all cores: do gets the document, or why it did not
// open, for each whose body and key are there, from several goroutines at once but once for each i.
func (v Vault) openEach(tx *db.Tx, ids []id.Conversation, do func(i int, b *Body, d *Document, err error)) error {
	found, err := pairs(tx, ids)
	if err != nil {
		return err
	}
	return onAllCores(tx.Context(), len(ids), func(i int) {
		if p := found[ids[i]]; p != nil {
			d, err := v.Open(&p.Body, &p.Key)
			do(i, &p.Body, d, err)
		}
	})
}

// onAllCores calls do with 0 to n-1, from several goroutines at once, unless the context ends before.
func onAllCores(ctx context.Context, n int, do func(i int)) error {
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// entry is what a search reads of one conversation: its row, and its document or why that did not
// open. Both are nil where the body or its key is not there.
type entry struct {
	Conversation
	doc *Document
	err error
}

// handful is how many conversations are handed to a core at once: few, so that all cores begin soon, and not so few
// that waking them takes longer than the work.
const handful = 8

// entries reads conversations with one statement, and opens them on all cores while others are still read.
// What has no row is left out.
func (v Vault) entries(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*entry, error) {
	found := make(map[id.Conversation]*entry, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	read := make(chan []*sealedEntry, len(ids))
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(ids)) {
		wg.Go(func() {
			for some := range read {
				if tx.Context().Err() == nil {
					v.openSome(some)
				}
			}
		})
	}
	err := func() error {
		var some []*sealedEntry
		defer func() {
			read <- some
			close(read)
			wg.Wait()
		}()
		return sealedEntries(tx, ids, func(e *sealedEntry) {
			found[e.ID] = &e.entry
			if some = append(some, e); len(some) == handful {
				read <- some
				some = nil
			}
		})
	}()
	return found, errors.Join(err, tx.Context().Err())
}

// openSome opens entries with one look at the key store for all of them: the keys were there at that moment.
func (v Vault) openSome(some []*sealedEntry) {
	in, places := make([]*sealedEntry, 0, len(some)), make([]seal.Place, 0, len(some))
	for _, e := range some {
		switch {
		case e.Body.Body == nil || e.Key.Wrapped == nil:
		case e.Key.Leaf < 0:
			e.doc, e.err = v.Open(&e.Body, &e.Key)
		default:
			in, places = append(in, e), append(places, seal.Place{Bucket: uint64(e.Key.BucketID), Slot: e.Key.Slot, State: e.Key.Tree})
		}
	}
	trees, errs := v.Store.Trees(places)
	for i, e := range in {
		var packed []byte
		if e.err = errs[i]; e.err == nil {
			packed, e.err = trees[i].Open(e.Key.Leaf, aad(e.ID, e.Body.Version, e.Body.DepartmentID), seal.Sealed{Body: e.Body.Body, Wrapped: e.Key.Wrapped})
		}
		e.doc, e.err = opened(packed, e.err)
	}
}

// sealedEntry is an entry with what it is opened from. The numbers are zero where body or key is not there.
type sealedEntry struct {
	entry
	pair
}

func sealedEntries(tx *db.Tx, ids []id.Conversation, do func(*sealedEntry)) error {
	q := tx.Raw("SELECT "+columns+", "+pairColumns+" FROM conversation c "+
		"LEFT JOIN conversation_body b ON b.id = c.id LEFT JOIN conversation_key k ON k.id = c.id LEFT JOIN key_bucket g ON g.id = k.bucket_id WHERE c.id IN ?", ids)
	err := db.EachRow(q, func(r *sql.Rows) error {
		e := &sealedEntry{}
		if err := r.Scan(append(e.entry.fields(), e.pair.fields()...)...); err != nil {
			return err
		}
		e.Body.ID, e.Key.ID = e.ID, e.ID
		do(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	return nil
}

// pair is a body with its key; the digest is left out.
type pair struct {
	Body Body
	Key  Key
}

// pairColumns are those of a pair without its id, of body b, key k and bucket g; fields takes them.
const pairColumns = "COALESCE(b.version, 0), COALESCE(b.department_id, 0), b.body, COALESCE(k.bucket_id, 0), COALESCE(k.leaf, -1), k.wrapped, COALESCE(g.slot, 0), g.tree"

func (p *pair) fields() []any {
	return []any{&p.Body.Version, &p.Body.DepartmentID, &p.Body.Body, &p.Key.BucketID, &p.Key.Leaf, &p.Key.Wrapped, &p.Key.Slot, &p.Key.Tree}
}

// pairs reads bodies with their keys in one statement. What has only one of them is left out.
func pairs(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*pair, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out := make(map[id.Conversation]*pair, len(ids))
	q := tx.Raw("SELECT b.id, "+pairColumns+" FROM conversation_body b "+
		"JOIN conversation_key k ON k.id = b.id LEFT JOIN key_bucket g ON g.id = k.bucket_id WHERE b.id IN ?", ids)
	err := db.EachRow(q, func(r *sql.Rows) error {
		p := &pair{}
		err := r.Scan(append([]any{&p.Body.ID}, p.fields()...)...)
		p.Key.ID = p.Body.ID
		out[p.Body.ID] = p
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load bodies: %w", err)
	}
	return out, nil
}

// read loads a conversation and opens it; nil is one that does not open: a reader sees that, and fsck says why. Stale
// says that its key was destroyed, by a purge after the transaction began where the conversation is still there.
func (v Vault) read(tx *db.Tx, c id.Conversation) (doc *Document, stale bool, err error) {
	found, err := pairs(tx, []id.Conversation{c})
	switch {
	case err != nil:
		return nil, false, err
	case found[c] == nil:
		return nil, false, fmt.Errorf("load body: %w", gorm.ErrRecordNotFound)
	}
	doc, err = v.Open(&found[c].Body, &found[c].Key)
	return doc, errors.Is(err, seal.ErrDestroyed), nil
}

// Bodies gives the sealed bodies of conversations and their keys; what is not there is left out.
func Bodies(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*Body, map[id.Conversation]*Key, error) {
	var bs []Body
	if err := tx.Where("id IN ?", ids).Find(&bs).Error; err != nil {
		return nil, nil, fmt.Errorf("load bodies: %w", err)
	}
	ks, err := Keys(tx, ids...)
	if err != nil {
		return nil, nil, err
	}
	bodies, keys := make(map[id.Conversation]*Body, len(bs)), make(map[id.Conversation]*Key, len(ks))
	for i := range bs {
		bodies[bs[i].ID] = &bs[i]
	}
	for i := range ks {
		keys[ks[i].ID] = &ks[i]
	}
	return bodies, keys, nil
}

// Keys gives the data keys of conversations, each with its bucket as it is at that moment; what is not there is
// left out.
func Keys(tx *db.Tx, ids ...id.Conversation) ([]Key, error) {
	var keys []Key
	err := tx.Raw("SELECT k.id, k.bucket_id, k.leaf, k.wrapped, COALESCE(g.slot, 0) AS slot, g.tree FROM conversation_key k "+
		"LEFT JOIN key_bucket g ON g.id = k.bucket_id WHERE k.id IN ? ORDER BY k.id", ids).Scan(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	return keys, nil
}
