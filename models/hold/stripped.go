package hold

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Stripped names the holds, in force or released, that cover fewer conversations than when they were placed, as the log
// tells it, or something that the program did not put under them, and those whose row is gone. The program takes nothing
// off a hold and deletes none, so somebody wrote past it; only the replay of the outside ledger takes conversations off,
// and after one their number says nothing any more. Of a hold that an earlier version placed the number alone is known.
// It is for fsck, and for purges, none of which begins or destroys keys then: what is gone from a hold nobody can tell.
// It reads every item, so it has no place in a transaction that writes.
func Stripped(tx *db.Tx, k approval.Keys) (codes []string, err error) {
	var placed []placing
	err = tx.Raw("SELECT l.object, l.item_count, l.leaf, h.id FROM audit_leaf l LEFT JOIN legal_hold h ON h.code = l.object WHERE l.action = 'hold.placed' AND l.result = ? ORDER BY l.n", audit.OK).Scan(&placed).Error
	if err != nil {
		return nil, fmt.Errorf("entries of holds: %w", err)
	}
	items, err := itemsOfAll(tx, k)
	if err != nil {
		return nil, err
	}
	var replays int64
	if err := tx.Table("purge_request").Where("state = 'replayed'").Count(&replays).Error; err != nil {
		return nil, fmt.Errorf("look for replays: %w", err)
	}
	for i := range placed {
		if p := &placed[i]; p.ID == nil || p.differs(items[*p.ID], replays > 0) {
			codes = append(codes, p.Object)
		}
	}
	return codes, nil
}

// placing is the entry of a hold that was placed, with the hold as it is now.
type placing struct {
	Object    string
	ItemCount int64
	Leaf      []byte
	ID        *id.Hold // nil: its row is gone
}

// isCoded tells whether each item of the hold has a code from the beginning. An entry that cannot be read is for the
// check of the log to tell.
func (p *placing) isCoded() bool {
	var in struct{ Data struct{ Coded bool } }
	return json.Unmarshal(p.Leaf, &in) == nil && in.Data.Coded
}

func (p *placing) differs(now items, replayed bool) bool {
	if !p.isCoded() {
		return p.ItemCount > now.all && !replayed
	}
	return now.first+now.later != now.all || p.ItemCount > now.first && !replayed
}

// items are how many a hold has: in all, and of them with the code of those that it was placed with and of later ones.
type items struct{ all, first, later int64 }

func itemsOfAll(tx *db.Tx, k approval.Keys) (map[id.Hold]items, error) {
	rows, err := tx.Table("hold_item").Select("hold_id, conversation_id, mac").Rows()
	if err != nil {
		return nil, fmt.Errorf("read what holds cover: %w", err)
	}
	defer rows.Close()
	out := map[id.Hold]items{}
	for rows.Next() {
		var it coded
		if err := rows.Scan(&it.HoldID, &it.ConversationID, &it.MAC); err != nil {
			return nil, fmt.Errorf("read what holds cover: %w", err)
		}
		n := out[it.HoldID]
		n.all++
		switch {
		case it.is(k, atFirst):
			n.first++
		case it.is(k, later):
			n.later++
		}
		out[it.HoldID] = n
	}
	return out, rows.Err()
}

func (c *coded) is(k approval.Keys, o origin) bool {
	return subtle.ConstantTimeCompare(c.MAC, o.code(k, c.HoldID, c.ConversationID)) == 1
}
