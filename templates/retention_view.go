package templates

import (
	"context"
	"strconv"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// RetentionView is the policy in force.
type RetentionView struct {
	Policy RetentionPolicy
	Counts RetentionCounts
	Places []RetentionPlace
	// MorePlaces is how many departments are not listed.
	MorePlaces int
	Open       *RetentionChange
	Past       []RetentionChange
	CanEdit    bool
	CanFind    bool // the reader searches conversations
	// HasTarget and HasCeiling tell whether any rule has one: else nothing was looked for.
	HasTarget, HasCeiling bool
}

// RetentionPolicy is rules and what must not be kept.
type RetentionPolicy struct {
	Rules     []RetentionRule
	NeverKeep []string
}

// RetentionRule is how long one service type is kept; the one without a type is for all others. Days are as
// they were typed in the form. Target and Ceiling in force may come from the rule for the others.
type RetentionRule struct {
	Type                   string
	Floor, Target, Ceiling string
	Forever                bool
	Basis                  string
	Confirmed              bool
	InTarget, InCeiling    int
}

// RetentionCounts are those of the reader's departments; At is zero where nobody has counted yet.
type RetentionCounts struct {
	At                                           time.Time
	PastTarget, PastCeiling, NeverKeep, Unlooked int64
}

// RetentionPlace is a department in which something is past its time or must not be kept.
type RetentionPlace struct {
	ID                                 string
	Path                               string
	PastTarget, PastCeiling, NeverKeep int64
}

// RetentionChange is a change of the policy.
type RetentionChange struct {
	Code, State, Reason, Root         string
	Requester, Approver, Opinion      string
	RequestedAt, ExpiresAt, DecidedAt time.Time
	EffectiveAt, ClosedAt             time.Time
	ClosedName, ClosedReason          string
}

// RetentionEffect is what a change does to conversations.
type RetentionEffect struct {
	Freed, Protected, PastTarget, PastCeiling, NeverKeep int64
}

// RetentionEditView is the form of a change.
type RetentionEditView struct {
	Policy   RetentionPolicy // as typed; the last rule is an empty one for a new type
	Known    int             // rules that are in force: their types are not typed
	Seen     string
	Reason   string
	Effect   *RetentionEffect
	Lines    []RetentionLine
	Weakens  bool
	Problems Problems
}

// RetentionLine is one difference between two policies.
type RetentionLine struct {
	Type string // "" of the rule for all others
	Key  string // floor, target, ceiling, basis or never
	Was  string
	Is   string
}

// RetentionChangeView is one change.
type RetentionChangeView struct {
	RetentionChange
	Lines                []RetentionLine
	Weakens              bool
	Effect               *RetentionEffect
	CanDecide, CanCancel bool
	Refused              Words // why the reader does not decide
	Entry                struct{ Act, Opinion, Reason string }
	Problems             Problems
}

// RetentionType is the name of a rule's service type.
func RetentionType(ctx context.Context, t string) string {
	if t == "" {
		return locale.T(ctx, "retention.others")
	}
	return TypeWord(ctx, t)
}

func (r RetentionRule) floorText(ctx context.Context) string {
	if r.Forever {
		return locale.T(ctx, "retention.forever")
	}
	n, _ := strconv.Atoi(r.Floor)
	return locale.T(ctx, "retention.n_days", n)
}

// boundText writes a target or ceiling in force; one that the rule does not have itself says where it is from.
func (r RetentionRule) boundText(ctx context.Context, own string, days int) string {
	switch {
	case days == 0:
		return locale.None
	case own == "" || own == "0":
		return locale.T(ctx, "retention.from_others", days)
	}
	return locale.T(ctx, "retention.n_days", days)
}

func (r RetentionRule) basisBadge(ctx context.Context) (kind, text string) {
	if r.Confirmed {
		return ui.Success, locale.T(ctx, "retention.confirmed")
	}
	return ui.Warning, locale.T(ctx, "retention.unconfirmed")
}

func (v RetentionView) figures(ctx context.Context) []ui.Figure {
	never := v.figure(ctx, "never", len(v.Policy.NeverKeep) > 0, v.Counts.NeverKeep, ui.Danger)
	if len(v.Policy.NeverKeep) > 0 {
		if v.Counts.Unlooked > 0 {
			never.Note = locale.T(ctx, "retention.unlooked", v.Counts.Unlooked)
		}
		if v.CanFind {
			never.Path = ConversationsPath(Search{Personal: v.Policy.NeverKeep, State: SearchAll})
		}
	}
	return []ui.Figure{
		never, v.figure(ctx, "ceiling", v.HasCeiling, v.Counts.PastCeiling, ui.Danger), v.figure(ctx, "target", v.HasTarget, v.Counts.PastTarget, ui.Warning),
	}
}

// figure is one count; where the policy asks for nothing, nothing was counted.
func (v RetentionView) figure(ctx context.Context, name string, asked bool, n int64, kind string) ui.Figure {
	f := ui.Figure{Label: locale.T(ctx, "retention.fig_"+name), Value: locale.None}
	switch {
	case !asked:
		f.Note = locale.T(ctx, "retention.no_"+name)
	case !v.Counts.At.IsZero():
		f.Value = locale.N(ctx, n)
		if n > 0 {
			f.Kind = kind
		}
	}
	return f
}

// countedText says when the figures were counted.
func (v RetentionView) countedText(ctx context.Context) string {
	if v.Counts.At.IsZero() {
		return locale.T(ctx, "retention.not_counted")
	}
	return locale.T(ctx, "retention.counted_at", locale.Date(ctx, v.Counts.At))
}

func (c RetentionChange) facts(ctx context.Context) []ui.Fact {
	fact := func(key, text string) ui.Fact { return ui.Fact{Term: locale.T(ctx, key), Text: text} }
	facts := []ui.Fact{
		fact("retention.requester", c.Requester+" · "+locale.Date(ctx, c.RequestedAt)),
		fact("retention.reason", c.Reason),
	}
	if c.State == "asked" {
		facts = append(facts, fact("retention.answer_until", locale.Date(ctx, c.ExpiresAt)))
	}
	if !c.DecidedAt.IsZero() {
		facts = append(facts, fact("retention.approver", c.Approver+" · "+locale.Date(ctx, c.DecidedAt)), fact("retention.opinion", c.Opinion))
	}
	if !c.EffectiveAt.IsZero() {
		facts = append(facts, fact("retention.effective", locale.Date(ctx, c.EffectiveAt)))
	}
	if c.ClosedReason != "" {
		why := c.ClosedReason
		if c.ClosedName == "" {
			why = locale.T(ctx, "retention.lapse_"+c.ClosedReason)
		}
		facts = append(facts, fact("retention.closed_why", why))
	}
	return facts
}

// what names what a line is about.
func (l RetentionLine) what(ctx context.Context) string {
	if l.Key == "never" {
		return locale.T(ctx, "retention.never")
	}
	return locale.T(ctx, "retention.line", RetentionType(ctx, l.Type), locale.Key("retention."+l.Key))
}

func (e RetentionEffect) facts(ctx context.Context) []ui.Fact {
	var out []ui.Fact
	for _, f := range []struct {
		key string
		n   int64
	}{
		{"freed", e.Freed}, {"protected", e.Protected}, {"fig_target", e.PastTarget}, {"fig_ceiling", e.PastCeiling}, {"fig_never", e.NeverKeep},
	} {
		out = append(out, ui.Fact{Term: locale.T(ctx, "retention."+f.key), Text: locale.T(ctx, "common.conversations", f.n)})
	}
	return out
}

// RetentionKinds names what must not be kept.
func RetentionKinds(ctx context.Context, kinds []string) string {
	if len(kinds) == 0 {
		return locale.T(ctx, "retention.nothing")
	}
	return wordsOf(ctx, PersonalWord, kinds)
}

// fields are the ids of everything in the form that can be wrong.
func (v RetentionEditView) fields() []string {
	out := []string{"", "rules"}
	for i := range v.Policy.Rules {
		for _, name := range []string{"type", "floor", "target", "ceiling", "basis"} {
			out = append(out, name+"-"+strconv.Itoa(i))
		}
	}
	return append(out, "reason")
}
