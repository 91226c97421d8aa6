package fsck

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/report"
)

// Record runs every oracle, opens every body, compares the words of those segments of the search index whose
// turn it is, and writes down what was found: also, and above all, that a promise is broken. What is wrong in
// the search index is mended by the next fold; the finding stays. Words that could not be compared are a finding
// among the others, and have their turn again. The console shows the newest such entry to everybody who may read the log.
func (c *Checker) Record(ctx context.Context, by account.Actor) (*Report, error) {
	if err := by.Require(account.AuditCheck); err != nil {
		return nil, err
	}
	r, err := c.Run(ctx, true)
	if err != nil {
		return nil, err
	}
	var uncompared []Finding
	if c.Index != nil {
		uncompared, err = c.look(ctx, walk{"I5", func(ctx context.Context) ([]Finding, error) {
			slice, err := c.slice(ctx)
			if err != nil {
				return nil, err
			}
			return nil, c.Words(ctx, r, slice, true)
		}})
		if err != nil {
			return nil, err
		}
	}
	r.Findings = append(r.Findings, uncompared...)
	e := audit.Entry{
		Actor: by.Audit(), Action: report.ActDataChecked, ObjectKind: "database", Count: int64(r.Checks),
		Data: map[string]any{"found": len(r.Findings), "findings": told(r.Findings), "compared": r.Compared.Conversations},
	}
	if len(uncompared) > 0 {
		e.Data["uncompared"] = true
	}
	if len(r.Findings) > 0 {
		e.Result = audit.ResultFailed
	}
	return r, c.DB.Write(ctx, func(tx *db.Tx) error { return audit.Append(tx, e) })
}

// nightsBack is how many checks are looked through for the last one that compared words.
const nightsBack = 60

// slice chooses the segments whose words come up since they were last compared.
func (c *Checker) slice(ctx context.Context) (which func(segment uint64) bool, err error) {
	checks, err := c.Log.Page(ctx, audit.Filter{Seen: audit.Seen{All: true}, Actions: []string{report.ActDataChecked}}, "", nightsBack)
	if err != nil {
		return nil, fmt.Errorf("last check of the data: %w", err)
	}
	at := time.Time{}
	for i := range checks.Leaves {
		if l := &checks.Leaves[i]; l.Data["uncompared"] == nil {
			at = l.At
			break
		}
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
