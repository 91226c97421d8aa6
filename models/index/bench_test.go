package index

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// memory is a source that costs nothing: what is measured is the index alone. A document has about as
// many distinct terms as a customer-service conversation of a thousand bytes, out of as large a vocabulary.
type memory struct {
	docs map[id.Conversation]Doc
}

const (
	benchTerms      = 265
	benchVocabulary = 120_000
)

func newMemory(n int) (*memory, []id.Conversation) {
	rnd := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rnd, 1.05, 60, benchVocabulary-1)
	m := &memory{docs: make(map[id.Conversation]Doc, n)}
	ids := make([]id.Conversation, n)
	for i := range ids {
		at := dbtest.Start.Add(time.Duration(i) * time.Minute)
		d := Doc{
			ID: id.Conversation(uint64(at.Unix())<<20 | rnd.Uint64N(1<<20)), Version: 1, LastAt: at.Add(time.Duration(rnd.IntN(3600)) * time.Second),
			ServiceType: []string{"presale", "aftersale", "complaint"}[rnd.IntN(3)], Platform: []string{"qianniu", "wechat"}[rnd.IntN(2)],
			Agent: "agent" + id.String(id.User(rnd.IntN(300)+1)), State: 1,
		}
		one := id.Department(1 + rnd.IntN(10))
		d.Department = one*100 + id.Department(rnd.IntN(37))
		for tag := range 40 {
			if rnd.IntN(tag*8+5) == 0 {
				d.Tags = append(d.Tags, id.Tag(tag+1))
			}
		}
		for range benchTerms + rnd.IntN(60) {
			d.Terms = append(d.Terms, Token(zipf.Uint64()*0x9e3779b97f4a7c15))
		}
		slices.Sort(d.Terms)
		d.Terms = slices.Compact(d.Terms)
		m.docs[d.ID], ids[i] = d, d.ID
	}
	return m, ids
}

func (m *memory) Docs(_ context.Context, _ *db.Tx, ids []id.Conversation, _ bool) (docs []Doc, err error) {
	for _, c := range ids {
		if d, ok := m.docs[c]; ok {
			docs = append(docs, d)
		}
	}
	return docs, nil
}

func (m *memory) Lock(_ *db.Tx, ids []id.Conversation) (map[id.Conversation]uint32, error) {
	out := make(map[id.Conversation]uint32, len(ids))
	for _, c := range ids {
		if d, ok := m.docs[c]; ok {
			out[c] = d.Version
		}
	}
	return out, nil
}

func (m *memory) IDs(*db.Tx, id.Conversation, int) ([]id.Conversation, error) { return nil, nil }

// benchIndex gives an empty index over n documents, all noted as new.
func benchIndex(b *testing.B, n int) (*Index, *memory, []id.Conversation) {
	engine := db.SQLite
	if os.Getenv("QINGDANG_TEST_MARIADB") != "" {
		engine = db.MySQL
	}
	d := dbtest.Open(b, engine, dbtest.NewClock())
	store, err := seal.OpenStore(seal.Options{Dir: b.TempDir(), Create: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	m, ids := newMemory(n)
	x := New(d, store, m, Options{})
	if err := d.Write(context.Background(), func(tx *db.Tx) error { return Changed(tx, true, ids...) }); err != nil {
		b.Fatal(err)
	}
	return x, m, ids
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLife takes 32,768 documents in, merges them, asks for words, and scrubs a tenth: in documents
// a second, and bytes a document in the database.
func BenchmarkLife(b *testing.B) {
	const n = 8 * foldAtOnce
	var folding, merging, scrubbing, asking time.Duration
	var fresh, merged int64
	asked := 0
	for range b.N {
		b.StopTimer()
		x, m, ids := benchIndex(b, n)
		ctx := context.Background()
		b.StartTimer()
		from := time.Now()
		_, err := x.Catch(ctx)
		must(b, err)
		folding += time.Since(from)
		c, err := x.Census(ctx)
		must(b, err)
		fresh += c.Bytes
		from = time.Now()
		for {
			took, err := x.merging(ctx, idle)
			must(b, err)
			if took == 0 {
				break
			}
		}
		merging += time.Since(from)
		c, err = x.Census(ctx)
		must(b, err)
		merged += c.Bytes
		from = time.Now()
		for i := range 200 {
			words := m.docs[ids[i*37]].Terms
			must(b, x.DB.Read(ctx, func(tx *db.Tx) error {
				v, err := x.View(tx)
				if err == nil {
					_, err = v.Postings(words[:4], v.Segments...)
				}
				return err
			}))
			asked++
		}
		asking += time.Since(from)
		erased := ids[:0:0]
		for i := 0; i < n; i += 10 {
			erased = append(erased, ids[i])
			delete(m.docs, ids[i])
		}
		from = time.Now()
		_, err = x.Scrub(ctx, erased, nil)
		must(b, err)
		scrubbing += time.Since(from)
	}
	docs := float64(b.N) * n
	rate := func(t time.Duration) float64 { return math.Round(docs / t.Seconds()) }
	b.ReportMetric(rate(folding), "folded/s")
	b.ReportMetric(rate(merging), "merged/s")
	b.ReportMetric(rate(scrubbing), "passed/s")
	b.ReportMetric(rate(scrubbing)/10, "scrubbed/s")
	b.ReportMetric(float64(fresh)/docs, "B/fresh")
	b.ReportMetric(float64(merged)/docs, "B/merged")
	b.ReportMetric(float64(asking.Microseconds())/float64(asked), "µs/question")
}
