package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/subject"
)

// askDeletion plays a customer's deletion request, whose answer is due soon: of what the customer said something may go
// at once, and something must still be kept.
func (s *story) askDeletion(zhou string) error {
	by := s.cast[zhou]
	candidates, err := s.regulars(by, "云栖优品集团/华东大区")
	if err != nil {
		return err
	}
	for _, who := range candidates {
		p, err := s.subjects.Preview(s.ctx, by, who)
		if err != nil {
			return err
		}
		if p.Floor == 0 || p.Free == 0 {
			continue
		}
		code, err := s.accounts.DemoCode(s.ctx, zhou)
		if err != nil {
			return err
		}
		r, err := s.subjects.Place(s.ctx, by, subject.Order{
			Key: s.key(), Customer: who, Reference: "KF-" + time.Now().Format("2006") + "-0412", Reason: "客户书面要求删除其全部聊天记录，身份已核验", ReceivedAt: time.Now().Add(-27 * day24), Code: code,
		})
		if err != nil {
			return err
		}
		return s.subjects.Settle(s.ctx, r.ID)
	}
	return nil // a small demo has nobody who came back after so long
}

// regulars are customers who wrote to a department and below it, those who wrote most first.
func (s *story) regulars(by account.Actor, path string) ([]string, error) {
	scope := s.tree.Scope([]account.ScopeRow{{Department: s.find(path), Sub: true}})
	often := map[string]int{}
	err := s.conversations.Each(s.ctx, by, conversation.Query{Filter: conversation.Filter{Departments: scope}}, 1000, func(r *conversation.Row) error {
		if r.CustomerID != "" {
			often[r.CustomerID]++
		}
		return nil
	})
	who := slices.SortedFunc(maps.Keys(often), func(a, b string) int { return cmp.Or(cmp.Compare(often[b], often[a]), cmp.Compare(a, b)) })
	return who[:min(20, len(who))], err
}
