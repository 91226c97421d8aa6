package hold

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// Alone is the first lock of everything that changes what holds reach: placing one, releasing one, moving a
// department. It waits for at most one step of what bins, destroys or imports, and no later step can miss the
// change (invariant I3).
func Alone(tx *db.Tx) error { return epoch(tx.ForUpdate()) }

// Reach is a hold whose departments a change of the tree changes.
type Reach struct {
	Hold   Hold
	Gains  []id.Department
	Loses  []id.Department // what it covers there it keeps; what arrives there later it does not take
	Covers int64           // conversations that come under it
	Binned int64           // of them, in the bin or on a purge's list: they go back
}

// Reaches tells which holds a change of the tree changes.
func Reaches(tx *db.Tx, before, after *department.Tree) ([]Reach, error) {
	found, _, err := reaches(tx, before, after)
	return found, err
}

// CountReaches counts what comes under the holds of Reaches, for a preview.
func CountReaches(tx *db.Tx, after *department.Tree, found []Reach) error {
	for i := range found {
		r := &found[i]
		if len(r.Gains) == 0 {
			continue
		}
		m, _, err := r.Hold.match(after)
		if err != nil {
			return err
		}
		var there Counts
		if err := there.add(tx, m.and(within, r.Gains).and(uncovered, r.Hold.ID)); err != nil {
			return err
		}
		r.Covers, r.Binned = there.Total(), there.Binned+there.OnList
	}
	return nil
}

const within = "conversation.department_id IN ?"

const uncovered = "NOT EXISTS (SELECT 1 FROM hold_item old WHERE old.conversation_id = conversation.id AND old.hold_id = ?)"

// OnTree puts what comes under continuing holds by a change of the tree under them, inside the transaction
// that changes it; what is in the bin or on a purge's list of it goes back, very much of it by a job. Nothing
// is taken off a hold: it covers whatever was ever within its reach. The caller has Alone.
func (h *Holds) OnTree(tx *db.Tx, before, after *department.Tree) ([]Reach, error) {
	found, matches, err := reaches(tx, before, after)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, nil
	}
	if h.Rescue == nil {
		return nil, errNoRescue
	}
	for i := range found {
		if matches[i] == nil {
			continue
		}
		if found[i].Covers, found[i].Binned, err = h.cover(tx, &found[i].Hold, []match{matches[i]}, later); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// reaches finds the continuing holds in force whose departments are others after a change, each with the
// condition of what it gains, nil for nothing.
func reaches(tx *db.Tx, before, after *department.Tree) (found []Reach, matches []match, err error) {
	var holds []Hold
	if err := tx.Where("released_at IS NULL AND continuing = ?", true).Order("id").Find(&holds).Error; err != nil {
		return nil, nil, fmt.Errorf("find holds: %w", err)
	}
	for i := range holds {
		m, now, err := holds[i].match(after)
		if err != nil {
			return nil, nil, err
		}
		_, was, err := holds[i].match(before)
		if err != nil {
			return nil, nil, err
		}
		if m == nil || now.Departments.All {
			continue
		}
		r := Reach{Hold: holds[i], Gains: beyond(now.Departments, was.Departments), Loses: beyond(was.Departments, now.Departments)}
		switch {
		case len(r.Gains) > 0:
			m = m.and(within, r.Gains)
		case len(r.Loses) > 0:
			m = nil
		default:
			continue
		}
		found, matches = append(found, r), append(matches, m)
	}
	return found, matches, nil
}

// beyond lists what lies in one scope and not in another. Neither is everywhere.
func beyond(s, o account.Scope) []id.Department {
	return slices.DeleteFunc(slices.Clone(s.Departments.Values()), o.Has)
}

// Uncovered gives the codes of continuing holds in force on departments that do not cover all that lies
// within their reach. It is for fsck.
func Uncovered(tx *db.Tx) (codes []string, err error) {
	return misses(tx, tx.Where("department_id <> 0"), func(q *gorm.DB) *gorm.DB { return q })
}

// UncoveredOf gives the codes of continuing holds in force, of any kind, that do not cover everything of some conversations
// that is within their reach; conversations is a query for their ids. What earlier versions put under a hold later the log does
// not count, so this is how a purge sees that one was taken off.
func UncoveredOf(tx *db.Tx, conversations *gorm.DB) (codes []string, err error) {
	return misses(tx, tx.DB, match(func(q *gorm.DB) *gorm.DB { return q }).and("conversation.id IN (?)", conversations))
}

// misses gives which of the continuing holds in force that are asked for do not cover something of their reach.
func misses(tx *db.Tx, asked *gorm.DB, of match) (codes []string, err error) {
	var holds []Hold
	if err := asked.Where("released_at IS NULL AND continuing = ?", true).Order("id").Find(&holds).Error; err != nil {
		return nil, fmt.Errorf("find holds: %w", err)
	}
	if len(holds) == 0 {
		return nil, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	for i := range holds {
		m, _, err := holds[i].match(tree)
		if err != nil {
			return nil, err
		}
		if m == nil {
			continue
		}
		var missed []id.Conversation
		err = of(m(tx.Model(&conversation.Conversation{}))).Where(uncovered, holds[i].ID).Limit(1).Pluck("conversation.id", &missed).Error
		if err != nil {
			return nil, fmt.Errorf("look what %s misses: %w", holds[i].Code, err)
		}
		if len(missed) > 0 {
			codes = append(codes, holds[i].Code)
		}
	}
	return codes, nil
}
