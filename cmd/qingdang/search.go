package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/words"
	"qingdang/templates"
	"qingdang/templates/locale"
)

// searchCommand lists conversations, newest or oldest first. Both dates are days of the organisation's
// time zone and both are included.
type searchCommand struct {
	Words      []string `arg:"" optional:"" help:"Words in the conversations: 退款 OR 赔付 -测试 \"到账 了\" 标签:物流; - reads them from standard input, where no process list shows them." placeholder:"WORDS"`
	Explain    bool     `help:"Say how the search is answered, and what it costs, instead of what it finds."`
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
	Least      int      `help:"At least so many messages." placeholder:"N"`
	Most       int      `help:"At most so many messages." placeholder:"N"`
	Attached   string   `help:"With an attachment, or without: yes or no." enum:",yes,no" default:"" placeholder:"yes|no"`
	Sensitive  string   `help:"With a word of the list of sensitive words, or without: yes or no." enum:",yes,no" default:"" placeholder:"yes|no"`
	Language   []string `help:"Language: zh, en, mixed or other; may be given several times (any of them)." enum:"zh,en,mixed,other" placeholder:"L"`
	Oldest     bool     `help:"Oldest first."`
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
		if c.Explain {
			return c.explain(t, a, q)
		}
		tree, err := a.departments.Tree(t.ctx)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		none := true
		err = a.conversations.Each(t.ctx, account.System("cli", ""), q, c.Limit, func(r *conversation.Row) error {
			none = false
			found := foundRow{
				ID: id.String(r.ID), Code: r.Code(), Platform: r.Platform, ExternalID: r.ExternalID, Department: tree.Path(r.DepartmentID),
				ServiceType: r.ServiceType, LastAt: r.LastAt.In(a.config.location).Format(time.RFC3339),
			}
			if c.JSON {
				return enc.Encode(found)
			}
			return found.write(t.out)
		})
		if err == nil && none && !c.JSON {
			fmt.Fprintln(t.err, locale.T(t.ctx, "conversation.empty"))
		}
		return err
	})
}

type foundRow struct {
	ID          string `json:"id"`
	Code        string `json:"code"`
	Platform    string `json:"platform"`
	ExternalID  string `json:"external_id"`
	Department  string `json:"department"`
	ServiceType string `json:"service_type"`
	LastAt      string `json:"last_at"`
}

func (r foundRow) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s  %s  %-8s  %s  %s  %s\n", r.Code, r.LastAt, r.Platform, r.ServiceType, r.Department, r.ExternalID)
	return err
}

func (c *searchCommand) query(t *terminal, a *app) (conversation.Query, error) {
	text, err := c.words(t)
	if err != nil {
		return conversation.Query{}, err
	}
	q := conversation.Query{Customer: c.Customer, Oldest: c.Oldest}
	if q.Words, err = words.Parse(text); err != nil {
		return q, err
	}
	q.ServiceTypes, q.Tags, q.Platforms, q.AgentIDs = c.Type, c.Tag, platformCodes(c.Platform), c.Agent
	q.Words.Platforms = platformCodes(q.Words.Platforms)
	q.Traits = conversation.Traits{Least: c.Least, Most: c.Most, Attached: conversation.Answer(c.Attached), Sensitive: conversation.Answer(c.Sensitive)}
	for _, l := range c.Language {
		q.Languages = append(q.Languages, conversation.Language(l))
	}
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

// platformCodes takes platforms by their names in either language, too, as the console does.
func platformCodes(names []string) []string {
	codes := make([]string, len(names))
	for i, n := range names {
		codes[i] = templates.PlatformCode(n)
	}
	return codes
}

// words gives what was typed, or standard input for "-".
func (c *searchCommand) words(t *terminal) (string, error) {
	if len(c.Words) != 1 || c.Words[0] != "-" {
		return strings.Join(c.Words, " "), nil
	}
	text, err := io.ReadAll(io.LimitReader(t.in, 1<<16))
	if err != nil {
		return "", fmt.Errorf("read words: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// explain prints how the first page of a search is found. Conditions are not repeated: they may be personal.
func (c *searchCommand) explain(t *terminal, a *app, q conversation.Query) error {
	q.Size, q.Zone = 20, a.config.location
	if c.Limit > 0 {
		q.Size = min(c.Limit, q.Size)
	}
	page, err := a.conversations.Search(t.ctx, account.System("cli", ""), q)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(explained{Plan: page.Plan, Total: page.Total, Exact: page.Exact, Took: page.Plan.Took.String()})
	}
	p := page.Plan
	found := "cli.explain_found"
	if !page.Exact {
		found = "cli.explain_found_most"
	}
	t.say("cli.explain_way", locale.Key("cli.explain_by_"+p.Way))
	t.say("cli.explain_narrowed", narrowedBy(t.ctx, q, p))
	t.say("cli.explain_segments", p.Segments, p.Outside)
	t.say("cli.explain_changed", p.Changed)
	t.say("cli.explain_terms", p.Terms)
	t.say("cli.explain_candidates", p.Candidates)
	t.say("cli.explain_opened", p.Opened, p.Confirmed)
	t.say(found, page.Total, len(page.Rows))
	t.say("cli.explain_took", p.Took.Round(time.Microsecond).String())
	return nil
}

// narrowedBy names what narrowed a search before any body was opened.
func narrowedBy(ctx context.Context, q conversation.Query, p conversation.Plan) string {
	by := p.By
	if p.Way == conversation.WayRows {
		by = []string{"reading"}
	}
	by = slices.Clone(by)
	if !q.From.IsZero() || !q.To.IsZero() {
		by = append(by, "time")
	}
	if q.Customer != "" || q.Words.Customer != "" {
		by = append(by, "customer")
	}
	if p.Terms > 0 {
		by = append(by, "words")
	}
	for i, name := range by {
		by[i] = locale.T(ctx, "cli.explain_by_"+strings.ReplaceAll(name, " ", "_"))
	}
	return strings.Join(by, locale.T(ctx, "common.list_mark"))
}

// explained is a plan for programs.
type explained struct {
	conversation.Plan
	Total int64
	Exact bool
	Took  string
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
