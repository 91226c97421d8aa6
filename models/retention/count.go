package retention

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
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

// unheld leaves out what a legal hold keeps.
const unheld = "NOT EXISTS (SELECT 1 FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id WHERE h.conversation_id = conversation.id AND l.released_at IS NULL)"

// PastRows narrows a query on the conversation table to what has passed its target and is still in the archive,
// or its ceiling and is still there, and no legal hold keeps.
func (p *Policy) PastRows(q *gorm.DB, b Bound, now time.Time) *gorm.DB {
	cond, args := p.PastCondition(b, now)
	q = q.Where(cond, args...).Where(unheld)
	if b == Target {
		q = q.Where("conversation.state IN (1, 2)")
	}
	return q
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

// count counts once a day, and again after a change. Nobody waits for it, and no page counts an archive.
func (d *Desk) count(ctx context.Context) error {
	counts := map[id.Department]*Count{0: {}} // the row of no department says when
	fresh := false
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var n int64
		if err := tx.Model(&Count{}).Where("counted_at > ?", tx.Now.Add(-countEvery)).Count(&n).Error; err != nil {
			return fmt.Errorf("read counts: %w", err)
		}
		if fresh = n > 0; fresh {
			return nil
		}
		p, err := Load(tx)
		if err != nil {
			return err
		}
		of := func(d id.Department) *Count {
			if counts[d] == nil {
				counts[d] = &Count{DepartmentID: d}
			}
			return counts[d]
		}
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
					of(r.DepartmentID).PastTarget = r.Conversations
				} else {
					of(r.DepartmentID).PastCeiling = r.Conversations
				}
			}
		}
		if p.NeverKeep == 0 {
			return nil
		}
		rows, err := Places(tx, p.NeverKeep, func(q *gorm.DB) *gorm.DB { return q })
		for _, r := range rows {
			of(r.DepartmentID).NeverKeep, of(r.DepartmentID).Unlooked = r.Conversations, r.Unlooked
		}
		return err
	})
	if err != nil || fresh {
		return err
	}
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Exec("DELETE FROM retention_count").Error; err != nil {
			return fmt.Errorf("forget counts: %w", err)
		}
		rows := make([]Count, 0, len(counts))
		for _, c := range counts {
			c.CountedAt = tx.Now
			rows = append(rows, *c)
		}
		if err := tx.CreateInBatches(rows, 500).Error; err != nil {
			return fmt.Errorf("store counts: %w", err)
		}
		return nil
	})
}

// Effect is what a draft would change, counted in the whole archive now.
type Effect struct {
	Freed       int64 // inside their floor by the present rules, outside it by the draft's
	Protected   int64 // the other way round
	PastTarget  int64
	PastCeiling int64
	NeverKeep   int64
}

// Effect counts what a draft would change. The fault is forbidden without retention.read, and invalid for a draft
// that could not be proposed.
func (d *Desk) Effect(ctx context.Context, by account.Actor, draft Draft) (*Effect, error) {
	if err := by.Require(account.RetentionRead); err != nil {
		return nil, err
	}
	draft = draft.normal()
	var e *Effect
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		now, err := Load(tx)
		if err != nil {
			return err
		}
		if err := draft.check(now.Draft()); err != nil {
			return err
		}
		e, err = effect(tx, now, draft)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func effect(tx *db.Tx, now *Policy, draft Draft) (*Effect, error) {
	next, err := draft.policy()
	if err != nil {
		return nil, err
	}
	e := &Effect{}
	was, wasArgs := now.Condition(tx.Now)
	is, isArgs := next.Condition(tx.Now)
	target, targetArgs := next.PastCondition(Target, tx.Now)
	ceiling, ceilingArgs := next.PastCondition(Ceiling, tx.Now)
	var args []any
	for _, list := range [][]any{wasArgs, isArgs, isArgs, wasArgs, targetArgs, ceilingArgs, {next.NeverKeep}} {
		args = append(args, list...)
	}
	sum := func(cond string) string { return "COALESCE(SUM(CASE WHEN " + cond + " THEN 1 ELSE 0 END), 0)" }
	err = tx.Table("conversation").Select(
		sum(was+" AND NOT "+is)+" AS freed, "+sum(is+" AND NOT "+was)+" AS protected, "+
			sum(target+" AND conversation.state IN (1, 2) AND "+unheld)+" AS past_target, "+sum(ceiling+" AND "+unheld)+" AS past_ceiling, "+
			sum("conversation.personal & ? <> 0")+" AS never_keep", args...).Scan(e).Error
	if err != nil {
		return nil, fmt.Errorf("count what a change does: %w", err)
	}
	return e, nil
}
