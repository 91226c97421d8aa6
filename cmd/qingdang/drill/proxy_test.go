package drill_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is a bad network between the program and the database.
type proxy struct {
	l      net.Listener
	server string

	mu     sync.Mutex
	lines  map[*line]bool
	budget func() int64  // bytes that a new connection carries before it is cut; nil: any number
	delay  time.Duration // of everything that goes to the server
	cuts   int
}

// line is one connection with its two ends.
type line struct {
	p                *proxy
	client, database net.Conn

	mu   sync.Mutex
	left int64 // bytes before the cut; below 0: never
	dead chan struct{}
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, server: server, lines: map[*line]bool{}}
	t.Cleanup(func() {
		l.Close()
		p.each(func(c *line) { c.close() })
	})
	go p.accept()
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		database, err := net.Dial("tcp", p.address())
		if err != nil {
			client.Close()
			continue
		}
		c := &line{p: p, client: client, database: database, left: -1, dead: make(chan struct{})}
		p.mu.Lock()
		if p.budget != nil {
			c.left = p.budget()
		}
		p.lines[c] = true
		p.mu.Unlock()
		go c.carry(database, client)
		go c.carry(client, database)
	}
}

// carry takes bytes one way until the line is cut, closed or dead.
func (c *line) carry(to, from net.Conn) {
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		select {
		case <-c.dead:
			c.rest(from)
			return
		default:
		}
		if from == c.client {
			time.Sleep(c.p.latency())
		}
		n, cut := c.spend(n)
		if _, e := to.Write(b[:n]); e != nil || err != nil || cut {
			c.close()
			return
		}
	}
}

// rest lets nothing arrive any more. What one end does the other is not told.
func (c *line) rest(from net.Conn) {
	_, _ = io.Copy(io.Discard, from)
	from.Close()
	if from == c.client {
		c.close()
	}
}

// spend takes n bytes from what the line still carries.
func (c *line) spend(n int) (carried int, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.left < 0:
		return n, false
	case c.left >= int64(n):
		c.left -= int64(n)
		return n, false
	}
	n, c.left = int(c.left), 0
	c.p.mu.Lock()
	c.p.cuts++
	c.p.mu.Unlock()
	return n, true
}

func (c *line) close() {
	c.client.Close()
	c.database.Close()
	c.p.mu.Lock()
	delete(c.p.lines, c)
	c.p.mu.Unlock()
}

func (p *proxy) each(f func(*line)) {
	p.mu.Lock()
	var all []*line
	for c := range p.lines {
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		f(c)
	}
}

// halfOpen lets every connection of now die without a word. New ones work.
func (p *proxy) halfOpen() {
	p.each(func(c *line) {
		c.mu.Lock()
		defer c.mu.Unlock()
		select {
		case <-c.dead:
		default:
			close(c.dead)
		}
	})
}

// to leads new connections to another address: a server that starts again has another port.
func (p *proxy) to(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
}

func (p *proxy) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

func (p *proxy) latency() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *proxy) set(budget func() int64, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.budget, p.delay = budget, delay
}

func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}
