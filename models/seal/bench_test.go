package seal

import (
	"fmt"
	"testing"
)

// The documents of these benchmarks are of about 1 kB, like those of PERFORMANCE.md, section 6.
func benchDocs(b *testing.B) ([][]byte, [][]byte) {
	docs := chatDocuments(b, 500, 42)
	packed := make([][]byte, len(docs))
	for i, d := range docs {
		var err error
		if packed[i], err = Pack(d); err != nil {
			b.Fatal(err)
		}
	}
	return docs, packed
}

func BenchmarkSeal(b *testing.B) {
	s := newTestStore(b)
	bucket, err := s.Bucket(newBuckets(b, s, 1)[0])
	check(b, err)
	_, packed := benchDocs(b)
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := bucket.Seal(AAD{Suite: suite, Record: 9}, packed[i%len(packed)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	s := newTestStore(b)
	id := newBuckets(b, s, 1)[0]
	bucket, err := s.Bucket(id)
	check(b, err)
	_, packed := benchDocs(b)
	for _, suite := range suites {
		sealed := mustSeal(b, s, id, AAD{Suite: suite, Record: 9}, packed[0])
		b.Run(suite.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bucket.Open(AAD{Record: 9}, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	sealed := mustSeal(b, s, id, AAD{Record: 9}, packed[0])
	b.Run("with a look at the slot", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Open(id, AAD{Record: 9}, sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFull(b *testing.B) {
	s := newTestStore(b)
	bucket, err := s.Bucket(newBuckets(b, s, 1)[0])
	check(b, err)
	docs, _ := benchDocs(b)
	sealed := make([]Sealed, len(docs))
	b.Run("pack and seal", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			p, err := Pack(docs[i%len(docs)])
			if err == nil {
				sealed[i%len(docs)], err = bucket.Seal(AAD{Record: 9}, p)
			}
			check(b, err)
		}
	})
	b.Run("open and unpack", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			p, err := bucket.Open(AAD{Record: 9}, sealed[i%len(docs)])
			if err == nil {
				_, err = Unpack(p)
			}
			check(b, err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	docs, packed := benchDocs(b)
	for dictionary := range byte(2) {
		b.Run(fmt.Sprintf("dictionary %d", dictionary), func(b *testing.B) {
			in, out := 0, 0
			for i := 0; b.Loop(); i++ {
				p, err := PackWith(dictionary, docs[i%len(docs)])
				check(b, err)
				in, out = in+len(docs[i%len(docs)]), out+len(p)
			}
			b.ReportMetric(100*float64(out)/float64(in), "%size")
		})
	}
	b.Run("unpack", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := Unpack(packed[i%len(packed)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTree(b *testing.B) {
	s := newTestStore(b)
	ids := newBuckets(b, s, 2)
	tree, err := s.Tree(ids[0], ids[0], nil)
	check(b, err)
	sealed, err := tree.Seal(700, AAD{Record: 9}, []byte(talk))
	check(b, err)
	var kept Leaves
	for i := 0; i < TreeLeaves; i += 3 {
		kept.Add(i)
	}
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tree.Open(700, AAD{Record: 9}, sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("keep", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tree.Keep(kept, ids[1]); err != nil {
				b.Fatal(err)
			}
		}
	})
	state, err := tree.Keep(kept, ids[1])
	check(b, err)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.forget()
			if _, err := s.Tree(ids[0], ids[1], state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBuckets(b *testing.B) {
	s := newTestStore(b)
	var ids []uint64
	b.Run("allocate 10000", func(b *testing.B) {
		for b.Loop() {
			ids = newBuckets(b, s, 10_000)
		}
	})
	b.Run("destroy 1000", func(b *testing.B) {
		for b.Loop() {
			check(b, s.Destroy(ids[:1000]...))
		}
	})
}

func BenchmarkMAC(b *testing.B) {
	s := newTestStore(b)
	part := []byte("wecom:customer:12345678")
	for b.Loop() {
		s.MAC("customer", part)
	}
}

func BenchmarkRotate(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n, " buckets"), func(b *testing.B) {
			s := newTestStore(b)
			newBuckets(b, s, n)
			for b.Loop() {
				done, err := s.RotateRoot(nil)
				if err != nil || done.Rewrapped != n {
					b.Fatal(done, err)
				}
			}
		})
	}
}
