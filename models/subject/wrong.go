package subject

import (
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
)

// Flaw is something that no request of this program has. Key is a sentence of the catalogue.
type Flaw struct{ Key, Object string }

// Wrong looks for requests that were written or changed past this program, that one person lifted alone, or of which
// the log tells something else, on the tables and the key store alone. It is for fsck.
func Wrong(tx *db.Tx, k approval.Keys) ([]Flaw, error) {
	said, err := entries(tx)
	if err != nil {
		return nil, err
	}
	var all []Request
	if err := tx.Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	var out []Flaw
	for i := range all {
		keys, err := all[i].flaws(tx, k, said)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			out = append(out, Flaw{key, all[i].Code})
		}
		delete(said, entry{actPlaced, all[i].Code})
		delete(said, entry{actRestored, all[i].Code})
		delete(said, entry{actLifted, all[i].Code})
		delete(said, entry{actDone, all[i].Code})
	}
	for e := range said {
		if e.action != bin.ActSubject {
			out = append(out, Flaw{"fsck.subject_leaves", e.object})
		}
	}
	batches, err := unsaid(tx, said)
	return append(out, batches...), err
}

// entry is one entry of the log; that of a batch names the batch inside.
type entry struct{ action, object string }

// entries tells how often the log says what of requests, and of how many conversations.
func entries(tx *db.Tx) (map[entry][]int64, error) {
	rows, err := tx.Table("audit_leaf").Select("action, object, item_count, leaf").
		Where("action IN ? AND result = ?", []string{actPlaced, actRestored, actLifted, actDone, bin.ActSubject}, audit.OK).Order("n").Rows()
	if err != nil {
		return nil, fmt.Errorf("entries of requests: %w", err)
	}
	defer rows.Close()
	out := map[entry][]int64{}
	for rows.Next() {
		var e entry
		var n int64
		var leaf []byte
		if err := rows.Scan(&e.action, &e.object, &n, &leaf); err != nil {
			return nil, fmt.Errorf("entry of a request: %w", err)
		}
		var in struct{ Data struct{ Batch string } }
		if json.Unmarshal(leaf, &in) == nil && in.Data.Batch != "" { // one that cannot be read is for the check of the log
			e.object = in.Data.Batch
		}
		out[e] = append(out[e], n)
	}
	return out, rows.Err()
}

func (r *Request) flaws(tx *db.Tx, k approval.Keys, said map[entry][]int64) (keys []string, err error) {
	if ok, err := r.genuine(tx, k); err != nil {
		return nil, err
	} else if !ok {
		keys = append(keys, "fsck.subject_forged")
	}
	if r.State == Lifted && (r.EndedPerson == 0 || r.EndedPerson == r.CreatorPerson) {
		keys = append(keys, "fsck.subject_one_person")
	}
	var items int64
	if err := tx.Model(&Item{}).Where("request_id = ?", r.ID).Count(&items).Error; err != nil {
		return nil, fmt.Errorf("count what a request reached: %w", err)
	}
	// One that was put back after the database was restored was placed in a log that is no more.
	placed := slices.Concat(said[entry{actPlaced, r.Code}], said[entry{actRestored, r.Code}])
	lifted, done := len(said[entry{actLifted, r.Code}]), len(said[entry{actDone, r.Code}])
	if len(placed) != 1 || placed[0] != items || r.Size != items || lifted != count1(r.State == Lifted) || done != count1(r.State == Done) {
		keys = append(keys, "fsck.subject_leaves")
	}
	return keys, nil
}

func count1(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// unsaid finds batches of requests of which the log does not tell exactly once, with their number.
func unsaid(tx *db.Tx, said map[entry][]int64) (out []Flaw, err error) {
	var batches []bin.Batch
	if err := tx.Where("kind = ?", bin.KindSubject).Order("id").Find(&batches).Error; err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	for i := range batches {
		e := entry{bin.ActSubject, batches[i].Code}
		if n := said[e]; len(n) != 1 || n[0] != batches[i].Size {
			out = append(out, Flaw{"fsck.subject_leaves", batches[i].Code})
		}
		delete(said, e)
	}
	for e := range said {
		if e.action == bin.ActSubject {
			out = append(out, Flaw{"fsck.subject_leaves", e.object})
		}
	}
	return out, nil
}
