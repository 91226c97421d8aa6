package bin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// MostPicked is how many chosen conversations one draft takes.
const MostPicked = 50_000

// Picked says that a scope is what somebody chose of a search, and nothing else: a list of ids beside the
// draft, which never changes. Of and the rest only tell what the search was; keywords and a customer are
// not kept, only that there were some.
type Picked struct {
	Count    int64  `json:"count"`
	Except   int    `json:"except,omitempty"` // of all that was found, taken out
	All      bool   `json:"all,omitempty"`    // of everything that was found; else of rows of a page
	Of       Scope  `json:"of"`
	Words    int    `json:"words,omitempty"`
	Customer bool   `json:"customer,omitempty"`
	Draft    uint64 `json:"draft"`
	MAC      []byte `json:"mac,omitempty"` // over all of this and the list
}

type draftPick struct {
	DraftID        uint64          `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is bin_draft_pick.
func (draftPick) TableName() string { return "bin_draft_pick" }

var errNoKeys = errors.New("bin: no keys vouch for a chosen list")

// NewPicked begins a batch of exactly the chosen conversations. The fault is invalid for a list that is empty
// or too long, and when none of it lies in the actor's departments.
func (b *Bin) NewPicked(ctx context.Context, by account.Actor, ids []id.Conversation, p Picked) (made uint64, err error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return 0, err
	}
	all, err := id.NewSet(ids...)
	switch {
	case b.Keys == nil:
		return 0, errNoKeys
	case err != nil:
		return 0, fault.Invalid("conversation.choose_rows")
	case all.Len() > MostPicked:
		return 0, fault.Invalid("conversation.selection_most", MostPicked)
	}
	err = b.DB.Write(ctx, func(tx *db.Tx) error {
		row := draftRow{OwnerID: by.ID, Form: "{}", CreatedAt: tx.Now, ChangedAt: tx.Now}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create draft: %w", err)
		}
		rows := make([]draftPick, all.Len())
		for i, c := range all.Values() {
			rows[i] = draftPick{row.ID, c}
		}
		if err := tx.CreateInBatches(rows, 2000).Error; err != nil {
			return fmt.Errorf("store what was chosen: %w", err)
		}
		p := p
		p.Count, p.Draft, p.Of.Picked = int64(all.Len()), row.ID, nil
		p.MAC = b.pickMAC(by.ID, p, all.Values())
		s := Scope{Picked: &p}
		r, _, err := b.reach(tx, by, s)
		if err != nil {
			return err
		}
		if len(r.universe) == 0 {
			return fault.Invalid("bin.nothing_to_move").On("department")
		}
		s.Departments, made = r.universe, row.ID
		return tx.Model(&draftRow{}).Where("id = ?", row.ID).Update("form", asJSON(Form{Scope: s})).Error
	})
	return made, err
}

// pickMAC vouches for a list and what is said about it: who can write into the database alone can give a
// draft no other list.
func (b *Bin) pickMAC(owner id.User, p Picked, ids []id.Conversation) []byte {
	p.MAC = nil
	h := sha256.New()
	for _, c := range ids {
		_ = binary.Write(h, binary.BigEndian, uint64(c)) // a hash takes everything
	}
	m := b.Keys.MAC("bin selection", binary.BigEndian.AppendUint64(nil, uint64(owner)), []byte(asJSON(p)), h.Sum(nil))
	return m[:]
}

// pickedReach finds what a chosen list reaches now: the departments in which its conversations are and the
// actor may act. The fault is a conflict for a list that is not the one that was chosen.
func (b *Bin) pickedReach(tx *db.Tx, t *department.Tree, by account.Actor, s Scope) (*reach, error) {
	var ids []id.Conversation
	if err := tx.Model(&draftPick{}).Where("draft_id = ?", s.Picked.Draft).Order("conversation_id").Pluck("conversation_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("read what was chosen: %w", err)
	}
	if subtle.ConstantTimeCompare(s.Picked.MAC, b.pickMAC(by.ID, *s.Picked, ids)) != 1 {
		return nil, fault.Conflict("bin.picked_forged")
	}
	r := &reach{tree: t, kind: ScopeDepartment, picked: s.Picked, filter: conversation.Filter{
		Departments: account.Everywhere(), States: []conversation.State{conversation.Active, conversation.Hidden}, WordsList: b.WordsList,
		// The index may still tell what another list of words said.
		Traits: conversation.Traits{Sensitive: s.Picked.Of.Sensitive},
	}}
	var there []id.Department
	if err := r.matching(tx.Model(&conversation.Conversation{})).Distinct().Pluck("conversation.department_id", &there).Error; err != nil {
		return nil, fmt.Errorf("find departments: %w", err)
	}
	for _, d := range t.Preorder() {
		if by.Scope.Has(d) && slices.Contains(there, d) {
			r.universe = append(r.universe, d)
		}
	}
	r.taken = account.Within(r.universe...)
	r.filter.Departments = r.taken
	r.kind, r.top = scopeKind(t, r.universe), above(t, r.universe)
	return r, nil
}

// matching are the conversations that a scope is about, taken or left behind.
func (r *reach) matching(q *gorm.DB) *gorm.DB { return r.listed(r.filter.Apply(q)) }

// chosen are those of them that are taken.
func (r *reach) chosen(q *gorm.DB) *gorm.DB {
	f := r.filter
	f.Departments = r.taken
	return r.listed(f.Apply(q))
}

func (r *reach) listed(q *gorm.DB) *gorm.DB {
	if r.picked == nil {
		return q
	}
	return q.Where("conversation.id IN (SELECT bp.conversation_id FROM bin_draft_pick bp WHERE bp.draft_id = ?)", r.picked.Draft)
}
