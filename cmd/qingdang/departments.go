package main

import (
	"os"

	"qingdang/models/account"
	"qingdang/models/id"
	"qingdang/templates/locale"
)

// departmentsCommand keeps the tree.
type departmentsCommand struct {
	Import departmentsImport `cmd:"" help:"Create departments from a CSV with the columns id, parent_id, name."`
}

type departmentsImport struct {
	File string `arg:"" help:"CSV file, UTF-8."`
}

// Run imports the file, all of it or nothing.
func (c *departmentsImport) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := a.departments.ImportCSV(t.ctx, account.System("cli", ""), f)
		if err != nil {
			return err
		}
		t.say("cli.departments_imported", n)
		return nil
	})
}

// userCommand keeps accounts.
type userCommand struct {
	Add     userAdd     `cmd:"" help:"Add an account and print its one-time invitation."`
	Confirm userConfirm `cmd:"" help:"Confirm the role of an account where there is no second administrator."`
	Reset   userReset   `cmd:"" help:"End the sessions of an account and print a one-time link to a new password and a new second factor."`
}

type userAdd struct {
	StaffNo    string   `required:"" help:"Staff number, the login name." placeholder:"NO"`
	Name       string   `required:"" help:"Name shown on pages and certificates."`
	Email      string   `help:"E-mail address; may be used to log in."`
	Role       string   `required:"" enum:"agent,supervisor,legal,auditor,admin" help:"agent, supervisor, legal, auditor or admin."`
	Department []string `help:"Path of a department in scope; may be given several times." placeholder:"PATH"`
	Sub        bool     `help:"Include the sub-departments of each." default:"true" negatable:""`
}

// Run adds the account.
func (c *userAdd) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		tree, err := a.departments.Tree(t.ctx)
		if err != nil {
			return err
		}
		n := account.NewUser{StaffNo: c.StaffNo, Name: c.Name, Email: c.Email, Role: account.Role(c.Role)}
		for _, path := range c.Department {
			d, ok := tree.ByPath(path)
			if !ok {
				return unknownDepartment(path)
			}
			n.Scope = append(n.Scope, account.ScopeRow{Department: d.ID, Sub: c.Sub})
		}
		var user id.User
		var token string
		if user, token, err = a.accounts.AddUser(t.ctx, account.System("cli", ""), n); err != nil {
			return err
		}
		t.say("cli.user_added", c.StaffNo, id.String(user), a.address()+"/setup/"+token)
		return nil
	})
}

type userConfirm struct {
	StaffNo string `arg:"" help:"Staff number of the account."`
}

// Run confirms the role in the name of whoever keeps the host.
func (c *userConfirm) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		m, err := a.accounts.ConfirmAtHost(t.ctx, account.System("cli", ""), c.StaffNo)
		if err != nil {
			return err
		}
		t.say("cli.user_confirmed", m.StaffNo, m.Name, locale.Key("role."+m.Role), *m.VoteFrom)
		return nil
	})
}

type userReset struct {
	StaffNo string `arg:"" help:"Staff number of the account."`
}

// Run is for somebody who has lost the second factor and the recovery codes: only whoever keeps the
// host can give a new one, an administrator's reset leaves it as it is.
func (c *userReset) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		by := account.System("cli", "")
		u, err := a.accounts.FindUser(t.ctx, by, c.StaffNo)
		if err != nil {
			return err
		}
		token, err := a.accounts.ResetLink(t.ctx, by, u.User, true)
		if err != nil {
			return err
		}
		t.say("cli.user_reset", u.StaffNo, u.Name, a.address()+"/setup/"+token)
		return nil
	})
}
