package inspection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm/clause"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// lockTime is how long an item is one auditor's after he opened it.
const lockTime = 10 * time.Minute

const mostWords = 1000

// Next gives the sequence number of the next item that nobody has judged or is looking at, after the
// one given, and locks it for the actor; items that were put off come last. It is 0 when there is
// none. The fault is forbidden but for audit, not-found, and a conflict while nothing can be checked.
func (d *Desk) Next(ctx context.Context, by account.Actor, code string, after int) (seq int, err error) {
	if err := runs(by); err != nil {
		return 0, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := running(tx, code)
		if err != nil {
			return err
		}
		seq, err = i.next(tx, by, after)
		return err
	})
	return seq, err
}

func (i *Inspection) next(tx *db.Tx, by account.Actor, after int) (int, error) {
	free := tx.Model(&Item{}).Where("inspection_id = ?", i.ID).
		Where("NOT EXISTS (SELECT 1 FROM inspection_lock k WHERE k.inspection_id = inspection_item.inspection_id AND k.seq = inspection_item.seq AND k.user_id <> ? AND k.until_at > ?)", by.ID, tx.Now)
	var rows []Item
	if err := free.Select("seq", "verdict").Where("verdict IN ?", []string{"", Later}).Order("seq").Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("look for the next item: %w", err)
	}
	// What comes after this one, then what was passed over, then what was put off.
	slices.SortStableFunc(rows, func(a, b Item) int { return turn(a, after) - turn(b, after) })
	if len(rows) == 0 || rows[0].Seq == after && len(rows) == 1 && rows[0].Verdict == Later {
		return 0, nil
	}
	if rows[0].Seq == after && len(rows) > 1 {
		rows = rows[1:]
	}
	return rows[0].Seq, i.take(tx, by, rows[0].Seq)
}

func turn(i Item, after int) int {
	n := 0
	if i.Verdict == Later {
		n += 2
	}
	if i.Seq <= after {
		n++
	}
	return n
}

// Take locks one item for the actor for ten minutes. The fault is also a conflict that names who is
// looking at it.
func (d *Desk) Take(ctx context.Context, by account.Actor, code string, seq int) error {
	if err := runs(by); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := running(tx, code)
		if err != nil {
			return err
		}
		if _, err := i.item(tx, seq); err != nil {
			return err
		}
		return i.take(tx, by, seq)
	})
}

// take is called with the inspection's row locked: of two auditors one is first.
func (i *Inspection) take(tx *db.Tx, by account.Actor, seq int) error {
	if err := i.free(tx, by, seq); err != nil {
		return err
	}
	row := hold{i.ID, seq, by.ID, by.Name, tx.Now.Add(lockTime)}
	err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("lock item: %w", err)
	}
	return nil
}

// free refuses an item that somebody else is looking at.
func (i *Inspection) free(tx *db.Tx, by account.Actor, seq int) error {
	h, err := i.lockOf(tx, seq)
	if err != nil || h == nil || h.UserID == by.ID {
		return err
	}
	return fault.Conflict("inspection.item_locked", h.UserName, h.UntilAt)
}

func (i *Inspection) lockOf(tx *db.Tx, seq int) (*hold, error) {
	var rows []hold
	if err := tx.Where("inspection_id = ? AND seq = ? AND until_at > ?", i.ID, seq, tx.Now).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look at lock: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

func (i *Inspection) item(tx *db.Tx, seq int) (*Item, error) {
	var item Item
	switch err := tx.Where("inspection_id = ? AND seq = ?", i.ID, seq).Take(&item).Error; {
	case db.NotFound(err):
		return nil, notFound()
	case err != nil:
		return nil, fmt.Errorf("find item: %w", err)
	}
	return &item, nil
}

// Judgement is what an auditor says of one item. Level and Words are those of the finding; put off,
// they are kept as a draft.
type Judgement struct {
	Inspection string // its code
	Seq        int
	Verdict    string
	Level      string
	Words      string
}

func (j *Judgement) check() error {
	j.Words = strings.TrimSpace(j.Words)
	n := utf8.RuneCountInString(j.Words)
	var verdict, level, words *fault.Fault
	switch j.Verdict {
	case OK:
	case Later:
		if !slices.Contains(Levels(), j.Level) {
			j.Level = ""
		}
	case Problem:
		if !slices.Contains(Levels(), j.Level) {
			level = fault.Invalid("inspection.level_needed").On("level")
		}
		if n == 0 {
			words = fault.Invalid("inspection.words_needed", mostWords).On("words")
		}
	default:
		verdict = fault.Invalid("inspection.verdict_needed").On("verdict")
	}
	if n > mostWords || !utf8.ValidString(j.Words) {
		words = fault.Invalid("inspection.words_needed", mostWords).On("words")
	}
	return fault.All(verdict, level, words)
}

// Judge keeps what an auditor says of an item, at once and with its entry, makes a finding of a
// problem, and gives the next item (0: none is left), which it locks. The fault is forbidden but for
// audit, not-found, invalid without the level and words of a problem, and a conflict while somebody
// else looks at the item, when it has a finding already or another auditor's verdict (which may become a
// problem, no more), or when nothing can be changed.
func (d *Desk) Judge(ctx context.Context, by account.Actor, j Judgement) (next int, err error) {
	if err := runs(by); err != nil {
		return 0, err
	}
	if err := j.check(); err != nil {
		return 0, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := running(tx, j.Inspection)
		if err != nil {
			return err
		}
		if err := i.judge(tx, by, j); err != nil {
			return err
		}
		if next, err = i.next(tx, by, j.Seq); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "inspection.item_checked", ObjectKind: "inspection", Object: i.Code, Count: 1,
			Data: map[string]any{"item": j.Seq, "verdict": j.Verdict, "level": j.Level},
		})
	})
	return next, err
}

func (i *Inspection) judge(tx *db.Tx, by account.Actor, j Judgement) error {
	item, err := i.item(tx, j.Seq)
	if err != nil {
		return err
	}
	if err := i.free(tx, by, j.Seq); err != nil {
		return err
	}
	switch {
	case item.Verdict == Problem:
		return fault.Conflict("inspection.has_finding")
	case item.Verdict == OK && item.CheckedBy != by.ID && j.Verdict != Problem:
		// Both had the page open: the work is done, and nobody takes another's word back unnoticed.
		return fault.Conflict("inspection.judged_already", item.CheckedName)
	}
	item.Verdict, item.Level, item.Words = j.Verdict, j.Level, j.Words
	if j.Verdict == OK {
		item.Level = ""
	}
	item.CheckedBy, item.CheckedName, item.CheckedAt = by.ID, by.Name, &tx.Now
	var state []string
	err = tx.Model(&bin.Item{}).Where("batch_id = ? AND conversation_id = ?", item.BatchID, item.ConversationID).Pluck("state", &state).Error
	if err != nil {
		return fmt.Errorf("look at the bin's item: %w", err)
	}
	item.ItemState = strings.Join(state, "")
	err = tx.Model(&Item{}).Where("inspection_id = ? AND seq = ?", i.ID, j.Seq).Select("verdict", "level", "words", "item_state", "checked_by", "checked_name", "checked_at").Updates(item).Error
	if err != nil {
		return fmt.Errorf("store verdict: %w", err)
	}
	if err := tx.Where("inspection_id = ? AND seq = ?", i.ID, j.Seq).Delete(&hold{}).Error; err != nil {
		return fmt.Errorf("unlock item: %w", err)
	}
	if j.Verdict != Problem {
		return nil
	}
	return i.find(tx, &Finding{Seq: j.Seq, Level: j.Level, Words: j.Words, CreatedName: by.Name})
}
