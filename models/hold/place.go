package hold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm/clause"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Holds is the register of legal holds.
type Holds struct {
	DB *db.DB
	// Rescue takes conversations of the ids that are in the recycle bin back out of it, inside
	// the transaction that places the hold. The bin drawer lies a floor above.
	Rescue func(tx *db.Tx, ids []id.Conversation) error
	Zone   *time.Location
}

// Order is what a hold is to cover and why: a department, or single conversations.
type Order struct {
	Name          string
	Reason        string
	Department    id.Department
	Sub           bool
	Conversations []id.Conversation
}

const (
	leastReason = 8
	mostReason  = 2000
	mostName    = 200
	mostSingle  = 10_000
)

var errNoRescue = errors.New("hold: nobody takes conversations out of the bin")

// Place puts a department or single conversations under a hold. It covers what is there now,
// what is in the bin (which goes back to the archive), and what will be imported into the
// department. The fault is forbidden without hold.create, and invalid without a name, a
// reason, or something known to hold.
func (h *Holds) Place(ctx context.Context, by account.Actor, o Order) (*Hold, error) {
	if err := by.Require(account.HoldCreate); err != nil {
		return nil, err
	}
	if o.Department != 0 {
		if err := by.Require(account.HoldCreate, o.Department); err != nil {
			return nil, err
		}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if h.Rescue == nil {
		return nil, errNoRescue
	}
	var placed *Hold
	err := h.DB.Write(ctx, func(tx *db.Tx) (err error) {
		// Alone: everything that bins, destroys or imports shares this row.
		if err := epoch(tx.ForUpdate()); err != nil {
			return err
		}
		where, err := o.where(tx, by)
		if err != nil {
			return err
		}
		if placed, err = h.create(tx, by, o); err != nil {
			return err
		}
		count, err := h.cover(tx, placed.ID, where)
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "hold.placed", ObjectKind: "hold", Object: placed.Code, Department: o.Department, Count: count,
			Data: map[string]any{"sub": o.Sub, "reason": placed.Reason},
		})
	})
	if err != nil {
		return nil, err
	}
	return placed, nil
}

func (o Order) check() error {
	var name, reason, what *fault.Fault
	if n := utf8.RuneCountInString(strings.TrimSpace(o.Name)); n == 0 || n > mostName || !utf8.ValidString(o.Name) {
		name = fault.Invalid("hold.name_needed", mostName).On("name")
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(o.Reason)); n < leastReason || n > mostReason || !utf8.ValidString(o.Reason) {
		reason = fault.Invalid("hold.reason_needed", leastReason).On("reason")
	}
	if single := len(o.Conversations); (o.Department == 0) == (single == 0) || single > mostSingle {
		what = fault.Invalid("hold.scope_needed", mostSingle).On("department")
	}
	return fault.All(name, reason, what)
}

func (h *Holds) create(tx *db.Tx, by account.Actor, o Order) (*Hold, error) {
	year := tx.Now.In(h.Zone).Format("2006")
	n, err := db.Serial(tx, "LH", year)
	if err != nil {
		return nil, err
	}
	placed := &Hold{
		Code: fmt.Sprintf("LH-%s-%03d", year, n), Name: strings.TrimSpace(o.Name), Reason: strings.TrimSpace(o.Reason),
		DepartmentID: o.Department, Sub: o.Sub, PlacedBy: by.ID, CreatedAt: tx.Now,
	}
	if err := tx.Create(placed).Error; err != nil {
		return nil, fmt.Errorf("create hold: %w", err)
	}
	if err := tx.Exec("UPDATE hold_epoch SET n = n + 1 WHERE id = 1").Error; err != nil {
		return nil, fmt.Errorf("hold epoch: %w", err)
	}
	return placed, nil
}

// covered is a condition on the conversation table; each argument list is one statement.
type covered struct {
	where string
	args  []any
}

const perStatement = 1000

// where finds what an order covers.
func (o Order) where(tx *db.Tx, by account.Actor) ([]covered, error) {
	if o.Department != 0 {
		tree, err := department.Load(tx)
		if err != nil {
			return nil, fmt.Errorf("load departments: %w", err)
		}
		if tree.Known(o.Department) != nil {
			return nil, fault.Invalid("hold.scope_needed", mostSingle).On("department")
		}
		scope := tree.Scope([]account.ScopeRow{{Department: o.Department, Sub: o.Sub}})
		return []covered{{"department_id IN ?", []any{scope.Departments.Values()}}}, nil
	}
	all, err := id.NewSet(o.Conversations...)
	if err != nil {
		return nil, fault.Invalid("hold.unknown_conversation").On("conversations")
	}
	var out []covered
	known := 0
	for part := range slices.Chunk(all.Values(), perStatement) {
		var rows []conversation.Conversation
		if err := tx.Select("id", "department_id").Where("id IN ?", part).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find conversations: %w", err)
		}
		for _, c := range rows {
			if by.Scope.Has(c.DepartmentID) {
				known++
			}
		}
		out = append(out, covered{"id IN ?", []any{part}})
	}
	if known != all.Len() {
		return nil, fault.Invalid("hold.unknown_conversation").On("conversations")
	}
	return out, nil
}

// cover writes the items of a new hold and brings what is in the bin back.
func (h *Holds) cover(tx *db.Tx, placed id.Hold, parts []covered) (int64, error) {
	var count int64
	for _, part := range parts {
		var binned []id.Conversation
		err := tx.ForUpdate().Model(&conversation.Conversation{}).Where(part.where, part.args...).
			Where("state NOT IN ?", []conversation.State{conversation.Active, conversation.Hidden}).Order("id").Pluck("id", &binned).Error
		if err != nil {
			return 0, fmt.Errorf("find binned conversations: %w", err)
		}
		res := tx.Exec("INSERT INTO hold_item (conversation_id, hold_id) SELECT id, ? FROM conversation WHERE "+part.where, append([]any{placed}, part.args...)...)
		if res.Error != nil {
			return 0, fmt.Errorf("cover conversations: %w", res.Error)
		}
		count += res.RowsAffected
		if len(binned) > 0 {
			if err := h.Rescue(tx, binned); err != nil {
				return 0, err
			}
		}
	}
	return count, nil
}

// OnInsert puts conversations that were just imported under the holds of their departments. The
// caller has shared the epoch.
func OnInsert(tx *db.Tx, rows []conversation.Conversation) error {
	var holds []Hold
	if err := tx.Where("released_at IS NULL").Find(&holds).Error; err != nil || len(holds) == 0 {
		return err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return err
	}
	var items []Item
	for _, h := range holds {
		if h.DepartmentID == 0 {
			continue // on single conversations, which were there before
		}
		where := tree.Scope([]account.ScopeRow{{Department: h.DepartmentID, Sub: h.Sub}})
		for _, c := range rows {
			if where.Has(c.DepartmentID) {
				items = append(items, Item{ConversationID: c.ID, HoldID: h.ID})
			}
		}
	}
	if len(items) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(items, 1000).Error; err != nil {
		return fmt.Errorf("cover imported conversations: %w", err)
	}
	return nil
}
