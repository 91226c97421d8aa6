package bin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Draft is a batch on its way through the wizard. It is kept, so that going back, a closed
// browser or an expired session loses nothing. Only its owner works on it.
type Draft struct {
	ID          uint64
	Form        Form
	FrozenAt    *time.Time
	Frozen      int64 // conversations on the frozen list
	Fingerprint []byte
	Batch       *id.Batch // set once it was carried out
	Raised      *CapRaise // who raised its cap; only Bin.Draft reads it
	ChangedAt   time.Time
}

// Form is what the person has entered so far.
type Form struct {
	Scope         Scope  `json:"scope"`
	KeepResidue   bool   `json:"keep_residue,omitempty"` // 就这样，保留这些残留
	ResidueReason string `json:"residue_reason,omitempty"`
	Reason        string `json:"reason,omitempty"`
	Checks        Checks `json:"checks"`
	Counted       *Count `json:"counted,omitempty"` // what the person was shown last
}

// Count is a preview in five numbers.
type Count struct {
	At       time.Time `json:"at"`
	Matching int64     `json:"matching"`
	Residue  int64     `json:"residue"`
	Excluded Excluded  `json:"excluded"`
	Moves    int64     `json:"moves"`
}

// Count gives the preview's numbers.
func (p *Preview) Count() *Count {
	return &Count{At: p.CountedAt, Matching: p.Matching, Residue: p.Residue, Excluded: p.Excluded, Moves: p.Moves}
}

// Checks are the three things a person has looked after outside the system.
type Checks struct {
	Notified   bool `json:"notified"`   // colleagues and group members know
	Partners   bool `json:"partners"`   // no supplier's or partner's conversations are in it
	Complaints bool `json:"complaints"` // no complaint, mediation or inquiry is running
}

// All tells whether every check was ticked.
func (c Checks) All() bool { return c.Notified && c.Partners && c.Complaints }

type draftRow struct {
	ID          uint64 `gorm:"primaryKey"`
	OwnerID     id.User
	Form        string
	FrozenAt    *time.Time
	FrozenCount int64
	Fingerprint []byte
	BatchID     *id.Batch
	CreatedAt   time.Time
	ChangedAt   time.Time
}

// TableName is bin_draft.
func (draftRow) TableName() string { return "bin_draft" }

type draftItem struct {
	DraftID        uint64          `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	Version        uint32
}

// TableName is bin_draft_item.
func (draftItem) TableName() string { return "bin_draft_item" }

func (r *draftRow) draft() (*Draft, error) {
	d := &Draft{ID: r.ID, FrozenAt: r.FrozenAt, Frozen: r.FrozenCount, Fingerprint: r.Fingerprint, Batch: r.BatchID, ChangedAt: r.ChangedAt}
	if err := json.Unmarshal([]byte(r.Form), &d.Form); err != nil {
		return nil, fmt.Errorf("read draft: %w", err)
	}
	return d, nil
}

// checkScope refuses a scope that cannot be counted; one without departments is only not finished.
func (b *Bin) checkScope(tx *db.Tx, by account.Actor, s Scope) error {
	if len(s.Departments) == 0 {
		_, err := s.filter(b.Zone)
		return err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	_, err = s.resolve(tree, by, b.Zone)
	return err
}

// NewDraft begins a batch with what is known of its scope. The fault is invalid, naming the field,
// for an unknown or foreign department and for wrong conditions; nothing is stored then.
func (b *Bin) NewDraft(ctx context.Context, by account.Actor, s Scope) (uint64, error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return 0, err
	}
	var made uint64
	err := b.DB.Write(ctx, func(tx *db.Tx) error {
		s := s.at(tx.Now, b.Zone)
		s.Picked = nil // only NewPicked takes a list
		if err := b.checkScope(tx, by, s); err != nil {
			return err
		}
		row := draftRow{OwnerID: by.ID, Form: asJSON(Form{Scope: s}), CreatedAt: tx.Now, ChangedAt: tx.Now}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create draft: %w", err)
		}
		made = row.ID
		return nil
	})
	return made, err
}

// Draft finds one of the actor's own drafts.
func (b *Bin) Draft(ctx context.Context, by account.Actor, draft uint64) (d *Draft, err error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		row, err := ownDraft(tx, by, draft, false)
		if err != nil {
			return err
		}
		if d, err = row.draft(); err != nil {
			return err
		}
		d.Raised, err = d.raise(tx, b.Keys)
		return err
	})
	return d, err
}

// Drafts gives the actor's unfinished drafts, newest first.
func (b *Bin) Drafts(ctx context.Context, by account.Actor) (out []Draft, err error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		var rows []draftRow
		if err := tx.Where("owner_id = ? AND batch_id IS NULL", by.ID).Order("id DESC").Limit(20).Find(&rows).Error; err != nil {
			return err
		}
		out = nil
		for i := range rows {
			d, err := rows[i].draft()
			if err != nil {
				return err
			}
			out = append(out, *d)
		}
		return nil
	})
	return out, err
}

func ownDraft(tx *db.Tx, by account.Actor, draft uint64, lock bool) (*draftRow, error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var row draftRow
	err := q.Where("id = ? AND owner_id = ?", draft, by.ID).Take(&row).Error
	if db.NotFound(err) {
		return nil, fault.NotFound("bin.draft_not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find draft: %w", err)
	}
	return &row, nil
}

// DropDraft throws one of the actor's own drafts away.
func (b *Bin) DropDraft(ctx context.Context, by account.Actor, draft uint64) error {
	if err := by.Require(account.BatchCreate); err != nil {
		return err
	}
	return b.DB.Write(ctx, func(tx *db.Tx) error {
		row, err := openDraft(tx, by, draft)
		if err != nil {
			return err
		}
		if err := dropList(tx, row.ID); err != nil {
			return err
		}
		if err := dropPicks(tx, row.ID); err != nil {
			return err
		}
		return tx.Where("id = ?", row.ID).Delete(&draftRow{}).Error
	})
}

func dropList(tx *db.Tx, draft uint64) error {
	if err := tx.Where("draft_id = ?", draft).Delete(&draftItem{}).Error; err != nil {
		return fmt.Errorf("drop frozen list: %w", err)
	}
	return nil
}

func dropPicks(tx *db.Tx, draft uint64) error {
	if err := tx.Where("draft_id = ?", draft).Delete(&draftPick{}).Error; err != nil {
		return fmt.Errorf("drop what was chosen: %w", err)
	}
	return nil
}

// openDraft locks a draft that was not carried out yet.
func openDraft(tx *db.Tx, by account.Actor, draft uint64) (*draftRow, error) {
	row, err := ownDraft(tx, by, draft, true)
	if err != nil {
		return nil, err
	}
	if row.BatchID != nil {
		return nil, fault.Conflict("bin.draft_done")
	}
	return row, nil
}

// longestText bounds what a draft keeps of each text.
const longestText = 4000

// EditDraft lets edit change what was entered and stores it. A changed scope unfreezes the list,
// ends a raised cap and asks about the residue anew. It gives the draft as stored. The fault
// is invalid for a scope that cannot be counted; nothing is stored then.
func (b *Bin) EditDraft(ctx context.Context, by account.Actor, draft uint64, edit func(*Form)) (d *Draft, err error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	err = b.DB.Write(ctx, func(tx *db.Tx) error {
		row, err := openDraft(tx, by, draft)
		if err != nil {
			return err
		}
		if d, err = row.draft(); err != nil {
			return err
		}
		was, before := d.Form.Scope, asJSON(d.Form.Scope)
		edit(&d.Form)
		if d.Form.Scope.Picked = was.Picked; was.Picked != nil {
			d.Form.Scope = was // a chosen list is chosen anew, not edited
		}
		if len(d.Form.Reason) > longestText || len(d.Form.ResidueReason) > longestText {
			return fault.Invalid("bin.reason_long", mostReason)
		}
		d.Form.Scope = d.Form.Scope.at(tx.Now, b.Zone)
		d.ChangedAt = tx.Now
		changes := map[string]any{"changed_at": tx.Now}
		if asJSON(d.Form.Scope) != before {
			if err := b.checkScope(tx, by, d.Form.Scope); err != nil {
				return err
			}
			d.Form.KeepResidue, d.FrozenAt, d.Frozen, d.Fingerprint = false, nil, 0, nil
			changes["frozen_at"], changes["frozen_count"], changes["fingerprint"] = nil, 0, nil
			if err := dropList(tx, draft); err != nil {
				return err
			}
		}
		changes["form"] = asJSON(d.Form)
		return tx.Model(&draftRow{}).Where("id = ?", draft).Updates(changes).Error
	})
	return d, err
}
