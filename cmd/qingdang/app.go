package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qingdang/handlers"
	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/custody"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/inspection"
	"qingdang/models/intake"
	"qingdang/models/purge"
	"qingdang/models/report"
	"qingdang/models/retention"
	"qingdang/models/seal"
	"qingdang/models/search"
	"qingdang/models/subject"
)

// app is everything a command works with, opened by one Config.
type app struct {
	config        *Config
	db            *db.DB
	store         *seal.Store
	accounts      *account.Accounts
	departments   *department.Departments
	conversations *conversation.Conversations
	index         *index.Index
	searches      *search.Desk
	importer      *intake.Importer
	imports       *intake.Imports
	log           *audit.Log
	ledger        *purge.Ledger
	guard         *audit.ClockGuard
	bin           *bin.Bin
	holds         *hold.Holds
	purges        *purge.Desk
	exports       *export.Desk
	access        *access.Desk
	inspections   *inspection.Desk
	subjects      *subject.Requests
	retention     *retention.Desk
	reader        *report.Reader
	evidence      *report.Evidence
	demo          bool
	logins        int
	now           func() time.Time // nil: the host's
}

var suites = map[string]seal.Suite{"cascade": seal.Cascade, "aes": seal.AES256GCM, "sm4": seal.SM4GCM}

// signingName is the name in the verifier key that stands on certificates and reports.
const signingName = "qingdang/evidence"

// options are what only some commands or tests want of the wiring.
type options struct {
	demo  bool
	clock db.Clock
	// logins is how many tries at the login one address has at once; 0 is web's own bound. A
	// test has all its people behind one address.
	logins int
	// closed opens a database too that was restored and in which the ledger was not replayed.
	closed bool
}

// now is the clock of the key store and of pages, nil for the host's.
func (o options) now() func() time.Time {
	if o.clock == nil {
		return nil
	}
	return func() time.Time {
		t, err := o.clock.Now(context.Background(), "", nil)
		if err != nil {
			return time.Now()
		}
		return t
	}
}

// withApp opens the application by the environment, runs f and closes it. Every command that
// touches data migrates first, so that a script needs no server.
func (t *terminal) withApp(f func(a *app) error) error {
	c, err := loadConfig(t.getenv)
	if err != nil {
		return err
	}
	return t.withConfig(c, t.options, f)
}

func (t *terminal) withConfig(c *Config, o options, f func(a *app) error) (err error) {
	a, err := openApp(t.ctx, c, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return f(a)
}

// openApp opens the database and the key store and wires everything. A database whose key store is missing
// or older than it is refused: what it holds could not be read, and new keys would hide the loss.
func openApp(ctx context.Context, c *Config, o options) (*app, error) {
	a, err := openDatabase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// openDatabase opens the database alone and migrates.
func openDatabase(ctx context.Context, c *Config, o options) (*app, error) {
	if err := os.MkdirAll(c.temporary(), 0o700); err != nil {
		return nil, fmt.Errorf("QINGDANG_DATA: %w", err)
	}
	d, err := db.Open(ctx, db.Settings{DSN: c.DSN, File: c.databaseFile(), Clock: o.clock})
	if err != nil {
		return nil, err
	}
	a := &app{config: c, db: d}
	if err := d.Migrate(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *app) vault() conversation.Vault {
	return conversation.Vault{Store: a.store, Sensitive: a.config.sensitive}
}

func (a *app) open(ctx context.Context, o options) (err error) {
	if err := a.checkWhole(ctx); err != nil {
		return err
	}
	if err := a.openKeys(ctx, o); err != nil {
		return err
	}
	if err := custody.CheckAge(ctx, a.db, a.store); err != nil {
		return err
	}
	a.departments = &department.Departments{DB: a.db}
	vault := a.vault()
	a.access = &access.Desk{DB: a.db, Vault: vault, Zone: a.config.location}
	a.accounts, err = account.New(account.Settings{
		DB: a.db, Keys: a.store, Resolve: a.departments.Resolve, Readings: a.access.Readings, Left: a.access.Left, Demo: o.demo,
	})
	if err != nil {
		return err
	}
	a.access.Accounts = a.accounts
	a.index = conversation.NewIndex(a.db, vault, index.Options{Divisions: department.Divisions})
	a.conversations = &conversation.Conversations{DB: a.db, Vault: vault, Index: a.index}
	a.searches = &search.Desk{DB: a.db, Keys: a.store, Zone: a.config.location}
	a.importer = &intake.Importer{DB: a.db, Vault: vault}
	if err := a.openOutside(); err != nil {
		return err
	}
	if o.clock == nil {
		a.guard = &audit.ClockGuard{DB: a.db, Up: audit.Uptime()}
	}
	a.access.Clock = a.guard
	zone := a.config.location
	a.bin = &bin.Bin{DB: a.db, Zone: zone, Keys: a.store, Clock: a.guard, Cap: a.config.BatchCap, Codes: a.accounts, WordsList: vault.List().ID()}
	a.holds = &hold.Holds{DB: a.db, Clock: a.guard, Rescue: bin.Rescue, Zone: zone, Vault: vault, Accounts: a.accounts}
	a.purges = &purge.Desk{DB: a.db, Clock: a.guard, Accounts: a.accounts, Keys: a.store, Copies: a.store, Zone: zone}
	a.exports = &export.Desk{
		DB: a.db, Vault: vault, Accounts: a.accounts, Dir: a.config.Exports, Zone: zone, Organisation: a.config.Organisation, Clock: a.guard,
	}
	a.purges.Exports = exportsHolding
	a.imports = &intake.Imports{
		DB: a.db, Importer: a.importer, Keys: a.store, Dir: filepath.Join(a.config.Data, "uploads"), TempDir: a.config.temporary(), Zone: zone,
	}
	a.evidence = &report.Evidence{DB: a.db, Log: a.log, Zone: zone, Organisation: a.config.Organisation}
	a.inspections = &inspection.Desk{DB: a.db, Accounts: a.accounts, Keys: a.store, Log: a.log, Zone: zone, Organisation: a.config.Organisation}
	a.retention = &retention.Desk{DB: a.db, Accounts: a.accounts, Keys: a.store, Zone: zone, Alone: hold.Alone, Clock: a.guard}
	a.subjects = &subject.Requests{
		DB: a.db, Vault: vault, Bin: a.bin, Accounts: a.accounts, Zone: zone, Clock: a.guard, Outside: a.outsideRequests(),
	}
	a.reader = &report.Reader{DB: a.db, Conversations: a.conversations, Departments: a.departments, Zone: zone}
	a.demo, a.logins, a.now = o.demo, o.logins, o.now()
	if o.closed {
		return nil
	}
	if err := a.checkRestored(ctx); err != nil {
		return err
	}
	if err := bin.SealOld(ctx, a.db, a.store); err != nil {
		return err
	}
	if o.demo { // which begins in the past, see fillDemo
		return nil
	}
	return retention.Record(ctx, a.db)
}

// openOutside sets what the database is compared with: the checkpoints of its log and the ledger of its purges.
func (a *app) openOutside() error {
	signer, err := a.store.Signer(signingName)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	a.log = &audit.Log{DB: a.db, Signer: signer, Dir: a.config.Checkpoints, Witness: witness(a.config.Witness, a.config.WitnessToken, nil)}
	a.ledger = &purge.Ledger{Dir: a.config.Ledger, Keys: a.store}
	return nil
}

// outsideRequests are the deletion requests that the ledger's folder remembers.
func (a *app) outsideRequests() subject.Files {
	return subject.Files{Dir: a.config.Ledger, Keys: a.store}
}

// openKeys opens the key store of this database.
func (a *app) openKeys(ctx context.Context, o options) (err error) {
	a.store, err = custody.Open(ctx, a.db, a.keyOptions(o))
	return err
}

func (a *app) keyOptions(o options) seal.Options {
	return seal.Options{
		Dir: a.config.Keys, Root: []byte(a.config.RootKey), Suite: suites[a.config.Suite], BackupDays: int(a.config.KeyDays), Now: o.now(),
	}
}

// keeper looks after the key store.
func (a *app) keeper() *custody.Keeper {
	return &custody.Keeper{DB: a.db, Store: a.store, Folder: a.config.KeyBackups, Clock: a.guard}
}

// Close closes what was opened.
func (a *app) Close() error {
	var errs []error
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(append(errs, a.db.Close())...)
}

// address is the console's address for links that are printed.
func (a *app) address() string {
	scheme, host := "http", a.config.Listen
	if a.config.HTTPS {
		scheme = "https"
	}
	if strings.HasPrefix(host, ":") || strings.HasPrefix(host, "0.0.0.0:") {
		host = "127.0.0.1" + host[strings.LastIndex(host, ":"):]
	}
	return scheme + "://" + host
}

// tagging lets people tag, under the eyes of the holds.
func (a *app) tagging() *conversation.Tagging {
	return &conversation.Tagging{DB: a.db, Share: hold.ShareEpoch, Cover: func(tx *db.Tx, ids []id.Conversation) (map[string]int64, error) {
		return hold.OnStore(tx, a.store, ids, bin.Rescue)
	}}
}

// picker finds out what was chosen of a search.
func (a *app) picker() handlers.Picker {
	return handlers.Picker{Find: a.conversations, Departments: a.departments, Seal: a.store, Zone: a.config.location}
}
