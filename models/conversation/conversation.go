// Package conversation owns the conversations: their rows, their sealed bodies and keys,
// searching and opening them, the states they are in, and their erasure.
package conversation

import (
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// State says where a conversation is. Whether it was purged is told by its
// tombstone: the row is gone.
type State int

// The states. Binned conversations belong to a batch; Frozen ones are on the list
// of an open purge request; Purging ones are being destroyed. Sealed ones are kept because they
// must be, for nothing but that: a deletion request of the customer reached them.
const (
	Active  State = 1
	Hidden  State = 2
	Binned  State = 3
	Frozen  State = 4
	Purging State = 5
	Sealed  State = 6
)

// Code is the state's name in addresses and catalogues.
func (s State) Code() string {
	switch s {
	case Active:
		return "active"
	case Hidden:
		return "hidden"
	case Binned:
		return "binned"
	case Frozen:
		return "frozen"
	case Purging:
		return "purging"
	case Sealed:
		return "sealed"
	}
	return "unknown"
}

// OrderState says whether the order behind a conversation is still open: a refund or
// cancellation that runs locks the conversation.
type OrderState int

// The order states.
const (
	NoOrder     OrderState = 0
	OrderOpen   OrderState = 1
	OrderClosed OrderState = 2
)

// Conversation is what is stored of a conversation in the clear: who of ours, where, when and
// how much. What was said, and who the customer is, is sealed in its Body.
type Conversation struct {
	ID           id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	Platform     string
	ExternalMAC  []byte `gorm:"column:external_mac"`
	DepartmentID id.Department
	ServiceType  string
	State        State
	OrderState   OrderState
	AgentID      string
	AgentName    string
	CustomerMAC  []byte `gorm:"column:customer_mac"`
	StartedAt    time.Time
	LastAt       time.Time
	Messages     int
	Attachments  int
	Bytes        int64 // of the document before packing
	Version      uint32
	BatchID      *id.Batch
	ContentMAC   []byte `gorm:"column:content_mac"`
	CreatedAt    time.Time
	Personal     *Personal // which kinds of personal data the body holds; nil: nobody has looked
	Marks        *Marks    // what else a search may ask of the body; nil: nobody has looked
	MarksList    *uint32   // by which list of words that was
}

// TableName is conversation.
func (Conversation) TableName() string { return "conversation" }

// columns are those of a conversation, and fields the places for them in this order.
const columns = "c.id, c.platform, c.external_mac, c.department_id, c.service_type, c.state, c.order_state, c.agent_id, c.agent_name, c.customer_mac, " +
	"c.started_at, c.last_at, c.messages, c.attachments, c.bytes, c.version, c.batch_id, c.content_mac, c.created_at, c.personal, c.marks, c.marks_list"

func (c *Conversation) fields() []any {
	return []any{
		db.Number(&c.ID), &c.Platform, &c.ExternalMAC, db.Number(&c.DepartmentID), &c.ServiceType, db.Number(&c.State), db.Number(&c.OrderState),
		&c.AgentID, &c.AgentName, &c.CustomerMAC, &c.StartedAt, &c.LastAt, db.Number(&c.Messages), db.Number(&c.Attachments), db.Number(&c.Bytes),
		db.Number(&c.Version), &c.BatchID, &c.ContentMAC, &c.CreatedAt, &c.Personal, &c.Marks, &c.MarksList,
	}
}

// Body is the sealed document. DepartmentID is the department it was sealed for.
type Body struct {
	ID           id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	Version      uint32
	DepartmentID id.Department
	Digest       []byte // SHA-256 of Body, the ciphertext
	Body         []byte
}

// TableName is conversation_body.
func (Body) TableName() string { return "conversation_body" }

// Key is a conversation's data key, wrapped at its leaf of its bucket. Leaf -1 is one that the bucket's own key
// wraps, as all were before buckets had leaves; the first purge that meets it gives it a leaf.
type Key struct {
	ID       id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	BucketID id.Bucket
	Leaf     int
	Wrapped  []byte

	// The bucket's, which Keys reads with it, in one statement: a purge changes them under a reader.
	Slot uint64 `gorm:"->"`
	Tree []byte `gorm:"->"`
}

// TableName is conversation_key.
func (Key) TableName() string { return "conversation_key" }

// Tombstone remembers that a conversation was purged, under a keyed name that only this
// installation can compute.
type Tombstone struct {
	Platform       string `gorm:"primaryKey"`
	ExternalMAC    []byte `gorm:"column:external_mac;primaryKey"`
	ConversationID id.Conversation
	DepartmentID   id.Department
	PurgeID        id.Purge
	CreatedAt      time.Time
}

// TableName is tombstone.
func (Tombstone) TableName() string { return "tombstone" }

// Ids carry the second in which the conversation began, so that neighbours in time
// are neighbours on disk; 20 bits count within the second.
const counterBits = 20

// Code is how people name a conversation: C-20251019-QN-3F7K2M9A, the day (UTC) it
// began, the platform, and the rest of its id in Crockford's base 32.
func Code(c id.Conversation, platform string) string {
	seconds := int64(c >> counterBits)
	day := time.Unix(seconds, 0).UTC()
	rest := uint64(seconds%86400)<<counterBits | uint64(c)&(1<<counterBits-1)
	return fmt.Sprintf("C-%s-%s-%s", day.Format("20060102"), abbreviation(platform), base32(rest, 8))
}

// Code is how people name the conversation.
func (c *Conversation) Code() string { return Code(c.ID, c.Platform) }

var abbreviations = map[string]string{
	"qianniu": "QN", "wechat": "WX", "wecom": "WC", "ctrip": "CT", "dingtalk": "DT", "qq": "QQ", "sobot": "ZC", "xiaoneng": "XN",
}

func abbreviation(platform string) string {
	if a := abbreviations[platform]; a != "" {
		return a
	}
	return "XX"
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func base32(v uint64, width int) string {
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i] = crockford[v&31]
		v >>= 5
	}
	return string(out)
}

// ParseCode reads what Code gives; ok is false for anything else.
func ParseCode(code string) (c id.Conversation, ok bool) {
	var day, platform, rest string
	if n, err := fmt.Sscanf(code, "C-%8s-%2s-%8s", &day, &platform, &rest); err != nil || n != 3 || len(code) != 22 {
		return 0, false
	}
	at, err := time.Parse("20060102", day)
	if err != nil {
		return 0, false
	}
	var v uint64
	for _, r := range rest {
		d := indexOf(r)
		if d < 0 {
			return 0, false
		}
		v = v<<5 | uint64(d)
	}
	return id.Conversation(uint64(at.Unix())<<counterBits + v), v>>counterBits < 86400
}

func indexOf(r rune) int {
	for i, c := range crockford {
		if c == r {
			return i
		}
	}
	return -1
}
