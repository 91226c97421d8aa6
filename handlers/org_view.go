package handlers

import (
	"time"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/templates"
)

// orgDepartments lists the tree with the members of each department, and the
// members without any.
func orgDepartments(tree *department.Tree, members []account.Member, by account.Actor) (in []templates.OrgDepartment, elsewhere []templates.OrgMember) {
	at := map[id.Department][]templates.OrgMember{}
	for _, m := range members {
		listed := false
		for _, row := range m.Scope {
			if _, ok := tree.Get(row.Department); ok {
				one := orgMember(m, by)
				one.Sub = row.Sub
				at[row.Department] = append(at[row.Department], one)
				listed = true
			}
		}
		if !listed {
			elsewhere = append(elsewhere, orgMember(m, by))
		}
	}
	for _, d := range tree.Preorder() {
		dep, _ := tree.Get(d)
		in = append(in, templates.OrgDepartment{ID: uint64(d), Name: dep.Name, Depth: dep.Level - 1, Members: at[d]})
	}
	return in, elsewhere
}

func orgMember(m account.Member, by account.Actor) templates.OrgMember {
	return templates.OrgMember{
		ID: uint64(m.User), StaffNo: m.StaffNo, Name: m.Name, RoleKey: "role." + string(m.Role),
		Enrolled: m.Enrolled, Disabled: m.Disabled, Unconfirmed: m.Unconfirmed,
		CanConfirm: m.Unconfirmed && !m.Disabled && by.May(account.AccountManage) && m.RoleBy.Person != by.PersonID && m.Person != by.PersonID,
		VoteFrom:   waits(m), ExpiresAt: instant(m.ExpiresAt), Own: m.Person == by.PersonID,
	}
}

func orgMemberView(tree *department.Tree, m account.Member, by account.Actor, problem error) templates.OrgMemberView {
	view := templates.OrgMemberView{
		Member: orgMember(m, by), Email: m.Email, Role: string(m.Role), CanManage: by.May(account.AccountManage),
		RoleBy: m.RoleBy.Name, RoleSince: m.RoleSince, Problem: words(problem),
	}
	for _, r := range account.Roles() {
		view.Roles = append(view.Roles, string(r))
	}
	chosen := map[id.Department]account.ScopeRow{}
	for _, row := range m.Scope {
		chosen[row.Department] = row
	}
	for _, d := range tree.Preorder() {
		dep, _ := tree.Get(d)
		row, ok := chosen[d]
		view.Departments = append(view.Departments, templates.OrgChoice{ID: uint64(d), Name: dep.Name, Depth: dep.Level - 1, Chosen: ok, Sub: row.Sub})
	}
	return view
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// waits gives the instant of a new approver's first vote, zero once it has passed.
func waits(m account.Member) time.Time {
	if !m.Waiting {
		return time.Time{}
	}
	return instant(m.VoteFrom)
}
