package export

import (
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/audit/proof"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Flaw is something that no export of this program has. Key is a sentence of the catalogue.
type Flaw struct{ Key, Object string }

// keyTime is how long after its end an export's key may still be found: Sweep has to come by.
const keyTime = 2 * sendTime

// Wrong looks for exports that break invariant I7, on the tables and the key store alone. It is for fsck.
func Wrong(tx *db.Tx, s *seal.Store) ([]Flaw, error) {
	forged, err := approval.Forged(tx, s, approval.Export)
	if err != nil {
		return nil, err
	}
	votes := map[id.Export]bool{}
	for _, f := range forged {
		votes[id.Export(f)] = true
	}
	var all []Export
	if err := tx.Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read exports: %w", err)
	}
	var out []Flaw
	for i := range all {
		e := &all[i]
		keys, err := e.flaws(tx, s)
		if err != nil {
			return nil, err
		}
		if votes[e.ID] {
			keys = append(keys, "fsck.export_vote_forged")
		}
		for _, k := range keys {
			out = append(out, Flaw{k, e.Code})
		}
	}
	return out, nil
}

func (e *Export) flaws(tx *db.Tx, s *seal.Store) (keys []string, err error) {
	if !genuine(s, e) {
		keys = append(keys, "fsck.export_forged")
	}
	for _, check := range []struct {
		key   string
		wrong func(*db.Tx, *seal.Store) (bool, error)
	}{
		{"fsck.export_key_alive", e.keyAlive}, {"fsck.export_unapproved", e.unapproved}, {"fsck.export_list_changed", e.listChanged}, {"fsck.export_given_wrong", e.givenWrong},
	} {
		wrong, err := check.wrong(tx, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Code, err)
		}
		if wrong {
			keys = append(keys, check.key)
		}
	}
	return keys, nil
}

// keyAlive finds an export that is over and whose parts can still be read.
func (e *Export) keyAlive(tx *db.Tx, s *seal.Store) (bool, error) {
	if e.BucketID == 0 {
		return e.Secret != nil, nil
	}
	var b conversation.Bucket
	if err := tx.Where("id = ?", e.BucketID).Take(&b).Error; err != nil {
		return true, nil //nolint:nilerr // a key that is not in the register would come back with a backup
	}
	state, err := s.State(uint64(e.BucketID))
	if err != nil {
		return false, err
	}
	live := state.State == seal.Live
	if e.KeyGoneAt != nil {
		return live || e.Secret != nil, nil
	}
	over := e.ClosedAt
	switch e.State {
	case Ready:
		over = e.ExpiresAt
	case Fetched:
		over = e.FetchedAt
	}
	return live && over != nil && tx.Now.After(over.Add(keyTime)), nil
}

// unapproved finds what needed a second person and got past it.
func (e *Export) unapproved(tx *db.Tx, _ *seal.Store) (bool, error) {
	if len(e.NeedsApproval()) == 0 || e.FrozenAt == nil {
		return false, nil
	}
	if e.ApprovalID == 0 {
		return true, nil
	}
	a, votes, err := approval.Find(tx, e.ApprovalID)
	if err != nil {
		return true, err
	}
	return a.State != approval.Approved || a.Subject != uint64(e.ID) || string(a.Root) != string(e.Root) || len(votes) != 1 ||
		votes[0].Verdict != approval.Approve || votes[0].PersonID == e.OwnerPerson || votes[0].At.After(*e.FrozenAt), nil
}

// listChanged computes the root of the list anew and compares the figures.
func (e *Export) listChanged(tx *db.Tx, _ *seal.Store) (bool, error) {
	if e.FrozenAt == nil {
		return e.ReadyAt != nil, nil
	}
	var list proof.Lines
	var written, left int64
	err := eachItem(tx, e.ID, func(i *Item) error {
		list.Add(i.line())
		switch i.State {
		case ItemWritten:
			written++
		case ItemLeft:
			left++
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	root := list.Root()
	if list.Size() != e.Size || string(root[:]) != string(e.ManifestRoot) || written != e.Written || left != e.LeftOut {
		return true, nil
	}
	return e.ReadyAt != nil && (e.Matched != e.Size || written+left != e.Size), nil
}

// givenWrong finds an export that was given out otherwise than once, to its owner, before its end.
func (e *Export) givenWrong(tx *db.Tx, _ *seal.Store) (bool, error) {
	var given []struct{ ActorID id.User }
	err := tx.Table("audit_leaf").Where("action = 'export.downloaded' AND object = ? AND result = 'ok'", e.Code).Select("actor_id").Scan(&given).Error
	if err != nil {
		return false, err
	}
	if e.FetchedAt == nil {
		return len(given) > 0, nil
	}
	return len(given) != 1 || given[0].ActorID != e.OwnerID || e.ReadyAt == nil || e.ExpiresAt == nil || !e.FetchedAt.Before(*e.ExpiresAt), nil
}
