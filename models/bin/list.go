package bin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// The views of the bin by what can still be done.
const (
	ViewRestorable = "restorable"
	ViewExpired    = "expired"
	ViewFrozen     = "frozen"
	ViewAll        = "all"
)

// View chooses what is listed. Within narrows to batches whose time ends within that duration.
// Page counts from 1.
type View struct {
	State      string // restorable if empty
	Within     time.Duration
	Department id.Department // with everything below it
	Text       string        // begins a batch's code, or is part of the owner's name
	Page, Size int
}

// BatchRow is a batch as a list shows it.
type BatchRow struct {
	Batch
	Path     string // of its department
	Resting  int64  // in the bin
	OnList   int64  // of them, on a purge's list
	Bytes    int64  // of what rests
	Restored int64
	Rescued  int64 // of the restored ones, because of a legal hold
	Purged   int64
	Expired  bool
}

// BatchPage is one page of batches, the soonest deadline first (all: the newest first).
type BatchPage struct {
	Rows  []BatchRow
	Total int64
	Now   time.Time
}

// visible keeps the batches that have anything in the actor's scope; for an agent, anything of
// his own.
func visible(q *gorm.DB, by account.Actor) *gorm.DB {
	if by.Role == account.Agent {
		q = q.Where("EXISTS (SELECT 1 FROM bin_item vi JOIN conversation vc ON vc.id = vi.conversation_id WHERE vi.batch_id = bin_batch.id AND vc.agent_id = ? AND "+db.In("vi.department_id", by.Scope.Listed())+")", by.StaffNo)
		return q
	}
	if !by.Scope.All {
		q = q.Where("(EXISTS (SELECT 1 FROM bin_item vi WHERE vi.batch_id = bin_batch.id AND " + db.In("vi.department_id", by.Scope.Listed()) + "))")
	}
	return q
}

// ownItems keeps the items in the actor's scope; for an agent, of his own conversations.
func ownItems(q *gorm.DB, by account.Actor) *gorm.DB {
	if !by.Scope.All {
		q = q.Where(db.In("bin_item.department_id", by.Scope.Listed()))
	}
	if by.Role == account.Agent {
		q = q.Where("EXISTS (SELECT 1 FROM conversation oc WHERE oc.id = bin_item.conversation_id AND oc.agent_id = ?)", by.StaffNo)
	}
	return q
}

// List gives a page of batches. The fault is invalid for a department outside the actor's scope.
func (b *Bin) List(ctx context.Context, by account.Actor, v View) (*BatchPage, error) {
	if err := by.Require(account.BinRead); err != nil {
		return nil, err
	}
	p := &BatchPage{}
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		*p = BatchPage{Now: tx.Now}
		tree, err := department.Seen(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		below, err := v.departments(tree, by)
		if err != nil {
			return err
		}
		q := func() *gorm.DB { return v.apply(visible(tx.Model(&Batch{}), by), tx.Now, below) }
		if err := q().Count(&p.Total).Error; err != nil {
			return fmt.Errorf("count batches: %w", err)
		}
		order := "keep_until, bin_batch.id"
		if v.State == ViewAll {
			order = "bin_batch.id DESC"
		}
		var rows []Batch
		if err := q().Order(order).Offset(v.offset()).Limit(v.size()).Find(&rows).Error; err != nil {
			return fmt.Errorf("list batches: %w", err)
		}
		p.Rows, err = counted(tx, by, tree, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

const (
	usualSize = 20
	mostSize  = 100
)

func (v View) size() int {
	if v.Size <= 0 || v.Size > mostSize {
		return usualSize
	}
	return v.Size
}

func (v View) offset() int { return max(v.Page-1, 0) * v.size() }

// departments are those the view is narrowed to, none for no narrowing.
func (v View) departments(t *department.Tree, by account.Actor) ([]id.Department, error) {
	if v.Department == 0 {
		return nil, nil
	}
	if t.Known(v.Department) != nil || !by.Scope.Has(v.Department) {
		return nil, fault.Invalid("bin.unknown_department").On("department")
	}
	return t.Subtree(v.Department), nil
}

const itemIn = "EXISTS (SELECT 1 FROM bin_item bi WHERE bi.batch_id = bin_batch.id AND bi.state IN ?)"

func (v View) apply(q *gorm.DB, now time.Time, below []id.Department) *gorm.DB {
	switch v.State {
	case ViewAll:
	case ViewExpired:
		q = q.Where(itemIn, []string{ItemBinned}).Where("bin_batch.keep_until <= ?", now)
	case ViewFrozen:
		q = q.Where(itemIn, []string{ItemFrozen})
	default:
		q = q.Where(itemIn, resting).Where("bin_batch.keep_until > ?", now)
	}
	if v.Within > 0 {
		q = q.Where("bin_batch.keep_until > ? AND bin_batch.keep_until <= ?", now, now.Add(v.Within))
	}
	if below != nil {
		q = q.Where("EXISTS (SELECT 1 FROM bin_item bd WHERE bd.batch_id = bin_batch.id AND bd.department_id IN ?)", below)
	}
	if v.Text != "" {
		escaped := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(v.Text)
		q = q.Where("(bin_batch.owner_name LIKE ? ESCAPE '!' OR bin_batch.code LIKE ? ESCAPE '!')", "%"+escaped+"%", escaped+"%")
	}
	return q
}

// counted adds what the actor may see of each batch's items.
func counted(tx *db.Tx, by account.Actor, tree *department.Tree, batches []Batch) ([]BatchRow, error) {
	out := make([]BatchRow, len(batches))
	at := map[id.Batch]*BatchRow{}
	ids := make([]id.Batch, len(batches))
	for i, b := range batches {
		out[i] = BatchRow{Batch: b, Path: tree.Path(b.DepartmentID), Expired: b.Expired(tx.Now)}
		at[b.ID], ids[i] = &out[i], b.ID
	}
	if len(ids) == 0 {
		return out, nil
	}
	var counts []struct {
		BatchID id.Batch
		State   string
		Reason  string
		N, B    int64
	}
	err := ownItems(tx.Model(&Item{}), by).Where("bin_item.batch_id IN ?", ids).
		Select("bin_item.batch_id, bin_item.state, bin_item.reason, COUNT(*) AS n, SUM(bin_item.bytes) AS b").
		Group("bin_item.batch_id, bin_item.state, bin_item.reason").Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count items: %w", err)
	}
	for _, c := range counts {
		r := at[c.BatchID]
		switch c.State {
		case ItemBinned, ItemFrozen:
			r.Resting, r.Bytes = r.Resting+c.N, r.Bytes+c.B
			if c.State == ItemFrozen {
				r.OnList += c.N
			}
		case ItemRestored:
			r.Restored += c.N
			if c.Reason == Held {
				r.Rescued += c.N
			}
		case ItemPurged:
			r.Purged += c.N
		}
	}
	return out, nil
}
