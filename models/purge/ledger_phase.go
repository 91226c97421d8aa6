package purge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// ledger makes the destruction repeatable before it becomes final. First the touched buckets are
// punctured, some a step; then the purge's file is written outside the database: what was erased, which
// keys are to go, and what is left of the buckets. Only then does the purge go on to destroy keys. The process
// may die anywhere: until the phase is left, everything is looked at again.
func (w *Runner) ledger(ctx context.Context, j *job.Job) error {
	more, err := w.puncture(ctx, j)
	if err != nil || more {
		return err
	}
	sum, err := w.record(ctx, id.Purge(j.Subject))
	switch {
	case errors.Is(err, errMovedOn):
		return nil
	case err != nil:
		return err
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

// errNotAgreed says that the list, or what is noted of its keys, was changed while the purge ran.
var errNotAgreed = errors.New("purge: the list is no longer the one that was agreed to, so no key is destroyed")

// errFreed says that a hold was ended, or lost what it covered, past the program while the purge ran.
var errFreed = errors.New("purge: a legal hold was changed past the program, so no key is destroyed")

// errMovedOn says that another worker has gone on from the phase.
var errMovedOn = errors.New("purge: the phase was left")

// record writes the purge's file, if the list is still agreed to: what is written and what is looked at is one
// reading. If the file is there already, the list is only looked at.
func (w *Runner) record(ctx context.Context, p id.Purge) (sum string, err error) {
	looked := false
	if w.Ledger != nil {
		sum, err = w.writeLedger(ctx, p, func(put func(ledgerLine) error) error {
			looked = true
			return w.stillAgreed(ctx, p, put)
		})
	}
	if err == nil && !looked {
		err = w.stillAgreed(ctx, p, nil)
	}
	return sum, err
}

// stillAgreed makes sure, before anything becomes final, that the list is the one that was agreed to, that holds are as people left them, and that every key
// bucket of what was erased is going to go. As long as the keys live, a backup of the database gives back what somebody
// had erased by changing the list. put, if there is one, is handed what became of every line.
func (w *Runner) stillAgreed(ctx context.Context, p id.Purge, put func(ledgerLine) error) error {
	return w.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := findRequest(tx, p)
		switch {
		case err != nil:
			return err
		case r.Phase != PhaseLedger:
			return errMovedOn
		}
		if err := w.Desk.sound(tx, r); err != nil {
			return err
		}
		if freed, err := w.Desk.freed(tx, p); err != nil || freed {
			return errors.Join(err, fmt.Errorf("%s: %w", r.Code, errFreed))
		}
		var sums sums
		wrong := error(nil)
		if put == nil {
			err = eachLine(tx, p, sums.add)
		} else {
			wrong, err = putItems(tx, r, sums.add, put)
		}
		if err != nil {
			return err
		}
		noted, err := bucketsOf(tx.Where("purge_id = ?", p))
		if err != nil {
			return err
		}
		if root := sums.list.Root(); sums.list.Size() != r.Size || string(root[:]) != string(r.Root) || sums.spared(noted) > 0 {
			return fmt.Errorf("%s: %w", r.Code, errNotAgreed)
		}
		return wrong
	})
}

// writeLedger writes the purge's file; items puts what became of every line of the list into it.
func (w *Runner) writeLedger(ctx context.Context, p id.Purge, items func(put func(ledgerLine) error) error) (string, error) {
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
		if err := items(put); err != nil {
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
// says what is left of the buckets now; what was left before nobody knows any more.
func (w *Runner) Rebuild(ctx context.Context, code, by string) error {
	var r Request
	err := w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("code = ? AND phase IN ?", code, afterLedger).Take(&r).Error })
	if err != nil {
		return fmt.Errorf("find purge %s: %w", code, err)
	}
	sum, err := w.writeLedger(ctx, r.ID, func(put func(ledgerLine) error) error {
		return w.DB.Read(ctx, func(tx *db.Tx) error {
			wrong, err := putItems(tx, &r, func(*Item) error { return nil }, put)
			return errors.Join(wrong, err)
		})
	})
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
var errNotInLedger = errors.New("purge: the outside ledger does not name a slot whose key is to be destroyed")

// inLedger makes sure, before keys are destroyed, that the file that names them is there and whole.
func (w *Runner) inLedger(r *Request, slots map[id.Bucket][]uint64) error {
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
	for _, list := range slots {
		for _, s := range list {
			if !closed[s] {
				return fmt.Errorf("%s: %w", r.Code, errNotInLedger)
			}
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
	closed map[uint64]bool
}

func (n *named) by(l *Ledger, code string) (LedgerHead, map[uint64]bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	file, err := os.Stat(l.path(code))
	if err != nil {
		return LedgerHead{}, nil, fmt.Errorf("outside ledger: %w", err)
	}
	if n.file != nil && os.SameFile(n.file, file) && n.file.Size() == file.Size() && n.file.ModTime().Equal(file.ModTime()) {
		return n.head, n.closed, nil
	}
	closed := map[uint64]bool{}
	head, err := l.closed(code, func(slot uint64) { closed[slot] = true })
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
