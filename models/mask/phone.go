package mask

// splits are the groupings in which people write a mobile number.
var splits = [][]int{{11}, {3, 4, 4}, {3, 8}, {7, 4}, {4, 3, 4}, {4, 4, 3}, {3, 3, 5}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}

// matchPhone takes a mobile number with or without the country code.
func matchPhone(text string, g []group) (Span, bool) {
	start, first := g[0].start, g[0].digits
	n := phoneGroups(g)
	switch {
	case n > 0:
	case len(g) > 1 && (first == "86" || first == "0086"):
		if n = phoneGroups(g[1:]); n > 0 {
			n++
		}
	case len(first) == 13 && first[:2] == "86" && mobile(first[2:]),
		len(first) == 15 && first[:4] == "0086" && mobile(first[4:]):
		n = 1
	}
	if n == 0 {
		return Span{}, false
	}
	if r, size := runeBefore(text, start); r == '+' && first[:2] == "86" {
		start -= size
	}
	last := g[n-1]
	if glued(text, start) || amountAfter(text, last.end) || codeAfter(text, last.end) || n > 1 && last.sep == '-' {
		return Span{}, false
	}
	return Span{Phone, start, last.end}, true
}

// phoneGroups gives how many groups at the head of g are a mobile number, or 0.
func phoneGroups(g []group) int {
	for _, lens := range splits {
		if grouped(g, lens) && mobile(lead(g)) {
			return len(lens)
		}
	}
	return 0
}

func grouped(g []group, lens []int) bool {
	if len(g) < len(lens) {
		return false
	}
	for k, n := range lens {
		if len(g[k].digits) != n {
			return false
		}
	}
	return true
}

// lead gives the first digits of a run, two at least.
func lead(g []group) string {
	if first := g[0].digits; len(first) > 1 {
		return first
	}
	return g[0].digits + g[1].digits
}

// mobile reports whether 11 digits that begin like s are a mobile number.
func mobile(s string) bool { return s[0] == '1' && s[1] >= '3' }

// codeAfter reports whether letters and digits follow, as in a code that only
// begins like a phone number. Letters alone are fine: people write 138…vx.
func codeAfter(text string, i int) bool {
	const reach = 16
	for range reach {
		r, size := runeAt(text, i)
		if isDigit(r) {
			return true
		}
		if !isLetter(r) && r != '_' {
			return false
		}
		i += size
	}
	return true
}
