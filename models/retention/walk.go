package retention

import (
	"context"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// JobWalk is the kind of job that looks for personal data in conversations of which nobody knows yet: those
// from before there was a note of it, and those whose bodies did not open the last time.
const JobWalk = "retention.walk"

const (
	walkEvery = 24 * time.Hour
	// walkAtOnce is how many bodies one step opens, walkSpan how many rows it reads to find them.
	walkAtOnce = 256
	walkSpan   = 4096
)

// Walk is that job. An import notes by itself what it brings, so that once the archive was walked nothing is
// opened any more. It goes on where it was stopped, and each step is written down.
type Walk struct {
	DB    *db.DB
	Vault conversation.Vault
}

// Step looks into the next conversations, and waits for the next day at the end.
func (w *Walk) Step(ctx context.Context, j *job.Job) (bool, error) {
	var ids []id.Conversation
	var upto id.Conversation
	var last bool
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ids, upto, last, err = conversation.Unlooked(tx, id.Conversation(j.Pos), walkAtOnce, walkSpan)
		return err
	})
	if err != nil {
		return false, err
	}
	found, err := w.Vault.Look(ctx, w.DB, ids)
	if err != nil {
		return false, err
	}
	return false, w.DB.Write(ctx, func(tx *db.Tx) error {
		n, kinds, err := found.Note(tx, ids)
		if err != nil {
			return err
		}
		if last {
			err = job.Every(tx, j, walkEvery)
		} else {
			err = job.Advance(tx, j, int64(upto), j.Done+n)
		}
		if err != nil || n == 0 {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: account.System("worker", "").Audit(), Action: "retention.looked", ObjectKind: "retention", Count: n,
			Data: map[string]any{"kinds": kinds, "closed": found.Closed},
		})
	})
}
