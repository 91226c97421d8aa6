package bin_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"qingdang/models/db"
	"qingdang/models/fsck"
)

// tables are everything that an act of the bin may change. Refusals are written down elsewhere.
var tables = []string{"conversation", "bin_batch", "bin_item", "bin_draft", "bin_draft_item", "hold_item", "legal_hold", "job", "serial"}

// snapshot is a digest of all that an act of the bin may change.
func (w *world) snapshot() string {
	w.t.Helper()
	h := sha256.New()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		for _, table := range append(tables, "audit_leaf") {
			q := tx.Table(table).Order("1, 2")
			if table == "audit_leaf" {
				q = q.Select("n, action").Where("result = 'ok'")
			}
			var rows []map[string]any
			if err := q.Find(&rows).Error; err != nil {
				return err
			}
			text, err := json.Marshal(rows)
			if err != nil {
				return err
			}
			fmt.Fprintln(h, table, string(text))
		}
		return nil
	}))
	return fmt.Sprintf("%x", h.Sum(nil))
}

// wantUntouched fails when anything changed since the snapshot.
func (w *world) wantUntouched(before, after string) {
	w.t.Helper()
	if w.snapshot() != before {
		w.t.Errorf("%s: something changed", after)
	}
}

// oracles are queries that find what breaks a promise of the bin; fsck has those of the whole.
var oracles = map[string]string{
	"an item is not where it says": `SELECT i.conversation_id FROM bin_item i JOIN conversation c ON c.id = i.conversation_id
		WHERE i.state = 'binned' AND c.state <> 3 OR i.state = 'frozen' AND c.state NOT IN (4, 5)`,
	"an active conversation belongs to a batch": `SELECT id FROM conversation WHERE state IN (1, 2) AND batch_id IS NOT NULL`,
	"a conversation rests in two batches":       `SELECT conversation_id FROM bin_item WHERE state IN ('binned', 'frozen') GROUP BY conversation_id HAVING COUNT(*) > 1`,
	"a batch's numbers do not add up": `SELECT b.code FROM bin_batch b WHERE b.size <> (SELECT COUNT(*) FROM bin_item i WHERE i.batch_id = b.id)
		OR b.moved <> (SELECT COUNT(*) FROM bin_item i WHERE i.batch_id = b.id AND i.state NOT IN ('pending', 'skipped'))
		OR b.skipped <> (SELECT COUNT(*) FROM bin_item i WHERE i.batch_id = b.id AND i.state = 'skipped')`,
	"a finished batch still waits":     `SELECT b.code FROM bin_batch b JOIN bin_item i ON i.batch_id = b.id AND i.state = 'pending' WHERE b.state <> 'running'`,
	"an item was skipped for nothing":  `SELECT conversation_id FROM bin_item WHERE state = 'skipped' AND reason = ''`,
	"an item is on a list and is not":  `SELECT conversation_id FROM bin_item WHERE (state = 'frozen') <> (purge_id IS NOT NULL) AND state <> 'purged'`,
	"a draft has two results":          `SELECT batch_id FROM bin_draft WHERE batch_id IS NOT NULL GROUP BY batch_id HAVING COUNT(*) > 1`,
	"a carried out draft keeps a list": `SELECT d.id FROM bin_draft d JOIN bin_draft_item i ON i.draft_id = d.id WHERE d.batch_id IS NOT NULL`,
	"the leaves do not count what moved": `SELECT x.moved FROM (SELECT (SELECT COALESCE(SUM(moved), 0) FROM bin_batch) AS moved,
		(SELECT COALESCE(SUM(item_count), 0) FROM audit_leaf WHERE result = 'ok' AND action IN ('batch.discarded', 'batch.moved', 'batch.finished', 'conversation.discarded')) AS told) x
		WHERE x.moved <> x.told`,
}

// wantWhole runs every oracle.
func (w *world) wantWhole() {
	w.t.Helper()
	for what, query := range oracles {
		var broken []string
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Raw(query).Scan(&broken).Error }))
		if len(broken) > 0 {
			w.t.Errorf("%s: %v", what, broken)
		}
	}
	report, err := (&fsck.Checker{DB: w.d, Store: w.vault.Store, Log: w.log}).Run(w.ctx(), true)
	w.must(err)
	for _, f := range report.Findings {
		w.t.Error(f)
	}
}
