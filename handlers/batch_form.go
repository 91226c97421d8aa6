package handlers

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// batchForm is what the wizard's steps send; Step says which one. Go, With and All are
// buttons.
type batchForm struct {
	Step string        `form:"from_step"`
	Go   string        `form:"go"`
	With id.Department `form:"with"`
	All  bool          `form:"all"`
	Seen string        `form:"seen"`

	From      string          `form:"from"`
	To        string          `form:"to"`
	Types     []string        `form:"type"`
	Platforms []string        `form:"platform"`
	Tags      string          `form:"tag"`
	Without   string          `form:"without_tag"`
	Agents    string          `form:"agent"`
	Least     string          `form:"least"`
	Most      string          `form:"most"`
	Attached  string          `form:"attached"`
	Sensitive string          `form:"sensitive"`
	Languages []string        `form:"language"`
	Boxes     []id.Department `form:"dept"`
	Sub       bool            `form:"sub"`

	Keep          bool   `form:"keep"`
	ResidueReason string `form:"residue_reason"`

	Notified   bool   `form:"notified"`
	Partners   bool   `form:"partners"`
	Complaints bool   `form:"complaints"`
	Reason     string `form:"reason"`
	Typed      string `form:"typed"`
	Key        string `form:"request_key"`
	Shown      string `form:"shown"`
}

// Bounds of what is kept, so that a draft stays small.
const (
	longestWords  = 1000
	longestReason = 2000
	longestChoice = 100
)

// traits are the conditions on how much was said and what is in it, as they were typed.
func (f batchForm) traits() templates.Traits {
	return readTraits(url.Values{"least": {f.Least}, "most": {f.Most}, "attached": {f.Attached}, "sensitive": {f.Sensitive}, "language": f.Languages})
}

// wrong refuses texts that nobody types, and numbers that are none. They are not stored.
func (f batchForm) wrong() error {
	check := func(text, field string, most int) *fault.Fault {
		if utf8.RuneCountInString(text) > most {
			return fault.Invalid("batch.too_long", most).On(field)
		}
		return nil
	}
	bad := []*fault.Fault{
		check(f.From, "from", longestChoice), check(f.To, "to", longestChoice),
		check(f.Tags, "tag", longestWords), check(f.Without, "without_tag", longestWords), check(f.Agents, "agent", longestWords),
		check(f.ResidueReason, "residue_reason", longestReason), check(f.Reason, "reason", longestReason), check(f.Typed, "typed", longestChoice),
	}
	for _, s := range slices.Concat(f.Types, f.Platforms) {
		bad = append(bad, check(s, "", longestChoice))
	}
	_, err := traits(f.traits())
	return together(fault.All(bad...), err)
}

// scope gives the scope that the form describes, beginning from what the boxes meant before.
func (f batchForm) scope(before bin.Scope, t *department.Tree, within account.Scope) bin.Scope {
	s := before.Ticked(t, within, f.Boxes, f.Sub)
	if f.With != 0 {
		s = s.Including(t, within, f.With)
	}
	if f.All {
		s = s.IncludingAll()
	}
	return f.conditions(s)
}

// conditions puts the form's other conditions into a scope.
func (f batchForm) conditions(s bin.Scope) bin.Scope {
	s.From, s.To, s.OlderThan = strings.TrimSpace(f.From), strings.TrimSpace(f.To), 0
	s.ServiceTypes, s.Platforms = slices.Clone(f.Types), slices.Clone(f.Platforms)
	s.Tags, s.WithoutTags, s.Agents = wordList(f.Tags), wordList(f.Without), wordList(f.Agents)
	s.Traits, _ = traits(f.traits()) // what is wrong was refused before
	return s
}

// wordList takes a list apart that was typed by hand.
func wordList(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",，、;；\n\r", r) }) {
		if w = strings.TrimSpace(w); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

const wordJoint = "、"

// batchConditions are the conditions of a stored scope as the form shows them.
func batchConditions(s bin.Scope) templates.BatchConditions {
	if p := s.Picked; p != nil {
		c := batchConditions(p.Of)
		c.Picked, c.Except, c.All, c.Words, c.Customer = p.Count, p.Except, p.All, p.Words, p.Customer
		return c
	}
	return templates.BatchConditions{
		From: s.From, To: s.To, Types: s.ServiceTypes, Platforms: s.Platforms, Sub: s.Sub,
		Tags: strings.Join(s.Tags, wordJoint), WithoutTags: strings.Join(s.WithoutTags, wordJoint), Agents: strings.Join(s.Agents, wordJoint),
		Traits: shownTraits(s.Traits),
	}
}

// batchEntries are the fields of the first step: what was typed if it was refused, else what
// is stored.
func batchEntries(stored bin.Form, typed *batchForm) templates.BatchConditions {
	if typed == nil {
		e := batchConditions(stored.Scope)
		e.Keep, e.ResidueReason = stored.KeepResidue, stored.ResidueReason
		return e
	}
	return templates.BatchConditions{
		From: typed.From, To: typed.To, Types: typed.Types, Platforms: typed.Platforms, Tags: typed.Tags, WithoutTags: typed.Without, Agents: typed.Agents,
		Traits: typed.traits(), Sub: stored.Scope.Sub, Keep: typed.Keep, ResidueReason: typed.ResidueReason,
	}
}

// queriedScope reads the conditions of an address, as a search has them: lists repeated or
// joined by commas. What does not fit is left out; that a department is not the person's is said.
func queriedScope(c echo.Context) (bin.Scope, error) {
	var q struct {
		From      string   `query:"from"`
		To        string   `query:"to"`
		Dept      []string `query:"dept"`
		Sub       bool     `query:"sub"`
		Types     []string `query:"type"`
		Platforms []string `query:"platform"`
		Tags      []string `query:"tag"`
		Without   []string `query:"without_tag"`
		Agents    []string `query:"agent"`
	}
	web.Query(c, &q)
	list := func(texts []string) []string {
		text := strings.Join(texts, ",")
		if utf8.RuneCountInString(text) > longestWords {
			return nil
		}
		return wordList(text)
	}
	s := bin.Scope{
		Sub: q.Sub, ServiceTypes: list(q.Types), Platforms: list(q.Platforms), Tags: list(q.Tags), WithoutTags: list(q.Without), Agents: list(q.Agents),
	}
	if t, err := traits(readTraits(c.QueryParams())); err == nil {
		s.Traits = t
	}
	if utf8.RuneCountInString(q.From) <= longestChoice && utf8.RuneCountInString(q.To) <= longestChoice {
		s.From, s.To = q.From, q.To
	}
	var problem error
	for _, text := range list(q.Dept) {
		d, err := id.Parse[id.Department](text)
		switch {
		case err != nil:
		case web.Actor(c).Scope.Has(d):
			s.Departments = append(s.Departments, d)
		default:
			problem = fault.Invalid("bin.unknown_department").On("department")
		}
	}
	return s, problem
}
