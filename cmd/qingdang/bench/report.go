package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what bench purge measured.
type Report struct {
	At            time.Time `json:"at"`
	Server        string    `json:"server,omitempty"`
	Conversations int       `json:"conversations"`
	Job           int       `json:"job"`
	Indexed       bool      `json:"indexed"`             // a search index was there, and scrubbed in the time
	FillRate      float64   `json:"fill_rate,omitempty"` // conversations a second
	PeerFlags     string    `json:"peer_flags,omitempty"`
	PeerStartup   float64   `json:"peer_startup_seconds,omitempty"` // taken out of the peer's times
	Rounds        []Round   `json:"rounds,omitempty"`
	SQLite        []Locks   `json:"sqlite,omitempty"`
}

// Round is one turn of both on one selection. Ratio is our rate by the peer's.
type Round struct {
	N      int       `json:"round"`
	Choice string    `json:"selection"`
	Purged int64     `json:"purged"`
	Idle   Quantiles `json:"reader_idle"`
	Ours   Side      `json:"ours"`
	Peer   Side      `json:"peer"`
	Bare   *Side     `json:"bare,omitempty"` // the deletes alone, where they were measured
	Ratio  float64   `json:"ratio"`
	Memory float64   `json:"memory_mb"` // the most resident memory of our process
	// Phases are the seconds of each phase of ours.
	Phases map[string]float64 `json:"phases"`
}

// Side is one candidate's turn.
type Side struct {
	Seconds float64   `json:"seconds"`
	Rate    float64   `json:"rate"`        // conversations a second
	CPU     float64   `json:"cpu_seconds"` // of all that took part, the reader and the server's cleaning up with it
	Reader  Quantiles `json:"reader"`
}

// String is the round in one line.
func (r *Round) String() string {
	bare := ""
	if r.Bare != nil {
		bare = fmt.Sprintf("; deletes alone %.0f/s, CPU %.1f s", r.Bare.Rate, r.Bare.CPU)
	}
	return fmt.Sprintf("round %d %-9s ours %6.0f/s, pt-archiver %6.0f/s, %.2fx; reader p95 idle %.1f, ours %.1f, pt-archiver %.1f ms; %.0f MB; CPU %.1f against %.1f s; seconds %s%s",
		r.N, r.Choice, r.Ours.Rate, r.Peer.Rate, r.Ratio, r.Idle.P95, r.Ours.Reader.P95, r.Peer.Reader.P95, r.Memory, r.Ours.CPU, r.Peer.CPU, inOrder(r.Phases), bare)
}

// inOrder lists the seconds of the phases.
func inOrder(phases map[string]float64) string {
	var out []string
	for _, p := range []string{"start", "erase", "ledger", "keys", "verify", "file"} {
		out = append(out, fmt.Sprintf("%s %.1f", p, phases[p]))
	}
	return strings.Join(out, ", ")
}

// readerRatio is the reader's p95 beside our purge by the idle one.
func (r *Round) readerRatio() float64 {
	if r.Idle.P95 == 0 {
		return 0
	}
	return r.Ours.Reader.P95 / r.Idle.P95
}

// Write prints the report as a table.
func (rep *Report) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(rep.Rounds) > 0 {
		fmt.Fprintf(w, "%s: %d of %d conversations a purge; pt-archiver %s, without its start-up of %.2f s\n", rep.Server, rep.Job, rep.Conversations, rep.PeerFlags, rep.PeerStartup)
		fmt.Fprintf(w, "%s\n\n", map[bool]string{true: "ours with a folded search index, scrubbed in the time", false: "no search index was built"}[rep.Indexed])
		fmt.Fprintln(t, "selection\tround\tpurged\tours/s\tpt-archiver/s\tratio\treader p50 idle\tours\tp95 idle\tours\tpt-archiver\tp95 ratio\tRSS MB\tCPU s\tpt-archiver\t")
		for i := range rep.Rounds {
			r := &rep.Rounds[i]
			fmt.Fprintf(t, "%s\t%d\t%d\t%.0f\t%.0f\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.0f\t%.1f\t%.1f\t\n", r.Choice, r.N, r.Purged, r.Ours.Rate, r.Peer.Rate, r.Ratio,
				r.Idle.P50, r.Ours.Reader.P50, r.Idle.P95, r.Ours.Reader.P95, r.Peer.Reader.P95, r.readerRatio(), r.Memory, r.Ours.CPU, r.Peer.CPU)
		}
		for _, c := range choices {
			fmt.Fprintf(t, "%s\tmedian\t\t%.0f\t%.0f\t%.2f\t\t\t\t\t\t%.2f\t%.0f\t%.1f\t%.1f\t\n", c.Name,
				rep.median(c, func(r *Round) float64 { return r.Ours.Rate }), rep.median(c, func(r *Round) float64 { return r.Peer.Rate }),
				rep.median(c, func(r *Round) float64 { return r.Ratio }), rep.median(c, (*Round).readerRatio), rep.median(c, func(r *Round) float64 { return r.Memory }),
				rep.median(c, func(r *Round) float64 { return r.Ours.CPU }), rep.median(c, func(r *Round) float64 { return r.Peer.CPU }))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for i := range rep.Rounds {
			if r := &rep.Rounds[i]; r.Bare != nil {
				fmt.Fprintf(w, "%s, round %d: the deletes alone, on two connections, %.0f/s, %.2f of pt-archiver; ours %.2f of that; CPU %.1f s\n",
					r.Choice, r.N, r.Bare.Rate, r.Bare.Rate/r.Peer.Rate, r.Ours.Rate/r.Bare.Rate, r.Bare.CPU)
			}
		}
	}
	if len(rep.SQLite) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nSQLite")
	fmt.Fprintln(t, "selection\tpurged\tours/s\tlongest write lock ms\tp99\tlongest wait of another writer ms\tp99\tRSS MB\t")
	for _, l := range rep.SQLite {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t\n", l.Choice, l.Purged, l.Rate, l.Held.Most, l.Held.P99, l.Waited.Most, l.Waited.P99, l.Memory)
	}
	return t.Flush()
}

func (rep *Report) median(c choice, of func(*Round) float64) float64 {
	var all []float64
	for i := range rep.Rounds {
		if rep.Rounds[i].Choice == c.Name {
			all = append(all, of(&rep.Rounds[i]))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
