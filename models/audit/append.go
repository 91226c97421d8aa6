package audit

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
)

// longestWait is how long a transaction may have waited for the head, with all that waited before it.
const longestWait = 2 * time.Minute

// ErrNoHead says that the log's head row is missing. Nothing can be done until
// somebody has looked: without a log no act may happen.
var ErrNoHead = errors.New("audit: the head of the log is missing")

// Append writes down what the transaction did. It is the last statement of a use
// case, because it locks the head of the log until the commit: one head makes
// one order of all acts. If it fails, the act has not happened.
func Append(tx *db.Tx, e Entry) error {
	_, err := AppendAt(tx, e)
	return err
}

// AppendAt is Append for acts that need the leaf's index afterwards, for the
// certificate that refers to it.
func AppendAt(tx *db.Tx, e Entry) (int64, error) {
	e, err := e.normal()
	if err != nil {
		return 0, err
	}
	return appendNormal(tx, e)
}

// appendNormal appends normal entries one behind the other, and gives the first one's index.
func appendNormal(tx *db.Tx, entries ...Entry) (int64, error) {
	edge, last, err := lockEdge(tx)
	if err != nil {
		return 0, err
	}
	first, at := edge.Size(), tx.Now
	// Whoever waited for the head longer than others began earlier: the log's order is the order of
	// the locks, and its times follow. A clock that was set back is not covered up.
	if wait := last.Sub(at); wait > 0 && wait <= longestWait {
		at = last
	}
	rows := make([]leafRow, len(entries))
	var hashes []tlog.Hash
	for i, e := range entries {
		leaf, err := encode(edge.Size(), at, e)
		if err != nil {
			return 0, err
		}
		rows[i] = newRow(edge.Size(), at, e, leaf)
		hashes = append(hashes, edge.Add(tlog.Hash(rows[i].Hash))...)
	}
	if err := tx.Create(&rows).Error; err != nil {
		return 0, fmt.Errorf("append leaf: %w", err)
	}
	if err := storeNodes(tx, first, hashes); err != nil {
		return 0, err
	}
	root := edge.Root()
	res := tx.Model(&headRow{}).Where("id = ? AND size = ?", headID, first).
		Updates(map[string]any{"size": edge.Size(), "root": root[:], "edge": edge.Bytes(), "last_at": at})
	switch {
	case res.Error != nil:
		return 0, fmt.Errorf("move head: %w", res.Error)
	case res.RowsAffected != 1:
		return 0, fmt.Errorf("move head from %d: %w", first, ErrNoHead)
	}
	tx.MarkAudited()
	return first, nil
}

const headID = 1

// lockEdge locks the head and gives the tree's right edge and the last leaf's time.
func lockEdge(tx *db.Tx) (edge *proof.Edge, last time.Time, err error) {
	var rows []headRow
	if err := tx.ForUpdate().Where("id = ?", headID).Find(&rows).Error; err != nil {
		return nil, last, fmt.Errorf("lock head: %w", err)
	}
	if len(rows) != 1 {
		return nil, last, ErrNoHead
	}
	if edge, err = proof.ParseEdge(rows[0].Size, rows[0].Edge); err != nil {
		return nil, last, fmt.Errorf("head of the log: %w", err)
	}
	if rows[0].LastAt != nil {
		last = rows[0].LastAt.UTC()
	}
	return edge, last, nil
}

// storeNodes stores what the edge gave for the leaves from n on.
func storeNodes(tx *db.Tx, n int64, hashes []tlog.Hash) error {
	first := tlog.StoredHashIndex(0, n)
	rows := make([]nodeRow, len(hashes))
	for i, h := range hashes {
		rows[i] = nodeRow{Idx: first + int64(i), Hash: h[:]}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("store nodes: %w", err)
	}
	return nil
}
