package conversation_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// copied gives a conversation's body and key as a backup of the database has them.
func copied(t *testing.T, d *db.DB, c id.Conversation) (body *conversation.Body, key *conversation.Key) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		bodies, keys, err := conversation.Bodies(tx, []id.Conversation{c})
		body, key = bodies[c], keys[c]
		return err
	})
	if err != nil || body == nil || key == nil {
		t.Fatalf("%d: %v", c, err)
	}
	return body, key
}

func write(t *testing.T, d *db.DB, do func(tx *db.Tx) error) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		return do(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func erase(t *testing.T, d *db.DB, ids ...id.Conversation) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error { return conversation.Erase(tx, these(ids...), len(ids), 7) })
}

func puncture(t *testing.T, d *db.DB, v conversation.Vault, buckets ...id.Bucket) (out map[id.Bucket]conversation.Punctured) {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) {
		out, err = conversation.Puncture(tx, v, buckets)
		return err
	})
	return out
}

// destroy destroys a slot of a bucket as a purge does.
func destroy(t *testing.T, d *db.DB, v conversation.Vault, b id.Bucket, slot uint64) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		if err := conversation.LockFree(tx, v, map[id.Bucket][]uint64{b: {slot}}); err != nil {
			return err
		}
		if err := v.Store.Destroy(slot); err != nil {
			return err
		}
		return conversation.SlotsGone(tx, []uint64{slot})
	})
}

func bucketOf(t *testing.T, d *db.DB, b id.Bucket) (row conversation.Bucket) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Where("id = ?", b).Take(&row).Error }); err != nil {
		t.Fatal(err)
	}
	return row
}

func opens(t *testing.T, d *db.DB, v conversation.Vault, ids ...id.Conversation) {
	t.Helper()
	for _, c := range ids {
		if _, err := v.Open(copied(t, d, c)); err != nil {
			t.Errorf("%d does not open: %v", c, err)
		}
	}
}

func several(t *testing.T, d *db.DB, v conversation.Vault, name string, n int) []id.Conversation {
	t.Helper()
	news := make([]conversation.New, n)
	for i := range news {
		news[i] = one(fmt.Sprint(name, i), sales, said("问题"))
	}
	ids := make([]id.Conversation, n)
	for i, o := range store(t, d, v, news...) {
		ids[i] = o.ID
	}
	return ids
}

// A bucket is punctured again and again: what is gone opens with nothing of any time, what stays opens always, what
// comes takes the places that were never given, and no row of what stays is written.
func TestABucketIsPuncturedAgainAndAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		live := several(t, d, v, "first", 12)
		_, key := copied(t, d, live[0])
		b := key.BucketID
		type old struct {
			body *conversation.Body
			key  *conversation.Key
		}
		var gone []old
		for round := range 4 {
			leaves := map[int]bool{}
			for _, c := range live {
				_, k := copied(t, d, c)
				if k.BucketID != b || leaves[k.Leaf] {
					t.Fatalf("round %d: %d lies at leaf %d of bucket %d", round, c, k.Leaf, k.BucketID)
				}
				leaves[k.Leaf] = true
			}
			for _, c := range []id.Conversation{live[0], live[len(live)/2]} {
				body, key := copied(t, d, c)
				gone = append(gone, old{body, key})
				erase(t, d, c)
				live = slices.DeleteFunc(live, func(l id.Conversation) bool { return l == c })
			}
			_, before := copied(t, d, live[0])
			p := puncture(t, d, v, b)[b]
			opens(t, d, v, live...)
			destroy(t, d, v, b, p.Slot)
			opens(t, d, v, live...)
			if p.Live != len(live) || p.Slot != before.Slot {
				t.Errorf("round %d: %+v", round, p)
			}
			_, now := copied(t, d, live[0])
			if now.BucketID != before.BucketID || now.Leaf != before.Leaf || string(now.Wrapped) != string(before.Wrapped) || now.Slot != p.To {
				t.Errorf("round %d: the survivor's row was written: %+v, %+v", round, before, now)
			}
			for i, g := range gone {
				mixed := *g.key
				mixed.Slot, mixed.Tree = now.Slot, now.Tree
				for name, k := range map[string]*conversation.Key{"as it was": g.key, "with the bucket of now": &mixed} {
					if _, err := v.Open(g.body, k); !errors.Is(err, seal.ErrDestroyed) {
						t.Errorf("round %d: what went as number %d opens %s: %v", round, i, name, err)
					}
				}
			}
			live = append(live, several(t, d, v, fmt.Sprint("more", round), 3)...)
			opens(t, d, v, live...)
		}
		if row := bucketOf(t, d, b); row.Used != 12+4*3 || row.State != conversation.BucketOpen {
			t.Errorf("%+v", row)
		}
		// Nothing is left: the bucket goes wholly, without a slot more.
		erase(t, d, live...)
		p := puncture(t, d, v, b)[b]
		if row := bucketOf(t, d, b); p.To != 0 || p.Live != 0 || row.State != conversation.BucketClosing {
			t.Errorf("%+v, %+v", p, row)
		}
		several(t, d, v, "elsewhere", 1)
		destroy(t, d, v, b, p.Slot)
		if row := bucketOf(t, d, b); row.State != conversation.BucketDestroyed || row.Tree != nil {
			t.Errorf("%+v", row)
		}
		if p := puncture(t, d, v, b)[b]; p.To != 0 || p.Slot == 0 {
			t.Errorf("a destroyed one: %+v", p)
		}
	})
}

// A full bucket has no places left; the last leaf lives like any other.
func TestAFullBucketIsPunctured(t *testing.T) {
	d, _ := dbtest.New(t)
	v := vault(t)
	live := several(t, d, v, "c", conversation.BucketSize+1)
	_, key := copied(t, d, live[0])
	first, last := live[0], live[conversation.BucketSize-1]
	if _, k := copied(t, d, last); k.Leaf != conversation.BucketSize-1 || k.BucketID != key.BucketID {
		t.Fatalf("%+v", k)
	}
	erase(t, d, first)
	p := puncture(t, d, v, key.BucketID)[key.BucketID]
	destroy(t, d, v, key.BucketID, p.Slot)
	opens(t, d, v, live[1:]...)
	if more := several(t, d, v, "more", 1); more[0] == 0 {
		t.Error("nothing was stored")
	} else if _, k := copied(t, d, more[0]); k.BucketID == key.BucketID {
		t.Error("a full bucket took more")
	}
}

// What is sealed again keeps its place, so that a backup from before it grew opens as long as it lives; and not after.
func TestWhatIsSealedAgainKeepsItsLeaf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		ids := several(t, d, v, "c", 3)
		body, before := copied(t, d, ids[1])
		store(t, d, v, one("c1", sales, said("问题", "再问一下")))
		_, after := copied(t, d, ids[1])
		if after.BucketID != before.BucketID || after.Leaf != before.Leaf || string(after.Wrapped) == string(before.Wrapped) {
			t.Errorf("%+v became %+v", before, after)
		}
		if row := bucketOf(t, d, before.BucketID); row.Used != 3 {
			t.Errorf("%d places are given", row.Used)
		}
		erase(t, d, ids[0])
		p := puncture(t, d, v, before.BucketID)[before.BucketID]
		destroy(t, d, v, before.BucketID, p.Slot)
		_, now := copied(t, d, ids[1])
		before.Slot, before.Tree = now.Slot, now.Tree
		if _, err := v.Open(body, before); err != nil {
			t.Errorf("the version of the backup: %v", err)
		}
		store(t, d, v, one("c1", sales, said("问题", "再问一下", "还在吗")))
		opens(t, d, v, ids[1:]...)
		erase(t, d, ids[1])
		p = puncture(t, d, v, before.BucketID)[before.BucketID]
		destroy(t, d, v, before.BucketID, p.Slot)
		_, now = copied(t, d, ids[2])
		before.Slot, before.Tree = now.Slot, now.Tree
		if _, err := v.Open(body, before); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("the version of the backup after the purge: %v", err)
		}
	})
}

// asBefore makes keys of conversations what they were before buckets had leaves.
func asBefore(t *testing.T, d *db.DB, v conversation.Vault, ids ...id.Conversation) {
	t.Helper()
	for _, c := range ids {
		body, key := copied(t, d, c)
		aad := seal.AAD{Record: uint64(c), Version: body.Version, Department: uint64(body.DepartmentID)}
		tree, err := v.Store.Tree(uint64(key.BucketID), key.Slot, key.Tree)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := tree.Open(key.Leaf, aad, seal.Sealed{Body: body.Body, Wrapped: key.Wrapped})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := v.Store.Seal(uint64(key.BucketID), aad, plain)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(sealed.Body)
		dbtest.Exec(t, d, "UPDATE conversation_body SET body = ?, digest = ? WHERE id = ?", sealed.Body, digest[:], c)
		dbtest.Exec(t, d, "UPDATE conversation_key SET leaf = -1, wrapped = ? WHERE id = ?", sealed.Wrapped, c)
	}
}

// What an earlier version of the program sealed is read as it is, and gets its leaf from the first purge that meets its
// bucket, beside what came since.
func TestKeysFromBeforeThereWereLeavesAreLifted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		ids := several(t, d, v, "old", 6)
		asBefore(t, d, v, ids...)
		opens(t, d, v, ids...)
		more := several(t, d, v, "new", 3)
		store(t, d, v, one("old5", sales, said("问题", "再问一下"))) // it gets a leaf by that
		opens(t, d, v, append(ids, more...)...)
		if _, k := copied(t, d, ids[5]); k.Leaf != 9 {
			t.Errorf("sealed again: %+v", k)
		}
		_, key := copied(t, d, ids[0])
		b := key.BucketID
		goneBody, goneKey := copied(t, d, ids[1])
		laterBody, laterKey := copied(t, d, more[0])
		erase(t, d, ids[1], more[0])
		p := puncture(t, d, v, b)[b]
		if p.Live != 7 || p.Lifted != 4 || p.Slot != uint64(b) {
			t.Errorf("%+v", p)
		}
		destroy(t, d, v, b, p.Slot)
		left := append([]id.Conversation{ids[0]}, ids[2:]...)
		left = append(left, more[1:]...)
		opens(t, d, v, left...)
		if n := dbtest.Count(t, d, &conversation.Key{}, "leaf < 0"); n != 0 {
			t.Errorf("%d keys have no leaf", n)
		}
		if n := dbtest.Count(t, d, &conversation.Key{}, "bucket_id = ? AND leaf IN (0, 1, 2, 3, 7, 8, 9)", b); n != 7 {
			t.Errorf("%d keys are where they belong", n)
		}
		_, now := copied(t, d, ids[0])
		laterKey.Slot, laterKey.Tree = now.Slot, now.Tree
		for _, old := range []struct {
			body *conversation.Body
			key  *conversation.Key
		}{{goneBody, goneKey}, {laterBody, laterKey}} {
			if _, err := v.Open(old.body, old.key); !errors.Is(err, seal.ErrDestroyed) {
				t.Errorf("what was purged: %v", err)
			}
		}
		// A second time there is nothing to lift.
		erase(t, d, left[0])
		p = puncture(t, d, v, b)[b]
		destroy(t, d, v, b, p.Slot)
		opens(t, d, v, left[1:]...)
		if p.Lifted != 0 || p.Live != 6 {
			t.Errorf("%+v", p)
		}
	})
}

// No key is destroyed that something needs, whatever the rows of a purge say.
func TestNoSlotGoesUnderWhatLives(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		ids := several(t, d, v, "c", 3)
		_, key := copied(t, d, ids[0])
		b := key.BucketID
		free := func(b id.Bucket, slot uint64) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				tx.MarkAudited()
				return conversation.LockFree(tx, v, map[id.Bucket][]uint64{b: {slot}})
			})
		}
		if err := free(b, key.Slot); err == nil {
			t.Error("the slot of an open bucket")
		}
		other := one("other", sales, said("问题"))
		other.Document.Messages[0].At = conversation.MicrosOf(day.AddDate(0, 2, 0))
		apart := store(t, d, v, other)[0].ID
		_, elsewhere := copied(t, d, apart)
		if elsewhere.BucketID == b {
			t.Fatal("the same bucket")
		}
		if err := free(b, elsewhere.Slot); err == nil {
			t.Error("the slot of another bucket that is open")
		}
		dbtest.Exec(t, d, "UPDATE key_bucket SET state = ? WHERE id = ?", conversation.BucketClosing, b)
		if err := free(b, key.Slot); err == nil {
			t.Error("the slot of a bucket that is closing and holds keys")
		}
		dbtest.Exec(t, d, "UPDATE key_bucket SET state = ? WHERE id = ?", conversation.BucketOpen, b)
		erase(t, d, ids[0])
		p := puncture(t, d, v, b)[b]
		if err := free(b, p.Slot); err != nil {
			t.Errorf("a slot that nothing needs: %v", err)
		}
		dbtest.Exec(t, d, "UPDATE conversation_key SET leaf = -1 WHERE id = ?", ids[1])
		if err := free(b, p.Slot); err == nil {
			t.Error("a slot whose own key wraps something")
		}
		dbtest.Exec(t, d, "UPDATE conversation_key SET leaf = 1 WHERE id = ?", ids[1])
		if err := v.Store.Destroy(p.To); err != nil {
			t.Fatal(err)
		}
		if err := free(b, p.Slot); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("what is left does not open: %v", err)
		}
	})
}

// Imports and growing conversations beside purges of the same bucket: everything that was stored opens.
func TestImportsBesidePunctures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		ids := several(t, d, v, "c", 20)
		_, key := copied(t, d, ids[0])
		b := key.BucketID
		var all sync.WaitGroup
		all.Go(func() {
			for i := range 10 {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					tx.MarkAudited()
					_, err := conversation.Store(tx, v, []conversation.New{
						one(fmt.Sprint("import", i), sales, said("问题")), one(fmt.Sprint("c", 10+i), sales, said("问题", "再问一下")),
					})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for i := range 10 {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					tx.MarkAudited()
					return conversation.Erase(tx, these(ids[i]), 1, 7)
				})
				if err != nil {
					t.Error(err)
				}
				var p conversation.Punctured
				err = d.Write(t.Context(), func(tx *db.Tx) error {
					tx.MarkAudited()
					out, err := conversation.Puncture(tx, v, []id.Bucket{b})
					p = out[b]
					return err
				})
				if err != nil {
					t.Error(err)
					continue
				}
				err = d.Write(t.Context(), func(tx *db.Tx) error {
					tx.MarkAudited()
					if err := conversation.LockFree(tx, v, map[id.Bucket][]uint64{b: {p.Slot}}); err != nil {
						return err
					}
					return v.Store.Destroy(p.Slot)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		all.Wait()
		var left []id.Conversation
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Model(&conversation.Key{}).Pluck("id", &left).Error }); err != nil {
			t.Fatal(err)
		}
		if len(left) != 20 {
			t.Errorf("%d are left", len(left))
		}
		opens(t, d, v, left...)
	})
}

// Keys that were made for what came to nothing do not live on: neither those of a puncture nor those of an import.
func TestKeysOfATransactionThatFailedAreDestroyed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		ids := several(t, d, v, "c", 3)
		_, key := copied(t, d, ids[0])
		alive := func() []uint64 {
			t.Helper()
			slots, err := v.Store.LiveFor(seal.ForRecords, -time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return slots
		}
		before := alive()
		erase(t, d, ids[0])
		stop := errors.New("stop")
		for name, do := range map[string]func(tx *db.Tx) error{
			"a puncture": func(tx *db.Tx) error {
				_, err := conversation.Puncture(tx, v, []id.Bucket{key.BucketID})
				return err
			},
			"an import": func(tx *db.Tx) error {
				_, err := conversation.Store(tx, v, []conversation.New{one("other", support, said("问题"))})
				return err
			},
		} {
			made := 0
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				tx.MarkAudited()
				if err := do(tx); err != nil {
					return err
				}
				made = len(alive()) - len(before)
				return stop
			})
			if !errors.Is(err, stop) || made != 1 {
				t.Fatalf("%s: %v, %d keys made", name, err, made)
			}
			if now := alive(); !slices.Equal(now, before) {
				t.Errorf("%s: alive are %v, were %v", name, now, before)
			}
		}
		opens(t, d, v, ids[1:]...)
		p := puncture(t, d, v, key.BucketID)[key.BucketID]
		destroy(t, d, v, key.BucketID, p.Slot)
		if now := alive(); len(now) != len(before) || !slices.Contains(now, p.To) {
			t.Errorf("alive are %v, the bucket lies under %d", now, p.To)
		}
		opens(t, d, v, ids[1:]...)
	})
}

// An import that lets conversations grow takes the buckets in the order in which a purge takes them, whatever their own order in
// the file is: neither has to be done again.
func TestAnImportTakesBucketsInTheOrderOfAPuncture(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		low := store(t, d, v, one("low", sales, said("问题")))[0].ID
		high := store(t, d, v, one("high", support, said("问题")))[0].ID
		_, first := copied(t, d, low)
		_, second := copied(t, d, high)
		if first.BucketID >= second.BucketID {
			t.Fatal("the buckets are not in order")
		}
		var punctures, imports atomic.Int64
		waits := make(chan struct{})
		var began sync.Once
		var all sync.WaitGroup
		all.Go(func() {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				tx.MarkAudited()
				punctures.Add(1)
				if _, err := conversation.Puncture(tx, v, []id.Bucket{first.BucketID}); err != nil {
					return err
				}
				began.Do(func() { close(waits) })
				time.Sleep(300 * time.Millisecond) // until the import waits for a bucket
				_, err := conversation.Puncture(tx, v, []id.Bucket{second.BucketID})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			<-waits
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				tx.MarkAudited()
				imports.Add(1)
				_, err := conversation.Store(tx, v, []conversation.New{one("high", support, said("问题", "再问一下")), one("low", sales, said("问题", "再问一下"))})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if punctures.Load() != 1 || imports.Load() != 1 {
			t.Errorf("the puncture ran %d times, the import %d times", punctures.Load(), imports.Load())
		}
		opens(t, d, v, low, high)
	})
}
