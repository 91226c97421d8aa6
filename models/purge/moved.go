package purge

import (
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
)

// OpenOver counts the requests that wait or run with conversations of these departments on their lists. Where a
// department hangs is not on a list, so that moving it changes neither the list nor what was agreed to.
func OpenOver(tx *db.Tx, of account.Scope) (n int64, err error) {
	err = tx.Model(&Request{}).Where("state IN ?", append([]State{Running, Verifying}, openStates...)).
		Where("EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = purge_request.id AND d.department_id IN ?)", of.Listed()).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count purge requests: %w", err)
	}
	return n, nil
}
