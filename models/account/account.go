// Package account owns who may use the console: people, their accounts and roles,
// what each role may do, passwords, one-time codes, sessions and one-time links.
// A person stands apart from the account, so that two accounts of one
// person never count as two people.
package account

import (
	"errors"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Keys is the part of the key store that accounts need: their secrets are sealed
// with it, and guesses at login names are counted under a digest of the name.
type Keys interface {
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
	MAC(purpose string, parts ...[]byte) [32]byte
}

// Settings is what the wiring hands over.
type Settings struct {
	DB   *db.DB
	Keys Keys
	// Resolve turns an account's scope rows into departments.
	Resolve Resolver
	// Readings gives what else an account may read now, nil: nothing. Access to other departments
	// lies floors above too.
	Readings func(tx *db.Tx, who id.User) ([]Reading, error)
	// Left is told, within the act, that an account was turned off or got another role; nil: nobody is.
	Left func(tx *db.Tx, by Actor, who id.User) error
	// Demo tells whether the program serves a demo database.
	Demo bool
}

// Resolver turns an account's scope rows into the departments that the account
// covers now. The department tree lies a floor above, so the wiring supplies it.
type Resolver func(tx *db.Tx, rows []ScopeRow) (Scope, error)

// Accounts is the register of accounts.
type Accounts struct {
	db       *db.DB
	keys     Keys
	resolve  Resolver
	readings func(*db.Tx, id.User) ([]Reading, error)
	left     func(*db.Tx, Actor, id.User) error
	demo     bool
}

// New opens the register.
func New(s Settings) (*Accounts, error) {
	if s.DB == nil || s.Keys == nil || s.Resolve == nil {
		return nil, errors.New("account: database, keys and resolver are needed")
	}
	return &Accounts{db: s.DB, keys: s.Keys, resolve: s.Resolve, readings: s.Readings, left: s.Left, demo: s.Demo}, nil
}
