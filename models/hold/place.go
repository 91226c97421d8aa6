package hold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Rescue takes conversations, which are locked, back out of the recycle bin, inside the
// transaction that puts them under a hold. The bin drawer lies a floor above: it is bin.Rescue.
type Rescue func(tx *db.Tx, ids []id.Conversation) error

// Holds is the register of legal holds.
type Holds struct {
	DB       *db.DB
	Rescue   Rescue
	Zone     *time.Location
	Vault    conversation.Vault // names customers, seals their ids, vouches for releases
	Accounts Codes              // confirms the second person of a release
	// AtOnce is how many conversations of the bin a hold takes back while somebody waits; 0 is
	// 2,000. More go back by a job of the kind JobReturn.
	AtOnce int64
	// Clock keeps releases from ending by a wrong clock; nil: it is trusted.
	Clock *audit.ClockGuard
}

// Codes checks the one-time code of a person for a dangerous act; *account.Accounts does.
type Codes interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

var errNoRescue = errors.New("hold: nobody takes conversations out of the bin")

// Place puts conversations under a hold: what is there now and matches, what of it is in the bin
// or on the list of a purge, also of one that runs (it goes back to the archive, as it was; very
// many go back by a job, but are covered at once), and, unless the hold is fixed, whatever begins
// to match later.
//
// A fixed hold covers exactly as many as Shown says, or it is a conflict with both numbers. One
// that continues is not compared: it would cover what came meanwhile in any case, and to refuse
// it on a busy day would leave all the rest without protection.
//
// The fault is forbidden without hold.create, and invalid without a name, a reason, something
// known to hold, an owner of legal, or a review within a year; a fixed hold that matches nothing
// is invalid too. Sending one Key again gives the hold of the first time.
func (h *Holds) Place(ctx context.Context, by account.Actor, o Order) (*Hold, error) {
	if err := by.Require(account.HoldCreate); err != nil {
		return nil, err
	}
	o = o.normal()
	if err := o.allowed(by); err != nil {
		return nil, err
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
		if err := Alone(tx); err != nil {
			return err
		}
		if placed, err = ofKey(tx, by, o.Key); placed != nil || err != nil {
			return err
		}
		placed, err = h.place(tx, by, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return placed, nil
}

// ofKey finds the hold that a form placed before, nil if none.
func ofKey(tx *db.Tx, by account.Actor, key string) (*Hold, error) {
	if key == "" {
		return nil, nil
	}
	var rows []Hold
	if err := tx.Where("request_key = ?", key).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the first submit: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case rows[0].PlacedBy != by.ID:
		return nil, fault.Invalid("hold.form_stale")
	}
	return &rows[0], nil
}

func (h *Holds) place(tx *db.Tx, by account.Actor, o Order) (*Hold, error) {
	macs := h.macs(o.Customers)
	parts, err := o.match(tx, by, macs)
	if err != nil {
		return nil, err
	}
	none, err := o.unmatched(tx, macs, parts)
	if err != nil {
		return nil, err
	}
	placed, err := h.create(tx, by, o)
	if err != nil {
		return nil, err
	}
	if err := h.keepCustomers(tx, placed.ID, o.Customers, macs); err != nil {
		return nil, err
	}
	count, binned, err := h.cover(tx, placed, parts, atFirst)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Fixed && count == 0:
		return nil, fault.Invalid("hold.nothing_matches").On("kind")
	case o.Fixed && o.Shown != nil && *o.Shown != count:
		return nil, fault.Conflict("hold.count_changed", *o.Shown, count)
	}
	return placed, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "hold.placed", ObjectKind: "hold", Object: placed.Code, Department: o.Department, Count: count,
		Data: o.data(placed, binned, len(none)),
	})
}

// data is what the entry tells: never a customer, and of what was typed into the conditions how
// many there were.
func (o *Order) data(placed *Hold, binned int64, unmatched int) map[string]any {
	data := map[string]any{
		"sub": o.Sub, "reason": placed.Reason, "kind": string(o.Kind), "continuing": placed.Continuing, "binned": binned, "coded": true,
		"owner": placed.OwnerID, "review_at": *placed.ReviewAt, "customers": len(o.Customers), "agents": len(o.Criteria.Agents),
		"departments": len(o.Criteria.Departments), "tags": len(o.Criteria.Tags), "conversations": len(o.Conversations),
	}
	if o.Kind == OnCustomers {
		data["customers_unmatched"] = unmatched
	}
	return data
}

func (h *Holds) create(tx *db.Tx, by account.Actor, o Order) (*Hold, error) {
	review, err := reviewAt(o.ReviewAt, tx.Now)
	if err != nil {
		return nil, err
	}
	owner, err := ownerOf(tx, by, o.Owner)
	if err != nil {
		return nil, err
	}
	year := tx.Now.In(h.Zone).Format("2006")
	n, err := db.Serial(tx, "LH", year)
	if err != nil {
		return nil, err
	}
	placed := &Hold{
		Code: fmt.Sprintf("LH-%s-%03d", year, n), Name: o.Name, Reason: o.Reason, Kind: o.Kind, Continuing: !o.Fixed,
		DepartmentID: o.Department, Sub: o.Sub && o.Department != 0, PlacedBy: by.ID, OwnerID: owner, ReviewAt: &review, CreatedAt: tx.Now,
	}
	if o.Key != "" {
		placed.RequestKey = &o.Key
	}
	if o.Kind != OnDepartment && o.Kind != OnConversations {
		if placed.Criteria, err = o.Criteria.encode(); err != nil {
			return nil, err
		}
	}
	if err := tx.Create(placed).Error; err != nil {
		return nil, fmt.Errorf("create hold: %w", err)
	}
	return placed, nextEpoch(tx)
}

// ownerOf gives who is to review: somebody of legal.
func ownerOf(tx *db.Tx, by account.Actor, wanted id.User) (id.User, error) {
	if wanted == 0 || wanted == by.ID {
		return by.ID, nil
	}
	names, err := account.Names(tx, wanted)
	if err != nil {
		return 0, err
	}
	if names[wanted].Role != account.Legal {
		return 0, fault.Invalid("hold.owner_needed").On("owner")
	}
	return wanted, nil
}

// cover writes items of a hold and brings what is in the bin back, or sees to it.
func (h *Holds) cover(tx *db.Tx, placed *Hold, parts []match, o origin) (count, binned int64, err error) {
	var there Counts
	for _, m := range parts {
		if err := there.add(tx, m); err != nil {
			return 0, 0, err
		}
	}
	binned = there.Binned + there.OnList
	byJob := binned > h.returnAtOnce()
	for _, m := range parts {
		var back []id.Conversation
		if binned > 0 && !byJob {
			if back, err = lockBinned(tx, m); err != nil {
				return 0, 0, err
			}
		}
		n, err := cover(tx, h.Vault.Store, placed.ID, m, o)
		if err != nil {
			return 0, 0, err
		}
		count += n
		if len(back) > 0 {
			if err := h.Rescue(tx, back); err != nil {
				return 0, 0, err
			}
		}
	}
	if byJob {
		err = returnLater(tx, placed, tx.Now, binned)
	}
	return count, binned, err
}

func lockBinned(tx *db.Tx, m match) (ids []id.Conversation, err error) {
	err = m(tx.ForUpdate().Model(&conversation.Conversation{})).
		Where("conversation.state NOT IN ?", outOfBin).Order("conversation.id").Pluck("conversation.id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("find binned conversations: %w", err)
	}
	return ids, nil
}
