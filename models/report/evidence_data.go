package report

import (
	"context"
	"encoding/json"
	"time"

	"qingdang/models/audit"
)

// ActDataChecked is the entry of a check of every promise the data must keep, as the floor above
// writes it each night.
const ActDataChecked = "data.checked"

// Data is what the newest check of the data found.
type Data struct {
	CheckedAt time.Time // zero: not checked yet
	Checks    int64
	Overdue   bool // nothing checks any more
	Found     int64
	Findings  []DataFinding // the first of them
}

// overdueAfter is when two nights have passed without a check.
const overdueAfter = 50 * time.Hour

// DataFinding is one broken promise; Key is a sentence of the catalogue.
type DataFinding struct{ Promise, Key, Object string }

// lastData reads the newest check of the data from the log, whichever process made it.
func (e *Evidence) lastData(ctx context.Context) (Data, error) {
	l, err := e.newest(ctx, ActDataChecked)
	if l == nil || err != nil {
		return Data{}, err
	}
	now, err := e.now(ctx)
	if err != nil {
		return Data{}, err
	}
	d := Data{CheckedAt: l.At, Checks: l.Count, Overdue: now.Sub(l.At) > overdueAfter}
	if n, ok := l.Data["found"].(json.Number); ok {
		d.Found, _ = n.Int64()
	}
	list, _ := l.Data["findings"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		var f DataFinding
		f.Promise, _ = m["promise"].(string)
		f.Key, _ = m["key"].(string)
		f.Object, _ = m["object"].(string)
		d.Findings = append(d.Findings, f)
	}
	return d, nil
}

// newest gives the last entry of an act that was carried out or failed, nil if there is none.
func (e *Evidence) newest(ctx context.Context, action string) (*audit.Leaf, error) {
	page, err := e.Log.Page(ctx, audit.Filter{Seen: audit.Seen{All: true}, Actions: []string{action}, Results: []string{audit.OK, audit.ResultFailed}}, "", 1)
	if err != nil || len(page.Leaves) == 0 {
		return nil, err
	}
	return &page.Leaves[0], nil
}
