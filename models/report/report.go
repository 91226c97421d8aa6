// Package report reads across everything and writes only what it owns, the audit reports: what
// stands on a person's home page, the work queue as people see it, what a code names, and the
// audit log with the reports that are counted from it.
package report

import (
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
)

// Reader answers questions that need more than one drawer. Zone is where days begin.
type Reader struct {
	DB            *db.DB
	Conversations *conversation.Conversations
	Departments   *department.Departments
	Zone          *time.Location
}

// within narrows a query to the actor's departments.
func within(q *gorm.DB, column string, s account.Scope) *gorm.DB {
	if s.All {
		return q
	}
	return q.Where(db.In(column, s.Listed()))
}

// day is the first instant of the day of t in the organisation's zone.
func (r *Reader) day(t time.Time) time.Time {
	y, m, d := t.In(r.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, r.Zone)
}
