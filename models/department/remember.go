package department

import (
	"context"
	"sync"

	"qingdang/models/db"
)

type rememberKey struct{}

// remembered is the tree that one request has loaded.
type remembered struct {
	mu   sync.Mutex
	tree *Tree
}

// Remember gives a context in which Departments.Tree loads the tree once: a page asks for it several
// times, and all of the page should speak of one tree. What decides inside a transaction calls Load.
func Remember(ctx context.Context) context.Context {
	return context.WithValue(ctx, rememberKey{}, &remembered{})
}

// Seen gives the tree that the request has loaded, or loads it in tx, for what a page shows. What decides
// inside a transaction calls Load.
func Seen(tx *db.Tx) (*Tree, error) {
	return seenBy(tx.Context()).get(func() (*Tree, error) { return Load(tx) })
}

func seenBy(ctx context.Context) *remembered {
	r, _ := ctx.Value(rememberKey{}).(*remembered)
	return r
}

func (r *remembered) get(load func() (*Tree, error)) (*Tree, error) {
	if r == nil {
		return load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tree != nil {
		return r.tree, nil
	}
	t, err := load()
	if err == nil {
		r.tree = t
	}
	return t, err
}
