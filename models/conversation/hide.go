package conversation

import (
	"context"
	"errors"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// errUnchanged ends a transaction in which there was nothing to do.
var errUnchanged = errors.New("nothing to change")

// Hide folds a conversation out of the agents' view; Unhide shows it again. Nothing else about
// it changes. The fault is a conflict when it is in the bin meanwhile.
func (s *Conversations) Hide(ctx context.Context, by account.Actor, c id.Conversation) error {
	return s.fold(ctx, by, c, Active, Hidden, "conversation.hidden")
}

// Unhide takes a conversation back into the ordinary view.
func (s *Conversations) Unhide(ctx context.Context, by account.Actor, c id.Conversation) error {
	return s.fold(ctx, by, c, Hidden, Active, "conversation.unhidden")
}

func (s *Conversations) fold(ctx context.Context, by account.Actor, c id.Conversation, from, to State, action string) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		one, err := id.NewSet(c)
		if err != nil {
			return fault.NotFound("conversation.not_found")
		}
		rows, err := Lock(tx, one)
		if err != nil {
			return err
		}
		if len(rows) == 0 || !by.Scope.Has(rows[0].DepartmentID) || !Knows(by, rows[0].State) {
			return fault.NotFound("conversation.not_found")
		}
		if err := by.Require(account.ConversationHide, rows[0].DepartmentID); err != nil {
			return err
		}
		if rows[0].State == to {
			return errUnchanged
		}
		if n, err := Move(tx, one, from, to, nil); err != nil {
			return err
		} else if n != 1 {
			return fault.Conflict("conversation.elsewhere")
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: action, ObjectKind: "conversation", Object: rows[0].Code(), Department: rows[0].DepartmentID, Count: 1,
		})
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
