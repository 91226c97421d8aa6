package bin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
)

const (
	// seasoning is how old an account is on its third day, from which on it may delete
	// batches (S5).
	seasoning = 2 * 24 * time.Hour
	// AgentQuota is how often in a calendar month an agent may bin (S24).
	AgentQuota = 10
)

// Standing is whether an account may delete batches now.
type Standing struct {
	Since    time.Time // the account was made
	SeasonAt time.Time // zero, or when it will be old enough
	Used     int64     // batches of this month
	Quota    int64     // 0 = none
}

// Standing tells the actor's own.
func (b *Bin) Standing(ctx context.Context, by account.Actor) (s Standing, err error) {
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		made, demo, err := account.Made(tx, by.ID)
		if err != nil {
			return err
		}
		s = Standing{Since: made}
		if at := made.Add(seasoning); !demo && tx.Now.Before(at) {
			s.SeasonAt = at
		}
		if by.Role == account.Agent {
			s.Quota = AgentQuota
		}
		return tx.Model(&Batch{}).Where("owner_id = ? AND created_at >= ?", by.ID, b.monthStart(tx.Now).UTC()).Count(&s.Used).Error
	})
	return s, err
}

// allowed looks at the seasoning of the account and the quota of agents.
func (b *Bin) allowed(tx *db.Tx, by account.Actor) error {
	if by.System {
		return nil
	}
	made, demo, err := account.Made(tx, by.ID)
	if err != nil {
		return err
	}
	if at := made.Add(seasoning); !demo && tx.Now.Before(at) {
		return fault.Forbidden("bin.account_too_young", at)
	}
	return b.quota(tx, by)
}

// quota takes one of an agent's numbers of the month. Two acts at the same time cannot take
// the same one, and an act that fails gives it back.
func (b *Bin) quota(tx *db.Tx, by account.Actor) error {
	if by.Role != account.Agent {
		return nil
	}
	n, err := db.Serial(tx, "agent bin", tx.Now.In(b.Zone).Format("0601")+strconv.FormatUint(uint64(by.ID), 36))
	if err != nil {
		return fmt.Errorf("quota: %w", err)
	}
	if n > AgentQuota {
		return fault.Busy("bin.quota_used", AgentQuota)
	}
	return nil
}
