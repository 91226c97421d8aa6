package hold

import (
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Stripped names the holds, in force or released, that cover fewer conversations than when they were placed, as the log
// tells it, or than came under them since, or something that the program did not put under them, and those whose row is gone.
// The program takes nothing off a hold and deletes none, so somebody wrote past it; only the replay of the outside ledger takes conversations off,
// and after one their number says nothing any more. Of a hold that an earlier version placed the number alone is known.
// It is for fsck, and for purges, none of which begins or destroys keys then: what is gone from a hold nobody can tell.
// It reads every item, so it has no place in a transaction that writes.
func Stripped(tx *db.Tx, k approval.Keys) (codes []string, err error) {
	var placed []placing
	err = tx.Raw("SELECT l.object, l.item_count, l.leaf, h.id FROM audit_leaf l LEFT JOIN legal_hold h ON h.code = l.object WHERE l.action = 'hold.placed' AND l.result = ? ORDER BY l.n", audit.OK).Scan(&placed).Error
	if err != nil {
		return nil, fmt.Errorf("entries of holds: %w", err)
	}
	grown, err := grownSince(tx)
	if err != nil {
		return nil, err
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
		if p := &placed[i]; p.ID == nil || p.differs(items[*p.ID], grown[p.Object], replays > 0) {
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

// differs compares the hold with its entry and with how many the log says came under it since: it may be more, by earlier
// versions, whose entries do not tell under which hold.
func (p *placing) differs(now items, grown int64, replayed bool) bool {
	if !p.isCoded() {
		return p.ItemCount > now.all && !replayed
	}
	return now.first+now.later != now.all || (p.ItemCount > now.first || grown > now.later) && !replayed
}

// grownSince adds up, by the codes of holds, what entries of imports, of tags and of moved departments say came under them.
func grownSince(tx *db.Tx) (map[string]int64, error) {
	out := map[string]int64{}
	q := tx.Raw("SELECT leaf FROM audit_leaf WHERE action IN ? AND result = ? AND CAST(leaf AS CHAR) LIKE ?", growing, audit.OK, `%"held_by":{"%`)
	err := db.EachRow(q, func(r *sql.Rows) error {
		var leaf []byte
		var in struct {
			Data struct {
				HeldBy map[string]int64 `json:"held_by"`
			}
		}
		if err := r.Scan(&leaf); err != nil || json.Unmarshal(leaf, &in) != nil {
			return err // one that cannot be read is for the check of the log to tell
		}
		for code, n := range in.Data.HeldBy {
			out[code] += n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("entries of what came under holds: %w", err)
	}
	return out, nil
}

// growing are the acts by which something comes under a hold that was placed before.
var growing = []string{"conversation.imported", "conversation.tagged", "department.moved", "department.renamed"}

// items are how many a hold has: in all, and of them with the code of those that it was placed with and of later ones.
type items struct{ all, first, later int64 }

func itemsOfAll(tx *db.Tx, k approval.Keys) (map[id.Hold]items, error) {
	out := map[id.Hold]items{}
	err := db.EachRow(tx.Table("hold_item").Select("hold_id, conversation_id, mac"), func(r *sql.Rows) error {
		var it coded
		if err := r.Scan(&it.HoldID, &it.ConversationID, &it.MAC); err != nil {
			return err
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
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what holds cover: %w", err)
	}
	return out, nil
}

func (c *coded) is(k approval.Keys, o origin) bool {
	return subtle.ConstantTimeCompare(c.MAC, o.code(k, c.HoldID, c.ConversationID)) == 1
}
