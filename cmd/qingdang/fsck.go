package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"qingdang/models/fsck"
	"qingdang/templates/locale"
)

// fsckCommand checks every promise the data must keep. It changes nothing.
type fsckCommand struct {
	Deep  bool `help:"Open every conversation's body too; about 30 µs each."`
	Words bool `help:"Open every body and compare its words with the search index's; about 150 µs each."`
	JSON  bool `help:"One JSON object."`
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
		if c.Words {
			if err := a.checker().Words(t.ctx, r, fsck.EverySegment, false); err != nil {
				return err
			}
		}
		found := make([]fsckFinding, 0, len(r.Findings))
		for _, f := range r.Findings {
			found = append(found, fsckFinding{f.Promise, f.Key, f.Object, locale.T(t.ctx, f.Key)})
		}
		if err := c.print(t, r, found); err != nil {
			return err
		}
		if len(found) > 0 {
			return errSaid
		}
		return nil
	})
}

func (c *fsckCommand) print(t *terminal, r *fsck.Report, found []fsckFinding) error {
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Checks   int           `json:"checks"`
			Findings []fsckFinding `json:"findings"`
			Compared int           `json:"compared,omitempty"` // conversations with their words in the search index
			LeftOut  []string      `json:"left_out"`           // options that check more
		}{r.Checks, found, r.Compared.Conversations, c.leftOut()})
	}
	if c.Words {
		t.say("cli.fsck_words", r.Compared.Conversations, r.Compared.Segments)
	}
	if len(found) == 0 {
		t.say("cli.fsck_clean", r.Checks)
	} else {
		t.say("cli.fsck_found", r.Checks, len(found))
	}
	for _, f := range found {
		fmt.Fprintf(t.out, "  %-3s %s [%s] %s\n", f.Promise, f.Text, f.Object, f.Key)
	}
	for _, option := range c.leftOut() {
		t.say("cli.fsck_without_" + strings.TrimPrefix(option, "--"))
	}
	return nil
}

// leftOut names the options that were not given, each of which checks something more.
func (c *fsckCommand) leftOut() []string {
	left := []string{}
	if !c.Deep {
		left = append(left, "--deep")
	}
	if !c.Words {
		left = append(left, "--words")
	}
	return left
}
