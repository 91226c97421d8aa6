// Package id owns the types of identifiers. Every noun has its own, so that a
// department can never be handed over where a conversation was meant, and a set
// of ids is a type that cannot be built empty: an empty tick-box list must not
// become "everything".
package id

import (
	"errors"
	"slices"
	"strconv"
)

// The identifiers of the nouns. None is ever 0.
type (
	Conversation uint64
	Department   uint64
	User         uint64
	Person       uint64
	Batch        uint64
	Purge        uint64
	Approval     uint64
	Bucket       uint64
	Job          uint64
	Tag          uint64
	Hold         uint64
	Import       uint64
	Export       uint64
	Inspection   uint64
	Access       uint64
	Search       uint64
	Subject      uint64
)

// ErrMalformed says that a text is no identifier.
var ErrMalformed = errors.New("id: malformed")

// ErrEmptySet says that a set of ids was asked for without any id.
var ErrEmptySet = errors.New("id: empty set")

const largest = 1<<63 - 1

// Parse reads a decimal identifier. It refuses 0, signs, blanks, leading zeros
// and numbers above 2^63-1, so that one identifier has one spelling.
func Parse[T ~uint64](s string) (T, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || n > largest || strconv.FormatUint(n, 10) != s {
		return 0, ErrMalformed
	}
	return T(n), nil
}

// String gives the spelling that Parse reads.
func String[T ~uint64](v T) string { return strconv.FormatUint(uint64(v), 10) }

// Set is a sorted set of distinct ids. The zero value, which NewSet never
// returns, matches nothing.
type Set[T ~uint64] struct{ ids []T }

// NewSet gives the set of the given ids, or ErrEmptySet or ErrMalformed (an id
// of 0).
func NewSet[T ~uint64](ids ...T) (Set[T], error) {
	if len(ids) == 0 {
		return Set[T]{}, ErrEmptySet
	}
	if slices.Contains(ids, 0) {
		return Set[T]{}, ErrMalformed
	}
	own := slices.Clone(ids)
	slices.Sort(own)
	return Set[T]{ids: slices.Compact(own)}, nil
}

// ParseSet reads several identifiers; one malformed one refuses them all.
func ParseSet[T ~uint64](texts []string) (Set[T], error) {
	ids := make([]T, 0, len(texts))
	for _, s := range texts {
		v, err := Parse[T](s)
		if err != nil {
			return Set[T]{}, err
		}
		ids = append(ids, v)
	}
	return NewSet(ids...)
}

// Values gives the ids in ascending order for a condition `IN ?`. For the zero
// set it gives one id that no row has.
func (s Set[T]) Values() []T {
	if len(s.ids) == 0 {
		return []T{0}
	}
	return slices.Clone(s.ids)
}

// Len tells how many ids the set has.
func (s Set[T]) Len() int { return len(s.ids) }

// Has tells whether v is in the set.
func (s Set[T]) Has(v T) bool {
	_, found := slices.BinarySearch(s.ids, v)
	return found
}
