package bin

import (
	"fmt"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// holding lists the departments in which conversations are stored, in whatever state.
func holding(tx *db.Tx) ([]id.Department, error) {
	var ids []id.Department
	err := tx.Model(&department.Department{}).Where("EXISTS (SELECT 1 FROM conversation c WHERE c.department_id = department.id)").
		Order("id").Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("find departments with conversations: %w", err)
	}
	return ids, nil
}

// coversAll tells whether departments are the whole organisation, however they were ticked:
// everything in which conversations are stored, or everything below the top.
func coversAll(t *department.Tree, stored []id.Department, taken map[id.Department]bool) bool {
	within := func(all []id.Department) bool {
		for _, d := range all {
			if !taken[d] {
				return false
			}
		}
		return len(all) > 0
	}
	return within(stored) || within(belowTop(t))
}

// belowTop lists the departments under the root, or with several roots all of them.
func belowTop(t *department.Tree) []id.Department {
	if roots := t.Roots(); len(roots) == 1 {
		return t.Subtree(roots[0])[1:]
	}
	return t.Preorder()
}

// WholeOrganisation tells whether what was chosen for batches is the whole organisation: one of
// them says so, or together they cover it, by the tree as it is or by where their conversations lie: a
// department that was moved out from under what was chosen is in the batch all the same. Single
// conversations, and those of one customer, do not count.
func WholeOrganisation(tx *db.Tx, t *department.Tree, batches []Batch) (bool, error) {
	taken := map[id.Department]bool{}
	for i := range batches {
		b := &batches[i]
		if b.ScopeKind == ScopeOrganisation {
			return true, nil
		}
		if b.ofPeople() {
			continue
		}
		s, err := ParseScope(b.Scope)
		if err != nil {
			return false, fmt.Errorf("read scope of %s: %w", b.Code, err)
		}
		for d := range s.takes(t) {
			taken[d] = true
		}
	}
	if len(taken) == 0 {
		return false, nil
	}
	if err := takenBy(tx, batches, taken); err != nil {
		return false, err
	}
	stored, err := holding(tx)
	return err == nil && coversAll(t, stored, taken), err
}

// ofPeople tells whether a batch was chosen without departments: a conversation, or those of one customer.
func (b *Batch) ofPeople() bool { return b.Kind == KindSingle || b.Kind == KindSubject }

// takenBy adds the departments whose conversations the batches took.
func takenBy(tx *db.Tx, batches []Batch, taken map[id.Department]bool) error {
	var ids []id.Batch
	for i := range batches {
		if !batches[i].ofPeople() {
			ids = append(ids, batches[i].ID)
		}
	}
	var from []id.Department
	if err := tx.Model(&Item{}).Where("batch_id IN ?", ids).Distinct().Pluck("department_id", &from).Error; err != nil {
		return fmt.Errorf("find the departments of batches: %w", err)
	}
	for _, d := range from {
		taken[d] = true
	}
	return nil
}

// AllOf tells whether every conversation that rests in the batches is this agent's own.
func AllOf(tx *db.Tx, batches []id.Batch, staffNo string) (bool, error) {
	set, err := id.NewSet(batches...)
	if err != nil {
		return true, nil
	}
	var others int64
	err = tx.Model(&conversation.Conversation{}).Where("batch_id IN ? AND agent_id <> ?", set.Values(), staffNo).Count(&others).Error
	if err != nil {
		return false, fmt.Errorf("look whose conversations are in the batches: %w", err)
	}
	return others == 0, nil
}
