package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// SearchReport is what bench search measured.
type SearchReport struct {
	At            time.Time         `json:"at"`
	Server        string            `json:"server"`
	Conversations int               `json:"conversations"`
	FillRate      float64           `json:"fill_rate"` // conversations a second, with the plaintext copy
	Peers         []PeerReport      `json:"peers"`
	Missing       map[string]string `json:"missing,omitempty"` // peers the server does not have, and why
	Classes       []ClassReport     `json:"classes"`
	Memory        float64           `json:"memory_mb"` // our process at the end
}

// PeerReport is a peer with what its index takes.
type PeerReport struct {
	Name  string  `json:"name"`
	What  string  `json:"what"`
	Built float64 `json:"built_seconds"`
	Bytes float64 `json:"bytes_per_conversation"` // 0: not told
}

// ClassReport is the times of one class of questions. Share is of the conversations that have the words.
type ClassReport struct {
	Name  string               `json:"class"`
	Share float64              `json:"share,omitempty"`
	Times map[string]Quantiles `json:"times"`
}

const oursName = "ours"

// order is the columns.
var order = []string{oursName, "LIKE", "FULLTEXT", "Mroonga", "SQL"}

// ratio is our median by another's.
func (r *ClassReport) ratio(other string) float64 {
	ours, theirs := r.Times[oursName], r.Times[other]
	if ours.Turns == 0 || theirs.Turns == 0 || theirs.P50 == 0 {
		return 0
	}
	return ours.P50 / theirs.P50
}

// String is the class in one line.
func (r *ClassReport) String() string {
	var out []string
	for _, name := range order {
		if t, ok := r.Times[name]; ok && t.Turns > 0 {
			out = append(out, fmt.Sprintf("%s %.1f / %.1f (%d)", name, t.P50, t.P95, t.Turns))
		}
	}
	name := r.Name
	if r.Share > 0 {
		name += fmt.Sprintf(" (%.3f %%)", 100*r.Share)
	}
	return fmt.Sprintf("%-52s %s", name, strings.Join(out, ", "))
}

// Write prints the report as a table.
func (rep *SearchReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: search in %d conversations; p50 / p95 in ms (how often), and our p50 by theirs\n\n", rep.Server, rep.Conversations)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	var names []string
	for _, name := range order {
		if slices.ContainsFunc(rep.Classes, func(c ClassReport) bool { return c.Times[name].Turns > 0 }) {
			names = append(names, name)
		}
	}
	fmt.Fprint(t, "class\tshare %\t")
	for _, name := range names {
		if fmt.Fprint(t, name, "\t"); name != oursName {
			fmt.Fprint(t, "ratio\t")
		}
	}
	fmt.Fprintln(t)
	for i := range rep.Classes {
		c := &rep.Classes[i]
		fmt.Fprintf(t, "%s\t", c.Name)
		if c.Share > 0 {
			fmt.Fprintf(t, "%.3f", 100*c.Share)
		}
		fmt.Fprint(t, "\t")
		for _, name := range names {
			if q := c.Times[name]; q.Turns > 0 {
				fmt.Fprintf(t, "%.1f / %.1f (%d)", q.P50, q.P95, q.Turns)
			}
			if fmt.Fprint(t, "\t"); name != oursName {
				if r := c.ratio(name); r > 0 {
					fmt.Fprintf(t, "%.2f", r)
				}
				fmt.Fprint(t, "\t")
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nfilled %.0f conversations a second, with their plaintext copy; %.0f MB of memory at the end\n", rep.FillRate, rep.Memory)
	for _, p := range rep.Peers {
		fmt.Fprintf(w, "%s: %s; built in %.1f s, index %.0f bytes a conversation\n", p.Name, p.What, p.Built, p.Bytes)
	}
	for _, name := range slices.Sorted(maps.Keys(rep.Missing)) {
		fmt.Fprintf(w, "%s is not there: %s\n", name, rep.Missing[name])
	}
	return nil
}
