package audit

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
)

// Bar counts the acts of one stretch of time by class.
type Bar struct {
	From, To             time.Time
	View, Change, Danger int64
}

// mostBars bounds a histogram: each bar is a query.
const mostBars = 400

// Histogram counts the leaves that the filter chooses between each pair of
// neighbouring edges, which the caller sets to days or hours of the
// organisation's time zone. The filter's own From and To do not matter.
func (l *Log) Histogram(ctx context.Context, f Filter, edges []time.Time) ([]Bar, error) {
	if len(edges) > mostBars+1 {
		return nil, fault.Invalid("audit.too_many_bars", mostBars)
	}
	var bars []Bar
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		bars = nil
		for i := 1; i < len(edges); i++ {
			f.From, f.To = edges[i-1], edges[i]
			bar, err := countBar(tx, f)
			if err != nil {
				return err
			}
			bars = append(bars, bar)
		}
		return nil
	})
	return bars, err
}

func countBar(tx *db.Tx, f Filter) (Bar, error) {
	var counts []struct {
		Action string
		Amount int64
	}
	err := tx.Model(&leafRow{}).Scopes(f.chosen).Select("action, COUNT(*) AS amount").Group("action").Find(&counts).Error
	if err != nil {
		return Bar{}, fmt.Errorf("count acts: %w", err)
	}
	bar := Bar{From: f.From, To: f.To}
	for _, c := range counts {
		switch Class(c.Action) {
		case View:
			bar.View += c.Amount
		case Change:
			bar.Change += c.Amount
		case Danger:
			bar.Danger += c.Amount
		}
	}
	return bar, nil
}
