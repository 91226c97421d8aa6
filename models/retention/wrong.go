package retention

import (
	"cmp"
	"encoding/json"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Flaw is something that no policy of this program has. Key is a sentence of the catalogue.
type Flaw struct{ Key, Object string }

// told is what the log says of a change that took effect, or of the policy before the first.
type told struct {
	Action string
	Object string // the change's code, empty for the first policy
	Leaf   []byte
	Policy string `gorm:"-"` // the fingerprint of what was in force then
}

// actionChanged is the entry of a change that took effect: one for each.
const actionChanged = "retention.changed"

// Wrong looks for a policy that is not the one that the log says was put in force last, and for changes that two
// people did not agree to or that were changed past this program, on the tables and the key store alone. It is for fsck.
func Wrong(tx *db.Tx, k approval.Keys) ([]Flaw, error) {
	said, err := tellings(tx)
	if err != nil {
		return nil, err
	}
	out, err := differs(tx, said)
	if err != nil {
		return nil, err
	}
	forged, err := approval.Forged(tx, k, approval.Retention)
	if err != nil {
		return nil, err
	}
	votes := map[uint64]bool{}
	for _, f := range forged {
		votes[f] = true
	}
	leaves := map[string][]told{}
	for _, s := range said {
		if s.Action == actionChanged {
			leaves[s.Object] = append(leaves[s.Object], s)
		}
	}
	var all []Change
	if err := tx.Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	for i := range all {
		c := &all[i]
		keys, err := c.flaws(tx, leaves[c.Code])
		if err != nil {
			return nil, err
		}
		if votes[c.ID] {
			keys = append(keys, "fsck.retention_vote_forged")
		}
		for _, key := range keys {
			out = append(out, Flaw{key, c.Code})
		}
		delete(leaves, c.Code)
	}
	for code := range leaves {
		out = append(out, Flaw{"fsck.retention_leaves", code})
	}
	return out, nil
}

// tellings reads what the log says of the first policy and of changes that took effect, oldest first.
func tellings(tx *db.Tx) (said []told, err error) {
	err = tx.Table("audit_leaf").Select("action, object, leaf").
		Where("action IN ? AND result = ?", []string{actionChanged, actionRecorded}, audit.OK).Order("n").Scan(&said).Error
	if err != nil {
		return nil, fmt.Errorf("entries of changes: %w", err)
	}
	for i := range said {
		var in struct{ Data struct{ Policy string } }
		if json.Unmarshal(said[i].Leaf, &in) == nil { // one that cannot be read differs from everything
			said[i].Policy = in.Data.Policy
		}
	}
	return said, nil
}

// InForce tells whether the policy is the one that the log says was put in force last. A purge does not begin by any other.
func InForce(tx *db.Tx) (bool, error) {
	said, err := tellings(tx)
	if err != nil {
		return false, err
	}
	flaws, err := differs(tx, said)
	return len(flaws) == 0, err
}

// differs compares what is in force with the last entry. Only a database that no program has opened has none.
func differs(tx *db.Tx, said []told) ([]Flaw, error) {
	rules, err := stored(tx)
	if err != nil {
		return nil, err
	}
	p, broken := New(rules)
	switch {
	case broken != nil:
		return []Flaw{{"fsck.retention_policy_broken", Rule{}.TableName()}}, nil
	case len(said) == 0:
		return nil, nil
	}
	if p.NeverKeep, err = NeverKeep(tx); err != nil {
		return nil, err
	}
	if last := said[len(said)-1]; p.Draft().Fingerprint() != last.Policy {
		return []Flaw{{"fsck.retention_policy_differs", cmp.Or(last.Object, Rule{}.TableName())}}, nil
	}
	return nil, nil
}

// flaws names what is wrong with one change; said are its entries.
func (c *Change) flaws(tx *db.Tx, said []told) (keys []string, err error) {
	_, becomes, unread := c.Drafts()
	if unread != nil || !c.sound() || len(said) == 1 && said[0].Policy != becomes.Fingerprint() {
		keys = append(keys, "fsck.retention_forged")
	}
	if applied := c.State == Applied; applied && len(said) != 1 || !applied && len(said) > 0 {
		keys = append(keys, "fsck.retention_leaves")
	}
	if c.State != Applied && c.State != Waiting {
		return keys, nil
	}
	agreed, err := c.agreed(tx)
	if err == nil && !agreed {
		keys = append(keys, "fsck.retention_unapproved")
	}
	return keys, err
}

// agreed tells whether exactly one other person said yes to exactly this.
func (c *Change) agreed(tx *db.Tx) (bool, error) {
	a, votes, err := approval.Find(tx, c.ApprovalID)
	switch {
	case fault.KindOf(err) == fault.KindNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	return a.Kind == approval.Retention && a.Subject == c.ID && string(a.Root) == string(c.Root) && len(votes) == 1 &&
		votes[0].Verdict == approval.Approve && string(votes[0].Root) == string(c.Root) && votes[0].PersonID != c.RequesterPerson, nil
}

// tookEffect tells whether the log says that a change took effect already.
func tookEffect(tx *db.Tx, code string) (bool, error) {
	var n int64
	if err := tx.Table("audit_leaf").Where("object = ? AND action = ? AND result = ?", code, actionChanged, audit.OK).Count(&n).Error; err != nil {
		return false, fmt.Errorf("look into the log: %w", err)
	}
	return n > 0, nil
}
