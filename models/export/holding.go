package export

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Held is an export that holds conversations that somebody asked about.
type Held struct {
	Export
	Conversations int64 // of those that were asked about
	// Until is the end of the copy on the shelf, or of one that is being made the latest that it can
	// have; zero once it was fetched.
	Until time.Time
}

// OutOfReach tells whether its holder has it: nothing here ends that copy.
func (h *Held) OutOfReach() bool { return h.FetchedAt != nil }

// Holding lists the exports that may still be read and that hold any of the conversations, oldest
// first: those on the shelf or on their way there, until when they live, and those that were fetched.
// Conversations is a query for their ids. What was left out of an export is not in it.
func Holding(tx *db.Tx, conversations *gorm.DB) ([]Held, error) {
	var counts []struct {
		ExportID id.Export
		N        int64
	}
	err := tx.Table("export_item i").Joins("JOIN export e ON e.id = i.export_id").
		Where("i.conversation_id IN (?) AND i.state <> ?", conversations, ItemLeft).
		Where("e.fetched_at IS NOT NULL OR (e.bucket_id <> 0 AND e.key_gone_at IS NULL)").
		Group("i.export_id").Order("i.export_id").Select("i.export_id, COUNT(*) AS n").Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("look for exports: %w", err)
	}
	out := make([]Held, 0, len(counts))
	for _, c := range counts {
		e, err := byID(tx, false, c.ExportID)
		if err != nil {
			return nil, err
		}
		h := Held{Export: *e, Conversations: c.N}
		switch {
		case e.FetchedAt != nil:
		case e.ExpiresAt != nil:
			h.Until = *e.ExpiresAt
		default:
			h.Until = tx.Now.Add(time.Duration(e.Days+1) * day)
		}
		out = append(out, h)
	}
	return out, nil
}
