package hold

import (
	"context"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// sealCustomer is the purpose under which customers' ids are sealed.
const sealCustomer = "hold customer"

func customerAAD(hold id.Hold, mac []byte) []byte { return append([]byte(id.String(hold)+"/"), mac...) }

// keepCustomers stores the customers of a hold: the keyed names to match by, what was typed
// sealed for legal to read.
func (h *Holds) keepCustomers(tx *db.Tx, hold id.Hold, typed []string, macs [][]byte) error {
	if len(typed) == 0 {
		return nil
	}
	rows := make([]customer, len(typed))
	for i, t := range typed {
		rows[i] = customer{hold, macs[i], h.Vault.Store.SealSmall(sealCustomer, customerAAD(hold, macs[i]), []byte(t))}
	}
	if err := tx.CreateInBatches(rows, 500).Error; err != nil {
		return fmt.Errorf("store customers: %w", err)
	}
	return nil
}

// Customers gives the ids of a hold's customers as legal typed them, sorted, and writes that
// somebody looked. The fault is forbidden but for legal, and not-found.
func (h *Holds) Customers(ctx context.Context, by account.Actor, hold id.Hold) (typed []string, err error) {
	if err := by.Require(account.HoldReview); err != nil {
		return nil, err
	}
	err = h.DB.Write(ctx, func(tx *db.Tx) error {
		typed = nil
		found, err := visible(tx, by, hold)
		if err != nil {
			return err
		}
		var rows []customer
		if err := tx.Where("hold_id = ?", hold).Find(&rows).Error; err != nil {
			return fmt.Errorf("read customers: %w", err)
		}
		for _, r := range rows {
			plain, err := h.Vault.Store.OpenSmall(sealCustomer, customerAAD(hold, r.CustomerMAC), r.Sealed)
			if err != nil {
				return fmt.Errorf("open a customer of %s: %w", found.Code, err)
			}
			typed = append(typed, string(plain))
		}
		slices.Sort(typed)
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "hold.viewed", ObjectKind: "hold", Object: found.Code, Count: int64(len(typed))})
	})
	if err != nil {
		return nil, h.unseen(ctx, by, hold, err)
	}
	return typed, nil
}
