// Package index owns the sealed search index: which conversations have which attributes and which
// keyed terms. It knows documents, not conversations; what a term is and how a conversation becomes
// a document is told by a Source.
//
// The index is a set of segments that never change what they hold. A segment is a head (ids, times,
// attributes, what is dead) and shards (terms with the conversations that have them), each sealed
// under a data key of its own, wrapped by the segment's key, which has a slot of its own in the key
// store: when a segment goes, its key is destroyed, and no backup of the database tells any more what
// was in it. In the database stand ciphertext, counts and times, and no term.
//
// Every change of a conversation is noted in index_change, in the transaction that makes it (Changed).
// A reader takes what stands there for unknown and asks the rows, so that its answer is exact at every
// moment; Fold takes the notes into the segments, a while later.
package index

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// MaxDocs is the most documents that a segment holds.
const MaxDocs = 1 << 16

var (
	// ErrUnreadable says that a segment does not open: its key is gone, as after a restored backup, or
	// somebody altered it. Nothing can be said from the index until Fold has built it anew; ask the rows.
	ErrUnreadable = errors.New("index: a segment does not open")
	// ErrBehind says that more changes wait to be taken in than a search should look through one by one;
	// ask the rows.
	ErrBehind = errors.New("index: too many changes wait")
)

// Options bound what an index keeps in memory. Zero values mean the defaults.
type Options struct {
	HeadBytes   int64 // opened heads, about 50 bytes for each conversation; 256 MB. What they remember of searches comes on top, half as much again at most
	ShardBytes  int64 // opened shards; 64 MB
	MostChanges int   // more waiting changes than that are ErrBehind; 200,000
	// Divisions tells of each department to which division it belongs now; nil: each is its own. It says only
	// which conversations large segments hold together, never what a search finds: after a department was moved,
	// segments stay as they were cut, and what is cut later is cut by the new tree.
	Divisions func(*db.Tx) (func(id.Department) id.Department, error)
}

// Index is the search index of one installation. It may be used by many goroutines.
type Index struct {
	DB     *db.DB
	Store  *seal.Store
	Source Source

	mostChanges int
	behind      atomic.Bool // at the last View
	last        atomic.Pointer[waiting]
	divisions   func(*db.Tx) (func(id.Department) id.Department, error)
	heads       *cache[headKey, *head]
	shards      *cache[shardKey, *shard]
	tokens      tokens

	at func(step string) // set by tests only: where something else may happen beside

	listing sync.Mutex
	listed  map[uint64]uint32   // the segments that were seen last, with the versions of their heads
	broken  map[uint64]*Segment // in which a reader met a shard that does not open, until Report
}

// New gives the index of a database. Source may be nil where the index is only read or scrubbed.
func New(d *db.DB, s *seal.Store, from Source, o Options) *Index {
	if o.HeadBytes <= 0 {
		o.HeadBytes = 256 << 20
	}
	if o.ShardBytes <= 0 {
		o.ShardBytes = 64 << 20
	}
	if o.MostChanges <= 0 {
		o.MostChanges = 200_000
	}
	if o.Divisions == nil {
		o.Divisions = func(*db.Tx) (func(id.Department) id.Department, error) {
			return func(d id.Department) id.Department { return d }, nil
		}
	}
	return &Index{
		DB: d, Store: s, Source: from, mostChanges: o.MostChanges, divisions: o.Divisions,
		heads: newCache[headKey, *head](o.HeadBytes), shards: newCache[shardKey, *shard](o.ShardBytes),
		tokens: newTokens(), broken: map[uint64]*Segment{}, at: func(string) {},
	}
}

// Token is the keyed name of a term: who has the database and not the key store cannot tell which
// word it is, and tokens stand inside sealed shards only.
type Token uint64

// Token gives the keyed name of a term.
func (x *Index) Token(term string) Token {
	m := x.Store.MAC("term", []byte(term))
	return Token(binary.BigEndian.Uint64(m[:8]))
}

// Tokens gives the keyed names of the distinct terms of a document. Terms that come again and again are
// remembered, since naming one costs as much as storing it.
func (x *Index) Tokens(terms []string) []Token {
	out := make([]Token, len(terms))
	for i, t := range terms {
		out[i] = x.tokens.of(t, x.Token)
	}
	return out
}

// tokens remembers the names of terms, in parts so that the goroutines of a build do not wait for each
// other. A part that is full begins anew.
type tokens struct {
	seed  maphash.Seed
	parts [32]struct {
		sync.RWMutex
		known map[string]Token
	}
}

const tokensInPart = 8192

func newTokens() tokens { return tokens{seed: maphash.MakeSeed()} }

func (c *tokens) of(term string, name func(string) Token) Token {
	p := &c.parts[maphash.String(c.seed, term)%uint64(len(c.parts))]
	p.RLock()
	t, ok := p.known[term]
	p.RUnlock()
	if ok {
		return t
	}
	t = name(term)
	p.Lock()
	defer p.Unlock()
	if p.known == nil || len(p.known) >= tokensInPart {
		p.known = map[string]Token{}
	}
	p.known[strings.Clone(term)] = t // a term is a piece of a whole conversation, which must not stay for it
	return t
}

// The states of a segment.
const (
	building = 1 // its parts are being written; nobody reads it
	ready    = 2
)

// segmentRow is what the database shows of a segment. Its id is the number of its key's slot in the
// key store, which is never given out twice.
type segmentRow struct {
	ID              uint64 `gorm:"primaryKey;autoIncrement:false"`
	Tier            int
	Division        id.Department // whose conversations these are; 0 = of several
	N, Dead         int
	FirstAt, LastAt time.Time
	Parts           int   // shards; the head is not counted
	Bytes           int64 // of all sealed parts
	State           int
	Version         uint32 // of the head
	CreatedAt       time.Time
}

// TableName is index_segment.
func (segmentRow) TableName() string { return "index_segment" }

// partRow is a sealed part of a segment: 0 is the head, the others are the shards.
type partRow struct {
	SegmentID uint64 `gorm:"primaryKey;autoIncrement:false"`
	Part      int    `gorm:"primaryKey;autoIncrement:false"`
	Wrapped   []byte
	Body      []byte
}

// TableName is index_part.
func (partRow) TableName() string { return "index_part" }

// kindPart tells parts from other sealed records.
const kindPart = 2

// aad binds a part to its segment, its place there and its version. Shards are never rewritten: theirs
// is always 0.
func aad(segment uint64, part int, version uint32) seal.AAD {
	return seal.AAD{Kind: kindPart, Record: segment<<13 | uint64(part), Version: version}
}

// workers is how many goroutines seal, open and encode.
func workers() int { return runtime.GOMAXPROCS(0) }

// onAll runs f(0) … f(n-1) on all cores and gives the first error.
func onAll(n int, f func(int) error) error {
	errs := make([]error, min(workers(), n))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				errs[w] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
