// Package access owns reading beyond one's own departments (跨部门调阅): who asked to read what and
// why, who of the other department or of legal agreed, and until when. A grant widens what its holder
// may search and read, masked, and nothing else.
package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Kind says what somebody asks to read.
type Kind string

// The kinds.
const (
	OfDepartment   Kind = "department"
	OfConversation Kind = "conversation"
	OfCustomer     Kind = "customer"
)

// Kinds lists the kinds as a form offers them.
func Kinds() []Kind { return []Kind{OfDepartment, OfConversation, OfCustomer} }

// State says how far a wish is.
type State string

// The states. Only a Granted one that has not reached its end lets anybody read.
const (
	Asked     State = "asked"
	Granted   State = "granted"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn" // by the asker, before anybody decided
	Lapsed    State = "lapsed"    // nobody decided in time
	Ended     State = "ended"     // see ClosedWhy
)

// The reasons of an end; each ends a catalogue key.
const (
	EndTime     = "time"     // its days are over
	EndAsker    = "asker"    // given back
	EndApprover = "approver" // taken back by whoever agreed
	EndLegal    = "legal"
	EndAdmin    = "admin"
	EndAccount  = "account" // the asker's account was turned off or does other work
	EndConsent  = "consent" // whoever agreed could not agree today
	EndForged   = "forged"  // the row was changed past the program
)

// The bounds of a wish.
const (
	ShortReason = 8
	LongReason  = 500
	UsualDays   = 7
	MostDays    = 30
	// AnswerTime is how long a wish waits; no answer is a no.
	AnswerTime = 3 * day
	// MostOpen is how many wishes of one person may wait.
	MostOpen     = 20
	longCustomer = 200
	day          = 24 * time.Hour
)

// Grant is one wish to read and what became of it. MAC covers all of it, so that a row that was
// written or changed past this program opens nothing.
type Grant struct {
	ID               id.Access `gorm:"primaryKey"`
	Code             string
	State            State
	Kind             Kind
	DepartmentID     id.Department // that was asked for; 0: none was named
	Sub              bool
	ConversationID   id.Conversation
	ConversationCode string
	CustomerMAC      []byte `gorm:"column:customer_mac"`
	Sealed           []byte // the customer as it was typed
	FromAt, ToAt     *time.Time
	Reason           string
	Days             int
	AskerID          id.User
	AskerPerson      id.Person
	AskerName        string
	AskerStaffNo     string
	AskerRole        account.Role
	AskedAt          time.Time
	ExpiresAt        time.Time // nobody decides from then on
	Root             []byte    // of all that was asked for; what the approver agrees to
	ApprovalID       id.Approval
	ApproverID       id.User // who decided, also when it was against
	ApproverPerson   id.Person
	ApproverName     string
	ApproverStaffNo  string
	ApproverRole     account.Role
	Opinion          string
	DecidedAt        *time.Time
	EndsAt           *time.Time
	ClosedBy         id.User // 0: the system
	ClosedName       string
	ClosedWhy        string
	ClosedReason     string
	ClosedAt         *time.Time
	RequestKey       *string
	MAC              []byte `gorm:"column:mac"`
}

// TableName is access_grant.
func (Grant) TableName() string { return "access_grant" }

// share is one department of a grant's list. The list is written down when the wish is: what the
// approver sees is what is opened, and a department that comes below another later is not in it.
type share struct {
	GrantID      id.Access     `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID id.Department `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is access_department.
func (share) TableName() string { return "access_department" }

// Fingerprint is Root as pages show it and hand it back.
func (g *Grant) Fingerprint() string { return fmt.Sprintf("%x", g.Root) }

// Status is the state as of now: a time that is over counts before the worker has come by.
func (g *Grant) Status(now time.Time) State {
	switch {
	case g.State == Asked && !now.Before(g.ExpiresAt):
		return Lapsed
	case g.State == Granted && (g.EndsAt == nil || !now.Before(*g.EndsAt)):
		return Ended
	}
	return g.State
}

// Accounts checks one-time codes; *account.Accounts does.
type Accounts interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

// Desk is where access is asked for, decided, used and ended.
type Desk struct {
	DB       *db.DB
	Vault    conversation.Vault
	Accounts Accounts
	Zone     *time.Location // of the organisation
	Clock    *audit.ClockGuard
}

func notFound() *fault.Fault { return fault.NotFound("access.not_found") }

// visible keeps the grants that the actor may see: one's own and those one decided; of the others
// who acts everywhere sees all, and a supervisor those whose whole list lies in his departments.
func visible(by account.Actor) (where string, args []any) {
	switch {
	case by.Scope.All:
		return "1 = 1", nil
	case by.May(account.AccessDecide) && !by.Scope.Empty():
		return "(asker_id = ? OR approver_id = ? OR EXISTS (SELECT 1 FROM access_department ad WHERE ad.grant_id = access_grant.id)" +
			" AND NOT EXISTS (SELECT 1 FROM access_department ad WHERE ad.grant_id = access_grant.id AND NOT " + db.In("ad.department_id", by.Scope.Listed()) + "))", []any{by.ID, by.ID}
	}
	return "(asker_id = ? OR approver_id = ?)", []any{by.ID, by.ID}
}

// Visible gives the ids of the grants that the actor may see, for a query of another drawer.
func Visible(tx *db.Tx, by account.Actor) *gorm.DB {
	where, args := visible(by)
	return tx.Model(&Grant{}).Where(where, args...).Select("id")
}

// seen finds a grant that the actor may see. Absent and hidden are answered alike.
func seen(tx *db.Tx, by account.Actor, which id.Access) (*Grant, error) {
	where, args := visible(by)
	return take(tx.Where("id = ?", which).Where(where, args...))
}

func take(q *gorm.DB) (*Grant, error) {
	var g Grant
	switch err := q.Take(&g).Error; {
	case db.NotFound(err):
		return nil, notFound()
	case err != nil:
		return nil, fmt.Errorf("find access: %w", err)
	}
	return &g, nil
}

// lists gives the departments of grants, sorted.
func lists(tx *db.Tx, grants ...id.Access) (map[id.Access][]id.Department, error) {
	out := map[id.Access][]id.Department{}
	if len(grants) == 0 {
		return out, nil
	}
	var rows []share
	if err := tx.Where("grant_id IN ?", grants).Order("grant_id, department_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read departments of access: %w", err)
	}
	for _, r := range rows {
		out[r.GrantID] = append(out[r.GrantID], r.DepartmentID)
	}
	return out, nil
}

// refused writes down that somebody reached for a grant that is hidden from them, or was forbidden to
// do something with one that they see; it gives err back.
func (d *Desk) refused(ctx context.Context, by account.Actor, which id.Access, g *Grant, err error) error {
	entry := audit.Entry{Actor: by.Audit(), Action: "access.look_refused", ObjectKind: "access"}
	f, ok := fault.Of(err)
	if !ok || f.Kind != fault.KindForbidden || g == nil {
		return audit.Unseen(ctx, d.DB, err, &Grant{}, which, entry)
	}
	entry.Action = "access.refused"
	entry.Object, entry.Data = g.Code, map[string]any{"why": f.Key}
	return errors.Join(err, audit.Refused(ctx, d.DB, entry))
}
