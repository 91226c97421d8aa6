package purge

import (
	"time"

	"qingdang/models/id"
)

// ItemState says what became of one conversation of a list.
type ItemState string

// The states of items. When a purge is finished none is Pending.
const (
	Pending ItemState = "pending"
	Purged  ItemState = "purged"
	Skipped ItemState = "skipped"
)

// Reason says why a conversation was left out or skipped.
type Reason string

// The reasons. Held, Floor and Order also keep conversations out of a new list.
const (
	Held        Reason = "held"
	Floor       Reason = "floor"
	Order       Reason = "order"
	Restored    Reason = "restored"
	Version     Reason = "version" // somebody wrote again, or it was moved
	Gone        Reason = "gone"
	NoConsent   Reason = "approval" // an approval stopped counting while it ran
	notExcluded Reason = ""
)

// Reasons lists the reasons in the order in which pages and certificates show them.
func Reasons() []Reason {
	return []Reason{Held, Floor, Order, Restored, Version, Gone, NoConsent}
}

// Item is one line of a manifest. Everything up to ServiceType is what its root covers.
type Item struct {
	PurgeID        id.Purge `gorm:"primaryKey;autoIncrement:false"`
	Seq            int64    `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation
	Version        uint32
	Digest         []byte // of the ciphertext
	DepartmentID   id.Department
	ServiceType    string
	Platform       string
	BucketID       id.Bucket // of its key, when it was frozen and then when it was erased
	Leaf           int       // its place there
	BatchID        id.Batch
	Messages       int
	Attachments    int
	Bytes          int64
	LastAt         time.Time
	State          ItemState
	Reason         Reason
}

// TableName is purge_item.
func (Item) TableName() string { return "purge_item" }

// Batch is a batch of the bin that a request covers, with what it says about residue.
type Batch struct {
	PurgeID       id.Purge `gorm:"primaryKey;autoIncrement:false"`
	BatchID       id.Batch `gorm:"primaryKey;autoIncrement:false"`
	Code          string
	ResidueCount  int64
	ResidueReason string
	Residue       string // the batch's own statement, JSON
}

// TableName is purge_batch.
func (Batch) TableName() string { return "purge_batch" }

// Share is what one department has of a manifest.
type Share struct {
	PurgeID       id.Purge      `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID  id.Department `gorm:"primaryKey;autoIncrement:false"`
	Path          string
	Conversations int64
	Messages      int64
	Attachments   int64
	Bytes         int64
}

// TableName is purge_department.
func (Share) TableName() string { return "purge_department" }

// bucketState says how far the destruction of a touched bucket's key is.
type bucketState string

const (
	touched   bucketState = "touched"
	closed    bucketState = "closed"    // punctured: nothing that lives needs its slot
	destroyed bucketState = "destroyed" // the key store holds the slot's key no longer
)

// bucket is a key bucket from which the purge erased.
type bucket struct {
	PurgeID     id.Purge  `gorm:"primaryKey;autoIncrement:false"`
	BucketID    id.Bucket `gorm:"primaryKey;autoIncrement:false"`
	State       bucketState
	Slot        uint64 // under which it lay until then, whose key goes; a bucket's slots only grow
	Survivors   int
	MovedTo     uint64 // the slot under which they are since; 0: there were none
	Lifted      int    // how many of them had no leaf before
	DestroyedAt *time.Time
}

// TableName is purge_bucket.
func (bucket) TableName() string { return "purge_bucket" }
