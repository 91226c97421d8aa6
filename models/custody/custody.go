// Package custody owns what is done with the key store as a whole: opening the one that belongs to a
// database, its backups, bringing one back, and a new root key.
package custody

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/seal"
)

// setting is where a database remembers its key store.
const setting = "key_store"

// Open opens the key store of a database; a new database gets a new one. A database whose key store is
// missing is refused: what it holds could not be read, and new keys would hide the loss. The faults say
// what is wrong with the key store and what helps.
func Open(ctx context.Context, d *db.DB, o seal.Options) (*seal.Store, error) {
	known, err := d.Setting(ctx, setting)
	if err != nil {
		return nil, err
	}
	o.Create = known == ""
	s, err := seal.OpenStore(o)
	if err != nil {
		return nil, refusal(o.Dir, err)
	}
	switch {
	case known == "":
		err = d.SetSetting(ctx, setting, s.ID())
	case known != s.ID():
		err = fault.Conflict("keys.other_store", o.Dir, s.ID(), known)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// CheckAge makes sure that the key store is not older than the database, as after copying an old one back:
// conversations would not open, and new buckets would take ids that are taken. The fault says so.
func CheckAge(ctx context.Context, d *db.DB, s *seal.Store) error {
	var newest uint64
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		_, newest, err = gone(tx)
		return err
	})
	if err != nil {
		return err
	}
	// Asked after the database: a bucket is in the key store before any row knows it.
	last, err := s.Last()
	if err != nil || newest <= last {
		return err
	}
	lost, err := missing(ctx, d, s)
	if err != nil {
		return err
	}
	return fault.Conflict("keys.older", s.Dir(), lost.Buckets, lost.Conversations)
}

// Missing is what the database holds and no key opens.
type Missing struct{ Buckets, Conversations int64 }

// missing asks the key store for every bucket that the database takes for alive and that is in use.
func missing(ctx context.Context, d *db.DB, s *seal.Store) (m Missing, err error) {
	var used []struct {
		Slot uint64
		N    int64
	}
	err = d.Read(ctx, func(tx *db.Tx) error {
		used = nil
		return tx.Raw("SELECT COALESCE(b.slot, k.bucket_id) AS slot, k.n FROM (SELECT bucket_id, COUNT(*) AS n FROM conversation_key GROUP BY bucket_id) k " +
			"LEFT JOIN key_bucket b ON b.id = k.bucket_id").Scan(&used).Error
	})
	if err != nil {
		return m, fmt.Errorf("buckets in use: %w", err)
	}
	for _, u := range used {
		st, err := s.State(u.Slot)
		if err != nil {
			return m, fmt.Errorf("ask the key store: %w", err)
		}
		if st.State != seal.Live {
			m.Buckets++
			m.Conversations += u.N
		}
	}
	return m, nil
}

// refusal turns what seal says into a sentence with the way out. The cause stays in the chain.
func refusal(dir string, err error) error {
	var format *seal.FormatError
	var f *fault.Fault
	switch {
	case errors.Is(err, seal.ErrNoStore):
		f = fault.NotFound("keys.no_store", dir)
	case errors.Is(err, seal.ErrNoRoot):
		f = fault.NotFound("keys.no_root", dir)
	case errors.Is(err, seal.ErrWrongRoot), errors.Is(err, seal.ErrRotated):
		f = fault.Conflict("keys.wrong_root", dir)
	case errors.Is(err, seal.ErrRootExposed):
		f = fault.Forbidden("keys.root_exposed", dir)
	case errors.Is(err, seal.ErrNoSlots):
		f = fault.NotFound("keys.no_slots", dir)
	case errors.Is(err, seal.ErrDamaged):
		f = fault.Conflict("keys.damaged", dir)
	case errors.As(err, &format):
		f = fault.Conflict("keys.format", dir, format.What, format.Got)
	case errors.Is(err, seal.ErrBeside):
		f = fault.Invalid("keys.beside", dir)
	case errors.Is(err, seal.ErrRootGiven):
		f = fault.Invalid("keys.root_given", dir)
	case errors.Is(err, seal.ErrRootInside):
		f = fault.Invalid("keys.root_inside", dir)
	case errors.Is(err, seal.ErrSameRoot):
		f = fault.Invalid("keys.same_root")
	default:
		return err
	}
	return fmt.Errorf("%w: %w", f, err)
}

// require lets only the command line and the worker through: no page leads here.
func require(by account.Actor) error {
	if !by.System {
		return fault.Forbidden("account.forbidden")
	}
	return nil
}
