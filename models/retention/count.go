package retention

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Count is what a department has past its time, and of what must not be kept, as the nightly count found it.
type Count struct {
	DepartmentID id.Department `gorm:"primaryKey;autoIncrement:false"`
	PastTarget   int64         // in the archive
	PastCeiling  int64         // anywhere, in the bin too
	NeverKeep    int64
	Unlooked     int64
	CountedAt    time.Time
}

// TableName is retention_count.
func (Count) TableName() string { return "retention_count" }

// free leaves out what a legal hold or an open order keeps: nobody may put that into the bin.
var free = fmt.Sprintf("conversation.order_state <> %d AND NOT EXISTS (SELECT 1 FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id WHERE h.conversation_id = conversation.id AND l.released_at IS NULL)", conversation.OrderOpen)

// PastRows narrows a query on the conversation table to what has passed its target and is still in the archive,
// or its ceiling and is still there, and neither a legal hold nor an open order keeps.
func (p *Policy) PastRows(q *gorm.DB, b Bound, now time.Time) *gorm.DB {
	cond, args := p.OverdueCondition(b, now)
	return q.Where(cond, args...)
}

// OverdueCondition is that as a condition on the conversation table.
func (p *Policy) OverdueCondition(b Bound, now time.Time) (cond string, args []any) {
	cond, args = p.PastCondition(b, now)
	cond += " AND " + free
	if b == Target {
		cond = "conversation.state IN (1, 2) AND " + cond
	}
	return cond, args
}

// PastPlaces counts by department, most first.
func (p *Policy) PastPlaces(tx *db.Tx, b Bound) (rows []Place, err error) {
	err = p.PastRows(tx.Table("conversation"), b, tx.Now).Select("department_id, COUNT(*) AS conversations").
		Group("department_id").Order("conversations DESC, department_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count what is past its time: %w", err)
	}
	return rows, nil
}

// Counts adds up what the last count found in a scope. At is zero where nobody has counted since the policy changed.
type Counts struct {
	At                                           time.Time
	PastTarget, PastCeiling, NeverKeep, Unlooked int64
}

// Counted gives what the last count found.
func Counted(tx *db.Tx, scope account.Scope) (out Counts, err error) {
	var rows []Count
	if err := tx.Find(&rows).Error; err != nil {
		return out, fmt.Errorf("read counts: %w", err)
	}
	for _, r := range rows {
		if out.At = r.CountedAt; r.DepartmentID == 0 || !scope.Has(r.DepartmentID) {
			continue
		}
		out.PastTarget, out.PastCeiling = out.PastTarget+r.PastTarget, out.PastCeiling+r.PastCeiling
		out.NeverKeep, out.Unlooked = out.NeverKeep+r.NeverKeep, out.Unlooked+r.Unlooked
	}
	return out, nil
}

// tally is what a count found by a policy.
type tally struct {
	policy string // its fingerprint
	counts map[id.Department]*Count
}

// count counts once a day, and again after a change. Nobody waits for it, and no page counts an archive.
func (d *Desk) count(ctx context.Context) error {
	t, err := d.tally(ctx)
	if err != nil || t == nil {
		return err
	}
	return d.note(ctx, t)
}

// tally counts; nil where the last count is fresh.
func (d *Desk) tally(ctx context.Context) (t *tally, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		var n int64
		if err := tx.Model(&Count{}).Where("counted_at > ?", tx.Now.Add(-countEvery)).Count(&n).Error; err != nil {
			return fmt.Errorf("read counts: %w", err)
		}
		if n > 0 {
			return nil
		}
		p, err := Load(tx)
		if err != nil {
			return err
		}
		// The row of no department says when.
		t = &tally{policy: p.Draft().Fingerprint(), counts: map[id.Department]*Count{0: {}}}
		return t.fill(tx, p)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tally) of(d id.Department) *Count {
	if t.counts[d] == nil {
		t.counts[d] = &Count{DepartmentID: d}
	}
	return t.counts[d]
}

func (t *tally) fill(tx *db.Tx, p *Policy) error {
	for _, b := range []Bound{Target, Ceiling} {
		if !p.Bounded(b) {
			continue
		}
		rows, err := p.PastPlaces(tx, b)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if b == Target {
				t.of(r.DepartmentID).PastTarget = r.Conversations
			} else {
				t.of(r.DepartmentID).PastCeiling = r.Conversations
			}
		}
	}
	if p.NeverKeep == 0 {
		return nil
	}
	rows, err := Places(tx, p.NeverKeep, func(q *gorm.DB) *gorm.DB { return q })
	for _, r := range rows {
		t.of(r.DepartmentID).NeverKeep, t.of(r.DepartmentID).Unlooked = r.Conversations, r.Unlooked
	}
	return err
}

// note stores what was counted, unless the policy has changed since: the next look counts by the new one.
func (d *Desk) note(ctx context.Context, t *tally) error {
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		// A change writes every rule, so that none takes effect until this is stored.
		if err := tx.ForShare().Find(&[]Rule{}).Error; err != nil {
			return fmt.Errorf("lock retention rules: %w", err)
		}
		p, err := Load(tx)
		if err != nil || p.Draft().Fingerprint() != t.policy {
			return err
		}
		if err := tx.Exec("DELETE FROM retention_count").Error; err != nil {
			return fmt.Errorf("forget counts: %w", err)
		}
		rows := make([]Count, 0, len(t.counts))
		for _, c := range t.counts {
			c.CountedAt = tx.Now
			rows = append(rows, *c)
		}
		if err := tx.CreateInBatches(rows, 500).Error; err != nil {
			return fmt.Errorf("store counts: %w", err)
		}
		return nil
	})
}
