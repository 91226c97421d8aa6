package report

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Chain is the state of the log as it was last found.
type Chain struct {
	audit.CheckResult
	Full      bool
	CheckedAt time.Time // zero: not checked yet
	Data      Data
	Witness   audit.Told
}

// Broken tells whether a check found something wrong.
func (c Chain) Broken() bool { return !c.CheckedAt.IsZero() && !c.OK }

const (
	lookEvery  = 5 * time.Minute
	smallLog   = 20_000 // leaves that are walked whole each time, which takes under a second
	actChecked = "audit.checked"
)

// ChainState gives the state of the log for the frame of every page. At most every five
// minutes it looks again: at all of a small log, else at what came after the last checkpoint
// outside; and at the last full check that any process wrote down, so that what one found
// wrong all say. While one request looks the others get the last known state. The error is
// for reading that failed; the last known state comes with it.
func (e *Evidence) ChainState(ctx context.Context) (Chain, error) {
	if !e.due() || !e.looking.TryLock() {
		return e.known(), nil
	}
	defer e.looking.Unlock()
	fresh, err := e.lookAgain(ctx)
	if err != nil {
		return e.known(), err
	}
	e.remember(fresh)
	return fresh, nil
}

func (e *Evidence) known() Chain {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.chain
}

func (e *Evidence) remember(c Chain) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.chain, e.tried = c, time.Now()
}

// due tells whether it is time to look again. A look that fails is not repeated at once
// either: it may be the one that takes too long.
func (e *Evidence) due() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.tried.IsZero() && time.Since(e.tried) < lookEvery {
		return false
	}
	e.tried = time.Now()
	return true
}

func (e *Evidence) lookAgain(ctx context.Context) (Chain, error) {
	head, err := e.Log.Head(ctx)
	if err != nil {
		return Chain{}, err
	}
	c := Chain{Full: head.Size <= smallLog}
	if c.CheckResult, err = e.Log.Check(ctx, c.Full); err != nil {
		return Chain{}, err
	}
	if c.CheckedAt, err = e.now(ctx); err != nil {
		return Chain{}, err
	}
	last, err := e.lastCheck(ctx)
	if err != nil {
		return c, err
	}
	if last.Broken() && c.OK && !c.Full {
		c = last
	}
	if c.Data, err = e.lastData(ctx); err != nil {
		return c, err
	}
	c.Witness, err = e.Log.Told(ctx)
	return c, err
}

func (e *Evidence) now(ctx context.Context) (now time.Time, err error) {
	err = e.DB.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil })
	return now, err
}

// lastCheck reads the newest full check from the log itself.
func (e *Evidence) lastCheck(ctx context.Context) (Chain, error) {
	l, err := e.newest(ctx, actChecked)
	if l == nil || err != nil {
		return Chain{}, err
	}
	c := Chain{Full: true, CheckedAt: l.At, CheckResult: audit.CheckResult{OK: l.Result == audit.OK, Size: l.Count, Checked: l.Count, FirstBad: -1, LastBad: -1}}
	c.What, _ = l.Data["what"].(string)
	c.TailProvable, _ = l.Data["tail_provable"].(bool)
	for name, to := range map[string]*int64{"first_bad": &c.FirstBad, "last_bad": &c.LastBad, "proven": &c.Proven, "checked": &c.Checked} {
		if n, ok := l.Data[name].(json.Number); ok {
			if v, err := n.Int64(); err == nil {
				*to = v
			}
		}
	}
	return c, nil
}

// Check walks the whole log now, and writes down what it found: also, and above all, that it
// is broken.
func (e *Evidence) Check(ctx context.Context, by account.Actor) (Chain, error) {
	if err := by.Require(account.AuditCheck); err != nil {
		return Chain{}, err
	}
	r, err := e.Log.Check(ctx, true)
	if err != nil {
		return Chain{}, err
	}
	c := Chain{CheckResult: r, Full: true}
	entry := audit.Entry{
		Actor: by.Audit(), Action: actChecked, ObjectKind: "audit", Count: r.Size,
		Data: map[string]any{"checked": r.Checked, "tail_provable": r.TailProvable, "proven": r.Proven},
	}
	if !r.OK {
		entry.Result = audit.ResultFailed
		entry.Data["what"], entry.Data["first_bad"], entry.Data["last_bad"] = r.What, r.FirstBad, r.LastBad
	}
	err = e.DB.Write(ctx, func(tx *db.Tx) error {
		c.CheckedAt = tx.Now
		return audit.Append(tx, entry)
	})
	if err != nil {
		return c, err
	}
	if c.Data, err = e.lastData(ctx); err != nil {
		return c, err
	}
	if c.Witness, err = e.Log.Told(ctx); err != nil {
		return c, err
	}
	e.remember(c)
	return c, nil
}

// Proof is what the page of the log's integrity shows.
type Proof struct {
	Head        audit.Head
	Now, Full   Chain // the last look, and the last full check
	Checkpoints []audit.Signed
	Latest      []audit.Leaf // the newest entries: number and hash only
	Outside     bool         // checkpoints are kept in a folder outside the database
	Witness     audit.Told   // the other machine that keeps them, as it stands now
	Key         string
	Fingerprint string
}

const (
	mostCheckpoints = 30
	latestLeaves    = 3
)

// Proof gives the state of the log with its checkpoints.
func (e *Evidence) Proof(ctx context.Context, by account.Actor) (*Proof, error) {
	if err := whole(by); err != nil {
		return nil, err
	}
	p := &Proof{Outside: e.Log.Dir != "", Key: e.Log.Signer.Public()}
	var err error
	if p.Fingerprint, err = proof.Fingerprint(p.Key); err != nil {
		return nil, err
	}
	if p.Now, err = e.ChainState(ctx); err != nil {
		return nil, err
	}
	if p.Full, err = e.lastCheck(ctx); err != nil {
		return nil, err
	}
	if p.Head, err = e.Log.Head(ctx); err != nil {
		return nil, err
	}
	if p.Checkpoints, err = e.Log.Checkpoints(ctx, mostCheckpoints); err != nil {
		return nil, err
	}
	if p.Witness, err = e.Log.Told(ctx); err != nil {
		return nil, err
	}
	page, err := e.Log.Page(ctx, audit.Filter{Seen: audit.Seen{All: true}}, "", latestLeaves)
	if err != nil {
		return nil, err
	}
	for _, l := range page.Leaves {
		p.Latest = append(p.Latest, audit.Leaf{N: l.N, Hash: l.Hash, Damaged: l.Damaged})
	}
	return p, nil
}

// Checkpoint gives the signed text of a stored checkpoint, for a person's own records.
func (e *Evidence) Checkpoint(ctx context.Context, by account.Actor, size int64) (audit.Signed, error) {
	if err := whole(by); err != nil {
		return audit.Signed{}, err
	}
	all, err := e.Log.Checkpoints(ctx, -1)
	if err != nil {
		return audit.Signed{}, err
	}
	for _, c := range all {
		if c.Size == size {
			return c, nil
		}
	}
	return audit.Signed{}, fault.NotFound("audit.no_checkpoint")
}

// Bundle writes the whole log as a file that `qingdang verify` checks offline. That it was asked
// for stands in the log, and so in the file, before the first byte is written.
func (e *Evidence) Bundle(ctx context.Context, by account.Actor, w io.Writer) error {
	if err := whole(by); err != nil {
		return err
	}
	if err := by.Require(account.AuditCheck); err != nil {
		return err
	}
	if err := e.note(ctx, by, "audit.log_exported", 0, nil); err != nil {
		return err
	}
	return e.Log.Export(ctx, w)
}
