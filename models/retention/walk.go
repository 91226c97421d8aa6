package retention

import (
	"context"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/job"
)

// JobWalk is the kind of job that looks into conversations of which nobody knows yet what kinds of personal data they
// hold and what their marks are: those from before there was a note of it, those whose bodies did not open the last
// time, and all of them when the list of words to look out for became another.
const JobWalk = "retention.walk"

const (
	walkEvery = time.Hour
	// walkAtOnce is how many bodies one step opens, walkSpan how many rows it reads to find them.
	walkAtOnce = 256
	walkSpan   = 4096
	// mostWaiting changes may wait for the index before the walk lets it catch up for a while: searches ask
	// the rows for what waits.
	mostWaiting = 8192
	walkPause   = 20 * time.Second
)

// Walk is that job. An import notes by itself what it brings, so that once the archive was walked nothing is
// opened any more. It goes on where it was stopped, and each step is written down.
type Walk struct {
	DB    *db.DB
	Vault conversation.Vault
}

// Hurry lets the walk begin now where the list of words became another one: until it has come to a conversation,
// searches for sensitive words leave that out.
func (w *Walk) Hurry(ctx context.Context) error {
	return w.DB.Write(ctx, func(tx *db.Tx) error {
		begun, err := w.Vault.Begun(tx)
		if err != nil || begun {
			return err
		}
		_, err = job.Hasten(tx, JobWalk)
		return err
	})
}

// Step looks into the next conversations, and waits for the next hour at the end.
func (w *Walk) Step(ctx context.Context, j *job.Job) (bool, error) {
	var ids []id.Conversation
	var upto id.Conversation
	var last bool
	var waiting int64
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if waiting, err = index.Waiting(tx); err != nil || waiting > mostWaiting {
			return err
		}
		begun, err := w.Vault.Begun(tx)
		if err != nil {
			return err
		}
		from := id.Conversation(j.Pos)
		if !begun {
			from = 0 // as far as it has come, it looked by another list
		}
		ids, upto, last, err = w.Vault.Unlooked(tx, from, walkAtOnce, walkSpan)
		return err
	})
	if err != nil {
		return false, err
	}
	if waiting > mostWaiting {
		return false, w.DB.Write(ctx, func(tx *db.Tx) error { return job.Again(tx, j, tx.Now.Add(walkPause)) })
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
		if err := w.Vault.Reached(tx, upto, last); err != nil {
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
			Data: map[string]any{"kinds": kinds, "closed": found.Closed()},
		})
	})
}
