package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm/clause"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// ErrForked says that the log in the database does not continue what was signed
// earlier: it was rolled back or rewritten. Nothing is signed any more.
var ErrForked = errors.New("audit: the log does not continue its last checkpoint")

// Signed is a stored checkpoint.
type Signed struct {
	Size      int64
	Root      tlog.Hash
	Note      string
	CreatedAt time.Time
}

// Checkpoint signs the present head and puts it into the database and into the
// memory outside. It may be called at any time: for an unchanged head it gives
// the same checkpoint again. ErrForked if the head does not continue the last
// checkpoint outside; a conflict for an empty log.
func (l *Log) Checkpoint(ctx context.Context) (proof.Checkpoint, error) {
	last, err := l.lastOutside()
	if err != nil {
		return proof.Checkpoint{}, err
	}
	var head Head
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		if head, err = HeadOf(tx); err != nil {
			return err
		}
		return continues(tx, last, head)
	})
	switch {
	case err != nil:
		return proof.Checkpoint{}, err
	case head.Size == 0:
		return proof.Checkpoint{}, fault.Conflict("audit.log_empty")
	}
	c, err := proof.Sign(l.Signer, head.Size, head.Root)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	// Outside first: if the process dies now, the row follows with the next call;
	// the other way round the database would know more than its witness.
	if err := l.keepOutside(c); err != nil {
		return proof.Checkpoint{}, err
	}
	return c, l.DB.Write(ctx, func(tx *db.Tx) error { return storeCheckpoint(tx, c) })
}

func storeCheckpoint(tx *db.Tx, c proof.Checkpoint) error {
	row := checkpointRow{Size: c.Size, Root: c.Root[:], Note: c.Note, CreatedAt: tx.Now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("store checkpoint: %w", err)
	}
	return nil
}

// continues proves that the head's tree has the checkpoint's tree as its
// beginning.
func continues(tx *db.Tx, last *proof.Checkpoint, head Head) error {
	switch {
	case last == nil:
		return nil
	case last.Size > head.Size:
		return fmt.Errorf("%w: %d leaves were signed, %d are there", ErrForked, last.Size, head.Size)
	case last.Size == head.Size && last.Root != head.Root:
		return fmt.Errorf("%w: two roots of size %d", ErrForked, head.Size)
	case last.Size == head.Size || last.Size == 0:
		return nil
	}
	p, err := tlog.ProveTree(head.Size, last.Size, nodes(tx))
	if err == nil {
		err = tlog.CheckTree(p, head.Size, head.Root, last.Size, last.Root)
	} else if !errors.Is(err, errNode) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: sizes %d and %d: %w", ErrForked, last.Size, head.Size, err)
	}
	return nil
}

// Checkpoints gives the stored checkpoints, newest first.
func (l *Log) Checkpoints(ctx context.Context, limit int) ([]Signed, error) {
	var out []Signed
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		var rows []checkpointRow
		if err := tx.Order("size DESC").Limit(limit).Find(&rows).Error; err != nil {
			return fmt.Errorf("list checkpoints: %w", err)
		}
		out = nil
		for _, r := range rows {
			s := Signed{Size: r.Size, Note: r.Note, CreatedAt: r.CreatedAt.UTC()}
			copy(s.Root[:], r.Root)
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// accept reads a checkpoint that a key of a still valid epoch signed.
func (l *Log) accept(text string) (proof.Checkpoint, error) {
	c, err := proof.ParseCheckpoint(text, l.Signer.Public())
	for _, e := range l.Retired {
		if err == nil {
			break
		}
		var old proof.Checkpoint
		if old, err = proof.ParseCheckpoint(text, e.Public); err == nil && old.Size > e.Until {
			err = fmt.Errorf("audit: a key retired at size %d signed size %d", e.Until, old.Size)
		}
		c = old
	}
	return c, err
}
