package handlers

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/fault"
)

// Sealer seals what may stand in an address but not be read there.
type Sealer interface {
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
}

const (
	customerPurpose = "customer search"
	customerLife    = 30 * time.Minute
	longestCustomer = 200
)

// sealCustomer makes the token under which a search for a customer has an address: only the
// one who asked can use it, and only for half an hour.
func sealCustomer(k Sealer, by account.Actor, customer string, now time.Time) (string, error) {
	customer = strings.TrimSpace(customer)
	if customer == "" {
		return "", nil
	}
	if utf8.RuneCountInString(customer) > longestCustomer {
		return "", fault.Invalid("conversation.customer_too_long", longestCustomer).On("customer")
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	sealed := k.SealSmall(customerPurpose, owner(by), append(plain, customer...))
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openCustomer gives back what was sealed. The fault is invalid when the token is old,
// somebody else's or none.
func openCustomer(k Sealer, by account.Actor, token string, now time.Time) (string, error) {
	if token == "" {
		return "", nil
	}
	stale := fault.Invalid("conversation.customer_stale").On("customer")
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", stale
	}
	plain, err := k.OpenSmall(customerPurpose, owner(by), sealed)
	if err != nil || len(plain) < 9 {
		return "", stale
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	if age := now.Sub(made); age < -time.Minute || age > customerLife {
		return "", stale
	}
	return string(plain[8:]), nil
}

func owner(by account.Actor) []byte { return binary.BigEndian.AppendUint64(nil, uint64(by.ID)) }
