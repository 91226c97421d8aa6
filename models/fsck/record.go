package fsck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/report"
)

// Record runs every oracle, opens every body, compares the words of those segments of the search index whose
// turn it is, and writes down what was found: also, and above all, that a promise is broken. What is wrong in
// the search index is mended by the next fold; the finding stays. The console shows the newest such entry to everybody who may read the log.
func (c *Checker) Record(ctx context.Context, by account.Actor) (*Report, error) {
	if err := by.Require(account.AuditCheck); err != nil {
		return nil, err
	}
	r, err := c.Run(ctx, true)
	if err != nil {
		return nil, err
	}
	var uncompared error
	if c.Index != nil {
		var slice func(uint64) bool
		if slice, uncompared = c.slice(ctx); uncompared == nil {
			uncompared = c.Words(ctx, r, slice, true)
		}
	}
	e := audit.Entry{
		Actor: by.Audit(), Action: report.ActDataChecked, ObjectKind: "database", Count: int64(r.Checks),
		Data: map[string]any{"found": len(r.Findings), "findings": told(r.Findings), "compared": r.Compared.Conversations},
	}
	if uncompared != nil { // what was found by then is written down all the same
		e.Data["uncompared"] = true
	}
	if len(r.Findings) > 0 {
		e.Result = audit.ResultFailed
	}
	return r, errors.Join(uncompared, c.DB.Write(ctx, func(tx *db.Tx) error { return audit.Append(tx, e) }))
}

// slice chooses the segments whose words come up since the last check of the data.
func (c *Checker) slice(ctx context.Context) (which func(segment uint64) bool, err error) {
	last, err := c.Log.Page(ctx, audit.Filter{Seen: audit.Seen{All: true}, Actions: []string{report.ActDataChecked}}, "", 1)
	if err != nil {
		return nil, fmt.Errorf("last check of the data: %w", err)
	}
	at := time.Time{}
	if len(last.Leaves) > 0 {
		at = last.Leaves[0].At
	}
	err = c.DB.Read(ctx, func(tx *db.Tx) error {
		which = sliceSince(at, tx.Now)
		return nil
	})
	return which, err
}

func told(findings []Finding) []any {
	out := []any{}
	for _, f := range findings[:min(len(findings), perCheck)] {
		out = append(out, map[string]any{"promise": f.Promise, "key": f.Key, "object": f.Object})
	}
	return out
}
