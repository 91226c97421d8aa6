package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/fault"
)

// reader is a supervisor of one division who turns pages and opens conversations, through the
// use cases that the console uses.
type reader struct {
	site  *site
	by    account.Actor
	pause time.Duration // how long the supervisor looks at what is shown
}

// newReader gives a reader of a division from which no choice takes everything.
func newReader(ctx context.Context, o *site, pause time.Duration) (*reader, error) {
	tree, err := o.departments.Tree(ctx)
	if err != nil {
		return nil, err
	}
	dep, ok := tree.ByPath(divisionName(1))
	if !ok {
		return nil, fmt.Errorf("the reader has no division")
	}
	people, err := o.cast(ctx)
	if err != nil {
		return nil, err
	}
	people.Supervisor.Scope = account.Within(tree.Subtree(dep.ID)...)
	return &reader{site: o, by: people.Supervisor, pause: pause}, nil
}

// read reads until ctx ends and gives what each turn took: a page of the list and one
// conversation.
func (r *reader) read(ctx context.Context) (took []time.Duration, err error) {
	live := context.WithoutCancel(ctx)
	cursor := ""
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(r.pause)
		from := time.Now()
		page, err := r.site.conversations.Search(live, r.by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Cursor: cursor, Size: 20})
		if err != nil {
			return nil, fmt.Errorf("reader: %w", err)
		}
		if cursor = page.Older; len(page.Rows) == 0 {
			continue
		}
		_, err = r.site.conversations.Open(live, r.by, page.Rows[n%len(page.Rows)].ID)
		// It may be destroyed between the list and the opening.
		if kind := fault.KindOf(err); err != nil && kind != fault.KindGone && kind != fault.KindNotFound {
			return nil, fmt.Errorf("reader: %w", err)
		}
		took = append(took, time.Since(from))
	}
	return took, nil
}

// beside runs do while the reader reads, and gives the reader's times.
func (r *reader) beside(ctx context.Context, do func(context.Context) error) (Quantiles, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var took []time.Duration
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		took, failed = r.read(reading)
	}()
	err := do(ctx)
	stop()
	<-done
	if err == nil {
		err = failed
	}
	return quantiles(took), err
}

// Quantiles are the reader's times in milliseconds.
type Quantiles struct {
	Turns int     `json:"turns"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
}

func quantiles(took []time.Duration) Quantiles {
	if len(took) == 0 {
		return Quantiles{}
	}
	slices.Sort(took)
	at := func(q float64) float64 { return milliseconds(took[min(len(took)-1, int(q*float64(len(took))))]) }
	return Quantiles{Turns: len(took), P50: at(0.50), P95: at(0.95)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
