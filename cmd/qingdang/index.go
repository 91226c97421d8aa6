package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"qingdang/models/index"
	"qingdang/models/job"
	"qingdang/templates/locale"
)

// indexCommand is what is done with the search index as a whole.
type indexCommand struct {
	Status  indexStatus  `cmd:"" help:"Show the search index: segments, conversations, size, what waits."`
	Rebuild indexRebuild `cmd:"" help:"Make the search index anew from the conversations. Searches go on meanwhile."`
}

type indexStatus struct {
	JSON bool `help:"One JSON object."`
}

type indexRebuild struct{}

// indexState is index status --json.
type indexState struct {
	Segments      int         `json:"segments"`
	Conversations int         `json:"conversations"`
	Dead          int         `json:"dead"`
	Bytes         int64       `json:"bytes"`
	Building      int         `json:"building"`
	Gone          int         `json:"gone"`
	Waiting       int64       `json:"waiting"`
	Oldest        *time.Time  `json:"oldest_waiting,omitempty"`
	Tiers         []indexTier `json:"tiers"`
}

type indexTier struct {
	Tier          int   `json:"tier"`
	Segments      int   `json:"segments"`
	Conversations int   `json:"conversations"`
	Dead          int   `json:"dead"`
	Bytes         int64 `json:"bytes"`
}

// Run counts what is in the index.
func (c *indexStatus) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		census, err := a.index.Census(t.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(t.out).Encode(indexStateOf(census))
		}
		t.say("cli.index_status", census.Segments, census.Docs, locale.Bytes(t.ctx, census.Bytes))
		for _, tier := range census.Tiers {
			t.say("cli.index_tier", tier.Tier, tier.Segments, tier.Docs, locale.Bytes(t.ctx, tier.Bytes))
		}
		if census.Building+census.Gone > 0 {
			t.say("cli.index_unfinished", census.Building, census.Gone)
		}
		if census.Changes > 0 {
			t.say("cli.index_waiting", census.Changes, census.Oldest)
		}
		return nil
	})
}

func indexStateOf(c index.Census) indexState {
	out := indexState{
		Segments: c.Segments, Conversations: c.Docs, Dead: c.Dead, Bytes: c.Bytes, Building: c.Building, Gone: c.Gone,
		Waiting: c.Changes, Oldest: instant(c.Oldest), Tiers: []indexTier{},
	}
	for _, t := range c.Tiers {
		out.Tiers = append(out.Tiers, indexTier{t.Tier, t.Segments, t.Docs, t.Dead, t.Bytes})
	}
	return out
}

// Run makes the index anew.
func (c *indexRebuild) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		done, err := a.index.Rebuild(t.ctx, nil)
		if err != nil {
			return err
		}
		t.say("cli.index_rebuilt", done.Docs)
		return nil
	})
}

// indexEvery is how often changes are taken into the search index, unless many wait. What waits is found all the same.
const indexEvery = time.Minute

// workIndex takes changes into the search index, beside the other jobs: an import or a purge may
// take hours, and whoever searches meanwhile should not have to wait for the rows.
func (a *app) workIndex(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.index.Hasten(ctx) })
	g.Go(func() error {
		return job.Work(ctx, a.db, workerName(), map[string]job.Runner{index.JobFold: a.index.Runner(indexEvery)},
			job.Options{Timers: []job.New{{Kind: index.JobFold}}, Log: slog.Default()})
	})
	return g.Wait()
}

// indexNow takes what a command has changed into the search index. Where it cannot, a worker will.
func (a *app) indexNow(ctx context.Context) {
	if _, err := a.index.Fold(ctx); err != nil {
		slog.WarnContext(ctx, "the search index waits for a worker", "error", err)
	}
}
