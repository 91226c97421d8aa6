package seal

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// dict holds the dictionaries ever used for packing, named by number. A dictionary is part of the
// ciphertext format: one changed byte and everything packed with it is unreadable. New ones are added
// under the next number; none is ever changed or removed.
//
//go:embed dict/*.zstd
var dict embed.FS

// dictionaries returns all dictionaries by number, and the number new documents are packed with.
func dictionaries() (all map[byte][]byte, newest byte) {
	entries, err := dict.ReadDir("dict")
	if err != nil {
		panic(err)
	}
	all = map[byte][]byte{}
	for _, e := range entries {
		n, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ".zstd"), 10, 8)
		if err != nil || n == 0 {
			panic(fmt.Sprintf("dict/%s: want a number from 1 to 255", e.Name()))
		}
		b, err := dict.ReadFile("dict/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[byte(n)] = b
		newest = max(newest, byte(n))
	}
	return all, newest
}
