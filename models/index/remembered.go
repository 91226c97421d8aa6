package index

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
)

// remembered keeps what was made of a head lately. A head never changes, so that what was made of nothing else
// stays true as long as there is the head.
type remembered[V any] struct {
	mu    sync.Mutex
	known map[Name]V
	used  []Name // the last one was used last
}

// Name tells what is remembered from everything else that is.
type Name [sha256.Size]byte

const (
	worthRemembering = 8  // values
	mostRemembered   = 16 // of one kind and head: searches of people who search at the same time
)

// of gives what has the name, made by make where it is not known. It is shared.
func (r *remembered[V]) of(name Name, make func() V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.known[name]; ok {
		if last := len(r.used) - 1; r.used[last] != name {
			i := slices.Index(r.used, name)
			r.used = append(slices.Delete(r.used, i, i+1), name)
		}
		return v
	}
	v := make()
	if r.known == nil {
		r.known = map[Name]V{}
	}
	if len(r.used) == mostRemembered {
		delete(r.known, r.used[0])
		r.used = slices.Delete(r.used, 0, 1)
	}
	r.known[name], r.used = v, append(r.used, name)
	return v
}

// Remembered gives what the segment remembers under a name, or else what make makes, for it to remember; that
// must follow from the segment and the name alone, and is shared.
func (s *Segment) Remembered(name Name, make func() any) any { return s.others.of(name, make) }

// NameOf gives the name of what is made of values of a kind. The departments of a person are asked for in every
// search of his, and uniting hundreds of bitmaps costs more than all the rest of a page.
func NameOf(k Kind, values []string) Name {
	b := binary.AppendUvarint(nil, uint64(k))
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return sha256.Sum256(b)
}
