package account

import (
	"bytes"
	"fmt"
	"regexp"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Reading is what somebody may search and read, masked, beside the own departments: access to
// others that was agreed to, until a moment. It is no Scope: nothing that changes, holds, gives out
// or destroys looks at it.
type Reading struct {
	Code         string // DY-20261122-001
	Where        Scope
	Conversation id.Conversation // this one alone; 0: any
	Customer     []byte          // of this customer alone, by keyed name; nil: of any
	From, To     time.Time       // of the last message, To excluded; zero: open
	Until        time.Time
}

var readingCode = regexp.MustCompile(`^DY-\d{8}-\d{3,6}$`)

// IsReadingCode tells whether a text has the form of a reading's code, so that nothing else that
// stands in an address comes into the log.
func IsReadingCode(s string) bool { return readingCode.MatchString(s) }

// Covers tells whether a conversation may be read now.
func (r *Reading) Covers(now time.Time, d id.Department, c id.Conversation, customer []byte, last time.Time) bool {
	return now.Before(r.Until) && r.Where.Has(d) && (r.Conversation == 0 || r.Conversation == c) &&
		(r.Customer == nil || bytes.Equal(r.Customer, customer)) &&
		(r.From.IsZero() || !last.Before(r.From)) && (r.To.IsZero() || last.Before(r.To))
}

// Under gives the actor's reading of that code. Whether its time is over is asked where it is used.
func (a Actor) Under(code string) (Reading, bool) {
	for _, r := range a.Readings {
		if r.Code == code {
			return r, true
		}
	}
	return Reading{}, false
}

// ScopeRows gives an account's departments as they are stored.
func ScopeRows(tx *db.Tx, who id.User) ([]ScopeRow, error) { return scopeRows(tx, who) }

// reach is the one place that says where an account acts and what else it may read.
func (a *Accounts) reach(tx *db.Tx, u *user, rows []ScopeRow) (scope Scope, readings []Reading, err error) {
	switch {
	case u.Role.everywhere():
		return Everywhere(), nil, nil
	case len(rows) > 0:
		if scope, err = a.resolve(tx, rows); err != nil {
			return Scope{}, nil, fmt.Errorf("resolve scope: %w", err)
		}
	}
	if a.readings != nil {
		if readings, err = a.readings(tx, u.ID); err != nil {
			return Scope{}, nil, fmt.Errorf("resolve readings: %w", err)
		}
	}
	return scope, readings, nil
}

// gone tells whoever has to know that an account was turned off or does other work now.
func (a *Accounts) gone(tx *db.Tx, by Actor, who id.User) error {
	if a.left == nil {
		return nil
	}
	return a.left(tx, by, who)
}
