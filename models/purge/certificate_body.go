package purge

import (
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
)

// Body is what a certificate says, version 1. Its members are the sections that `qingdang verify`
// names when one was changed. It holds numbers, names, paths and digests, never a word of a
// conversation. Codes stand for sentences; pages write them out. A change here changes the bytes
// of certificates: then the format needs a new version, and the golden file says so.
type Body struct {
	Code         string         `json:"code"`
	IssuedAt     time.Time      `json:"issued_at"`
	EffectiveAt  time.Time      `json:"effective_at"`
	Organisation string         `json:"organisation"`
	Request      BodyRequest    `json:"request"`
	Manifest     BodyManifest   `json:"manifest"`
	Approvals    []BodyApproval `json:"approvals"`
	Cooling      BodyCooling    `json:"cooling_off"`
	Execution    BodyExecution  `json:"execution"`
	Result       BodyResult     `json:"result"`
	Exclusions   BodyExclusions `json:"exclusions"`
	Residue      []BodyResidue  `json:"residue"`
	Verification []Check        `json:"verification"`
	Reach        []Reach        `json:"reach"`
	Notes        []string       `json:"notes"`
}

// BodyRequest is who asked for what. Incident is the number of the leak that made it urgent.
type BodyRequest struct {
	Code        string     `json:"code"`
	Reason      string     `json:"reason"`
	Incident    string     `json:"incident,omitempty"`
	Requester   BodyPerson `json:"requester"`
	RequestedAt time.Time  `json:"requested_at"`
	ScopeKind   ScopeKind  `json:"scope_kind"`
	Batches     []string   `json:"batches"`
	LastFrom    time.Time  `json:"last_message_from"`
	LastTo      time.Time  `json:"last_message_to"`
}

// BodyPerson is a person as of the act.
type BodyPerson struct {
	Name    string       `json:"name"`
	StaffNo string       `json:"staff_no"`
	Role    account.Role `json:"role,omitempty"`
}

// BodyManifest is the list that everybody agreed to. Its lines stand in the list file of the
// request, from which the root can be computed again.
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

// BodyDepartment is a department's share.
type BodyDepartment struct {
	ID            string `json:"id"`
	Path          string `json:"path"`
	Conversations int64  `json:"conversations"`
}

// BodyClass is a service type's share of the list.
type BodyClass struct {
	Class         string `json:"class"`
	Conversations int64  `json:"conversations"`
}

// BodyApproval is one vote, with everything it was bound to.
type BodyApproval struct {
	Stage         int              `json:"stage"`
	Person        BodyPerson       `json:"person"`
	At            time.Time        `json:"at"`
	Verdict       approval.Verdict `json:"verdict"`
	Opinion       string           `json:"opinion"`
	Root          string           `json:"root"`
	PolicyVersion string           `json:"policy_version"`
	ExpiresAt     time.Time        `json:"expires_at"`
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

// BodyExecution is when it ran, and where. KeysDestroyedAt is missing where nothing was.
type BodyExecution struct {
	StartedAt       time.Time  `json:"started_at"`
	KeysDestroyedAt *time.Time `json:"keys_destroyed_at,omitempty"`
	FinishedAt      time.Time  `json:"finished_at"`
	Worker          string     `json:"worker"`
	AtOnce          bool       `json:"at_once"`
}

// BodyResult is what became of the list. OutcomeRoot commits to what became of each of its lines;
// like the manifest's root it can be computed again from the list file.
type BodyResult struct {
	Purged           int64  `json:"purged"`
	Skipped          int64  `json:"skipped"`
	OutcomeRoot      string `json:"outcome_root"`
	BucketsDestroyed int64  `json:"key_buckets_destroyed"`
	Survivors        int64  `json:"keys_rewrapped"` // that stayed in the buckets, under fresh keys
}

// BodyExclusions is what was not destroyed and why: what never came onto the list, and what was on
// it and was skipped.
type BodyExclusions struct {
	WhenFrozen map[Reason]int64 `json:"when_frozen"`
	WhenRun    map[Reason]int64 `json:"when_run"`
}

// BodyResidue is what a batch left behind in sub-departments that it did not include.
type BodyResidue struct {
	Batch        string           `json:"batch"`
	Count        int64            `json:"count"`
	Departments  []BodyDepartment `json:"departments"`
	Acknowledged *BodyAcknowledge `json:"acknowledged,omitempty"`
}

// BodyAcknowledge is who knew of a residue and let it be.
type BodyAcknowledge struct {
	Person BodyPerson `json:"person"`
	At     time.Time  `json:"at"`
	Reason string     `json:"reason"`
}

// notes are the honest remarks, as codes.
func notes() []string {
	return []string{"no_content", "own_state_only", "list_remains", "time_utc"}
}
