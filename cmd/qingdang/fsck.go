package main

import (
	"encoding/json"
	"fmt"

	"qingdang/templates/locale"
)

// fsckCommand checks every promise the data must keep. It changes nothing.
type fsckCommand struct {
	Deep bool `help:"Open every conversation's body too; about 30 µs each."`
	JSON bool `help:"One JSON object."`
}

type fsckFinding struct {
	Promise string `json:"promise"`
	Key     string `json:"key"`
	Object  string `json:"object"`
	Text    string `json:"text"`
}

// Run tells what was found; finding anything is a failure.
func (c *fsckCommand) Run(t *terminal) error {
	return t.withClosedApp(func(a *app) error {
		r, err := a.checker().Run(t.ctx, c.Deep)
		if err != nil {
			return err
		}
		found := make([]fsckFinding, 0, len(r.Findings))
		for _, f := range r.Findings {
			found = append(found, fsckFinding{f.Promise, f.Key, f.Object, locale.T(t.ctx, f.Key)})
		}
		if err := c.print(t, r.Checks, found); err != nil {
			return err
		}
		if len(found) > 0 {
			return errSaid
		}
		return nil
	})
}

func (c *fsckCommand) print(t *terminal, checks int, found []fsckFinding) error {
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Checks   int           `json:"checks"`
			Findings []fsckFinding `json:"findings"`
		}{checks, found})
	}
	if len(found) == 0 {
		t.say("cli.fsck_clean", checks)
		return nil
	}
	t.say("cli.fsck_found", checks, len(found))
	for _, f := range found {
		fmt.Fprintf(t.out, "  %-3s %s [%s] %s\n", f.Promise, f.Text, f.Object, f.Key)
	}
	return nil
}
