package hold

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Reviewing is one review of a hold: that it is still needed, and when to look again.
type Reviewing struct {
	Hold  id.Hold
	Next  time.Time
	Note  string
	Owner id.User // of legal, who reviews next; 0 changes nobody
}

// review is a review as stored.
type review struct {
	ID      uint64 `gorm:"primaryKey"`
	HoldID  id.Hold
	UserID  id.User
	OwnerID id.User
	Note    string
	At      time.Time
	NextAt  time.Time
}

// TableName is hold_review.
func (review) TableName() string { return "hold_review" }

// Review notes that a hold was looked at and extends it to its next review. A review that is
// overdue releases nothing. The fault is forbidden but for legal, not-found, invalid without a
// note or for a date that is past or more than a year ahead, and a conflict when the hold is
// released. Sending the same once more changes nothing.
func (h *Holds) Review(ctx context.Context, by account.Actor, r Reviewing) error {
	if err := by.Require(account.HoldReview); err != nil {
		return err
	}
	r.Note = strings.TrimSpace(r.Note)
	if n := utf8.RuneCountInString(r.Note); n == 0 || n > mostReason || !utf8.ValidString(r.Note) {
		return fault.Invalid("hold.note_needed", mostReason).On("note")
	}
	err := h.DB.Write(ctx, func(tx *db.Tx) error {
		found, err := visible(tx, by, r.Hold)
		if err != nil {
			return err
		}
		if r.Next.IsZero() {
			return fault.Invalid("hold.review_date").On("next")
		}
		next, err := reviewAt(r.Next, tx.Now)
		if err != nil {
			return fault.Invalid("hold.review_date").On("next")
		}
		owner := cmp.Or(found.OwnerID, found.PlacedBy)
		if r.Owner != 0 {
			if owner, err = ownerOf(tx, by, r.Owner); err != nil {
				return err
			}
		}
		return r.store(tx, by, found, owner, next)
	})
	return h.unseen(ctx, by, r.Hold, err)
}

func (r Reviewing) store(tx *db.Tx, by account.Actor, found *Hold, owner id.User, next time.Time) error {
	var last []review
	if err := tx.Where("hold_id = ?", found.ID).Order("id DESC").Limit(1).Find(&last).Error; err != nil {
		return fmt.Errorf("look at the last review: %w", err)
	}
	if len(last) == 1 && last[0].UserID == by.ID && last[0].OwnerID == owner && last[0].Note == r.Note && last[0].NextAt.Equal(next) {
		return nil // the same form once more, perhaps because its answer was lost
	}
	res := tx.Model(&Hold{}).Where("id = ? AND released_at IS NULL", found.ID).Updates(map[string]any{"review_at": next, "owner_id": owner})
	switch {
	case res.Error != nil:
		return fmt.Errorf("store review: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("hold.released_already")
	}
	row := review{HoldID: found.ID, UserID: by.ID, OwnerID: owner, Note: r.Note, At: tx.Now, NextAt: next}
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store review: %w", err)
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "hold.reviewed", ObjectKind: "hold", Object: found.Code, Department: found.DepartmentID,
		Data: map[string]any{"note": r.Note, "next": next, "owner": owner},
	})
}
