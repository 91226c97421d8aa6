package report

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/fault"
	"qingdang/models/mask"
)

// BOM tells spreadsheets that a file is UTF-8.
const BOM = "\ufeff"

const (
	mostRows = 10_000 // of one file
	csvPage  = 200
)

var entryHead = []string{
	"n", "at", "actor_id", "actor", "role", "action", "object_kind", "object", "department_id", "result", "count", "source", "request_id", "leaf_sha256", "damaged",
}

// ExportCSV writes the chosen entries, newest first. That it was asked for stands in the log
// before the first byte is written. The fault is invalid when there are more than one file
// takes; then nothing is written.
func (e *Evidence) ExportCSV(ctx context.Context, by account.Actor, q Question, w io.Writer) error {
	f, _, err := e.filter(ctx, by, q)
	if err != nil {
		return err
	}
	first, err := e.Log.Page(ctx, f, "", csvPage)
	if err != nil {
		return err
	}
	if first.Total > mostRows {
		return fault.Invalid("audit.csv_too_many", first.Total, mostRows)
	}
	if err := e.note(ctx, by, "audit.downloaded", first.Total, q.facts()); err != nil {
		return err
	}
	if _, err := io.WriteString(w, BOM); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(entryHead); err != nil {
		return err
	}
	for page := first; ; {
		for i := range page.Leaves {
			if err := out.Write(e.record(&page.Leaves[i])); err != nil {
				return err
			}
		}
		if page.Older == "" {
			break
		}
		if page, err = e.Log.Page(ctx, f, page.Older, csvPage); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (e *Evidence) record(l *audit.Leaf) []string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	row := []string{
		strconv.FormatInt(l.N, 10), l.At.In(e.zone()).Format(time.RFC3339), number(uint64(l.Actor.ID)), l.Actor.Name, l.Actor.Role, l.Action, l.ObjectKind, l.Object,
		number(uint64(l.Department)), l.Result, strconv.FormatInt(l.Count, 10), l.Actor.Source, l.Actor.RequestID, hex.EncodeToString(l.Hash[:]), strconv.FormatBool(l.Damaged),
	}
	for i := range row {
		row[i] = mask.Cell(row[i])
	}
	return row
}
