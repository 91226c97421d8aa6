package report

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"qingdang/models/audit"
	"qingdang/models/db"
)

// compare notes a figure of the log beside the number of rows that a query finds.
func (c *counting) compare(what, object string, log int64, rows *gorm.DB) error {
	var n int64
	if err := rows.Count(&n).Error; err != nil {
		return fmt.Errorf("compare %s: %w", what, err)
	}
	c.body.Reconciliation = append(c.body.Reconciliation, BodyCompare{What: what, Object: object, Log: log, Tables: n})
	return nil
}

// reconcile compares what the log says with what the tables hold: of the period, and where
// only the whole can be compared, of all time until now. It is about the whole organisation, also
// where the report is about a department: a log with a hole is one for every department.
func (c *counting) reconcile() error {
	all := func() *gorm.DB { return c.tx.Table("audit_leaf").Where("result = ?", audit.OK) }
	imported, err := c.sum(all().Where("action = ?", actImported))
	if err != nil {
		return err
	}
	erased, err := c.sum(all().Where("action = ?", actErased))
	if err != nil {
		return err
	}
	discarded, err := c.sum(all().Where("action IN ?", discarding))
	if err != nil {
		return err
	}
	var moved int64
	if err := c.tx.Table("bin_batch").Select("COALESCE(SUM(moved), 0)").Scan(&moved).Error; err != nil {
		return fmt.Errorf("compare binned: %w", err)
	}
	var issued int64
	if err := c.entries().Where("action = ? AND result = ?", actIssued, audit.OK).Count(&issued).Error; err != nil {
		return fmt.Errorf("compare certificates: %w", err)
	}
	var placed int64
	if err := c.entries().Where("action = ? AND result = ?", actHeld, audit.OK).Count(&placed).Error; err != nil {
		return fmt.Errorf("compare holds: %w", err)
	}
	erasedHere, err := c.sum(c.entries().Where("action = ? AND result = ?", actErased, audit.OK))
	if err != nil {
		return err
	}
	for _, one := range []struct {
		what string
		log  int64
		rows *gorm.DB
	}{
		{"entries", c.body.Log.Size, c.tx.Table("audit_leaf")},
		{"conversations", imported - erased, c.tx.Table("conversation")},
		{"erased", erased, c.tx.Table("tombstone")},
		{"holds", placed, c.tx.Table("legal_hold").Where("created_at >= ? AND created_at < ?", db.Instant(c.from), db.Instant(c.to))},
		{"erased_period", erasedHere, c.tx.Table("tombstone").Where("created_at >= ? AND created_at < ?", db.Instant(c.from), db.Instant(c.to))},
		{"certificates", issued, c.tx.Table("certificate").Where("issued_at >= ? AND issued_at < ?", db.Instant(c.from), db.Instant(c.to))},
	} {
		if err := c.compare(one.what, "", one.log, one.rows); err != nil {
			return err
		}
	}
	c.body.Reconciliation = append(c.body.Reconciliation, BodyCompare{What: "binned", Log: discarded, Tables: moved})
	c.body.Reconciled = c.body.Log.OK && !slices.ContainsFunc(c.body.Reconciliation, BodyCompare.Differs)
	return nil
}
