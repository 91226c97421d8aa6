package drill_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// whole is the oracle of every drill: what must be true of finished purges however they were
// disturbed. It knows the lists by itself and reads tables, leaves and the key store past the
// program; then it asks the program's own checker.
func (s *site) whole(purges ...*planned) {
	s.t.Helper()
	for _, p := range purges {
		s.settled(p)
		s.logged(p)
		s.certified(p)
		s.unreadable(p)
	}
	s.survivorsOpen(purges)
	if out, code := s.run("fsck", "--deep"); code != 0 {
		s.t.Errorf("fsck: exit %d: %s", code, out)
	}
}

// settled: purged and skipped are the list, and nothing is both; what was purged is gone, what
// was skipped is there; nothing that was held is gone.
func (s *site) settled(p *planned) {
	s.t.Helper()
	var items []purge.Item
	var rows, stones []id.Conversation
	s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
		if err := tx.Where("purge_id = ?", p.ID).Find(&items).Error; err != nil {
			return err
		}
		if err := tx.Model(&conversation.Conversation{}).Pluck("id", &rows).Error; err != nil {
			return err
		}
		return tx.Model(&conversation.Tombstone{}).Where("purge_id = ?", p.ID).Pluck("conversation_id", &stones).Error
	}))
	there, gone := set(rows), set(stones)
	purged, skipped := map[id.Conversation]bool{}, map[id.Conversation]bool{}
	for _, it := range items {
		switch c := it.ConversationID; it.State {
		case purge.Purged:
			purged[c] = true
			if there[c] || !gone[c] || p.held[c] {
				s.t.Errorf("%s: %d was purged: still there %v, tombstone %v, held %v", p.Code, c, there[c], gone[c], p.held[c])
			}
		case purge.Skipped:
			skipped[c] = true
			if !there[c] || gone[c] || !p.held[c] {
				s.t.Errorf("%s: %d was skipped (%s): there %v, tombstone %v, held %v", p.Code, c, it.Reason, there[c], gone[c], p.held[c])
			}
		default:
			s.t.Errorf("%s: %d is %s", p.Code, c, it.State)
		}
	}
	if len(items) != len(p.list) || len(purged)+len(skipped) != len(p.list) || len(gone) != len(purged) {
		s.t.Errorf("%s: %d items, %d purged, %d skipped, %d tombstones of a list of %d", p.Code, len(items), len(purged), len(skipped), len(gone), len(p.list))
	}
	for _, c := range p.list {
		if !purged[c] && !skipped[c] {
			s.t.Errorf("%s: %d is on no side", p.Code, c)
		}
	}
	for c := range p.held {
		if !there[c] {
			s.t.Errorf("%s: %d was destroyed under a hold", p.Code, c)
		}
	}
	for _, c := range p.others {
		if !there[c] {
			s.t.Errorf("%s: %d was never on the list and is gone", p.Code, c)
		}
	}
	want := purge.Done
	if len(skipped) > 0 {
		want = purge.DoneWithExceptions
	}
	if r, _ := s.where(p); r.State != want || r.Purged != int64(len(purged)) || r.Skipped != int64(len(skipped)) {
		s.t.Errorf("%s: %s, %d purged, %d skipped; found %d and %d", r.Code, r.State, r.Purged, r.Skipped, len(purged), len(skipped))
	}
}

func set(ids []id.Conversation) map[id.Conversation]bool {
	out := make(map[id.Conversation]bool, len(ids))
	for _, c := range ids {
		out[c] = true
	}
	return out
}

// logged: the leaves add up to exactly what was done, once.
func (s *site) logged(p *planned) {
	s.t.Helper()
	r, _ := s.where(p)
	var leaves []struct {
		Action    string
		ItemCount int64
		Data      []byte
	}
	s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT action, item_count, leaf AS data FROM audit_leaf WHERE object = ? AND result = ? ORDER BY n", p.Code, audit.OK).Scan(&leaves).Error
	}))
	times := map[string]int{}
	var purged, skipped int64
	for _, l := range leaves {
		times[l.Action]++
		if l.Action != "purge.erased" {
			continue
		}
		purged += l.ItemCount
		var d struct {
			Data struct {
				Skipped int64 `json:"skipped_count"`
			} `json:"data"`
		}
		s.must(json.Unmarshal(l.Data, &d))
		skipped += d.Data.Skipped
	}
	if purged != r.Purged || skipped != r.Skipped {
		s.t.Errorf("%s: the leaves say %d purged and %d skipped, the request %d and %d", p.Code, purged, skipped, r.Purged, r.Skipped)
	}
	for _, once := range []string{"purge.started", "purge.rows_erased", "purge.erasure_ended"} {
		if times[once] != 1 {
			s.t.Errorf("%s: %d leaves %s", p.Code, times[once], once)
		}
	}
}

// certified: one certificate, one leaf for it, and a file that stands the offline check.
func (s *site) certified(p *planned) {
	s.t.Helper()
	var certs []struct {
		Code string
		Leaf int64
		File []byte
	}
	var leaves []int64
	s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
		if err := tx.Raw("SELECT code, leaf, file FROM certificate WHERE purge_id = ?", p.ID).Scan(&certs).Error; err != nil || len(certs) != 1 {
			return err
		}
		return tx.Raw("SELECT n FROM audit_leaf WHERE action = 'certificate.issued' AND object = ?", certs[0].Code).Scan(&leaves).Error
	}))
	if len(certs) != 1 || !slices.Equal(leaves, []int64{certs[0].Leaf}) {
		s.t.Errorf("%s: certificates %v, leaves %v", p.Code, certs, leaves)
		return
	}
	file := filepath.Join(s.t.TempDir(), certs[0].Code+".json")
	s.must(os.WriteFile(file, certs[0].File, 0o600))
	if out, code := s.run("verify", file); code != 0 {
		s.t.Errorf("verify %s: exit %d: %s", certs[0].Code, code, out)
	}
}

// unreadable: a backup of the database opens nothing that was purged, whatever is left.
func (s *site) unreadable(p *planned) {
	s.t.Helper()
	for _, old := range p.backup {
		if p.held[old.body.ID] {
			continue
		}
		if _, err := s.vault.Open(&old.body, &old.key); !errors.Is(err, seal.ErrDestroyed) {
			s.t.Errorf("%s: %d opens from a backup: %v", p.Code, old.body.ID, err)
		}
		var now []conversation.Bucket
		s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", old.key.BucketID).Find(&now).Error }))
		for _, b := range now {
			old.key.Slot, old.key.Tree = b.Slot, b.Tree
			if _, err := s.vault.Open(&old.body, &old.key); !errors.Is(err, seal.ErrDestroyed) {
				s.t.Errorf("%s: %d opens from a backup with what is left of its bucket: %v", p.Code, old.body.ID, err)
			}
		}
	}
}

// survivorsOpen reads every conversation that is left.
func (s *site) survivorsOpen(purges []*planned) {
	s.t.Helper()
	want := map[id.Conversation]bool{}
	for _, p := range purges {
		maps.Copy(want, p.held)
		maps.Copy(want, set(p.others))
	}
	opened := 0
	for ids := range slices.Chunk(slices.Collect(maps.Keys(want)), 500) {
		var bodies []conversation.Body
		keys := map[id.Conversation]conversation.Key{}
		s.must(s.now.Read(s.ctx(), func(tx *db.Tx) error {
			list, err := conversation.Keys(tx, ids...)
			if err != nil {
				return err
			}
			for _, k := range list {
				keys[k.ID] = k
			}
			return tx.Where("id IN ?", ids).Find(&bodies).Error
		}))
		for i := range bodies {
			b := &bodies[i]
			k := keys[b.ID]
			doc, err := s.vault.Open(b, &k)
			if sum := sha256.Sum256(b.Body); err != nil || string(sum[:]) != string(b.Digest) || len(doc.Messages) == 0 {
				s.t.Errorf("the survivor %d does not open: %v", b.ID, err)
				continue
			}
			opened++
		}
	}
	if opened != len(want) {
		s.t.Errorf("%d of %d survivors open", opened, len(want))
	}
}
