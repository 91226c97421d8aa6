package fsck_test

import (
	"context"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
)

// ghost is a source with a conversation that has no row.
type ghost id.Conversation

func (g ghost) Docs(context.Context, *db.Tx, []id.Conversation, bool) ([]index.Doc, error) {
	return []index.Doc{{ID: id.Conversation(g), Version: 1, LastAt: dbtest.Start}}, nil
}

func (g ghost) Lock(*db.Tx, []id.Conversation) (map[id.Conversation]uint32, error) {
	return map[id.Conversation]uint32{id.Conversation(g): 1}, nil
}

func (ghost) IDs(*db.Tx, id.Conversation, int) ([]id.Conversation, error) { return nil, nil }

// haunted gives the search index a conversation that is not there, and spares its key.
func haunted(t *testing.T, w *world) []string {
	t.Helper()
	const c = 77
	x := index.New(w.d, w.checker.Store, ghost(c), index.Options{})
	w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error { return index.Changed(tx, true, c) }))
	_, err := x.Fold(w.ctx())
	w.must(err)
	w.checker.Index = x
	const without, alive = "I9 fsck.index_without_row", "I9 fsck.index_key_alive"
	if found := w.keys(true); len(found) != 1 || !found[without] {
		t.Errorf("a conversation without a row: %v", found)
	}
	dbtest.Exec(t, w.d, "UPDATE index_key SET state = 3")
	if found := w.keys(false); len(found) != 1 || !found[alive] {
		t.Errorf("a key that is spared: %v", found)
	}
	dbtest.Exec(t, w.d, "UPDATE index_key SET state = 1")
	_, err = x.Scrub(w.ctx(), []id.Conversation{c}, nil)
	w.must(err)
	if found := w.keys(true); len(found) != 0 {
		t.Errorf("after the scrub: %v", found)
	}
	w.checker.Index = nil
	return []string{without}
}
