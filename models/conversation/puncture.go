package conversation

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Punctured says what became of a bucket. Slot is the one whose key may be destroyed now, To the one under which
// what lives in it is since, 0 where nothing does. Live is how many keys that is, Lifted how many of
// them had no leaf before.
type Punctured struct {
	Slot, To     uint64
	Live, Lifted int
}

// Puncture takes everything out of buckets that has no row any more, so that the key under which they lie can be
// destroyed: what has a row, and the places that nobody was given yet, can be reached from a fresh key then,
// and nothing else. The rows of what lives are not written. A bucket in which nothing lives is closed. The
// buckets stay locked.
func Puncture(tx *db.Tx, v Vault, ids []id.Bucket) (map[id.Bucket]Punctured, error) {
	rows, err := lockBuckets(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.Bucket]Punctured, len(rows))
	var open []*Bucket
	for i := range rows {
		out[rows[i].ID] = Punctured{Slot: rows[i].Slot}
		if rows[i].State == BucketOpen {
			open = append(open, &rows[i])
		}
	}
	lifted, err := lift(tx, v, open)
	if err != nil {
		return nil, err
	}
	live, err := leavesOf(tx, open)
	if err != nil {
		return nil, err
	}
	staying, err := v.staying(open, live)
	if err != nil {
		return nil, err
	}
	var empty []id.Bucket
	for _, b := range open {
		if staying[b.ID] == nil {
			empty = append(empty, b.ID)
		}
	}
	if err := closeBuckets(tx, empty); err != nil {
		return nil, err
	}
	for b, s := range staying {
		out[b] = Punctured{Slot: out[b].Slot, Live: s.live, Lifted: lifted[b]}
	}
	return out, moveOn(tx, v, open, staying, out)
}

// idsAtOnce is how many ids one statement names at most: of more the optimizer may think that they are as good as all, and
// lock every row of the table on its way.
const idsAtOnce = 256

// lockBuckets locks buckets in ascending order. All of them must be there.
func lockBuckets(tx *db.Tx, ids []id.Bucket) (rows []Bucket, err error) {
	for part := range slices.Chunk(slices.Sorted(slices.Values(ids)), idsAtOnce) {
		some, err := Buckets(tx.ForUpdate().Where("id IN ?", part).Order("id"))
		if err != nil {
			return nil, fmt.Errorf("lock buckets: %w", err)
		}
		rows = append(rows, some...)
	}
	if len(rows) != len(ids) {
		return nil, fmt.Errorf("lock buckets: %d of %d", len(rows), len(ids))
	}
	return rows, nil
}

func closeBuckets(tx *db.Tx, ids []id.Bucket) error {
	if len(ids) == 0 {
		return nil
	}
	if err := tx.Model(&Bucket{}).Where("id IN ?", ids).Update("state", BucketClosing).Error; err != nil {
		return fmt.Errorf("close buckets: %w", err)
	}
	return nil
}

func bucketIDs(list []*Bucket) []id.Bucket {
	ids := make([]id.Bucket, len(list))
	for i, b := range list {
		ids[i] = b.ID
	}
	return ids
}

// leavesOf gives the leaves of the keys that are in locked buckets, from the index alone. The keys are not locked:
// none comes into a locked bucket or changes its leaf there, and whoever takes one out leaves a leaf
// behind that nothing lies at, which the next purge of the bucket takes.
func leavesOf(tx *db.Tx, list []*Bucket) (map[id.Bucket][]int, error) {
	out := make(map[id.Bucket][]int, len(list))
	if len(list) == 0 {
		return out, nil
	}
	var b id.Bucket
	var leaf int
	to := []any{db.Number(&b), db.Number(&leaf)}
	err := db.EachRow(tx.Model(&Key{}).Where("bucket_id IN ?", bucketIDs(list)).Select("bucket_id, leaf"), func(r *sql.Rows) error {
		err := r.Scan(to...)
		out[b] = append(out[b], leaf)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what lives in buckets: %w", err)
	}
	return out, nil
}

// stay is what stays of a bucket.
type stay struct {
	tree   *seal.Tree
	leaves seal.Leaves
	live   int
}

// staying says for every bucket in which something lives what stays of it. A key whose leaf is gone already, as a
// restored database may have some, is lost as it was before.
func (v Vault) staying(open []*Bucket, live map[id.Bucket][]int) (map[id.Bucket]*stay, error) {
	out := make(map[id.Bucket]*stay, len(open))
	open = slices.DeleteFunc(slices.Clone(open), func(b *Bucket) bool { return len(live[b.ID]) == 0 })
	trees, errs := v.trees(open)
	for i, b := range open {
		t, err := trees[i], errs[i]
		if errors.Is(err, seal.ErrDestroyed) {
			continue // all of it is lost
		}
		if err != nil {
			return nil, err
		}
		s := &stay{tree: t}
		for _, leaf := range live[b.ID] {
			if t.Covers(leaf) {
				s.leaves.Add(leaf)
				s.live++
			}
		}
		if s.live == 0 {
			continue
		}
		for leaf := b.Used; leaf < BucketSize; leaf++ {
			s.leaves.Add(leaf)
		}
		out[b.ID] = s
	}
	return out, nil
}

// moveOn puts what stays under fresh keys, made with one sync of the key store, with one row written for each bucket.
func moveOn(tx *db.Tx, v Vault, open []*Bucket, staying map[id.Bucket]*stay, out map[id.Bucket]Punctured) error {
	fresh, err := v.NewKeys(tx, len(staying))
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(slices.Clone(open), func(b *Bucket) bool { return staying[b.ID] == nil })
	list := make([]seal.Keeping, len(open))
	for i, b := range open {
		s := staying[b.ID]
		list[i] = seal.Keeping{Tree: s.tree, Leaves: s.leaves, To: fresh[i]}
	}
	states, err := v.Store.Keep(list)
	if err != nil {
		return fmt.Errorf("puncture: %w", err)
	}
	rows := make([][]any, len(open))
	for i, b := range open {
		p := out[b.ID]
		p.To = fresh[i]
		out[b.ID] = p
		rows[i] = []any{b.ID, b.DepartmentID, b.Month, b.Used, b.State, b.CreatedAt, p.To, states[i]}
	}
	// Everything that a row must have is named, since one engine writes it as an insert that meets the row.
	if err := tx.Overwrite("key_bucket", []string{"id"}, []string{"department_id", "month", "used", "state", "created_at", "slot", "tree"}, rows); err != nil {
		return fmt.Errorf("store punctured buckets: %w", err)
	}
	return nil
}

// lift gives leaves to the keys that the keys of locked buckets themselves wrap, from before there were leaves. They
// were counted when they came, so that the first leaves are free: whoever came since has a higher one.
func lift(tx *db.Tx, v Vault, open []*Bucket) (map[id.Bucket]int, error) {
	lifted := map[id.Bucket]int{}
	// Only the key of a bucket's own number wraps without a leaf. What a bucket that moved on has of these was lost
	// before a purge could lift it, as a restored database may have some.
	open = slices.DeleteFunc(slices.Clone(open), func(b *Bucket) bool { return b.Slot != uint64(b.ID) })
	if len(open) == 0 {
		return lifted, nil
	}
	var old []Key
	if err := tx.ForUpdate().Where("bucket_id IN ? AND leaf < 0", bucketIDs(open)).Order("id").Find(&old).Error; err != nil {
		return nil, fmt.Errorf("find keys without a leaf: %w", err)
	}
	if len(old) == 0 {
		return lifted, nil
	}
	trees := map[id.Bucket]*seal.Tree{}
	used := map[id.Bucket]int{}
	for _, b := range open {
		used[b.ID] = b.Used
		t, err := v.tree(b)
		if err != nil && !errors.Is(err, seal.ErrDestroyed) {
			return nil, err
		}
		trees[b.ID] = t
	}
	old = slices.DeleteFunc(old, func(k Key) bool { return trees[k.BucketID] == nil }) // lost with its bucket
	rows := make([][]any, len(old))
	for i, k := range old {
		leaf := lifted[k.BucketID]
		lifted[k.BucketID]++
		if leaf >= used[k.BucketID] {
			return nil, fmt.Errorf("bucket %d holds more keys than it was counted", k.BucketID)
		}
		wrapped, err := trees[k.BucketID].Lift(leaf, uint64(k.ID), k.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("give a key its leaf: %w", err)
		}
		rows[i] = []any{k.ID, k.BucketID, leaf, wrapped}
	}
	if err := tx.Overwrite("conversation_key", []string{"id"}, []string{"bucket_id", "leaf", "wrapped"}, rows); err != nil {
		return nil, fmt.Errorf("store keys with their leaves: %w", err)
	}
	return lifted, nil
}
