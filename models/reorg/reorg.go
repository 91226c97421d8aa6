// Package reorg moves and renames departments and tells before what that changes.
//
// The tree is who hangs on whom, so a move is one row and one transaction. What asks the tree every time
// follows by itself: whose departments somebody acts in, search, drafts. What wrote departments down stays
// bound to its list: batches, purge requests with their consents, exports, cross-department access. Holds are
// the exception: they write down conversations, so what comes under one by a move is put under it in the
// same transaction, and nothing is ever taken off. The search index asks where a department hangs only when
// it cuts large segments, and what it finds does not depend on it.
package reorg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// Reorg changes the tree of departments.
type Reorg struct {
	DB    *db.DB
	Holds *hold.Holds
}

// Order is a department's new place.
type Order struct {
	Department id.Department
	To         department.Place
	// Seen is the fingerprint of the effect that the page showed, for Move to compare; programs have none.
	Seen string
}

// Effect is what a move changes.
type Effect struct {
	From, To      string // paths
	Renames       bool   // it hangs where it hung
	Departments   int    // that move, with those below
	Conversations int64  // in them; only Preview counts
	People        []Person
	Holds         []hold.Reach
	Grants        []string // codes of cross-department access that ends
	Drafts        int64    // of batches, whose departments change
	Batches       int64    // with conversations of these departments in the bin; they stay what they are
	Purges        int64    // requests with conversations of these departments; they stay what they are
	Fingerprint   string
}

// Person is somebody whose reach changes, by departments.
type Person struct {
	account.Standing
	Gains, Loses []id.Department
}

// may asks for both permissions: a move changes in which departments people act.
func may(by account.Actor) error {
	if err := by.Require(account.OrgEdit); err != nil {
		return err
	}
	return by.Require(account.AccountManage)
}

// Preview tells what a move would change. The faults are those of department.Moved, and forbidden without
// org.edit and account.manage.
func (r *Reorg) Preview(ctx context.Context, by account.Actor, o Order) (e *Effect, err error) {
	if err := may(by); err != nil {
		return nil, err
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		before, err := department.Load(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		after, err := before.Moved(o.Department, o.To)
		if err != nil {
			return err
		}
		if e, err = effect(tx, before, after, o.Department); err != nil {
			return err
		}
		if err := hold.CountReaches(tx, after, e.Holds); err != nil {
			return err
		}
		return e.count(tx, before, o.Department)
	})
	return e, err
}

// Move hangs a department, with all below it, on another one or on none, or gives it another name. What is
// under continuing holds stays there, and what comes under one is covered from the same instant on. The faults
// are Preview's, and a conflict when people, holds or access would be touched otherwise than was shown.
func (r *Reorg) Move(ctx context.Context, by account.Actor, o Order) (e *Effect, err error) {
	if err := may(by); err != nil {
		return nil, err
	}
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		// Alone: neither a step of bin, purge or import, nor another hold or move, runs beside this.
		if err := hold.Alone(tx); err != nil {
			return err
		}
		before, err := department.Load(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		after, err := before.Moved(o.Department, o.To)
		if err != nil {
			return err
		}
		if e, err = effect(tx, before, after, o.Department); err != nil {
			return err
		}
		if o.Seen != "" && o.Seen != e.Fingerprint {
			return fault.Conflict("department.effect_changed")
		}
		if _, err := department.Move(tx, before, o.Department, o.To); err != nil {
			return err
		}
		if e.Holds, err = r.Holds.OnTree(tx, before, after); err != nil {
			return err
		}
		return audit.Append(tx, e.entry(by, o.Department))
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// count says how many conversations the department has with all below it.
func (e *Effect) count(tx *db.Tx, t *department.Tree, d id.Department) error {
	err := tx.Model(&conversation.Conversation{}).Where("department_id IN ?", account.Within(t.Subtree(d)...).Listed()).Count(&e.Conversations).Error
	if err != nil {
		return fmt.Errorf("count conversations: %w", err)
	}
	return nil
}

// effect finds what a move touches, but for how many conversations that are.
func effect(tx *db.Tx, before, after *department.Tree, d id.Department) (*Effect, error) {
	was, _ := before.Get(d)
	is, _ := after.Get(d)
	moved := account.Within(before.Subtree(d)...)
	e := &Effect{From: was.Path, To: is.Path, Renames: was.ParentID == is.ParentID, Departments: moved.Departments.Len()}
	var err error
	if e.People, err = people(tx, before, after); err != nil {
		return nil, err
	}
	if e.Holds, err = hold.Reaches(tx, before, after); err != nil {
		return nil, err
	}
	if e.Grants, err = access.EndedBy(tx, before, after); err != nil {
		return nil, err
	}
	touched, err := bin.TouchedBy(tx, before, after, moved)
	if err != nil {
		return nil, err
	}
	e.Drafts, e.Batches = touched.Drafts, touched.Batches
	if e.Purges, err = purge.OpenOver(tx, moved); err != nil {
		return nil, err
	}
	e.Fingerprint, err = e.fingerprint(d, is)
	return e, err
}

// people finds whose reach changes.
func people(tx *db.Tx, before, after *department.Tree) (out []Person, err error) {
	all, err := account.InDepartments(tx)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		was, is := before.Scope(one.Rows), after.Scope(one.Rows)
		p := Person{Standing: one.Standing, Gains: beyond(is, was), Loses: beyond(was, is)}
		if len(p.Gains)+len(p.Loses) > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// beyond lists what lies in one scope and not in another. Neither is everywhere.
func beyond(s, o account.Scope) []id.Department {
	return slices.DeleteFunc(slices.Clone(s.Departments.Values()), o.Has)
}

// fingerprint names what a person agrees to: where the department hung and will hang, and which people,
// holds and grants that touches how. How many conversations there are changes all day and is not in it.
func (e *Effect) fingerprint(d id.Department, is department.Department) (string, error) {
	holds := make([]any, len(e.Holds))
	for i, h := range e.Holds {
		holds[i] = []any{h.Hold.ID, h.Gains, h.Loses}
	}
	b, err := json.Marshal([]any{d, e.From, is.ParentID, e.To, e.Departments, e.People, holds, e.Grants})
	if err != nil {
		return "", fmt.Errorf("write effect: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// mostCodes bounds what an entry lists.
const mostCodes = 100

// entry tells where the department was and is, and what came along.
func (e *Effect) entry(by account.Actor, d id.Department) audit.Entry {
	action := "department.moved"
	if e.Renames {
		action = "department.renamed"
	}
	var back int64
	gains, loses, held := []string{}, []string{}, map[string]int64{}
	for i, h := range e.Holds {
		if back += h.Binned; h.Covers > 0 {
			held[h.Hold.Code] = h.Covers
		}
		if len(h.Gains) > 0 && i < mostCodes {
			gains = append(gains, h.Hold.Code)
		}
		if len(h.Loses) > 0 && i < mostCodes {
			loses = append(loses, h.Hold.Code)
		}
	}
	return audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "department", Object: e.To, Department: d, Count: int64(e.Departments),
		Data: map[string]any{
			"from": e.From, "to": e.To, "people": len(e.People), "held_by": held, "returned": back,
			"holds": len(e.Holds), "holds_gain": gains, "holds_lose": loses, "access_ends": len(e.Grants),
		},
	}
}
