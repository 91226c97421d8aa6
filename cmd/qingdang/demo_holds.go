package main

import (
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// placeHolds places one legal hold of each kind, two weeks ago: one of them is overdue by now, one
// is due soon. It gives the one whose release is approved later, and the one for which it is asked.
func (s *story) placeHolds(zhou, yang string) (settled, inquiry *hold.Hold, err error) {
	const east = "云栖优品集团/华东大区/"
	customers, singles, err := s.heldPeople(zhou)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	holds := []hold.Order{
		{Name: "内部调查", Reason: "两名客服的离职审计，期间保留其全部会话", Kind: hold.OnAgents, Criteria: hold.Criteria{Agents: []string{"20683", "20697"}}},
		{Name: "平台处罚复议", Reason: "复议期间保留交易纠纷组的全部会话", Department: s.find(east + "杭州分公司/交易纠纷组"), ReviewAt: now.Add(85 * day24)},
		{
			Name: "供应商合同纠纷", Reason: "供应商起诉，保留全部对公会话", Kind: hold.OnQuery, Owner: s.cast[yang].ID, ReviewAt: now.Add(-2 * day24),
			Criteria: hold.Criteria{Tags: []string{"供应商", "对公"}},
		},
		{
			Name: "劳务外包诉讼（2026）杭民初 *** 号", Reason: "法院通知保全证据，案件审理期间保留", Kind: hold.OnQuery, ReviewAt: now.Add(10 * day24),
			Criteria: hold.Criteria{Departments: s.of(east + "杭州分公司"), Sub: true, ServiceTypes: []string{"售后"}, From: now.AddDate(-3, 0, 0), Tags: []string{"差评风险"}},
		},
		{
			Name: fmt.Sprintf("个人信息投诉 %d 人", len(customers)), Reason: "监管部门转来的投诉，答复完毕前保留", Kind: hold.OnCustomers, Customers: customers,
			Owner: s.cast[yang].ID, ReviewAt: now.Add(45 * day24),
		},
		{Name: "酒店预订争议", Reason: "客人起诉，保留当事会话", Kind: hold.OnConversations, Conversations: singles, ReviewAt: now.Add(120 * day24)},
		{Name: "旧仓库租赁纠纷", Reason: "出租方已撤诉，结案前保留", Department: s.find("云栖优品集团/跨境业务部/供应商合作部/合同履约组")},
	}
	placed := map[string]*hold.Hold{}
	for _, o := range holds {
		if o.Kind == hold.OnCustomers && len(customers) == 0 || o.Kind == hold.OnConversations && len(singles) == 0 {
			continue // a very small demo has nobody there
		}
		h, err := s.holds.Place(s.ctx, s.cast[zhou], o)
		if err != nil {
			return nil, nil, fmt.Errorf("hold %s: %w", o.Name, err)
		}
		placed[o.Name] = h
	}
	return placed["旧仓库租赁纠纷"], placed["内部调查"], nil
}

// heldPeople finds customers for a list and conversations of the hotel's.
func (s *story) heldPeople(zhou string) (customers []string, singles []id.Conversation, err error) {
	find := func(path string) (*conversation.Page, error) {
		scope := s.tree.Scope([]account.ScopeRow{{Department: s.find(path), Sub: true}})
		return s.conversations.Search(s.ctx, s.cast[zhou], conversation.Query{Filter: conversation.Filter{Departments: scope}, Size: 50})
	}
	page, err := find("云栖优品集团/华南大区")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range page.Rows {
		if len(customers) < 12 && r.CustomerID != "" && !slices.Contains(customers, r.CustomerID) {
			customers = append(customers, r.CustomerID)
		}
	}
	if page, err = find("云栖优品集团/酒店旅业事业部"); err != nil {
		return nil, nil, err
	}
	for _, r := range page.Rows[:min(6, len(page.Rows))] {
		singles = append(singles, r.ID)
	}
	return customers, singles, nil
}

// release asks for the release of a hold; whoever is to approve may be nobody.
func (s *story) release(asks, approves string, h *hold.Hold, reason string) error {
	r, err := s.holds.RequestRelease(s.ctx, s.cast[asks], h.ID, reason)
	if err != nil || approves == "" {
		return err
	}
	code, err := s.accounts.DemoCode(s.ctx, approves)
	if err != nil {
		return err
	}
	root := r.Fingerprint()
	_, err = s.holds.ApproveRelease(s.ctx, s.cast[approves], hold.Ballot{
		Hold: r.HoldID, SeenRoot: root, Tail: root[len(root)-6:], Opinion: "已核对撤诉裁定书，同意释放", Code: code,
	})
	return err
}
