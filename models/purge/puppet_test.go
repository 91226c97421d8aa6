package purge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
)

const taken = "Silver-Harbour-9923"

// intruder is one administrator who wants a purge and has nobody else. Whatever link the console
// gives goes to them, and where no second factor stands yet they become the account's holder.
type intruder struct {
	*world
	random  *rand.Rand
	admin   account.Actor
	known   []id.User          // every account that they can name
	puppets map[id.User]*pupil // those that they hold
	serial  int
	trace   []string
}

// pupil is an account that the intruder holds.
type pupil struct{ login, secret, token string }

var intrusion = account.Client{Source: "192.0.2.9", Agent: "test"}

func newIntruder(w *world, seed uint64) *intruder {
	in := &intruder{world: w, random: rand.New(rand.NewPCG(seed, 7)), puppets: map[id.User]*pupil{}}
	in.admin = accounttest.User(w.t, w.d, w.accounts, account.Admin)
	second := accounttest.User(w.t, w.d, w.accounts, account.Admin) // who does nothing
	in.known = []id.User{in.admin.ID, second.ID, w.agent.ID, w.supervisor.ID, w.legal.ID}
	// Added by the host's keeper, who has given the links to the people; nobody has used them yet.
	for _, role := range []account.Role{account.Supervisor, account.Legal, account.Admin} {
		who, _, err := w.accounts.AddUser(w.ctx(), account.System("cli", ""), in.newUser(role))
		w.must(err)
		in.known = append(in.known, who)
	}
	for _, role := range []account.Role{account.Agent, account.Supervisor, account.Supervisor, account.Legal, account.Admin} {
		in.add(in.admin, role)
	}
	return in
}

// add makes a new account and takes it.
func (in *intruder) add(by account.Actor, role account.Role) error {
	who, link, err := in.accounts.AddUser(in.ctx(), by, in.newUser(role))
	if err == nil {
		in.known = append(in.known, who)
		in.take(who, link)
	}
	return err
}

func (in *intruder) newUser(role account.Role) account.NewUser {
	in.serial++
	return account.NewUser{StaffNo: fmt.Sprintf("x%03d", in.serial), Name: "新同事", Role: role, Scope: []account.ScopeRow{{Department: in.sales}}}
}

// take uses a link: it sets the password and, where there is none, the second factor.
func (in *intruder) take(who id.User, link string) {
	in.t.Helper()
	half, err := in.accounts.UseLink(in.ctx(), account.LinkForm{Token: link, Password: taken, From: intrusion})
	in.must(err)
	if half.Enrolled {
		return // a password without its second factor opens nothing
	}
	page, err := in.accounts.EnrolPage(in.ctx(), half.Token, "x")
	in.must(err)
	p := &pupil{login: page.StaffNo, secret: strings.ReplaceAll(page.Secret, " ", "")}
	full, _, err := in.accounts.Enrol(in.ctx(), half.Token, in.code(p), intrusion)
	in.must(err)
	p.token = full.Token
	in.puppets[who] = p
}

func (in *intruder) code(p *pupil) string {
	in.clock.Advance(31 * time.Second)
	code, err := totp.GenerateCode(p.secret, in.clock.Time())
	in.must(err)
	return code
}

// confirm is a confirmation with the code of whoever gives it.
func (in *intruder) confirm(by account.Actor, who id.User) error {
	code := ""
	if p := in.puppets[by.ID]; p != nil {
		code = in.code(p)
	} else {
		in.clock.Advance(31 * time.Second)
		code = accounttest.Code(in.t, in.d, by.ID)
	}
	return in.accounts.ConfirmRole(in.ctx(), by, who, code)
}

// actors are the intruder and every puppet that can be logged in.
func (in *intruder) actors() []account.Actor {
	all := []account.Actor{in.admin}
	for _, who := range in.known {
		p := in.puppets[who]
		if p == nil {
			continue
		}
		s, err := in.accounts.Session(in.ctx(), p.token, intrusion)
		if err != nil {
			half, err := in.accounts.Login(in.ctx(), account.Attempt{Login: p.login, Password: taken, From: intrusion})
			if err != nil {
				continue
			}
			full, err := in.accounts.SecondFactor(in.ctx(), half.Token, in.code(p), intrusion)
			if err != nil {
				continue
			}
			p.token = full.Token
			if s, err = in.accounts.Session(in.ctx(), p.token, intrusion); err != nil {
				continue
			}
		}
		all = append(all, s.Actor)
	}
	return all
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// act does one thing that an administrator can do on the console, as the intruder or a puppet.
func (in *intruder) act() {
	by, who, role := in.admin, pick(in.random, in.known), pick(in.random, account.Roles())
	if in.random.IntN(3) == 0 {
		by = pick(in.random, in.actors())
	}
	var err error
	what := in.random.IntN(8)
	switch what {
	case 0, 1:
		err = in.add(by, role)
	case 2, 3:
		err = in.confirm(by, who)
	case 4:
		err = in.accounts.ChangeRole(in.ctx(), by, who, role)
	case 5:
		err = in.reset(by, who)
	case 6:
		if err = in.accounts.DisableUser(in.ctx(), by, who); err == nil {
			err = in.accounts.EnableUser(in.ctx(), by, who)
		}
	case 7:
		err = in.accounts.SetScope(in.ctx(), by, who, []account.ScopeRow{{Department: in.sales}, {Department: in.support}})
	}
	in.trace = append(in.trace, fmt.Sprintf("%d by %d (%s) on %d %s: %v", what, by.ID, by.Role, who, role, err))
}

// reset asks for a link to somebody's account and uses it.
func (in *intruder) reset(by account.Actor, who id.User) error {
	link, err := in.accounts.ResetLink(in.ctx(), by, who, false)
	if err == nil && who != in.admin.ID {
		in.take(who, link)
	}
	return err
}

// confirmAll lets everybody at hand confirm everybody.
func (in *intruder) confirmAll() {
	for _, by := range in.actors() {
		for _, who := range in.known {
			if err := in.confirm(by, who); err == nil {
				in.trace = append(in.trace, fmt.Sprintf("%d confirms %d", by.ID, who))
			}
		}
	}
}

// push tries to get a purge through with everybody at hand.
func (in *intruder) push() {
	actors := in.actors()
	// Somebody who is not needed for a vote asks.
	slices.SortStableFunc(actors, func(a, b account.Actor) int {
		return slices.Index(account.Roles(), a.Role) - slices.Index(account.Roles(), b.Role)
	})
	in.serial++
	ids := in.store(chat{name: fmt.Sprintf("p%d", in.serial), agent: actors[0].StaffNo})
	batch := in.ownedBy(in.binned(in.clock.Time(), bin.ScopeDepartment, ids...), in.agent)
	for _, by := range actors {
		if _, err := in.desk.Request(in.ctx(), by, in.ask(batch)); err == nil {
			break
		}
	}
	var open []purge.Request
	in.must(in.d.Read(in.ctx(), func(tx *db.Tx) error {
		return tx.Where("state IN ? AND expires_at > ?", []purge.State{purge.AwaitingSupervisor, purge.AwaitingLegal}, tx.Now).Order("id DESC").Limit(1).Find(&open).Error
	}))
	for i := range open {
		for range 2 {
			for _, by := range actors {
				if p := in.puppets[by.ID]; p != nil {
					_, err := in.desk.Vote(in.ctx(), by, purge.Ballot{Purge: open[i].ID, Verdict: approval.Approve, Opinion: "同意", SeenRoot: hexRoot(&open[i]), Code: in.code(p)})
					in.trace = append(in.trace, fmt.Sprintf("vote of %d (%s): %v", by.ID, by.Role, err))
				}
			}
		}
	}
}

func TestOneAdministratorAloneGetsNoPurgeThrough(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := newIntruder(w, 20261122)
		for _, who := range in.known {
			_ = in.reset(in.admin, who)
		}
		for step := range 24 {
			in.act()
			if step%6 == 5 {
				in.confirmAll()
				clock.Advance(25 * time.Hour)
				in.push()
			}
		}
		if len(in.puppets) < 5 {
			t.Fatalf("the intruder holds only %d accounts: this test proves nothing", len(in.puppets))
		}
		if n := w.count(&purge.Request{}, "requester_id <> 0"); n == 0 {
			t.Fatal("nothing was even asked for: this test proves nothing")
		}
		if n := w.count(&approval.Vote{}); n != 0 {
			t.Errorf("%d votes were taken:\n%s", n, strings.Join(in.trace, "\n"))
		}
	})
}

// TestWithASecondAdministratorTheSameGoesThrough is the control: what is missing to the intruder is
// the second person's word, nothing else.
func TestWithASecondAdministratorTheSameGoesThrough(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := newIntruder(w, 1)
		accomplice := accounttest.User(t, d, w.accounts, account.Admin)
		for _, role := range []account.Role{account.Supervisor, account.Supervisor, account.Legal} {
			who, link, err := w.accounts.AddUser(w.ctx(), in.admin, in.newUser(role))
			w.must(err)
			in.known = append(in.known, who)
			in.take(who, link)
			w.must(in.confirm(accomplice, who))
		}
		clock.Advance(25 * time.Hour)
		in.push()
		if n := w.count(&purge.Request{}, "state = ?", purge.CoolingOff); n != 1 {
			t.Errorf("%d purges cool off; want 1:\n%s", n, strings.Join(in.trace, "\n"))
		}
	})
}
