package bin

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// ItemRow is one conversation of a batch. Its conversation is nil once it was purged, and its code
// then comes from the list of the purge.
type ItemRow struct {
	Item
	Code         string
	Conversation *conversation.Conversation
	Closed       bool   // it is under seal, and the reader may not open it
	Path         string // of its department
	BatchCode    string
	OwnerName    string
	KeepUntil    time.Time
}

// ItemPage is one page of conversations.
type ItemPage struct {
	Rows  []ItemRow
	Total int64
	Now   time.Time
}

// deepest is how far a list is paged through; behind it people narrow.
const deepest = 10_000

// Items gives a page of what rests in the bin, conversation by conversation, the soonest
// deadline first. Text is a conversation's code or part of its agent's name.
func (b *Bin) Items(ctx context.Context, by account.Actor, v View) (*ItemPage, error) {
	if err := by.Require(account.BinRead); err != nil {
		return nil, err
	}
	if v.offset() > deepest {
		return nil, fault.Invalid("bin.too_deep", deepest).On("page")
	}
	return b.items(ctx, by, func(tx *db.Tx, tree *department.Tree) (func() *gorm.DB, error) {
		below, err := v.departments(tree, by)
		if err != nil {
			return nil, err
		}
		return func() *gorm.DB {
			q := tx.Model(&Item{}).Joins("JOIN bin_batch ON bin_batch.id = bin_item.batch_id")
			return v.applyItems(q, tx.Now, below)
		}, nil
	}, "bin_batch.keep_until, bin_item.conversation_id", v)
}

// BatchItems gives a page of all conversations of a batch and what became of each.
func (b *Bin) BatchItems(ctx context.Context, by account.Actor, batch id.Batch, v View) (*ItemPage, error) {
	if err := by.Require(account.BinRead); err != nil {
		return nil, err
	}
	return b.items(ctx, by, func(tx *db.Tx, _ *department.Tree) (func() *gorm.DB, error) {
		return func() *gorm.DB {
			q := tx.Model(&Item{}).Where("bin_item.batch_id = ?", batch)
			if v.State != "" && v.State != ViewAll {
				q = q.Where("bin_item.state = ?", v.State)
			}
			return q
		}, nil
	}, "bin_item.conversation_id", v)
}

func (v View) applyItems(q *gorm.DB, now time.Time, below []id.Department) *gorm.DB {
	switch v.State {
	case ViewAll:
		q = q.Where("bin_item.state IN ?", resting)
	case ViewExpired:
		q = q.Where("bin_item.state = ? AND bin_batch.keep_until <= ?", ItemBinned, now)
	case ViewFrozen:
		q = q.Where("bin_item.state = ?", ItemFrozen)
	default:
		q = q.Where("bin_item.state IN ? AND bin_batch.keep_until > ?", resting, now)
	}
	if v.Within > 0 {
		q = q.Where("bin_batch.keep_until > ? AND bin_batch.keep_until <= ?", now, now.Add(v.Within))
	}
	if below != nil {
		q = q.Where("bin_item.department_id IN ?", below)
	}
	if v.Text == "" {
		return q
	}
	if c, ok := conversation.ParseCode(v.Text); ok {
		return q.Where("bin_item.conversation_id = ?", c)
	}
	return q.Where("EXISTS (SELECT 1 FROM conversation tc WHERE tc.id = bin_item.conversation_id AND tc.agent_name = ?)", v.Text)
}

type choice func(tx *db.Tx, tree *department.Tree) (func() *gorm.DB, error)

func (b *Bin) items(ctx context.Context, by account.Actor, choose choice, order string, v View) (*ItemPage, error) {
	p := &ItemPage{}
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		*p = ItemPage{Now: tx.Now}
		tree, err := department.Seen(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		q, err := choose(tx, tree)
		if err != nil {
			return err
		}
		if err := ownItems(q(), by).Count(&p.Total).Error; err != nil {
			return fmt.Errorf("count items: %w", err)
		}
		var items []Item
		if err := ownItems(q(), by).Select("bin_item.*").Order(order).Offset(v.offset()).Limit(v.size()).Find(&items).Error; err != nil {
			return fmt.Errorf("list items: %w", err)
		}
		p.Rows, err = rowsOf(tx, by, tree, items)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func rowsOf(tx *db.Tx, by account.Actor, tree *department.Tree, items []Item) ([]ItemRow, error) {
	cs, bs := make([]id.Conversation, len(items)), make([]id.Batch, len(items))
	for i, it := range items {
		cs[i], bs[i] = it.ConversationID, it.BatchID
	}
	conversations, err := byID(tx, cs)
	if err != nil {
		return nil, err
	}
	batches, err := batchMap(tx, bs)
	if err != nil {
		return nil, err
	}
	platforms, err := goneFrom(tx, items)
	if err != nil {
		return nil, err
	}
	rows := make([]ItemRow, len(items))
	for i, it := range items {
		batch := batches[it.BatchID]
		platform := platforms[it.ConversationID]
		closed := !conversation.Knows(by, it.WasState) && it.State != ItemPurged
		if c := conversations[it.ConversationID]; c != nil {
			if platform = c.Platform; !conversation.Knows(by, c.State) { // it came back out of the bin and was sealed
				closed = true
				delete(conversations, it.ConversationID)
			}
		}
		rows[i] = ItemRow{
			Item: it, Code: conversation.Code(it.ConversationID, platform), Conversation: conversations[it.ConversationID], Closed: closed, Path: tree.Path(it.DepartmentID),
			BatchCode: batch.Code, OwnerName: batch.OwnerName, KeepUntil: batch.KeepUntil,
		}
	}
	return rows, nil
}

// goneFrom tells the platforms of those that were purged, from the lists of their purges.
func goneFrom(tx *db.Tx, items []Item) (map[id.Conversation]string, error) {
	var gone []id.Conversation
	for _, it := range items {
		if it.State == ItemPurged {
			gone = append(gone, it.ConversationID)
		}
	}
	out := make(map[id.Conversation]string, len(gone))
	if len(gone) == 0 {
		return out, nil
	}
	var listed []struct {
		ConversationID id.Conversation
		Platform       string
	}
	err := tx.Table("purge_item p").Joins("JOIN bin_item i ON i.conversation_id = p.conversation_id AND i.purge_id = p.purge_id").
		Where("p.conversation_id IN ? AND i.state = ?", gone, ItemPurged).Select("p.conversation_id, p.platform").Scan(&listed).Error
	if err != nil {
		return nil, fmt.Errorf("read what was purged: %w", err)
	}
	for _, l := range listed {
		out[l.ConversationID] = l.Platform
	}
	return out, nil
}
