package access_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/department/departmenttest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
	spring   = time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
)

const (
	day    = 24 * time.Hour
	reason = "客户在两个部门都投诉，需要核对前后答复"
)

// world is 集团 above 华东 (with 杭州 below it) and 华北. 李 works as agent in 华北 and wants to read in
// 华东; east leads 华东 with 杭州, north leads 华北.
type world struct {
	t                       *testing.T
	d                       *db.DB
	clock                   *dbtest.Clock
	vault                   conversation.Vault
	accounts                *account.Accounts
	desk                    *access.Desk
	archive                 *conversation.Conversations
	east, city, north       id.Department
	li                      account.Actor
	chief, other            account.Actor // supervisors of 华东 and of 华北
	legal, auditor, admin   account.Actor
	inEast, inCity, inNorth id.Conversation
	eastCode, cityCode      string
	chats                   int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d, clock: clock, vault: conversation.Vault{Store: accounttest.Keys(t, d)}}
	w.desk = &access.Desk{DB: d, Vault: w.vault, Zone: shanghai}
	deps := &department.Departments{DB: d}
	var err error
	w.accounts, err = account.New(account.Settings{DB: d, Keys: w.vault.Store, Resolve: deps.Resolve, Readings: w.desk.Readings, Left: w.desk.Left})
	w.must(err)
	w.desk.Accounts = w.accounts
	w.archive = &conversation.Conversations{DB: d, Vault: w.vault, Index: conversation.NewIndex(d, w.vault, index.Options{})}
	w.city, w.north, w.east = w.department("集团/华东/杭州"), w.department("集团/华北"), w.department("集团/华东")
	user := func(role account.Role, in ...id.Department) account.Actor {
		return accounttest.User(t, d, w.accounts, role, in...)
	}
	w.li = user(account.Agent, w.north)
	w.chief, w.other = user(account.Supervisor, w.east, w.city), user(account.Supervisor, w.north)
	w.legal, w.auditor, w.admin = user(account.Legal), user(account.Auditor), user(account.Admin)
	w.inEast, w.inCity, w.inNorth = w.chat(w.east, "tb1"), w.chat(w.city, "tb2"), w.chat(w.north, "tb1")
	_, err = w.archive.Index.Fold(w.ctx())
	w.must(err)
	w.eastCode, w.cityCode = conversation.Code(w.inEast, "qianniu"), conversation.Code(w.inCity, "qianniu")
	return w
}

// each runs f in a world on each engine; at the end no grant may be wrong.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		f(t, w)
		if t.Failed() {
			return
		}
		if flaws := w.flaws(); len(flaws) > 0 {
			t.Errorf("at the end fsck says %v", flaws)
		}
	})
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return do(tx) }))
}

func (w *world) department(path string) id.Department {
	w.t.Helper()
	return departmenttest.Ensure(w.t, w.d, path)
}

func (w *world) chat(d id.Department, customer string) (made id.Conversation) {
	w.t.Helper()
	w.chats++
	said := conversation.Message{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(spring.Add(time.Duration(w.chats) * time.Hour)), Kind: "text", Text: "在吗"}
	w.write(func(tx *db.Tx) error {
		out, err := conversation.Store(tx, w.vault, []conversation.New{{
			Platform: "qianniu", DepartmentID: d, ServiceType: "咨询",
			Document: conversation.Document{ExternalID: fmt.Sprint("c", w.chats), CustomerID: customer, Messages: []conversation.Message{said}},
		}})
		if err == nil {
			made = out[0].ID
		}
		return err
	})
	return made
}

// now gives somebody as a request does: with today's departments and readings.
func (w *world) now(who account.Actor) account.Actor {
	w.t.Helper()
	a, err := w.accounts.Actor(w.ctx(), who.ID, "192.0.2.7")
	w.must(err)
	return a
}

func (w *world) wish() access.Wish {
	return access.Wish{Kind: access.OfDepartment, Department: w.east, From: spring.Add(-day), To: spring.Add(30 * day), Reason: reason}
}

func (w *world) ask(change func(*access.Wish)) *access.Grant {
	w.t.Helper()
	wish := w.wish()
	if change != nil {
		change(&wish)
	}
	g, err := w.desk.Ask(w.ctx(), w.now(w.li), wish)
	w.must(err)
	return g
}

func (w *world) ballot(g *access.Grant, by account.Actor) access.Ballot {
	w.t.Helper()
	w.clock.Advance(time.Minute) // each code serves once
	return access.Ballot{Access: g.ID, SeenRoot: g.Fingerprint(), Opinion: "属实，同意查阅", Code: accounttest.Code(w.t, w.d, by.ID)}
}

func (w *world) approve(g *access.Grant, by account.Actor) error {
	w.t.Helper()
	_, err := w.desk.Approve(w.ctx(), w.now(by), w.ballot(g, by))
	return err
}

func (w *world) grant(change func(*access.Wish)) *access.Grant {
	w.t.Helper()
	g := w.ask(change)
	w.must(w.approve(g, w.chief))
	return g
}

// found gives how many conversations a search under a grant finds.
func (w *world) found(g *access.Grant) (int64, error) {
	w.t.Helper()
	p, err := w.archive.Search(w.ctx(), w.now(w.li), conversation.Query{Under: g.Code, Size: 20, Filter: conversation.Filter{Departments: account.Everywhere()}})
	if err != nil {
		return 0, err
	}
	return p.Total, nil
}

func (w *world) open(c id.Conversation) error {
	_, err := w.archive.Open(w.ctx(), w.now(w.li), c)
	return err
}

// wantReading says whether the grant opens the conversation of 华东 now, by search and by opening.
func (w *world) wantReading(g *access.Grant, want bool) {
	w.t.Helper()
	n, searched := w.found(g)
	opened := w.open(w.inEast)
	if want && (n == 0 || searched != nil || opened != nil) {
		w.t.Errorf("%s finds %d (%v) and opens: %v", g.Code, n, searched, opened)
	}
	if !want && (fault.KindOf(searched) != fault.KindForbidden || fault.KindOf(opened) != fault.KindNotFound) {
		w.t.Errorf("%s still reads: found %d (%v), opened: %v", g.Code, n, searched, opened)
	}
}

func (w *world) state(g *access.Grant) access.Grant {
	w.t.Helper()
	var row access.Grant
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", g.ID).Take(&row).Error }))
	return row
}

func (w *world) wantState(g *access.Grant, state access.State, why string) {
	w.t.Helper()
	if got := w.state(g); got.State != state || got.ClosedWhy != why {
		w.t.Errorf("%s is %s (%q), want %s (%q)", g.Code, got.State, got.ClosedWhy, state, why)
	}
}

func (w *world) wantKey(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}

func (w *world) flaws() (keys []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		flaws, err := access.Wrong(tx, w.vault.Store)
		keys = nil
		for _, f := range flaws {
			keys = append(keys, f.Key)
		}
		return err
	}))
	return keys
}

// leaves counts the entries of the log by action and result; text must stand in each.
func (w *world) leaves(action, result, text string) int {
	w.t.Helper()
	var rows []struct{ Leaf []byte }
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ? AND result = ?", action, result).Select("leaf").Scan(&rows).Error
	}))
	n := 0
	for _, r := range rows {
		if strings.Contains(string(r.Leaf), text) {
			n++
		}
	}
	return n
}
