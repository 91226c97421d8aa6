package report

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Sign is something that a reader of the log may want to look into: one person was refused one
// kind of act, or looked at originals, unusually often within a week.
type Sign struct {
	ActorID id.User
	Person  string
	Action  string
	Refused bool
	Times   int64
}

const (
	signsFor     = 7 * 24 * time.Hour
	manyRefusals = 3
	manyUnmasked = 20
	mostSigns    = 5
	actUnmasked  = "conversation.unmasked"
)

// signs looks at the last week.
func (e *Evidence) signs(ctx context.Context) (out []Sign, err error) {
	err = e.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("at >= ? AND actor_id <> 0 AND (result = ? OR action = ?)", db.Instant(tx.Now.Add(-signsFor)), audit.ResultRefused, actUnmasked).
			Select("actor_id, actor_name AS person, action, result = ? AS refused, COUNT(*) AS times", audit.ResultRefused).
			Group("actor_id, actor_name, action, result").
			Having("(result = ? AND COUNT(*) >= ?) OR COUNT(*) >= ?", audit.ResultRefused, manyRefusals, manyUnmasked).
			Order("times DESC, actor_id").Limit(mostSigns).Scan(&out).Error
	})
	if err != nil {
		return nil, fmt.Errorf("look for signs: %w", err)
	}
	return out, nil
}
