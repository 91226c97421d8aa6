package access

import (
	"fmt"
	"time"

	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Flaw is something that no grant of this program has. Key is a sentence of the catalogue.
type Flaw struct{ Key, Object string }

// tickTime is how long after its end a grant may still be called running: Tick has to come by. It
// opens nothing in the meantime.
const tickTime = 6 * time.Hour

// Wrong looks for grants that two people did not agree to, that were changed past this program, or
// that are called running after their end, on the tables and the key store alone. It is for fsck.
func Wrong(tx *db.Tx, s *seal.Store) ([]Flaw, error) {
	forged, err := approval.Forged(tx, s, approval.Access)
	if err != nil {
		return nil, err
	}
	votes := map[id.Access]bool{}
	for _, f := range forged {
		votes[id.Access(f)] = true
	}
	var all []Grant
	if err := tx.Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read access: %w", err)
	}
	var out []Flaw
	for i := range all {
		g := &all[i]
		keys, err := g.flaws(tx, s)
		if err != nil {
			return nil, err
		}
		if votes[g.ID] {
			keys = append(keys, "fsck.access_vote_forged")
		}
		for _, k := range keys {
			out = append(out, Flaw{k, g.Code})
		}
	}
	return out, nil
}

func (g *Grant) flaws(tx *db.Tx, s *seal.Store) (keys []string, err error) {
	all, err := lists(tx, g.ID)
	if err != nil {
		return nil, err
	}
	if !genuine(s, g, all[g.ID]) {
		keys = append(keys, "fsck.access_forged")
	}
	if g.State == Granted && (g.EndsAt == nil || tx.Now.After(g.EndsAt.Add(tickTime))) {
		keys = append(keys, "fsck.access_past_end")
	}
	if g.State != Granted && g.State != Ended {
		return keys, nil
	}
	agreed, err := g.agreed(tx)
	if err == nil && !agreed {
		keys = append(keys, "fsck.access_unapproved")
	}
	return keys, err
}

// agreed tells whether exactly one other person said yes to exactly this, and whether the log has it.
func (g *Grant) agreed(tx *db.Tx) (bool, error) {
	if g.ApprovalID == 0 || !g.sound() {
		return false, nil
	}
	a, votes, err := approval.Find(tx, g.ApprovalID)
	if err != nil {
		return false, err
	}
	var leaves int64
	err = tx.Table("audit_leaf").Where("action = 'access.granted' AND object = ? AND result = 'ok' AND actor_id = ?", g.Code, g.ApproverID).Count(&leaves).Error
	if err != nil {
		return false, fmt.Errorf("look into the log: %w", err)
	}
	return leaves == 1 && a.Kind == approval.Access && a.Subject == uint64(g.ID) && string(a.Root) == string(g.Root) && len(votes) == 1 &&
		votes[0].Verdict == approval.Approve && votes[0].UserID == g.ApproverID && votes[0].PersonID != g.AskerPerson && votes[0].At.Equal(*g.DecidedAt), nil
}
