package conversation_test

import (
	"errors"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// What is read is written down before, and what cannot be written down is not read.
func TestNothingIsReadThatIsNotWrittenDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		c := store(t, d, v, one("e1", sales, said("机密")))[0].ID
		s := &conversation.Conversations{DB: d, Vault: v}
		by := accounttest.Actor(account.Supervisor, sales)
		q := conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Size: 10}
		dbtest.Exec(t, d, "DELETE FROM audit_head")
		if got, err := s.Open(t.Context(), by, c); got != nil || !errors.Is(err, audit.ErrNoHead) {
			t.Errorf("opened: %v, %v", got, err)
		}
		if got, err := s.OpenIn(t.Context(), by, c, q); got != nil || !errors.Is(err, audit.ErrNoHead) {
			t.Errorf("opened in a search: %v, %v", got, err)
		}
		if got, err := s.Search(t.Context(), by, q); got != nil || !errors.Is(err, audit.ErrNoHead) {
			t.Errorf("searched: %v, %v", got, err)
		}
		dbtest.Exec(t, d, "INSERT INTO audit_head (id, size, root, edge) VALUES (1, 0, ?, ?)", make([]byte, 32), []byte{})
		if _, err := s.Open(t.Context(), by, c); err != nil {
			t.Error(err)
		}
	})
}

// An opening whose transaction still sees a key that was moved and destroyed looks again.
func TestAnOpeningBesideAPurgeThatMovesKeysOpens(t *testing.T) {
	d, faults := dbtest.Faulty(t, dbtest.NewClock())
	beside := faults.Plain(t)
	v := vault(t)
	c := store(t, beside, v, one("stays", sales, said("还在这里")))[0].ID
	s := &conversation.Conversations{DB: d, Vault: v}
	moved := faults.Meanwhile("conversation_key", func() {
		if err := moveKey(beside, v, c); err != nil {
			t.Error(err)
		}
	})
	got, err := s.Open(t.Context(), accounttest.Actor(account.Supervisor, sales), c)
	if !moved() {
		t.Fatal("no key was moved meanwhile, so this proves nothing")
	}
	if err != nil || got.Document == nil {
		t.Errorf("%+v, %v", got, err)
	}
}
