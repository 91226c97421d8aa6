package paper

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"qingdang/static"
)

const fontName = "Noto"

// covered tells which characters the vendored font can draw.
var covered = sync.OnceValue(func() func(rune) bool { return cmap(static.PaperFont()) })

// cmap reads the character map of a TrueType font: its table of format 4, which holds everything up
// to U+FFFF. A font that it cannot read covers nothing, and every character is then replaced.
func cmap(font []byte) func(rune) bool {
	u16 := func(b []byte, at int) int {
		if at < 0 || at+2 > len(b) {
			return 0
		}
		return int(binary.BigEndian.Uint16(b[at:]))
	}
	table := tableOf(font, "cmap")
	for n := range u16(table, 2) {
		at := u16(table, 8+8*n)<<16 | u16(table, 10+8*n)
		if at >= len(table) || u16(table, at) != 4 {
			continue
		}
		sub := table[at:]
		twice := u16(sub, 6) // number of segments, doubled
		ends, starts, deltas, offsets := 14, 16+twice, 16+2*twice, 16+3*twice
		return func(r rune) bool {
			for i := 0; i < twice; i += 2 {
				if int(r) > u16(sub, ends+i) {
					continue
				}
				start, offset := u16(sub, starts+i), u16(sub, offsets+i)
				switch {
				case int(r) < start:
					return false
				case offset == 0:
					return (int(r)+u16(sub, deltas+i))&0xffff != 0
				}
				return u16(sub, offsets+i+offset+2*(int(r)-start)) != 0
			}
			return false
		}
	}
	return func(rune) bool { return false }
}

// tableOf finds a table of a TrueType font.
func tableOf(font []byte, tag string) []byte {
	if len(font) < 12 {
		return nil
	}
	for n := range int(binary.BigEndian.Uint16(font[4:])) {
		entry := font[12+16*n:]
		if len(entry) < 16 {
			return nil
		}
		if string(entry[:4]) != tag {
			continue
		}
		at, size := int(binary.BigEndian.Uint32(entry[8:])), int(binary.BigEndian.Uint32(entry[12:]))
		if at+size <= len(font) {
			return font[at : at+size]
		}
	}
	return nil
}

// drawable puts [U+1F600] in the place of what the font cannot draw, so that nothing is lost
// silently, and counts how often.
func drawable(s string, has func(rune) bool) (string, int) {
	var b strings.Builder
	n := 0
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r <= 0xffff && has(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
			n++
		}
	}
	return b.String(), n
}
