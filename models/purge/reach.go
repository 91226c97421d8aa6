package purge

import (
	"fmt"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// The classes of copies of a conversation, in the order in which they are shown. Each is named
// every time, also where there is none.
const (
	CopyRows            = "rows"
	CopyKeys            = "keys"
	CopyIndex           = "index"
	CopyAttachments     = "attachments"
	CopyArchive         = "archive"
	CopyExports         = "exports"
	CopyDatabaseBackups = "database_backups"
	CopyDatabaseLogs    = "database_logs"
	CopyKeyBackups      = "key_store_backups"
	CopyPlatform        = "platform"
	CopyDevices         = "devices"
)

// ReachState is what became, or will become, of a class of copies.
type ReachState string

// The states. Kept is only said before anything was destroyed.
const (
	ReachKept         ReachState = "kept"
	ReachErased       ReachState = "erased"
	ReachKeyDestroyed ReachState = "key_destroyed"
	ReachExpires      ReachState = "expires"
	ReachOutOfReach   ReachState = "out_of_reach"
	ReachNone         ReachState = "none"
)

// Reach says of one class of copies what became of it. Until is the end of copies that expire;
// Why is a code for one more sentence, Count the number in it. Days stands for Until while nobody
// knows when it will run.
type Reach struct {
	Copy  string      `json:"copy"`
	State ReachState  `json:"state"`
	Until *time.Time  `json:"until,omitempty"`
	Days  int         `json:"days,omitempty"`
	Why   string      `json:"why,omitempty"`
	Count int64       `json:"count,omitempty"`
	Items []ReachItem `json:"items"`
}

// ReachItem is one copy that is known by name: who holds it and until when. Without an end it is in
// somebody's hands.
type ReachItem struct {
	Name   string    `json:"name"`
	Holder string    `json:"holder"`
	Until  time.Time `json:"until,omitzero"`
}

// Exports tells which exported files that can still be read hold any of the conversations;
// conversations is a query for their ids.
type Exports func(tx *db.Tx, conversations *gorm.DB) ([]ReachItem, error)

// ExportsOf makes Exports of what the drawer of exports knows; item tells how one of its rows is named
// here. Neither drawer looks into the other.
func ExportsOf[T any](holding func(*db.Tx, *gorm.DB) ([]T, error), item func(T) ReachItem) Exports {
	return func(tx *db.Tx, conversations *gorm.DB) ([]ReachItem, error) {
		held, err := holding(tx, conversations)
		out := make([]ReachItem, len(held))
		for i, h := range held {
			out[i] = item(h)
		}
		return out, err
	}
}

// KeyCopies knows until when copies of the keys may live; *seal.Store does.
type KeyCopies interface {
	Backups() (list []seal.Backup, lostAt time.Time, err error)
	BackupsUntil(t time.Time) (time.Time, error)
}

// moment says from where one looks at the copies.
type moment int

const (
	whileBinned moment = iota // nothing was destroyed
	whenAsked                 // what a purge will do
	whenDone                  // what it did
)

// reachFacts are what the list of copies needs to know.
type reachFacts struct {
	until   time.Time // end of the last copy of the keys
	days    int       // or how long after the purge they last, while it has not run
	lists   int64     // files that were downloaded: lists of facts, without text
	backups []ReachItem
	exports []ReachItem
	lost    bool // the register of key-store backups was lost once
}

// reach is the one list of all copies, for every page and for the certificate.
func reach(m moment, f reachFacts) []Reach {
	plain := func(copies string, state ReachState, why string) Reach {
		return Reach{Copy: copies, State: state, Why: why, Items: []ReachItem{}}
	}
	// What is only unreadable without its keys ends with the last copy of the keys.
	expiring := func(copies, why string) Reach {
		r := plain(copies, ReachExpires, why)
		switch m {
		case whileBinned:
			r.State = ReachKept
		case whenAsked:
			r.Days = f.days
		case whenDone:
			r.Until = &f.until
		}
		return r
	}
	done := func(s ReachState) ReachState {
		if m == whileBinned {
			return ReachKept
		}
		return s
	}
	keyBackups := expiring(CopyKeyBackups, "")
	if f.lost {
		keyBackups.Why = "register_lost"
	}
	if m != whileBinned {
		keyBackups.Items = append(keyBackups.Items, f.backups...)
	}
	return []Reach{
		plain(CopyRows, done(ReachErased), ""),
		plain(CopyKeys, done(ReachKeyDestroyed), ""),
		plain(CopyIndex, done(ReachKeyDestroyed), "index_rewritten"),
		plain(CopyAttachments, done(ReachErased), "names_in_body"),
		plain(CopyArchive, ReachNone, "no_archive"),
		f.exported(m),
		expiring(CopyDatabaseBackups, "sealed"),
		expiring(CopyDatabaseLogs, "sealed"),
		keyBackups,
		plain(CopyPlatform, ReachOutOfReach, ""),
		plain(CopyDevices, ReachOutOfReach, ""),
	}
}

// reachDone is what a purge has reached that destroyed its keys before t. If it destroyed nothing,
// everything is as it was.
func (w *Runner) reachDone(tx *db.Tx, r *Request, batches []Batch, t time.Time) (list []Reach, effective time.Time, err error) {
	if r.Purged == 0 {
		return ReachInBin(), t, nil
	}
	f := reachFacts{}
	if err := f.copies(w.Vault.Store, t); err != nil {
		return nil, t, err
	}
	if f.lists, err = lists(tx, r.Code, batches); err != nil {
		return nil, t, err
	}
	if f.exports, err = w.Desk.exports(tx, purgeItems(tx, r.ID).Where("state = ?", Purged)); err != nil {
		return nil, t, err
	}
	list = reach(whenDone, f)
	effective = f.until
	for _, e := range f.exports {
		effective = later(effective, e.Until)
	}
	return list, effective, nil
}

func purgeItems(tx *db.Tx, p id.Purge) *gorm.DB {
	return tx.Model(&Item{}).Where("purge_id = ?", p).Select("conversation_id")
}

// exports asks for the exported files that hold conversations.
func (d *Desk) exports(tx *db.Tx, conversations *gorm.DB) ([]ReachItem, error) {
	if d.Exports == nil {
		return nil, nil
	}
	return d.Exports(tx, conversations)
}

// exported is what becomes of exported files: those on the shelf expire, those in somebody's hands are
// out of reach.
func (f reachFacts) exported(m moment) Reach {
	r := Reach{Copy: CopyExports, State: ReachNone, Why: "lists_only", Count: f.lists, Items: []ReachItem{}}
	if m == whileBinned {
		r.State, r.Why = ReachKept, "exports_kept"
	}
	if len(f.exports) == 0 {
		return r
	}
	r.State, r.Why, r.Count = ReachExpires, "exports_shelf", int64(len(f.exports))
	r.Items = append(r.Items, f.exports...)
	var until time.Time
	for _, e := range f.exports {
		if until = later(until, e.Until); e.Until.IsZero() {
			r.State, r.Why = ReachOutOfReach, "exports_fetched"
		}
	}
	if m == whenDone && r.State == ReachExpires {
		r.Until = &until
	}
	return r
}

// ReachInBin tells what moving to the bin has changed about the copies: nothing was destroyed.
func ReachInBin() []Reach { return reach(whileBinned, reachFacts{}) }

// reachNow is the list of copies on the page of a request: that of its certificate once there is
// one, what is to come while it waits or runs, and what rests in the bin if nothing will.
func (d *Desk) reachNow(tx *db.Tx, g *Detail) ([]Reach, error) {
	switch {
	case g.Certificate != nil:
		var row certificate
		if err := tx.Where("id = ?", g.Certificate.ID).Take(&row).Error; err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		body, err := row.read()
		return body.Reach, err
	case g.State == Rejected, g.State == Withdrawn, g.State == Lapsed:
		return ReachInBin(), nil
	}
	n, err := lists(tx, g.Code, g.Batches)
	if err != nil {
		return nil, err
	}
	held, err := d.exports(tx, purgeItems(tx, g.ID))
	if err != nil {
		return nil, err
	}
	return d.reachToCome(tx.Now, reachFacts{lists: n, exports: held})
}

// reachToCome is what a purge would reach if it ran today.
func (d *Desk) reachToCome(now time.Time, f reachFacts) ([]Reach, error) {
	if d.Copies != nil {
		if err := f.copies(d.Copies, now); err != nil {
			return nil, err
		}
		const day = 24 * time.Hour
		f.days = int((f.until.Sub(now) + day - 1) / day)
	}
	return reach(whenAsked, f), nil
}

// copies asks the key store which copies of keys that are destroyed at t outlive them.
func (f *reachFacts) copies(k KeyCopies, t time.Time) error {
	until, err := k.BackupsUntil(t)
	if err != nil {
		return fmt.Errorf("until when copies of the keys live: %w", err)
	}
	backups, lostAt, err := k.Backups()
	if err != nil {
		return fmt.Errorf("copies of the keys: %w", err)
	}
	f.until, f.lost = until.UTC(), !lostAt.IsZero()
	for _, b := range backups {
		if !b.MadeAt.After(t) && b.ExpiresAt.After(t) && b.RemovedAt.IsZero() {
			f.backups = append(f.backups, ReachItem{Name: filepath.Base(b.File), Holder: "operator", Until: b.ExpiresAt.UTC()})
		}
	}
	return nil
}

// lists counts the files with facts, and no text, that were fetched about a request and its batches.
func lists(tx *db.Tx, code string, batches []Batch) (int64, error) {
	names := []string{code}
	for _, b := range batches {
		names = append(names, b.Code)
	}
	return audit.Downloads(tx, names...)
}
