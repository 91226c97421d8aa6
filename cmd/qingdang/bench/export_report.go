package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"qingdang/models/export/file"
)

// ExportReport is what bench export measured.
type ExportReport struct {
	At            time.Time     `json:"at"`
	Server        string        `json:"server"`
	Conversations int           `json:"conversations"`
	Formats       []file.Format `json:"formats"`
	Rounds        []ExportRound `json:"rounds"`
}

// ExportRound is an export beside the dump of its round. Ratio is our rate by the dump's; CPURatio the
// same by processor time, the server's with it, which a busy machine disturbs less.
type ExportRound struct {
	N        int         `json:"round"`
	Format   file.Format `json:"format"`
	Ours     Taken       `json:"ours"`
	Sent     Taken       `json:"sent"` // fetching it: opened, packed and sealed for its holder
	Dump     Taken       `json:"dump"`
	Ratio    float64     `json:"ratio"`
	CPURatio float64     `json:"cpu_ratio"`
}

// Taken is what one candidate took.
type Taken struct {
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rate"` // conversations a second
	CPU     float64 `json:"cpu_seconds"`
	Bytes   int64   `json:"bytes"`               // of its files
	Memory  float64 `json:"memory_mb,omitempty"` // the most resident memory of our process
}

// String is the round in one line.
func (r *ExportRound) String() string {
	return fmt.Sprintf("round %d %-5s ours %6.0f/s, mariadb-dump %7.0f/s, %.3fx; CPU %.1f against %.1f s, %.3fx; %.0f MB of memory; sent %.0f/s, %.0f MB",
		r.N, r.Format, r.Ours.Rate, r.Dump.Rate, r.Ratio, r.Ours.CPU, r.Dump.CPU, r.CPURatio, r.Ours.Memory, r.Sent.Rate, r.Sent.Memory)
}

// Write prints the report as a table.
func (rep *ExportReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: exports of %d conversations, everything masked, one worker, against mariadb-dump of the same sealed rows\n\n", rep.Server, rep.Conversations)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "format\tround\tours/s\tmariadb-dump/s\tratio\tCPU s\tmariadb-dump\tratio\tMB\tmariadb-dump\tRSS MB\tsent/s\tCPU s\tMB\tRSS MB\t")
	for i := range rep.Rounds {
		r := &rep.Rounds[i]
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%.3f\t%.1f\t%.1f\t%.3f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.0f\t%.0f\t\n", r.Format, r.N, r.Ours.Rate, r.Dump.Rate, r.Ratio, r.Ours.CPU, r.Dump.CPU, r.CPURatio,
			float64(r.Ours.Bytes)/1e6, float64(r.Dump.Bytes)/1e6, r.Ours.Memory,
			r.Sent.Rate, r.Sent.CPU, float64(r.Sent.Bytes)/1e6, r.Sent.Memory)
	}
	for _, f := range rep.Formats {
		median := func(of func(*ExportRound) float64) float64 { return rep.median(f, of) }
		fmt.Fprintf(t, "%s\tmedian\t%.0f\t%.0f\t%.3f\t%.1f\t%.1f\t%.3f\t\t\t%.0f\t%.0f\t%.1f\t\t%.0f\t\n", f,
			median(func(r *ExportRound) float64 { return r.Ours.Rate }), median(func(r *ExportRound) float64 { return r.Dump.Rate }), median(func(r *ExportRound) float64 { return r.Ratio }),
			median(func(r *ExportRound) float64 { return r.Ours.CPU }), median(func(r *ExportRound) float64 { return r.Dump.CPU }), median(func(r *ExportRound) float64 { return r.CPURatio }),
			median(func(r *ExportRound) float64 { return r.Ours.Memory }), median(func(r *ExportRound) float64 { return r.Sent.Rate }),
			median(func(r *ExportRound) float64 { return r.Sent.CPU }), median(func(r *ExportRound) float64 { return r.Sent.Memory }))
	}
	return t.Flush()
}

func (rep *ExportReport) median(f file.Format, of func(*ExportRound) float64) float64 {
	var all []float64
	for i := range rep.Rounds {
		if rep.Rounds[i].Format == f {
			all = append(all, of(&rep.Rounds[i]))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
