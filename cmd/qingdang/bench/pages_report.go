package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// PagesReport is what bench pages measured.
type PagesReport struct {
	At            time.Time  `json:"at"`
	Conversations int        `json:"conversations"`
	Connections   int        `json:"connections"`
	Seconds       int        `json:"seconds"`
	FillRate      float64    `json:"fill_rate"`
	IndexRate     float64    `json:"index_rate"`
	Turns         []PageTurn `json:"turns"`
}

// PageTurn is one page in one round, with the handler that does nothing right after it.
type PageTurn struct {
	Page  string  `json:"page"`
	Round int     `json:"round"`
	Ours  load    `json:"ours"`
	Bare  load    `json:"bare"`
	Ratio float64 `json:"ratio"`
}

func (r *PagesReport) add(page string, round int, ours, bare load) {
	r.Turns = append(r.Turns, PageTurn{page, round, ours, bare, ours.Rate / bare.Rate})
}

// Write prints the medians of the rounds.
func (r *PagesReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%d conversations; wrk, %d connections, %d s a turn; medians\n\n", r.Conversations, r.Connections, r.Seconds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "page\ta second\tbare\tratio\tp50 ms\tp99 ms\t")
	var done []string
	for _, one := range r.Turns {
		if slices.Contains(done, one.Page) {
			continue
		}
		done = append(done, one.Page)
		median := func(of func(PageTurn) float64) float64 {
			var all []float64
			for _, p := range r.Turns {
				if p.Page == one.Page {
					all = append(all, of(p))
				}
			}
			slices.Sort(all)
			return all[len(all)/2]
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.4f\t%.1f\t%.1f\t\n", one.Page, median(func(p PageTurn) float64 { return p.Ours.Rate }), median(func(p PageTurn) float64 { return p.Bare.Rate }),
			median(func(p PageTurn) float64 { return p.Ratio }), median(func(p PageTurn) float64 { return float64(p.Ours.P50) / 1e6 }), median(func(p PageTurn) float64 { return float64(p.Ours.P99) / 1e6 }))
	}
	return t.Flush()
}
