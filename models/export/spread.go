package export

import (
	"fmt"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
)

// spread looks what a selection that holds something is spread over.
func (m match) spread(tx *db.Tx, shares []share) (*Spread, error) {
	s := &Spread{}
	for _, one := range shares {
		s.Departments = append(s.Departments, Departments{one.DepartmentID, one.Conversations})
	}
	err := m.of(tx).Group("conversation.service_type").Order("COUNT(*) DESC, conversation.service_type").
		Select("conversation.service_type AS type, COUNT(*) AS conversations").Scan(&s.Types).Error
	if err != nil {
		return nil, fmt.Errorf("count service types: %w", err)
	}
	var first, last []time.Time
	if err := m.of(tx).Order("conversation.last_at").Limit(1).Pluck("conversation.last_at", &first).Error; err != nil {
		return nil, fmt.Errorf("find the oldest: %w", err)
	}
	if err := m.of(tx).Order("conversation.last_at DESC").Limit(1).Pluck("conversation.last_at", &last).Error; err != nil {
		return nil, fmt.Errorf("find the youngest: %w", err)
	}
	if len(first) == 1 && len(last) == 1 {
		s.First, s.Last = first[0].UTC(), last[0].UTC()
	}
	return s, nil
}

// mostNamed is how many departments an entry of the log names; it counts all.
const mostNamed = 20

// told is what the log says of a selection: the conditions by which it was found, and what they gave.
func (d *Desk) told(tx *db.Tx, s *Selection, shares []share, spread *Spread) (map[string]any, error) {
	data := map[string]any{}
	if s.Kind == OfQuery || s.Search != nil {
		q := s.Query
		data = d.Vault.Conditions(conversation.Query{Filter: q.Filter, Words: q.Words, Customer: q.Customer})
	}
	if s.Search != nil {
		data["words"], data["except"] = s.Search.Terms, s.Search.Except
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, err
	}
	by := map[string]int64{}
	for _, one := range shares[:min(len(shares), mostNamed)] {
		by[tree.Path(one.DepartmentID)] += one.Conversations
	}
	types := map[string]int64{}
	for _, t := range spread.Types {
		types[t.Type] = t.Conversations
	}
	data["departments"], data["by_department"], data["by_type"] = len(shares), by, types
	data["oldest"], data["newest"] = spread.First.Format(time.RFC3339), spread.Last.Format(time.RFC3339)
	return data, nil
}
