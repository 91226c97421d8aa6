package purge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// ledger makes the destruction repeatable before it becomes final. First what survives in the touched
// buckets moves under fresh keys, some buckets a step; then the purge's file is written
// outside the database: what was erased, which keys are to go, and where the survivors' keys
// are now. Only then does the purge go on to destroy keys. The process may die anywhere: until
// the phase is left, everything is looked at again.
func (w *Runner) ledger(ctx context.Context, j *job.Job) error {
	moved, err := w.moveSurvivors(ctx, j)
	if err != nil || moved {
		return err
	}
	sum := ""
	if w.Ledger != nil {
		if sum, err = w.writeLedger(ctx, id.Purge(j.Subject)); err != nil {
			return err
		}
	}
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		r, ok, err := lockPhase(tx, j, PhaseLedger)
		if err != nil || !ok {
			return err
		}
		if err := r.enter(tx, PhaseKeys); err != nil {
			return err
		}
		if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: w.system(), Action: "purge.ledgered", ObjectKind: "purge", Object: r.Code, Count: r.Purged,
			Data: map[string]any{"root": hexOf(r.Root), "ledger_sha256": sum},
		})
	})
}

// moveSurvivors re-wraps what survives in the next touched buckets, on a server in several
// transactions at once; false when none is left.
func (w *Runner) moveSurvivors(ctx context.Context, j *job.Job) (moved bool, err error) {
	var parts [][]id.Bucket
	err = w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		parts, err = w.nextSurvivors(tx, id.Purge(j.Subject))
		return err
	})
	if err != nil || len(parts) == 0 {
		return false, err
	}
	return true, together(len(parts), func(i int) error {
		return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
			from := time.Now()
			r, ok, err := sharePhase(tx, j, PhaseLedger)
			if err != nil || !ok {
				return err
			}
			var open []bucket
			if err := tx.ForUpdate().Where("purge_id = ? AND bucket_id IN ? AND state = ?", r.ID, parts[i], touched).Order("bucket_id").Find(&open).Error; err != nil {
				return fmt.Errorf("lock buckets: %w", err)
			}
			if len(open) == 0 { // another worker was here
				return nil
			}
			n, err := w.rewrap(tx, j, r, open)
			w.rewrapPace.took(w.pacing(), n, time.Since(from))
			return err
		})
	})
}

// nextSurvivors chooses the buckets of the next transactions, for each as many as hold about as
// many survivors as a transaction should write.
func (w *Runner) nextSurvivors(tx *db.Tx, p id.Purge) (parts [][]id.Bucket, err error) {
	open, err := buckets(tx, p, touched, rewrapAtOnce*w.parts())
	if err != nil || len(open) == 0 {
		return nil, err
	}
	var rows []struct {
		BucketID id.Bucket
		N        int
	}
	err = tx.Model(&conversation.Key{}).Where("bucket_id IN ?", bucketIDs(open)).Group("bucket_id").Select("bucket_id, COUNT(*) AS n").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count survivors: %w", err)
	}
	survivors := make(map[id.Bucket]int, len(rows))
	for _, row := range rows {
		survivors[row.BucketID] = row.N
	}
	room := 0
	for _, b := range bucketIDs(open) {
		n := len(parts)
		if n == 0 || survivors[b] > room || len(parts[n-1]) == rewrapAtOnce {
			if n == w.parts() {
				break
			}
			parts, room = append(parts, nil), w.rewrapPace.size(w.pacing())
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], b)
		room -= survivors[b]
	}
	return parts, nil
}

// writeLedger writes the purge's file. What was erased is final by now, so it is read in pages
// of their own.
func (w *Runner) writeLedger(ctx context.Context, p id.Purge) (string, error) {
	var r Request
	var h LedgerHead
	err := w.DB.Read(ctx, func(tx *db.Tx) error {
		if err := tx.Where("id = ?", p).Take(&r).Error; err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		h = r.ledgerHead(tx)
		return nil
	})
	if err != nil {
		return "", err
	}
	return w.Ledger.write(h, func(put func(ledgerLine) error) error {
		if err := w.putItems(ctx, &r, put); err != nil {
			return err
		}
		return w.putBuckets(ctx, p, put)
	})
}

func (r *Request) ledgerHead(tx *db.Tx) LedgerHead {
	h := LedgerHead{
		Purge: r.ID, Code: r.Code, Root: hexOf(r.Root), Requester: r.RequesterID, RequesterName: r.RequesterName,
		RequestedAt: r.CreatedAt, StartedAt: r.CreatedAt, WrittenAt: tx.Now, Size: r.Size, Purged: r.Purged, Skipped: r.Skipped,
	}
	if r.RequestedAt != nil {
		h.RequestedAt = *r.RequestedAt
	}
	if r.StartedAt != nil {
		h.StartedAt = *r.StartedAt
	}
	return h
}

// Rebuild writes the file of a purge again that the database has carried out and the ledger lacks. It
// says where the survivors' keys are now; where they were before nobody knows any more.
func (w *Runner) Rebuild(ctx context.Context, code, by string) error {
	var r Request
	err := w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("code = ? AND phase IN ?", code, afterLedger).Take(&r).Error })
	if err != nil {
		return fmt.Errorf("find purge %s: %w", code, err)
	}
	sum, err := w.writeLedger(ctx, r.ID)
	if err != nil {
		return err
	}
	return w.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{
			Actor: audit.Actor{Name: by, Role: "system", Source: "cli"}, Action: "purge.ledgered", ObjectKind: "purge", Object: code, Count: r.Purged,
			Data: map[string]any{"root": hexOf(r.Root), "ledger_sha256": sum, "by": by},
		})
	})
}

// errNotInLedger says that a key was about to be destroyed too early. It is a fault of the program.
var errNotInLedger = errors.New("purge: the outside ledger does not name a bucket whose key is to be destroyed")

// inLedger makes sure, before keys are destroyed, that the file that names them is there and whole.
func (w *Runner) inLedger(r *Request, list []bucket) error {
	if w.Ledger == nil {
		return nil
	}
	head, closed, err := w.named.by(w.Ledger, r.Code)
	switch {
	case err != nil:
		return err
	case head.Purge != r.ID || head.Root != hexOf(r.Root):
		return fmt.Errorf("%s: %w", r.Code, ErrLedgerOther)
	}
	for _, b := range list {
		if !closed[b.BucketID] {
			return fmt.Errorf("%s: %w", r.Code, errNotInLedger)
		}
	}
	return nil
}

// named keeps what the file of one purge names, so that it is read whole once and not again for every
// few keys while nobody else can write. A file of another size or time is read again.
type named struct {
	mu     sync.Mutex
	file   fs.FileInfo
	head   LedgerHead
	closed map[id.Bucket]bool
}

func (n *named) by(l *Ledger, code string) (LedgerHead, map[id.Bucket]bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	file, err := os.Stat(l.path(code))
	if err != nil {
		return LedgerHead{}, nil, fmt.Errorf("outside ledger: %w", err)
	}
	if n.file != nil && os.SameFile(n.file, file) && n.file.Size() == file.Size() && n.file.ModTime().Equal(file.ModTime()) {
		return n.head, n.closed, nil
	}
	closed := map[id.Bucket]bool{}
	head, err := l.closed(code, func(b id.Bucket) { closed[b] = true })
	if err != nil {
		return LedgerHead{}, nil, err
	}
	n.file, n.head, n.closed = file, head, closed
	return head, closed, nil
}

// recorded tells whether the purge has its file. Executions that an earlier version of this program
// began have none.
func (w *Runner) recorded(r *Request) (bool, error) {
	if w.Ledger == nil {
		return true, nil
	}
	_, err := os.Stat(w.Ledger.path(r.Code))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// backToLedger returns from the keys to the phase that an earlier version did not have.
func (w *Runner) backToLedger(tx *db.Tx, j *job.Job, r *Request) error {
	if err := r.enter(tx, PhaseLedger); err != nil {
		return err
	}
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{Actor: w.system(), Action: "purge.requeued", ObjectKind: "purge", Object: r.Code, Count: r.Size})
}
