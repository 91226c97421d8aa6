package purge

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// write puts a purge's file into the ledger, with the lines that fill hands over, and gives the
// digest of the file. It returns when the file has survived any power cut. A whole file of the
// same purge that is there already stays: what it says was true when it was written and
// stays true. The fault of a file of another purge is ErrLedgerOther.
func (l *Ledger) write(h LedgerHead, fill func(put func(ledgerLine) error) error) (string, error) {
	h.Format, h.Store = ledgerFormat, l.Keys.ID()
	sum, err := l.there(h)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return sum, err
	}
	if err := l.make(); err != nil {
		return "", fmt.Errorf("outside ledger: %w", err)
	}
	temp, err := l.writeTemp(h, fill)
	if err != nil {
		return "", fmt.Errorf("write the outside ledger: %w", err)
	}
	// A link, unlike a rename, never replaces a file: of two workers the first one's stays.
	err = os.Link(temp, l.path(h.Code))
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, os.Remove(temp), syncFolder(l.Dir)); err != nil {
		return "", fmt.Errorf("write the outside ledger: %w", err)
	}
	return l.there(h)
}

// there gives the digest of the purge's file if it is there and whole.
func (l *Ledger) there(h LedgerHead) (string, error) {
	f, err := os.Open(l.path(h.Code))
	if err != nil {
		return "", fmt.Errorf("outside ledger: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	old, err := l.scan(io.TeeReader(f, sum), h.Code, func([]byte) error { return nil })
	switch {
	case err != nil:
		return "", err
	case old.Purge != h.Purge || old.Root != h.Root || old.Store != h.Store || old.Purged != h.Purged:
		return "", fmt.Errorf("%s: %w", h.Code, ErrLedgerOther)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// make makes the folder, and its name durable.
func (l *Ledger) make() error {
	if _, err := os.Stat(l.Dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(filepath.Clean(l.Dir)))
}

// writeTemp writes and syncs the file under a name that nobody reads. What a worker that died
// left behind under such a name goes first.
func (l *Ledger) writeTemp(h LedgerHead, fill func(put func(ledgerLine) error) error) (name string, err error) {
	stale, err := filepath.Glob(filepath.Join(l.Dir, ledgerTemp+h.Code+"-*"))
	if err != nil {
		return "", err
	}
	for _, s := range stale {
		if err := os.Remove(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	f, err := os.CreateTemp(l.Dir, ledgerTemp+h.Code+"-*") // mode 0600
	if err != nil {
		return "", err
	}
	err = l.writeTo(f, h, fill)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func (l *Ledger) writeTo(f io.Writer, h LedgerHead, fill func(put func(ledgerLine) error) error) error {
	out := bufio.NewWriterSize(f, 256<<10)
	sum := sha256.New()
	both := io.MultiWriter(out, sum)
	head, err := l.encodeHead(h)
	if err != nil {
		return err
	}
	if _, err := both.Write(head); err != nil {
		return err
	}
	lines := json.NewEncoder(both)
	if err := fill(func(line ledgerLine) error { return lines.Encode(line) }); err != nil {
		return err
	}
	if _, err := out.Write(l.end(sum)); err != nil {
		return err
	}
	return out.Flush()
}

// syncFolder makes the names in a folder survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
