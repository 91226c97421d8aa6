// Package audit owns the audit log: one leaf per act in a Merkle tree that lives
// in the same database and grows in the same transaction as what it records,
// signed checkpoints of the tree outside the database, and the reading and
// checking of both. No entry holds message text.
package audit

import (
	"qingdang/models/id"
)

// The results of an act.
const (
	OK            = "ok"
	ResultRefused = "refused"
	ResultFailed  = "failed"
)

// Actor is who did something, as it was at that time. The zero ID is the system
// itself.
type Actor struct {
	ID        id.User
	PersonID  id.Person
	Name      string
	Role      string
	Source    string // where from: an address, a worker's name
	RequestID string
}

// Entry is one act. Action is in the past tense ("conversation.discarded"),
// Object the code that people see. Data holds facts and digests, never text of
// messages: strings, whole numbers, bools, instants, and lists and maps of
// these.
type Entry struct {
	Actor      Actor
	Action     string
	ObjectKind string
	Object     string
	Department id.Department // 0 = none
	Result     string        // empty = OK
	Count      int64
	Data       map[string]any
}
