package account

import (
	"qingdang/models/audit"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Scope is the departments in which an actor acts. The zero value is nothing.
type Scope struct {
	All         bool
	Departments id.Set[id.Department]
}

// ScopeRow is one department of an account, with its sub-departments if Sub.
type ScopeRow struct {
	Department id.Department
	Sub        bool
}

// Everywhere is the scope of the whole organisation.
func Everywhere() Scope { return Scope{All: true} }

// Within is the scope of exactly these departments; of none, it is nothing.
func Within(departments ...id.Department) Scope {
	set, err := id.NewSet(departments...)
	if err != nil {
		return Scope{}
	}
	return Scope{Departments: set}
}

// Has tells whether the department lies in the scope. No department has id 0.
func (s Scope) Has(d id.Department) bool { return d != 0 && (s.All || s.Departments.Has(d)) }

// Empty tells whether the scope is nothing.
func (s Scope) Empty() bool { return !s.All && s.Departments.Len() == 0 }

// Actor is who does something, resolved anew for every request.
type Actor struct {
	ID        id.User
	PersonID  id.Person
	StaffNo   string
	Name      string
	Role      Role
	Scope     Scope
	Readings  []Reading // what else the actor may search and read, and nothing more
	Source    string    // network address, or "cli", "worker"
	RequestID string
	System    bool
	Pending   bool // an administrator whose role does not count yet: they manage no accounts
}

// System is the actor of jobs and of the command line. It may do a few things in
// every department and is never counted as a person.
func System(name, requestID string) Actor {
	return Actor{Name: name, Scope: Everywhere(), Source: name, RequestID: requestID, System: true}
}

// May tells whether the actor's role has the permission.
func (a Actor) May(p Permission) bool {
	if a.System {
		return system[p]
	}
	return a.ID != 0 && a.Role.Has(p) && !a.mustWait(p)
}

// mustWait keeps an administrator whom one other made from making anybody else.
func (a Actor) mustWait(p Permission) bool { return a.Pending && p == AccountManage }

// Require gives a forbidden fault unless the actor has the permission and acts in
// all the departments.
func (a Actor) Require(p Permission, departments ...id.Department) error {
	switch {
	case a.mustWait(p) && a.Role.Has(p):
		return fault.Forbidden("account.admin_unconfirmed", a.StaffNo)
	case !a.May(p):
		return fault.Forbidden("account.forbidden")
	}
	for _, d := range departments {
		if !a.Scope.Has(d) {
			return fault.Forbidden("account.outside_scope")
		}
	}
	return nil
}

// Natural tells whether the actor counts as a person where several people must
// agree.
func (a Actor) Natural() bool { return !a.System && a.ID != 0 && a.PersonID != 0 }

// Audit is the actor as the audit log writes it.
func (a Actor) Audit() audit.Actor {
	role := string(a.Role)
	if a.System {
		role = "system"
	}
	return audit.Actor{ID: a.ID, PersonID: a.PersonID, Name: a.Name, Role: role, Source: a.Source, RequestID: a.RequestID}
}
