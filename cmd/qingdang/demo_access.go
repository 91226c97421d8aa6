package main

import (
	"time"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/conversation"
)

// readElsewhere lets an agent read in another department, agreed to by its supervisor and used once.
func (s *story) readElsewhere(asker, approver string) error {
	s.clock.at(-33 * hour)
	g, err := s.askAccess(asker, "云栖优品集团/华东大区/上海分公司/浦东售后组", "客户称浦东售后组已答应补偿，需核对当时的答复")
	if err != nil {
		return err
	}
	s.clock.at(-32 * hour)
	code, err := s.accounts.DemoCode(s.ctx, approver)
	if err != nil {
		return err
	}
	_, err = s.access.Approve(s.ctx, s.cast[approver], access.Ballot{Access: g.ID, SeenRoot: g.Fingerprint(), Opinion: "同意，仅限核对补偿答复", Code: code})
	if err != nil {
		return err
	}
	s.clock.at(-31 * hour)
	by, err := s.accounts.Actor(s.ctx, s.cast[asker].ID, "demo")
	if err != nil {
		return err
	}
	page, err := s.conversations.Search(s.ctx, by, conversation.Query{Under: g.Code, Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
	if err != nil || len(page.Rows) == 0 {
		return err
	}
	_, err = s.conversations.Open(s.ctx, by, page.Rows[0].ID)
	return err
}

// askAccess asks to read a department's last two years.
func (s *story) askAccess(staffNo, path, reason string) (*access.Grant, error) {
	now := time.Now().In(s.config.location)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	return s.access.Ask(s.ctx, s.cast[staffNo], access.Wish{
		Kind: access.OfDepartment, Department: s.find(path), From: today.AddDate(-2, 0, 0), To: today.AddDate(0, 0, 1), Reason: reason, FormKey: s.key(),
	})
}
