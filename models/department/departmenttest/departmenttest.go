// Package departmenttest makes departments for tests.
package departmenttest

import (
	"context"
	"testing"

	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// Ensure gives the department of a path, and makes what is missing on the way to it.
func Ensure(t testing.TB, d *db.DB, path string) (made id.Department) {
	t.Helper()
	err := d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		tx.MarkAudited()
		tree, err := department.Load(tx)
		if err != nil {
			return err
		}
		dep, _, err := department.Ensure(tx, tree, path)
		made = dep.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}
