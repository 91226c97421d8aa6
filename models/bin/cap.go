package bin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// The cap of one batch (invariant I14): the smaller of MostItems and of a share of what is stored
// in the departments concerned, but at least LeastCap. Above it a named second person raises
// the cap for exactly this draft. A purge needs no such raise of its own: three named people
// see its number and agree to it.
const (
	MostItems = 100_000
	LeastCap  = 1_000
	capShare  = 50 // per cent
	// mostListed is what one list can be at all, for memory's sake. No raise goes beyond.
	mostListed = 500_000
)

// Codes is the part of the accounts that takes one-time codes.
type Codes interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

// CapRaise is a second person's word that one draft may go above the cap, up to Size.
type CapRaise struct {
	DraftID  uint64 `gorm:"primaryKey;autoIncrement:false"`
	Size     int64
	Cap      int64  // that it was raised from
	Scope    []byte // digest of the scope that was looked at: another one needs another word
	UserID   id.User
	PersonID id.Person
	Name     string
	StaffNo  string
	Role     account.Role
	Reason   string
	TOTPStep int64 `gorm:"column:totp_step"`
	At       time.Time
	MAC      []byte `gorm:"column:mac"`
}

// TableName is bin_raise.
func (CapRaise) TableName() string { return "bin_raise" }

// capOf gives the cap for what a preview moves, 0 while that is too little to be counted for.
func (b *Bin) capOf(tx *db.Tx, p *Preview) (int64, error) {
	var concerned []id.Department
	for _, s := range p.Shares {
		if s.Moves > 0 {
			concerned = append(concerned, s.DepartmentID)
		}
	}
	return b.capFor(tx, p.Moves, concerned)
}

func (b *Bin) capFor(tx *db.Tx, n int64, concerned []id.Department) (int64, error) {
	most := int64(MostItems)
	if b.Cap > 0 {
		most = min(most, b.Cap)
	}
	if n <= min(most, LeastCap) {
		return 0, nil
	}
	var stored int64
	for part := range slices.Chunk(concerned, page) {
		var k int64
		if err := tx.Model(&conversation.Conversation{}).Where("department_id IN ?", part).Count(&k).Error; err != nil {
			return 0, fmt.Errorf("count what is stored: %w", err)
		}
		stored += k
	}
	return min(most, max(LeastCap, stored*capShare/100)), nil
}

// withinCap refuses a list above the cap unless somebody raised it for this draft. It gives the
// raise that was needed.
func (d *Draft) withinCap(tx *db.Tx, k approval.Keys, p *Preview) (*CapRaise, error) {
	if p.Cap == 0 || d.Frozen <= p.Cap {
		return nil, nil
	}
	r, err := d.raise(tx, k)
	switch {
	case err != nil:
		return nil, err
	case r == nil || d.Frozen > r.Size:
		return nil, fault.Invalid("bin.over_cap", d.Frozen, p.Cap).On("cap")
	}
	return r, nil
}

// raise gives what somebody allowed for the draft as it is now, nil if nobody did. A row that was written past
// this program is nobody's word.
func (d *Draft) raise(tx *db.Tx, k approval.Keys) (*CapRaise, error) {
	var rows []CapRaise
	if err := tx.Where("draft_id = ? AND scope = ?", d.ID, d.Form.Scope.digest()).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for a raised cap: %w", err)
	}
	if len(rows) == 0 || !rows[0].genuine(k) {
		return nil, nil
	}
	return &rows[0], nil
}

// raiseOf gives the raise that a batch was made under, nil if it needed none.
func raiseOf(tx *db.Tx, k approval.Keys, b *Batch) (*CapRaise, error) {
	var rows []draftRow
	if err := tx.Where("batch_id = ?", b.ID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find draft: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	d, err := rows[0].draft()
	if err != nil {
		return nil, err
	}
	r, err := d.raise(tx, k)
	if err != nil || r == nil || b.Size <= r.Cap {
		return nil, err
	}
	return r, nil
}

// checkReason is the reason as it is stored.
func checkReason(reason string) (string, error) {
	if f := reasonFault(reason, "reason"); f != nil {
		return "", f
	}
	return strings.TrimSpace(reason), nil
}
