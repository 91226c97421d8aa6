package ui

import (
	"strconv"
	"strings"
)

// Charts are drawn in units near real pixels, so that their text stays readable;
// narrow screens scroll them.
const (
	chartWidth  = 820
	chartLeft   = 52 // room for the numbers of the axis
	chartRight  = 8
	chartTop    = 14
	chartBottom = 24 // room for the labels below
)

// ceiling is the smallest round number that holds all values.
func ceiling(values ...int64) int64 {
	top := int64(1)
	for _, v := range values {
		top = max(top, v)
	}
	for step := int64(1); ; step *= 10 {
		for _, n := range []int64{1, 2, 3, 4, 5, 6, 8} {
			if n*step*2 >= top && n*step*2 >= 2 {
				return n * step * 2
			}
		}
	}
}

// plot places values between the axes of a chart of the given height.
type plot struct {
	height int
	top    int64 // value at the upper edge
	slots  int   // how many bars or points stand side by side
}

func (p plot) base() int { return p.height - chartBottom }

func (p plot) y(value int64) float64 {
	return float64(p.base()) - float64(value)/float64(p.top)*float64(p.base()-chartTop)
}

func (p plot) slot() float64 {
	return float64(chartWidth-chartLeft-chartRight) / float64(max(p.slots, 1))
}

func (p plot) x(i int) float64 { return chartLeft + float64(i)*p.slot() }

func (p plot) middle(i int) float64 { return p.x(i) + p.slot()/2 }

// labelled tells whether slot i has room for its label.
func (p plot) labelled(i int) bool {
	every := max((p.slots+7)/8, 1)
	return i%every == 0
}

// labelAt is where the label of slot i stands and which end of it: one that would reach over the right edge ends there.
func (p plot) labelAt(i int) (x float64, anchor string) {
	const half = 34 // of the longest label, 11-17 00:00
	if chartWidth-p.middle(i) < half {
		return chartWidth, "end"
	}
	return p.middle(i), "middle"
}

// line is the path of a series through the middles of its slots.
func (p plot) line(values []int64) string {
	var b strings.Builder
	for i, v := range values {
		b.WriteString(map[bool]string{true: "M", false: " L"}[i == 0])
		b.WriteString(num(p.middle(i)) + " " + num(p.y(v)))
	}
	return b.String()
}

// num writes a length with one decimal at most.
func num(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

func whole(n int) string { return strconv.Itoa(n) }

// share is the part of value in all, in hundredths, for bars that stretch.
func share(value, all int64) string {
	if all <= 0 {
		return "0"
	}
	return num(float64(value) / float64(all) * 100)
}
