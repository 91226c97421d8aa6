package index

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/db"
	"qingdang/models/id"
)

// waiting is what waits for Fold, as one transaction or several saw it. What a change left of a conversation is
// read once: whatever changes again is noted with another stamp.
type waiting struct {
	notes []noted // in order of their conversations
	by    map[id.Conversation]Change

	mu        sync.Mutex
	docs      map[id.Conversation]Doc // those that were read, but for what is fleeting; without a number: it is gone
	loose     *Segment                // of docs, once nothing else is unknown
	unsettled map[headKey]*roaring.Bitmap
}

type noted struct {
	c       id.Conversation
	content bool
	stamp   int64
}

// waitingAt gives what waits. The error is ErrBehind: as long as it was given the last time, it is found out by counting,
// since reading so much in vain, at every search, would take more than what is done in its place.
func (x *Index) waitingAt(tx *db.Tx) (*waiting, error) {
	if x.behind.Load() {
		var one []int
		if err := tx.Raw("SELECT 1 FROM index_change LIMIT 1 OFFSET ?", x.mostChanges).Scan(&one).Error; err != nil {
			return nil, fmt.Errorf("count waiting changes: %w", err)
		}
		if len(one) > 0 {
			return nil, ErrBehind
		}
	}
	notes, err := notes(tx, x.mostChanges)
	x.behind.Store(errors.Is(err, ErrBehind))
	if err != nil {
		return nil, err
	}
	last := x.last.Load()
	if last != nil && slices.Equal(notes, last.notes) {
		return last, nil
	}
	w := newWaiting(notes, last)
	x.last.Store(w)
	return w, nil
}

// notes reads what waits, in order of the conversations. More than most are ErrBehind.
func notes(tx *db.Tx, most int) ([]noted, error) {
	var all []noted
	var n noted
	var content int
	err := tx.Each(func(r *sql.Rows) error {
		err := r.Scan(db.Number(&n.c), db.Number(&content), db.Number(&n.stamp))
		n.content = content != 0
		all = append(all, n)
		return err
	}, "SELECT conversation_id, content, stamp FROM index_change ORDER BY conversation_id LIMIT ?", most+1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read waiting changes: %w", err)
	case len(all) > most:
		return nil, ErrBehind
	}
	return all, nil
}

// newWaiting takes over what was known before of what still waits.
func newWaiting(notes []noted, before *waiting) *waiting {
	w := &waiting{notes: notes, by: make(map[id.Conversation]Change, len(notes)), docs: map[id.Conversation]Doc{}, unsettled: map[headKey]*roaring.Bitmap{}}
	for _, n := range notes {
		w.by[n.c] = Change{Content: n.content}
	}
	if before == nil {
		return w
	}
	before.mu.Lock()
	defer before.mu.Unlock()
	if len(before.docs) == 0 {
		return w
	}
	for _, n := range notes {
		if d, known := before.docs[n.c]; known && before.stamp(n.c) == n.stamp {
			w.docs[n.c] = d
		}
	}
	return w
}

func (w *waiting) stamp(c id.Conversation) int64 {
	if i, ok := w.find(c); ok {
		return w.notes[i].stamp
	}
	return 0
}

func (w *waiting) find(c id.Conversation) (int, bool) {
	return slices.BinarySearchFunc(w.notes, c, func(n noted, c id.Conversation) int { return cmp.Compare(n.c, c) })
}

// in gives the documents of a head about which it must not be believed.
func (w *waiting) in(h *head) *roaring.Bitmap {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := headKey{h.of.ID, h.of.Version}
	b := w.unsettled[key]
	if b == nil {
		b = roaring.New()
		if len(h.ids) > 0 {
			from, _ := w.find(h.ids[h.byID[0]])
			to, last := w.find(h.ids[h.byID[len(h.ids)-1]])
			if last {
				to++
			}
			for _, n := range w.notes[from:to] {
				if ord, ok := h.find(n.c); ok {
					b.Add(ord)
				}
			}
		}
		w.unsettled[key] = b
	}
	return b
}

// Loose gives the conversations about which the segments must not be believed, as segments that are stored nowhere
// and have no postings. They are shared.
func (v *View) Loose() (loose []*Segment, err error) {
	w := v.waiting
	if len(w.notes) == 0 {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	fleeting, err := v.x.learn(v.tx, w)
	if err != nil {
		return nil, err
	}
	if w.loose == nil {
		all := make([]Doc, 0, len(w.docs))
		for _, d := range w.docs {
			if d.ID != 0 {
				all = append(all, d)
			}
		}
		w.loose = Unsealed(all)
	}
	for _, s := range []*Segment{w.loose, Unsealed(fleeting)} {
		if s.N() > 0 {
			loose = append(loose, s)
		}
	}
	return loose, nil
}

// learn reads what is not known, and gives what is to be read every time.
func (x *Index) learn(tx *db.Tx, w *waiting) (fleeting []Doc, err error) {
	if len(w.docs) == len(w.notes) {
		return nil, nil
	}
	var unknown []id.Conversation
	for _, n := range w.notes {
		if _, known := w.docs[n.c]; !known {
			unknown = append(unknown, n.c)
		}
	}
	read, err := x.docs(tx.Context(), tx, unknown, false)
	if err != nil {
		return nil, err
	}
	for _, c := range unknown {
		w.docs[c] = Doc{} // gone, unless it was read
	}
	for _, d := range read {
		if d.Fleeting {
			fleeting = append(fleeting, d)
			delete(w.docs, d.ID)
			continue
		}
		w.docs[d.ID] = d
	}
	return fleeting, nil
}
