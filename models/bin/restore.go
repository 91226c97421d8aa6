package bin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Outcome tells what an act on many did: how many, and how many stayed for which reason.
type Outcome struct {
	Codes []string // of the batches
	Done  int64
	Stays map[string]int64
}

// Skipped is the sum of what stayed.
func (o *Outcome) Skipped() (n int64) {
	for _, k := range o.Stays {
		n += k
	}
	return n
}

func (o *Outcome) add(step Outcome) {
	for _, c := range step.Codes {
		if !slices.Contains(o.Codes, c) {
			o.Codes = append(o.Codes, c)
		}
	}
	o.Done += step.Done
	for why, n := range step.Stays {
		if o.Stays == nil {
			o.Stays = map[string]int64{}
		}
		o.Stays[why] += n
	}
}

// restorePage is how many conversations one transaction restores.
const restorePage = 1000

// Restore puts what is left of a batch back where it was. While the batch's time runs, whoever
// may restore can do so in their departments, also what is on a purge's list; when it is over,
// only legal, and nothing that is on a list. What cannot be restored is counted. A large batch
// comes back page by page; if the process dies in between, asking again goes on. The faults
// are not-found, forbidden, and a conflict while the batch is still being moved or when
// nothing is left.
func (b *Bin) Restore(ctx context.Context, by account.Actor, batch id.Batch) (*Outcome, error) {
	out, err := b.restore(ctx, restoring{by: by, batch: batch, action: "batch.restored"})
	return out, b.noteHidden(ctx, by, "batch.restored", batch, err)
}

// Undo is Restore by somebody who may undo batches, and for all of it or not at all: the whole
// batch must lie in the actor's departments and within its time.
func (b *Bin) Undo(ctx context.Context, by account.Actor, batch id.Batch) (*Outcome, error) {
	if err := by.Require(account.BatchUndo); err != nil {
		return nil, err
	}
	out, err := b.restore(ctx, restoring{by: by, batch: batch, action: "batch.undone", whole: true})
	return out, b.noteHidden(ctx, by, "batch.undone", batch, err)
}

// RestoreItems is Restore for single conversations, of whichever batches they are in.
func (b *Bin) RestoreItems(ctx context.Context, by account.Actor, ids id.Set[id.Conversation]) (*Outcome, error) {
	if err := by.Require(account.BinRead); err != nil {
		return nil, err
	}
	var items []Item
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Where("conversation_id IN ? AND state IN ?", ids.Values(), resting).Order("batch_id, conversation_id").Find(&items).Error
	})
	if err != nil {
		return nil, fmt.Errorf("find items: %w", err)
	}
	of := map[id.Batch][]id.Conversation{}
	for _, it := range items {
		of[it.BatchID] = append(of[it.BatchID], it.ConversationID)
	}
	out := &Outcome{}
	if n := int64(ids.Len() - len(items)); n > 0 {
		out.add(Outcome{Stays: map[string]int64{NotThere: n}})
	}
	for _, batch := range slices.Sorted(maps.Keys(of)) {
		only, err := id.NewSet(of[batch]...)
		if err != nil {
			return nil, err
		}
		step, err := b.restore(ctx, restoring{by: by, batch: batch, only: &only, action: "conversation.restored"})
		switch fault.KindOf(err) {
		case fault.None:
			out.add(*step)
		case fault.KindNotFound:
			// Hidden counts like absent, and stays so if it cannot be written down.
			_ = b.noteHidden(ctx, by, "conversation.restored", batch, err)
			out.add(Outcome{Stays: map[string]int64{NotThere: int64(only.Len())}})
		case fault.KindForbidden, fault.KindConflict:
			if len(of) == 1 {
				return nil, err
			}
			out.add(Outcome{Stays: map[string]int64{Outside: int64(only.Len())}})
		default:
			return nil, err
		}
	}
	return out, nil
}

var resting = []string{ItemBinned, ItemFrozen}

// restoring is one act of restoring.
type restoring struct {
	by     account.Actor
	batch  id.Batch
	only   *id.Set[id.Conversation] // nil: all that is left
	whole  bool                     // all or nothing
	action string
}

func (b *Bin) restore(ctx context.Context, r restoring) (*Outcome, error) {
	out := &Outcome{}
	for after := id.Conversation(0); ; {
		var last id.Conversation
		var step Outcome
		err := b.DB.Write(ctx, func(tx *db.Tx) (err error) {
			step, last, err = r.next(tx, after)
			return err
		})
		if err != nil {
			return nil, err
		}
		out.add(step)
		if last == 0 {
			break
		}
		after = last
	}
	if out.Done == 0 && out.Skipped() == 0 {
		return nil, fault.Conflict("bin.nothing_to_restore")
	}
	return out, nil
}

// next restores one page behind a conversation and gives its last id, 0 when it was the last
// page: what fits on one is restored, and answered, in one transaction.
func (r restoring) next(tx *db.Tx, after id.Conversation) (out Outcome, last id.Conversation, err error) {
	b, err := lockVisible(tx, r.by, r.batch)
	if err != nil {
		return out, 0, err
	}
	if err := r.may(tx, b); err != nil {
		return out, 0, err
	}
	out.Codes = []string{b.Code}
	q := tx.Model(&Item{}).Where("batch_id = ? AND conversation_id > ? AND state IN ?", b.ID, after, resting)
	if r.only != nil {
		q = q.Where("conversation_id IN ?", r.only.Values())
	}
	var ids []id.Conversation
	if err := q.Order("conversation_id").Limit(restorePage).Pluck("conversation_id", &ids).Error; err != nil {
		return out, 0, fmt.Errorf("find items: %w", err)
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return out, 0, nil // nothing is left
	}
	if len(ids) == restorePage {
		last = ids[len(ids)-1]
	}
	able, err := r.able(tx, b, all, &out)
	if err != nil || len(able) == 0 {
		return out, last, err
	}
	if err := takeOut(tx, able, ""); err != nil {
		return out, 0, err
	}
	if err := noteUndone(tx, b); err != nil {
		return out, 0, err
	}
	out.Done = int64(len(able))
	return out, last, audit.Append(tx, audit.Entry{
		Actor: r.by.Audit(), Action: r.action, ObjectKind: "batch", Object: b.Code, Department: b.DepartmentID, Count: out.Done,
		Data: map[string]any{
			"expired": b.Expired(tx.Now), "stays": out.Skipped(), "first": id.String(able[0].ConversationID), "last": id.String(able[len(able)-1].ConversationID),
		},
	})
}

// may looks at the person and the batch's time.
func (r restoring) may(tx *db.Tx, b *Batch) error {
	expired := b.Expired(tx.Now)
	switch {
	case expired && r.by.May(account.BinRestore) && !r.by.May(account.BinRestoreExpired), expired && r.whole:
		return fault.Forbidden("bin.expired_legal_only")
	case b.State == Running && r.only == nil:
		return fault.Conflict("bin.still_running")
	case expired:
		return r.by.Require(account.BinRestoreExpired)
	}
	if err := r.by.Require(account.BinRestore); err != nil || !r.whole {
		return err
	}
	others := tx.Where("1 = 0")
	if !r.by.Scope.All {
		others = others.Or("department_id NOT IN ?", r.by.Scope.Listed())
	}
	if !r.by.May(account.ConversationSealed) {
		others = others.Or("was_state = ?", conversation.Sealed)
	}
	var foreign int64
	err := tx.Model(&Item{}).Where("batch_id = ? AND state IN ?", b.ID, resting).Where(others).Count(&foreign).Error
	if err != nil {
		return fmt.Errorf("look for foreign items: %w", err)
	}
	if foreign > 0 {
		return fault.Forbidden("account.outside_scope")
	}
	return nil
}

// able locks the conversations and gives the items that may be restored, as they are now.
func (r restoring) able(tx *db.Tx, b *Batch, all id.Set[id.Conversation], out *Outcome) ([]Item, error) {
	rows, err := conversation.Lock(tx, all)
	if err != nil {
		return nil, err
	}
	var items []Item
	if err := tx.Where("batch_id = ? AND conversation_id IN ?", b.ID, all.Values()).Order("conversation_id").Find(&items).Error; err != nil {
		return nil, fmt.Errorf("find items: %w", err)
	}
	where := make(map[id.Conversation]*conversation.Conversation, len(rows))
	for i := range rows {
		where[rows[i].ID] = &rows[i]
	}
	var able []Item
	for _, it := range items {
		if why := r.stays(it, where[it.ConversationID], b.Expired(tx.Now)); why != "" {
			out.add(Outcome{Stays: map[string]int64{why: 1}})
			continue
		}
		able = append(able, it)
	}
	return able, nil
}

func (r restoring) stays(it Item, c *conversation.Conversation, expired bool) string {
	switch {
	case c == nil || c.BatchID == nil || *c.BatchID != it.BatchID || c.State != conversation.Binned && c.State != conversation.Frozen:
		return NotThere
	case !r.by.Scope.Has(it.DepartmentID), r.by.Role == account.Agent && c.AgentID != r.by.StaffNo, !conversation.Knows(r.by, it.WasState):
		return Outside
	case expired && it.State == ItemFrozen:
		return OnList
	}
	return ""
}
