package conversation

import (
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
)

// markedBy says by which list of words the archive is marked: every conversation up to Upto, and what an import brought
// since. The index does not know which list a mark is of. Without the row no list has become another one.
type markedBy struct {
	ID   int `gorm:"primaryKey;autoIncrement:false"`
	List uint32
	Upto id.Conversation
}

// TableName is marked_by.
func (markedBy) TableName() string { return "marked_by" }

// everything is behind all conversations.
const everything id.Conversation = math.MaxInt64

// marked reads the row; there is false where there is none.
func marked(tx *db.Tx) (m markedBy, there bool, err error) {
	var rows []markedBy
	if err := tx.Where("id = 1").Find(&rows).Error; err != nil {
		return m, false, fmt.Errorf("read by which list of words is marked: %w", err)
	}
	if len(rows) == 0 {
		return m, false, nil
	}
	return rows[0], true, nil
}

// Begun tells whether the archive is marked by the list of words that there is, or is on the way to it. If not, a walk through it
// begins at the first conversation.
func (v Vault) Begun(tx *db.Tx) (bool, error) {
	m, there, err := marked(tx)
	return there && m.List == v.List().ID(), err
}

// Reached notes that a walk has looked into everything up to a conversation by the list of words that there is; last: into
// everything.
func (v Vault) Reached(tx *db.Tx, upto id.Conversation, last bool) error {
	m, there, err := marked(tx)
	if err != nil {
		return err
	}
	now := markedBy{ID: 1, List: v.List().ID(), Upto: upto}
	if last {
		now.Upto = everything
	}
	if there && m.List == now.List && m.Upto >= now.Upto {
		return nil // a later walk through the same
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&now).Error; err != nil {
		return fmt.Errorf("note by which list of words is marked: %w", err)
	}
	return nil
}

// outdated is no attribute: the condition is of conversations whose mark of sensitive words may be of another list than there is.
const outdated = index.Kind(-2)

// believe leaves out, where sensitive words are asked for, what is not marked by the list of words that there is: nobody has
// looked into that yet.
func (l *look) believe() error {
	if l.filter.Sensitive == "" {
		return nil
	}
	m, there, err := marked(l.tx)
	if err != nil || !there {
		return err
	}
	upto := m.Upto
	if m.List != l.s.Vault.List().ID() {
		upto = 0
	}
	if upto == everything {
		return nil
	}
	l.conditions = append(l.conditions, condition{kind: outdated, not: true, name: index.NameOf(outdated, []string{id.String(upto)}), meet: func(s *index.Segment) *roaring.Bitmap {
		later := roaring.New()
		for ord := range uint32(s.N()) {
			if s.ID(ord) > upto {
				later.Add(ord)
			}
		}
		return later
	}})
	return nil
}

// unlooked leaves of a part's conversations those that might be found were they looked into: they have no marks, or are what all
// other marks ask for and have the one of sensitive words of another list.
func (l *look) unlooked(s *part, of *roaring.Bitmap) {
	known := s.AnyOf(index.Mark, everyLanguage.names())
	for i, c := range l.conditions {
		if c.kind != outdated {
			continue
		}
		might := roaring.And(known, l.meets(s, i))
		other := l.filter.Traits
		other.Sensitive = ""
		for _, c := range other.conditions() {
			switch {
			case c.kind != index.Mark:
			case c.not:
				might.AndNot(c.meet(s.Segment))
			default:
				might.And(c.meet(s.Segment))
			}
		}
		known = roaring.AndNot(known, might)
	}
	of.AndNot(known)
}
