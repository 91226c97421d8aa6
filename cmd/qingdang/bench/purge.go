package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// Options are what bench purge is asked for.
type Options struct {
	DSN           string // of a server, with rights to create databases; empty leaves the server out
	Conversations int
	Job           int // how many of them one purge destroys
	Rounds        int
	Indexed       bool          // with the search index built and folded before, so that a purge has it to scrub
	Embedded      bool          // measure SQLite, too
	PeerHelped    bool          // pt-archiver with options that help it
	Bare          bool          // measure the deletes alone, too
	Pause         time.Duration // of the reader beside everything, between two turns
	Formats       []file.Format // of exports
	Zip           bool          // exports are fetched as encrypted ZIP archives, in place of age
	Keep          bool          // leave the databases there
	Progress      io.Writer
}

func (o Options) say(format string, args ...any) { fmt.Fprintf(o.Progress, format+"\n", args...) }

// Purge measures purges of two selections against pt-archiver on equal copies of one database,
// turn by turn, each beside a reader; and on SQLite how long a purge keeps other writers
// waiting.
func Purge(ctx context.Context, o Options) (rep *Report, err error) {
	dir, err := os.MkdirTemp("", "qingdang-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rep = &Report{Conversations: o.Conversations, Job: o.Job, Indexed: o.Indexed, At: time.Now().UTC().Truncate(time.Second)}
	if o.DSN != "" {
		if err := o.onServer(ctx, dir, rep); err != nil {
			return nil, err
		}
	}
	if o.Embedded {
		if err := o.onSQLite(ctx, dir, rep); err != nil {
			return nil, err
		}
	}
	return rep, nil
}

func (o Options) onServer(ctx context.Context, dir string, rep *Report) (err error) {
	s, err := dial(ctx, o.DSN)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.pool.Close()) }()
	rep.Server = s.version
	p, err := newPeer(s, dir, o.PeerHelped)
	if err != nil {
		return err
	}
	if !o.Keep {
		defer func() {
			for _, name := range []string{"filled", "scattered", "period", "ours", "peer", "bare"} {
				err = errors.Join(err, s.drop(context.WithoutCancel(ctx), name))
			}
		}()
	}
	if err := o.filled(ctx, s, dir, rep); err != nil {
		return err
	}
	orders := map[string]*purge.Request{}
	for _, c := range choices {
		if orders[c.Name], err = o.ordered(ctx, s, dir, c); err != nil {
			return err
		}
	}
	if err := p.measureStartup(ctx, "filled"); err != nil {
		return err
	}
	rep.PeerFlags = strings.Join(p.flags(), " ")
	rep.PeerStartup = p.startup.Seconds()
	for n := range o.Rounds {
		for _, c := range choices {
			r, err := o.round(ctx, s, p, dir, c, orders[c.Name], n)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", n+1, c.Name, err)
			}
			rep.Rounds = append(rep.Rounds, *r)
			o.say("%s", r)
		}
	}
	return nil
}

// filled makes the database that all others are copies of.
func (o Options) filled(ctx context.Context, s *server, dir string, rep *Report) error {
	if err := s.fresh(ctx, "filled"); err != nil {
		return err
	}
	a, err := openSite(ctx, s.settings("filled"), filepath.Join(dir, "filled"))
	if err != nil {
		return err
	}
	defer a.Close()
	rep.FillRate, err = o.fill(ctx, a, o.Conversations)
	return err
}

func (o Options) fill(ctx context.Context, a *site, n int) (rate float64, err error) {
	if err := a.people(ctx); err != nil {
		return 0, err
	}
	from := time.Now()
	if err := Fill(ctx, a.db, a.vault, Shape{Conversations: n}); err != nil {
		return 0, err
	}
	rate = float64(n) / time.Since(from).Seconds()
	o.say("filled %s with %d conversations, %.0f a second", a.db.Engine(), n, rate)
	return rate, o.fold(ctx, a)
}

// fold takes what was stored or changed into the search index, where that is to be measured with it.
func (o Options) fold(ctx context.Context, a *site) error {
	if !o.Indexed {
		return nil
	}
	from := time.Now()
	done, err := a.index.Fold(ctx)
	if err != nil {
		return fmt.Errorf("fold: %w", err)
	}
	o.say("index: %d conversations taken in, %d changed, %d segments merged in %.1f s", done.Docs, done.Attributes, done.Merged, time.Since(from).Seconds())
	return nil
}

// ordered makes a copy in which the purge of a choice is approved.
func (o Options) ordered(ctx context.Context, s *server, dir string, c choice) (*purge.Request, error) {
	if err := s.clone(ctx, "filled", c.Name); err != nil {
		return nil, err
	}
	if err := copyKeys(filepath.Join(dir, "filled"), filepath.Join(dir, c.Name)); err != nil {
		return nil, err
	}
	a, err := openSite(ctx, s.settings(c.Name), filepath.Join(dir, c.Name))
	if err != nil {
		return nil, err
	}
	defer a.Close()
	from := time.Now()
	r, err := a.order(ctx, c, o.Job)
	if err != nil {
		return nil, fmt.Errorf("ask for the purge of %s: %w", c.Name, err)
	}
	o.say("%s: purge of %d approved in %.1f s", c.Name, r.Size, time.Since(from).Seconds())
	return r, o.fold(ctx, a)
}

// round lets both purge the same choice, on copies of their own.
func (o Options) round(ctx context.Context, s *server, p *peer, dir string, c choice, order *purge.Request, n int) (*Round, error) {
	r := &Round{N: n + 1, Choice: c.Name, Purged: order.Size}
	sites := map[string]*site{}
	names := []string{"ours", "peer"}
	if o.Bare {
		names = append(names, "bare")
	}
	for _, name := range names {
		if err := s.clone(ctx, c.Name, name); err != nil {
			return nil, err
		}
		own := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", name, c.Name, n))
		if err := copyKeys(filepath.Join(dir, c.Name), own); err != nil {
			return nil, err
		}
		a, err := openSite(ctx, s.settings(name), own)
		if err != nil {
			return nil, err
		}
		defer a.Close()
		a.clock.reach(*order.DueAt)
		sites[name] = a
		if name == "ours" {
			continue
		}
		if err := p.list(ctx, c.Name, name); err != nil {
			return nil, err
		}
	}
	if err := s.settle(ctx, names...); err != nil {
		return nil, err
	}
	turns := []func() error{
		func() error { return r.ours(ctx, s, sites["ours"], order, o.Pause) },
		func() (err error) {
			r.Peer, err = r.deleted(ctx, s, sites["peer"], "peer", o.Pause, func(ctx context.Context) (time.Duration, error) { return p.run(ctx, "peer") })
			r.Peer.CPU -= p.startupCPU
			return err
		},
	}
	if n%2 == 1 {
		turns[0], turns[1] = turns[1], turns[0]
	}
	if o.Bare {
		turns = append(turns, func() error {
			bare, err := r.deleted(ctx, s, sites["bare"], "bare", o.Pause, func(ctx context.Context) (time.Duration, error) { return s.bare(ctx, "bare") })
			r.Bare = &bare
			return err
		})
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return nil, err
		}
	}
	r.Ratio = r.Ours.Rate / r.Peer.Rate
	return r, nil
}

const idleTime = 6 * time.Second

func (r *Round) ours(ctx context.Context, s *server, a *site, order *purge.Request, pause time.Duration) error {
	m := s.meter(ctx)
	reader, err := newReader(ctx, a, pause)
	if err != nil {
		return err
	}
	if r.Idle, err = reader.beside(ctx, wait); err != nil {
		return err
	}
	var took time.Duration
	before := m.read()
	r.Ours.Reader, err = reader.beside(ctx, func(ctx context.Context) (err error) {
		r.Memory, err = memory(ctx, func(ctx context.Context) (err error) {
			took, r.Phases, err = a.purge(ctx, order)
			return err
		})
		return err
	})
	if err != nil {
		return err
	}
	r.Ours.Seconds, r.Ours.Rate = took.Seconds(), float64(order.Size)/took.Seconds()
	// What the server has still to clean up is part of the work.
	if err := s.settle(ctx); err != nil {
		return err
	}
	r.Ours.CPU = m.read() - before
	return nil
}

// deleted is the turn of somebody who only deletes, beside a reader. It must have deleted everything.
func (r *Round) deleted(ctx context.Context, s *server, a *site, name string, pause time.Duration, do func(context.Context) (time.Duration, error)) (one Side, err error) {
	reader, err := newReader(ctx, a, pause)
	if err != nil {
		return one, err
	}
	var took time.Duration
	m := s.meter(ctx)
	before := m.read()
	one.Reader, err = reader.beside(ctx, func(ctx context.Context) (err error) {
		took, err = do(ctx)
		return err
	})
	if err != nil {
		return one, err
	}
	one.Seconds, one.Rate = took.Seconds(), float64(r.Purged)/took.Seconds()
	// What the server has still to clean up is part of the work.
	if err := s.settle(ctx); err != nil {
		return one, err
	}
	one.CPU = m.read() - before
	return one, s.gone(ctx, name)
}

func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idleTime):
		return nil
	}
}

// purge runs the worker until the certificate is there, and makes sure that it is. It gives the
// seconds of each phase, too.
func (o *site) purge(ctx context.Context, order *purge.Request) (took time.Duration, phases map[string]float64, err error) {
	run, phases := o.runner(), map[string]float64{}
	step := job.RunnerFunc(func(ctx context.Context, j *job.Job) (done bool, err error) {
		var phase string
		err = o.db.Read(ctx, func(tx *db.Tx) error {
			return tx.Model(&purge.Request{}).Where("id = ?", j.Subject).Pluck("phase", &phase).Error
		})
		if err != nil {
			return false, err
		}
		from := time.Now()
		done, err = run.Step(ctx, j)
		phases[cmp.Or(phase, "start")] += time.Since(from).Seconds()
		return done, err
	})
	from := time.Now()
	err = job.Work(ctx, o.db, "bench", map[string]job.Runner{purge.JobRun: step}, job.Options{Once: true})
	took = time.Since(from)
	if err != nil {
		return 0, nil, err
	}
	var certified int64
	err = o.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Raw("SELECT COUNT(*) FROM certificate c JOIN purge_request r ON r.id = c.purge_id WHERE r.id = ? AND r.state = ? AND r.purged = r.size", order.ID, purge.Done).Scan(&certified).Error
	})
	if err == nil && certified != 1 {
		err = fmt.Errorf("purge %s did not come to its end", order.Code)
	}
	return took, phases, err
}
