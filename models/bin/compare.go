package bin

import (
	"fmt"
	"slices"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Differs is the conflict of a list that is not what was shown any more. Nothing has moved.
// Was + Entered − the sum of Left = Now; what was written to and still matches is among both.
type Differs struct {
	*fault.Fault
	Was, Now int64
	Entered  int64
	Left     map[string]int64 // by reason
	Rows     []Difference     // a few of them, for the page
}

// Difference is one conversation that entered or left a list. Conversation is nil when it is gone.
type Difference struct {
	ID           id.Conversation
	Conversation *conversation.Conversation
	Entered      bool
	Reason       string
}

// Unwrap gives the fault.
func (d *Differs) Unwrap() error { return d.Fault }

const shownDifferences = 20

// compare gives a *Differs unless the scope still gives exactly the list. Floors count as of
// when the list was frozen: one that has run out since is no difference.
func compare(tx *db.Tx, r *reach, policy *retention.Policy, frozenAt time.Time, then []version) error {
	var now []version
	err := moving(r, policy, frozenAt, tx.DB).Select("conversation.id AS conversation_id, conversation.version").Order("conversation.id").Scan(&now).Error
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	if slices.Equal(then, now) {
		return nil
	}
	d := &Differs{Was: int64(len(then)), Now: int64(len(now)), Left: map[string]int64{}}
	d.Fault = fault.Conflict("bin.list_changed", d.Was, d.Now)
	entered, left := apart(then, now)
	d.Entered = int64(len(entered))
	if err := d.explain(tx, policy, left); err != nil {
		return err
	}
	return d.show(tx, entered)
}

// apart gives what is only in the new list and what is only in the old one. A conversation that
// was written to is in both.
func apart(then, now []version) (entered []id.Conversation, left []version) {
	for len(then) > 0 || len(now) > 0 {
		switch {
		case len(then) > 0 && len(now) > 0 && then[0] == now[0]:
			then, now = then[1:], now[1:]
		case len(now) == 0 || len(then) > 0 && then[0].ConversationID <= now[0].ConversationID:
			left, then = append(left, then[0]), then[1:]
		default:
			entered, now = append(entered, now[0].ConversationID), now[1:]
		}
	}
	return entered, left
}

// explain finds for each that left the first reason that applies.
func (d *Differs) explain(tx *db.Tx, policy *retention.Policy, left []version) error {
	for part := range slices.Chunk(left, 1000) {
		ids := make([]id.Conversation, len(part))
		for i, v := range part {
			ids[i] = v.ConversationID
		}
		rows, err := byID(tx, ids)
		if err != nil {
			return err
		}
		all, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		held, err := hold.Covering(tx, all, false)
		if err != nil {
			return err
		}
		for _, v := range part {
			row := rows[v.ConversationID]
			why := Elsewhere
			if row != nil {
				why = verdict(KindBatch, row, len(held[row.ID]) > 0, policy, tx.Now, v.Version)
			}
			if why == "" {
				why = Unmatched
			}
			d.Left[why]++
			if len(d.Rows) < shownDifferences {
				d.Rows = append(d.Rows, Difference{ID: v.ConversationID, Conversation: row, Reason: why})
			}
		}
	}
	return nil
}

func (d *Differs) show(tx *db.Tx, entered []id.Conversation) error {
	entered = entered[:min(len(entered), max(0, shownDifferences-len(d.Rows)))]
	rows, err := byID(tx, entered)
	if err != nil {
		return err
	}
	for _, c := range entered {
		d.Rows = append(d.Rows, Difference{ID: c, Conversation: rows[c], Entered: true})
	}
	return d
}

func byID(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*conversation.Conversation, error) {
	out := make(map[id.Conversation]*conversation.Conversation, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []conversation.Conversation
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	for i := range rows {
		out[rows[i].ID] = &rows[i]
	}
	return out, nil
}
