package retention

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Effect is what a draft would change, counted now in the actor's departments.
type Effect struct {
	Freed       int64 // inside their floor by the present rules, outside it by the draft's
	Protected   int64 // the other way round
	PastTarget  int64
	PastCeiling int64
	NeverKeep   int64
}

// Effect counts what a draft would change. The fault is forbidden without retention.propose, and invalid for a draft
// that could not be proposed.
func (d *Desk) Effect(ctx context.Context, by account.Actor, draft Draft) (*Effect, error) {
	if err := by.Require(account.RetentionPropose); err != nil {
		return nil, err
	}
	var e *Effect
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		now, err := Load(tx)
		if err != nil {
			return err
		}
		if err := fault.All(draft.check(now.Draft())...); err != nil {
			return err
		}
		e, err = effect(tx, by.Scope, now, draft.Normal())
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func effect(tx *db.Tx, scope account.Scope, now *Policy, draft Draft) (*Effect, error) {
	next, err := draft.policy()
	if err != nil {
		return nil, err
	}
	e := &Effect{}
	was, wasArgs := now.Condition(tx.Now)
	is, isArgs := next.Condition(tx.Now)
	target, targetArgs := next.OverdueCondition(Target, tx.Now)
	ceiling, ceilingArgs := next.OverdueCondition(Ceiling, tx.Now)
	var args []any
	for _, list := range [][]any{wasArgs, isArgs, isArgs, wasArgs, targetArgs, ceilingArgs, {next.NeverKeep}} {
		args = append(args, list...)
	}
	sum := func(cond string) string { return "COALESCE(SUM(CASE WHEN " + cond + " THEN 1 ELSE 0 END), 0)" }
	q := tx.Table("conversation")
	if !scope.All {
		q = q.Where("conversation.department_id IN ?", scope.Listed())
	}
	err = q.Select(
		sum(was+" AND NOT "+is)+" AS freed, "+sum(is+" AND NOT "+was)+" AS protected, "+
			sum(target)+" AS past_target, "+sum(ceiling)+" AS past_ceiling, "+
			sum("conversation.personal & ? <> 0")+" AS never_keep", args...).Scan(e).Error
	if err != nil {
		return nil, fmt.Errorf("count what a change does: %w", err)
	}
	return e, nil
}
