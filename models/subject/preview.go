package subject

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/retention"
)

// Preview is what a request would do, counted. Total = Held + Floor + Order + Free + InBin + OnList.
type Preview struct {
	Total int64
	// Of what would be sealed, why it stays so for now, each once in this order; Free goes into the bin right after.
	Held, Floor, Order, Free int64
	InBin, OnList            int64 // they stay there; out of the bin they would go under seal
	FirstUntil, LastUntil    *time.Time
	Forever                  int64 // of Floor, those whose floor has no end
	Now                      time.Time
}

// Sealed is how many would be sealed.
func (p *Preview) Sealed() int64 { return p.Held + p.Floor + p.Order + p.Free }

// Preview counts what a request of this customer would reach, which is written down, since it says who wrote
// to us. The fault is forbidden but for legal; invalid when nothing is there, or more than MostItems; and a
// conflict that names the open request of this customer.
func (r *Requests) Preview(ctx context.Context, by account.Actor, customer string) (p *Preview, err error) {
	if err := mayPlace(by); err != nil {
		return nil, err
	}
	o := Order{Customer: customer}.normal()
	if f := customerFault(o.Customer); f != nil {
		return nil, f
	}
	mac := r.Vault.CustomerMAC(o.Customer)
	var refused error
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		if p, err = count(tx, mac); err != nil {
			return err
		}
		refused = noneOpen(tx, mac)
		if _, ok := fault.Of(refused); refused != nil && !ok {
			return refused
		}
		if refused == nil {
			refused = p.possible()
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "subject.previewed", ObjectKind: "subject", Count: p.Total})
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// possible refuses what no request is made of.
func (p *Preview) possible() error {
	switch {
	case p.Total == 0:
		return fault.Invalid("subject.nothing_there").On("customer")
	case p.Total > MostItems:
		return fault.Invalid("subject.too_many", p.Total, MostItems).On("customer")
	}
	return nil
}

// noneOpen refuses a second open request of a customer.
func noneOpen(tx *db.Tx, mac []byte) error {
	var codes []string
	if err := tx.Model(&Request{}).Where("open_slot = ?", mac).Pluck("code", &codes).Error; err != nil {
		return fmt.Errorf("look for an open request: %w", err)
	}
	if len(codes) > 0 {
		return fault.Conflict("subject.open_already", codes[0])
	}
	return nil
}

// within is where conversations lie that a request reaches.
var within = []conversation.State{conversation.Active, conversation.Hidden, conversation.Binned, conversation.Frozen, conversation.Purging}

func ofCustomer(tx *db.Tx, mac []byte) *gorm.DB {
	f := conversation.Filter{CustomerMAC: mac, Departments: account.Everywhere(), States: within}
	return f.Apply(tx.Model(&conversation.Conversation{}))
}

func count(tx *db.Tx, mac []byte) (*Preview, error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	why, args := bin.Why(policy, tx.Now)
	var rows []struct {
		State       conversation.State
		Why         string
		ServiceType string
		N           int64
	}
	err = ofCustomer(tx, mac).Select("conversation.state, conversation.service_type, "+why+" AS why, COUNT(*) AS n", args...).
		Group("conversation.state, conversation.service_type, why").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count what a request reaches: %w", err)
	}
	p := &Preview{Now: tx.Now}
	for _, k := range rows {
		p.Total += k.N
		switch {
		case k.State == conversation.Binned:
			p.InBin += k.N
		case k.State == conversation.Frozen || k.State == conversation.Purging:
			p.OnList += k.N
		case k.Why == bin.Held:
			p.Held += k.N
		case k.Why == bin.Order:
			p.Order += k.N
		case k.Why == "":
			p.Free += k.N
		default:
			p.Floor += k.N
			if _, forever := policy.Floor(k.ServiceType); forever {
				p.Forever += k.N
			}
		}
	}
	open := []conversation.State{conversation.Active, conversation.Hidden}
	p.FirstUntil, p.LastUntil, err = untils(policy, ofCustomer(tx, mac).Where("conversation.state IN ?", open), why, args)
	return p, err
}

// untils tells when the first and the last of the floors end that keep some conversations; those without an end
// are left out.
func untils(p *retention.Policy, q *gorm.DB, why string, args []any) (first, last *time.Time, err error) {
	var rows []struct {
		ServiceType string
		LastAt      time.Time
	}
	err = q.Where(why+" = ?", append(args[:len(args):len(args)], bin.Floor)...).Select("conversation.service_type, conversation.last_at").Scan(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("look at floors: %w", err)
	}
	for _, r := range rows {
		until, ends := p.Until(r.ServiceType, r.LastAt)
		if !ends {
			continue
		}
		until = until.UTC()
		if first == nil || until.Before(*first) {
			first = &until
		}
		if last == nil || until.After(*last) {
			last = &until
		}
	}
	return first, last, nil
}
