package audit

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

const logSize = 60

// snapshot keeps all rows of the log, to put them back after each drill.
type snapshot struct {
	head        []headRow
	leaves      []leafRow
	nodes       []nodeRow
	checkpoints []checkpointRow
}

func takeSnapshot(t *testing.T, d *db.DB) (s snapshot) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		for _, dest := range []any{&s.head, &s.leaves, &s.nodes, &s.checkpoints} {
			if err := tx.Find(dest).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s snapshot) restore(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for _, table := range []string{"audit_head", "audit_leaf", "audit_node", "audit_checkpoint"} {
			if err := tx.Exec("DELETE FROM " + table).Error; err != nil {
				return err
			}
		}
		for _, rows := range []any{&s.head, &s.leaves, &s.nodes} {
			if err := tx.Create(rows).Error; err != nil {
				return err
			}
		}
		if len(s.checkpoints) == 0 {
			return nil
		}
		return tx.Create(&s.checkpoints).Error
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rebuild does what a forger with the database's password can do: compute hashes,
// nodes and head anew for whatever leaves are there.
func rebuild(t *testing.T, d *db.DB) {
	t.Helper()
	s := takeSnapshot(t, d)
	var edge proof.Edge
	s.nodes = nil
	for i := range s.leaves {
		h := tlog.RecordHash(s.leaves[i].Leaf)
		s.leaves[i].Hash = h[:]
		for k, node := range edge.Add(h) {
			s.nodes = append(s.nodes, nodeRow{Idx: tlog.StoredHashIndex(0, int64(i)) + int64(k), Hash: bytes.Clone(node[:])})
		}
	}
	root := edge.Root()
	s.head[0].Size, s.head[0].Root, s.head[0].Edge = edge.Size(), root[:], edge.Bytes()
	s.restore(t, d)
}

func TestTamperDrill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		appendMany(t, d, logSize/2)
		if _, err := l.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		appendMany(t, d, logSize/2)
		if _, err := l.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := check(t, l); !r.OK || !r.TailProvable || r.Proven != logSize {
			t.Fatalf("untouched: %+v", r)
		}
		whole := takeSnapshot(t, d)
		exec := func(query string, args ...any) func(t *testing.T, n int64) {
			return func(t *testing.T, n int64) {
				if dbtest.Exec(t, d, query, append(args, n)...) != 1 {
					t.Fatal("the drill changed nothing")
				}
			}
		}
		type drill struct {
			name string
			do   func(t *testing.T, n int64)
			what string
		}
		var drills []drill
		for column, value := range map[string]any{
			"at": "2026-01-01 00:00:00+00:00", "actor_id": 99, "person_id": 99, "actor_name": "某人", "actor_role": "admin", "action": "a.b",
			"object_kind": "x", "object": "x", "department_id": 99, "result": "failed", "source": "x", "request_id": "x", "item_count": 1,
		} {
			if column == "at" && d.Engine() == db.MySQL {
				value = "2026-01-01 00:00:00"
			}
			drills = append(drills, drill{"column " + column, exec("UPDATE audit_leaf SET "+column+" = ? WHERE n = ?", value), WhatColumns})
		}
		drills = append(drills,
			drill{"hash", exec("UPDATE audit_leaf SET hash = ? WHERE n = ?", make([]byte, 32)), proof.Changed},
			drill{"leaf", exec("UPDATE audit_leaf SET leaf = REPLACE(leaf, 'discarded', 'discardee') WHERE n = ?"), proof.Changed},
			drill{"leaf's own number", exec("UPDATE audit_leaf SET leaf = REPLACE(leaf, '\"n\":', '\"n\":1') WHERE n = ?"), ""},
			drill{"leaf and its hash", func(t *testing.T, n int64) {
				leaf := bytes.Replace(whole.leaves[n].Leaf, []byte("214"), []byte("215"), 1)
				h := tlog.RecordHash(leaf)
				dbtest.Exec(t, d, "UPDATE audit_leaf SET leaf = ?, hash = ? WHERE n = ?", leaf, h[:], n)
			}, proof.Changed},
			drill{"delete", exec("DELETE FROM audit_leaf WHERE n = ?"), ""},
			drill{"swap", func(t *testing.T, n int64) {
				dbtest.Exec(t, d, "UPDATE audit_leaf SET n = -1 WHERE n = ?", n)
				dbtest.Exec(t, d, "UPDATE audit_leaf SET n = ? WHERE n = ?", n, n+1)
				dbtest.Exec(t, d, "UPDATE audit_leaf SET n = ? WHERE n = -1", n+1)
			}, proof.Reordered},
			drill{"insert", func(t *testing.T, n int64) {
				dbtest.Exec(t, d, "UPDATE audit_leaf SET n = -n - 2 WHERE n >= ?", n)
				dbtest.Exec(t, d, "UPDATE audit_leaf SET n = -n - 1 WHERE n < 0")
				entry, err := discarded("SC-forged").normal()
				if err != nil {
					t.Fatal(err)
				}
				leaf, err := encode(n, whole.leaves[n].At, entry)
				if err != nil {
					t.Fatal(err)
				}
				row := newRow(n, whole.leaves[n].At, entry, leaf)
				dbtest.Insert(t, d, &row)
			}, proof.Inserted},
			drill{"cut", func(t *testing.T, n int64) { dbtest.Exec(t, d, "DELETE FROM audit_leaf WHERE n >= ?", n) }, ""},
			drill{"node", func(t *testing.T, n int64) {
				dbtest.Exec(t, d, "UPDATE audit_node SET hash = ? WHERE idx = ?", make([]byte, 32), tlog.StoredHashIndex(0, n))
			}, proof.Changed},
			drill{"node deleted", func(t *testing.T, n int64) {
				dbtest.Exec(t, d, "DELETE FROM audit_node WHERE idx = ?", tlog.StoredHashIndex(0, n))
			}, proof.Changed},
		)
		rnd := rand.New(rand.NewPCG(3, 4))
		for _, drill := range drills {
			t.Run(drill.name, func(t *testing.T) {
				for range 9 {
					n := rnd.Int64N(logSize - 1)
					drill.do(t, n)
					r := check(t, l)
					if r.OK || r.FirstBad != n || drill.what != "" && r.What != drill.what {
						t.Errorf("leaf %d: %+v", n, r)
					}
					checkBundle(t, l, n, drill.what == WhatColumns || drill.name == "hash")
					whole.restore(t, d)
				}
			})
		}
		if r := check(t, l); !r.OK {
			t.Errorf("after putting everything back: %+v", r)
		}
	})
}

// checkBundle exports the damaged log and lets the offline verifier look. Columns
// and the hash column are not part of a bundle.
func checkBundle(t *testing.T, l *Log, n int64, columnsOnly bool) {
	t.Helper()
	var buf bytes.Buffer
	if err := l.Export(t.Context(), &buf); err != nil {
		t.Fatal(err)
	}
	r, err := proof.VerifyLog(&buf, proof.Options{Keys: []string{l.Signer.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case columnsOnly && !r.OK:
		t.Errorf("offline, the leaves are whole: %+v", r)
	case !columnsOnly && (r.OK || r.FirstBad != n):
		t.Errorf("offline, leaf %d: %+v", n, r)
	}
}

func TestACutAndRebuiltTailIsSeenFromOutsideOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		blind := &Log{DB: d, Signer: l.Signer}
		appendMany(t, d, 40)
		if _, err := l.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		dbtest.Exec(t, d, "DELETE FROM audit_leaf WHERE n >= 31")
		dbtest.Exec(t, d, "DELETE FROM audit_checkpoint")
		rebuild(t, d)
		if r := check(t, blind); !r.OK || r.TailProvable || r.Proven != 0 {
			t.Errorf("without memory outside: %+v", r)
		}
		for _, full := range []bool{true, false} {
			r, err := l.Check(t.Context(), full)
			if err != nil || r.OK || r.What != proof.Cut || r.FirstBad != 31 || r.LastBad != 39 {
				t.Errorf("full=%v: %+v %v", full, r, err)
			}
		}
		// The forger appends until the log is long enough again.
		appendMany(t, d, 12)
		r := check(t, l)
		if r.OK || r.What != proof.Rewritten || r.FirstBad != 0 || r.LastBad != 39 {
			t.Errorf("regrown: %+v", r)
		}
		if _, err := l.Checkpoint(t.Context()); !errors.Is(err, ErrForked) {
			t.Errorf("the fork was signed: %v", err)
		}
	})
}

func TestCheckLooksAtHeadCheckpointsAndWhatStandsBehind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		appendMany(t, d, 20)
		c, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		appendMany(t, d, 5)
		whole := takeSnapshot(t, d)
		row := whole.leaves[3]
		row.N = 25
		tests := []struct {
			name string
			do   func(t *testing.T)
			what string
		}{
			{"another root in the head", func(t *testing.T) { dbtest.Exec(t, d, "UPDATE audit_head SET root = ?", make([]byte, 32)) }, WhatHead},
			{"another edge in the head", func(t *testing.T) {
				dbtest.Exec(t, d, "UPDATE audit_head SET edge = ?", make([]byte, len(whole.head[0].Edge)))
			}, WhatHead},
			{"a leaf behind the head", func(t *testing.T) { dbtest.Insert(t, d, &row) }, proof.Inserted},
			{"a node behind the head", func(t *testing.T) { dbtest.Insert(t, d, &nodeRow{Idx: 999, Hash: make([]byte, 32)}) }, proof.Nodes},
			{"another root in a stored checkpoint", func(t *testing.T) {
				dbtest.Exec(t, d, "UPDATE audit_checkpoint SET root = ?", make([]byte, 32))
			}, WhatCheckpoint},
			{"a shorter head", func(t *testing.T) { dbtest.Exec(t, d, "UPDATE audit_head SET size = 24") }, WhatHead},
			{"a damaged checkpoint outside", func(t *testing.T) {
				path := filepath.Join(l.Dir, fileName(20))
				if err := os.WriteFile(path, []byte(c.Note[:40]), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := os.WriteFile(path, []byte(c.Note), 0o600); err != nil {
						t.Error(err)
					}
				})
			}, WhatCheckpoint},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				tt.do(t)
				defer whole.restore(t, d)
				for _, full := range []bool{true, false} {
					r, err := l.Check(t.Context(), full)
					if err != nil || r.OK || r.What != tt.what {
						t.Errorf("full=%v: %+v %v", full, r, err)
					}
				}
			})
		}
		r, err := l.Check(t.Context(), false)
		if err != nil || !r.OK || r.Checked != 5 || r.Proven != 20 {
			t.Errorf("from the last checkpoint on: %+v %v", r, err)
		}
	})
}

func TestKeysOfEarlierEpochsStayEvidenceUpToTheirEnd(t *testing.T) {
	d, _ := dbtest.New(t)
	old := newLog(t, d)
	appendMany(t, d, 10)
	if _, err := old.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendMany(t, d, 10)
	present := newLog(t, d)
	present.Dir = old.Dir
	if r := check(t, present); r.OK || r.What != WhatCheckpoint {
		t.Errorf("an unknown key's checkpoint: %+v", r)
	}
	present.Retired = []Epoch{{Public: old.Signer.Public(), Until: 10}}
	if r := check(t, present); !r.OK || r.Proven != 10 {
		t.Errorf("a retired key's checkpoint: %+v", r)
	}
	if _, err := present.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Whoever still holds the old key signs on with it.
	appendMany(t, d, 1)
	h, err := present.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := proof.Sign(old.Signer, h.Size, h.Root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(present.Dir, fileName(h.Size)), []byte(c.Note), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := check(t, present); r.OK || r.What != WhatCheckpoint {
		t.Errorf("a retired key signed on: %+v", r)
	}
}

func TestCheckpointIsOneAndStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		if _, err := l.Checkpoint(t.Context()); err == nil {
			t.Error("an empty log was signed")
		}
		appendMany(t, d, 3)
		first, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Checkpoint(t.Context())
		if err != nil || again != first {
			t.Errorf("again: %+v %v", again, err)
		}
		signed, err := l.Checkpoints(t.Context(), 5)
		if err != nil || len(signed) != 1 || signed[0].Note != first.Note {
			t.Errorf("stored: %+v %v", signed, err)
		}
		files, err := os.ReadDir(l.Dir)
		if err != nil || len(files) != 1 || files[0].Name() != "checkpoint-0000000000000003.txt" {
			t.Errorf("outside: %v %v", files, err)
		}
		for i := range 6 {
			appendMany(t, d, 1+i)
			if _, err := l.Checkpoint(t.Context()); err != nil {
				t.Fatal(fmt.Errorf("step %d: %w", i, err))
			}
		}
	})
}
