package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// searchCommand lists conversations, newest first. Both dates are days of the organisation's
// time zone and both are included.
type searchCommand struct {
	JSON       bool     `help:"One JSON object a line."`
	From       string   `help:"First day of the last message, YYYY-MM-DD." placeholder:"DATE"`
	To         string   `help:"Last day of the last message, YYYY-MM-DD." placeholder:"DATE"`
	Department string   `help:"Path of a department." placeholder:"PATH"`
	Sub        bool     `help:"Include its sub-departments."`
	Type       []string `help:"Service type; may be given several times (any of them)." placeholder:"T"`
	Tag        []string `help:"Tag; may be given several times (all of them)." placeholder:"T"`
	Platform   []string `help:"Platform; may be given several times (any of them)." placeholder:"P"`
	Agent      []string `help:"Agent's id; may be given several times (any of them)." placeholder:"ID"`
	Customer   string   `help:"Customer's id." placeholder:"ID"`
	Hidden     bool     `help:"Include hidden conversations."`
	Limit      int      `help:"At most so many; 0 = all." default:"0" placeholder:"N"`
}

// Run lists what was found.
func (c *searchCommand) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		q, err := c.query(t, a)
		if err != nil {
			return err
		}
		if c.Limit < 0 {
			return fault.Invalid("cli.limit").On("limit")
		}
		tree, err := a.departments.Tree(t.ctx)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		return a.conversations.Each(t.ctx, account.System("cli", ""), q, c.Limit, func(r *conversation.Row) error {
			found := foundRow{
				ID: id.String(r.ID), Platform: r.Platform, ExternalID: r.ExternalID, Department: tree.Path(r.DepartmentID),
				ServiceType: r.ServiceType, LastAt: r.LastAt.In(a.config.location).Format(time.RFC3339),
			}
			if c.JSON {
				return enc.Encode(found)
			}
			return found.write(t.out)
		})
	})
}

type foundRow struct {
	ID          string `json:"id"`
	Platform    string `json:"platform"`
	ExternalID  string `json:"external_id"`
	Department  string `json:"department"`
	ServiceType string `json:"service_type"`
	LastAt      string `json:"last_at"`
}

func (r foundRow) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s  %s  %-8s  %s  %s  %s\n", r.ID, r.LastAt, r.Platform, r.ServiceType, r.Department, r.ExternalID)
	return err
}

func (c *searchCommand) query(t *terminal, a *app) (conversation.Query, error) {
	q := conversation.Query{Customer: c.Customer}
	q.ServiceTypes, q.Tags, q.Platforms, q.AgentIDs = c.Type, c.Tag, c.Platform, c.Agent
	q.Departments = account.Everywhere()
	if c.Hidden {
		q.States = []conversation.State{conversation.Active, conversation.Hidden}
	}
	from, errFrom := day(c.From, a.config.location, "from")
	to, errTo := day(c.To, a.config.location, "to")
	if err := fault.All(errFrom, errTo); err != nil {
		return q, err
	}
	q.From = from
	if !to.IsZero() {
		q.To = to.AddDate(0, 0, 1)
	}
	if c.Department == "" {
		return q, nil
	}
	tree, err := a.departments.Tree(t.ctx)
	if err != nil {
		return q, err
	}
	d, ok := tree.ByPath(c.Department)
	if !ok {
		return q, unknownDepartment(c.Department)
	}
	q.Departments = account.Within(d.ID)
	if c.Sub {
		q.Departments = account.Within(tree.Subtree(d.ID)...)
	}
	return q, nil
}

// day reads a day of the organisation's zone; empty is no bound.
func day(s string, zone *time.Location, field string) (time.Time, *fault.Fault) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || at.Year() < 1990 || at.Year() > 2099 {
		return time.Time{}, fault.Invalid("cli.bad_date", s).On(field)
	}
	return at, nil
}

func unknownDepartment(path string) error {
	return fault.NotFound("department.unknown_path", path).On("department")
}
