package bin

import (
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// KindSubject is a batch of what a customer's deletion request had sealed.
const KindSubject = "subject"

// ActSubject is the action of the entry about such a batch. Its object is the request, the batch stands inside.
const ActSubject = "subject.binned"

// mostSealed bounds a batch of what was sealed: one transaction moves it, without a job.
const mostSealed = 1000

// Due is what of a deletion request goes into the bin: conversations that are sealed, of which no more go
// within a day than the cap of a batch allows (invariant I14). Legal answers for it: Owner is who placed the
// request, whose Code it is.
type Due struct {
	Code  string
	Owner account.Actor
	IDs   []id.Conversation // in ascending order
}

// Why gives an expression on the conversation table for what protects a conversation: Held, Floor or Order,
// empty for nothing.
func Why(p *retention.Policy, now time.Time) (expr string, args []any) {
	class, args := classify(p, now)
	return fmt.Sprintf("CASE %s WHEN %d THEN '%s' WHEN %d THEN '%s' WHEN %d THEN '%s' ELSE '' END", class, classHeld, Held, classFloor, Floor, classOrder, Order), args
}

// DiscardSealed moves what is sealed, and may go, into the bin as one batch, and gives what went. The caller has
// shared the hold epoch and locked the request. What is protected when its row is locked stays; nil is given when
// nothing may go.
func (b *Bin) DiscardSealed(tx *db.Tx, due Due) (*Batch, []id.Conversation, error) {
	all, err := id.NewSet(due.IDs[:min(len(due.IDs), mostSealed)]...)
	if err != nil {
		return nil, nil, nil
	}
	items, batch, err := b.dueNow(tx, due, all)
	if err != nil || len(items) == 0 {
		return nil, nil, err
	}
	if err := tx.Create(batch).Error; err != nil {
		return nil, nil, fmt.Errorf("create batch: %w", err)
	}
	for i := range items {
		items[i].BatchID = batch.ID
	}
	if err := tx.CreateInBatches(items, 500).Error; err != nil {
		return nil, nil, fmt.Errorf("list batch: %w", err)
	}
	for batch.State == Running {
		if _, err := moveNext(tx, b.Keys, batch, 0, len(items)); err != nil {
			return nil, nil, err
		}
	}
	if batch.Moved != batch.Size {
		return nil, nil, fmt.Errorf("batch %s: %d of %d moved", batch.Code, batch.Moved, batch.Size)
	}
	went := make([]id.Conversation, len(items))
	for i, it := range items {
		went[i] = it.ConversationID
	}
	return batch, went, audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: ActSubject, ObjectKind: "subject", Object: due.Code, Department: batch.DepartmentID, Count: batch.Size,
		Data: map[string]any{"batch": batch.Code, "keep_until": batch.KeepUntil, "sealed": true, "requested_by": id.String(batch.OwnerID)},
	})
}

// dueNow locks the rows and makes the batch of those that may go.
func (b *Bin) dueNow(tx *db.Tx, due Due, all id.Set[id.Conversation]) ([]Item, *Batch, error) {
	rows, err := conversation.Lock(tx, all)
	if err != nil {
		return nil, nil, err
	}
	held, err := hold.Covering(tx, all, true)
	if err != nil {
		return nil, nil, err
	}
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, nil, err
	}
	var items []Item
	var list []version
	var size int64
	taken := map[id.Department]bool{}
	for i := range rows {
		c := &rows[i]
		if verdict(KindSubject, c, len(held[c.ID]) > 0, policy, tx.Now, c.Version) != "" {
			continue
		}
		items = append(items, Item{
			ConversationID: c.ID, DepartmentID: c.DepartmentID, State: ItemPending, WasState: c.State, Version: c.Version, Bytes: c.Bytes, ChangedAt: tx.Now,
		})
		list, size, taken[c.DepartmentID] = append(list, version{c.ID, c.Version}), size+c.Bytes, true
	}
	if len(items) == 0 {
		return nil, nil, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, nil, fmt.Errorf("load departments: %w", err)
	}
	batch, err := b.newBatch(tx, due.Owner, KindSubject)
	if err != nil {
		return nil, nil, err
	}
	batch.RequestKey, batch.Reason, batch.DepartmentID = batch.Code, due.Code, above(tree, sorted(taken))
	batch.Size, batch.Bytes, batch.Fingerprint = int64(len(items)), size, fingerprint(list)
	batch.Scope = asJSON(Scope{Departments: sorted(taken)})
	return items, batch, nil
}

// Room tells how many more of n conversations, which are due in some departments, may go into the bin for a
// deletion request today. What went within a day counts, or a cap would only cut one act into several.
func (b *Bin) Room(tx *db.Tx, code string, n int64, concerned []id.Department) (int64, error) {
	var today int64
	err := tx.Model(&Batch{}).Where("kind = ? AND reason = ? AND created_at > ?", KindSubject, code, tx.Now.Add(-24*time.Hour)).
		Select("COALESCE(SUM(size), 0)").Row().Scan(&today)
	if err != nil {
		return 0, fmt.Errorf("count what went today: %w", err)
	}
	most, err := b.capFor(tx, today+n, concerned)
	if err != nil || most == 0 {
		return n, err
	}
	return min(n, max(most-today, 0)), nil
}

// SealResting notes of conversations that rest in the bin, and are locked, that they were sealed before: out of it
// they go back under seal. It gives what they were noted as until now.
func SealResting(tx *db.Tx, ids []id.Conversation) (was map[id.Conversation]conversation.State, err error) {
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil, nil
	}
	var items []Item
	if err := tx.Where("conversation_id IN ? AND state IN ?", all.Values(), resting).Find(&items).Error; err != nil {
		return nil, fmt.Errorf("find binned items: %w", err)
	}
	was = make(map[id.Conversation]conversation.State, len(items))
	for _, it := range items {
		was[it.ConversationID] = it.WasState
	}
	if len(was) != all.Len() || len(items) != all.Len() {
		return nil, fmt.Errorf("seal what rests: %d items for %d conversations", len(items), all.Len())
	}
	return was, restAs(tx, all, conversation.Sealed)
}

// UnsealResting is the way back: out of the bin they go where they were before they were sealed.
func UnsealResting(tx *db.Tx, to map[conversation.State][]id.Conversation) error {
	for state, ids := range to {
		all, err := id.NewSet(ids...)
		if err != nil {
			continue
		}
		if err := restAs(tx, all, state); err != nil {
			return err
		}
	}
	return nil
}

func restAs(tx *db.Tx, all id.Set[id.Conversation], was conversation.State) error {
	res := tx.Model(&Item{}).Where("conversation_id IN ? AND state IN ?", all.Values(), resting).Update("was_state", was)
	switch {
	case res.Error != nil:
		return fmt.Errorf("note where binned conversations go: %w", res.Error)
	case res.RowsAffected != int64(all.Len()):
		return fmt.Errorf("note where binned conversations go: %d of %d", res.RowsAffected, all.Len())
	}
	return nil
}
