package fsck

import (
	"context"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/report"
)

// Record runs every oracle, opens every body, and writes down what was found: also, and above
// all, that a promise is broken. The console shows the newest such entry to everybody who may read the log.
func (c *Checker) Record(ctx context.Context, by account.Actor) (*Report, error) {
	if err := by.Require(account.AuditCheck); err != nil {
		return nil, err
	}
	r, err := c.Run(ctx, true)
	if err != nil {
		return nil, err
	}
	e := audit.Entry{
		Actor: by.Audit(), Action: report.ActDataChecked, ObjectKind: "database", Count: int64(r.Checks),
		Data: map[string]any{"found": len(r.Findings), "findings": told(r.Findings)},
	}
	if len(r.Findings) > 0 {
		e.Result = audit.ResultFailed
	}
	return r, c.DB.Write(ctx, func(tx *db.Tx) error { return audit.Append(tx, e) })
}

func told(findings []Finding) []any {
	out := []any{}
	for _, f := range findings[:min(len(findings), perCheck)] {
		out = append(out, map[string]any{"promise": f.Promise, "key": f.Key, "object": f.Object})
	}
	return out
}
