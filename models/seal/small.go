package seal

const (
	smallVersion = 1
	smallLabel   = "qingdang/seal/small/1\x00"
)

// SealSmall seals a secret of a few bytes, such as a TOTP seed, directly under a key of the store. aad is
// what it is bound to, the id of its owner above all. It is for secrets that live as long as the
// installation: nothing sealed here can be erased by destroying a bucket, so never seal chat text with it.
//
// The format is version ‖ box(plain); see the type box.
func (s *Store) SealSmall(purpose string, aad, plain []byte) []byte {
	var nonce [nonceSize]byte
	s.fill(nonce[:])
	out := make([]byte, 1, 1+len(plain)+boxOverhead)
	out[0] = smallVersion
	return s.small(purpose).seal(out, &nonce, plain, append([]byte(smallLabel), aad...))
}

// OpenSmall is the inverse of SealSmall. It returns ErrTampered when purpose or aad differ.
func (s *Store) OpenSmall(purpose string, aad, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrTampered
	}
	if sealed[0] != smallVersion {
		return nil, &FormatError{What: "small version", Got: int(sealed[0])}
	}
	return s.small(purpose).open(nil, sealed[1:], append([]byte(smallLabel), aad...))
}

func (s *Store) small(purpose string) *box {
	if b, ok := s.smalls.Load(purpose); ok {
		return b.(*box)
	}
	key := s.derive("small", purpose, dataKeySize)
	b, _ := s.smalls.LoadOrStore(purpose, newBox((*[dataKeySize]byte)(key)))
	clear(key)
	return b.(*box)
}
