package handlers

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/fault"
	terms "qingdang/models/words"
	"qingdang/templates"
)

// Sealer seals what may stand in an address but not be read there.
type Sealer interface {
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
}

const (
	privatePurpose  = "private search"
	privateLife     = 30 * time.Minute
	longestCustomer = 200
)

// private is the part of a search that stands in no address, log or referrer.
type private struct {
	Customer string `json:"c,omitempty"`
	Q        string `json:"q,omitempty"` // keywords that look like personal data
}

// privately takes out of a search what may not be read in its address.
func privately(s templates.Search, customer string) (templates.Search, private) {
	p := private{Customer: strings.TrimSpace(customer)}
	if terms.LooksPersonal(s.Q) {
		s.Q, p.Q = "", s.Q
	}
	return s, p
}

// seal makes the token under which a search has an address: only the one who asked can use it, and only
// for half an hour. Nothing private needs none.
func (p private) seal(k Sealer, by account.Actor, now time.Time) (string, error) {
	if p == (private{}) {
		return "", nil
	}
	if utf8.RuneCountInString(p.Customer) > longestCustomer {
		return "", fault.Invalid("conversation.customer_too_long", longestCustomer).On("customer")
	}
	return sealToken(k, privatePurpose, by, now, p)
}

// openPrivate gives back what was sealed. The fault is invalid when the token is old,
// somebody else's or none.
func openPrivate(k Sealer, by account.Actor, token string, now time.Time) (p private, err error) {
	if token != "" && !openToken(k, privatePurpose, by, token, now, privateLife, &p) {
		return private{}, fault.Invalid("conversation.customer_stale").On("customer")
	}
	return p, nil
}

// sealToken writes a value for an address: sealed, for one reader, with the time.
func sealToken(k Sealer, purpose string, by account.Actor, now time.Time, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	sealed := k.SealSmall(purpose, owner(by), append(binary.BigEndian.AppendUint64(nil, uint64(now.Unix())), plain...))
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openToken reads what sealToken wrote, unless it is too old, somebody else's or none.
func openToken(k Sealer, purpose string, by account.Actor, token string, now time.Time, life time.Duration, value any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	plain, err := k.OpenSmall(purpose, owner(by), sealed)
	if err != nil || len(plain) < 9 {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(plain)), 0))
	return age >= -time.Minute && age <= life && json.Unmarshal(plain[8:], value) == nil
}

func owner(by account.Actor) []byte { return binary.BigEndian.AppendUint64(nil, uint64(by.ID)) }
