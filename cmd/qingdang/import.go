package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/templates/locale"
)

// importCommand imports exported files one after the other.
type importCommand struct {
	Format     string   `help:"auto, neutral, table, wecom, dingtalk, wechat, qq, qianniu or sobot." enum:"auto,neutral,table,wecom,dingtalk,wechat,qq,qianniu,sobot" default:"auto" placeholder:"auto|…"`
	Department string   `help:"Where conversations go whose department is missing or unknown; created where it does not exist." placeholder:"PATH"`
	JSON       bool     `help:"One JSON object per file."`
	Files      []string `arg:"" help:"Exported files." name:"file"`
}

// Run imports every file; one that cannot be read does not keep the others out.
func (c *importCommand) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		by := account.System("cli", "")
		var into id.Department
		if c.Department != "" {
			d, err := a.departments.Ensure(t.ctx, by, c.Department)
			if err != nil {
				return err
			}
			into = d.ID
		}
		defer a.indexNow(t.ctx)
		failed := false
		for _, file := range c.Files {
			report, err := c.one(t, a, by, into, file)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			failed = failed || report.FileError != nil
			if err := c.print(t, file, report); err != nil {
				return err
			}
		}
		if failed {
			return errSaid
		}
		return nil
	})
}

func (c *importCommand) one(t *terminal, a *app, by account.Actor, into id.Department, file string) (*intake.Report, error) {
	src, f, err := format.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFound("cli.no_file", file)
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	return a.importer.Import(t.ctx, by, src, intake.Options{Format: c.Format, Department: into, TempDir: a.config.temporary()})
}

func (c *importCommand) print(t *terminal, file string, r *intake.Report) error {
	if c.JSON {
		b, err := r.JSON(file)
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s\n", b)
		}
		return err
	}
	if r.FileError != nil {
		t.say("cli.import_failed", file, locale.T(t.ctx, r.FileError.Key, r.FileError.Args...))
		return nil
	}
	t.say("cli.imported", file, r.Conversations, r.Messages, r.Duplicates, r.Events, r.Rejected, r.Recalled, r.AddedConversations, r.AddedMessages)
	for _, x := range r.Rejects {
		fmt.Fprintf(t.out, "  %s %s\n", position(x.Position), locale.T(t.ctx, x.Reason))
	}
	if r.RejectsMore > 0 {
		t.say("cli.rejects_more", r.RejectsMore)
	}
	return nil
}

// position writes where a record stands: 12, Sheet1:7, 3/2 (message 2 of line 3).
func position(p format.Position) string {
	var b strings.Builder
	if p.Sheet != "" {
		fmt.Fprintf(&b, "%s:", p.Sheet)
	}
	if n := max(p.Line, p.Row); n > 0 {
		fmt.Fprintf(&b, "%d", n)
	}
	if p.Item > 0 {
		fmt.Fprintf(&b, "/%d", p.Item)
	}
	return b.String()
}
