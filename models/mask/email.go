package mask

import "strings"

const (
	maxLocal  = 64
	maxDomain = 253
)

// emails finds mail addresses of ASCII letters, also full-width ones.
func emails(text string) []Span {
	var spans []Span
	floor := 0
	for i := 0; ; {
		at := strings.IndexAny(text[i:], "@＠")
		if at < 0 {
			return spans
		}
		at += i
		_, size := runeAt(text, at)
		i = at + size
		start, end := local(text, at, floor), domain(text, i)
		if start < at && end > i {
			spans = append(spans, Span{Email, start, end})
			floor, i = end, end
		}
	}
}

// local gives where the part before the @ begins, or at.
func local(text string, at, floor int) int {
	start := at
	for i, n := at, 0; i > floor && n < maxLocal; n++ {
		r, size := runeBefore(text, i)
		if !isLetter(r) && !isDigit(r) && !strings.ContainsRune("._%+-", r) {
			break
		}
		i -= size
		if isLetter(r) || isDigit(r) || r == '_' {
			start = i // an address does not begin with a dot or a dash
		}
	}
	return start
}

// domain gives where the host after the @ ends, or i when there is none: labels
// with dots between them, the last of two letters or more.
func domain(text string, i int) int {
	end, labels, letters, alnum := i, 0, 0, 0
	for j := i; j-i < maxDomain; {
		r, size := runeAt(text, j)
		j += size
		switch {
		case isLetter(r):
			alnum++
			letters++
			if labels > 0 && letters >= 2 && letters == alnum {
				end = j
			}
		case isDigit(r) || r == '-' && alnum > 0:
			alnum++
		case r == '.' && alnum > 0:
			labels++
			letters, alnum = 0, 0
		default:
			return end
		}
	}
	return end
}
