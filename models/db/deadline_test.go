package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// Where the time is over before the commit is sent, everybody knows that nothing was written.
func TestADeadlineBeforeTheCommitIsNoUnknownCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for range 30 { // whether the driver or the transaction notices first is chance
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			err := d.Write(ctx, func(*db.Tx) error {
				<-ctx.Done()
				return nil
			})
			cancel()
			if errors.Is(err, db.ErrCommitUnknown) {
				t.Fatalf("a write that had no time left: %v", err)
			}
		}
	})
}
