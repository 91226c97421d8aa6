package subject

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// Lift takes a request back: what it sealed goes where it was, and what rests in the bin would go there out of it.
// It is for somebody of legal who is another person than whoever placed it, with a one-time code. The fault is
// forbidden for others and for a role that is not confirmed, not-found, invalid without a reason, and a conflict
// when the request is over.
func (r *Requests) Lift(ctx context.Context, by account.Actor, request id.Subject, reason, code string) error {
	if err := natural(by, account.SubjectLift); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if f := reasonFault(reason); f != nil {
		return f
	}
	var of *Request
	// Before the code is looked at: what cannot be must not cost a try.
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if of, err = find(tx, request); err != nil {
			return err
		}
		return of.mayLift(tx, by)
	})
	if err != nil {
		return err
	}
	named := of.Code
	if err := r.Accounts.BeginCode(ctx, by); err != nil {
		return err
	}
	err = r.Clock.Write(ctx, r.DB, func(tx *db.Tx) (err error) {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		if of, err = lockRequest(tx, request); err != nil {
			return err
		}
		if err := of.mayLift(tx, by); err != nil {
			return err
		}
		if err := r.mustBeGenuine(tx, of); err != nil {
			return err
		}
		if _, err := r.Accounts.ConsumeTOTP(tx, by.ID, code); err != nil {
			return err
		}
		return r.lift(tx, by, of, reason)
	})
	if err == nil {
		r.remembered(ctx)
	}
	return r.Accounts.NoteWrongCode(ctx, by, named, err)
}

// mayLift tells whether somebody may lift the request now.
func (r *Request) mayLift(tx *db.Tx, by account.Actor) error {
	switch {
	case r.State != Open:
		return fault.Conflict("subject.not_open")
	case by.ID == r.CreatedBy || by.PersonID == r.CreatorPerson:
		return fault.Forbidden("subject.own_request")
	}
	return account.CheckVoter(tx, by.ID, account.Legal)
}

func (r *Requests) lift(tx *db.Tx, by account.Actor, of *Request, reason string) error {
	unsealed, binned, err := unseal(tx, of)
	if err != nil {
		return err
	}
	of.State, of.EndedBy, of.EndedPerson, of.EndedName, of.EndReason, of.EndedAt = Lifted, by.ID, by.PersonID, by.Name, reason, &tx.Now
	if err := r.store(tx, of); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: actLifted, ObjectKind: "subject", Object: of.Code, Count: unsealed,
		Data: map[string]any{"binned": binned, "placed_by": id.String(of.CreatedBy)},
	})
}

// unseal puts what a request reached where it was, and what rests in the bin would go there out of it. It counts both.
func unseal(tx *db.Tx, of *Request) (unsealed, binned int64, err error) {
	var items []Item
	if err := tx.Where("request_id = ?", of.ID).Order("conversation_id").Find(&items).Error; err != nil {
		return 0, 0, fmt.Errorf("read what a request reached: %w", err)
	}
	was, ids := make(map[id.Conversation]conversation.State, len(items)), make([]id.Conversation, len(items))
	for i, it := range items {
		ids[i], was[it.ConversationID] = it.ConversationID, it.WasState
	}
	rows, err := lock(tx, ids, func(conversation.State) bool { return true })
	if err != nil {
		return 0, 0, err
	}
	for part := range slices.Chunk(rows, atOnce) {
		back, rests := map[conversation.State][]id.Conversation{}, map[conversation.State][]id.Conversation{}
		for _, c := range part {
			if c.State == conversation.Sealed {
				back[was[c.ID]] = append(back[was[c.ID]], c.ID)
				unsealed++
			} else {
				rests[was[c.ID]] = append(rests[was[c.ID]], c.ID)
				binned++
			}
		}
		if err := move(tx, back, true); err != nil {
			return 0, 0, err
		}
		if err := bin.UnsealResting(tx, rests); err != nil {
			return 0, 0, err
		}
	}
	return unsealed, binned, nil
}

// find gives a request without a lock.
func find(tx *db.Tx, request id.Subject) (*Request, error) {
	var rows []Request
	if err := tx.Where("id = ?", request).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find request: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.NotFound("subject.not_found")
	}
	return &rows[0], nil
}
