package demo

import (
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

// china is the zone of all times here; it has no summer time.
var china = time.FixedZone("UTC+8", 8*60*60)

// longest is more than any conversation lasts.
const longest = 6 * time.Hour

// starts gives n beginnings in order, over the three years before until: more every
// year, many in November, few on Sundays, and by day when people are awake.
func starts(seed uint64, n int, until time.Time) []time.Time {
	first, last := until.AddDate(-3, 0, 0), until.Add(-longest)
	midnight := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, china)
	sums := busyness(midnight, last)
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]time.Time, n)
	for i := range out {
		day := sort.SearchFloat64s(sums, r.Float64()*sums[len(sums)-1])
		at := midnight.AddDate(0, 0, day).Add(timeOfDay(r))
		for at.Before(first) {
			at = at.AddDate(0, 0, 1)
		}
		for at.After(last) {
			at = at.AddDate(0, 0, -1)
		}
		out[i] = at
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// busyness gives for every day the weight of all days up to it.
func busyness(midnight, last time.Time) []float64 {
	var sums []float64
	total := 0.0
	for day := midnight; !day.After(last); day = day.AddDate(0, 0, 1) {
		weight := 1 + float64(len(sums))/1600
		switch day.Month() {
		case time.November:
			weight *= 1.6
		case time.June, time.December:
			weight *= 1.2
		case time.February:
			weight *= 0.7
		}
		if day.Weekday() == time.Sunday {
			weight *= 0.7
		}
		total += weight
		sums = append(sums, total)
	}
	return sums
}

// timeOfDay is between 9 and 23 o'clock, most often late in the morning or in the
// evening.
func timeOfDay(r *rand.Rand) time.Duration {
	peak, width := 11.0, 1.6
	switch r.IntN(5) {
	case 0, 1:
		peak, width = 15, 2
	case 2, 3:
		peak, width = 20.2, 1.3
	}
	hours := min(max(peak+width*r.NormFloat64(), 9), 22.9)
	return time.Duration(hours*3600) * time.Second
}
