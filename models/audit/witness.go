package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"qingdang/models/db"
)

// Witness is another machine that keeps signed checkpoints.
type Witness struct {
	Host string // all that is ever told of its address
	// Post hands a checkpoint over. The error holds nothing of the address but its host; a *NotTaken says more for people.
	Post func(ctx context.Context, origin, note string) error
}

// NotTaken is why a witness did not take a checkpoint.
type NotTaken struct {
	Class  string
	Status int64 // what it answered, for WitnessAnswer
	Err    error
}

// The classes of NotTaken; a page has words for each.
const (
	WitnessTimeout = "timeout"
	WitnessAway    = "away"   // nobody answers at the address
	WitnessTLS     = "tls"    // it cannot prove that it is the one
	WitnessAnswer  = "answer" // it answered otherwise than with yes
	WitnessOther   = "other"
)

// Error is part of error.
func (n *NotTaken) Error() string {
	return "audit: the witness did not take the checkpoint: " + n.Err.Error()
}

// Unwrap is part of error.
func (n *NotTaken) Unwrap() error { return n.Err }

// actPosted is the entry of a checkpoint that the witness took, and of the first failure of its kind in a day.
const actPosted = "checkpoint.posted"

// witnessPatience is how long a witness may be away before people are told: the daily checkpoint was missed twice.
const witnessPatience = 50 * time.Hour

// Told is what the witness has. The zero value means that there is none.
type Told struct {
	Host     string
	At       time.Time // when it took a checkpoint last; zero: never
	Size     int64     // of how many entries that was
	FailedAt time.Time // since then, when it was first written down that it did not; zero: it did not fail
	Class    string    // why
	Status   int64
	Waiting  int64 // checkpoints that it does not have yet
	Overdue  bool  // it took none for 50 hours, also where none was handed over
	last     *Leaf
}

// Told tells what the witness has, as the log says it.
func (l *Log) Told(ctx context.Context) (t Told, err error) {
	if l.Witness == nil {
		return Told{}, nil
	}
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		t, err = l.told(tx)
		return err
	})
	return t, err
}

func (l *Log) told(tx *db.Tx) (Told, error) {
	t := Told{Host: l.Witness.Host}
	since := int64(-1)
	taken, err := posted(tx, OK, since, "n DESC")
	if err != nil {
		return Told{}, err
	}
	if taken != nil {
		since = taken.N
		// Another machine than before begins with nothing.
		if host, _ := taken.Data["host"].(string); host == t.Host {
			t.At, t.Size = taken.At, taken.Count
		}
	}
	first, err := posted(tx, ResultFailed, since, "n")
	if err != nil {
		return Told{}, err
	}
	if first != nil {
		if t.last, err = posted(tx, ResultFailed, since, "n DESC"); err != nil {
			return Told{}, err
		}
		t.FailedAt = first.At
		t.Class, t.Status = t.last.why()
	}
	if err := tx.Model(&checkpointRow{}).Where("size > ?", t.Size).Count(&t.Waiting).Error; err != nil {
		return Told{}, fmt.Errorf("count checkpoints: %w", err)
	}
	from, err := t.from(tx)
	t.Overdue = !from.IsZero() && tx.Now.Sub(from) > witnessPatience
	return t, err
}

// from says since when the witness is waited for. One that nobody ever tried, since no worker runs or none has its
// address, keeps the oldest checkpoint that it should have waiting.
func (t *Told) from(tx *db.Tx) (time.Time, error) {
	switch {
	case !t.At.IsZero():
		return t.At, nil
	case !t.FailedAt.IsZero():
		return t.FailedAt, nil
	}
	var oldest []checkpointRow
	if err := tx.Where("size > ?", t.Size).Order("size").Limit(1).Find(&oldest).Error; err != nil {
		return time.Time{}, fmt.Errorf("find the oldest checkpoint: %w", err)
	}
	if len(oldest) == 0 {
		return time.Time{}, nil
	}
	return oldest[0].CreatedAt, nil
}

// posted gives the first of the entries of checkpoints that were handed over after leaf n, nil if there is none.
func posted(tx *db.Tx, result string, n int64, order string) (*Leaf, error) {
	var rows []leafRow
	if err := tx.Where("action = ? AND result = ? AND n > ?", actPosted, result, n).Order(order).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find what the witness took: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	leaf := rows[0].leaf()
	return &leaf, nil
}

// why reads the reason out of the entry of a failure.
func (l *Leaf) why() (class string, status int64) {
	class, _ = l.Data["class"].(string)
	if n, ok := l.Data["status"].(interface{ Int64() (int64, error) }); ok {
		status, _ = n.Int64()
	}
	return class, status
}

// Tell hands the next checkpoint to the witness: the oldest that it does not have, or the newest if it has none, which proves
// all before. sent says that it took one, so that there may be another. The error is a *NotTaken if it did not take it,
// which is written down; the caller tries again later. Nobody waits for a witness: what a checkpoint was made for goes on without.
func (l *Log) Tell(ctx context.Context) (sent bool, err error) {
	if l.Witness == nil {
		return false, nil
	}
	var before Told
	var next []checkpointRow
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		if before, err = l.told(tx); err != nil {
			return err
		}
		order := "size"
		if before.Size == 0 {
			order = "size DESC"
		}
		next = nil
		return tx.Where("size > ?", before.Size).Order(order).Limit(1).Find(&next).Error
	})
	if err != nil || len(next) == 0 {
		return false, err
	}
	c, err := l.accept(next[0].Note)
	if err == nil && c.Size != next[0].Size {
		err = ErrForked
	}
	if err != nil {
		return false, fmt.Errorf("the checkpoint of %d entries: %w", next[0].Size, err)
	}
	refused := l.Witness.Post(ctx, c.Origin, c.Note)
	if err := l.record(context.WithoutCancel(ctx), before, c.Size, refused); err != nil {
		return false, err
	}
	return refused == nil, refused
}

// entryTime is for the entry after a witness who needed all the time there was.
const entryTime = 15 * time.Second

// record writes down what came of it: each checkpoint that was taken, and of failures the first of its kind and one a day.
func (l *Log) record(ctx context.Context, before Told, size int64, refused error) error {
	ctx, cancel := context.WithTimeout(ctx, entryTime)
	defer cancel()
	e := Entry{
		Actor: Actor{Name: "worker", Role: "system", Source: "worker"}, Action: actPosted, ObjectKind: "audit", Object: strconv.FormatInt(size, 10),
		Count: size, Data: map[string]any{"host": l.Witness.Host},
	}
	again := false
	if refused != nil {
		slog.WarnContext(ctx, "the witness did not take the checkpoint", "host", l.Witness.Host, "size", size, "error", refused)
		n := &NotTaken{Class: WitnessOther}
		_ = errors.As(refused, &n)
		e.Result, e.Data["class"] = ResultFailed, n.Class
		if n.Status != 0 {
			e.Data["status"] = n.Status
		}
		again = before.last != nil && before.Class == n.Class && before.Status == n.Status
	}
	return l.DB.Write(ctx, func(tx *db.Tx) error {
		if again && tx.Now.Sub(before.last.At) < 24*time.Hour {
			return nil
		}
		return Append(tx, e)
	})
}
