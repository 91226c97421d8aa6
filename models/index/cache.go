package index

import (
	"container/list"
	"sync"
)

// sized is something whose memory is known.
type sized interface{ size() int64 }

// cache keeps what was opened, up to a number of bytes; what was not used for longest goes first.
type cache[K comparable, V sized] struct {
	mu    sync.Mutex
	most  int64
	bytes int64
	order *list.List // the front was used last
	items map[K]*list.Element
}

type cached[K comparable, V sized] struct {
	key   K
	value V
}

func newCache[K comparable, V sized](most int64) *cache[K, V] {
	return &cache[K, V]{most: most, order: list.New(), items: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[k]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cached[K, V]).value, true
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.items[k]; there {
		return
	}
	c.items[k] = c.order.PushFront(cached[K, V]{k, v})
	c.bytes += v.size()
	for c.bytes > c.most && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// keep drops what is not to be kept: of a segment whose key was destroyed nothing should stay here.
func (c *cache[K, V]) keep(wanted func(K) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.items {
		if !wanted(k) {
			c.remove(e)
		}
	}
}

func (c *cache[K, V]) remove(e *list.Element) {
	item := e.Value.(cached[K, V])
	c.order.Remove(e)
	delete(c.items, item.key)
	c.bytes -= item.value.size()
}
