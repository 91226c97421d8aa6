package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/static"
)

// PagesOptions are what bench pages is asked for.
type PagesOptions struct {
	DSN           string // of a server, with rights to create databases
	Conversations int
	Rounds        int
	Seconds       int // of one turn
	Connections   int
	Only          string // part of the names of the pages; empty: all
	Open          func(ctx context.Context, dsn, dir string) (*Console, error)
	Progress      io.Writer
}

// Console is the whole console over a database that nobody serves.
type Console struct {
	Handler     http.Handler
	DB          *db.DB
	Vault       conversation.Vault
	Index       *index.Index
	Accounts    *account.Accounts
	Departments *department.Departments
	Close       func() error
}

// Pages asks the console for whole pages over the loopback, rendered and with what is shown decrypted, and
// right after each of them a handler that does nothing: on a shared machine only the ratio tells.
func Pages(ctx context.Context, o PagesOptions) (rep *PagesReport, err error) {
	w, err := newWRK(o)
	if err != nil {
		return nil, err
	}
	s, end, err := begin(ctx, o.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := s.fresh(ctx, "pages"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.drop(context.WithoutCancel(ctx), "pages")) }()
	c, err := o.Open(ctx, s.settings("pages").DSN, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	rep = &PagesReport{Conversations: o.Conversations, Connections: o.Connections, Seconds: o.Seconds, At: time.Now().UTC().Truncate(time.Second)}
	if err := o.furnish(ctx, c, rep); err != nil {
		return nil, err
	}
	console, stop, err := listen(c.Handler)
	if err != nil {
		return nil, err
	}
	defer stop()
	bare, stopBare, err := listen(bareHandler())
	if err != nil {
		return nil, err
	}
	defer stopBare()
	cookie, err := signIn(ctx, console, c.Accounts)
	if err != nil {
		return nil, err
	}
	pages, err := visits(ctx, c.DB)
	if err != nil {
		return nil, err
	}
	pages = slices.DeleteFunc(pages, func(p visit) bool { return !strings.Contains(p.name, o.Only) })
	for _, p := range pages {
		if err := there(ctx, console+p.path, cookie); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for n := range o.Rounds {
		for _, p := range pages {
			got, err := w.run(ctx, console+p.path, cookie)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			nothing, err := w.run(ctx, bare, "")
			if err != nil {
				return nil, err
			}
			rep.add(p.name, n+1, got, nothing)
			o.say("round %d %-28s %8.0f/s of %8.0f/s = %.4f; p50 %v, p99 %v", n+1, p.name, got.Rate, nothing.Rate, got.Rate/nothing.Rate, got.P50, got.P99)
		}
	}
	return rep, nil
}

func (o PagesOptions) say(format string, args ...any) { fmt.Fprintf(o.Progress, format+"\n", args...) }

// furnish gives the console its people, conversations and search index.
func (o PagesOptions) furnish(ctx context.Context, c *Console, rep *PagesReport) error {
	a := &site{db: c.DB, vault: c.Vault, accounts: c.Accounts, departments: c.Departments, index: c.Index}
	if err := a.people(ctx); err != nil {
		return err
	}
	from := time.Now()
	if err := Fill(ctx, c.DB, c.Vault, Shape{Conversations: o.Conversations}); err != nil {
		return err
	}
	rep.FillRate = float64(o.Conversations) / time.Since(from).Seconds()
	from = time.Now()
	if _, err := c.Index.Rebuild(ctx, func(int) {}); err != nil {
		return err
	}
	rep.IndexRate = float64(o.Conversations) / time.Since(from).Seconds()
	o.say("filled with %d conversations, %.0f a second; indexed, %.0f a second", o.Conversations, rep.FillRate, rep.IndexRate)
	return nil
}

// bareHandler is the least that a server of this kind can do.
func bareHandler() http.Handler {
	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	return e
}

// listen serves on a free port of the loopback.
func listen(h http.Handler) (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(l) //nolint:errcheck // it ends with ErrServerClosed
	return "http://" + l.Addr().String(), func() { s.Close() }, nil
}

// visit is a page that is asked for.
type visit struct{ name, path string }

// visits are pages of every weight: what a supervisor looks at all day.
func visits(ctx context.Context, d *db.DB) (list []visit, err error) {
	var c conversation.Conversation
	err = d.Read(ctx, func(tx *db.Tx) error { return tx.Order("last_at DESC, id DESC").Limit(1).Take(&c).Error })
	return []visit{
		{"a static file, all middleware", static.Path("logo.svg")},
		{"home", "/"},
		{"list of 50", "/conversations?size=50"},
		{"search for a word, 50", "/conversations?q=%E9%80%80%E6%AC%BE&size=50"},
		{"search for four characters", "/conversations?q=%E7%89%A9%E6%B5%81%E4%BF%A1%E6%81%AF&size=50"},
		{"a conversation, audited", "/conversations/" + id.String(c.ID)},
		{"recycle bin", "/bin"},
	}, err
}
