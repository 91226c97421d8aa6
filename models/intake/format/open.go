package format

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxRequestBytes bounds the companion of a Qianniu answer, which is a handful of fields.
const maxRequestBytes = 1 << 20

// Open opens the file at path as a Source, with its companion where there is one. The caller
// closes the Closer when Read has returned.
func Open(path string) (Source, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return Source{}, nil, fmt.Errorf("open export: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open export: %s is no regular file", info.Name())
	}
	if err != nil {
		return Source{}, nil, errors.Join(err, f.Close())
	}
	src := Source{Name: info.Name(), Body: f, Size: info.Size()}
	if src.Request, err = readRequest(RequestName(path)); err != nil {
		return Source{}, nil, errors.Join(err, f.Close())
	}
	return src, f, nil
}

func readRequest(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open request: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRequestBytes))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return b, nil
}
