package account

import "slices"

// Role is what a person does with the console. An account has exactly one.
type Role string

// The roles.
const (
	Agent      Role = "agent"
	Supervisor Role = "supervisor"
	Legal      Role = "legal"
	Auditor    Role = "auditor"
	Admin      Role = "admin"
)

// Roles lists the roles in the order in which pages show them.
func Roles() []Role { return []Role{Agent, Supervisor, Legal, Auditor, Admin} }

// Valid tells whether r is one of the roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Votes tells whether the role takes part in approvals.
func (r Role) Votes() bool { return r == Supervisor || r == Legal }

// Confirmed tells whether the role counts only after a second person's word: those who vote, and
// the administrator, who could otherwise make the second administrator as well.
func (r Role) Confirmed() bool { return r.Votes() || r == Admin }

// everywhere tells whether the role's work covers the whole organisation whatever
// scope rows the account has. The administrator's work does, and never touches a
// conversation: the table of permissions gives none.
func (r Role) everywhere() bool { return r == Legal || r == Auditor || r == Admin }
