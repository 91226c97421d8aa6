package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
)

const (
	actHalted   = "clock.halted"
	actResumed  = "clock.resumed"
	actAccepted = "clock.accepted"
)

var clockActs = []string{actHalted, actResumed, actAccepted}

// beatRow is the one row with the latest instant that was seen and believed.
type beatRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement:false"`
	At       time.Time
	Halted   string
	HaltedAt *time.Time
}

// TableName is clock_beat.
func (beatRow) TableName() string { return "clock_beat" }

const beatID = 1

// Clock is the state of the clock as the database remembers it.
type Clock struct {
	SeenAt   time.Time // zero: never
	Halted   string    // why nothing is destroyed, "" while the clock is trusted
	HaltedAt time.Time
}

// ClockOf gives the state that the transaction sees.
func ClockOf(tx *db.Tx) (Clock, error) {
	row, _, err := readBeat(tx, false)
	c := Clock{SeenAt: row.At, Halted: row.Halted}
	if row.HaltedAt != nil {
		c.HaltedAt = row.HaltedAt.UTC()
	}
	return c, err
}

// Beat remembers the present instant if it is believed, and writes down, once, that the clock is wrong or is
// right again. A console and a worker call it every minute. It gives why the clock is not
// trusted, "" if it is.
func (g *ClockGuard) Beat(ctx context.Context) (why string, err error) {
	err = g.DB.Write(ctx, func(tx *db.Tx) error {
		row, there, err := readBeat(tx, true)
		if err != nil {
			return err
		}
		head, shortest, err := g.headOf(tx)
		if err != nil {
			return err
		}
		why = g.judge(tx.Now, row, head, shortest)
		was := row.Halted
		if why == "" && tx.Now.After(row.At) {
			row.At = tx.Now
		}
		if row.At.IsZero() {
			row.At = head.LastAt
		}
		if row.Halted = why; why != was {
			row.HaltedAt = &tx.Now
		}
		if why == "" {
			row.HaltedAt = nil
		}
		if err := storeBeat(tx, row, there); err != nil || why == was {
			return err
		}
		return Append(tx, g.entry(tx, row, head, was))
	})
	if err != nil {
		return "", fmt.Errorf("look at the clock: %w", err)
	}
	return why, nil
}

// entry tells that the clock is wrong, or right again.
func (g *ClockGuard) entry(tx *db.Tx, row beatRow, head Head, was string) Entry {
	e := Entry{
		Actor: Actor{Name: "worker", Role: "system", Source: "worker"}, Action: actHalted, ObjectKind: "clock",
		Data: map[string]any{"why": row.Halted, "database": tx.Now, "host": g.host(), "seen": row.At, "last_entry": head.LastAt},
	}
	if row.Halted == "" {
		e.Action, e.Data["why"] = actResumed, was
	}
	return e
}

// Accept takes the present instant for right because a named person says so: after the console was off for
// days, or after the clock was wrong and is right again. The fault is invalid without a name and a
// reason, and a conflict when there is nothing to accept, or when accepting would not help.
func (g *ClockGuard) Accept(ctx context.Context, by, reason string) (at time.Time, err error) {
	if len([]rune(by)) < 2 || len([]rune(reason)) < shortAccept {
		return at, fault.Invalid("clock.by_and_reason", shortAccept)
	}
	err = g.DB.Write(ctx, func(tx *db.Tx) error {
		row, there, err := readBeat(tx, true)
		if err != nil {
			return err
		}
		head, shortest, err := g.headOf(tx)
		if err != nil {
			return err
		}
		switch why := g.judge(tx.Now, row, head, shortest); why {
		case "":
			return fault.Conflict("clock.not_halted")
		case HaltHost, HaltLog:
			return fault.Conflict(saidHalted + why)
		}
		at = tx.Now
		before := row.At
		row.At, row.Halted, row.HaltedAt = tx.Now, "", nil
		if err := storeBeat(tx, row, there); err != nil {
			return err
		}
		return Append(tx, Entry{
			Actor: Actor{Name: by, Role: "system", Source: "cli"}, Action: actAccepted, ObjectKind: "clock",
			Data: map[string]any{"by": by, "reason": reason, "seen": before, "database": tx.Now},
		})
	})
	return at, err
}

const shortAccept = 8

func readBeat(tx *db.Tx, lock bool) (row beatRow, there bool, err error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var rows []beatRow
	if err := q.Where("id = ?", beatID).Find(&rows).Error; err != nil {
		return row, false, fmt.Errorf("read beat: %w", err)
	}
	if len(rows) == 0 {
		return beatRow{ID: beatID}, false, nil
	}
	rows[0].At = rows[0].At.UTC()
	return rows[0], true, nil
}

func storeBeat(tx *db.Tx, row beatRow, there bool) error {
	var err error
	if there {
		err = tx.Model(&beatRow{}).Where("id = ?", beatID).Select("at", "halted", "halted_at").Updates(&row).Error
	} else {
		err = tx.Create(&row).Error
	}
	if db.Duplicate(err) {
		return errors.New("another process beat first")
	}
	if err != nil {
		return fmt.Errorf("store beat: %w", err)
	}
	return nil
}
