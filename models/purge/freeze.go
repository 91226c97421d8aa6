package purge

import (
	"bytes"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// frozen is a list on its way into a request.
type frozen struct {
	batches  []bin.Batch
	items    []Item
	agents   map[id.Conversation]string // staff number of the agent
	excluded map[Reason]int64
	held     []id.Conversation // the excluded ones that a hold keeps
	policy   [32]byte
}

// freeze takes what is in the batches onto the purge's list and gives back what is protected.
// The caller has the hold epoch; the order goes on with batches, conversations in ascending
// order, holds.
func freeze(tx *db.Tx, k approval.Keys, by account.Actor, p id.Purge, batches []id.Batch) (*frozen, error) {
	if own, err := bin.AllWithin(tx, batches, by.Scope); err != nil {
		return nil, err
	} else if !own {
		return nil, fault.NotFound("purge.batch_not_found")
	}
	list := &frozen{agents: map[id.Conversation]string{}, excluded: map[Reason]int64{}}
	var err error
	if list.batches, err = bin.Batches(tx, batches...); err != nil {
		return nil, err
	}
	if len(list.batches) != len(batches) {
		return nil, fault.NotFound("purge.batch_not_found")
	}
	if err := bin.Genuine(k, list.batches...); err != nil {
		return nil, err
	}
	if err := ownEnough(tx, by, list.batches); err != nil {
		return nil, err
	}
	taken, err := bin.Freeze(tx, batches, p)
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(tx)
	if err != nil {
		return nil, err
	}
	list.policy = guard.floors.Version
	var back []id.Conversation
	for part := range slices.Chunk(taken, manifestPage) {
		excluded, err := list.take(tx, by, guard, part)
		if err != nil {
			return nil, err
		}
		back = append(back, excluded...)
	}
	for part := range slices.Chunk(back, manifestPage) {
		if err := release(tx, p, part); err != nil {
			return nil, err
		}
	}
	if len(list.items) == 0 {
		return nil, fault.Conflict("purge.nothing_to_freeze", list.excluded[Held], list.excluded[Floor], list.excluded[Order])
	}
	return list, nil
}

// take looks at one page of what the bin gave and gives the ids that are protected.
func (f *frozen) take(tx *db.Tx, by account.Actor, guard *guard, page []bin.Frozen) (back []id.Conversation, err error) {
	ids := make([]id.Conversation, len(page))
	batchOf := make(map[id.Conversation]id.Batch, len(page))
	for i, z := range page {
		ids[i] = z.Conversation
		batchOf[z.Conversation] = z.Batch
	}
	look, err := lookAt(tx, ids, true)
	if err != nil {
		return nil, err
	}
	for _, c := range ids {
		row, ok := look.rows[c]
		body, sealed := look.bodies[c]
		key, keyed := look.keys[c]
		switch {
		case !ok || !sealed || !keyed:
			return nil, fmt.Errorf("freeze: conversation %d is not whole", c)
		case !by.Scope.Has(row.DepartmentID):
			return nil, fault.NotFound("purge.batch_not_found")
		}
		if why := guard.protects(tx, row, look.held[c]); why != notExcluded {
			f.excluded[why]++
			if why == Held {
				f.held = append(f.held, c)
			}
			back = append(back, c)
			continue
		}
		f.agents[c] = row.AgentID
		f.items = append(f.items, Item{
			ConversationID: c, Version: row.Version, Digest: body.Digest, DepartmentID: row.DepartmentID, ServiceType: row.ServiceType,
			Platform: row.Platform, BucketID: key.BucketID, Leaf: key.Leaf, BatchID: batchOf[c],
			Messages: row.Messages, Attachments: row.Attachments, Bytes: row.Bytes, LastAt: row.LastAt,
		})
	}
	return back, nil
}

// scopeKind is organisation as soon as one batch was, or all of them together are, and self only
// if every conversation is the requester's own.
func (f *frozen) scopeKind(tx *db.Tx, tree *department.Tree, own bool) (ScopeKind, error) {
	whole, err := bin.WholeOrganisation(tx, tree, f.batches)
	switch {
	case err != nil:
		return "", err
	case whole:
		return Organisation, nil
	case own:
		return Self, nil
	}
	return Department, nil
}

// ownEnough refuses an agent everything but the batches they made and those in which every
// conversation is their own: what others said to customers is for their supervisor to ask for.
func ownEnough(tx *db.Tx, by account.Actor, batches []bin.Batch) error {
	if by.Role != account.Agent {
		return nil
	}
	var made []id.Batch
	for _, b := range batches {
		if b.OwnerID != by.ID {
			made = append(made, b.ID)
		}
	}
	own, err := bin.AllOf(tx, made, by.StaffNo)
	if err == nil && !own {
		err = fault.Forbidden("purge.own_only")
	}
	return err
}

func (f *frozen) store(tx *db.Tx, p id.Purge, shares map[id.Department]*Share) error {
	rows := make([]Batch, len(f.batches))
	for i, b := range f.batches {
		rows[i] = batchRow(p, b)
	}
	var sums []*Share
	for _, s := range shares {
		sums = append(sums, s)
	}
	for _, part := range []any{rows, sums, f.items} {
		if err := tx.CreateInBatches(part, 500).Error; err != nil {
			return fmt.Errorf("store manifest: %w", err)
		}
	}
	return nil
}

func batchRow(p id.Purge, b bin.Batch) Batch {
	return Batch{PurgeID: p, BatchID: b.ID, Code: b.Code, ResidueCount: b.ResidueCount, ResidueReason: b.ResidueReason, Residue: b.Residue}
}

// release gives conversations back to the bin.
func release(tx *db.Tx, p id.Purge, ids []id.Conversation) error {
	set, err := id.NewSet(ids...)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return bin.Release(tx, p, set)
}

// whole tells whether the conversation is still exactly what the list says.
func (l *look) whole(it *Item, row *conversation.Conversation) bool {
	_, keyed := l.keys[it.ConversationID]
	return l.sealed(it) && keyed && row.Version == it.Version && row.DepartmentID == it.DepartmentID && row.ServiceType == it.ServiceType
}

// sealed tells whether the body is the one that was listed.
func (l *look) sealed(it *Item) bool {
	if l.same != nil {
		return l.same[it.ConversationID]
	}
	body, there := l.bodies[it.ConversationID]
	return there && bytes.Equal(body.Digest, it.Digest)
}
