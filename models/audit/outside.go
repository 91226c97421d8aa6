package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qingdang/models/audit/proof"
)

// The outside memory is a folder with one file per checkpoint, named by size so
// that names sort as sizes do. Files are never replaced.
const (
	filePrefix = "checkpoint-"
	fileSuffix = ".txt"
	smallFile  = 16 << 10
)

func fileName(size int64) string { return fmt.Sprintf("%s%016d%s", filePrefix, size, fileSuffix) }

// outsideFiles lists the checkpoint files, oldest first.
func (l *Log) outsideFiles() ([]string, error) {
	if l.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(l.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints outside: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filePrefix) && strings.HasSuffix(e.Name(), fileSuffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (l *Log) readOutside(name string) (proof.Checkpoint, error) {
	path := filepath.Join(l.Dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	if info.Size() > smallFile {
		return proof.Checkpoint{}, fmt.Errorf("audit: %s is too long for a checkpoint", name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return l.accept(string(text))
}

// lastOutside gives the newest checkpoint outside, nil if there is none. A newest
// file that cannot be read is an error: signing on would cover it up.
func (l *Log) lastOutside() (*proof.Checkpoint, error) {
	names, err := l.outsideFiles()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	c, err := l.readOutside(names[len(names)-1])
	if err != nil {
		return nil, fmt.Errorf("last checkpoint outside, %s: %w", names[len(names)-1], err)
	}
	return &c, nil
}

// keepOutside writes a checkpoint's file. It survives a power cut from here on:
// file and folder are synced before the name counts.
func (l *Log) keepOutside(c proof.Checkpoint) error {
	if l.Dir == "" {
		return nil
	}
	if err := l.writeOutside(c); err != nil {
		return fmt.Errorf("keep checkpoint outside: %w", err)
	}
	return nil
}

func (l *Log) writeOutside(c proof.Checkpoint) (err error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(l.Dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(c.Note)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a file that is there.
	err = os.Link(f.Name(), filepath.Join(l.Dir, fileName(c.Size)))
	if errors.Is(err, fs.ErrExist) {
		return l.sameOutside(c)
	}
	if err != nil {
		return err
	}
	return syncDir(l.Dir)
}

// sameOutside compares with the file that was there already.
func (l *Log) sameOutside(c proof.Checkpoint) error {
	old, err := l.readOutside(fileName(c.Size))
	if err == nil && (old.Size != c.Size || old.Root != c.Root) {
		err = ErrForked
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
