package dbtest

import (
	"context"
	"strings"
	"testing"

	"qingdang/models/db"
)

// WithoutTriggers drops the schema's triggers until the test ends: what somebody with the database's
// password could do before deleting what is held.
func WithoutTriggers(t testing.TB, d *db.DB) {
	t.Helper()
	var made []string
	err := d.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		if d.Engine() == db.SQLite {
			return tx.Raw("SELECT sql FROM sqlite_master WHERE type = 'trigger'").Scan(&made).Error
		}
		var rows []struct{ Name, Moment, Event, Place, Body string }
		err := tx.Raw("SELECT trigger_name AS name, action_timing AS moment, event_manipulation AS event, event_object_table AS place, action_statement AS body FROM information_schema.triggers WHERE trigger_schema = DATABASE()").Scan(&rows).Error
		for _, r := range rows {
			made = append(made, "CREATE TRIGGER "+r.Name+" "+r.Moment+" "+r.Event+" ON "+r.Place+" FOR EACH ROW "+r.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		Exec(t, d, "DROP TRIGGER "+strings.Fields(m)[2])
	}
	t.Cleanup(func() {
		for _, m := range made {
			Exec(t, d, m)
		}
	})
}
