package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
)

// What a check can find, beside the findings of package proof.
const (
	WhatColumns    = "columns"    // an indexed column does not say what the leaf says
	WhatHead       = "head"       // the head row does not fit the leaves
	WhatCheckpoint = "checkpoint" // a stored checkpoint is not one of ours
)

// CheckResult is the outcome of a check. FirstBad and LastBad bound the leaves
// that are not what they were; -1 means that no leaf can be named. Up to Proven
// leaves the log agrees with checkpoints outside the database; what was appended
// and cut off after that nobody can know, so TailProvable is false without any.
type CheckResult struct {
	OK                bool
	Size, Checked     int64
	FirstBad, LastBad int64
	What              string
	TailProvable      bool
	Proven            int64
}

func (r *CheckResult) found(f *proof.Finding) {
	r.What, r.FirstBad, r.LastBad = f.What, f.First, f.Last
}

// Check walks the log and names the first leaf that was changed, removed,
// inserted, moved or cut off. A full check starts at the first leaf, the other
// one at the last checkpoint outside. The error is for reading that failed.
func (l *Log) Check(ctx context.Context, full bool) (CheckResult, error) {
	c := checkRun{log: l, result: CheckResult{FirstBad: -1, LastBad: -1}}
	start := func(ctx context.Context) error { return c.start(ctx, full) }
	for _, step := range []func(context.Context) error{c.gather, c.readHead, start, c.walk, c.end} {
		if err := step(ctx); err != nil {
			return CheckResult{}, fmt.Errorf("check log: %w", err)
		}
		if c.result.What != "" {
			return c.result, nil
		}
	}
	c.result.OK = true
	return c.result, nil
}

// checkRun is one check under way.
type checkRun struct {
	log         *Log
	checkpoints []proof.Checkpoint // of the database and outside
	outside     []proof.Checkpoint
	strange     bool // a stored checkpoint is not one of ours
	head        headRow
	walker      *proof.Walker
	from        int64
	result      CheckResult
}

func (c *checkRun) readHead(ctx context.Context) error {
	return c.log.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c.head, err = readHead(tx)
		c.result.Size = c.head.Size
		return err
	})
}

// gather collects what was signed, before the head is read: then no checkpoint can
// be larger than the head unless leaves are gone.
func (c *checkRun) gather(ctx context.Context) error {
	signed, err := c.log.Checkpoints(ctx, -1)
	if err != nil {
		return err
	}
	for _, s := range signed {
		cp, err := c.log.accept(s.Note)
		if err != nil || cp.Size != s.Size || cp.Root != s.Root {
			c.strange = true
			continue
		}
		c.checkpoints = append(c.checkpoints, cp)
	}
	names, err := c.log.outsideFiles()
	if err != nil {
		return err
	}
	for _, name := range names {
		cp, err := c.log.readOutside(name)
		if err != nil {
			c.strange = true
			continue
		}
		c.outside = append(c.outside, cp)
	}
	c.checkpoints = append(c.checkpoints, c.outside...)
	return nil
}

// start sets the walker to the first leaf, or behind the last checkpoint outside
// if the stored nodes still give its root.
func (c *checkRun) start(ctx context.Context, full bool) error {
	edge := &proof.Edge{}
	if n := len(c.outside); n > 0 && !full {
		last := c.outside[n-1]
		err := c.log.DB.Read(ctx, func(tx *db.Tx) error {
			e, err := proof.ReadEdge(last.Size, nodes(tx))
			if err == nil && last.Size <= c.head.Size && e.Root() == last.Root {
				edge = e
			}
			if errors.Is(err, errNode) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	var f *proof.Finding
	c.from = edge.Size()
	if c.walker, f = proof.ResumeWalker(edge, c.checkpoints); f != nil {
		c.result.found(f)
	}
	return nil
}

// errStop ends a scan after a finding.
var errStop = errors.New("stop")

func (c *checkRun) walk(ctx context.Context) error {
	err := c.log.scan(ctx, c.from, c.head.Size, func(p placed) error {
		f := c.leaf(p)
		if f == nil {
			c.result.Checked++
			return nil
		}
		c.result.found(f)
		return errStop
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

func (c *checkRun) leaf(p placed) *proof.Finding {
	n := c.walker.Size()
	if p.N > n {
		return &proof.Finding{What: proof.Missing, First: n, Last: p.N - 1}
	}
	if f := c.walker.Step(p.Leaf, p.read.n, p.stored, p.next); f != nil {
		return f
	}
	if h := tlog.RecordHash(p.Leaf); string(p.Hash) != string(h[:]) {
		return &proof.Finding{What: proof.Changed, First: n, Last: n}
	}
	if !p.agrees(p.read) {
		return &proof.Finding{What: WhatColumns, First: n, Last: n}
	}
	return nil
}

// end compares the walked tree with the head, and looks for what stands behind it.
func (c *checkRun) end(ctx context.Context) error {
	size := c.walker.Size()
	edge := c.walker.Edge()
	root := edge.Root()
	switch f := c.walker.End(); {
	case f != nil:
		c.result.found(f)
	case size < c.head.Size:
		c.result.found(&proof.Finding{What: proof.Cut, First: size, Last: c.head.Size - 1})
	case string(c.head.Root) != string(root[:]) || string(c.head.Edge) != string(edge.Bytes()):
		c.result.What = WhatHead
	case c.strange:
		c.result.What = WhatCheckpoint
	}
	for _, o := range c.outside {
		c.result.TailProvable = c.result.What == ""
		c.result.Proven = max(c.result.Proven, o.Size)
	}
	if c.result.What != "" {
		c.result.Proven = c.walker.Proven()
		return nil
	}
	return c.behind(ctx)
}

// behind looks for leaves and nodes that the head does not know of. Head and rows
// are read in one transaction, since the log may be growing.
func (c *checkRun) behind(ctx context.Context) error {
	return c.log.DB.Read(ctx, func(tx *db.Tx) error {
		head, err := readHead(tx)
		if err != nil {
			return err
		}
		var leaves, nodes int64
		if err := tx.Model(&leafRow{}).Where("n >= ? OR n < 0", head.Size).Count(&leaves).Error; err != nil {
			return fmt.Errorf("leaves behind the head: %w", err)
		}
		if err := tx.Model(&nodeRow{}).Where("idx >= ? OR idx < 0", tlog.StoredHashCount(head.Size)).Count(&nodes).Error; err != nil {
			return fmt.Errorf("nodes behind the head: %w", err)
		}
		switch {
		case leaves > 0:
			c.result.found(&proof.Finding{What: proof.Inserted, First: head.Size, Last: head.Size + leaves - 1})
		case nodes > 0:
			c.result.found(&proof.Finding{What: proof.Nodes, First: head.Size, Last: head.Size})
		}
		return nil
	})
}
