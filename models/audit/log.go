package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Log reads, signs and checks the log. It asks nobody's permission: the drawers
// above it know who may see what, and say so in Filter.Seen.
type Log struct {
	DB     *db.DB
	Signer proof.Signer
	// Retired are keys of earlier epochs; what they signed stays evidence up to
	// the size at which they were retired, and no further.
	Retired []Epoch
	// Dir is the log's memory outside the database: a folder for signed
	// checkpoints. Empty means none; then no tail can be proven.
	Dir string
	// Witness is another machine that gets what is kept outside, too; nil: there is none.
	Witness *Witness
}

// Epoch is a retired verifier key and the size of the log when it was retired.
type Epoch struct {
	Public string
	Until  int64
}

// Head is the present state of the log.
type Head struct {
	Size   int64
	Root   tlog.Hash
	LastAt time.Time // zero for an empty log
}

// Head gives the present state of the log.
func (l *Log) Head(ctx context.Context) (h Head, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		h, err = HeadOf(tx)
		return err
	})
	return h, err
}

// HeadOf gives the state of the log that the transaction sees.
func HeadOf(tx *db.Tx) (Head, error) {
	row, err := readHead(tx)
	if err != nil {
		return Head{}, err
	}
	h := Head{Size: row.Size, Root: tlog.Hash(row.Root)}
	if row.LastAt != nil {
		h.LastAt = row.LastAt.UTC()
	}
	return h, nil
}

func readHead(tx *db.Tx) (headRow, error) {
	var rows []headRow
	if err := tx.Where("id = ?", headID).Find(&rows).Error; err != nil {
		return headRow{}, fmt.Errorf("read head: %w", err)
	}
	if len(rows) != 1 || len(rows[0].Root) != tlog.HashSize {
		return headRow{}, ErrNoHead
	}
	return rows[0], nil
}

// Detail is one leaf with its neighbours and the proof that it is under the head.
// Proof is nil where the stored nodes do not prove it any more.
type Detail struct {
	Leaf
	Before, After *Leaf
	Proof         tlog.RecordProof
	Head          Head
}

// Leaf gives the leaf of an index with its neighbours. The fault is not-found if
// the log has no such leaf.
func (l *Log) Leaf(ctx context.Context, n int64) (*Detail, error) {
	var d *Detail
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		d = &Detail{}
		var err error
		if d.Head, err = HeadOf(tx); err != nil {
			return err
		}
		var rows []leafRow
		if err := tx.Where("n BETWEEN ? AND ?", n-1, n+1).Order("n").Find(&rows).Error; err != nil {
			return fmt.Errorf("read leaf: %w", err)
		}
		found := false
		for _, r := range rows {
			leaf := r.leaf()
			switch r.N {
			case n - 1:
				d.Before = &leaf
			case n:
				d.Leaf, found = leaf, true
			case n + 1:
				d.After = &leaf
			}
		}
		if !found {
			return fault.NotFound("audit.no_leaf")
		}
		d.Proof, err = prove(tx, d.Head, n, d.Bytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// prove gives the proof that a leaf is under the head, nil if it is not.
func prove(tx *db.Tx, h Head, n int64, leaf []byte) (tlog.RecordProof, error) {
	if n >= h.Size {
		return nil, nil
	}
	p, err := tlog.ProveRecord(h.Size, n, nodes(tx))
	switch {
	case errors.Is(err, errNode):
		return nil, nil
	case err != nil:
		return nil, err
	case tlog.CheckRecord(p, h.Size, h.Root, n, tlog.RecordHash(leaf)) != nil:
		return nil, nil
	}
	return p, nil
}

var errNode = errors.New("audit: a node of the tree is missing")

// nodes reads nodes of the tree for proofs.
func nodes(tx *db.Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		var rows []nodeRow
		if err := tx.Where("idx IN ?", indexes).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read nodes: %w", err)
		}
		byIndex := make(map[int64][]byte, len(rows))
		for _, r := range rows {
			byIndex[r.Idx] = r.Hash
		}
		out := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			h := byIndex[idx]
			if len(h) != tlog.HashSize {
				return nil, errNode
			}
			out[i] = tlog.Hash(h)
		}
		return out, nil
	})
}
