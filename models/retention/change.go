package retention

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// ChangeState says how far a change of the policy is.
type ChangeState string

// The states of a change.
const (
	Asked     ChangeState = "asked"     // waits for somebody of legal
	Waiting   ChangeState = "waiting"   // agreed to; it weakens something and takes effect after Delay
	Applied   ChangeState = "applied"   // in force
	Rejected  ChangeState = "rejected"  //
	Cancelled ChangeState = "cancelled" // taken back before it took effect
	Lapsed    ChangeState = "lapsed"    // nobody decided in time, or the consent no longer stood
)

// Delay is how long after the consent a change takes effect that weakens a protection.
const Delay = 7 * 24 * time.Hour

const (
	voteTime    = 7 * 24 * time.Hour
	lateTime    = 30 * 24 * time.Hour // that a worker may stand still
	leastReason = 8
	mostReason  = 500
)

// Change is a change of the policy that somebody asked for, and what became of it. What takes effect is bound
// by the vote, which covers Root and has its own time: a row that was changed past this program changes no rule.
type Change struct {
	ID              uint64 `gorm:"primaryKey"`
	Code            string
	State           ChangeState
	OpenSlot        *int   // 1 while it is asked or waiting: there is one at a time
	Was             string // the policy that it changes, and what it would become
	Proposal        string
	Root            []byte
	Reason          string
	ApprovalID      id.Approval
	RequesterID     id.User
	RequesterPerson id.Person
	RequesterName   string
	RequestedAt     time.Time
	ExpiresAt       time.Time
	ApproverName    string
	Opinion         string
	DecidedAt       *time.Time
	EffectiveAt     *time.Time
	ClosedName      string
	ClosedReason    string
	ClosedAt        *time.Time
}

// TableName is retention_change.
func (Change) TableName() string { return "retention_change" }

// Fingerprint is Root as pages show it.
func (c *Change) Fingerprint() string { return hex.EncodeToString(c.Root) }

// Drafts reads what the policy was and what it would become.
func (c *Change) Drafts() (was, becomes Draft, err error) {
	for text, into := range map[*string]*Draft{&c.Was: &was, &c.Proposal: &becomes} {
		if err := json.Unmarshal([]byte(*text), into); err != nil {
			return was, becomes, fmt.Errorf("read change %s: %w", c.Code, err)
		}
	}
	return was, becomes, nil
}

// Desk lets two people change the policy.
type Desk struct {
	DB       *db.DB
	Accounts Codes
	Keys     approval.Keys
	Zone     *time.Location
	// Alone waits until no step that bins or destroys is under way, and keeps the next ones waiting.
	Alone func(tx *db.Tx) error
	// Clock keeps changes from taking effect by a wrong clock; nil: it is trusted.
	Clock *audit.ClockGuard
}

// Codes checks the one-time code of a person for a dangerous act; *account.Accounts does.
type Codes interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

func person(by account.Actor, p account.Permission) error {
	if err := by.Require(p); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

// Propose asks somebody else of legal to agree to another policy. Seen is the one that the form showed. The fault
// is forbidden without retention.propose or with a role that is not confirmed, invalid at the field, and a conflict
// when nothing would change, when the policy changed meanwhile or another change is under way.
func (d *Desk) Propose(ctx context.Context, by account.Actor, draft Draft, seen, reason string) (c *Change, err error) {
	if err := person(by, account.RetentionPropose); err != nil {
		return nil, err
	}
	reason, short := reasonOf(reason, "reason")
	becomes := draft.Normal()
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		if err := account.CheckVoter(tx, by.ID, by.Role); err != nil {
			return err
		}
		p, err := Load(tx)
		if err != nil {
			return err
		}
		was := p.Draft()
		switch {
		case was.Fingerprint() != seen:
			return fault.Conflict("retention.changed_meanwhile")
		case was.text() == becomes.text():
			return fault.Conflict("retention.nothing_changes")
		}
		if err := fault.All(append(draft.check(was), short)...); err != nil {
			return err
		}
		c, err = d.ask(tx, by, was, becomes, reason)
		return err
	})
	if db.Duplicate(err) {
		return nil, fault.Conflict("retention.open_already")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// reasonOf gives the reason as it is kept, and what is wrong with it, nil for nothing.
func reasonOf(text, field string) (reason string, wrong *fault.Fault) {
	reason = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(reason); n < leastReason || n > mostReason || !utf8.ValidString(reason) {
		wrong = fault.Invalid("retention.reason_needed", leastReason, mostReason).On(field)
	}
	return reason, wrong
}

// Fingerprint tells one policy from another.
func (d Draft) Fingerprint() string {
	root := rootOf("", "", d.text(), "")
	return hex.EncodeToString(root[:8])
}

func (d *Desk) ask(tx *db.Tx, by account.Actor, was, draft Draft, reason string) (*Change, error) {
	year := tx.Now.In(d.Zone).Format("2006")
	n, err := db.Serial(tx, "RP", year)
	if err != nil {
		return nil, err
	}
	open := 1
	c := &Change{
		Code: fmt.Sprintf("RP-%s-%03d", year, n), State: Asked, OpenSlot: &open, Was: was.text(), Proposal: draft.text(), Reason: reason,
		RequesterID: by.ID, RequesterPerson: by.PersonID, RequesterName: by.Name, RequestedAt: tx.Now, ExpiresAt: tx.Now.Add(voteTime),
	}
	root := rootOf(c.Code, c.Was, c.Proposal, c.Reason)
	c.Root = root[:]
	if err := tx.Create(c).Error; err != nil {
		return nil, fmt.Errorf("store change: %w", err)
	}
	if c.ApprovalID, err = approval.Start(tx, approval.New{
		Kind: approval.Retention, Subject: c.ID, Root: root, Stages: []approval.Stage{{Role: account.Legal}},
		Requester: by.ID, RequesterPerson: by.PersonID, ExpiresAt: c.ExpiresAt,
	}); err != nil {
		return nil, err
	}
	if err := tx.Model(c).Update("approval_id", c.ApprovalID).Error; err != nil {
		return nil, fmt.Errorf("store change: %w", err)
	}
	return c, c.tell(tx, by.Audit(), "retention.change_requested", map[string]any{"reason": reason, "weakens": draft.Weakens(was)})
}

func (c *Change) tell(tx *db.Tx, by audit.Actor, action string, data map[string]any) error {
	data["root"] = c.Fingerprint()
	return audit.Append(tx, audit.Entry{Actor: by, Action: action, ObjectKind: "retention", Object: c.Code, Count: 1, Data: data})
}

// Ballot is the answer of somebody of legal. SeenRoot is the fingerprint that the page showed, in hex.
type Ballot struct {
	Change   string
	SeenRoot string
	Opinion  string
	Code     string // the person's one-time code
}

// Decide agrees to a change, or rejects it, with a one-time code. What protects more takes effect at once, what
// weakens something after Delay. The faults are approval.Cast's and those of one-time codes; forbidden without
// retention.edit, not-found, invalid without an opinion, and a conflict when it is over or the page showed another one.
func (d *Desk) Decide(ctx context.Context, by account.Actor, b Ballot, v approval.Verdict) (c *Change, err error) {
	if err := person(by, account.RetentionEdit); err != nil {
		return nil, err
	}
	b.Opinion = strings.TrimSpace(b.Opinion)
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := find(tx, b.Change, false)
		if err != nil {
			return err
		}
		return b.check(tx, c, by)
	})
	if err != nil {
		return nil, err
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error {
		if c, err = find(tx, b.Change, true); err != nil {
			return err
		}
		return d.decide(tx, by, c, b, v)
	})
	if err := d.Accounts.NoteWrongCode(ctx, by, b.Change, err); err != nil {
		return nil, err
	}
	return c, nil
}

func (b Ballot) check(tx *db.Tx, c *Change, by account.Actor) error {
	switch n := utf8.RuneCountInString(b.Opinion); {
	case c.State != Asked:
		return fault.Conflict("approval.closed")
	case b.SeenRoot != c.Fingerprint() || !c.sound():
		return fault.Conflict("approval.root_changed")
	case n == 0 || n > mostReason || !utf8.ValidString(b.Opinion):
		return fault.Invalid("approval.opinion_missing").On("opinion")
	}
	return approval.Check(tx, c.ApprovalID, by)
}

// sound tells whether the row still says what was asked for.
func (c *Change) sound() bool {
	root := rootOf(c.Code, c.Was, c.Proposal, c.Reason)
	return slices.Equal(root[:], c.Root)
}

func (d *Desk) decide(tx *db.Tx, by account.Actor, c *Change, b Ballot, v approval.Verdict) error {
	if err := b.check(tx, c, by); err != nil {
		return err
	}
	step, err := d.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return err
	}
	if _, err := approval.Cast(tx, d.Keys, approval.Ballot{
		Approval: c.ApprovalID, By: by, Verdict: v, Opinion: b.Opinion, SeenRoot: [32]byte(c.Root), Step: step, ValidUntil: tx.Now.Add(Delay + lateTime),
	}); err != nil {
		return err
	}
	c.ApproverName, c.Opinion, c.DecidedAt = by.Name, b.Opinion, &tx.Now
	if v != approval.Approve {
		c.State, c.OpenSlot, c.ClosedAt = Rejected, nil, &tx.Now
		if err := c.store(tx, Asked); err != nil {
			return err
		}
		return c.tell(tx, by.Audit(), "retention.change_rejected", map[string]any{"opinion": b.Opinion})
	}
	was, becomes, err := c.Drafts()
	if err != nil {
		return err
	}
	c.State, c.EffectiveAt = Waiting, &tx.Now
	if becomes.Weakens(was) {
		at := tx.Now.Add(Delay)
		c.EffectiveAt = &at
	}
	if err := c.store(tx, Asked); err != nil {
		return err
	}
	if err := c.tell(tx, by.Audit(), "retention.change_approved", map[string]any{"opinion": b.Opinion, "effective_at": *c.EffectiveAt}); err != nil {
		return err
	}
	return d.settle(tx, c, by.Audit())
}

func (c *Change) store(tx *db.Tx, from ChangeState) error {
	res := tx.Model(&Change{}).Where("id = ? AND state = ?", c.ID, from).
		Select("state", "open_slot", "approver_name", "opinion", "decided_at", "effective_at", "closed_name", "closed_reason", "closed_at").Updates(c)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store change: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("approval.closed")
	}
	return nil
}

// Cancel takes a change back before it takes effect: whoever asked for it, or anybody of legal. The fault is
// forbidden for others, not-found, invalid without a reason and a conflict when it is over.
func (d *Desk) Cancel(ctx context.Context, by account.Actor, code, reason string) error {
	if err := person(by, account.RetentionPropose); err != nil {
		return err
	}
	reason, wrong := reasonOf(reason, "cancel-reason")
	if wrong != nil {
		return wrong
	}
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := find(tx, code, true)
		switch {
		case err != nil:
			return err
		case c.RequesterID != by.ID && !by.May(account.RetentionEdit):
			return fault.Forbidden("account.forbidden")
		case c.State != Asked && c.State != Waiting:
			return fault.Conflict("approval.closed")
		}
		return d.close(tx, c, Cancelled, by.Audit(), by.Name, reason)
	})
}

func (d *Desk) close(tx *db.Tx, c *Change, to ChangeState, by audit.Actor, name, reason string) error {
	consent, action := approval.Withdrawn, "retention.change_cancelled"
	if to == Lapsed {
		consent, action = approval.Lapsed, "retention.change_lapsed"
	}
	if err := approval.Close(tx, c.ApprovalID, consent); err != nil && fault.KindOf(err) != fault.KindConflict {
		return err
	}
	from := c.State
	c.State, c.OpenSlot, c.ClosedName, c.ClosedReason, c.ClosedAt = to, nil, name, reason, &tx.Now
	if err := c.store(tx, from); err != nil {
		return err
	}
	return c.tell(tx, by, action, map[string]any{"reason": reason})
}

func find(tx *db.Tx, code string, lock bool) (*Change, error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var rows []Change
	if err := q.Where("code = ?", code).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find change: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.NotFound("retention.change_not_found")
	}
	return &rows[0], nil
}
