package index

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
)

const (
	// foldAtOnce is how many changes one fold takes.
	foldAtOnce = 4096
	// docsAtOnce is for how many documents the source is asked at once.
	docsAtOnce = 512
	// retries is how often an operation begins again that another one has overtaken.
	retries = 4
)

// Folded is what Fold did.
type Folded struct {
	Changes    int // notes that were taken in and removed
	Docs       int // documents that were put into new segments
	Attributes int // documents of which only attributes were set anew
	Dead       int // documents that were replaced or are gone
	Later      int // documents whose bodies do not open for now; they stay noted
	Merged     int // segments that were merged into larger ones
}

func (f *Folded) add(g Folded) {
	f.Changes += g.Changes
	f.Docs += g.Docs
	f.Attributes += g.Attributes
	f.Dead += g.Dead
	f.Later += g.Later
	f.Merged += g.Merged
}

// batch is what one fold works on.
type batch struct {
	notes map[id.Conversation]changeRow
	last  id.Conversation
	docs  []Doc // to be put into a new segment
	olds  []*rewrite
	plain []id.Conversation // whose attributes alone are set anew
	later int
}

// rewrite is a segment whose head changes.
type rewrite struct {
	*Segment
	dead []uint32
	docs map[uint32]*Doc
	next *head   // as it will be
	part partRow // next, sealed; empty where nothing lives in it any more
}

// foldOnce takes the next changes after a conversation into the index. It tells up to where it came,
// 0 when there was nothing left. What was changed again meanwhile stays noted.
func (x *Index) foldOnce(ctx context.Context, after id.Conversation, beat func(*db.Tx) error) (done Folded, last id.Conversation, err error) {
	for range retries {
		var b *batch
		if b, err = x.nextBatch(ctx, after); err != nil || b == nil {
			return done, 0, err
		}
		x.at("read")
		done, err = x.foldBatch(ctx, b, beat)
		if err == nil {
			return done, b.last, nil
		}
		if !errors.Is(err, errLost) {
			return Folded{}, 0, err
		}
	}
	return Folded{}, 0, err
}

// nextBatch reads the notes and the documents they are about, as they are at one moment.
func (x *Index) nextBatch(ctx context.Context, after id.Conversation) (b *batch, err error) {
	err = x.DB.Read(ctx, func(tx *db.Tx) error {
		b = nil
		var notes []changeRow
		if err := tx.Where("conversation_id > ?", after).Order("conversation_id").Limit(foldAtOnce).Find(&notes).Error; err != nil {
			return fmt.Errorf("read waiting changes: %w", err)
		}
		if len(notes) == 0 {
			return nil
		}
		segments, err := x.segments(tx)
		if err != nil {
			return err
		}
		b = &batch{notes: map[id.Conversation]changeRow{}, last: notes[len(notes)-1].ConversationID}
		for _, n := range notes {
			b.notes[n.ConversationID] = n
		}
		return x.read(ctx, tx, b, segments)
	})
	return b, err
}

// read fills a batch with documents and says what changes in the segments there are.
func (x *Index) read(ctx context.Context, tx *db.Tx, b *batch, segments []*Segment) error {
	v := &View{Segments: segments}
	olds := map[*Segment]*rewrite{}
	old := func(s *Segment) *rewrite {
		if olds[s] == nil {
			olds[s] = &rewrite{Segment: s, docs: map[uint32]*Doc{}}
			b.olds = append(b.olds, olds[s])
		}
		return olds[s]
	}
	var plain, whole []id.Conversation
	for _, c := range slices.Sorted(maps.Keys(b.notes)) {
		if _, _, known := v.Find(c); known && b.notes[c].Content == 0 {
			plain = append(plain, c)
		} else {
			whole = append(whole, c)
		}
	}
	attributes, err := x.docs(ctx, tx, plain, false)
	if err != nil {
		return err
	}
	there := map[id.Conversation]bool{}
	for i := range attributes {
		d := &attributes[i]
		there[d.ID] = true
		s, ord, _ := v.Find(d.ID)
		if s.Version(ord) != d.Version || s.at[ord] != moment(d.LastAt) {
			whole = append(whole, d.ID) // whatever the note says
			continue
		}
		old(s).docs[ord] = d
		b.plain = append(b.plain, d.ID)
	}
	slices.Sort(whole)
	if b.docs, err = x.docs(ctx, tx, whole, true); err != nil {
		return err
	}
	b.docs = slices.DeleteFunc(b.docs, func(d Doc) bool {
		if d.Later { // its note stays, and so does what an old segment says that nobody believes
			delete(b.notes, d.ID)
			b.later++
		}
		return d.Later
	})
	fresh := map[id.Conversation]bool{}
	for _, d := range b.docs {
		there[d.ID], fresh[d.ID] = true, true
	}
	for c := range b.notes {
		if s, ord, known := v.Find(c); known && (fresh[c] || !there[c]) {
			r := old(s)
			r.dead = append(r.dead, ord)
		}
	}
	sortDocs(b.docs)
	return nil
}

func (x *Index) docs(ctx context.Context, tx *db.Tx, ids []id.Conversation, terms bool) ([]Doc, error) {
	out := make([]Doc, 0, len(ids))
	for part := range slices.Chunk(ids, docsAtOnce) {
		docs, err := x.Source.Docs(ctx, tx, part, terms)
		if err != nil {
			return nil, fmt.Errorf("documents: %w", err)
		}
		out = append(out, docs...)
	}
	return out, nil
}

// foldBatch writes a batch. errLost means that something of it was changed or erased meanwhile and
// nothing was done.
func (x *Index) foldBatch(ctx context.Context, b *batch, beat func(*db.Tx) error) (done Folded, err error) {
	var outs []*output
	if len(b.docs) > 0 {
		outs = []*output{newOutput(0, newHead(b.docs))}
	}
	// The rows are locked here as well: a conversation that is erased after this finds its segment being
	// built, and Scrub takes it away; one that was erased before is not written at all.
	err = x.begin(ctx, outs, func(tx *db.Tx) error {
		versions, err := x.lock(tx, b.ids())
		if err != nil {
			return err
		}
		for i := range b.docs {
			if _, there := versions[b.docs[i].ID]; !there {
				return errLost
			}
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	x.at("begun")
	if len(outs) > 0 {
		err = x.put(ctx, cutDocs(outs[0], b.docs), beat, func(o *output, n int64) { o.row.Bytes += n })
	}
	if err == nil {
		err = onAll(len(b.olds), func(i int) error { return x.prepare(b.olds[i]) })
	}
	x.at("written")
	if err == nil {
		err = x.DB.Write(ctx, func(tx *db.Tx) (err error) {
			done, err = x.settle(tx, b, outs)
			return err
		})
	}
	if errors.Is(err, db.ErrCommitUnknown) {
		return done, err // it may be ready
	}
	if err != nil {
		return done, errors.Join(err, x.abandon(ctx, outs))
	}
	return done, x.Sweep(ctx)
}

// lock locks conversations, some at a time, in ascending order.
func (x *Index) lock(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]uint32, error) {
	all := make(map[id.Conversation]uint32, len(ids))
	for part := range slices.Chunk(ids, changesAtOnce) {
		versions, err := x.Source.Lock(tx, part)
		if err != nil {
			return nil, fmt.Errorf("lock conversations: %w", err)
		}
		maps.Copy(all, versions)
	}
	return all, nil
}

// ids are the conversations whose documents were read.
func (b *batch) ids() []id.Conversation {
	ids := slices.Clone(b.plain)
	for i := range b.docs {
		ids = append(ids, b.docs[i].ID)
	}
	slices.Sort(ids)
	return ids
}

// cutDocs cuts the terms of documents into shards.
func cutDocs(o *output, docs []Doc) []shardOut {
	terms := map[Token][]uint32{}
	for ord := range docs {
		for _, t := range docs[ord].Terms {
			if list := terms[t]; len(list) == 0 || list[len(list)-1] != uint32(ord) {
				terms[t] = append(list, uint32(ord))
			}
		}
	}
	return cut(o, terms, 1, o.row.Parts)
}

// cut puts terms in order into the shards from first to last.
func cut(o *output, terms map[Token][]uint32, first, last int) []shardOut {
	shards := make([]shardOut, last-first+1)
	for i := range shards {
		shards[i] = shardOut{to: o, part: first + i}
	}
	for _, t := range slices.Sorted(maps.Keys(terms)) {
		s := &shards[shardOf(t, o.row.Parts)-first]
		s.list = append(s.list, postings{t, terms[t]})
	}
	return shards
}

// settle is the last transaction of a fold: what was read is what is there, or it stays noted, and then
// nobody believes what the new heads say of it. They were sealed before, as nobody should wait for that.
func (x *Index) settle(tx *db.Tx, b *batch, outs []*output) (done Folded, err error) {
	versions, err := x.lock(tx, b.ids())
	if err != nil {
		return done, err
	}
	notes, err := lockNotes(tx, slices.Sorted(maps.Keys(b.notes)))
	if err != nil {
		return done, err
	}
	same := map[id.Conversation]bool{}
	for _, n := range notes {
		same[n.ConversationID] = n.Stamp == b.notes[n.ConversationID].Stamp
	}
	read := map[id.Conversation]uint32{}
	for _, d := range b.docs {
		now, there := versions[d.ID]
		if !there {
			return done, errLost // its terms are in the shards: all of it has to go
		}
		read[d.ID] = d.Version
		if now == d.Version && same[d.ID] {
			done.Docs++
		}
	}
	for _, r := range b.olds {
		for _, d := range r.docs {
			read[d.ID] = d.Version
		}
		if err := rewriteHead(tx, r); err != nil {
			return done, err
		}
		done.Dead += len(r.dead)
		done.Attributes += len(r.docs)
	}
	done.Later = b.later
	for _, o := range outs {
		if err := o.finish(tx); err != nil {
			return done, err
		}
	}
	done.Changes, err = removeNotes(tx, notes, func(n changeRow) bool {
		v, wasThere := read[n.ConversationID]
		now, isThere := versions[n.ConversationID]
		return same[n.ConversationID] && wasThere == isThere && v == now
	})
	return done, err
}

// prepare makes and seals the head that a segment will have.
func (x *Index) prepare(r *rewrite) error {
	r.next = r.head.changed(r.dead, r.docs)
	if r.next.live.IsEmpty() {
		return nil
	}
	plain, err := r.next.encode()
	if err != nil {
		return err
	}
	r.part, err = x.sealPart(r.key, r.row.ID, 0, r.row.Version+1, plain)
	return err
}

// rewriteHead puts a new head in the place of the one that was read, which must still be there.
func rewriteHead(tx *db.Tx, r *rewrite) error {
	if r.next.live.IsEmpty() {
		return dropVersion(tx, r.row)
	}
	res := tx.Model(&segmentRow{}).Where("id = ? AND version = ? AND state = ?", r.row.ID, r.row.Version, ready).
		Updates(map[string]any{"version": r.row.Version + 1, "dead": r.next.dead.GetCardinality()})
	if res.Error != nil {
		return fmt.Errorf("change head: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return errLost
	}
	return storeHead(tx, r.part)
}

// dropVersion drops a segment that is as it was read.
func dropVersion(tx *db.Tx, r segmentRow) error {
	var there []segmentRow
	if err := tx.ForUpdate().Where("id = ? AND version = ?", r.ID, r.Version).Find(&there).Error; err != nil {
		return fmt.Errorf("lock segment: %w", err)
	}
	if len(there) == 0 {
		return errLost
	}
	return drop(tx, []uint64{r.ID}, ready)
}

func lockNotes(tx *db.Tx, ids []id.Conversation) ([]changeRow, error) {
	var all []changeRow
	for part := range slices.Chunk(ids, changesAtOnce) {
		var notes []changeRow
		if err := tx.ForUpdate().Where("conversation_id IN ?", part).Order("conversation_id").Find(&notes).Error; err != nil {
			return nil, fmt.Errorf("lock waiting changes: %w", err)
		}
		all = append(all, notes...)
	}
	return all, nil
}

func removeNotes(tx *db.Tx, notes []changeRow, which func(changeRow) bool) (int, error) {
	var ids []id.Conversation
	for _, n := range notes {
		if which(n) {
			ids = append(ids, n.ConversationID)
		}
	}
	for part := range slices.Chunk(ids, changesAtOnce) {
		if err := tx.Where("conversation_id IN ?", part).Delete(&changeRow{}).Error; err != nil {
			return 0, fmt.Errorf("remove changes that were taken in: %w", err)
		}
	}
	return len(ids), nil
}
