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
	Index         IndexReport       `json:"index"`
	Peers         []PeerReport      `json:"peers"`
	Missing       map[string]string `json:"missing,omitempty"` // peers the server does not have, and why
	Classes       []ClassReport     `json:"classes"`
}

// IndexReport is what our index took.
type IndexReport struct {
	Rate        float64 `json:"rate"` // conversations a second, from their sealed bodies into merged segments
	Docs        int     `json:"documents"`
	Merged      int     `json:"merged"`
	BuildMemory float64 `json:"build_memory_mb"`
	Memory      float64 `json:"memory_mb"` // our process after all questions
	Payload     float64 `json:"payload_bytes"`
	Disk        float64 `json:"disk_bytes"`
	Bodies      float64 `json:"body_bytes"` // on disk, to compare with
}

// PeerReport is a peer with what its index takes.
type PeerReport struct {
	Name  string  `json:"name"`
	What  string  `json:"what"`
	Built float64 `json:"built_seconds"`
	Bytes float64 `json:"bytes_per_conversation"` // 0: not told
}

// ClassReport is the times of one class of questions. Share is of the conversations that have the words,
// Opened how many bodies our side opened to be certain of one answer, Rough in how many answers it gave a bound in place of a total. Parts are the times of our search without
// the leaf of the audit log, for which the disk is waited for, and of the others' ids alone.
type ClassReport struct {
	Name   string               `json:"class"`
	Share  float64              `json:"share,omitempty"`
	Opened float64              `json:"opened,omitempty"`
	Rough  int                  `json:"rough,omitempty"`
	Times  map[string]Quantiles `json:"times"`
	Parts  map[string]Quantiles `json:"parts"`
}

const (
	oursName = "ours"
	rowsName = "rows" // our search without an index
)

// order is the columns.
var order = []string{oursName, "LIKE", "FULLTEXT", "Mroonga", rowsName, "SQL"}

// ratio is our median by another's.
func (r *ClassReport) ratio(other string) float64 {
	ours, theirs := r.Times[oursName], r.Times[other]
	if ours.Turns == 0 || theirs.Turns == 0 || theirs.P50 == 0 {
		return 0
	}
	return ours.P50 / theirs.P50
}

// cell is the times of one candidate.
func (r *ClassReport) cell(name string) string {
	t := r.Times[name]
	if t.Turns == 0 {
		return ""
	}
	s := fmt.Sprintf("%.1f / %.1f", t.P50, t.P95)
	if p, ok := r.Parts[name]; ok {
		s += fmt.Sprintf(" [%.1f / %.1f]", p.P50, p.P95)
	}
	return fmt.Sprintf("%s (%d)", s, t.Turns)
}

// String is the class in one line.
func (r *ClassReport) String() string {
	var out []string
	for _, name := range order {
		if s := r.cell(name); s != "" {
			out = append(out, name+" "+s)
		}
	}
	name := r.Name
	if r.Share > 0 {
		name += fmt.Sprintf(" (%.3f %%)", 100*r.Share)
	}
	if r.Opened > 0 {
		out = append(out, fmt.Sprintf("%.0f opened", r.Opened))
	}
	if r.Rough > 0 {
		out = append(out, fmt.Sprintf("%d rough totals", r.Rough))
	}
	return fmt.Sprintf("%-52s %s", name, strings.Join(out, ", "))
}

// Write prints the report as a table.
func (rep *SearchReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: search in %d conversations; p50 / p95 in ms (how often), and our p50 by theirs\nin brackets ours without the leaf of the audit log, others their ids alone, without texts and total\n\n", rep.Server, rep.Conversations)
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
	fmt.Fprintln(t, "opened\trough\t")
	for i := range rep.Classes {
		c := &rep.Classes[i]
		fmt.Fprintf(t, "%s\t", c.Name)
		if c.Share > 0 {
			fmt.Fprintf(t, "%.3f", 100*c.Share)
		}
		fmt.Fprint(t, "\t")
		for _, name := range names {
			if fmt.Fprint(t, c.cell(name), "\t"); name != oursName {
				if r := c.ratio(name); r > 0 {
					fmt.Fprintf(t, "%.2f", r)
				}
				fmt.Fprint(t, "\t")
			}
		}
		fmt.Fprintf(t, "%.0f\t%d\t\n", c.Opened, c.Rough)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	x := rep.Index
	fmt.Fprintf(w, "\nfilled %.0f conversations a second, with their plaintext copy\n", rep.FillRate)
	fmt.Fprintf(w, "ours: the whole search of the page: found, counted, rows opened, audit leaf written; rows: the same without an index; index built from the sealed bodies at %.0f conversations a second, "+
		"%.0f bytes a conversation, %.0f on disk (bodies %.0f); %.0f MB of memory to build it, %.0f at the end\n", x.Rate, x.Payload, x.Disk, x.Bodies, x.BuildMemory, x.Memory)
	for _, p := range rep.Peers {
		fmt.Fprintf(w, "%s: %s; built in %.1f s, index %.0f bytes a conversation\n", p.Name, p.What, p.Built, p.Bytes)
	}
	for _, name := range slices.Sorted(maps.Keys(rep.Missing)) {
		fmt.Fprintf(w, "%s is not there: %s\n", name, rep.Missing[name])
	}
	return nil
}
