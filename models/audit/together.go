package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"qingdang/models/db"
)

const (
	// mostTogether bounds a transaction: the head is locked while it lasts, and a statement has a largest size.
	mostTogether = 32
	// togetherTime bounds the writing for others, which does not end with the request of the one that writes.
	togetherTime = 5 * time.Second
)

// errStopped is what the others are told where writing for them ended in a panic.
var errStopped = errors.New("audit: appending stopped")

// Together appends entries that stand alone, as of searches and openings: no change depends on them. What comes while
// others are being written waits for its turn, and one of those that wait writes for all of them, in one
// transaction. To each it is as if it had appended its own: when Append is back without an error the entry
// is durable, and an entry that is refused refuses no other. Where nobody knows whether the shared transaction was
// committed, all are told so. The zero value is ready to use.
type Together struct {
	mu      sync.Mutex
	waiting []*waiting
	turn    chan struct{} // taken by who writes
}

// waiting is an entry on its way. Err and shared are for its owner, once done is closed.
type waiting struct {
	ctx    context.Context
	entry  Entry
	done   chan struct{}
	err    error
	shared bool // with others in one transaction
}

// Append writes an entry in a transaction of its own or shared with others. Where the context ends before, it may
// still be written, as an entry may whose answer never arrives.
func (t *Together) Append(ctx context.Context, d *db.DB, e Entry) error {
	e, err := e.normal()
	if err != nil {
		return err
	}
	w, turn := t.wait(ctx, e)
	select {
	case <-w.done:
	case turn <- struct{}{}:
		t.write(ctx, d, w, turn)
	case <-ctx.Done():
		return fmt.Errorf("append: %w", ctx.Err())
	}
	if w.shared && rolledBack(w.err) {
		return d.Write(ctx, func(tx *db.Tx) error {
			_, err := appendNormal(tx, e)
			return err
		})
	}
	return w.err
}

// rolledBack tells of an error that nothing was written, so that each can try on its own whose fault it was.
func rolledBack(err error) bool {
	return err != nil && !errors.Is(err, db.ErrCommitUnknown) && !errors.Is(err, errStopped)
}

func (t *Together) wait(ctx context.Context, e Entry) (*waiting, chan struct{}) {
	w := &waiting{ctx: ctx, entry: e, done: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn == nil {
		t.turn = make(chan struct{}, 1)
	}
	t.waiting = append(t.waiting, w)
	return w, t.turn
}

// write appends what waits until one's own entry is done, and gives the turn back.
func (t *Together) write(ctx context.Context, d *db.DB, own *waiting, turn chan struct{}) {
	defer func() { <-turn }()
	for {
		select {
		case <-own.done:
			return
		default:
		}
		if own.err = ctx.Err(); own.err != nil {
			return
		}
		writeAll(d, t.take())
	}
}

// take gives those whose turn it is. What nobody waits for any more is left out.
func (t *Together) take() (some []*waiting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(t.waiting), mostTogether)
	for _, w := range t.waiting[:n] {
		if w.ctx.Err() == nil {
			some = append(some, w)
		}
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	return some
}

// writeAll writes for all of some in one transaction.
func writeAll(d *db.DB, some []*waiting) {
	if len(some) == 0 {
		return
	}
	ctx, shared, err := some[0].ctx, len(some) > 1, errStopped
	defer func() {
		for _, w := range some {
			w.err, w.shared = err, shared
			close(w.done)
		}
	}()
	if shared {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), togetherTime)
		defer cancel()
	}
	entries := make([]Entry, len(some))
	for i, w := range some {
		entries[i] = w.entry
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		_, err := appendNormal(tx, entries...)
		return err
	})
}
