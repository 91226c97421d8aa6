package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Digest gives the digest of a document: what its audit leaf must carry under
// DigestField before the document can be sealed.
func Digest(format string, body any) ([32]byte, error) {
	m, err := object(body)
	if err != nil {
		return [32]byte{}, err
	}
	d, err := digests(m)
	if err != nil {
		return [32]byte{}, err
	}
	return rootOf(format, d), nil
}

// digests gives the digest of every section of a body and of every element of
// those sections that are lists, by JSON pointer. It is what lets Verify name
// the place of a change.
func digests(body map[string]any) (map[string]string, error) {
	out := map[string]string{}
	for name, section := range body {
		pointer := "/body/" + escapePointer(name)
		if err := digest(out, pointer, section); err != nil {
			return nil, err
		}
		list, _ := section.([]any)
		for i, e := range list {
			if err := digest(out, pointer+"/"+strconv.Itoa(i), e); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func digest(out map[string]string, pointer string, v any) error {
	data, err := Canonical(v)
	if err != nil {
		return fmt.Errorf("%s: %w", pointer, err)
	}
	// The pointer is hashed too, so that two sections cannot change places.
	sum := sha256.Sum256(append([]byte("qingdang/value/v1\n"+pointer+"\n"), data...))
	out[pointer] = hex.EncodeToString(sum[:])
	return nil
}

func rootOf(format string, digests map[string]string) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", format)
	for _, p := range slices.Sorted(maps.Keys(digests)) {
		fmt.Fprintf(h, "%s %s\n", p, digests[p])
	}
	return [32]byte(h.Sum(nil))
}
