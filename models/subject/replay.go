package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

const actRestored = "subject.restored"

// Replayed is what Replay did.
type Replayed struct {
	Requests int   // put back
	Reached  int64 // conversations of theirs that are sealed again, or destroyed
	Missing  int64 // those that are not in this database
	Lifted   int   // requests that were lifted, again or with their putting back
}

// Replay puts back what a database that was restored from a backup does not know of its requests: those that were placed
// since, with what of theirs is there sealed again, and those that were lifted. It runs alone, after the purges were
// replayed, so that what was destroyed is; each request is one transaction, and it may be stopped and run again. It gives
// nil when there is nothing to do. The error is ErrOutside for a damaged
// file and ErrOther for one of another request; it changes nothing then.
func (r *Requests) Replay(ctx context.Context, by, reason string) (*Replayed, error) {
	s, err := r.Stand(ctx)
	if err != nil || !s.Closed() {
		return nil, err
	}
	if len(s.Damaged) > 0 {
		return nil, fmt.Errorf("%s: %w", s.Damaged[0], ErrOutside)
	}
	if len(s.Clash) > 0 {
		return nil, fmt.Errorf("%s: %w", s.Clash[0], ErrOther)
	}
	out := &Replayed{}
	p := replay{requests: r, out: out, actor: audit.Actor{Name: by, Role: "system", Source: "cli"}, reason: reason}
	// In the order in which they were placed: a customer has one open request at a time.
	codes := slices.Concat(s.Unknown, s.Lifted)
	slices.SortFunc(codes, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, code := range codes {
		step := p.lift
		if slices.Contains(s.Unknown, code) {
			step = p.putBack
		}
		if err := step(ctx, code); err != nil {
			return nil, fmt.Errorf("%s: %w", code, err)
		}
	}
	return out, nil
}

// replay is a Replay on its way.
type replay struct {
	requests *Requests
	out      *Replayed
	actor    audit.Actor
	reason   string
}

// lifted reads whether and how a request was lifted; nil if it was not.
func (p *replay) lifted(code string) (*Request, error) {
	k, err := p.requests.Outside.read(code, liftedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && k.Request.EndedAt == nil {
		err = fmt.Errorf("%s: %w", code, ErrOutside)
	}
	if err != nil {
		return nil, err
	}
	return &k.Request, nil
}

func (p *replay) putBack(ctx context.Context, code string) error {
	k, err := p.requests.Outside.read(code, placedFile)
	if err != nil {
		return err
	}
	ended, err := p.lifted(code)
	if err != nil {
		return err
	}
	var reached int64
	err = p.requests.DB.Write(ctx, func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		if ended != nil {
			reached = int64(len(k.Items))
			return p.putBackLifted(tx, k, ended)
		}
		reached, err = p.place(tx, k)
		return err
	})
	if err != nil {
		return err
	}
	p.out.Requests++
	p.out.Reached += reached
	p.out.Missing += int64(len(k.Items)) - reached
	if ended != nil {
		p.out.Lifted++
		p.out.Reached -= reached
	}
	return nil
}

// place puts a request back that is open, and seals what of it is there.
func (p *replay) place(tx *db.Tx, k *kept) (reached int64, err error) {
	r := p.requests
	if err := r.endFinished(tx, k.Request.CustomerMAC); err != nil {
		return 0, err
	}
	rows, err := k.there(tx)
	if err != nil {
		return 0, err
	}
	gone, err := k.destroyed(tx)
	if err != nil {
		return 0, err
	}
	reached = int64(len(rows) + len(gone))
	of, err := r.again(tx, k, reached, k.Request.CustomerMAC)
	if err != nil {
		return 0, err
	}
	items, err := reach(tx, of.ID, rows)
	if err != nil {
		return 0, err
	}
	for _, it := range gone {
		it.RequestID = of.ID
		items = append(items, it)
	}
	if len(items) > 0 {
		if err := tx.CreateInBatches(items, 500).Error; err != nil {
			return 0, fmt.Errorf("store what a request reached: %w", err)
		}
	}
	if err := r.store(tx, of); err != nil {
		return 0, err
	}
	if _, err := job.Enqueue(tx, job.New{Kind: JobBin, Subject: uint64(of.ID), Object: of.Code, By: of.CreatedBy, Total: int64(len(rows)), Solo: true}); err != nil {
		return 0, err
	}
	if err := p.append(tx, of, int64(len(k.Items))); err != nil || len(rows) > 0 {
		return reached, err
	}
	return reached, r.end(tx, of) // all of it was destroyed
}

// putBackLifted puts back that there was a request, so that nobody else gets its number. It is over in the same
// transaction, so it takes no open request's place: the customer may have one of which the replay of the purges left nothing.
func (p *replay) putBackLifted(tx *db.Tx, k *kept, ended *Request) error {
	of, err := p.requests.again(tx, k, 0, nil)
	if err != nil {
		return err
	}
	if err := p.append(tx, of, int64(len(k.Items))); err != nil {
		return err
	}
	return p.end(tx, of, ended)
}

// append writes down that a request was put back: how much it reached when it was placed, and reaches now.
func (p *replay) append(tx *db.Tx, of *Request, placed int64) error {
	return audit.Append(tx, audit.Entry{
		Actor: p.actor, Action: actRestored, ObjectKind: "subject", Object: of.Code, Count: of.Size,
		Data: map[string]any{"reached_when_placed": placed, "placed_by": id.String(of.CreatedBy), "placed_at": of.CreatedAt, "reason": p.reason},
	})
}

// lift lifts a request that is open here and was lifted by two people.
func (p *replay) lift(ctx context.Context, code string) error {
	ended, err := p.lifted(code)
	if err != nil {
		return err
	}
	err = p.requests.DB.Write(ctx, func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		var of Request
		if err := tx.ForUpdate().Where("code = ?", code).Take(&of).Error; err != nil {
			return fmt.Errorf("lock request: %w", err)
		}
		if err := p.requests.mustBeGenuine(tx, &of); err != nil {
			return err
		}
		return p.end(tx, &of, ended)
	})
	if err != nil {
		return err
	}
	p.out.Lifted++
	return nil
}

// end lifts a request as the file says it was lifted.
func (p *replay) end(tx *db.Tx, of, ended *Request) error {
	unsealed, binned, err := unseal(tx, of)
	if err != nil {
		return err
	}
	of.State, of.EndedBy, of.EndedPerson, of.EndedName, of.EndReason, of.EndedAt = Lifted, ended.EndedBy, ended.EndedPerson, ended.EndedName, ended.EndReason, ended.EndedAt
	if err := p.requests.store(tx, of); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: p.actor, Action: actLifted, ObjectKind: "subject", Object: of.Code, Count: unsealed,
		Data: map[string]any{"binned": binned, "placed_by": id.String(of.CreatedBy), "lifted_by": id.String(ended.EndedBy), "lifted_at": *ended.EndedAt},
	})
}

// again writes the row of a kept request, which gets its code when its items are there.
func (r *Requests) again(tx *db.Tx, k *kept, size int64, slot []byte) (*Request, error) {
	var n int
	if _, err := fmt.Sscanf(k.Request.Code, codeForm, &n); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Request.Code, ErrOutside)
	}
	if err := db.SerialPast(tx, "DSR", "", n); err != nil {
		return nil, err
	}
	of := k.Request
	of.ID, of.Size, of.RequestKey, of.OpenSlot, of.MAC = 0, size, nil, slot, make([]byte, 32)
	if err := tx.Create(&of).Error; err != nil {
		return nil, fmt.Errorf("create request: %w", err)
	}
	return &of, nil
}

// endFinished ends the open request of a customer of which the replay of the purges left nothing: they have another one.
func (r *Requests) endFinished(tx *db.Tx, customer []byte) error {
	var open []Request
	if err := tx.ForUpdate().Where("open_slot = ?", customer).Find(&open).Error; err != nil {
		return fmt.Errorf("look for an open request: %w", err)
	}
	for i := range open {
		if left, err := stillThere(tx, open[i].ID); err != nil || left > 0 {
			return errors.Join(err, fmt.Errorf("%s of the same customer is open", open[i].Code))
		}
		if err := r.mustBeGenuine(tx, &open[i]); err != nil {
			return err
		}
		if err := r.end(tx, &open[i]); err != nil {
			return err
		}
	}
	return nil
}

// there locks what a kept request reached and the database has; a number that somebody else's conversation got since is
// none of it.
func (k *kept) there(tx *db.Tx) ([]conversation.Conversation, error) {
	rows, err := lock(tx, k.ids(), func(s conversation.State) bool { return slices.Contains(within, s) })
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(c conversation.Conversation) bool { return !slices.Equal(c.CustomerMAC, k.Request.CustomerMAC) }), nil
}

// destroyed gives of what a kept request reached the items that were purged.
func (k *kept) destroyed(tx *db.Tx) (gone []Item, err error) {
	for part := range slices.Chunk(k.Items, atOnce) {
		ids := make([]id.Conversation, len(part))
		for i, it := range part {
			ids[i] = it.ConversationID
		}
		var purged []id.Conversation
		if err := tx.Table("tombstone").Where("conversation_id IN ?", ids).Pluck("conversation_id", &purged).Error; err != nil {
			return nil, fmt.Errorf("find what was destroyed: %w", err)
		}
		for _, it := range part {
			if slices.Contains(purged, it.ConversationID) {
				gone = append(gone, it)
			}
		}
	}
	return gone, nil
}
