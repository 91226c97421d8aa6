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
	bodies, keys, err := Bodies(tx, ids)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(ids))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(ids) && tx.Context().Err() == nil; i += workers {
				b, k := bodies[ids[i]], keys[ids[i]]
				if b == nil || k == nil {
					continue
				}
				d, err := v.Open(b, k)
				do(i, b, d, err)
			}
		})
	}
	wg.Wait()
	return tx.Context().Err()
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
