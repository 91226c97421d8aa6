package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// seen finds a search that the actor may see by its code. Absent and hidden are answered alike.
func (d *Desk) seen(tx *db.Tx, q *gorm.DB, by account.Actor, code string) (*row, *department.Tree, error) {
	if !IsCode(code) {
		return nil, nil, notFound()
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, nil, fmt.Errorf("load departments: %w", err)
	}
	where, args := visible(tree, by)
	var r row
	switch err := q.Where("code = ?", code).Where(where, args...).Take(&r).Error; {
	case db.NotFound(err):
		return nil, nil, notFound()
	case err != nil:
		return nil, nil, fmt.Errorf("find saved search: %w", err)
	}
	return &r, tree, nil
}

// Open gives a search that the actor may see. The faults are forbidden and not-found, of which that of
// something hidden is written down.
func (d *Desk) Open(ctx context.Context, by account.Actor, code string) (*Search, error) {
	if err := by.Require(account.SearchRead); err != nil {
		return nil, err
	}
	var out []Search
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		r, tree, err := d.seen(tx, tx.DB, by, code)
		if err != nil {
			return err
		}
		out, err = d.shown(tx, tree, by, []row{*r})
		return err
	})
	if err != nil {
		return nil, d.refused(ctx, by, code, err)
	}
	if out[0].Broken {
		return nil, fault.Conflict("search.broken")
	}
	return &out[0], nil
}

// List gives every search that the actor may see, in the order in which the actor put them; what has no
// place yet follows, the own first, and those that came first before.
func (d *Desk) List(ctx context.Context, by account.Actor) (out []Search, err error) {
	if err := by.Require(account.SearchRead); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		tree, err := department.Seen(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		rows, err := ordered(tx, tree, by)
		if err != nil {
			return err
		}
		out, err = d.shown(tx, tree, by, rows)
		return err
	})
	return out, err
}

func ordered(tx *db.Tx, tree *department.Tree, by account.Actor) ([]row, error) {
	where, args := visible(tree, by)
	var rows []row
	if err := tx.Where(where, args...).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list saved searches: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var places []place
	if err := tx.Where("user_id = ?", by.ID).Find(&places).Error; err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	at := map[id.Search]int{}
	for _, p := range places {
		at[p.SearchID] = p.Place
	}
	rank := func(r row) (int, int) {
		where, own := at[r.ID], 1
		if where == 0 {
			where = math.MaxInt
		}
		if r.OwnerID == by.ID {
			own = 0
		}
		return where, own
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		placeA, ownA := rank(a)
		placeB, ownB := rank(b)
		return cmp.Or(cmp.Compare(placeA, placeB), cmp.Compare(ownA, ownB))
	})
	return rows, nil
}

// shown opens rows for a reader.
func (d *Desk) shown(tx *db.Tx, tree *department.Tree, by account.Actor, rows []row) ([]Search, error) {
	owners := make([]id.User, len(rows))
	for i := range rows {
		owners[i] = rows[i].OwnerID
	}
	names, err := account.Names(tx, owners...)
	if err != nil {
		return nil, err
	}
	live, err := account.Live(tx, owners...)
	if err != nil {
		return nil, err
	}
	out := make([]Search, len(rows))
	for i := range rows {
		r := &rows[i]
		k, err := d.open(r)
		out[i] = Search{
			ID: r.ID, Code: r.Code, Name: k.Name, Conditions: k.Conditions, Share: r.share(), Owner: names[r.OwnerID], OwnerGone: !live[r.OwnerID],
			Own: r.OwnerID == by.ID, CanRemove: removable(r, tree, by), Broken: err != nil, CreatedAt: r.CreatedAt, ChangedAt: r.ChangedAt,
		}
	}
	return out, nil
}

// Used tells of searches when anybody used each of them last as it was saved, by the log; of those that
// nobody used it tells nothing.
func (d *Desk) Used(ctx context.Context, by account.Actor, list []Search) (out map[string]time.Time, err error) {
	if err := by.Require(account.SearchRead); err != nil {
		return nil, err
	}
	codes := make([]string, len(list))
	for i := range list {
		codes[i] = list[i].Code
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = audit.LastUses(tx, "conversation.searched", codes)
		return err
	})
	return out, err
}

// Move puts a search one place up or down in the actor's own list. It is how the actor's pages look, and no
// act upon the search: it leaves no entry. The fault is not-found.
func (d *Desk) Move(ctx context.Context, by account.Actor, code string, down bool) error {
	if err := by.Require(account.SearchRead); err != nil {
		return err
	}
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		tree, err := department.Load(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		rows, err := ordered(tx, tree, by)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(r row) bool { return r.Code == code })
		if i < 0 {
			return notFound()
		}
		j := i - 1
		if down {
			j = i + 1
		}
		if j < 0 || j >= len(rows) {
			return nil
		}
		rows[i], rows[j] = rows[j], rows[i]
		places := make([]place, len(rows))
		for n, r := range rows {
			places[n] = place{by.ID, r.ID, n + 1}
		}
		if err := tx.Where("user_id = ?", by.ID).Delete(&place{}).Error; err != nil {
			return fmt.Errorf("forget places: %w", err)
		}
		if err := tx.CreateInBatches(places, 200).Error; err != nil {
			return fmt.Errorf("store places: %w", err)
		}
		return nil
	})
	return d.refused(ctx, by, code, err)
}
