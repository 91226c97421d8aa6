package bin

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// TreeCount is what a department has itself, without its sub-departments.
type TreeCount struct{ All, Matching int64 }

// Tree gives the departments with how many conversations each holds itself and how many of
// them match the scope's other conditions, for those in which the actor may delete. Faults
// are those of the dates.
func (b *Bin) Tree(ctx context.Context, by account.Actor, s Scope) (*department.Tree, map[id.Department]TreeCount, error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, nil, err
	}
	matching, err := s.filter(b.Zone)
	if err != nil {
		return nil, nil, err
	}
	matching.Departments, matching.WordsList = by.Scope, b.WordsList
	var tree *department.Tree
	var counts map[id.Department]TreeCount
	err = b.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if tree, err = department.Load(tx); err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		all, err := perDepartment(tx, conversation.Filter{Departments: by.Scope, States: matching.States})
		if err != nil {
			return err
		}
		some, err := perDepartment(tx, matching)
		counts = make(map[id.Department]TreeCount, len(all))
		for d, n := range all {
			counts[d] = TreeCount{All: n, Matching: some[d]}
		}
		return err
	})
	return tree, counts, err
}

func perDepartment(tx *db.Tx, f conversation.Filter) (map[id.Department]int64, error) {
	var rows []struct {
		DepartmentID id.Department
		N            int64
	}
	err := f.Apply(tx.Model(&conversation.Conversation{})).Select("conversation.department_id, COUNT(*) AS n").Group("conversation.department_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count departments: %w", err)
	}
	out := make(map[id.Department]int64, len(rows))
	for _, row := range rows {
		out[row.DepartmentID] = row.N
	}
	return out, nil
}

// Choices are the words that the wizard offers for its conditions.
type Choices struct {
	ServiceTypes, Platforms, Tags []string
}

// Choices gives what occurs among the stored conversations.
func (b *Bin) Choices(ctx context.Context, by account.Actor) (*Choices, error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	var c *Choices
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		c = &Choices{}
		scope := conversation.Filter{Departments: by.Scope, States: []conversation.State{conversation.Active, conversation.Hidden}}
		for column, into := range map[string]*[]string{"service_type": &c.ServiceTypes, "platform": &c.Platforms} {
			if err := scope.Apply(tx.Model(&conversation.Conversation{})).Distinct().Order(column).Limit(longestList).Pluck(column, into).Error; err != nil {
				return fmt.Errorf("list %s: %w", column, err)
			}
		}
		if err := tx.Model(&conversation.Tag{}).Order("name").Limit(longestList).Pluck("name", &c.Tags).Error; err != nil {
			return fmt.Errorf("list tags: %w", err)
		}
		return nil
	})
	return c, err
}
