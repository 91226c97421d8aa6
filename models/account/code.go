package account

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// One-time codes as RFC 6238 has them: six digits every 30 seconds. A clock may be
// one step off in either direction.
const (
	stepLength = 30 * time.Second
	codeDigits = 6
	skewSteps  = 1
)

// canonicalCode reads the six digits of a code. Blanks and the dashes that people
// copy along are ignored and full-width digits are read, so that every
// code has one spelling before anything is compared.
func canonicalCode(typed string) (string, bool) {
	const longest = 64
	if len(typed) > longest {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		switch {
		case unicode.IsSpace(r), r == '-':
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９':
			b.WriteRune('0' + r - '０')
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == codeDigits
}

func stepAt(t time.Time) int64 { return t.Unix() / int64(stepLength/time.Second) }

func codeAt(secret string, step int64) (string, error) {
	code, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("account: one-time code: %w", err)
	}
	return code, nil
}

// stepOf finds the step whose code was typed. All steps are computed whatever
// matches, and the newest match wins.
func stepOf(secret, typed string, now time.Time) (step int64, found bool, err error) {
	code, ok := canonicalCode(typed)
	if !ok {
		return 0, false, nil
	}
	current := stepAt(now)
	for s := current - skewSteps; s <= current+skewSteps; s++ {
		want, err := codeAt(secret, s)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, found = s, true
		}
	}
	return step, found, nil
}

// usedBefore tells whether the code that was typed is the one that was taken last, a little while ago. It
// opens nothing: whoever types a code a second time is told so instead of that it is wrong. A code that was never
// taken cannot be told apart by it.
func usedBefore(secret, typed string, last int64, now time.Time) (bool, error) {
	const remembered = 10 // steps: five minutes
	code, ok := canonicalCode(typed)
	if !ok || last <= 0 || stepAt(now)-last > remembered {
		return false, nil
	}
	want, err := codeAt(secret, last)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1, nil
}
