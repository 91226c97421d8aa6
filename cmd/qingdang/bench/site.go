package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// clock is the host's, a while ahead, so that nobody waits for a cooling-off.
type clock struct{ ahead atomic.Int64 }

// Now is part of db.Clock.
func (c *clock) Now(context.Context, string, db.Queryer) (time.Time, error) {
	return time.Now().Add(time.Duration(c.ahead.Load())), nil
}

// reach puts the clock behind t.
func (c *clock) reach(t time.Time) { c.ahead.Store(int64(time.Until(t) + time.Second)) }

// site is one installation: a database, its key store and the use cases over both. Its database
// is marked as a demo's, so that its people's codes can be had and nobody serves it.
type site struct {
	db            *db.DB
	clock         *clock
	store         *seal.Store
	vault         conversation.Vault
	accounts      *account.Accounts
	departments   *department.Departments
	index         *index.Index
	conversations *conversation.Conversations
	desk          *purge.Desk
	log           *audit.Log
	ledger        *purge.Ledger
}

const organisationName = "云栖优品集团"

// openSite opens a database with the key store in dir, migrates it and makes what is missing.
func openSite(ctx context.Context, s db.Settings, dir string) (*site, error) {
	o := &site{clock: &clock{}}
	s.Clock = o.clock
	var err error
	if o.db, err = db.Open(ctx, s); err != nil {
		return nil, err
	}
	if err := o.open(ctx, dir); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (o *site) open(ctx context.Context, dir string) (err error) {
	if err := o.db.Migrate(ctx); err != nil {
		return err
	}
	if o.store, err = seal.OpenStore(seal.Options{Dir: filepath.Join(dir, "keys"), Create: true}); err != nil {
		return err
	}
	o.vault = conversation.Vault{Store: o.store}
	o.departments = &department.Departments{DB: o.db}
	o.accounts, err = account.New(account.Settings{DB: o.db, Keys: o.store, Resolve: o.departments.Resolve, Demo: true})
	if err != nil {
		return err
	}
	signer, err := o.store.Signer("qingdang/bench")
	if err != nil {
		return err
	}
	o.index = conversation.NewIndex(o.db, o.vault, index.Options{Divisions: department.Divisions})
	o.conversations = &conversation.Conversations{DB: o.db, Vault: o.vault, Index: o.index}
	o.desk = &purge.Desk{DB: o.db, Accounts: o.accounts, Keys: o.store}
	o.log = &audit.Log{DB: o.db, Signer: signer, Dir: filepath.Join(dir, "checkpoints")}
	o.ledger = &purge.Ledger{Dir: filepath.Join(dir, "ledger"), Keys: o.store}
	return nil
}

// runner gives the worker that executes purges.
func (o *site) runner() *purge.Runner {
	return &purge.Runner{DB: o.db, Vault: o.vault, Desk: o.desk, Log: o.log, Ledger: o.ledger, Index: o.index, Organisation: organisationName, Worker: "bench"}
}

// Close closes the database and the key store.
func (o *site) Close() error {
	var errs []error
	if o.store != nil {
		errs = append(errs, o.store.Close())
	}
	return errors.Join(append(errs, o.db.Close())...)
}

// The people of a site, by staff number, and the password that all have.
const (
	requester  = "b1"
	supervisor = "b2"
	legal      = "b3"

	benchPassword = "qingdang-bench"
)

// people adds the people to a new database.
func (o *site) people(ctx context.Context) error {
	if err := o.accounts.MarkDemo(ctx); err != nil {
		return err
	}
	root, err := o.departments.Ensure(ctx, account.System("bench", ""), rootName)
	if err != nil {
		return err
	}
	for staffNo, role := range map[string]account.Role{requester: account.Agent, supervisor: account.Supervisor, legal: account.Legal} {
		n := account.NewUser{StaffNo: staffNo, Name: "测试" + staffNo, Email: staffNo + "@example.cn", Role: role, Scope: []account.ScopeRow{{Department: root.ID, Sub: true}}}
		if _, err := o.accounts.AddDemo(ctx, n, benchPassword); err != nil {
			return fmt.Errorf("account %s: %w", staffNo, err)
		}
	}
	return nil
}

// cast gives the people as actors.
func (o *site) cast(ctx context.Context) (c Cast, err error) {
	actor := func(staffNo string) account.Actor {
		who, e := o.accounts.FindUser(ctx, account.System("bench", ""), staffNo)
		err = errors.Join(err, e)
		return account.Actor{
			ID: who.User, PersonID: who.Person, StaffNo: who.StaffNo, Name: who.Name, Role: who.Role, Scope: account.Everywhere(), Source: "bench",
		}
	}
	c = Cast{Requester: actor(requester), Supervisor: actor(supervisor), Legal: actor(legal)}
	c.Code = func(ctx context.Context, who account.Actor) (string, error) {
		return o.accounts.DemoCode(ctx, who.StaffNo)
	}
	return c, err
}

// choice is a way to choose n conversations.
type choice struct {
	Name   string
	choose func(context.Context, *db.DB, int) ([]id.Conversation, error)
}

var choices = []choice{{"scattered", Scattered}, {"period", Period}}

// order puts what a choice gives into the bin and gets the purge of it approved.
func (o *site) order(ctx context.Context, c choice, n int) (*purge.Request, error) {
	ids, err := c.choose(ctx, o.db, n)
	if err != nil {
		return nil, err
	}
	people, err := o.cast(ctx)
	if err != nil {
		return nil, err
	}
	batch, err := Bin(ctx, o.db, o.desk.Keys, people.Requester, time.Now(), ids)
	if err != nil {
		return nil, err
	}
	return Approved(ctx, o.desk, people, batch)
}

// copyKeys copies a key store that nobody writes to.
func copyKeys(from, to string) error {
	from, to = filepath.Join(from, "keys"), filepath.Join(to, "keys")
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	for _, f := range files {
		text, e := os.ReadFile(filepath.Join(from, f.Name()))
		err = errors.Join(err, e, os.WriteFile(filepath.Join(to, f.Name()), text, 0o600))
	}
	return err
}
