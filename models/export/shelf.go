package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// The parts of an export are age files for one X25519 identity of its own. The identity's secret stands
// in the export's row, sealed under a bucket key of the key store that serves nothing else; so the end
// of that bucket is the end of the parts in every copy of folder and database, and the key store's
// backups, rotation and restoring know it like any other bucket.

// kindSecret tells this package's sealed records from conversation bodies.
const kindSecret = 1

// noRoom is the month of a bucket that no conversation is ever put into.
const noRoom = "export"

func secretAAD(e id.Export) seal.AAD {
	return seal.AAD{Kind: kindSecret, Record: uint64(e), Version: 1}
}

// newKey makes the key of an export.
func (d *Desk) newKey(tx *db.Tx, e *Export) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("key of an export: %w", err)
	}
	ids, err := d.Vault.NewKeys(tx, 1)
	if err != nil {
		return fmt.Errorf("key of an export: %w", err)
	}
	sealed, err := d.Vault.Store.Seal(ids[0], secretAAD(e.ID), []byte(identity.String()))
	if err != nil {
		return fmt.Errorf("key of an export: %w", err)
	}
	e.BucketID, e.Secret, e.SecretKey = id.Bucket(ids[0]), sealed.Body, sealed.Wrapped
	row := conversation.Bucket{ID: e.BucketID, Month: noRoom, Used: 1, State: conversation.BucketOpen, CreatedAt: tx.Now, Slot: ids[0]}
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("key of an export: %w", err)
	}
	return nil
}

// key opens the key of an export. The fault is gone when it was destroyed.
func (d *Desk) key(e *Export) (*age.X25519Identity, error) {
	if e.Secret == nil {
		return nil, fault.Gone("export.key_gone")
	}
	plain, err := d.Vault.Store.Open(uint64(e.BucketID), secretAAD(e.ID), seal.Sealed{Body: e.Secret, Wrapped: e.SecretKey})
	if errors.Is(err, seal.ErrDestroyed) {
		return nil, fault.Gone("export.key_gone")
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", e.Code, err)
	}
	identity, err := age.ParseX25519Identity(string(plain))
	if err != nil {
		return nil, fmt.Errorf("key of %s: malformed", e.Code)
	}
	return identity, nil
}

// erase destroys the key of an export, in the transaction that ends it. If the process dies between
// the key store and the commit, Sweep finds the dead key and ends the export. The files are removed
// after the commit.
func (d *Desk) erase(tx *db.Tx, e *Export) error {
	e.Secret, e.SecretKey = nil, nil
	if e.BucketID == 0 || e.KeyGoneAt != nil {
		return nil
	}
	if err := conversation.SlotsGone(tx, []uint64{uint64(e.BucketID)}); err != nil {
		return fmt.Errorf("note the destroyed key: %w", err)
	}
	if err := d.Vault.Store.Destroy(uint64(e.BucketID)); err != nil {
		return fmt.Errorf("destroy the key of an export: %w", err)
	}
	e.KeyGoneAt = &tx.Now
	return tx.Where("export_id = ?", e.ID).Delete(&grant{}).Error
}

// keyDead tells whether the key store knows the key no more, although the row does.
func (d *Desk) keyDead(e *Export) (bool, error) {
	if e.BucketID == 0 || e.KeyGoneAt != nil {
		return false, nil
	}
	s, err := d.Vault.Store.State(uint64(e.BucketID))
	if err != nil {
		return false, fmt.Errorf("key of %s: %w", e.Code, err)
	}
	return s.State != seal.Live, nil
}

const partEnding = ".part"

// partPrefix begins the names of the files of one part, whoever wrote them.
func partPrefix(e *Export, n int) string { return fmt.Sprintf("%s-%d-", e.Code, n) }

func (d *Desk) path(name string) string { return filepath.Join(d.Dir, name) }

// files lists the names on the shelf that begin with prefix and are at least so old.
func (d *Desk) files(prefix string, before time.Time) ([]string, error) {
	entries, err := os.ReadDir(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the shelf: %w", err)
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), partEnding) {
			continue
		}
		if info, err := e.Info(); err == nil && (before.IsZero() || info.ModTime().Before(before)) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// remove takes files from the shelf; that one is not there is no error.
func (d *Desk) remove(names ...string) error {
	var errs []error
	for _, n := range names {
		if err := os.Remove(d.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove from the shelf: %w", err))
		}
	}
	return errors.Join(errs...)
}

// clear removes everything of an export from the shelf.
func (d *Desk) clear(e *Export) error {
	names, err := d.files(e.Code+"-", time.Time{})
	return errors.Join(err, d.remove(names...))
}

// end ends an export: its key is destroyed, who did it and why is noted. The caller appends the entry
// and, after the commit, calls clear.
func (d *Desk) end(tx *db.Tx, e *Export, to State) error {
	from := e.State
	e.State = to
	if err := d.erase(tx, e); err != nil {
		return err
	}
	return d.store(tx, e, from)
}

// syncDir makes what was created in a folder last.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func systemActor() audit.Actor { return audit.Actor{Name: "worker", Role: "system", Source: "worker"} }

// without gives the names that are not kept.
func without(names []string, kept map[string]bool) []string {
	return slices.DeleteFunc(names, func(n string) bool { return kept[n] })
}
