package conversation

import (
	"context"
	"fmt"
	"maps"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Detail is one conversation, opened.
type Detail struct {
	Conversation
	Document *Document // nil where it could not be opened
	Tags     []string
	Under    *account.Reading // that opened it; nil: it lies in the reader's own departments
	Beside   *Beside          // where it was opened in a search that can be asked now
}

// Open gives one conversation with its document, after writing into the audit log that the
// actor read it. Outside the actor's scope it is not found, as if it did not exist; a
// purged one is gone, and the fault's argument is the purge's id.
func (s *Conversations) Open(ctx context.Context, by account.Actor, c id.Conversation) (*Detail, error) {
	return s.open(ctx, by, c, nil)
}

// open notes the conditions of the search in which it is opened, if there is one.
func (s *Conversations) open(ctx context.Context, by account.Actor, c id.Conversation, conditions map[string]any) (*Detail, error) {
	if err := by.Require(account.ConversationOpen); err != nil {
		return nil, err
	}
	d, stale, err := s.detail(ctx, by, c)
	if stale { // what a purge moved beside us is looked at again, as it is then
		d, _, err = s.detail(ctx, by, c)
	}
	if err != nil {
		return nil, err
	}
	data := map[string]any{"conversation": id.String(c), "masked": true}
	maps.Copy(data, conditions)
	if d.Under != nil {
		data["access"] = d.Under.Code
	}
	err = s.looks.Append(ctx, s.DB, audit.Entry{
		Actor: by.Audit(), Action: "conversation.opened", ObjectKind: "conversation", Object: d.Code(), Department: d.DepartmentID, Count: 1, Data: data,
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// detail reads a conversation that the actor may read; nobody sees it before that is written down. Stale says that the
// transaction saw it under a key that is gone.
func (s *Conversations) detail(ctx context.Context, by account.Actor, c id.Conversation) (d *Detail, stale bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		d = &Detail{}
		if err := tx.Where("id = ?", c).Take(&d.Conversation).Error; db.NotFound(err) {
			return s.gone(tx, by, c)
		} else if err != nil {
			return fmt.Errorf("find conversation: %w", err)
		}
		d.Under, err = mayRead(tx, by, &d.Conversation)
		if fault.KindOf(err) == fault.KindNotFound {
			return s.gone(tx, by, c) // looks, and takes as long, as for what never was
		}
		if err != nil {
			return err
		}
		tags, err := Tags(tx, []id.Conversation{c})
		if err != nil {
			return err
		}
		d.Tags = tags[c]
		d.Document, stale, err = s.Vault.read(tx, c)
		return err
	})
	return d, stale, err
}

// mayRead is the one place that says whose conversation somebody opens: one of the own departments, or
// one that a reading opens now, as long as it is not in the bin; what is under seal is legal's alone. It
// gives the reading that was needed.
func mayRead(tx *db.Tx, by account.Actor, row *Conversation) (*account.Reading, error) {
	if ok, err := readable(tx, by, row); err != nil {
		return nil, err
	} else if !ok {
		return nil, fault.NotFound("conversation.not_found")
	}
	if by.Scope.Has(row.DepartmentID) {
		return nil, nil
	}
	if row.State == Active || row.State == Hidden {
		for i := range by.Readings {
			if r := &by.Readings[i]; r.Covers(tx.Now, row.DepartmentID, row.ID, row.CustomerMAC, row.LastAt) {
				return r, nil
			}
		}
	}
	return nil, fault.NotFound("conversation.not_found")
}

func (s *Conversations) gone(tx *db.Tx, by account.Actor, c id.Conversation) error {
	var stone Tombstone
	err := tx.Where("conversation_id = ?", c).Take(&stone).Error
	switch {
	case db.NotFound(err) || err == nil && !by.Scope.Has(stone.DepartmentID):
		return fault.NotFound("conversation.not_found")
	case err != nil:
		return fmt.Errorf("find tombstone: %w", err)
	}
	return fault.Gone("conversation.purged", id.String(stone.PurgeID))
}
