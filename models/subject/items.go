package subject

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// LineQuery is a page of what a request reached. An empty Place does not narrow; PlaceSealed is without those that
// came back. Pages count from 1.
type LineQuery struct {
	Place      string
	Page, Size int
}

// Line is one conversation that a request reached.
type Line struct {
	ID          id.Conversation
	Code        string
	Department  id.Department
	Path        string
	ServiceType string    // empty once it is destroyed
	LastAt      time.Time // zero once it is destroyed
	Place       string
	// Why it stays sealed: bin.Held, bin.Floor or bin.Order; empty when nothing keeps it, and elsewhere.
	Why         string
	Holds       []string  // that keep it
	Until       time.Time // when its floor ends; zero without one, and for Forever
	Forever     bool
	Batch       id.Batch // in which it rests; 0 elsewhere
	BatchCode   string
	KeepUntil   time.Time
	Certificate string // of its destruction; empty while there is none
	Purge       id.Purge
}

// Lines gives what a request reached, in the order of the conversations' beginnings. The faults are Get's.
func (r *Requests) Lines(ctx context.Context, by account.Actor, request id.Subject, q LineQuery) (lines []Line, total int64, err error) {
	if err := by.Require(account.SubjectRead); err != nil {
		return nil, 0, err
	}
	if q.Size <= 0 || q.Size > mostSize {
		q.Size = usualSize
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		if _, err := find(tx, request); err != nil {
			return err
		}
		matching := func() *gorm.DB {
			if q.Place == "" {
				return reached(tx, request)
			}
			return reached(tx, request).Where(place+" = ?", q.Place)
		}
		if err := matching().Count(&total).Error; err != nil {
			return fmt.Errorf("count what a request reached: %w", err)
		}
		lines, err = linesOf(tx, matching().Order("subject_item.conversation_id").Offset(max(q.Page-1, 0)*q.Size).Limit(q.Size))
		return err
	})
	return lines, total, err
}

func linesOf(tx *db.Tx, q *gorm.DB) ([]Line, error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	why, args := bin.Why(policy, tx.Now)
	var rows []struct {
		ConversationID                          id.Conversation
		DepartmentID                            id.Department
		Place, Why, Platform, StonePlatform     string
		ServiceType, BatchCode, CertificateCode string
		LastAt, KeepUntil                       *time.Time
		BatchID                                 *id.Batch
		PurgeID                                 *id.Purge
	}
	err = q.Joins("LEFT JOIN tombstone ON tombstone.conversation_id = subject_item.conversation_id").
		Joins("LEFT JOIN certificate ON certificate.purge_id = tombstone.purge_id").Joins("LEFT JOIN bin_batch ON bin_batch.id = conversation.batch_id").
		Select("subject_item.conversation_id, COALESCE(conversation.department_id, tombstone.department_id, subject_item.department_id) AS department_id, "+place+" AS place, "+why+" AS why, "+
			"COALESCE(conversation.platform, '') AS platform, COALESCE(tombstone.platform, '') AS stone_platform, COALESCE(conversation.service_type, '') AS service_type, conversation.last_at, "+
			"conversation.batch_id, COALESCE(bin_batch.code, '') AS batch_code, bin_batch.keep_until, COALESCE(certificate.code, '') AS certificate_code, tombstone.purge_id", args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list what a request reached: %w", err)
	}
	lines, ids := make([]Line, len(rows)), make([]id.Conversation, len(rows))
	for i, w := range rows {
		ids[i] = w.ConversationID
		l := Line{
			ID: w.ConversationID, Code: conversation.Code(w.ConversationID, w.Platform+w.StonePlatform), Department: w.DepartmentID, Path: tree.Path(w.DepartmentID),
			ServiceType: w.ServiceType, Place: w.Place, BatchCode: w.BatchCode, Certificate: w.CertificateCode,
		}
		if w.LastAt != nil {
			l.LastAt = *w.LastAt
		}
		if w.KeepUntil != nil {
			l.KeepUntil = *w.KeepUntil
		}
		if w.BatchID != nil {
			l.Batch = *w.BatchID
		}
		if w.PurgeID != nil {
			l.Purge = *w.PurgeID
		}
		if w.Place == PlaceSealed || w.Place == PlaceRestored {
			l.Why = w.Why
			if until, ends := policy.Until(l.ServiceType, l.LastAt); !ends {
				l.Forever = true
			} else if until.After(tx.Now) {
				l.Until = until
			}
		}
		lines[i] = l
	}
	return lines, nameHolds(tx, lines, ids)
}

func nameHolds(tx *db.Tx, lines []Line, ids []id.Conversation) error {
	set, err := id.NewSet(ids...)
	if err != nil {
		return nil // an empty page
	}
	held, err := hold.Covering(tx, set, false)
	if err != nil {
		return err
	}
	for i := range lines {
		for _, h := range held[lines[i].ID] {
			lines[i].Holds = append(lines[i].Holds, h.Code)
		}
	}
	return nil
}
