package report

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/job"
	"qingdang/models/subject"
)

// Around is what stands in the menu of every page: how much there is, and how much waits for
// this person.
type Around struct {
	Binned         int64    // conversations in the bin that can still be restored, as the home page counts them
	Waiting        int64    // purge requests that the actor's role has to decide
	Access         int64    // requests to read elsewhere that the actor may answer
	Exports        int64    // exports that wait for the actor's answer
	Subjects       int64    // customers' requests for deletion that legal has not ended yet
	SubjectsUrgent bool     // one of them has to be looked at
	JobsRunning    int64    // of the actor's own, without those that wait for their time
	Halted         string   // why nothing is destroyed at present, as the clock's last beat found it; "" if it may be
	Scope          []string // names of the highest departments in scope; none when it is all of them
}

// Around counts for the menu, all of it but the names of the scope as of one moment.
func (r *Reader) Around(ctx context.Context, by account.Actor) (*Around, error) {
	a := &Around{}
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		*a = Around{}
		if err := a.count(tx, by); err != nil {
			return err
		}
		var err error
		if a.Exports, err = export.CountWaiting(tx, by); err != nil {
			return err
		}
		if a.Subjects, a.SubjectsUrgent, err = subject.CountOpen(tx, by); err != nil {
			return err
		}
		clock, err := audit.ClockOf(tx)
		if err != nil {
			return err
		}
		a.Halted = clock.Halted
		return nil
	})
	if err == nil && !by.Scope.All {
		var tree *department.Tree
		if tree, err = r.Departments.Tree(ctx); err == nil {
			a.Scope = highest(tree, by.Scope)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("count around a page: %w", err)
	}
	return a, nil
}

// count makes the counts that one statement can make. Mostly nothing waits for anybody, and then no departments, which may
// be hundreds, need be compared.
func (a *Around) count(tx *db.Tx, by account.Actor) error {
	var all db.Counts
	if by.May(account.BinRead) {
		all.Add(restorable(tx, by), &a.Binned)
	}
	states := decides(by.Role)
	waiting := func() *gorm.DB {
		return tx.Table("purge_request r").Where("r.state IN ? AND r.requester_person <> ?", states, by.PersonID)
	}
	if len(states) > 0 {
		all.Add(waiting(), &a.Waiting)
	}
	if by.May(account.AccessDecide) {
		all.Add(access.Unanswered(tx), &a.Access)
	}
	all.Add(job.AtWork(tx.Table("job").Where("created_by = ?", by.ID), tx.Now), &a.JobsRunning)
	err := all.Read(tx)
	if err == nil && a.Waiting > 0 && !by.Scope.All {
		err = purgesOf(waiting(), "r.id", by.Scope).Count(&a.Waiting).Error
	}
	if err == nil && a.Access > 0 {
		a.Access, err = access.CountWaiting(tx, by)
	}
	return err
}

// decides gives the states of purge requests in which a role has the word.
func decides(role account.Role) []string {
	switch role {
	case account.Supervisor:
		return []string{"awaiting_supervisor"}
	case account.Legal:
		return []string{"awaiting_legal", "awaiting_codes"}
	}
	return nil
}

func highest(t *department.Tree, s account.Scope) (names []string) {
	for _, d := range t.Preorder() {
		dep, _ := t.Get(d)
		if s.Has(d) && (dep.ParentID == 0 || !s.Has(dep.ParentID)) {
			names = append(names, dep.Name)
		}
	}
	return names
}
