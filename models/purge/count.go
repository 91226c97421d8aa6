package purge

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/approval"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
)

func count(q *gorm.DB) (n int64, err error) {
	if err := q.Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

func tally(tx *db.Tx, query string, args ...any) (n int64, err error) {
	if err := tx.Raw(query, args...).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

// ForgedVotes names the purges with a vote that was not cast here, for the checker of the
// whole database.
func ForgedVotes(tx *db.Tx, k approval.Keys) ([]string, error) {
	subjects, err := approval.Forged(tx, k, approval.Purge)
	if err != nil || len(subjects) == 0 {
		return nil, err
	}
	var codes []string
	if err := tx.Model(&Request{}).Where("id IN ?", subjects).Order("id").Pluck("code", &codes).Error; err != nil {
		return nil, fmt.Errorf("name forged purges: %w", err)
	}
	return codes, nil
}

// byPeople are the requests that somebody made: not the system's drafts, and not what a replay wrote. One column alone
// that was emptied hides none of them.
const byPeople = "(requester_id <> 0 OR requested_at IS NOT NULL OR approval_id <> 0)"

// ForgedRequests names the purges whose request, or whose confirmation by legal, was written or
// changed past this program.
func ForgedRequests(tx *db.Tx, k approval.Keys) ([]string, error) {
	var rows []Request
	if err := tx.Where(byPeople).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read purges: %w", err)
	}
	var forged []string
	for i := range rows {
		r := &rows[i]
		genuine, err := r.genuine(tx, k)
		if err != nil {
			return nil, err
		}
		if !genuine || !r.confirmed(k) {
			forged = append(forged, r.Code)
		}
	}
	return forged, nil
}

// ChangedManifests names the purges whose stored list no longer gives the root that was agreed
// to.
func ChangedManifests(tx *db.Tx) ([]string, error) {
	var rows []Request
	if err := tx.Select("id", "code", "root", "size").Where(byPeople).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read purges: %w", err)
	}
	var changed []string
	for _, r := range rows {
		root, size, err := storedRoot(tx, r.ID)
		if err != nil {
			return nil, err
		}
		if size != r.Size || string(root[:]) != string(r.Root) {
			changed = append(changed, r.Code)
		}
	}
	return changed, nil
}

// ChangedCertificates names the certificates whose text is no longer what was signed, or whose
// figures are not those of the list.
func ChangedCertificates(tx *db.Tx) ([]string, error) {
	var heads []Head
	if err := tx.Order("id").Find(&heads).Error; err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var changed []string
	for _, h := range heads {
		var c certificate
		if err := tx.Where("id = ?", h.ID).Take(&c).Error; err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		same, err := c.unchanged(tx)
		if err != nil {
			return nil, err
		}
		if !same {
			changed = append(changed, h.Code)
		}
	}
	return changed, nil
}

// unchanged tells whether a certificate says what was signed, and its list what it says.
func (c *certificate) unchanged(tx *db.Tx) (bool, error) {
	digest, err := proof.Digest(proof.Certificate, json.RawMessage(c.Body))
	if err != nil || !bytes.Equal(digest[:], c.Digest) {
		return false, nil
	}
	body, err := c.read()
	if err != nil || c.EffectiveAt == nil || !c.EffectiveAt.Equal(body.EffectiveAt) {
		return false, nil
	}
	var stored became
	if err := eachLine(tx, c.PurgeID, stored.add); err != nil {
		return false, err
	}
	root, outcomes, purged := stored.list.Root(), stored.outcomes.Root(), int64(len(stored.gone))
	return purged == body.Result.Purged && stored.list.Size() == body.Manifest.Size && purged+body.Result.Skipped == stored.list.Size() &&
		hexOf(root[:]) == body.Manifest.Root && hexOf(outcomes[:]) == body.Result.OutcomeRoot, nil
}
