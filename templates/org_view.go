package templates

import "time"

// OrgView is the page of departments and members.
type OrgView struct {
	Departments []OrgDepartment
	Elsewhere   []OrgMember // without a department
	CanManage   bool
	Pending     bool   // an administrator whose own role does not count yet
	StaffNo     string // their own
	Link        string // a one-time link, shown this once
	LinkFor     string
	New         OrgForm
}

// OrgDepartment is a department with the members whose scope begins there.
type OrgDepartment struct {
	ID      uint64
	Name    string
	Depth   int
	Members []OrgMember
}

// OrgMember is one account.
type OrgMember struct {
	ID          uint64
	StaffNo     string
	Name        string
	RoleKey     string
	Sub         bool // with sub-departments
	Enrolled    bool
	Disabled    bool
	Unconfirmed bool
	CanConfirm  bool      // and the reader may be the one
	VoteFrom    time.Time // zero: does not vote, or may already
	ExpiresAt   time.Time
	Own         bool
}

// OrgForm is the form for a new member.
type OrgForm struct {
	StaffNo    string
	Name       string
	Email      string
	Role       string
	Department uint64
	Sub        bool
	Problems   Problems
}

// OrgMemberView is the page of one member.
type OrgMemberView struct {
	Member      OrgMember
	Email       string
	Departments []OrgChoice
	Roles       []string
	Role        string
	CanManage   bool
	RoleBy      string // who gave the role or the last link, and when
	RoleSince   time.Time
	Problem     Words
}

// OrgChoice is a department of the tree, ticked or not.
type OrgChoice struct {
	ID     uint64
	Name   string
	Depth  int
	Chosen bool
	Sub    bool
}
