package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// SweepBackups removes the backup files of this key store that have ended: those of the register, and
// those it does not know in dir, if one is named. It tells how many it removed. What cannot be removed is
// an error after all others were tried.
func (s *Store) SweepBackups(dir string, now time.Time) (removed int, err error) {
	known, _, err := s.Backups()
	if err != nil {
		return 0, err
	}
	ended := map[string]bool{}
	for _, b := range known {
		if b.RemovedAt.IsZero() && !now.Before(b.ExpiresAt) {
			ended[b.File] = true
		}
	}
	for _, file := range s.endedIn(dir, now) {
		ended[file] = true
	}
	var errs []error
	for file := range ended {
		gone, err := s.dropBackup(file, now)
		if gone {
			removed++
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// endedIn looks for ended backups of this key store that a lost register no longer names.
func (s *Store) endedIn(dir string, now time.Time) (files []string) {
	if dir == "" {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*"+backupSuffix))
	for _, file := range found {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		top, err := io.ReadAll(io.LimitReader(f, backupHeadMax))
		f.Close()
		if err != nil {
			continue
		}
		if head, _, err := readBackupHead(top); err == nil && head.Store == s.meta.ID && !now.Before(head.ExpiresAt) {
			if path, err := filepath.Abs(file); err == nil {
				files = append(files, path)
			}
		}
	}
	return files
}

// dropBackup removes a backup file and notes that it is gone. gone is false when it was not there.
func (s *Store) dropBackup(file string, now time.Time) (gone bool, err error) {
	err = os.Remove(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("remove key store backup: %w", err)
	}
	gone = err == nil
	err = s.exclusive(func() error {
		return s.registered(file, now, func(b *Backup) { b.RemovedAt = second(now) })
	})
	if err != nil {
		return gone, fmt.Errorf("remove key store backup: %w", err)
	}
	return gone, nil
}

// DropBackup removes a backup that was just made and could not be written down.
func (s *Store) DropBackup(b Backup, now time.Time) error {
	_, err := s.dropBackup(b.File, now)
	return err
}
