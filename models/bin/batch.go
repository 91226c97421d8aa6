// Package bin owns the recycle bin: choosing what goes into it, the batches, restoring from
// it, and the deadlines after which a purge may be asked for. Nothing in it destroys.
package bin

import (
	"encoding/json"
	"time"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// The states of a batch. Whether its time in the bin is over is told by KeepUntil.
const (
	Running    = "running"     // a job is still moving
	Done       = "done"        // all of it was moved
	PartlyDone = "partly_done" // some had changed and stayed
	Undone     = "undone"      // all of it was restored
)

// The kinds of a batch.
const (
	KindBatch  = "batch"
	KindSingle = "single" // one conversation, from its own page
)

// The states of an item.
const (
	ItemPending  = "pending"
	ItemBinned   = "binned"
	ItemFrozen   = "frozen" // on the list of a purge request
	ItemRestored = "restored"
	ItemPurged   = "purged"
	ItemSkipped  = "skipped"
)

// The reasons for which a conversation stays where it is. The first three protect it; each
// conversation is counted once, in this order.
const (
	Held      = "held"
	Floor     = "floor"
	Order     = "order"
	Changed   = "changed"   // it was written to since it was chosen
	Elsewhere = "elsewhere" // it is not in the archive any more
	Unmatched = "unmatched" // it no longer meets the conditions
)

// The reasons for which a conversation stays in the bin.
const (
	Outside  = "outside"  // the actor may not act in its department
	OnList   = "on_list"  // its time is over and it is on a purge's list
	NotThere = "restored" // it is out of the bin already, or destroyed
)

// The kinds of a batch's scope, which decide the cooling-off of a purge.
const (
	ScopeDepartment   = "department"
	ScopeOrganisation = "organisation"
)

// Keep is how long a conversation rests in the bin, Extension what may be added once.
const (
	Keep      = 7 * 24 * time.Hour
	Extension = 3 * 24 * time.Hour
)

// Batch is what one act put into the bin. KeepUntil is fixed then; only Extend moves it.
type Batch struct {
	ID            id.Batch `gorm:"primaryKey"`
	Code          string
	RequestKey    string
	State         string
	Kind          string
	OwnerID       id.User
	OwnerPerson   id.Person
	OwnerName     string
	Scope         string // JSON of Scope
	ScopeKind     string
	DepartmentID  id.Department
	Reason        string
	Residue       string // JSON of []Residue
	ResidueCount  int64
	ResidueReason string
	Excluded      string // JSON of Excluded
	Size          int64
	Bytes         int64
	Moved         int64
	Skipped       int64
	Fingerprint   []byte
	KeepUntil     time.Time
	ExtendedAt    *time.Time
	DraftedAt     *time.Time
	CreatedAt     time.Time
	MAC           []byte `gorm:"column:mac"`
}

// TableName is bin_batch.
func (Batch) TableName() string { return "bin_batch" }

// Expired tells whether the batch's time in the bin is over.
func (b *Batch) Expired(now time.Time) bool { return !now.Before(b.KeepUntil) }

// ResidueList reads what was left behind when the batch was made.
func (b *Batch) ResidueList() (out []Residue, err error) {
	err = json.Unmarshal([]byte(b.Residue), &out)
	return out, err
}

// ExcludedCounts reads what was protected when the batch was made.
func (b *Batch) ExcludedCounts() (out Excluded, err error) {
	err = json.Unmarshal([]byte(b.Excluded), &out)
	return out, err
}

// Item is one conversation of a batch and what became of it.
type Item struct {
	BatchID        id.Batch        `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID   id.Department
	State          string
	WasState       conversation.State
	Version        uint32 // of the content that was chosen
	Reason         string
	Bytes          int64
	PurgeID        *id.Purge
	ChangedAt      time.Time
}

// TableName is bin_item.
func (Item) TableName() string { return "bin_item" }

// Residue is a sub-department that was left out and keeps matching conversations.
type Residue struct {
	DepartmentID id.Department `json:"department"`
	Path         string        `json:"path"`
	Count        int64         `json:"count"`
}

// Excluded counts what was protected and stayed, each conversation once.
type Excluded struct {
	Held  int64 `json:"held"`
	Floor int64 `json:"floor"`
	Order int64 `json:"order"`
}

// Total is the sum.
func (e Excluded) Total() int64 { return e.Held + e.Floor + e.Order }

// Bin is the recycle bin as people use it.
type Bin struct {
	DB   *db.DB
	Zone *time.Location
	// SyncLimit is the largest batch that is moved while the person waits; 0 is 2,000. Larger
	// ones become a job.
	SyncLimit int64
	// Cap lowers MostItems; 0 and anything higher leave it as it is.
	Cap int64
	// Codes checks the one-time code of whoever raises a draft's cap.
	Codes Codes
	// Keys vouches for what this program wrote: batches, raised caps, lists that were chosen of a search.
	Keys approval.Keys
	// WordsList is the list of sensitive words whose marks are believed; 0: the usual one.
	WordsList uint32
	// Clock keeps batches from being made by a wrong clock; nil: it is trusted.
	Clock *audit.ClockGuard
}

const defaultSyncLimit = 2000

func (b *Bin) syncLimit() int64 {
	if b.SyncLimit > 0 {
		return b.SyncLimit
	}
	return defaultSyncLimit
}

// chunk is how many conversations one transaction moves: on SQLite it is the stall of every
// other writer (PERFORMANCE.md, section 7).
func chunk(engine string) int {
	if engine == db.SQLite {
		return 500
	}
	return 1000
}
