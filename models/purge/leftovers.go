package purge

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"gorm.io/gorm"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// leftovers are how many rows the tables have of what was erased, and how many tombstones.
type leftovers struct {
	Rows, Bodies, Keys, Tags, Stones int64
}

func (l *leftovers) read(tx *db.Tx, p id.Purge) (err error) {
	erased := func() *gorm.DB { return tx.Table("purge_item i").Where("i.purge_id = ? AND i.state = ?", p, Purged) }
	// The list comes first in outer joins, whatever the optimizer knows of it.
	err = erased().Joins("LEFT JOIN conversation c ON c.id = i.conversation_id").Joins("LEFT JOIN conversation_body b ON b.id = i.conversation_id").
		Joins("LEFT JOIN conversation_key k ON k.id = i.conversation_id").Select("COUNT(c.id) AS `rows`, COUNT(b.id) AS bodies, COUNT(k.id) AS `keys`").Scan(l).Error
	if err != nil {
		return fmt.Errorf("look for what was erased: %w", err)
	}
	for _, table := range []string{"conversation_tag", "removed_tag", "tagged_list"} {
		var n int64
		if err := erased().Joins("LEFT JOIN " + table + " t ON t.conversation_id = i.conversation_id").Select("COUNT(t.conversation_id)").Scan(&n).Error; err != nil {
			return fmt.Errorf("look for tags of what was erased: %w", err)
		}
		l.Tags += n
	}
	l.Stones, err = count(tx.Model(&conversation.Tombstone{}).Where("purge_id = ?", p))
	return err
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

// beside runs parts beside each other and gives their errors when all have ended. A panic in one is its error, so that
// it ends the job and not the program.
func beside(parts ...func() error) error {
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("purge: panic: %v\n%s", p, debug.Stack())
				}
			}()
			errs[i] = part()
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
