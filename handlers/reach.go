package handlers

import (
	"time"

	"qingdang/models/purge"
	"qingdang/templates"
)

// reachView shows the list of all copies as of now.
func reachView(list []purge.Reach, now time.Time) templates.ReachView {
	v := templates.ReachView{Now: now}
	for _, r := range list {
		row := templates.ReachRow{Copy: r.Copy, State: string(r.State), Until: instant(r.Until), Days: r.Days, Why: r.Why, Count: r.Count}
		for _, i := range r.Items {
			row.Items = append(row.Items, templates.ReachItem(i))
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
