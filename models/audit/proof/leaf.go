package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// LeafVersion is the version of the leaf format that is written now.
const LeafVersion = 1

// TimeFormat is how a leaf writes an instant: RFC 3339, UTC, microseconds.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

var errLeaf = errors.New("proof: not a leaf")

// LeafHead is what a verifier needs to know of a leaf without understanding what
// was done.
type LeafHead struct {
	Version int            `json:"v"`
	N       int64          `json:"n"`
	At      string         `json:"at"`
	Data    map[string]any `json:"data"`
}

// ParseLeafHead reads the head of a leaf and insists on the canonical spelling.
func ParseLeafHead(leaf []byte) (LeafHead, error) {
	v, err := decode(leaf)
	if err != nil {
		return LeafHead{}, fmt.Errorf("%w: %w", errLeaf, err)
	}
	again, err := Canonical(v)
	if err != nil || !bytes.Equal(again, leaf) {
		return LeafHead{}, errLeaf
	}
	var h LeafHead
	if err := json.Unmarshal(leaf, &h); err != nil || h.Version != LeafVersion {
		return LeafHead{}, errLeaf
	}
	return h, nil
}

// Time gives the instant of a leaf, zero if it is malformed.
func (h LeafHead) Time() time.Time {
	t, err := time.Parse(TimeFormat, h.At)
	if err != nil {
		return time.Time{}
	}
	return t
}

// leafIndex reads only the index, for walking a million leaves.
func leafIndex(leaf []byte) (int64, bool) {
	var h struct {
		Version int   `json:"v"`
		N       int64 `json:"n"`
	}
	if err := json.Unmarshal(leaf, &h); err != nil || h.Version != LeafVersion {
		return 0, false
	}
	return h.N, true
}
