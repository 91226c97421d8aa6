package templates

import (
	"time"

	"qingdang/templates/ui"
)

// OrgView is the page of departments and members.
type OrgView struct {
	Departments []OrgDepartment
	Elsewhere   []OrgMember // without a department
	CanManage   bool
	CanArrange  bool   // move departments
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

// OrgDepartmentView is the page of one department. To is the name that was entered, or the present one.
type OrgDepartmentView struct {
	ID       uint64
	Name     string
	Path     string
	Parents  []ui.Option
	To       string
	Problem  Words
	Problems Problems
	Effect   *OrgEffect // nil until another place was entered
}

// OrgEffect is what another place of a department changes.
type OrgEffect struct {
	From, To      string
	Renames       bool // it hangs where it hung
	Departments   int
	Conversations int64
	People        []OrgReach
	HoldsGain     int
	HoldsLose     int
	Covers        int64 // conversations that come under holds
	Returns       int64 // of them, out of the bin
	Access        int   // grants that end
	Drafts        int64
	Batches       int64
	Purges        int64
	Parent        uint64 // 0: the top
	Name          string
	Seen          string
}

// OrgReach is somebody whose departments become more or fewer.
type OrgReach struct {
	ID           uint64
	Name         string
	StaffNo      string
	RoleKey      string
	Gains, Loses int
}
