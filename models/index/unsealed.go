package index

import "slices"

// Unsealed gives a segment that is stored nowhere, of documents that the caller has: their order and
// attributes are asked as those of any other, and postings it has none.
func Unsealed(docs []Doc) *Segment {
	docs = slices.Clone(docs)
	sortDocs(docs)
	return &Segment{head: newHead(docs)}
}
