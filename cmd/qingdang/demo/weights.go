package demo

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

type weight struct {
	name string
	n    int
}

// weights are names of which some come more often than others.
type weights []weight

// readWeights reads "open 4, closed 6".
func readWeights(text string) weights {
	var out weights
	for _, part := range split(text, ",") {
		name, number, _ := strings.Cut(part, " ")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil {
			panic(err) // the texts are part of the program
		}
		out = append(out, weight{name, n})
	}
	return out
}

func (w weights) pick(r *rand.Rand) string { return w[w.index(r)].name }

// index is pick for whoever keeps something else beside the names.
func (w weights) index(r *rand.Rand) int {
	total := 0
	for _, one := range w {
		total += one.n
	}
	at := r.IntN(total)
	for i, one := range w {
		if at -= one.n; at < 0 {
			return i
		}
	}
	return len(w) - 1
}
