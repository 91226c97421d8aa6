// Package subject owns deletion requests of customers: a person who writes to us may ask that what
// they wrote be deleted. What the law lets us destroy goes the ordinary way, through the bin and three
// people; what must still be kept is sealed until then: nobody searches, reads or exports it but legal.
package subject

import (
	"context"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// State says how far a request is.
type State string

// The states. What an Open request reached stays sealed.
const (
	Open   State = "open"
	Done   State = "done"   // nothing that it reached is left but certificates
	Lifted State = "lifted" // it was taken back; what it sealed is in the archive again
)

// States lists the states as a filter offers them.
func States() []State { return []State{Open, Done, Lifted} }

// Request is one customer's wish that their conversations be deleted. MAC covers all of it and what it
// reached, so that a row that was written or changed past this program moves nothing.
type Request struct {
	ID            id.Subject `gorm:"primaryKey"`
	Code          string     // DSR-0001
	State         State
	CustomerMAC   []byte `gorm:"column:customer_mac"`
	Sealed        []byte // what was typed of the customer, sealed for legal to read
	Reference     string // of the ticket or letter
	Reason        string
	ReceivedAt    time.Time
	AnswerBy      time.Time // by when the customer must be answered
	Size          int64     // conversations that it reached
	CreatedBy     id.User
	CreatorPerson id.Person
	CreatorName   string
	CreatedAt     time.Time
	EndedBy       id.User // who lifted it; 0: the system, or it is open
	EndedPerson   id.Person
	EndedName     string
	EndReason     string
	EndedAt       *time.Time
	OpenSlot      []byte // CustomerMAC while it is open: a customer has one open request
	RequestKey    *string
	MAC           []byte `gorm:"column:mac"`
}

// TableName is subject_request.
func (Request) TableName() string { return "subject_request" }

// Item says that a request reached a conversation. It stays when that is destroyed.
type Item struct {
	RequestID      id.Subject      `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID   id.Department   // in which it was then
	WasState       conversation.State
	BinnedAt       *time.Time // when it went into the bin, or was found there; nil: it has not been there since
}

// TableName is subject_item.
func (Item) TableName() string { return "subject_item" }

// Bounds of a request.
const (
	// MostItems is how many conversations one request reaches: what nobody looks at one by one must not
	// be more than a person can answer for (invariant I14).
	MostItems = 5000
	// AnswerTime is how long after its receipt a request must be answered.
	AnswerTime = 30 * 24 * time.Hour
	// AnswerSoon is how long before that a request is due on the home page.
	AnswerSoon = 5 * 24 * time.Hour
)

// Requests is the register of deletion requests.
type Requests struct {
	DB       *db.DB
	Vault    conversation.Vault // names customers, seals their ids, vouches for requests
	Bin      *bin.Bin           // into which goes what may be destroyed
	Accounts Codes              // confirms who places and who lifts
	Zone     *time.Location
	Outside  Files // remembers requests outside the database
	// Clock keeps anything from moving by a wrong clock; nil: it is trusted.
	Clock *audit.ClockGuard
}

// Codes checks the one-time code of a person for a dangerous act; *account.Accounts does.
type Codes interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}
