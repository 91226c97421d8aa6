package bin

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Exclusion is one conversation that a preview leaves out and why.
type Exclusion struct {
	conversation.Conversation
	Path   string // of its department
	Reason string
}

const exclusionPage = 1000

var classesOf = map[string][]int{"": {classHeld, classFloor, classOrder}, Held: {classHeld}, Floor: {classFloor}, Order: {classOrder}}

var reasonOf = map[int]string{classHeld: Held, classFloor: Floor, classOrder: Order}

// Exclusions hands over what a scope leaves out for a reason (held, floor or order; "" for
// all), in order of id; that the list was taken is written down before. The fault is not-found for another reason, else Preview's.
func (b *Bin) Exclusions(ctx context.Context, by account.Actor, s Scope, reason string, f func(Exclusion) error) error {
	if err := by.Require(account.BatchCreate); err != nil {
		return err
	}
	wanted := classesOf[reason]
	if wanted == nil {
		return fault.NotFound("bin.unknown_reason")
	}
	err := b.DB.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := b.reach(tx, by, s); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "batch.list_downloaded", ObjectKind: "batch"})
	})
	if err != nil {
		return err
	}
	return b.DB.Read(ctx, func(tx *db.Tx) error {
		r, policy, err := b.reach(tx, by, s)
		if err != nil {
			return err
		}
		for after := id.Conversation(0); ; {
			page, err := exclusions(tx, r, policy, wanted, after)
			if err != nil {
				return err
			}
			for _, e := range page {
				if err := f(e); err != nil {
					return err
				}
			}
			if len(page) < exclusionPage {
				return nil
			}
			after = page[len(page)-1].ID
		}
	})
}

func exclusions(tx *db.Tx, r *reach, policy *retention.Policy, wanted []int, after id.Conversation) ([]Exclusion, error) {
	expr, args := classify(policy, tx.Now)
	var rows []struct {
		conversation.Conversation
		Class int
	}
	err := r.chosen(tx.Model(&conversation.Conversation{})).Select("conversation.*, "+expr+" AS class", args...).
		Where("conversation.id > ?", after).Where(expr+" IN ?", append(args[:len(args):len(args)], wanted)...).
		Order("conversation.id").Limit(exclusionPage).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list exclusions: %w", err)
	}
	out := make([]Exclusion, len(rows))
	for i, row := range rows {
		out[i] = Exclusion{row.Conversation, r.tree.Path(row.DepartmentID), reasonOf[row.Class]}
	}
	return out, nil
}
