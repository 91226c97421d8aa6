package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/id"
	"qingdang/models/job"
)

// ErrNoDump says that the peer of exports is not installed.
var ErrNoDump = errors.New("bench: mariadb-dump is not installed (mariadb-client)")

// Export measures exports of all conversations of a database, masked and encrypted, by one worker,
// against mariadb-dump of the same sealed rows, turn by turn.
func Export(ctx context.Context, o Options) (rep *ExportReport, err error) {
	if _, err := exec.LookPath("mariadb-dump"); err != nil {
		return nil, ErrNoDump
	}
	s, end, err := begin(ctx, o.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	rep = &ExportReport{Server: s.version, Conversations: o.Conversations, Formats: o.Formats, At: time.Now().UTC().Truncate(time.Second)}
	if err := s.fresh(ctx, "export"); err != nil {
		return nil, err
	}
	if !o.Keep {
		defer func() { err = errors.Join(err, s.drop(context.WithoutCancel(ctx), "export")) }()
	}
	a, err := openSite(ctx, s.settings("export"), s.dir)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if _, err := o.fill(ctx, a, o.Conversations); err != nil {
		return nil, err
	}
	d := dump{server: s, name: "export"}
	if err := d.options(); err != nil {
		return nil, err
	}
	for n := range o.Rounds {
		if err := o.exports(ctx, a, d, n, rep); err != nil {
			return nil, fmt.Errorf("round %d: %w", n+1, err)
		}
	}
	return rep, nil
}

// exports is one round: the dump and each format, in another order each time.
func (o Options) exports(ctx context.Context, a *site, d dump, n int, rep *ExportReport) error {
	if err := d.server.settle(ctx, "export"); err != nil {
		return err
	}
	m := d.server.meter(ctx)
	sides, sent := map[file.Format]*Taken{}, map[file.Format]*Taken{}
	turns := append([]file.Format{""}, o.Formats...)
	for i := range turns {
		f := turns[(i+n)%len(turns)]
		var err error
		if f == "" {
			sides[f], err = d.run(ctx, m, o.Conversations)
		} else {
			sides[f], sent[f], err = a.export(ctx, d.server.dir, m, f, o)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	for _, f := range o.Formats {
		r := ExportRound{N: n + 1, Format: f, Ours: *sides[f], Sent: *sent[f], Dump: *sides[""]}
		r.Ratio, r.CPURatio = r.Ours.Rate/r.Dump.Rate, r.Dump.CPU/r.Ours.CPU
		rep.Rounds = append(rep.Rounds, r)
		o.say("%s", &r)
	}
	return nil
}

// timed gives what a turn took.
func (m meter) timed(n int, do func() error) (*Taken, error) {
	before, from := m.read(), time.Now()
	if err := do(); err != nil {
		return nil, err
	}
	t := &Taken{Seconds: time.Since(from).Seconds(), CPU: m.read() - before}
	t.Rate = float64(n) / t.Seconds
	return t, nil
}

// dump is mariadb-dump of the rows of the conversations, as a backup makes it, into a file.
type dump struct {
	server *server
	name   string
}

func (d dump) file() string { return filepath.Join(d.server.dir, "dump.cnf") }

// options writes the password where no list of processes shows it.
func (d dump) options() error {
	text := "[client]\nuser=" + d.server.cfg.User + "\npassword=\"" + d.server.cfg.Passwd + "\"\n"
	switch host, port, socket := d.server.address(); {
	case socket != "":
		text += "socket=" + socket + "\n"
	default:
		text += "host=" + host + "\nport=" + port + "\n"
	}
	return os.WriteFile(d.file(), []byte(text), 0o600)
}

func (d dump) run(ctx context.Context, m meter, n int) (*Taken, error) {
	out, err := os.Create(filepath.Join(d.server.dir, "dump.sql"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	args := []string{"--defaults-extra-file=" + d.file(), "--single-transaction", "--quick", "--skip-triggers", d.server.own + d.name}
	for _, t := range purged {
		args = append(args, t.name)
	}
	cmd := exec.CommandContext(ctx, "mariadb-dump", args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &said
	t, err := m.timed(n, cmd.Run)
	if err != nil {
		return nil, fmt.Errorf("mariadb-dump: %w: %s", err, said.Bytes())
	}
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	t.Bytes = info.Size()
	return t, nil
}

// export asks for an export of everything, has it agreed to, and measures how one worker makes it:
// the list, opening, masking, writing, encrypting, and the log; and how it is sent, sealed anew for whoever
// fetches it.
func (o *site) export(ctx context.Context, dir string, m meter, f file.Format, opts Options) (made, sent *Taken, err error) {
	n := opts.Conversations
	desk := &export.Desk{DB: o.db, Vault: o.vault, Accounts: o.accounts, Dir: filepath.Join(dir, "exports"), Zone: time.UTC, Organisation: organisationName}
	people, err := o.cast(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := o.asked(ctx, desk, people, f, opts.Zip)
	if err != nil {
		return nil, nil, err
	}
	var most float64
	made, err = m.timed(n, func() (err error) {
		most, err = memory(ctx, func(ctx context.Context) error {
			return job.Work(ctx, o.db, "bench", map[string]job.Runner{export.JobRun: desk.Runner()}, job.Options{Once: true})
		})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	done, err := desk.Get(ctx, people.Supervisor, e.ID)
	switch {
	case err != nil:
		return nil, nil, err
	case done.State != export.Ready || done.Written != int64(n):
		return nil, nil, fmt.Errorf("export %s is %s with %d of %d conversations", done.Code, done.State, done.Written, n)
	}
	made.Memory, made.Bytes = most, done.Bytes
	var size int64
	sent, err = m.timed(n, func() (err error) {
		most, err = memory(ctx, func(ctx context.Context) (err error) {
			size, err = send(ctx, desk, people.Supervisor, e.ID)
			return err
		})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	sent.Memory, sent.Bytes = most, size
	return made, sent, nil
}

// send fetches an export as its owner does, to nowhere.
func send(ctx context.Context, desk *export.Desk, by account.Actor, which id.Export) (int64, error) {
	g, err := desk.Prepare(ctx, by, which)
	if err != nil {
		return 0, err
	}
	f, err := desk.Download(ctx, by, which, g.Token, g.Passphrase)
	if err != nil {
		return 0, err
	}
	return f.WriteTo(io.Discard)
}

// asked gives an export that the worker may make.
func (o *site) asked(ctx context.Context, desk *export.Desk, people Cast, f file.Format, zip bool) (*export.Export, error) {
	all := conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), States: []conversation.State{conversation.Active}}}
	wish := export.Wish{Selection: export.Selection{Kind: export.OfQuery, Query: all}, Format: f, Purpose: "测量导出的速度", Days: 1, Zip: zip}
	e, err := desk.Ask(ctx, people.Supervisor, wish)
	if err != nil || e.State != export.Waiting {
		return e, err
	}
	o.clock.ahead.Add(int64(time.Minute)) // a code is taken once
	code, err := people.Code(ctx, people.Legal)
	if err != nil {
		return nil, fmt.Errorf("one-time code: %w", err)
	}
	return desk.Approve(ctx, people.Legal, export.Ballot{Export: e.ID, SeenRoot: e.WishRoot(), Opinion: "范围无误，同意", Code: code})
}
