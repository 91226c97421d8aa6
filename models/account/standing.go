package account

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Standing is what others may know of an account.
type Standing struct {
	User    id.User
	Person  id.Person
	StaffNo string
	Name    string
	Role    Role
}

func (u *user) standing() Standing {
	return Standing{User: u.ID, Person: u.PersonID, StaffNo: u.StaffNo, Name: u.Name, Role: u.Role}
}

// Names gives the standing of accounts, for pages. Unknown ids are left out.
func Names(tx *db.Tx, users ...id.User) (map[id.User]Standing, error) {
	out := make(map[id.User]Standing, len(users))
	if len(users) == 0 {
		return out, nil
	}
	var rows []user
	if err := tx.Where("id IN ?", users).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	for i := range rows {
		out[rows[i].ID] = rows[i].standing()
	}
	return out, nil
}

// Live tells which accounts may be used now.
func Live(tx *db.Tx, users ...id.User) (map[id.User]bool, error) {
	out := make(map[id.User]bool, len(users))
	if len(users) == 0 {
		return out, nil
	}
	var rows []user
	if err := tx.Where("id IN ?", users).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	for i := range rows {
		out[rows[i].ID] = rows[i].live(tx)
	}
	return out, nil
}

// InRole gives the accounts that are usable now and have the role, by staff number.
func InRole(tx *db.Tx, role Role) ([]Standing, error) {
	var rows []user
	if err := tx.Where("role = ?", role).Order("staff_no").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the people of a role: %w", err)
	}
	var out []Standing
	for i := range rows {
		if rows[i].live(tx) {
			out = append(out, rows[i].standing())
		}
	}
	return out, nil
}

// firstVote is how long a new approver waits, so that nobody can be made one and
// vote before the others notice.
const firstVote = 24 * time.Hour

// Voter gives the standing of an account that may vote as role now. The account's
// row stays locked, so that a change of role and a vote never both pass. The fault
// is forbidden if the account is off or no longer in the role, if no second
// administrator has confirmed the role, if it is younger than a day, or if the log
// does not know of it or of the account's departments.
func Voter(tx *db.Tx, who id.User, role Role) (Standing, error) {
	u, err := lockUser(tx, who)
	if err != nil {
		return Standing{}, err
	}
	if err := u.votes(tx, role); err != nil {
		return Standing{}, err
	}
	return u.standing(), nil
}

// CheckVoter gives the fault of Voter without locking the account, for what pages offer.
func CheckVoter(tx *db.Tx, who id.User, role Role) error {
	u, err := findUser(tx, who)
	if err != nil {
		return err
	}
	return u.votes(tx, role)
}

func (u *user) votes(tx *db.Tx, role Role) error {
	switch {
	case !u.live(tx) || u.Role != role || !role.Votes():
		return fault.Forbidden("account.forbidden")
	case u.unconfirmed():
		return fault.Forbidden("account.vote_unconfirmed", u.StaffNo)
	case !u.counts(tx.Now):
		return fault.Forbidden("account.vote_wait", *u.VoteFrom)
	}
	return u.mustBeGiven(tx)
}

// ActiveAs tells whether an account is still usable, still belongs to the person
// and still has the role, and departments that somebody gave it, for the look again before something is destroyed. The
// row stays as it is until the transaction ends; others may look at the same time.
func ActiveAs(tx *db.Tx, who id.User, of id.Person, role Role) (bool, error) {
	u, err := activeAs(tx, tx.ForShare(), who, of, role)
	if err != nil || u == nil {
		return false, err
	}
	if given, err := u.given(tx); err != nil || !given {
		return false, err
	}
	return u.scopeGiven(tx)
}

// SeenActiveAs is ActiveAs without a lock, for what lasts no longer than a request.
func SeenActiveAs(tx *db.Tx, who id.User, of id.Person, role Role) (bool, error) {
	u, err := activeAs(tx, tx.DB, who, of, role)
	return u != nil, err
}

// activeAs gives the account if it is, nil if not.
func activeAs(tx *db.Tx, from *gorm.DB, who id.User, of id.Person, role Role) (*user, error) {
	u, err := takeUser(from.Where("id = ?", who))
	switch {
	case fault.KindOf(err) == fault.KindNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case u.live(tx) && u.PersonID == of && u.Role == role && role.Votes() && u.counts(tx.Now):
		return u, nil
	}
	return nil, nil
}

// Working tells whether an account is usable and still the same person in the same role.
func Working(tx *db.Tx, who id.User, of id.Person, role Role) (bool, error) {
	u, err := findUser(tx, who)
	switch {
	case fault.KindOf(err) == fault.KindNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	return u.live(tx) && u.PersonID == of && u.Role == role, nil
}

// live is active inside somebody's transaction. Whether demo accounts may work is
// settled at login and when the program starts.
func (u *user) live(tx *db.Tx) bool { return u.active(tx.Now, u.Demo) }
