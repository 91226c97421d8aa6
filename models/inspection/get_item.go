package inspection

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// ItemDetail is everything that an auditor sees of one item: never a word of the conversation.
type ItemDetail struct {
	Item
	Inspection Inspection
	Now        time.Time
	Of         int // items in all
	Path       string
	Batch      bin.Batch
	Row        bin.Item
	Living     bool // the conversation is still there: its own page shows it masked, and writes that down
	Type       string
	Held       []HoldOn
	Purge      *OnPurge
	Votes      []approval.Vote
	Stone      *conversation.Tombstone
	LockedBy   string // another auditor, until LockedTo
	LockedTo   time.Time
	Finding    *Finding
	CanJudge   bool
}

// HoldOn is a legal hold that covers or covered the item.
type HoldOn struct {
	ID         id.Hold
	Code       string
	CreatedAt  time.Time
	ReleasedAt *time.Time
}

// OnPurge is the purge request whose list has, or had, the item, with the certificate if there is one.
type OnPurge struct {
	ID          id.Purge
	Code, State string
	ApprovalID  id.Approval
	CertID      uint64
	CertCode    string
}

// Item gives one item of a sample. It changes nothing, and takes no lock. The fault is not-found, also
// for those who neither run nor sign.
func (d *Desk) Item(ctx context.Context, by account.Actor, code string, seq int) (out *ItemDetail, err error) {
	if !looks(by) {
		return nil, d.hidden(ctx, by, code, "inspection.item_opened", map[string]any{"item": seq})
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		i, err := byCode(tx, code)
		if err != nil {
			return err
		}
		item, err := i.item(tx, seq)
		if err != nil {
			return err
		}
		out = &ItemDetail{Item: *item, Inspection: *i, Now: tx.Now, Of: int(i.Sample)}
		if err := out.fill(tx); err != nil {
			return fmt.Errorf("read item: %w", err)
		}
		h, err := i.lockOf(tx, seq)
		if err != nil {
			return err
		}
		if h != nil && h.UserID != by.ID {
			out.LockedBy, out.LockedTo = h.UserName, h.UntilAt
		}
		out.CanJudge = by.May(account.InspectionRun) && i.State == Drawn && item.Verdict != Problem && out.LockedBy == ""
		return nil
	})
	return out, err
}

func (d *ItemDetail) fill(tx *db.Tx) error {
	tree, err := department.Load(tx)
	if err != nil {
		return err
	}
	d.Path = tree.Path(d.DepartmentID)
	if err := tx.Where("id = ?", d.BatchID).Take(&d.Batch).Error; err != nil {
		return err
	}
	if err := tx.Where("batch_id = ? AND conversation_id = ?", d.BatchID, d.ConversationID).Take(&d.Row).Error; err != nil {
		return err
	}
	var there []conversation.Conversation
	if err := tx.Where("id = ?", d.ConversationID).Find(&there).Error; err != nil {
		return err
	}
	if d.Living = len(there) == 1; d.Living {
		d.Type = there[0].ServiceType
	}
	err = tx.Table("hold_item h").Joins("JOIN legal_hold l ON l.id = h.hold_id").Where("h.conversation_id = ?", d.ConversationID).
		Select("l.id, l.code, l.created_at, l.released_at").Order("l.id").Scan(&d.Held).Error
	if err != nil {
		return err
	}
	var found []Finding
	if err := tx.Where("inspection_id = ? AND seq = ?", d.InspectionID, d.Seq).Find(&found).Error; err != nil {
		return err
	}
	if len(found) > 0 {
		d.Finding = &found[0]
	}
	return d.destroyed(tx)
}

// destroyed reads the purge that has or had the item on its list.
func (d *ItemDetail) destroyed(tx *db.Tx) error {
	var stones []conversation.Tombstone
	if err := tx.Where("conversation_id = ?", d.ConversationID).Find(&stones).Error; err != nil {
		return err
	}
	which := d.Row.PurgeID
	if len(stones) > 0 {
		d.Stone, which = &stones[0], &stones[0].PurgeID
	}
	if which == nil {
		return nil
	}
	var asked []OnPurge
	err := tx.Table("purge_request AS p").Joins("LEFT JOIN certificate AS c ON c.purge_id = p.id").Where("p.id = ?", *which).
		Select("p.id, p.code, p.state, p.approval_id, COALESCE(c.id, 0) AS cert_id, COALESCE(c.code, '') AS cert_code").Scan(&asked).Error
	if err != nil || len(asked) == 0 {
		return err
	}
	d.Purge = &asked[0]
	if d.Purge.ApprovalID != 0 {
		_, d.Votes, err = approval.Find(tx, d.Purge.ApprovalID)
	}
	return err
}
