package purge

import (
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// leftovers are how many rows the tables have of what was erased, and how many tombstones.
type leftovers struct {
	Rows, Bodies, Keys, Tags, Stones int64
}

// read asks for a stretch of the list at a time: a statement sends nothing before its end, and a server whose tables are
// not in memory would need longer for a whole list than the connection waits.
func (l *leftovers) read(tx *db.Tx, p id.Purge) (err error) {
	var last int64
	if err := tx.Model(&Item{}).Where("purge_id = ?", p).Select("COALESCE(MAX(seq), -1)").Scan(&last).Error; err != nil {
		return fmt.Errorf("look for what was erased: %w", err)
	}
	for from := int64(0); from <= last; from += stretch {
		if err := l.add(tx, span{purge: p, from: from, to: from + stretch}); err != nil {
			return err
		}
	}
	l.Stones, err = count(tx.Model(&conversation.Tombstone{}).Where("purge_id = ?", p))
	return err
}

const stretch = 20_000

func (l *leftovers) add(tx *db.Tx, s span) error {
	erased := func() *gorm.DB {
		return tx.Table("purge_item i").Where("i.purge_id = ? AND i.seq >= ? AND i.seq < ? AND i.state = ?", s.purge, s.from, s.to, Purged)
	}
	// The list comes first in outer joins, whatever the optimizer knows of it.
	var found leftovers
	err := erased().Joins("LEFT JOIN conversation c ON c.id = i.conversation_id").Joins("LEFT JOIN conversation_body b ON b.id = i.conversation_id").
		Joins("LEFT JOIN conversation_key k ON k.id = i.conversation_id").Select("COUNT(c.id) AS `rows`, COUNT(b.id) AS bodies, COUNT(k.id) AS `keys`").Scan(&found).Error
	if err != nil {
		return fmt.Errorf("look for what was erased: %w", err)
	}
	l.Rows, l.Bodies, l.Keys = l.Rows+found.Rows, l.Bodies+found.Bodies, l.Keys+found.Keys
	for _, table := range []string{"conversation_tag", "removed_tag", "tagged_list"} {
		var n int64
		if err := erased().Joins("LEFT JOIN " + table + " t ON t.conversation_id = i.conversation_id").Select("COUNT(t.conversation_id)").Scan(&n).Error; err != nil {
			return fmt.Errorf("look for tags of what was erased: %w", err)
		}
		l.Tags += n
	}
	return nil
}

// survivors are how many of what was skipped are still there, whole; or not, since somebody purged them by another request, or
// they were gone before.
type survivors struct {
	present, elsewhere, gone int64
}

func (s *survivors) read(tx *db.Tx, p id.Purge) (err error) {
	s.present, err = tally(tx, "SELECT COUNT(*) FROM purge_item i JOIN conversation c ON c.id = i.conversation_id "+
		"JOIN conversation_body b ON b.id = c.id JOIN conversation_key k ON k.id = c.id WHERE i.purge_id = ? AND i.state = ?", p, Skipped)
	if err != nil {
		return err
	}
	s.elsewhere, err = tally(tx, "SELECT COUNT(*) FROM purge_item i JOIN tombstone t ON t.conversation_id = i.conversation_id "+
		"WHERE i.purge_id = ? AND i.state = ?", p, Skipped)
	if err != nil {
		return err
	}
	s.gone, err = tally(tx, "SELECT COUNT(*) FROM purge_item i WHERE i.purge_id = ? AND i.state = ? AND i.reason = ? "+
		"AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.conversation_id = i.conversation_id)", p, Skipped, Gone)
	return err
}
