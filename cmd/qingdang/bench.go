package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	measure "qingdang/cmd/qingdang/bench"
	"qingdang/models/export/file"
)

// benchCommand measures this build on this machine. It is for whoever works on the console.
type benchCommand struct {
	Purge  benchPurge  `cmd:"" help:"Purges against pt-archiver on MariaDB, and their write locks on SQLite."`
	Export benchExport `cmd:"" help:"Exports against mariadb-dump of the same rows."`
	Ingest benchIngest `cmd:"" help:"Storing conversations with and without the search index."`
	Search benchSearch `cmd:"" help:"Searches against LIKE, FULLTEXT and Mroonga on plaintext, and against SQL."`
	Pages  benchPages  `cmd:"" help:"Whole pages under wrk, against a handler that does nothing."`
}

type benchPurge struct {
	N      int           `help:"Conversations in each database." default:"300000"`
	Job    int           `help:"Conversations of one purge." default:"100000"`
	Rounds int           `help:"How often both take their turn on each selection." default:"3"`
	Engine string        `help:"What to measure." enum:"mysql,sqlite,both" default:"both"`
	Index  bool          `help:"With the search index built and folded before; its scrub is in the time."`
	Peer   string        `help:"pt-archiver as people run it (--purge --bulk-delete --limit 1000), or helped by --commit-each --primary-key-only." enum:"plain,helped" default:"plain"`
	Bare   bool          `help:"Measure what the server needs for the deletes alone, too."`
	Pause  time.Duration `help:"How long the reader beside everything looks at a page." default:"100ms"`
	JSON   bool          `help:"Print the figures as one JSON object."`
	Keep   bool          `help:"Leave the databases qingdang_bench_* there."`
}

// Where the server is: a DSN of its own, never the installation's. The private server of the
// tests will do.
const (
	benchDSN = "QINGDANG_BENCH_DSN"
	testDSN  = "QINGDANG_TEST_MARIADB"
)

var errNoServer = errors.New(benchDSN + ": a MariaDB with rights to create databases; " +
	"or go run ./models/db/dbtest/server go run ./cmd/qingdang bench purge")

// Run measures and prints.
func (c *benchPurge) Run(t *terminal) error {
	o := measure.Options{Conversations: c.N, Job: c.Job, Rounds: c.Rounds, Indexed: c.Index, Embedded: c.Engine != "mysql", PeerHelped: c.Peer == "helped", Bare: c.Bare, Pause: c.Pause, Keep: c.Keep, Progress: t.err}
	if c.Engine != "sqlite" {
		if o.DSN = cmp.Or(t.getenv(benchDSN), t.getenv(testDSN)); o.DSN == "" {
			return errNoServer
		}
	}
	rep, err := measure.Purge(t.ctx, o)
	if err != nil {
		return err
	}
	return printed(t, c.JSON, rep)
}

type benchExport struct {
	N      int           `help:"Conversations in the database." default:"100000"`
	Rounds int           `help:"How often all take their turn." default:"3"`
	Format []file.Format `help:"What is written." enum:"pdf,csv,json,jsonl,xlsx" default:"csv,jsonl"`
	Zip    bool          `help:"Fetch them as encrypted ZIP archives, in place of age."`
	JSON   bool          `help:"Print the figures as one JSON object."`
	Keep   bool          `help:"Leave the database qingdang_bench_* there."`
}

// Run measures and prints.
func (c *benchExport) Run(t *terminal) error {
	o := measure.Options{Conversations: c.N, Rounds: c.Rounds, Formats: c.Format, Zip: c.Zip, Keep: c.Keep, Progress: t.err}
	if o.DSN = cmp.Or(t.getenv(benchDSN), t.getenv(testDSN)); o.DSN == "" {
		return errNoServer
	}
	rep, err := measure.Export(t.ctx, o)
	if err != nil {
		return err
	}
	return printed(t, c.JSON, rep)
}

type benchIngest struct {
	N      int  `help:"Conversations that are stored in a turn." default:"50000"`
	Rounds int  `help:"How often both take their turn." default:"3"`
	JSON   bool `help:"Print the figures as one JSON object."`
}

// Run measures and prints.
func (c *benchIngest) Run(t *terminal) error {
	o := measure.Options{Conversations: c.N, Rounds: c.Rounds, Progress: t.err}
	if o.DSN = cmp.Or(t.getenv(benchDSN), t.getenv(testDSN)); o.DSN == "" {
		return errNoServer
	}
	rep, err := measure.Ingest(t.ctx, o)
	if err != nil {
		return err
	}
	return printed(t, c.JSON, rep)
}

type benchSearch struct {
	N       int      `help:"Conversations in the database." default:"100000"`
	Rounds  int      `help:"How often each question is asked." default:"3"`
	Words   int      `help:"How many questions there are of a class." default:"5"`
	From    string   `help:"Conversations that the generator in ../shared/data/gen wrote, in place of made-up ones." type:"existingfile"`
	Without []string `help:"Peers to leave out." enum:"LIKE,FULLTEXT,Mroonga"`
	JSON    bool     `help:"Print the figures as one JSON object."`
	Keep    bool     `help:"Leave the databases qingdang_bench_* there."`
}

// Run measures and prints.
func (c *benchSearch) Run(t *terminal) error {
	o := measure.SearchOptions{Conversations: c.N, Words: c.Words, Rounds: c.Rounds, From: c.From, Without: c.Without, Keep: c.Keep, Progress: t.err}
	if o.DSN = cmp.Or(t.getenv(benchDSN), t.getenv(testDSN)); o.DSN == "" {
		return errNoServer
	}
	rep, err := measure.Search(t.ctx, o)
	if err != nil {
		return err
	}
	return printed(t, c.JSON, rep)
}

type benchPages struct {
	N           int    `help:"Conversations in the database." default:"100000"`
	Rounds      int    `help:"How often every page has its turn." default:"3"`
	Seconds     int    `help:"How long a turn is." default:"8"`
	Connections int    `help:"How many ask at once." default:"16"`
	Only        string `help:"Only pages with this in their name."`
	JSON        bool   `help:"Print the figures as one JSON object."`
}

// Run measures and prints.
func (c *benchPages) Run(t *terminal) error {
	o := measure.PagesOptions{Conversations: c.N, Rounds: c.Rounds, Seconds: c.Seconds, Connections: c.Connections, Only: c.Only, Open: openBench, Progress: t.err}
	if o.DSN = cmp.Or(t.getenv(benchDSN), t.getenv(testDSN)); o.DSN == "" {
		return errNoServer
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // a line for every request is part of the work, not of the report
	rep, err := measure.Pages(t.ctx, o)
	if err != nil {
		return err
	}
	return printed(t, c.JSON, rep)
}

// openBench opens the whole console over a new database with its files in dir.
func openBench(ctx context.Context, dsn, dir string) (*measure.Console, error) {
	c, err := loadConfig(func(name string) string { return map[string]string{"QINGDANG_DSN": dsn, "QINGDANG_DATA": dir}[name] })
	if err != nil {
		return nil, err
	}
	a, err := openApp(ctx, c, options{demo: true})
	if err != nil {
		return nil, err
	}
	h, err := a.handler()
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	debug.SetGCPercent(c.collect)
	return &measure.Console{
		Handler: h, DB: a.db, Vault: a.conversations.Vault, Index: a.index, Accounts: a.accounts, Departments: a.departments, Close: a.Close,
	}, nil
}

// printed writes a report as a table or as JSON.
func printed(t *terminal, asJSON bool, rep interface{ Write(io.Writer) error }) error {
	if !asJSON {
		return rep.Write(t.out)
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(rep)
}
