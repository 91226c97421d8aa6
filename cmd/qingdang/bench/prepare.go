package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// ErrTooFew says that the database does not hold as many conversations as were to be chosen.
var ErrTooFew = errors.New("bench: too few conversations in the archive")

// Scattered chooses n conversations of the archive that lie as far apart as they can: every
// third, if there are three times as many. Nearly every bucket keeps survivors.
func Scattered(ctx context.Context, d *db.DB, n int) ([]id.Conversation, error) {
	var all []id.Conversation
	err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Where("state = ?", conversation.Active).Order("id").Pluck("id", &all).Error
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("choose conversations: %w", err)
	case n <= 0 || len(all) < n:
		return nil, ErrTooFew
	}
	chosen := make([]id.Conversation, n)
	for i := range chosen {
		chosen[i] = all[i*len(all)/n]
	}
	return chosen, nil
}

// Period chooses the oldest whole months of the first division, until they are n conversations
// or as few as possible more: whole buckets, without survivors.
func Period(ctx context.Context, d *db.DB, n int) ([]id.Conversation, error) {
	var rows []struct {
		ID     id.Conversation
		LastAt time.Time
	}
	err := d.Read(ctx, func(tx *db.Tx) error {
		tree, err := department.Load(tx)
		if err != nil {
			return err
		}
		first, _ := tree.ByPath(divisionName(0))
		return tx.Model(&conversation.Conversation{}).Where("department_id IN ? AND state = ?", account.Within(tree.Subtree(first.ID)...).Listed(), conversation.Active).
			Order("conversation.last_at, conversation.id").Select("conversation.id, conversation.last_at").Scan(&rows).Error
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("choose conversations: %w", err)
	case n <= 0 || len(rows) < n:
		return nil, ErrTooFew
	}
	month := func(i int) string { return rows[i].LastAt.UTC().Format("200601") }
	for n < len(rows) && month(n) == month(n-1) {
		n++
	}
	chosen := make([]id.Conversation, n)
	for i := range chosen {
		chosen[i] = rows[i].ID
	}
	slices.Sort(chosen)
	return chosen, nil
}

// Bin puts conversations of the archive into one batch of the bin, as a move of the owner's that
// ended leaves it: its time there is over at keep. Who owns a batch may ask for its purge and
// may not vote on it.
func Bin(ctx context.Context, d *db.DB, k approval.Keys, owner account.Actor, keep time.Time, ids []id.Conversation) (b id.Batch, err error) {
	err = d.Write(ctx, func(tx *db.Tx) error {
		n, err := db.Serial(tx, "SC", "bench")
		if err != nil {
			return err
		}
		row := bin.Batch{
			Code: fmt.Sprintf("SC-00000000-%03d", n), RequestKey: rand.Text(), State: bin.Done, Kind: bin.KindBatch, OwnerID: owner.ID, OwnerPerson: owner.PersonID, OwnerName: owner.Name,
			Scope: "{}", ScopeKind: bin.ScopeDepartment, Reason: "超过保留期的会话清理", Residue: "[]", Excluded: "{}",
			Size: int64(len(ids)), Moved: int64(len(ids)), Fingerprint: make([]byte, 32), KeepUntil: db.Instant(keep), CreatedAt: tx.Now,
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		row.Seal(k)
		if err := tx.Model(&row).Update("mac", row.MAC).Error; err != nil {
			return err
		}
		b = row.ID
		for part := range slices.Chunk(ids, fillBatch) {
			if err := put(tx, b, part); err != nil {
				return err
			}
		}
		return audit.Append(tx, audit.Entry{Actor: filler(), Action: "batch.discarded", ObjectKind: "batch", Object: row.Code, Count: row.Size})
	})
	if err != nil {
		return 0, fmt.Errorf("put into the bin: %w", err)
	}
	return b, nil
}

func put(tx *db.Tx, b id.Batch, ids []id.Conversation) error {
	set, err := id.NewSet(ids...)
	if err != nil {
		return err
	}
	n, err := conversation.Move(tx, set, conversation.Active, conversation.Binned, &b)
	switch {
	case err != nil:
		return err
	case n != int64(set.Len()):
		return fmt.Errorf("%d of %d conversations are in the archive", n, set.Len())
	}
	return tx.Exec("INSERT INTO bin_item (batch_id, conversation_id, department_id, state, was_state, version, reason, bytes, changed_at) "+
		"SELECT ?, id, department_id, ?, ?, version, '', bytes, ? FROM conversation WHERE id IN ?", b, bin.ItemBinned, conversation.Active, tx.Now, set.Values()).Error
}

// Cast are the people of a purge, who all act everywhere, and the one-time codes of those who
// vote.
type Cast struct {
	Requester, Supervisor, Legal account.Actor
	Code                         func(ctx context.Context, who account.Actor) (string, error)
}

// Approved asks for a purge of batches and gives both votes, through the desk as people do. It
// may run, at any hour, from the request's DueAt on.
func Approved(ctx context.Context, desk *purge.Desk, c Cast, batches ...id.Batch) (*purge.Request, error) {
	r, err := desk.Request(ctx, c.Requester, purge.Ask{Batches: batches, Reason: "回收站到期清理，已超过保留期", AtOnce: true, Key: rand.Text()})
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	for _, by := range []account.Actor{c.Supervisor, c.Legal} {
		code, err := c.Code(ctx, by)
		if err != nil {
			return nil, fmt.Errorf("one-time code: %w", err)
		}
		r, err = desk.Vote(ctx, by, purge.Ballot{
			Purge: r.ID, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: hex.EncodeToString(r.Root), Code: code, AgreeAtOnce: true,
		})
		if err != nil {
			return nil, fmt.Errorf("vote: %w", err)
		}
	}
	return r, nil
}
