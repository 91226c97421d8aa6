package drill_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// T5: everything that can be wrong between the program and its database, one after the other, under
// the same worker and the same console, which nobody restarts. Each time a purge is on its way
// and somebody bins a conversation.
func TestABadNetwork(t *testing.T) {
	begin(t)
	n := newNetwork(t)
	faults := []struct {
		name string
		run  func(p *planned)
	}{
		{"connections are cut at random bytes", n.cut},
		{"connections die without a word", n.halfOpen},
		{"every question takes 200 ms", n.slow},
		{"all connections are busy", n.busy},
		{"the server is read-only", n.readOnly},
		{"the server takes no more connections", n.full},
	}
	size := tier(1500, 20_000)
	var sizes []int
	for range faults {
		sizes = append(sizes, size)
	}
	n.plan(sizes...)
	n.only()
	n.others()
	n.worker = n.start("worker")
	usual := *n.site // a person does not wait for the limits of the connection
	usual.dsn = n.patient
	n.console = usual.start("serve", "--worker=false")
	n.person = n.signIn(n.supervisor)
	for i, f := range faults {
		p := n.purges[i]
		began := time.Now()
		f.run(p)
		n.proxy.set(nil, 0)
		wait(t, "the end of the purge after: "+f.name, func() bool {
			n.hurry(p)
			time.Sleep(100 * time.Millisecond)
			return n.over(p)
		})
		t.Logf("%s: over after %s", f.name, time.Since(began).Round(time.Second/10))
		if !n.worker.alive() || !n.console.alive() {
			t.Fatalf("%s: worker runs %v, console runs %v", f.name, n.worker.alive(), n.console.alive())
		}
	}
	n.worker.end()
	n.console.end()
	n.whole(n.purges...)
}

// network is a site whose program reaches its database through a proxy, as a user without
// special rights.
type network struct {
	*site
	server          *dbtest.Server
	proxy           *proxy
	r               *rand.Rand
	root            *sql.DB
	user            *mysql.Config // the program's way, past the proxy
	patient         string        // the console's: with the usual limits
	worker, console *program
	person          *person
	free            []id.Conversation // to be put into the bin
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	server := ownMariaDB(t, place(t))
	direct, err := dbtest.CreateDatabase(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	root, err := mysql.ParseDSN(direct)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{r: chance(t), server: server}
	if n.root, err = sql.Open("mysql", direct); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.root.Close() })
	n.proxy = newProxy(t, fmt.Sprintf("127.0.0.1:%d", server.Port))
	n.user = mysql.NewConfig()
	n.user.User, n.user.Passwd, n.user.Net, n.user.Addr, n.user.DBName = "qingdang", "secret", "tcp", n.proxy.server, root.DBName
	ours := n.user.Clone()
	ours.Addr = n.proxy.l.Addr().String()
	n.patient = ours.FormatDSN()
	// Silence is noticed after seconds instead of a minute.
	ours.ReadTimeout, ours.Params = 4*time.Second, map[string]string{"wait_timeout": "4"}
	for _, host := range []string{"localhost", "127.0.0.1"} {
		n.sql(t, fmt.Sprintf("CREATE USER qingdang@'%s' IDENTIFIED BY 'secret'", host))
		n.sql(t, fmt.Sprintf("GRANT ALL ON %s.* TO qingdang@'%s'", root.DBName, host))
	}
	port, err := dbtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	n.site = newSite(t, db.Settings{DSN: direct}, &site{dsn: ours.FormatDSN(), data: place(t), listen: fmt.Sprintf("127.0.0.1:%d", port)})
	return n
}

func (n *network) sql(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := n.root.ExecContext(context.WithoutCancel(t.Context()), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// others finds conversations of the supervisor's department that no purge is about.
func (n *network) others() {
	n.t.Helper()
	for _, p := range n.purges {
		var ids []id.Conversation
		n.must(n.now.Read(n.ctx(), func(tx *db.Tx) error {
			return tx.Model(&conversation.Conversation{}).Where("id IN ? AND department_id = ?", p.others, n.department).Pluck("id", &ids).Error
		}))
		n.free = append(n.free, ids...)
	}
}

// begin lets a purge begin, and waits until it has.
func (n *network) begin(p *planned) {
	n.t.Helper()
	n.only(p)
	wait(n.t, "the beginning of "+p.Code, func() bool {
		n.unpause(p)
		time.Sleep(50 * time.Millisecond)
		r, _ := n.where(p)
		return r.StartedAt != nil
	})
}

func (n *network) next() act {
	n.t.Helper()
	if len(n.free) == 0 {
		n.t.Fatal("too few conversations in the supervisor's department")
	}
	a := newAct(n.free[0])
	n.free = n.free[1:]
	return a
}

// unavailable wants a destructive request to be answered, with the words that the service is away.
func (n *network) unavailable(a act) {
	n.t.Helper()
	if status := n.person.discard(a); status != http.StatusServiceUnavailable {
		n.t.Errorf("with the database away a request was answered with %d", status)
	}
}

// cut gives every connection a random number of bytes, between less than a handshake and a megabyte.
func (n *network) cut(p *planned) {
	cuts := tier(25, 400)
	n.proxy.set(func() int64 { return int64(math.Exp(n.r.Float64()*8 + 6)) }, 0)
	n.proxy.each(func(c *line) { c.close() })
	n.only(p)
	var acts []act
	wait(n.t, "enough cuts", func() bool {
		n.hurry(p)
		time.Sleep(100 * time.Millisecond)
		if n.proxy.cut() > len(acts)*cuts/4 {
			acts = append(acts, n.next())
			n.person.discard(acts[len(acts)-1])
		}
		if n.over(p) { // so that there is somebody to cut off
			n.person.get("/bin")
		}
		return n.proxy.cut() >= cuts
	})
	n.proxy.set(nil, 0)
	n.t.Logf("%d cuts", n.proxy.cut())
	for _, a := range acts {
		n.person.again(a)
	}
}

func (n *network) halfOpen(p *planned) {
	n.begin(p)
	for range tier(1, 20) {
		n.proxy.halfOpen()
		a := n.next()
		n.person.discard(a)
		n.unpause(p)
		n.person.again(a)
	}
}

func (n *network) slow(p *planned) {
	n.proxy.set(nil, 200*time.Millisecond)
	n.begin(p)
	a := n.next()
	n.person.discard(a)
	n.person.again(a)
	wait(n.t, "the purge over the slow line", func() bool {
		n.unpause(p)
		time.Sleep(100 * time.Millisecond)
		r, _ := n.where(p)
		return r.Phase == purge.PhaseEnd || !long() && r.Phase != purge.PhaseErase
	})
}

// busy lets more requests than the pool has connections wait for a row.
func (n *network) busy(p *planned) {
	n.begin(p)
	ctx := n.ctx()
	tx, err := n.root.BeginTx(ctx, nil)
	n.must(err)
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "SELECT n FROM hold_epoch FOR UPDATE")
	n.must(err)
	var wg sync.WaitGroup
	a := n.next()
	for range 40 {
		wg.Go(func() { n.unavailable(a) })
	}
	wg.Wait()
	n.must(tx.Rollback())
	n.person.again(a)
}

func (n *network) readOnly(p *planned) {
	n.begin(p)
	n.sql(n.t, "SET GLOBAL read_only = 1")
	a := n.next()
	n.unavailable(a)
	n.stall(p)
	n.sql(n.t, "SET GLOBAL read_only = 0")
	n.person.again(a)
}

// stall wants a purge not to get on for a while.
func (n *network) stall(p *planned) {
	n.t.Helper()
	_, before := n.where(p)
	time.Sleep(2 * time.Second)
	if _, after := n.where(p); after.Done != before.Done {
		n.t.Errorf("%s went on from %d to %d", p.Code, before.Done, after.Done)
	}
}

// full takes every connection that the server gives.
func (n *network) full(p *planned) {
	ctx := n.ctx()
	n.begin(p)
	n.sql(n.t, "SET GLOBAL max_connections = 20")
	pool, err := sql.Open("mysql", n.user.FormatDSN())
	n.must(err)
	defer pool.Close()
	server := n.proxy.address()
	n.proxy.to("127.0.0.1:1") // nobody is there: the program must not be quicker
	n.proxy.each(func(c *line) { c.close() })
	held, refused := 0, 0
	wait(n.t, "the end of the server's connections", func() bool {
		c, err := pool.Conn(ctx)
		if err != nil { // the server may still have to notice that some were closed
			refused++
			time.Sleep(100 * time.Millisecond)
			return refused == 5
		}
		held, refused = held+1, 0
		n.t.Cleanup(func() { _ = c.Close() })
		return false
	})
	n.proxy.to(server)
	a := n.next()
	n.unavailable(a)
	n.t.Logf("%d connections held", held)
	n.stall(p)
	n.sql(n.t, "SET GLOBAL max_connections = 300")
	n.must(pool.Close())
	n.person.again(a)
}
