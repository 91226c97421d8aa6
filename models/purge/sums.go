package purge

import (
	"maps"

	"qingdang/models/audit/proof"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// sums are what one reading of a list comes to: its root, and from which places of which buckets it erased.
type sums struct {
	list   proof.Lines
	erased map[id.Bucket]*seal.Leaves // a bucket from before there were leaves has none
	room   []byte
}

// add takes the next line.
func (s *sums) add(it *Item) error {
	s.room = it.line(s.room[:0])
	s.list.Add(s.room)
	if it.State != Purged {
		return nil
	}
	leaves := s.erased[it.BucketID]
	if leaves == nil {
		if s.erased == nil {
			s.erased = map[id.Bucket]*seal.Leaves{}
		}
		leaves = &seal.Leaves{}
		s.erased[it.BucketID] = leaves
	}
	leaves.Add(it.Leaf)
	return nil
}

// spared counts the buckets of erased lines that are not among those that are noted as touched.
func (s *sums) spared(noted []bucket) int64 {
	spared := len(s.erased)
	for i := range noted {
		if s.erased[noted[i].BucketID] != nil {
			spared--
		}
	}
	return int64(spared)
}

// leaves are the places of what was erased, in the buckets that have places.
func (s *sums) leaves() map[id.Bucket]*seal.Leaves {
	out := maps.Clone(s.erased)
	maps.DeleteFunc(out, func(_ id.Bucket, l *seal.Leaves) bool { return *l == seal.Leaves{} })
	return out
}

// became is what one reading of a finished list comes to.
type became struct {
	sums
	outcomes proof.Lines
	gone     []id.Conversation // what was erased
	skipped  int64
}

// add takes the next line.
func (b *became) add(it *Item) error {
	if err := b.sums.add(it); err != nil {
		return err
	}
	b.room = it.outcome(b.room[:0])
	b.outcomes.Add(b.room)
	switch it.State {
	case Purged:
		b.gone = append(b.gone, it.ConversationID)
	case Skipped:
		b.skipped++
	}
	return nil
}
