// Command qingdang is the console and its tools: serve, worker, demo, import, search,
// index, departments, user, keys, ledger, migrate, fsck, verify and open.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"qingdang/models/fault"
	"qingdang/templates/locale"
)

// version is set by release builds.
var version = "v0.1.0"

// commands are the sub-commands, as `qingdang --help` shows them.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the console (with the worker unless --worker=false)."`
	Worker      workerCommand      `cmd:"" help:"Run the worker alone."`
	Demo        demoCommand        `cmd:"" help:"Run the console with a made-up organisation, embedded, below ./var/demo."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database up to date."`
	User        userCommand        `cmd:"" help:"Accounts."`
	Departments departmentsCommand `cmd:"" help:"The department tree."`
	Import      importCommand      `cmd:"" help:"Import exported files."`
	Search      searchCommand      `cmd:"" help:"List conversations."`
	Index       indexCommand       `cmd:"" help:"The search index: state, making it anew."`
	Keys        keysCommand        `cmd:"" help:"The key store: state, backups, bringing one back, a new root key."`
	Clock       clockCommand       `cmd:"" help:"Whether the clock is trusted, and a person's word for it."`
	Ledger      ledgerCommand      `cmd:"" help:"The outside ledger of purges, and restored databases."`
	Fsck        fsckCommand        `cmd:"" help:"Check every promise the data must keep."`
	Verify      verifyCommand      `cmd:"" help:"Check certificates, audit reports and log bundles offline."`
	Open        openCommand        `cmd:"" help:"Unpack an exported file and check it."`
	Bench       benchCommand       `cmd:"" hidden:"" help:"Measure this build on this machine."`
	Version     kong.VersionFlag   `help:"Show the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr, options{}))
}

// run is main without the process: it gives the exit code. 0 done, 1 something was refused or
// found wrong, 2 the call itself was wrong, 3 the database is closed after a restore. Tests put a clock into the options.
func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, errOut io.Writer, o options) int {
	ctx = locale.With(ctx, terminalLanguage(getenv), nil)
	var c commands
	exit := -1
	parser, err := kong.New(&c, kong.Name("qingdang"), kong.Description("清档 Qingdang: keep customer-service conversations as long as you must, destroy them with proof when you may."),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exit = code }), kong.Vars{"version": version})
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintln(errOut, "qingdang:", err)
		return 2
	}
	t := &terminal{ctx: ctx, getenv: getenv, in: in, out: out, err: errOut, options: o}
	if err := parsed.Run(t); err != nil {
		if errors.Is(err, errAsked) {
			return 2
		}
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(errOut, "qingdang:", explain(ctx, err))
		}
		if errors.Is(err, errClosed) {
			return exitClosed
		}
		return 1
	}
	return 0
}

// errSaid ends a command that has already told what is wrong, errAsked one that has told what was
// wrong with the call.
var (
	errSaid  = errors.New("said")
	errAsked = errors.New("asked wrongly")
)

// terminal is what a command has of its surroundings.
type terminal struct {
	ctx    context.Context
	getenv func(string) string
	in     io.Reader
	out    io.Writer
	err    io.Writer
	options
}

// say writes one translated line.
func (t *terminal) say(key string, args ...any) { fmt.Fprintln(t.out, locale.T(t.ctx, key, args...)) }

// explain gives a fault's sentence in the user's language, other errors as they are.
func explain(ctx context.Context, err error) string {
	f, ok := fault.Of(err)
	if !ok {
		return err.Error()
	}
	var lines []string
	for _, one := range f.List() {
		lines = append(lines, locale.T(ctx, one.Key, one.Args...))
	}
	return strings.Join(lines, "\n")
}

// terminalLanguage is Chinese unless the terminal says English.
func terminalLanguage(getenv func(string) string) locale.Lang {
	for _, name := range []string{"QINGDANG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(v, "en") {
				return locale.English
			}
			return locale.Chinese
		}
	}
	return locale.Chinese
}
