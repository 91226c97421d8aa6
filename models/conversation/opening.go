package conversation

import (
	"fmt"
	"runtime"
	"sync"

	"qingdang/models/db"
	"qingdang/models/id"
)

// openEach opens the bodies of conversations on all cores: do gets the document, or why it did not
// open, for each whose body and key are there, from several goroutines at once but once for each i.
func (v Vault) openEach(tx *db.Tx, ids []id.Conversation, do func(i int, b *Body, d *Document, err error)) error {
	found, err := pairs(tx, ids)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(ids))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(ids) && tx.Context().Err() == nil; i += workers {
				if p := found[ids[i]]; p != nil {
					d, err := v.Open(&p.Body, &p.Key)
					do(i, &p.Body, d, err)
				}
			}
		})
	}
	wg.Wait()
	return tx.Context().Err()
}

// pair is a body with its key; the digest is left out.
type pair struct {
	Body Body
	Key  Key
}

// pairs reads bodies with their keys in one statement. What has only one of them is left out.
func pairs(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*pair, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.Raw("SELECT b.id, b.version, b.department_id, b.body, k.bucket_id, k.wrapped FROM conversation_body b JOIN conversation_key k ON k.id = b.id WHERE b.id IN ?", ids).Rows()
	if err != nil {
		return nil, fmt.Errorf("load bodies: %w", err)
	}
	defer rows.Close()
	out := make(map[id.Conversation]*pair, len(ids))
	for rows.Next() {
		p := &pair{}
		if err := rows.Scan(&p.Body.ID, &p.Body.Version, &p.Body.DepartmentID, &p.Body.Body, &p.Key.BucketID, &p.Key.Wrapped); err != nil {
			return nil, fmt.Errorf("load bodies: %w", err)
		}
		p.Key.ID = p.Body.ID
		out[p.Body.ID] = p
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("load bodies: %w", err)
	}
	return out, nil
}

// Bodies gives the sealed bodies of conversations and their keys; what is not there is left out.
func Bodies(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*Body, map[id.Conversation]*Key, error) {
	var bs []Body
	if err := tx.Where("id IN ?", ids).Find(&bs).Error; err != nil {
		return nil, nil, fmt.Errorf("load bodies: %w", err)
	}
	var ks []Key
	if err := tx.Where("id IN ?", ids).Find(&ks).Error; err != nil {
		return nil, nil, fmt.Errorf("load keys: %w", err)
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
