package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
)

// Continues looks whether the log continues the newest checkpoint outside, which it gives (nil: there is
// none) with the head. The error is ErrForked if it does not: the database was restored from
// a backup, or its log was cut or rewritten.
func (l *Log) Continues(ctx context.Context) (last *proof.Checkpoint, head Head, err error) {
	// The folder first: what was signed after the head was read would look like a cut.
	if last, err = l.lastOutside(); err != nil {
		return nil, Head{}, err
	}
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		if head, err = HeadOf(tx); err != nil {
			return err
		}
		return continues(tx, last, head)
	})
	return last, head, err
}

// LastOf gives the newest leaf with one of the actions, nil if there is none.
func LastOf(tx *db.Tx, actions ...string) (*Leaf, error) {
	var rows []leafRow
	if err := tx.Where("action IN ?", actions).Order("n DESC").Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find leaf: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	leaf := rows[0].leaf()
	return &leaf, nil
}

// SetAside moves the checkpoints outside that the log does not continue into a folder of that name
// beside them, and tells how many they were. They stay evidence: whoever verifies with one of
// them is told what is missing. It may be repeated.
func (l *Log) SetAside(ctx context.Context, name string) (moved int, err error) {
	names, err := l.outsideFiles()
	if err != nil {
		return 0, err
	}
	head, err := l.Head(ctx)
	if err != nil {
		return 0, err
	}
	into := filepath.Join(l.Dir, name)
	for _, file := range names {
		c, err := l.readOutside(file)
		if err == nil {
			err = l.DB.Read(ctx, func(tx *db.Tx) error { return continues(tx, &c, head) })
			if err == nil {
				continue
			}
			if !errors.Is(err, ErrForked) {
				return moved, err
			}
		}
		if err := os.MkdirAll(into, 0o700); err != nil {
			return moved, fmt.Errorf("set checkpoints aside: %w", err)
		}
		if err := os.Rename(filepath.Join(l.Dir, file), filepath.Join(into, file)); err != nil {
			return moved, fmt.Errorf("set checkpoints aside: %w", err)
		}
		moved++
	}
	if moved > 0 {
		err = errors.Join(syncDir(into), syncDir(l.Dir))
	}
	return moved, err
}
