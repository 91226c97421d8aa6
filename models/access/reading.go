package access

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Readings gives what an account may read now by its grants. It is asked with every request, so that
// an end, of the days, by somebody's hand, or because whoever agreed could not agree today, counts from
// the next one on. Where the clock is not trusted nobody can tell what is over, and none counts.
func (d *Desk) Readings(ctx context.Context, who id.User) (out []account.Reading, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		out = nil
		var running []Grant
		if err := tx.Where("asker_id = ? AND state = ? AND ends_at > ?", who, Granted, tx.Now).Order("id").Find(&running).Error; err != nil {
			return fmt.Errorf("find access: %w", err)
		}
		if len(running) == 0 {
			return nil
		}
		if err := d.Clock.Check(tx); audit.Halted(err) {
			return nil
		} else if err != nil {
			return err
		}
		ids := make([]id.Access, len(running))
		for i := range running {
			ids[i] = running[i].ID
		}
		all, err := lists(tx, ids...)
		if err != nil {
			return err
		}
		for i := range running {
			g := &running[i]
			why, err := d.flaw(tx, g, all[g.ID])
			if err != nil {
				return err
			}
			if why == "" {
				out = append(out, g.reading(all[g.ID]))
			}
		}
		return nil
	})
	return out, err
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
