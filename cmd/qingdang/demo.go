package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/intake/format"
	"qingdang/models/retention"
	"qingdang/templates/locale"
)

// demoCommand runs the demo, or shows a demo account's current second code.
type demoCommand struct {
	Serve demoServe `cmd:"" default:"withargs" help:"Run the demo console."`
	Code  demoCode  `cmd:"" help:"Show the current one-time code of a demo account."`
}

type demoServe struct {
	Listen string `help:"Address of the console." default:"127.0.0.1:8080"`
	Data   string `help:"Folder of the demo's data." default:"./var/demo"`
	Count  int    `help:"Conversations of the first start." default:"5000"`
}

type demoCode struct {
	Name string `arg:"" help:"Staff number or name of a demo account."`
	Data string `help:"Folder of the demo's data." default:"./var/demo"`
}

// demoCustomer is the setting with a customer's id: searches for customers cannot be tried with what pages show, which is
// masked.
const demoCustomer = "demo_customer"

// demoPassword is every demo account's. It works in demo mode only.
const demoPassword = "qingdang-demo"

// demoConfig is fixed: a demo never reads the settings of a real installation.
func demoConfig(data, listen string) (*Config, error) {
	return loadConfig(func(name string) string {
		return map[string]string{"QINGDANG_DATA": data, "QINGDANG_LISTEN": listen, "QINGDANG_ORGANISATION": "云栖优品集团"}[name]
	})
}

// Run fills the demo once and serves it.
func (c *demoServe) Run(t *terminal) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	config, err := demoConfig(c.Data, c.Listen)
	if err != nil {
		return err
	}
	clock := &demoClock{}
	return t.withConfig(config, options{demo: true, clock: clock}, func(a *app) error {
		if err := a.fillDemo(t, c.Count, clock); err != nil {
			return fmt.Errorf("fill the demo: %w", err)
		}
		// For a demo of an earlier version.
		if err := retention.Record(t.ctx, a.db); err != nil {
			return err
		}
		if err := a.accounts.CheckMode(t.ctx); err != nil {
			return err
		}
		if err := a.introduceDemo(t); err != nil {
			return err
		}
		return a.serve(t.ctx, true)
	})
}

// Run prints the code.
func (c *demoCode) Run(t *terminal) error {
	config, err := demoConfig(c.Data, "127.0.0.1:8080")
	if err != nil {
		return err
	}
	if _, err := os.Stat(config.databaseFile()); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no demo at %s: run qingdang demo first", filepath.Clean(c.Data))
	}
	return t.withConfig(config, options{demo: true}, func(a *app) error {
		staffNo := c.Name
		for _, p := range demo.People() {
			if p.Name == c.Name {
				staffNo = p.StaffNo
			}
		}
		code, err := a.accounts.DemoCode(t.ctx, staffNo)
		if err != nil {
			return err
		}
		fmt.Fprintln(t.out, code)
		return nil
	})
}

// fillDemo makes the organisation, the people, the conversations and a few open matters,
// once. A start that was cut off before the open matters goes on where it stopped.
func (a *app) fillDemo(t *terminal, count int, clock *demoClock) error {
	ctx := t.ctx
	defer clock.at(0)
	if done, err := a.db.Setting(ctx, "demo_filled"); err != nil || done != "" {
		return err
	}
	clock.at(-pastQuarter(time.Now(), a.config.location))
	if err := a.markDemo(ctx); err != nil {
		return err
	}
	if err := retention.Record(ctx, a.db); err != nil {
		return err
	}
	t.say("cli.demo_filling", count)
	by := account.System("demo", "")
	for _, d := range demo.Departments() {
		if _, err := a.departments.Ensure(ctx, by, d.Path); err != nil {
			return err
		}
	}
	tree, err := a.departments.Tree(ctx)
	if err != nil {
		return err
	}
	if err := a.addDemoPeople(ctx, tree); err != nil {
		return err
	}
	until := time.Now().Truncate(time.Hour)
	if err := a.importer.Add(ctx, by, demoDrafts(demo.Mixed(demo.DefaultSeed, count, until))); err != nil {
		return err
	}
	if err := a.openDemoMatters(ctx, tree, clock); err != nil {
		return err
	}
	return a.db.SetSetting(ctx, "demo_filled", time.Now().UTC().Format(time.RFC3339))
}

// markDemo makes the database a demo unless somebody has begun to use it for real.
func (a *app) markDemo(ctx context.Context) error {
	if err := a.accounts.CheckMode(ctx); err == nil {
		return nil // an earlier start was cut off
	}
	tree, err := a.departments.Tree(ctx)
	if err != nil {
		return err
	}
	if tree.Len() > 0 {
		return account.ErrRealData
	}
	return a.accounts.MarkDemo(ctx)
}

func (a *app) addDemoPeople(ctx context.Context, tree *department.Tree) error {
	present, err := a.accounts.DemoAccounts(ctx)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, p := range present {
		have[p.StaffNo] = true
	}
	for _, p := range demo.People() {
		if have[p.StaffNo] {
			continue
		}
		n := account.NewUser{StaffNo: p.StaffNo, Name: p.Name, Email: p.Email, Role: account.Role(p.Role)}
		for _, path := range p.ScopePaths {
			d, ok := tree.ByPath(path)
			if !ok {
				return fmt.Errorf("no department %s", path)
			}
			n.Scope = append(n.Scope, account.ScopeRow{Department: d.ID, Sub: p.IncludeSub})
		}
		if _, err := a.accounts.AddDemo(ctx, n, demoPassword); err != nil {
			return fmt.Errorf("account %s: %w", p.StaffNo, err)
		}
	}
	return nil
}

// demoDrafts turns the generator's conversations into what the importer takes.
func demoDrafts(from iter.Seq[demo.Conversation]) iter.Seq[*format.Conversation] {
	return func(yield func(*format.Conversation) bool) {
		for c := range from {
			f := &format.Conversation{
				Platform: c.Platform, ExternalID: c.ExternalID, DepartmentPath: c.DepartmentPath, AgentID: c.AgentID, AgentName: c.AgentName,
				CustomerID: c.CustomerID, CustomerName: c.CustomerName, ServiceType: c.ServiceType, Tags: c.Tags, OrderNo: c.OrderNo, OrderState: c.OrderState,
			}
			for _, m := range c.Messages {
				f.Messages = append(f.Messages, format.Message{
					ID: m.ID, Sender: format.Sender(m.Sender), SenderName: m.SenderName, At: m.At.UTC(), Kind: m.Kind, Text: m.Text, Attachment: m.Attachment, Recalled: m.Recalled,
				})
			}
			if !yield(f) {
				return
			}
		}
	}
}

// introduceDemo prints the address and who may log in.
func (a *app) introduceDemo(t *terminal) error {
	accounts, err := a.accounts.DemoAccounts(t.ctx)
	if err != nil {
		return err
	}
	t.say("cli.demo_address", a.address())
	t.say("cli.demo_password", demoPassword)
	shown := map[account.Role]int{}
	for _, p := range accounts {
		if shown[p.Role]++; shown[p.Role] > 3 {
			continue
		}
		fmt.Fprintf(t.out, "  %-8s %s · %s\n", p.StaffNo, p.Name, locale.T(t.ctx, "role."+string(p.Role)))
	}
	t.say("cli.demo_code")
	if who, err := a.db.Setting(t.ctx, demoCustomer); err != nil {
		return err
	} else if who != "" {
		t.say("cli.demo_try", who)
	}
	return nil
}
