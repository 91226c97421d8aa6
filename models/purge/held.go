package purge

import (
	"slices"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// noteHeld tells the holds what they kept out of a purge; by is empty while it runs.
func noteHeld(tx *db.Tx, r *Request, by string, held []id.Conversation) error {
	for part := range slices.Chunk(held, manifestPage) {
		which := tx.Model(&conversation.Conversation{}).Where("conversation.id IN ?", part)
		if err := hold.NoteBlock(tx, hold.BlockPurge, r.Code, by, which); err != nil {
			return err
		}
	}
	return nil
}

// estranged refuses whoever took part in releasing a hold on any of the list not long ago: nobody
// both lifts a protection and agrees to destroy what it protected.
func (r *Request) estranged(tx *db.Tx, by account.Actor) error {
	released, err := hold.ReleasedBy(tx, by.PersonID, tx.Model(&Item{}).Select("conversation_id").Where("purge_id = ?", r.ID))
	if err != nil {
		return err
	}
	if released {
		return fault.Forbidden("purge.released_a_hold", int(hold.Estrangement.Hours()/24))
	}
	return nil
}

// freed tells whether something is free of a hold by a row alone: a hold on any of the list was ended otherwise than by two
// people and the buffer, any hold lost conversations or its row, and nobody can tell any more which, or a hold ought to cover
// something of the list by what it takes, and does not. The latter can be told only of what is not erased yet.
func (d *Desk) freed(tx *db.Tx, p id.Purge) (bool, error) {
	stripped, err := hold.Stripped(tx, d.Keys)
	if err != nil || len(stripped) > 0 {
		return len(stripped) > 0, err
	}
	missing, err := hold.UncoveredOf(tx, purgeItems(tx, p))
	if err != nil || len(missing) > 0 {
		return len(missing) > 0, err
	}
	forged, err := hold.ForgedReleases(tx, d.Keys)
	if err != nil || len(forged) == 0 {
		return false, err
	}
	n, err := count(tx.Model(&hold.Item{}).Joins("JOIN legal_hold ON legal_hold.id = hold_item.hold_id").
		Where("legal_hold.code IN ? AND legal_hold.released_at IS NOT NULL AND hold_item.conversation_id IN (?)", forged, purgeItems(tx, p)))
	return n > 0, err
}
