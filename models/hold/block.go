package hold

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// The kinds of acts that a hold keeps conversations from.
const (
	BlockBatch = "batch" // left out of a batch for the bin
	BlockPurge = "purge" // left out of a purge's list, or skipped while it ran
)

// Block is one act from which a hold kept conversations.
type Block struct {
	Kind          string
	Code          string // of the batch, the request or the rule
	Conversations int64
	By            string // who acted; empty: the system
	At            time.Time
}

// block is a Block as stored. A run that skips in several steps has several.
type block struct {
	ID            uint64 `gorm:"primaryKey"`
	HoldID        id.Hold
	Kind          string
	Code          string
	Conversations int64
	ByName        string
	At            time.Time
}

// TableName is hold_block.
func (block) TableName() string { return "hold_block" }

// NoteBlock remembers, for the page of each hold, that an act left out conversations because
// holds in force cover them. Held is the condition on the table conversation that tells which; a
// conversation under two holds counts for both.
func NoteBlock(tx *db.Tx, kind, code, by string, held *gorm.DB) error {
	var counts []struct {
		HoldID id.Hold
		N      int64
	}
	err := held.Joins("JOIN hold_item ON hold_item.conversation_id = conversation.id").
		Joins("JOIN legal_hold ON legal_hold.id = hold_item.hold_id AND legal_hold.released_at IS NULL").
		Select("hold_item.hold_id AS hold_id, COUNT(*) AS n").Group("hold_item.hold_id").Order("hold_item.hold_id").Scan(&counts).Error
	if err != nil {
		return fmt.Errorf("count what holds keep: %w", err)
	}
	for _, c := range counts {
		row := block{HoldID: c.HoldID, Kind: kind, Code: code, Conversations: c.N, ByName: by, At: tx.Now}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("note what holds keep: %w", err)
		}
	}
	return nil
}

// mostBlocks bounds the list on a hold's page.
const mostBlocks = 50

// blocksOf gives the last acts that a hold kept conversations from, each once.
func blocksOf(tx *db.Tx, hold id.Hold) ([]Block, error) {
	var out []Block
	var rows []struct {
		Block
		ByName string
		Last   uint64
	}
	err := tx.Model(&block{}).Where("hold_id = ?", hold).
		Select("kind, code, SUM(conversations) AS conversations, MAX(id) AS last, MAX(by_name) AS by_name").
		Group("kind, code").Order("last DESC").Limit(mostBlocks).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read what the hold stopped: %w", err)
	}
	last := make([]uint64, len(rows))
	for i, r := range rows {
		last[i] = r.Last
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var when []block
	if err := tx.Select("id", "at").Where("id IN ?", last).Find(&when).Error; err != nil {
		return nil, fmt.Errorf("read what the hold stopped: %w", err)
	}
	at := map[uint64]time.Time{}
	for _, w := range when {
		at[w.ID] = w.At
	}
	for _, r := range rows {
		r.By, r.At = r.ByName, at[r.Last]
		out = append(out, r.Block)
	}
	return out, nil
}
