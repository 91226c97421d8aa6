package mask

import (
	"strconv"
	"time"
)

// idCard reports whether s, 17 digits and a digit or X, is an identity card
// number of GB 11643: a province, a real date of birth, a right check digit.
func idCard(s string) bool {
	return len(s) == 18 && province(s) && birthDate(s[6:14]) && s[17] == idCheck(s[:17])
}

// looksLikeID reports whether an 18-digit number is built like an identity card
// number, whatever its check digit is.
func looksLikeID(s string) bool {
	return len(s) == 18 && province(s) && birthDate(s[6:14])
}

// oldIDCard reports whether s may be a number of the form before 1999, which has
// a year of two digits and no check digit.
func oldIDCard(s string) bool {
	return len(s) == 15 && province(s) && birthDate("19"+s[6:12])
}

func idCheck(s string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// birthDate reads yyyymmdd. The package has no clock, so a date to come passes.
func birthDate(s string) bool {
	if century := s[:2]; century != "19" && century != "20" {
		return false
	}
	_, err := time.Parse("20060102", s)
	return err == nil
}

func province(s string) bool {
	switch n, _ := strconv.Atoi(s[:2]); {
	case n >= 11 && n <= 15, n >= 21 && n <= 23, n >= 31 && n <= 37, n >= 41 && n <= 46,
		n >= 50 && n <= 54, n >= 61 && n <= 65, n == 71, n >= 81 && n <= 83:
		return true
	}
	return false
}

// luhn reports whether the digits pass the check of payment cards.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// issued reports whether cards of this length begin like s. Without it one order
// number in ten would pass for a card.
func issued(s string) bool {
	lead := func(n int) int { v, _ := strconv.Atoi(s[:n]); return v }
	switch n := len(s); {
	case s[:2] == "62": // UnionPay
		return n >= 16
	case n == 15:
		return s[:2] == "34" || s[:2] == "37"
	case n == 16:
		two, four := lead(2), lead(4)
		return s[0] == '4' || two >= 51 && two <= 55 || four >= 2221 && four <= 2720 ||
			four >= 3528 && four <= 3589 || s[:4] == "6011" || two == 64 || two == 65 || s[:2] == "60"
	case n == 19: // domestic debit cards from before the prefix 62
		return s[:4] == "9558" || s[:6] == "456351" || s[:6] == "436742"
	}
	return false
}
