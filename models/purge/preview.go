package purge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Preview is what a request for some batches would freeze now.
type Preview struct {
	Now         time.Time
	Batches     []Batch
	KeepUntil   time.Time
	Size        int64
	Messages    int64
	Attachments int64
	Bytes       int64
	Excluded    map[Reason]int64
	Departments []Share
	ScopeKind   ScopeKind
	Cooling     time.Duration
	Reach       []Reach

	shares map[id.Department]*Share
}

// Preview counts what a request for the batches, or for the system's draft, would freeze. The
// fault is not-found for a batch outside the actor's departments, and forbidden for an agent
// who looks at other people's conversations.
func (d *Desk) Preview(ctx context.Context, by account.Actor, draft id.Purge, batches []id.Batch) (*Preview, error) {
	if err := by.Require(account.PurgeRequest); err != nil {
		return nil, err
	}
	var p *Preview
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if draft != 0 {
			if _, err := visible(tx, by, draft); err != nil {
				return err
			}
			if err := tx.Model(&Batch{}).Where("purge_id = ?", draft).Order("batch_id").Pluck("batch_id", &batches).Error; err != nil {
				return fmt.Errorf("read draft: %w", err)
			}
		}
		p, err = d.preview(tx, by, batches)
		return err
	})
	if err != nil {
		return nil, d.unseenBatches(ctx, by, draft, batches, err)
	}
	return p, nil
}

func (d *Desk) preview(tx *db.Tx, by account.Actor, batches []id.Batch) (*Preview, error) {
	var rows []bin.Batch
	if err := tx.Where("id IN ?", append(batches, 0)).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	within, err := bin.AllWithin(tx, batches, by.Scope)
	switch {
	case err != nil:
		return nil, err
	case !within, len(rows) == 0, len(rows) != len(batches):
		return nil, fault.NotFound("purge.batch_not_found")
	}
	if err := bin.Genuine(d.Keys, rows...); err != nil {
		return nil, err
	}
	if err := ownEnough(tx, by, rows); err != nil {
		return nil, err
	}
	p, err := outlook(tx, rows, by.StaffNo)
	if err != nil {
		return nil, err
	}
	for d := range p.shares {
		if !by.Scope.Has(d) {
			return nil, fault.NotFound("purge.batch_not_found")
		}
	}
	p.Cooling = d.Cooling.of(p.ScopeKind)
	held, err := d.exports(tx, tx.Model(&conversation.Conversation{}).Where("batch_id IN ?", batches).Select("id"))
	if err != nil {
		return nil, err
	}
	p.Reach, err = d.reachToCome(tx.Now, reachFacts{exports: held})
	return p, err
}

// outlook adds up what a request for the batches would freeze now and what is protected. It locks
// nothing: the request itself decides.
func outlook(tx *db.Tx, batches []bin.Batch, staffNo string) (*Preview, error) {
	p := &Preview{Now: tx.Now, Excluded: map[Reason]int64{}, shares: map[id.Department]*Share{}}
	ids := make([]id.Batch, len(batches))
	for i, b := range batches {
		ids[i] = b.ID
		p.Batches = append(p.Batches, batchRow(0, b))
		p.KeepUntil = later(p.KeepUntil, b.KeepUntil)
	}
	own, err := p.resting(tx, ids, staffNo)
	if err != nil {
		return nil, err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	p.name(tree)
	list := frozen{batches: batches}
	p.ScopeKind, err = list.scopeKind(tx, tree, own)
	return p, err
}

// resting goes through what rests in the batches and tells whether all of it is one agent's own.
func (p *Preview) resting(tx *db.Tx, batches []id.Batch, staffNo string) (own bool, err error) {
	g, err := newGuard(tx)
	if err != nil {
		return false, err
	}
	own = true
	for next := id.Conversation(0); ; {
		var ids []id.Conversation
		err := tx.Model(&conversation.Conversation{}).Where("batch_id IN ? AND state = ? AND id > ?", batches, conversation.Binned, next).
			Order("id").Limit(manifestPage).Pluck("id", &ids).Error
		if err != nil {
			return false, fmt.Errorf("read batches: %w", err)
		}
		if len(ids) == 0 {
			return own, nil
		}
		next = ids[len(ids)-1]
		l, err := lookAt(tx, ids, false)
		if err != nil {
			return false, err
		}
		for _, c := range ids {
			row := l.rows[c]
			if row == nil {
				continue // gone since the page was read
			}
			own = own && row.AgentID == staffNo
			p.add(row, g.protects(tx, row, l.held[c]))
		}
	}
}

func (p *Preview) add(c *conversation.Conversation, why Reason) {
	if why != notExcluded {
		p.Excluded[why]++
		return
	}
	s := p.shares[c.DepartmentID]
	if s == nil {
		s = &Share{DepartmentID: c.DepartmentID}
		p.shares[c.DepartmentID] = s
	}
	s.Conversations++
	s.Messages += int64(c.Messages)
	s.Attachments += int64(c.Attachments)
	s.Bytes += c.Bytes
	p.Size++
	p.Messages += int64(c.Messages)
	p.Attachments += int64(c.Attachments)
	p.Bytes += c.Bytes
}

// name gives the departments their paths, in their order.
func (p *Preview) name(tree *department.Tree) {
	for _, s := range p.shares {
		s.Path = tree.Path(s.DepartmentID)
		p.Departments = append(p.Departments, *s)
	}
	slices.SortFunc(p.Departments, func(a, b Share) int { return strings.Compare(a.Path, b.Path) })
}
