package account

import (
	"context"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Actor gives an account as it is now, for a job that goes on in the name of who started it: with
// today's role and departments. The fault is forbidden when the account is off or gone.
func (a *Accounts) Actor(ctx context.Context, who id.User, source string) (Actor, error) {
	var u *user
	var rows []ScopeRow
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		if u, err = findUser(tx, who); err != nil {
			return err
		}
		if !u.active(tx.Now, a.demo) {
			return fault.Forbidden("account.forbidden")
		}
		rows, err = scopeRows(tx, who)
		return err
	})
	switch {
	case fault.KindOf(err) == fault.KindNotFound:
		return Actor{}, fault.Forbidden("account.forbidden")
	case err != nil:
		return Actor{}, err
	}
	return a.actor(ctx, u, rows, Client{Source: source})
}
