package report

import (
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/access"
	"qingdang/models/audit"
	"qingdang/models/db"
)

const actAccess = "access.granted"

// reading are the acts that can be done under a grant to read elsewhere.
var reading = []string{"conversation.opened", "conversation.searched"}

// grants is the register of cross-department access: every request that was open at some time of the
// period, who decided, and how often it was used in it.
func (c *counting) grants(s *Statement) error {
	q := c.tx.Where("asked_at < ? AND (closed_at IS NULL OR closed_at >= ?)", db.Instant(c.to), db.Instant(c.from))
	if c.under != nil {
		q = q.Where("EXISTS (SELECT 1 FROM access_department ad WHERE ad.grant_id = access_grant.id AND ad.department_id IN ?)", c.under)
	}
	var rows []access.Grant
	if err := q.Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("list access: %w", err)
	}
	g := Grid{
		Key: "access_grants", Rows: []GridRow{}, Of: int64(len(rows)), Numbers: counted("access_days", "access_used"),
		Texts: []Column{
			{Key: "code", Unit: UnitPlain},
			{Key: "state", Unit: UnitAccess},
			{Key: "department", Unit: UnitPlain},
			{Key: "requester", Unit: UnitPlain},
			{Key: "requested_at", Unit: UnitTime},
			{Key: "approver", Unit: UnitPlain},
			{Key: "ended_at", Unit: UnitTime},
		},
	}
	for i := range rows[:min(len(rows), longestList)] {
		r := &rows[i]
		used, err := c.used(r)
		if err != nil {
			return err
		}
		ended := r.ClosedAt
		if ended == nil {
			ended = r.EndsAt
		}
		g.Rows = append(g.Rows, GridRow{
			Texts:   []string{r.Code, string(r.Status(c.tx.Now)), c.tree.Path(r.DepartmentID), r.AskerName, stamp(&r.AskedAt), r.ApproverName, stamp(ended)},
			Numbers: []int64{int64(r.Days), used},
		})
	}
	s.Tables = append(s.Tables, g)
	return c.reconcileGrants()
}

// used counts the searches and openings of the period that name a grant.
func (c *counting) used(g *access.Grant) (n int64, err error) {
	err = c.tx.Table("audit_leaf").Where("actor_id = ? AND action IN ? AND result = ?", g.AskerID, reading, audit.OK).
		Where("at >= ? AND at < ?", db.Instant(c.from), db.Instant(c.to)).Where("INSTR(leaf, ?) > 0", `"access":"`+g.Code+`"`).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count uses of %s: %w", g.Code, err)
	}
	return n, nil
}

// reconcileGrants compares the register with the log, of the whole organisation.
func (c *counting) reconcileGrants() error {
	in := func(column string, states ...access.State) *gorm.DB {
		q := c.tx.Table("access_grant").Where(column+" >= ? AND "+column+" < ?", db.Instant(c.from), db.Instant(c.to))
		if len(states) > 0 {
			q = q.Where("state IN ?", states)
		}
		return q
	}
	for _, one := range []struct {
		what    string
		actions []string
		rows    *gorm.DB
	}{
		{"access_requested", []string{"access.requested"}, in("asked_at")},
		{"access_granted", []string{actAccess}, in("decided_at", access.Granted, access.Ended)},
		{"access_rejected", []string{"access.rejected"}, in("decided_at", access.Rejected)},
		{"access_ended", []string{"access.ended", "access.lapsed", "access.withdrawn"}, in("closed_at", access.Ended, access.Lapsed, access.Withdrawn)},
	} {
		var log int64
		if err := c.entries().Where("action IN ? AND result = ?", one.actions, audit.OK).Count(&log).Error; err != nil {
			return fmt.Errorf("compare %s: %w", one.what, err)
		}
		if err := c.compare(one.what, "", log, one.rows); err != nil {
			return err
		}
	}
	return nil
}
