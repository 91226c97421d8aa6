package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/db"
)

// scanBatch is how many leaves one read transaction takes: small, so that a
// check of a long log never keeps a snapshot open for long.
const scanBatch = 2000

// placed is a leaf's row with the nodes that stand where its nodes belong, and
// the number that the following row's leaf claims (-1 at the end).
type placed struct {
	leafRow
	stored []tlog.Hash
	read   content
	next   int64
}

// scan hands over the rows from one index on, below another, in order. Rows that
// are missing are simply not handed over.
func (l *Log) scan(ctx context.Context, from, below int64, each func(placed) error) error {
	for from < below {
		batch, last, err := l.scanOnce(ctx, from, below)
		if err != nil {
			return err
		}
		for _, p := range batch {
			if err := each(p); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		from = batch[len(batch)-1].N + 1
	}
	return nil
}

func (l *Log) scanOnce(ctx context.Context, from, below int64) (batch []placed, last bool, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		var rows []leafRow
		// One row more than the batch, to look ahead.
		err := tx.Where("n >= ? AND n < ?", from, below).Order("n").Limit(scanBatch + 1).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("scan leaves: %w", err)
		}
		last = len(rows) <= scanBatch
		if len(rows) == 0 {
			batch = nil
			return nil
		}
		stored, err := storedNodes(tx, rows[0].N, rows[len(rows)-1].N+1)
		if err != nil {
			return err
		}
		batch = arrange(rows, stored)
		return nil
	})
	return batch, last, err
}

func arrange(rows []leafRow, stored map[int64]tlog.Hash) []placed {
	out := make([]placed, len(rows))
	for i, r := range rows {
		out[i] = placed{leafRow: r, stored: nodesOf(r.N, stored), read: parse(r.Leaf), next: -1}
		if i > 0 {
			out[i-1].next = out[i].read.n
		}
	}
	if len(rows) > scanBatch {
		return out[:scanBatch]
	}
	return out
}

// nodesOf gives the nodes stored for leaf n, as far as they are there.
func nodesOf(n int64, stored map[int64]tlog.Hash) []tlog.Hash {
	var out []tlog.Hash
	for idx := tlog.StoredHashIndex(0, n); idx < tlog.StoredHashIndex(0, n+1); idx++ {
		h, ok := stored[idx]
		if !ok {
			break
		}
		out = append(out, h)
	}
	return out
}

func storedNodes(tx *db.Tx, from, below int64) (map[int64]tlog.Hash, error) {
	var rows []nodeRow
	err := tx.Where("idx >= ? AND idx < ?", tlog.StoredHashIndex(0, from), tlog.StoredHashIndex(0, below)).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("scan nodes: %w", err)
	}
	out := make(map[int64]tlog.Hash, len(rows))
	for _, r := range rows {
		if len(r.Hash) == tlog.HashSize {
			out[r.Idx] = tlog.Hash(r.Hash)
		}
	}
	return out, nil
}
