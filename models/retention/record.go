package retention

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
)

// actionRecorded is the entry of the policy that an installation begins with, or had when it was upgraded.
const actionRecorded = "retention.recorded"

// Record writes the policy in force into the log if the log says of none yet: at the first start, and at the first
// one after an upgrade from a version that did not. From then on fsck notices every difference; what was changed
// past the program before that nobody can tell.
func Record(ctx context.Context, d *db.DB) error {
	var said bool
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		said, err = recorded(tx)
		return err
	})
	if err != nil || said {
		return err
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		// The rules stay as they are until the entry is there: a change that takes effect meanwhile comes after it.
		var rules []Rule
		if err := tx.ForShare().Order("id").Find(&rules).Error; err != nil {
			return fmt.Errorf("lock retention rules: %w", err)
		}
		if said, err := recorded(tx); err != nil || said {
			return err
		}
		p, err := Load(tx)
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: account.System("migrate", "").Audit(), Action: actionRecorded, ObjectKind: "database", Count: int64(len(rules)),
			Data: map[string]any{"policy": p.Draft().Fingerprint(), "never_keep": p.Draft().NeverKeep, "rules": len(rules)},
		})
	})
}

func recorded(tx *db.Tx) (bool, error) {
	var n int64
	err := tx.Table("audit_leaf").Where("action IN ? AND result = ?", []string{actionChanged, actionRecorded}, audit.OK).Limit(1).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look for the policy in the log: %w", err)
	}
	return n > 0, nil
}
