package index

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// errLost says that what an operation was working on was changed or taken away by another one. All
// it has written is dropped, and it may begin again.
var errLost = errors.New("index: overtaken by another operation")

// output is a segment that is being written.
//
// While it is, its row and its head stand in the database already: so Scrub sees which conversations
// are in it and takes it away before it ever gets ready.
type output struct {
	row       segmentRow
	head      *head
	key       *seal.Bucket
	headBytes int64    // of the head as it was sealed last
	next      *partRow // the head that takes the place of the announced one; nil where that is right
}

func newOutput(division id.Department, h *head) *output {
	n := len(h.ids)
	return &output{head: h, row: segmentRow{
		Tier: tierOf(n), Division: division, N: n, FirstAt: instant(h.at[0]), LastAt: instant(h.at[n-1]), Parts: shardsFor(n), State: building,
	}}
}

// begin makes the keys of outputs and puts them into the database as being built. allowed is asked in the
// same transaction, and may lock what must not change before.
func (x *Index) begin(ctx context.Context, outs []*output, allowed func(tx *db.Tx) error) error {
	if len(outs) == 0 {
		return nil
	}
	slots, err := x.Store.NewBucketsFor(seal.ForIndex, len(outs))
	if err != nil {
		return fmt.Errorf("keys of new segments: %w", err)
	}
	heads := make([]partRow, len(outs))
	err = onAll(len(outs), func(i int) (err error) {
		o := outs[i]
		o.row.ID = slots[i]
		if o.key, err = x.Store.Bucket(slots[i]); err != nil {
			return fmt.Errorf("key of a new segment: %w", err)
		}
		heads[i], err = x.sealHead(o, 0)
		return err
	})
	if err == nil {
		err = x.DB.Write(ctx, func(tx *db.Tx) error {
			if err := allowed(tx); err != nil {
				return err
			}
			return announce(tx, outs, heads)
		})
	}
	if err != nil {
		// Whether the rows are there or not: nothing was sealed that is wanted.
		err = errors.Join(err, x.Store.Destroy(slots...))
	}
	return err
}

func announce(tx *db.Tx, outs []*output, heads []partRow) error {
	keys, rows := make([]keyRow, len(outs)), make([]segmentRow, len(outs))
	for i, o := range outs {
		o.row.CreatedAt = tx.Now
		keys[i], rows[i] = keyRow{BucketID: id.Bucket(o.row.ID), State: keyLive, CreatedAt: tx.Now}, o.row
	}
	if err := tx.Create(&keys).Error; err != nil {
		return fmt.Errorf("note keys of segments: %w", err)
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("begin segments: %w", err)
	}
	for packet := range packets(heads) {
		if err := tx.Create(packet).Error; err != nil {
			return fmt.Errorf("begin segments: %w", err)
		}
	}
	return nil
}

func (x *Index) sealHead(o *output, version uint32) (partRow, error) {
	plain, err := o.head.encode()
	if err != nil {
		return partRow{}, err
	}
	part, err := x.sealPart(o.key, o.row.ID, 0, version, plain)
	o.headBytes = int64(len(part.Body) + len(part.Wrapped))
	return part, err
}

// change puts another head in the place of the announced one when the output gets ready. It is sealed now,
// so that no transaction waits for that.
func (x *Index) change(o *output, h *head) error {
	o.head = h
	part, err := x.sealHead(o, 1)
	o.next = &part
	return err
}

func (x *Index) sealPart(key *seal.Bucket, segment uint64, part int, version uint32, plain []byte) (partRow, error) {
	x.at("seal")
	packed, err := seal.PackWith(0, plain)
	if err != nil {
		return partRow{}, fmt.Errorf("pack part: %w", err)
	}
	s, err := key.Seal(aad(segment, part, version), packed)
	if err != nil {
		return partRow{}, fmt.Errorf("seal part: %w", err)
	}
	return partRow{SegmentID: segment, Part: part, Wrapped: s.Wrapped, Body: s.Body}, nil
}

// shardOut is a shard on its way into the database.
type shardOut struct {
	to   *output
	part int
	list []postings
}

// put encodes, seals and stores shards. Each transaction looks whether the segments are being built
// still, so that nothing is put where Scrub has cleared away. note is told what each shard takes.
func (x *Index) put(ctx context.Context, shards []shardOut, beat func(*db.Tx) error, note func(*output, int64)) error {
	rows := make([]partRow, len(shards))
	err := onAll(len(shards), func(i int) error {
		s := shards[i]
		plain, err := encodeShard(s.list, s.to.row.N)
		if err == nil {
			rows[i], err = x.sealPart(s.to.key, s.to.row.ID, s.part, 0, plain)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, s := range shards {
		note(s.to, int64(len(rows[i].Body)+len(rows[i].Wrapped)))
	}
	for packet := range packets(rows) {
		err := x.DB.Write(ctx, func(tx *db.Tx) error {
			if err := stillBuilding(tx, packet); err != nil {
				return err
			}
			if err := tx.Create(packet).Error; err != nil {
				return fmt.Errorf("store shards: %w", err)
			}
			return beat(tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func stillBuilding(tx *db.Tx, packet []partRow) error {
	var segments []uint64
	for _, p := range packet {
		segments = append(segments, p.SegmentID)
	}
	slices.Sort(segments)
	segments = slices.Compact(segments)
	var there []uint64
	if err := tx.ForUpdate().Model(&segmentRow{}).Where("id IN ? AND state = ?", segments, building).Order("id").Pluck("id", &there).Error; err != nil {
		return fmt.Errorf("lock segments: %w", err)
	}
	if len(there) != len(segments) {
		return errLost
	}
	return nil
}

// packets cuts parts into statements of about a megabyte, which also bounds how long a transaction
// keeps SQLite's one writer.
func packets(rows []partRow) func(yield func([]partRow) bool) {
	const mostBytes, mostRows = 1 << 20, 256
	return func(yield func([]partRow) bool) {
		start, size := 0, 0
		for i := range rows {
			if n := len(rows[i].Body); i > start && (size+n > mostBytes || i-start == mostRows) {
				if !yield(rows[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += len(rows[i].Body)
		}
		if start < len(rows) {
			yield(rows[start:])
		}
	}
}

// finish makes a written segment ready, in the transaction that takes away what it replaces.
func (o *output) finish(tx *db.Tx) error {
	version := uint32(0)
	if o.next != nil {
		version = 1
	}
	res := tx.Model(&segmentRow{}).Where("id = ? AND state = ?", o.row.ID, building).Updates(map[string]any{
		"state": ready, "version": version, "dead": o.head.dead.GetCardinality(), "bytes": o.row.Bytes + o.headBytes,
	})
	if res.Error != nil {
		return fmt.Errorf("finish segment: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return errLost
	}
	if o.next == nil {
		return nil
	}
	return storeHead(tx, *o.next)
}

func storeHead(tx *db.Tx, p partRow) error {
	res := tx.Model(&partRow{}).Where("segment_id = ? AND part = 0", p.SegmentID).Updates(map[string]any{"wrapped": p.Wrapped, "body": p.Body})
	if res.Error != nil {
		return fmt.Errorf("store head: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return errLost
	}
	return nil
}

// abandon takes back what was begun and not finished. What it cannot take back now is an orphan, which a
// later Fold removes.
func (x *Index) abandon(ctx context.Context, outs []*output) error {
	if len(outs) == 0 {
		return nil
	}
	ids := make([]uint64, len(outs))
	for i, o := range outs {
		ids[i] = o.row.ID
	}
	err := x.DB.Write(ctx, func(tx *db.Tx) error { return drop(tx, ids, building) })
	return errors.Join(err, x.Sweep(ctx))
}
