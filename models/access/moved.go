package access

import (
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// EndedBy gives the codes of running grants that a change of the tree ends: the supervisor who agreed no
// longer acts in all of their departments, so the consent does not count from then on.
func EndedBy(tx *db.Tx, before, after *department.Tree) (codes []string, err error) {
	var running []Grant
	err = tx.Where("state = ? AND ends_at > ? AND approver_role = ?", Granted, tx.Now, account.Supervisor).Order("id").Find(&running).Error
	if err != nil {
		return nil, fmt.Errorf("find access: %w", err)
	}
	ids := make([]id.Access, len(running))
	for i := range running {
		ids[i] = running[i].ID
	}
	all, err := lists(tx, ids...)
	if err != nil {
		return nil, err
	}
	for i := range running {
		rows, err := account.ScopeRows(tx, running[i].ApproverID)
		if err != nil {
			return nil, err
		}
		if list := all[running[i].ID]; covers(before.Scope(rows), list) && !covers(after.Scope(rows), list) {
			codes = append(codes, running[i].Code)
		}
	}
	return codes, nil
}
