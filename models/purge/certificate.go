package purge

import (
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/id"
)

// CertificateID names a certificate in addresses.
type CertificateID uint64

// Head is a certificate without its text.
type Head struct {
	ID       CertificateID `gorm:"primaryKey"`
	Code     string
	PurgeID  id.Purge
	Leaf     int64 // its entry in the audit log
	Digest   []byte
	IssuedAt time.Time
}

// TableName is certificate.
func (Head) TableName() string { return "certificate" }

// certificate is the whole row. File is written after the commit and may be missing for a
// moment; the leaf is what makes the certificate true.
type certificate struct {
	Head
	Body []byte
	File []byte
}

// TableName is certificate.
func (certificate) TableName() string { return "certificate" }

// Certificate is a certificate with its text.
type Certificate struct {
	Head
	Body    Body
	Request Request
	File    []byte // for `qingdang verify`; nil while it is being sealed
}

// Body is what a certificate says, version 1. Its members are the sections that `qingdang verify`
// names when one was changed. It holds numbers, names, paths and digests, never a word of a
// conversation. Codes stand for sentences; pages write them out.
type Body struct {
	Code         string         `json:"code"`
	IssuedAt     time.Time      `json:"issued_at"`
	Organisation string         `json:"organisation"`
	Request      BodyRequest    `json:"request"`
	Manifest     BodyManifest   `json:"manifest"`
	Approvals    []BodyApproval `json:"approvals"`
	Cooling      BodyCooling    `json:"cooling_off"`
	Execution    BodyExecution  `json:"execution"`
	Result       BodyResult     `json:"result"`
	Residue      []BodyResidue  `json:"residue"`
	Verification []Check        `json:"verification"`
	Reach        []BodyReach    `json:"reach"`
	Notes        []string       `json:"notes"`
}

// BodyRequest is who asked for what.
type BodyRequest struct {
	Code        string           `json:"code"`
	Reason      string           `json:"reason"`
	Requester   BodyPerson       `json:"requester"`
	RequestedAt time.Time        `json:"requested_at"`
	ScopeKind   ScopeKind        `json:"scope_kind"`
	Scope       []string         `json:"scope"`
	Batches     []string         `json:"batches"`
	LastFrom    time.Time        `json:"last_message_from"`
	LastTo      time.Time        `json:"last_message_to"`
	Excluded    map[Reason]int64 `json:"excluded"`
}

// BodyPerson is a person as of the act.
type BodyPerson struct {
	Name    string       `json:"name"`
	StaffNo string       `json:"staff_no"`
	Role    account.Role `json:"role"`
}

// BodyManifest is the list that everybody agreed to.
type BodyManifest struct {
	Root        string           `json:"root"`
	Size        int64            `json:"size"`
	Messages    int64            `json:"messages"`
	Attachments int64            `json:"attachments"`
	Bytes       int64            `json:"bytes"`
	FrozenAt    time.Time        `json:"frozen_at"`
	Departments []BodyDepartment `json:"departments"`
	Classes     []BodyClass      `json:"classes"`
}

// BodyDepartment is a department's share of the list.
type BodyDepartment struct {
	Path          string `json:"path"`
	Conversations int64  `json:"conversations"`
}

// BodyClass is a service type's share of the list.
type BodyClass struct {
	Class         string `json:"class"`
	Conversations int64  `json:"conversations"`
}

// BodyApproval is one vote.
type BodyApproval struct {
	Stage   int              `json:"stage"`
	Person  BodyPerson       `json:"person"`
	At      time.Time        `json:"at"`
	Verdict approval.Verdict `json:"verdict"`
	Opinion string           `json:"opinion"`
	Root    string           `json:"root"`
}

// BodyCooling is the time in which anybody could have withdrawn. Confirmed is legal's second
// word on a purge of the whole organisation.
type BodyCooling struct {
	Hours       int         `json:"hours"`
	From        time.Time   `json:"from"`
	Until       time.Time   `json:"until"`
	Confirmed   *BodyPerson `json:"confirmed_by,omitempty"`
	ConfirmedAt *time.Time  `json:"confirmed_at,omitempty"`
}

// BodyExecution is when it ran, and where.
type BodyExecution struct {
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Worker     string    `json:"worker"`
	AtOnce     bool      `json:"at_once"`
}

// BodyResult is what became of the list.
type BodyResult struct {
	Purged           int64            `json:"purged"`
	Skipped          int64            `json:"skipped"`
	Reasons          map[Reason]int64 `json:"reasons"`
	BucketsDestroyed int64            `json:"key_buckets_destroyed"`
	Survivors        int64            `json:"keys_rewrapped"`
}

// BodyResidue is what a batch said about matching conversations that it left behind.
type BodyResidue struct {
	Batch       string           `json:"batch"`
	Count       int64            `json:"count"`
	Reason      string           `json:"reason"`
	Departments []BodyDepartment `json:"departments"`
}

// BodyReach says of one kind of copy what became of it.
type BodyReach struct {
	Copy  string `json:"copy"`
	State string `json:"state"`
}

// The states of copies.
const (
	reachErased       = "erased"
	reachDestroyed    = "key_destroyed"
	reachNone         = "none"
	reachUnreadable   = "unreadable_without_key"
	reachOperator     = "operator"
	reachOutOfControl = "out_of_reach"
)

// reach is said in full on every certificate, also where there is nothing.
func reach() []BodyReach {
	return []BodyReach{
		{"rows", reachErased},
		{"keys", reachDestroyed},
		{"index", reachNone},
		{"attachments", "names_in_body"},
		{"exports", reachNone},
		{"database_backups", reachUnreadable},
		{"database_logs", reachUnreadable},
		{"key_store_backups", reachOperator},
		{"platform", reachOutOfControl},
		{"devices", reachOutOfControl},
	}
}
