// Package export owns what leaves the system: who may take which conversations out, in what form,
// for whom and for how long. An export is asked for, agreed to where it must be, frozen, written in
// parts that are encrypted before they touch the disk, fetched once and gone after its time.
package export

import (
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// JobRun is the kind of the jobs that make exports. Its subject is the export.
const JobRun = "export.run"

// State says how far an export is.
type State string

// The states. From Fetched on the system keeps nothing but the record.
const (
	Waiting   State = "waiting"   // for the second person
	Queued    State = "queued"    // for the worker
	Freezing  State = "freezing"  // the list is being written down
	Running   State = "running"   // the parts are being written
	Ready     State = "ready"     // to be fetched
	Fetched   State = "fetched"   // the holder has it; nothing here ends that copy
	Expired   State = "expired"   // nobody fetched it in time
	Recalled  State = "recalled"  // ended by somebody before it was fetched
	Failed    State = "failed"    //
	Cancelled State = "cancelled" // by its owner before it was ready
	Rejected  State = "rejected"  // by the second person, or nobody answered in time
)

// States lists the states as a filter offers them.
func States() []State {
	return []State{Waiting, Queued, Freezing, Running, Ready, Fetched, Expired, Recalled, Failed, Cancelled, Rejected}
}

// Over tells whether nothing more will happen.
func (s State) Over() bool {
	switch s {
	case Waiting, Queued, Freezing, Running, Ready:
		return false
	}
	return true
}

// making tells whether the worker has it.
func (s State) making() bool { return s == Queued || s == Freezing || s == Running }

// Kind says what an export is of.
type Kind string

// The kinds.
const (
	OfQuery         Kind = "query"
	OfConversations Kind = "conversations"
	OfConversation  Kind = "conversation"
	OfHold          Kind = "hold"
	OfCustomer      Kind = "customer" // all of one customer, as somebody asks to see what is kept of them
	OfBatch         Kind = "batch"    // the backup before a deletion: of a batch, or of a draft of the wizard
)

// Mask says what of personal data is masked.
type Mask string

// The masks. Everything but MaskAll needs a second person.
const (
	MaskAll    Mask = "all"
	MaskOthers Mask = "others" // what the customer wrote stays as it is, for their own request
	MaskNone   Mask = "none"
)

// Why is a reason for which a second person must agree.
type Why string

// The reasons.
const (
	Unmasked Why = "unmasked"
	External Why = "external"
	Large    Why = "large"
)

// Largest is how many conversations one person may take out within 24 hours without a second one.
const Largest = 10_000

// The life of a file that is ready, in days.
const (
	UsualDays    = 7
	MostDays     = 30
	MostUnmasked = 7
)

// Export is one export. MAC covers all of it that decides who may have what until when, so that a row
// that was changed past this program gives nothing out.
type Export struct {
	ID           id.Export `gorm:"primaryKey"`
	Code         string
	State        State
	Kind         Kind
	Format       file.Format
	Mask         Mask
	Purpose      string
	OwnerID      id.User
	OwnerPerson  id.Person
	OwnerName    string
	OwnerStaffNo string
	Sealed       []byte // Selection and outside recipient, sealed
	Outside      bool   // it goes to somebody outside
	RecipientKey string // age public key; empty: a passphrase
	HoldID       id.Hold
	BatchID      id.Batch
	Days         int
	Lang         string
	Root         []byte // of what is asked for; what the second person agrees to
	ApprovalID   id.Approval
	JobID        id.Job
	RequestKey   *string
	BucketID     id.Bucket // of the key that the parts' key is sealed by; 0: none yet
	Secret       []byte    // the parts' key, sealed; nil: none, or destroyed
	SecretKey    []byte
	Asked        int64  // conversations of the selection when it was asked for
	Matched      int64  // and when the list was frozen
	DayBefore    int64  // what its owner had asked for within the day before; it counts for Largest
	Size         int64  // of the frozen list
	Written      int64  // conversations in the parts
	LeftOut      int64  // of the list, but not in the parts; each with its reason
	Unreadable   int64  // of Written: those whose text could not be opened
	Messages     int64  // in the parts
	Bytes        int64  // of the parts, encrypted
	Parts        int    // that there will be
	ManifestRoot []byte // over the frozen list; nil until it is complete
	FileSHA256   []byte `gorm:"column:file_sha256"` // of the file that was given out
	CreatedAt    time.Time
	AnswerUntil  *time.Time // of the second person
	FrozenAt     *time.Time
	ReadyAt      *time.Time
	ExpiresAt    *time.Time
	FetchedAt    *time.Time
	KeyGoneAt    *time.Time
	ClosedAt     *time.Time
	ClosedBy     id.User // 0: the system
	ClosedName   string
	ClosedReason string // of a recall, a cancellation, a rejection; of a failure the key of its fault
	MAC          []byte `gorm:"column:mac"`
}

// TableName is export.
func (Export) TableName() string { return "export" }

// Fingerprint is ManifestRoot as pages show it, empty before the list is frozen.
func (e *Export) Fingerprint() string {
	if len(e.ManifestRoot) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", e.ManifestRoot)
}

// WishRoot is Root as the page of the second person shows it and hands it back.
func (e *Export) WishRoot() string { return fmt.Sprintf("%x", e.Root) }

// FileName is the name of the file that is given out.
func (g *Detail) FileName() string { return g.fileName(g.Zip) }

func (e *Export) fileName(zip bool) string {
	if zip {
		return e.Code + ".zip"
	}
	return e.Code + ".zip.age"
}

// NeedsApproval gives the reasons for a second person, none if nobody has to agree.
func (e *Export) NeedsApproval() []Why {
	return whys(e.Mask, e.Outside, max(e.Asked, e.Matched)+e.DayBefore)
}

func whys(m Mask, outside bool, n int64) (why []Why) {
	if m != MaskAll {
		why = append(why, Unmasked)
	}
	if outside {
		why = append(why, External)
	}
	if n > Largest {
		why = append(why, Large)
	}
	return why
}

// ItemState is what became of one conversation of the list.
type ItemState int

// The states of an item.
const (
	ItemFrozen  ItemState = 0
	ItemWritten ItemState = 1
	ItemLeft    ItemState = 2 // left out, see Reason
)

// Reason says why a conversation was left out, or what is special about it.
type Reason string

// The reasons. The last two are of conversations that were written.
const (
	ReasonPurged     Reason = "purged"     // destroyed since the list was frozen, or being destroyed
	ReasonScope      Reason = "scope"      // moved out of the owner's departments since, or under seal
	ReasonNeverKeep  Reason = "never_keep" // an identity or bank card in it: no backup may keep it
	ReasonChanged    Reason = "changed"    // it grew since
	ReasonUnreadable Reason = "unreadable" // its text could not be opened
)

// Item is one conversation of the frozen list.
type Item struct {
	ExportID       id.Export `gorm:"primaryKey;autoIncrement:false"`
	Seq            int64     `gorm:"primaryKey;autoIncrement:false"` // from 1
	ConversationID id.Conversation
	Code           string
	DepartmentID   id.Department
	Version        uint32
	Digest         []byte // of the sealed body
	State          ItemState
	Reason         Reason
	Part           int
}

// TableName is export_item.
func (Item) TableName() string { return "export_item" }

// Part is one encrypted file on the shelf.
type Part struct {
	ExportID      id.Export `gorm:"primaryKey;autoIncrement:false"`
	N             int       `gorm:"primaryKey;autoIncrement:false"` // from 1
	File          string    // its random name in the folder
	Bytes         int64     // encrypted
	SHA256        []byte    `gorm:"column:sha256"` // of the encrypted file
	PlainBytes    int64
	PlainSHA256   []byte `gorm:"column:plain_sha256"` // of the file inside
	FirstSeq      int64
	LastSeq       int64
	Conversations int64
	Messages      int64
	Replaced      int64 // characters that the font lacks
	CreatedAt     time.Time
}

// TableName is export_part.
func (Part) TableName() string { return "export_part" }

// partName is the part's name inside the file that is given out.
func (e *Export) partName(n int) string {
	return file.Name(e.Code, n, e.Parts, e.Format)
}

func notFound() *fault.Fault { return fault.NotFound("export.not_found") }

func byID(tx *db.Tx, lock bool, which id.Export) (*Export, error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var e Export
	switch err := q.Where("id = ?", which).Take(&e).Error; {
	case db.NotFound(err):
		return nil, notFound()
	case err != nil:
		return nil, fmt.Errorf("find export: %w", err)
	}
	return &e, nil
}
