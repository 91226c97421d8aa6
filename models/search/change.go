package search

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/words"
)

// Save keeps conditions under a name. The faults are forbidden, invalid for the name, the audience or too
// long conditions, and a conflict for too many. What the same person saved before in the same words is given
// back as it is.
func (d *Desk) Save(ctx context.Context, by account.Actor, name string, c Conditions, s Share) (code string, err error) {
	if err := maySave(by); err != nil {
		return "", err
	}
	name = tidy(name)
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		wrong, err := checkShare(tx, by, &s)
		if err := cmp.Or(err, fault.All(checkName(name), wrong)); err != nil {
			return err
		}
		// The number is taken first: two savings of one day wait for each other, so that the count is true.
		today := tx.Now.In(d.Zone).Format("20060102")
		serial, err := db.Serial(tx, "SX", today)
		if err != nil {
			return err
		}
		r := &row{
			Code: fmt.Sprintf("SX-%s-%03d", today, serial), OwnerID: by.ID, Audience: s.With, DepartmentID: s.Department, Role: s.Role,
			CreatedAt: tx.Now, ChangedAt: tx.Now,
		}
		if err := d.put(r, kept{name, c}); err != nil {
			return err
		}
		var own []row
		if err := tx.Where("owner_id = ?", by.ID).Find(&own).Error; err != nil {
			return fmt.Errorf("find saved searches: %w", err)
		}
		if i := slices.IndexFunc(own, func(o row) bool { return bytes.Equal(o.NameMAC, r.NameMAC) }); i >= 0 {
			return d.savedBefore(&own[i], c, s)
		}
		if len(own) >= MostOwn {
			return fault.Conflict("search.too_many", MostOwn)
		}
		if err := tx.Create(r).Error; err != nil {
			return fmt.Errorf("store search: %w", err)
		}
		code = r.Code
		return d.note(tx, by, r, "search.saved", nil)
	})
	var before saved
	if errors.As(err, &before) {
		return string(before), nil
	}
	if db.Duplicate(err) {
		return "", nameTaken()
	}
	return code, err
}

// saved is the code of what was saved before; as an error it ends a transaction that has nothing to write.
type saved string

func (s saved) Error() string { return "saved before: " + string(s) }

// savedBefore tells a second submit of one form from a name that is taken.
func (d *Desk) savedBefore(r *row, c Conditions, s Share) error {
	if k, err := d.open(r); err == nil && r.share() == s && k.Conditions.Equal(c) {
		return saved(r.Code)
	}
	return nameTaken()
}

// Equal tells whether two searches ask for the same.
func (c Conditions) Equal(o Conditions) bool {
	c.DepartmentName, o.DepartmentName = "", ""
	a, _ := json.Marshal(c)
	b, _ := json.Marshal(o)
	return bytes.Equal(a, b)
}

func maySave(by account.Actor) error {
	if err := by.Require(account.SearchSave); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

// tidy takes out of a name what cannot be seen.
func tidy(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, " "))), " ")
}

// folded writes a name the way in which two names are compared.
func folded(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

func checkName(name string) *fault.Fault {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return fault.Invalid("search.name_needed").On("name")
	case n > LongestName:
		return fault.Invalid("search.name_long", LongestName).On("name")
	case words.LooksPersonal(name):
		return fault.Invalid("search.name_personal").On("name")
	}
	return nil
}

func nameTaken() *fault.Fault { return fault.Invalid("search.name_taken").On("name") }

// checkShare makes an audience whole: a department of the actor's own, or a role, which takes a permission.
func checkShare(tx *db.Tx, by account.Actor, s *Share) (wrong *fault.Fault, err error) {
	unknown := fault.Invalid("search.share_needed").On("share")
	switch s.With {
	case "", Private:
		*s = Share{With: Private}
	case InDepartment:
		s.Role = ""
		tree, err := department.Load(tx)
		if err != nil {
			return nil, fmt.Errorf("load departments: %w", err)
		}
		if tree.Known(s.Department) != nil || !by.Scope.Has(s.Department) {
			return fault.Invalid("search.share_department").On("share"), nil
		}
	case InRole:
		s.Department = 0
		if !by.May(account.SearchShare) {
			return fault.Invalid("search.share_role").On("share"), nil
		}
		if !s.Role.Has(account.SearchRead) {
			return unknown, nil
		}
	default:
		return unknown, nil
	}
	return nil, nil
}

// note writes an act into the log: which search, whose, and whom it is for. No word of it.
func (d *Desk) note(tx *db.Tx, by account.Actor, r *row, action string, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	data["audience"] = string(r.Audience)
	if r.Role != "" {
		data["for_role"] = string(r.Role)
	}
	if r.OwnerID != by.ID {
		data["owner"] = id.String(r.OwnerID)
	}
	return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "search", Object: r.Code, Department: r.DepartmentID, Data: data})
}

// Rename gives a search of the actor's own another name.
func (d *Desk) Rename(ctx context.Context, by account.Actor, code, name string) error {
	name = tidy(name)
	if f := checkName(name); f != nil {
		return f
	}
	return d.change(ctx, by, code, "search.renamed", func(_ *db.Tx, _ *row, k *kept) error {
		k.Name = name
		return nil
	})
}

// Update gives a search of the actor's own other conditions.
func (d *Desk) Update(ctx context.Context, by account.Actor, code string, c Conditions) error {
	return d.change(ctx, by, code, "search.updated", func(_ *db.Tx, _ *row, k *kept) error {
		k.Conditions = c
		return nil
	})
}

// Share says who else sees a search of the actor's own.
func (d *Desk) Share(ctx context.Context, by account.Actor, code string, s Share) error {
	return d.change(ctx, by, code, "search.shared", func(tx *db.Tx, r *row, _ *kept) error {
		wrong, err := checkShare(tx, by, &s)
		if err := cmp.Or(err, fault.All(wrong)); err != nil {
			return err
		}
		r.Audience, r.DepartmentID, r.Role = s.With, s.Department, s.Role
		return nil
	})
}

// change changes a search of the actor's own. The faults are not-found, forbidden for somebody else's,
// invalid for the fields.
func (d *Desk) change(ctx context.Context, by account.Actor, code, action string, do func(*db.Tx, *row, *kept) error) error {
	if err := maySave(by); err != nil {
		return err
	}
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		r, _, err := d.seen(tx, tx.ForUpdate(), by, code)
		if err != nil {
			return err
		}
		if r.OwnerID != by.ID {
			return fault.Forbidden("search.not_yours")
		}
		k, err := d.open(r)
		if err != nil {
			return fault.Conflict("search.broken")
		}
		before := *r
		if err := do(tx, r, &k); err != nil {
			return err
		}
		if err := d.put(r, k); err != nil {
			return err
		}
		r.ChangedAt = tx.Now
		if err := tx.Model(&row{}).Where("id = ?", r.ID).Select("audience", "department_id", "role", "name_mac", "sealed", "changed_at").Updates(r).Error; err != nil {
			return fmt.Errorf("store search: %w", err)
		}
		var data map[string]any
		if before.share() != r.share() {
			data = map[string]any{"audience_before": string(before.Audience)}
		}
		return d.note(tx, by, r, action, data)
	})
	if db.Duplicate(err) {
		return nameTaken()
	}
	return d.refused(ctx, by, code, err)
}

// Delete takes a search away, also out of the lists of those with whom it is shared. Besides its maker
// whoever may remove what others share there may do so: a supervisor of the whole department, and legal,
// for what a maker shares who has left. The faults are not-found and forbidden.
func (d *Desk) Delete(ctx context.Context, by account.Actor, code string) error {
	if err := maySave(by); err != nil {
		return err
	}
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		r, tree, err := d.seen(tx, tx.ForUpdate(), by, code)
		if err != nil {
			return err
		}
		if !removable(r, tree, by) {
			return fault.Forbidden("search.not_yours")
		}
		if err := tx.Where("search_id = ?", r.ID).Delete(&place{}).Error; err != nil {
			return fmt.Errorf("forget places: %w", err)
		}
		if err := tx.Where("id = ?", r.ID).Delete(&row{}).Error; err != nil {
			return fmt.Errorf("delete search: %w", err)
		}
		return d.note(tx, by, r, "search.deleted", nil)
	})
	return d.refused(ctx, by, code, err)
}

// removable tells whether the actor may take a search away.
func removable(r *row, tree *department.Tree, by account.Actor) bool {
	switch {
	case r.OwnerID == by.ID:
		return by.May(account.SearchSave)
	case !by.May(account.SearchRemove) || r.Audience == Private:
		return false
	case r.Audience == InDepartment && !by.Scope.All:
		return !slices.ContainsFunc(append(tree.Subtree(r.DepartmentID), r.DepartmentID), func(d id.Department) bool { return !by.Scope.Has(d) })
	}
	return by.Scope.All
}
