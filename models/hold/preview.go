package hold

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/mask"
)

// Counts are conversations by the place they are in, and their messages.
type Counts struct {
	Active   int64 // 在库
	Hidden   int64 // 已隐藏
	Sealed   int64 // 已封存
	Binned   int64 // 回收站
	OnList   int64 // 流程中: on the list of a purge request or of a purge that runs
	Messages int64
	Gone     int64 // purged after the hold was released
	// Customers is how many were named, Unmatched which of them, masked, have nothing that would be covered: a slip
	// of the pen, or somebody who never wrote.
	Customers int
	Unmatched []string
}

// Total is how many conversations there are.
func (c Counts) Total() int64 { return c.Active + c.Hidden + c.Sealed + c.Binned + c.OnList }

// Preview counts what the order would cover now, by place: what lies in the bin or on a purge's
// list would go back to the archive. The faults are those of Place that can be told before,
// except that a name and a reason are not asked for.
func (h *Holds) Preview(ctx context.Context, by account.Actor, o Order) (*Counts, error) {
	if err := by.Require(account.HoldCreate); err != nil {
		return nil, err
	}
	o = o.normal()
	if err := o.checkScope(); err != nil {
		return nil, err
	}
	var sum Counts
	err := h.DB.Read(ctx, func(tx *db.Tx) error {
		sum = Counts{}
		if err := o.allowed(by); err != nil {
			return err
		}
		macs := h.macs(o.Customers)
		parts, err := o.match(tx, by, macs)
		if err != nil {
			return err
		}
		for _, m := range parts {
			if err := sum.add(tx, m); err != nil {
				return err
			}
		}
		sum.Customers = len(o.Customers)
		sum.Unmatched, err = o.unmatched(tx, macs, parts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &sum, nil
}

// unmatched gives the customers of an order, masked and in their order, of whom nothing matches.
func (o *Order) unmatched(tx *db.Tx, macs [][]byte, parts []match) (out []string, err error) {
	if o.Kind != OnCustomers {
		return nil, nil
	}
	there := map[string]bool{}
	for _, m := range parts {
		var found [][]byte
		if err := m(tx.Model(&conversation.Conversation{})).Distinct().Pluck("conversation.customer_mac", &found).Error; err != nil {
			return nil, fmt.Errorf("look for customers: %w", err)
		}
		for _, mac := range found {
			there[string(mac)] = true
		}
	}
	for i, typed := range o.Customers {
		if !there[string(macs[i])] {
			out = append(out, mask.Account(typed))
		}
	}
	return out, nil
}

func (c *Counts) add(tx *db.Tx, m match) error {
	var rows []place
	err := m(tx.Model(&conversation.Conversation{})).Select("conversation.state AS state, COUNT(*) AS n, SUM(conversation.messages) AS messages").
		Group("conversation.state").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("count conversations: %w", err)
	}
	c.sum(rows)
	return nil
}

type place struct {
	State    conversation.State
	N        int64
	Messages int64
}

func (c *Counts) sum(rows []place) {
	for _, r := range rows {
		c.Messages += r.Messages
		switch r.State {
		case conversation.Active:
			c.Active += r.N
		case conversation.Hidden:
			c.Hidden += r.N
		case conversation.Sealed:
			c.Sealed += r.N
		case conversation.Binned:
			c.Binned += r.N
		default:
			c.OnList += r.N
		}
	}
}

// allowed asks for the department of a hold on one.
func (o *Order) allowed(by account.Actor) error {
	if o.Kind == OnDepartment && o.Department != 0 {
		return by.Require(account.HoldCreate, o.Department)
	}
	return by.Require(account.HoldCreate)
}

// macs gives the keyed names under which conversations carry the customers.
func (h *Holds) macs(customers []string) [][]byte {
	out := make([][]byte, len(customers))
	for i, c := range customers {
		out[i] = h.Vault.CustomerMAC(c)
	}
	return out
}

// countsOf counts what a hold covers.
func countsOf(tx *db.Tx, hold id.Hold) (c Counts, err error) {
	var items int64
	if err := tx.Model(&Item{}).Where("hold_id = ?", hold).Count(&items).Error; err != nil {
		return c, fmt.Errorf("count items: %w", err)
	}
	var rows []place
	err = tx.Table("hold_item hi").Joins("JOIN conversation c ON c.id = hi.conversation_id").Where("hi.hold_id = ?", hold).
		Select("c.state AS state, COUNT(*) AS n, SUM(c.messages) AS messages").Group("c.state").Scan(&rows).Error
	if err != nil {
		return c, fmt.Errorf("count items: %w", err)
	}
	c.sum(rows)
	c.Gone = items - c.Total()
	return c, nil
}
