package seal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const signerPurpose = "signing key"

// Signer is an Ed25519 signing key. It is a note.Signer of golang.org/x/mod/sumdb/note, the format of
// signed checkpoints (C2SP signed-note).
type Signer struct {
	name   string
	hash   uint32
	public string
	key    ed25519.PrivateKey
}

var _ note.Signer = (*Signer)(nil)

// Signer returns the signing key of that name, such as "qingdang.local/audit". The first call makes it;
// it stands in the key store folder as signer-<name>.key, sealed under the store's secret. A caller that has
// signed before should compare Public with what it knows: a lost file gives a new key here.
func (s *Store) Signer(name string) (*Signer, error) {
	signer, err := s.signer(name)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", name, err)
	}
	return signer, nil
}

func (s *Store) signer(name string) (*Signer, error) {
	path := s.path(signerPrefix + url.PathEscape(name) + signerSuffix)
	var signer *Signer
	err := s.exclusive(func() error {
		sealed, err := os.ReadFile(path)
		if err == nil {
			seed, err := s.OpenSmall(signerPurpose, []byte(name), sealed)
			if err != nil {
				return err
			}
			signer, err = newSigner(name, seed)
			return err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		seed := make([]byte, ed25519.SeedSize)
		s.fill(seed)
		if signer, err = newSigner(name, seed); err != nil { // refuses a bad name before it is written
			return err
		}
		return writeDurably(path, s.SealSmall(signerPurpose, []byte(name), seed))
	})
	return signer, err
}

// signerName is the name of the key that stands in a file.
func signerName(file string) (string, error) {
	return url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(file, signerPrefix), signerSuffix))
}

func newSigner(name string, seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, ErrDamaged
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	return &Signer{name: name, hash: verifier.KeyHash(), public: public, key: key}, nil
}

// Name is the name the key was asked for with.
func (s *Signer) Name() string { return s.name }

// KeyHash is the short identity of the key in a signed note.
func (s *Signer) KeyHash() uint32 { return s.hash }

// Public is the verifier key, "<name>+<hash>+<key>", as note.NewVerifier reads it.
func (s *Signer) Public() string { return s.public }

// Sign returns the Ed25519 signature (RFC 8032) of msg. It never fails; note.Signer wants the error.
func (s *Signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }
