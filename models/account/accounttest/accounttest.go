// Package accounttest gives tests accounts: a register with a throw-away key store,
// people who may act at once, and their one-time codes.
package accounttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Password is the password of every account that User makes.
const Password = "Orange-Lantern-7741"

const (
	passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$zSXdeuLIQlW5ppGsuzUhKw$ZtOC8RNJi9aMV22/EH/S6BS53XZSSeJ1ntwAlkW+Xns"
	secret       = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	step         = 30 * time.Second
)

var (
	stores  sync.Map // *db.DB to *seal.Store, so that all registers of one database share it
	counter atomic.Uint64
)

// New gives a register on d. An account's departments are exactly its scope rows.
func New(t testing.TB, d *db.DB) *account.Accounts {
	t.Helper()
	return open(t, d, false)
}

// Demo is New for a program that serves a demo.
func Demo(t testing.TB, d *db.DB) *account.Accounts {
	t.Helper()
	return open(t, d, true)
}

func open(t testing.TB, d *db.DB, demo bool) *account.Accounts {
	t.Helper()
	a, err := account.New(account.Settings{DB: d, Keys: Keys(t, d), Resolve: Exactly, Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Exactly resolves scope rows to their departments, without sub-departments.
func Exactly(_ *db.Tx, rows []account.ScopeRow) (account.Scope, error) {
	ids := make([]id.Department, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.Department)
	}
	return account.Within(ids...), nil
}

// Keys gives the key store that belongs to d in this test.
func Keys(t testing.TB, d *db.DB) *seal.Store {
	t.Helper()
	if s, ok := stores.Load(d); ok {
		return s.(*seal.Store)
	}
	s, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	stores.Store(d, s)
	t.Cleanup(func() {
		stores.Delete(d)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Use makes s the key store that belongs to d in this test, for tests beside a program that has
// the same one open.
func Use(t testing.TB, d *db.DB, s *seal.Store) {
	t.Helper()
	stores.Store(d, s)
	t.Cleanup(func() { stores.Delete(d) })
}

// User makes an account that may log in with Password and Code, and vote at once,
// and gives its actor.
func User(t testing.TB, d *db.DB, a *account.Accounts, role account.Role, departments ...id.Department) account.Actor {
	t.Helper()
	n := counter.Add(1)
	return Same(t, d, a, fmt.Sprintf("hr-%d", n), role, departments...)
}

// Same is User for the person of the given HR key, who may have other accounts.
func Same(t testing.TB, d *db.DB, a *account.Accounts, hrKey string, role account.Role, departments ...id.Department) account.Actor {
	t.Helper()
	n := counter.Add(1)
	scope := make([]account.ScopeRow, 0, len(departments))
	for _, dep := range departments {
		scope = append(scope, account.ScopeRow{Department: dep})
	}
	staffNo, name := fmt.Sprintf("t%d", n), fmt.Sprintf("测试员%d", n)
	who, _, err := a.AddUser(background(t), account.System("test", ""), account.NewUser{
		StaffNo: staffNo, HRKey: hrKey, Email: staffNo + "@example.cn", Name: name, Role: role, Scope: scope,
	})
	if err != nil {
		t.Fatal(err)
	}
	sealed := Keys(t, d).SealSmall("account totp", []byte(id.String(who)), []byte(secret))
	var stored account.Standing
	err = d.Write(background(t), func(tx *db.Tx) error {
		tx.MarkAudited()
		var from *time.Time
		if role.Confirmed() {
			from = &tx.Now
		}
		err := tx.Exec("UPDATE `user` SET password = ?, totp = ?, totp_confirmed = ?, vote_from = ? WHERE id = ?", passwordHash, sealed, true, from, who).Error
		if err != nil {
			return err
		}
		names, err := account.Names(tx, who)
		stored = names[who]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	actor := Actor(role, departments...)
	actor.ID, actor.PersonID, actor.StaffNo, actor.Name = who, stored.Person, stored.StaffNo, stored.Name
	return actor
}

// Code gives the next one-time code that the account can use. It is the same one
// until it has been used; when the two steps that count now are used up, move the clock.
func Code(t testing.TB, d *db.DB, who id.User) string {
	t.Helper()
	var code string
	err := d.Read(background(t), func(tx *db.Tx) error {
		var last []int64
		if err := tx.Raw("SELECT totp_last_step FROM `user` WHERE id = ?", who).Scan(&last).Error; err != nil {
			return err
		}
		if len(last) != 1 {
			return fmt.Errorf("no account %d", who)
		}
		now := tx.Now.Unix() / int64(step/time.Second)
		next := max(now, last[0]+1)
		if next > now+1 {
			return fmt.Errorf("the codes of account %d are used up: move the clock by 30 s", who)
		}
		var err error
		code, err = totp.GenerateCode(secret, time.Unix(next*int64(step/time.Second), 0))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// Actor gives an actor that is in no database, with ids of its own.
func Actor(role account.Role, departments ...id.Department) account.Actor {
	n := counter.Add(1)
	scope := account.Within(departments...)
	if role == account.Legal || role == account.Auditor || role == account.Admin {
		scope = account.Everywhere()
	}
	return account.Actor{
		ID: id.User(1_000_000 + n), PersonID: id.Person(2_000_000 + n), StaffNo: fmt.Sprintf("a%d", n), Name: fmt.Sprintf("演员%d", n),
		Role: role, Scope: scope, Source: "192.0.2.7", RequestID: "test-request",
	}
}

func background(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }
