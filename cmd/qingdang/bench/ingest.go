package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// IngestReport is what bench ingest measured.
type IngestReport struct {
	At            time.Time     `json:"at"`
	Server        string        `json:"server"`
	Conversations int           `json:"conversations"`
	Rounds        []IngestRound `json:"rounds"`
}

// IngestRound is one turn of both. Ratio is the rate with the index by the rate without.
type IngestRound struct {
	N       int     `json:"round"`
	Without Taken   `json:"without"`
	With    Taken   `json:"with"`
	Fold    float64 `json:"fold_seconds"` // of With: taking in and merging
	Ratio   float64 `json:"ratio"`
}

// String is the round in one line.
func (r *IngestRound) String() string {
	return fmt.Sprintf("round %d: without an index %.0f/s, with %.0f/s (fold %.1f of %.1f s), %.2fx; CPU %.1f against %.1f s",
		r.N, r.Without.Rate, r.With.Rate, r.Fold, r.With.Seconds, r.Ratio, r.Without.CPU, r.With.CPU)
}

// Write prints the report as a table.
func (rep *IngestReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d conversations into an empty database\n\n", rep.Server, rep.Conversations)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "round\twithout/s\twith/s\tfold s\tratio\tCPU s without\twith\t")
	var ratios []float64
	for _, r := range rep.Rounds {
		fmt.Fprintf(t, "%d\t%.0f\t%.0f\t%.1f\t%.2f\t%.1f\t%.1f\t\n", r.N, r.Without.Rate, r.With.Rate, r.Fold, r.Ratio, r.Without.CPU, r.With.CPU)
		ratios = append(ratios, r.Ratio)
	}
	slices.Sort(ratios)
	fmt.Fprintf(t, "median\t\t\t\t%.2f\t\t\t\n", ratios[len(ratios)/2])
	return t.Flush()
}

// Ingest measures how fast conversations are stored, sealed, with and without taking them into the search
// index, turn by turn into empty databases.
func Ingest(ctx context.Context, o Options) (rep *IngestReport, err error) {
	s, end, err := begin(ctx, o.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	defer func() { err = errors.Join(err, s.drop(context.WithoutCancel(ctx), "ingest")) }()
	rep = &IngestReport{Server: s.version, Conversations: o.Conversations, At: time.Now().UTC().Truncate(time.Second)}
	for n := range o.Rounds {
		r := IngestRound{N: n + 1}
		for turn := range 2 {
			if (turn+n)%2 == 0 {
				_, err = o.ingest(ctx, s, filepath.Join(s.dir, fmt.Sprint(n, turn)), &r.Without, false)
			} else {
				r.Fold, err = o.ingest(ctx, s, filepath.Join(s.dir, fmt.Sprint(n, turn)), &r.With, true)
			}
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", n+1, err)
			}
		}
		r.Ratio = r.With.Rate / r.Without.Rate
		rep.Rounds = append(rep.Rounds, r)
		o.say("%s", &r)
	}
	return rep, nil
}

// ingest fills an empty database, and gives how long of it taking in took.
func (o Options) ingest(ctx context.Context, s *server, dir string, taken *Taken, indexed bool) (fold float64, err error) {
	if err := s.fresh(ctx, "ingest"); err != nil {
		return 0, err
	}
	a, err := openSite(ctx, s.settings("ingest"), dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.people(ctx); err != nil {
		return 0, err
	}
	t, err := s.meter(ctx).timed(o.Conversations, func() error {
		if err := Fill(ctx, a.db, a.vault, Shape{Conversations: o.Conversations}); err != nil || !indexed {
			return err
		}
		from := time.Now()
		done, err := a.index.Fold(ctx)
		if fold = time.Since(from).Seconds(); err == nil && done.Docs != o.Conversations {
			err = fmt.Errorf("%d of %d conversations were taken in", done.Docs, o.Conversations)
		}
		return err
	})
	if err == nil {
		*taken = *t
	}
	return fold, err
}
