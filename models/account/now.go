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
	var now Actor
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		u, err := findUser(tx, who)
		switch {
		case fault.KindOf(err) == fault.KindNotFound:
			return fault.Forbidden("account.forbidden")
		case err != nil:
			return err
		case !u.active(tx.Now, a.demo):
			return fault.Forbidden("account.forbidden")
		}
		now, err = a.actor(tx, u, Client{Source: source})
		return err
	})
	return now, err
}
