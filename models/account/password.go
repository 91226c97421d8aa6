package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"qingdang/models/fault"
)

// The cost of one password check: 19 MiB, two passes. A hash remembers the
// cost it was made with, so raising it here later breaks no stored password.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltSize  = 16
	keySize   = 32
)

// Bounds of the cost that a stored hash may ask for, so that a row written by
// somebody else cannot make the program take all memory.
const (
	mostMemoryKiB = 256 * 1024
	mostPasses    = 16
	mostLanes     = 16
)

// slots bounds how many checks run at once: each takes its memory.
var slots = make(chan struct{}, 4)

// nobody is checked when there is no such account, so that the answer takes as
// long as a wrong password does. Nothing matches its key of zeros.
var nobody = phc(make([]byte, saltSize), make([]byte, keySize))

func phc(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	key, err := derive(ctx, password, salt, cost{memoryKiB, passes, lanes, keySize})
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

// matches compares in constant time. An empty hash stands for an account without a
// password, which nothing matches; it still costs a full check.
func matches(ctx context.Context, password, hash string) (bool, error) {
	blank := hash == ""
	if blank {
		hash = nobody
	}
	salt, want, c, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	got, err := derive(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !blank && hash != nobody, nil
}

type cost struct {
	memory, passes uint32
	lanes          uint8
	size           uint32
}

func derive(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a password check: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, c.size), nil
}

var errHash = errors.New("account: malformed password hash")

func parsePHC(hash string) (salt, key []byte, c cost, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return nil, nil, c, errHash
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return nil, nil, c, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return nil, nil, c, errHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return nil, nil, c, errHash
	}
	if c.memory > mostMemoryKiB || c.passes == 0 || c.passes > mostPasses || c.lanes == 0 || c.lanes > mostLanes {
		return nil, nil, c, errHash
	}
	c.size = uint32(len(key))
	return salt, key, c, nil
}

const (
	leastPassword    = 10
	mostPassword     = 200 // characters; a longer one costs time and adds nothing
	leastDifferent   = 5
	leastNamePart    = 4
	passwordField    = "password"
	passwordTooLong  = "account.password_long"
	passwordTooShort = "account.password_short"
	passwordSimple   = "account.password_simple"
)

// common are beginnings that guessing programs try first.
var common = []string{"password", "passw0rd", "qwertyuiop", "1qaz2wsx", "123456789", "987654321", "qingdang", "admin123", "administrator", "letmein", "iloveyou", "woaini"}

// CheckPassword gives an invalid fault for a password that is too short, too long
// or easily guessed; own are the words of the account it may not contain.
func CheckPassword(password string, own ...string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case length < leastPassword:
		return fault.Invalid(passwordTooShort, leastPassword).On(passwordField)
	case length > mostPassword:
		return fault.Invalid(passwordTooLong, mostPassword).On(passwordField)
	}
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	lower := strings.ToLower(password)
	simple := len(different) < leastDifferent
	for _, word := range common {
		simple = simple || strings.HasPrefix(lower, word)
	}
	for _, word := range own {
		word = strings.ToLower(strings.TrimSpace(word))
		simple = simple || len(word) >= leastNamePart && strings.Contains(lower, word)
	}
	if simple {
		return fault.Invalid(passwordSimple).On(passwordField)
	}
	return nil
}
