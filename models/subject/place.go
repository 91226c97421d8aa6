package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

func mayPlace(by account.Actor) error { return natural(by, account.SubjectCreate) }

func natural(by account.Actor, p account.Permission) error {
	if err := by.Require(p); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

// Place seals every conversation of a customer that is in the archive now, also what is past its floor:
// processing stops at once. What lies in the bin stays there, and would go under seal out of it. What may be
// destroyed goes into the bin right after, by a job; what a hold, a floor or an open order keeps follows when that
// ends. What the customer writes later is not reached.
//
// The fault is forbidden but for somebody of legal whose role is confirmed; invalid without a customer of whom
// something is there, a reason or a date, and for more than MostItems; a conflict with both numbers when the
// page showed another count, and one that names the request of this customer that is open. A wrong code is
// invalid on its field. Sending one Key again gives the request of the first time.
func (r *Requests) Place(ctx context.Context, by account.Actor, o Order) (placed *Request, err error) {
	if err := mayPlace(by); err != nil {
		return nil, err
	}
	o = o.normal()
	if err := o.check(); err != nil {
		return nil, err
	}
	mac := r.Vault.CustomerMAC(o.Customer)
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		if placed, err = ofKey(tx, by, o.Key, mac); placed != nil || err != nil {
			return err
		}
		p, err := count(tx, mac)
		if err != nil {
			return err
		}
		return o.ready(tx, by, mac, p.Total)
	})
	if placed != nil || err != nil {
		return placed, err
	}
	if err := r.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = r.Clock.Write(ctx, r.DB, func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		if placed, err = ofKey(tx, by, o.Key, mac); err != nil {
			return err
		}
		if placed != nil {
			return errPlaced
		}
		placed, err = r.place(tx, by, o, mac)
		return err
	})
	// The try that was counted is given back also where somebody was faster.
	err = r.Accounts.NoteWrongCode(ctx, by, "", err)
	if errors.Is(err, errPlaced) || db.Duplicate(err) {
		return r.placedBefore(ctx, by, o, mac)
	}
	if err != nil {
		return nil, err
	}
	r.remembered(ctx)
	return placed, nil
}

// errPlaced ends a transaction in which a form turns out to have been sent before.
var errPlaced = errors.New("placed before")

// placedBefore gives the request that the same form placed a moment ago, or the fault for another one of the customer.
func (r *Requests) placedBefore(ctx context.Context, by account.Actor, o Order, mac []byte) (placed *Request, err error) {
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		if placed, err = ofKey(tx, by, o.Key, mac); placed != nil || err != nil {
			return err
		}
		if err := noneOpen(tx, mac); err != nil {
			return err
		}
		return fault.Invalid("subject.form_stale")
	})
	return placed, err
}

// ready refuses what is no request now.
func (o *Order) ready(tx *db.Tx, by account.Actor, mac []byte, total int64) error {
	if err := account.CheckVoter(tx, by.ID, account.Legal); err != nil {
		return err
	}
	if err := noneOpen(tx, mac); err != nil {
		return err
	}
	if _, err := o.received(tx.Now); err != nil {
		return err
	}
	if err := (&Preview{Total: total}).possible(); err != nil {
		return err
	}
	if o.Shown != nil && *o.Shown != total {
		return fault.Conflict("subject.count_changed", *o.Shown, total)
	}
	return nil
}

// ofKey finds the request that a form placed before, nil if none.
func ofKey(tx *db.Tx, by account.Actor, key string, mac []byte) (*Request, error) {
	if key == "" {
		return nil, nil
	}
	var rows []Request
	if err := tx.Where("request_key = ?", key).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the first submit: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case rows[0].CreatedBy != by.ID || !slices.Equal(rows[0].CustomerMAC, mac):
		return nil, fault.Invalid("subject.form_stale")
	}
	return &rows[0], nil
}

func (r *Requests) place(tx *db.Tx, by account.Actor, o Order, mac []byte) (*Request, error) {
	rows, err := lockAll(tx, mac)
	if err != nil {
		return nil, err
	}
	if err := o.ready(tx, by, mac, int64(len(rows))); err != nil {
		return nil, err
	}
	if _, err := r.Accounts.ConsumeTOTP(tx, by.ID, o.Code); err != nil {
		return nil, err
	}
	placed, err := r.create(tx, by, o, mac, int64(len(rows)))
	if err != nil {
		return nil, err
	}
	items, err := reach(tx, placed.ID, rows)
	if err != nil {
		return nil, err
	}
	if err := tx.CreateInBatches(items, 500).Error; err != nil {
		return nil, fmt.Errorf("store what a request reached: %w", err)
	}
	if err := r.store(tx, placed); err != nil {
		return nil, err
	}
	sealed := int64(0)
	for _, it := range items {
		if it.BinnedAt == nil {
			sealed++
		}
	}
	if _, err := job.Enqueue(tx, job.New{Kind: JobBin, Subject: uint64(placed.ID), Object: placed.Code, By: by.ID, Total: sealed, Solo: true}); err != nil {
		return nil, err
	}
	return placed, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: actPlaced, ObjectKind: "subject", Object: placed.Code, Count: placed.Size,
		Data: map[string]any{"sealed_now": sealed, "binned": placed.Size - sealed, "received_at": placed.ReceivedAt, "answer_by": placed.AnswerBy, "reference": utf8.RuneCountInString(o.Reference)},
	})
}

// lockAll locks what a customer has, in ascending order. One more than MostItems is enough to refuse.
func lockAll(tx *db.Tx, mac []byte) (rows []conversation.Conversation, err error) {
	var ids []id.Conversation
	if err := ofCustomer(tx, mac).Order("conversation.id").Limit(MostItems+1).Pluck("conversation.id", &ids).Error; err != nil {
		return nil, fmt.Errorf("find what a request reaches: %w", err)
	}
	return lock(tx, ids, func(s conversation.State) bool { return slices.Contains(within, s) })
}

// lock locks conversations, in ascending order, and gives those that are in one of the states then.
func lock(tx *db.Tx, ids []id.Conversation, in func(conversation.State) bool) (rows []conversation.Conversation, err error) {
	for part := range slices.Chunk(ids, atOnce) {
		set, err := id.NewSet(part...)
		if err != nil {
			return nil, err
		}
		some, err := conversation.Lock(tx, set)
		if err != nil {
			return nil, err
		}
		rows = append(rows, slices.DeleteFunc(some, func(c conversation.Conversation) bool { return !in(c.State) })...)
	}
	return rows, nil
}

// atOnce bounds the ids of one statement.
const atOnce = 1000

const codeForm = "DSR-%04d"

// create writes the row of a request, which gets its code when its items are there.
func (r *Requests) create(tx *db.Tx, by account.Actor, o Order, mac []byte, size int64) (*Request, error) {
	received, err := o.received(tx.Now)
	if err != nil {
		return nil, err
	}
	n, err := db.Serial(tx, "DSR", "")
	if err != nil {
		return nil, err
	}
	placed := &Request{
		Code: fmt.Sprintf(codeForm, n), State: Open, CustomerMAC: mac, Reference: o.Reference, Reason: o.Reason,
		ReceivedAt: received, AnswerBy: received.Add(AnswerTime), Size: size, CreatedBy: by.ID, CreatorPerson: by.PersonID, CreatorName: by.Name, CreatedAt: tx.Now,
		OpenSlot: mac, MAC: make([]byte, 32),
	}
	if o.Key != "" {
		placed.RequestKey = &o.Key
	}
	placed.Sealed = r.Vault.Store.SealSmall(sealCustomer, []byte(placed.Code), []byte(o.Customer))
	if err := tx.Create(placed).Error; err != nil {
		return nil, fmt.Errorf("create request: %w", err)
	}
	return placed, nil
}

// sealCustomer is the purpose under which customers' ids are sealed.
const sealCustomer = "subject customer"

// reach seals locked conversations, or notes of those in the bin that they go under seal out of it, and gives
// the items that say where each was.
func reach(tx *db.Tx, request id.Subject, rows []conversation.Conversation) ([]Item, error) {
	items := make([]Item, 0, len(rows))
	for part := range slices.Chunk(rows, atOnce) {
		from := map[conversation.State][]id.Conversation{}
		var binned []id.Conversation
		for _, c := range part {
			if c.State == conversation.Active || c.State == conversation.Hidden {
				from[c.State] = append(from[c.State], c.ID)
			} else {
				binned = append(binned, c.ID)
			}
		}
		if err := move(tx, from, false); err != nil {
			return nil, err
		}
		was, err := bin.SealResting(tx, binned)
		if err != nil {
			return nil, err
		}
		for _, c := range part {
			it := Item{RequestID: request, ConversationID: c.ID, DepartmentID: c.DepartmentID, WasState: c.State}
			if state, rests := was[c.ID]; rests {
				it.WasState, it.BinnedAt = state, &tx.Now
			}
			items = append(items, it)
		}
	}
	return items, nil
}

// move seals locked conversations, by where they are, or with back puts them there again.
func move(tx *db.Tx, of map[conversation.State][]id.Conversation, back bool) error {
	for state, ids := range of {
		set, err := id.NewSet(ids...)
		if err != nil {
			continue
		}
		from, to := state, conversation.Sealed
		if back {
			from, to = to, from
		}
		n, err := conversation.Move(tx, set, from, to, nil)
		if err != nil {
			return err
		}
		if n != int64(set.Len()) {
			return fmt.Errorf("%d of %d locked conversations sealed", n, set.Len())
		}
	}
	return nil
}
