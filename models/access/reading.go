package access

import (
	"database/sql"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Readings gives what an account may read now by its grants. It is asked with every request, so that
// an end, of the days, by somebody's hand, or because whoever agreed could not agree today, counts from
// the next one on. Where the clock is not trusted nobody can tell what is over, and none counts.
func (d *Desk) Readings(tx *db.Tx, who id.User) (out []account.Reading, err error) {
	var ids []id.Access // mostly none
	err = tx.Each(func(r *sql.Rows) error {
		var g id.Access
		err := r.Scan(db.Number(&g))
		ids = append(ids, g)
		return err
	}, "SELECT id FROM access_grant WHERE asker_id = ? AND state = ? AND ends_at > ?", who, Granted, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("look for access: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	if err := d.Clock.Check(tx); audit.Halted(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var running []Grant
	if err := tx.Where("id IN ?", ids).Order("id").Find(&running).Error; err != nil {
		return nil, fmt.Errorf("read access: %w", err)
	}
	all, err := lists(tx, ids...)
	if err != nil {
		return nil, err
	}
	for i := range running {
		g := &running[i]
		why, err := d.flaw(tx, g, all[g.ID])
		if err != nil {
			return nil, err
		}
		if why == "" {
			out = append(out, g.reading(all[g.ID]))
		}
	}
	return out, nil
}

// reading is what a grant opens: exactly its list, and everything only for a customer of whom no
// department was named, which legal alone agrees to.
func (g *Grant) reading(list []id.Department) account.Reading {
	r := account.Reading{Code: g.Code, Where: account.Within(list...), Conversation: g.ConversationID, Customer: g.CustomerMAC, Until: *g.EndsAt}
	if g.Kind == OfCustomer && g.DepartmentID == 0 && g.CustomerMAC != nil && g.ApproverRole == account.Legal {
		r.Where = account.Everywhere()
	}
	if g.FromAt != nil {
		r.From = *g.FromAt
	}
	if g.ToAt != nil {
		r.To = *g.ToAt
	}
	return r
}
