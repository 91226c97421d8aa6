package index

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// unions remembers the documents of many values at once. The departments of a person are asked for in
// every search of his, and uniting hundreds of bitmaps costs more than all the rest of a page.
type unions struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte]*roaring.Bitmap
	oldest [][sha256.Size]byte
}

const (
	worthRemembering = 8  // values
	mostUnions       = 16 // of one head: people with scopes of their own who search at the same time
)

// of gives the union of the values, made by unite where it is not known. The bitmap is shared.
func (u *unions) of(k Kind, values []string, unite func() *roaring.Bitmap) *roaring.Bitmap {
	name := nameOf(k, values)
	u.mu.Lock()
	defer u.mu.Unlock()
	if b, ok := u.known[name]; ok {
		return b
	}
	b := unite()
	if u.known == nil {
		u.known = map[[sha256.Size]byte]*roaring.Bitmap{}
	}
	if len(u.oldest) == mostUnions {
		delete(u.known, u.oldest[0])
		u.oldest = u.oldest[1:]
	}
	u.known[name], u.oldest = b, append(u.oldest, name)
	return b
}

func nameOf(k Kind, values []string) (name [sha256.Size]byte) {
	b := binary.AppendUvarint(nil, uint64(k))
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return sha256.Sum256(b)
}
