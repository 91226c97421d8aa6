package purge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// What a file of the outside ledger is to a database.
const (
	LedgerKnown   = "known"   // the database has carried that purge out
	LedgerUnknown = "unknown" // it has not: it was restored from a backup from before
	LedgerClash   = "clash"   // it has another request under that code or number
	LedgerDamaged = "damaged" // the file is not what was written
)

// LedgerEntry is one file of the ledger, held against the database.
type LedgerEntry struct {
	LedgerHead
	State string
}

// Standing says whether a database continues what is known outside of it.
type Standing struct {
	Entries []LedgerEntry
	Missing []string          // codes of purges that the database has carried out and the ledger does not know
	Outside *proof.Checkpoint // the newest one outside, nil if there is none
	Head    audit.Head
	Forked  bool // the log does not continue it
	Begun   bool // a replay was begun and not ended
}

// Is gives the entries in a state.
func (s *Standing) Is(state string) (out []LedgerEntry) {
	for _, e := range s.Entries {
		if e.State == state {
			out = append(out, e)
		}
	}
	return out
}

// Closed tells whether nobody may work with the database before the ledger was replayed.
func (s *Standing) Closed() bool {
	known := len(s.Is(LedgerKnown))
	return s.Forked || s.Begun || known < len(s.Entries)
}

// Stand compares a database with what is known outside of it. It reads the first line of every file
// of the ledger only.
func Stand(ctx context.Context, d *db.DB, log *audit.Log, l *Ledger) (*Standing, error) {
	s := &Standing{}
	codes, err := l.Files()
	if err != nil {
		return nil, err
	}
	for _, code := range codes {
		e := LedgerEntry{State: LedgerUnknown}
		if e.LedgerHead, err = l.Head(code); errors.Is(err, ErrLedgerDamaged) {
			e.Code, e.State = code, LedgerDamaged
		} else if err != nil {
			return nil, err
		}
		s.Entries = append(s.Entries, e)
	}
	s.Outside, s.Head, err = log.Continues(ctx)
	if s.Forked = errors.Is(err, audit.ErrForked); err != nil && !s.Forked {
		return nil, err
	}
	err = d.Read(ctx, func(tx *db.Tx) error {
		if err := s.compare(tx, l); err != nil {
			return err
		}
		last, err := audit.LastOf(tx, actReplayStarted, actRestored)
		s.Begun = last != nil && last.Action == actReplayStarted
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("compare with the outside ledger: %w", err)
	}
	return s, nil
}

// afterLedger are the phases in which a purge's file is there and all of it was erased.
var afterLedger = []Phase{PhaseKeys, PhaseVerify, PhaseFile, PhaseEnd}

// compare looks each entry up in the database.
func (s *Standing) compare(tx *db.Tx, l *Ledger) error {
	var rows []Request
	q := tx.Select("id", "code", "root", "phase", "state").Where("phase <> ?", PhaseNone)
	if len(s.Entries) > 0 {
		codes, ids := s.named()
		q = q.Or("code IN ?", codes).Or("id IN ?", ids)
	}
	err := q.Find(&rows).Error
	if err != nil {
		return fmt.Errorf("find purges: %w", err)
	}
	byCode, byID := map[string]*Request{}, map[id.Purge]*Request{}
	for i := range rows {
		byCode[rows[i].Code], byID[rows[i].ID] = &rows[i], &rows[i]
	}
	for i := range s.Entries {
		e := &s.Entries[i]
		r := byCode[e.Code]
		delete(byCode, e.Code)
		if e.State == LedgerDamaged {
			continue
		}
		if e.State, err = e.state(tx, l.Keys, r, byID[e.Purge]); err != nil {
			return err
		}
	}
	for code, r := range byCode {
		if slices.Contains(afterLedger, r.Phase) {
			s.Missing = append(s.Missing, code)
		}
	}
	slices.Sort(s.Missing)
	return nil
}

func (s *Standing) named() (codes []string, ids []id.Purge) {
	for _, e := range s.Entries {
		codes, ids = append(codes, e.Code), append(ids, e.Purge)
	}
	return codes, ids
}

// state says what an entry is to the database, which has r under its code and other under its number.
func (e *LedgerEntry) state(tx *db.Tx, keys *seal.Store, r, other *Request) (string, error) {
	switch {
	case r == nil && other == nil:
		return LedgerUnknown, nil
	case r == nil || other == nil || r.ID != other.ID:
		return LedgerClash, nil
	case r.State == Draft:
		return LedgerUnknown, nil // its list was frozen later
	case hexOf(r.Root) != e.Root:
		return LedgerClash, nil
	case slices.Contains(afterLedger, r.Phase):
		return LedgerKnown, nil
	case r.Phase != PhaseLedger:
		return LedgerUnknown, nil
	}
	// The process may have died right after the file was written; then no key was destroyed yet.
	dead, err := deadUnder(tx, keys, r.ID)
	if err != nil || dead {
		return LedgerUnknown, err
	}
	return LedgerKnown, nil
}

// deadUnder tells whether a data key lies in a bucket that the purge touched and under a slot whose key is gone.
func deadUnder(tx *db.Tx, keys *seal.Store, p id.Purge) (bool, error) {
	var used []uint64
	err := tx.Model(&conversation.Bucket{}).Where("id IN (SELECT bucket_id FROM purge_bucket WHERE purge_id = ?)", p).
		Where("EXISTS (SELECT 1 FROM conversation_key k WHERE k.bucket_id = key_bucket.id)").Pluck("slot", &used).Error
	if err != nil {
		return false, fmt.Errorf("find used buckets: %w", err)
	}
	for _, slot := range used {
		status, err := keys.State(slot)
		if err != nil {
			return false, fmt.Errorf("ask the key store: %w", err)
		}
		if status.State != seal.Live {
			return true, nil
		}
	}
	return false, nil
}
