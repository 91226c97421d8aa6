package main

import (
	"context"
	"strings"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/reorg"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/locale"
)

// screens gives every screen the use cases it calls.
func (a *app) screens() *handlers.Screens {
	password := ""
	if a.demo {
		password = demoPassword
	}
	return &handlers.Screens{
		Login: &handlers.Login{
			Accounts: a.accounts, Factor: a.accounts, Enrolment: a.accounts, Demo: a.accounts,
			Organisation: a.config.Organisation, DemoPassword: password,
		},
		Setup:         &handlers.Setup{Links: a.accounts},
		Preferences:   &handlers.Preferences{Accounts: a.accounts},
		Account:       &handlers.Account{Sessions: a.accounts, Secrets: a.accounts},
		Org:           &handlers.Org{Accounts: a.accounts, Manage: a.accounts, Departments: a.departments, Origin: a.address()},
		OrgDepartment: &handlers.OrgDepartments{Reorg: &reorg.Reorg{DB: a.db, Holds: a.holds}, Departments: a.departments},
		Purges:        &handlers.Purges{Reader: a.purges, Desk: a.purges, Manifest: a.purges},
		Certificates:  &handlers.Certificates{Desk: a.purges},
		Holds:         &handlers.Holds{Reader: a.holds, Desk: a.holds, Release: a.holds, Departments: a.departments, Picker: a.picker()},
		Subjects:      &handlers.Subjects{Reader: a.subjects, Desk: a.subjects},
		Retention:     &handlers.Retention{Reader: a.retention, Desk: a.retention, Departments: a.departments},
		Inspections:   &handlers.Inspections{Reader: a.inspections, Desk: a.inspections, Findings: a.inspections, Papers: a.inspections},
		Exports: &handlers.Exports{
			Reader: a.exports, Desk: a.exports, Second: a.exports, Shelf: a.exports, Departments: a.departments, Find: a.conversations, Seal: a.store,
		},
		Access:  &handlers.Access{Reader: a.access, Desk: a.access, Second: a.access, Departments: a.departments},
		Batches: &handlers.Batches{Drafts: a.bin, Counts: a.bin, Acts: a.bin, Restores: a.bin, Reader: a.bin, Caps: a.bin, Departments: a.departments, Picker: a.picker()},
		Bin:     &handlers.Bin{Reader: a.bin, Acts: a.bin, Departments: a.departments},
		Conversations: &handlers.Conversations{
			Find: a.conversations, Fold: a.conversations, Label: a.tagging(), Bin: a.bin, Departments: a.departments, Saved: a.searches, Seal: a.store, Zone: a.config.location,
		},
		Searches: &handlers.Searches{Desk: a.searches, Find: a.conversations, Departments: a.departments, Zone: a.config.location},
		Home:     &handlers.Home{Board: a.reader},
		Imports:  &handlers.Imports{Runs: a.imports, Departments: a.departments},
		Jobs:     &handlers.Jobs{Queue: a.reader},
		Go:       &handlers.Go{Codes: a.reader, Seal: a.store},
		Help:     &handlers.Help{},
		Audit:    &handlers.Audit{Log: a.evidence, Chain: a.evidence, Files: a.evidence},
		Letters:  &handlers.Letters{Facts: a.evidence},
		Reports:  &handlers.Reports{Desk: a.evidence, Reader: a.evidence, Departments: a.departments},
		Conversation: &handlers.Conversation{
			Read: a.conversations, Fold: a.conversations, Label: a.tagging(), Bin: a.bin, Past: a.reader, Certificates: a.purges,
			Departments: a.departments, Saved: a.searches, Requests: a.subjects, Seal: a.store, Zone: a.config.location,
		},
	}
}

// frame adds to every page what only the drawers know: the menu's counters, the data scope
// and the state of the audit chain.
func (a *app) frame(ctx context.Context, by account.Actor, f *templates.Frame) error {
	around, err := a.reader.Around(ctx, by)
	if err != nil {
		return err
	}
	f.JobsRunning = around.JobsRunning
	f.ScopeName = a.config.Organisation
	if len(around.Scope) > 0 {
		f.ScopeName = strings.Join(around.Scope[:min(2, len(around.Scope))], locale.T(ctx, "common.list_mark"))
	} else if !by.Scope.All {
		f.ScopeName = ""
	}
	chain, err := a.evidence.ChainState(ctx)
	if err != nil {
		return err
	}
	f.ChainOK, f.ChainCheckedAt = chain.OK, chain.CheckedAt
	if by.May(account.AuditRead) {
		f.Alert = broken(ctx, chain)
	}
	if a.guard != nil && around.Halted != "" {
		f.Alert = strings.TrimSpace(f.Alert + " " + locale.T(ctx, "clock.halted_"+around.Halted))
	}
	for _, g := range f.Menu {
		for i := range g.Items {
			switch g.Items[i].Key {
			case "menu.bin":
				g.Items[i].Count = around.Binned
			case "menu.access":
				g.Items[i].Count, g.Items[i].Amber = around.Access, around.Access > 0
			case "menu.exports":
				g.Items[i].Count, g.Items[i].Amber = around.Exports, around.Exports > 0
			case "menu.subjects":
				g.Items[i].Count, g.Items[i].Amber = around.Subjects, around.SubjectsUrgent
			case "menu.purges":
				g.Items[i].Count, g.Items[i].Amber = around.Waiting, around.Waiting > 0
			}
		}
	}
	return nil
}

// broken is the red banner of a log, or of data, that failed its check; empty if all is well.
func broken(ctx context.Context, c report.Chain) string {
	what := locale.Key("audit.what_" + c.What)
	switch {
	case c.Broken() && c.FirstBad < 0:
		return locale.T(ctx, "audit.broken_banner_whole", what)
	case c.Broken():
		return locale.T(ctx, "audit.broken_banner", c.FirstBad, what)
	case c.Data.Found > 0:
		return locale.T(ctx, "audit.data_banner", c.Data.Found)
	case c.Data.Overdue:
		return locale.T(ctx, "audit.data_overdue", locale.Date(ctx, c.Data.CheckedAt))
	case c.Witness.Overdue:
		return locale.T(ctx, "audit.witness_banner", c.Witness.Host)
	}
	return ""
}
