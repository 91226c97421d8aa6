package export

import (
	"archive/zip"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"qingdang/models/export/aeszip"
)

// archive is a ZIP whose bodies nobody reads without its secret. Names stand readable in one that ordinary
// tools open: they tell the export's code and nothing else.
type archive interface {
	// Create begins a file; it is closed before the next one begins.
	Create(name string, method uint16, at time.Time) (io.WriteCloser, error)
	Close() error
}

// sealer begins an archive on a stream.
type sealer func(io.Writer) (archive, error)

// sealer gives what an export is sealed with: the recipient's key, or the passphrase that was made.
func (e *Export) sealer(zip bool, passphrase string) (sealer, error) {
	if zip {
		return func(w io.Writer) (archive, error) { return aeszip.NewWriter(w, passphrase), nil }, nil
	}
	if e.RecipientKey != "" {
		to, err := recipient(e.RecipientKey)
		return inAge(to), err
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	to.SetWorkFactor(stretching)
	return inAge(to), nil
}

// stretching is the exponent of scrypt's cost: 2^14, 16 MB. A passphrase that was made has 120 bits, which no
// stretching makes harder to guess; age's own 2^18 would take 256 MB of the console for every download.
const stretching = 14

// inAge seals a plain archive as a whole, its list of files too.
func inAge(to age.Recipient) sealer {
	return func(w io.Writer) (archive, error) {
		sealed, err := age.Encrypt(w, to)
		if err != nil {
			return nil, err
		}
		return ageArchive{zip.NewWriter(sealed), sealed}, nil
	}
}

type ageArchive struct {
	zip    *zip.Writer
	sealed io.WriteCloser
}

// Create begins a file.
func (a ageArchive) Create(name string, method uint16, at time.Time) (io.WriteCloser, error) {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at})
	return unclosed{w}, err
}

// Close ends the archive and what it is sealed in.
func (a ageArchive) Close() error {
	if err := a.zip.Close(); err != nil {
		return err
	}
	return a.sealed.Close()
}

// unclosed is a file that the beginning of the next one ends.
type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }
