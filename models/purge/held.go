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
