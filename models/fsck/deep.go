package fsck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/export"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/models/purge"
	"qingdang/models/retention"
	"qingdang/models/seal"
	"qingdang/models/subject"
)

// otherOracles need more than one query.
var otherOracles = []oracle{
	{"I1", (*Checker).rolesSaid},
	{"I1", (*Checker).votesGenuine},
	{"I1", (*Checker).requestsGenuine},
	{"I1", (*Checker).batchesGenuine},
	{"I2", (*Checker).manifestRoots},
	{"I3", (*Checker).releasesGenuine},
	{"I3", (*Checker).holdsReach},
	{"I3", (*Checker).holdsWhole},
	{"I4", (*Checker).leafCounts},
	{"I4", (*Checker).inspectionsSound},
	{"I5", (*Checker).certificates},
	{"I7", (*Checker).exports},
	{"I9", (*Checker).bucketStates},
	{"I9", (*Checker).slotsLeft},
	{"I5", (*Checker).leavesThere},
	{"I9", (*Checker).indexKeys},
	{"I10", (*Checker).windows},
	{"I11", (*Checker).policy},
	{"I11", (*Checker).subjects},
	{"I12", (*Checker).access},
	{"I14", (*Checker).caps},
	{"I16", (*Checker).timesForward},
}

// rolesSaid finds accounts in a role that nobody gave them through the program.
func (c *Checker) rolesSaid(tx *db.Tx) ([]Finding, error) {
	roles, scopes, err := account.Unsaid(tx)
	return append(findings("I1", "fsck.role_unsaid", roles), findings("I1", "fsck.scope_unsaid", scopes)...), err
}

// votesGenuine finds votes that somebody wrote past the program: their code does not fit.
func (c *Checker) votesGenuine(tx *db.Tx) ([]Finding, error) {
	forged, err := purge.ForgedVotes(tx, c.Store)
	return findings("I1", "fsck.vote_forged", forged), err
}

// requestsGenuine does the same for what was requested and what legal confirmed.
func (c *Checker) requestsGenuine(tx *db.Tx) ([]Finding, error) {
	forged, err := purge.ForgedRequests(tx, c.Store)
	return findings("I1", "fsck.request_forged", forged), err
}

// batchesGenuine does the same for who put what into the bin until when, and for raised caps.
func (c *Checker) batchesGenuine(tx *db.Tx) ([]Finding, error) {
	batches, err := bin.ForgedBatches(tx, c.Store)
	if err != nil {
		return nil, err
	}
	raises, err := bin.ForgedRaises(tx, c.Store)
	return append(findings("I1", "fsck.batch_forged", batches), findings("I1", "fsck.raise_forged", raises)...), err
}

// releasesGenuine finds holds that ended otherwise than by two people and the buffer.
func (c *Checker) releasesGenuine(tx *db.Tx) ([]Finding, error) {
	forged, err := hold.ForgedReleases(tx, c.Store)
	return findings("I3", "fsck.release_forged", forged), err
}

// holdsReach finds continuing holds on departments under which something lies that they do not cover: moved
// there, or imported, past them.
func (c *Checker) holdsReach(tx *db.Tx) ([]Finding, error) {
	missing, err := hold.Uncovered(tx)
	return findings("I3", "fsck.hold_misses", missing), err
}

// holdsWhole finds holds that lost what they covered, or were deleted.
func (c *Checker) holdsWhole(tx *db.Tx) ([]Finding, error) {
	stripped, err := hold.Stripped(tx, c.Store)
	return findings("I3", "fsck.hold_items_missing", stripped), err
}

// windows finds batches whose rest in the bin was made shorter.
func (c *Checker) windows(tx *db.Tx) ([]Finding, error) {
	shortened, err := bin.Shortened(tx)
	return findings("I10", "fsck.window_shortened", shortened), err
}

// caps finds batches above their cap that no second person allowed.
func (c *Checker) caps(tx *db.Tx) ([]Finding, error) {
	over, err := bin.OverCap(tx, c.Store)
	return findings("I14", "fsck.over_cap", over), err
}

// exports finds those that got past consent, were given out wrongly, or outlived their end.
func (c *Checker) exports(tx *db.Tx) ([]Finding, error) {
	wrong, err := export.Wrong(tx, c.Store)
	var out []Finding
	for _, f := range wrong[:min(len(wrong), perCheck)] {
		out = append(out, Finding{"I7", f.Key, f.Object})
	}
	return out, err
}

// access finds grants to read elsewhere that nobody agreed to, or that outlived their end.
func (c *Checker) access(tx *db.Tx) ([]Finding, error) {
	wrong, err := access.Wrong(tx, c.Store)
	var out []Finding
	for _, f := range wrong[:min(len(wrong), perCheck)] {
		out = append(out, Finding{"I12", f.Key, f.Object})
	}
	return out, err
}

// policy finds a retention policy that nobody put in force, and changes of it that two people did not agree to.
func (c *Checker) policy(tx *db.Tx) ([]Finding, error) {
	wrong, err := retention.Wrong(tx, c.Store)
	var out []Finding
	for _, f := range wrong[:min(len(wrong), perCheck)] {
		out = append(out, Finding{"I11", f.Key, f.Object})
	}
	return out, err
}

// subjects finds deletion requests that were changed past the program, lifted by one person, or told otherwise.
func (c *Checker) subjects(tx *db.Tx) ([]Finding, error) {
	wrong, err := subject.Wrong(tx, c.Store)
	var out []Finding
	for _, f := range wrong[:min(len(wrong), perCheck)] {
		out = append(out, Finding{"I11", f.Key, f.Object})
	}
	return out, err
}

// inspectionsSound draws every inspection's sample again, and finds signatures of one person or none.
func (c *Checker) inspectionsSound(tx *db.Tx) ([]Finding, error) {
	flaws, err := inspection.Flaws(tx, c.Store)
	var out []Finding
	for _, f := range flaws {
		out = append(out, Finding{"I4", f.Key, f.Code})
	}
	return out, err
}

// manifestRoots computes every list's root anew.
func (c *Checker) manifestRoots(tx *db.Tx) ([]Finding, error) {
	changed, err := purge.ChangedManifests(tx)
	return findings("I2", "fsck.manifest_changed", changed), err
}

// findings says the same of every object.
func findings(promise, key string, objects []string) []Finding {
	out := make([]Finding, len(objects))
	for i, o := range objects {
		out[i] = Finding{promise, key, o}
	}
	return out
}

// leafCounts compares what the log says was destroyed with what the lists say.
func (c *Checker) leafCounts(tx *db.Tx) ([]Finding, error) {
	var differ []string
	err := tx.Raw(`SELECT p.code FROM purge_request p WHERE p.purged <>
		(SELECT COALESCE(SUM(l.item_count), 0) FROM audit_leaf l WHERE l.action = 'purge.erased' AND l.object = p.code AND l.result = ?)`, audit.OK).Scan(&differ).Error
	if err != nil {
		return nil, fmt.Errorf("leaf counts: %w", err)
	}
	return findings("I4", "fsck.leaves_differ", differ), nil
}

// certificates computes every certificate's digest anew and compares its figures with its list.
func (c *Checker) certificates(tx *db.Tx) ([]Finding, error) {
	changed, err := purge.ChangedCertificates(tx)
	return findings("I5", "fsck.certificate_changed", changed), err
}

// bucketStates compares the database's buckets with the key store's.
func (c *Checker) bucketStates(tx *db.Tx) ([]Finding, error) {
	var all []conversation.Bucket
	if err := tx.Select("id", "slot", "state").Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("buckets: %w", err)
	}
	var out []Finding
	for _, b := range all {
		s, err := c.Store.State(b.Slot)
		if err != nil {
			return nil, fmt.Errorf("bucket %d: %w", b.ID, err)
		}
		switch {
		case b.State == conversation.BucketDestroyed && s.State == seal.Live:
			out = append(out, Finding{"I9", "fsck.key_alive", id.String(b.ID)})
		case b.State == conversation.BucketOpen && s.State != seal.Live:
			out = append(out, Finding{"I9", "fsck.key_lost", id.String(b.ID)})
		}
		if len(out) == perCheck {
			break
		}
	}
	return out, nil
}

// bodiesOpen opens every body and compares its digest. Each page is a transaction of its own: one
// that stays open for minutes would keep the database from forgetting what a purge deleted.
func (c *Checker) bodiesOpen(ctx context.Context) ([]Finding, error) {
	var out []Finding
	for last, more := id.Conversation(0), true; more && len(out) < perCheck; {
		err := c.DB.Read(ctx, func(tx *db.Tx) error {
			var bodies []conversation.Body
			if err := tx.Where("id > ?", last).Order("id").Limit(bodyPage).Find(&bodies).Error; err != nil {
				return fmt.Errorf("bodies: %w", err)
			}
			more = len(bodies) == bodyPage
			for i := range bodies {
				found, err := c.bodyOpens(ctx, tx, &bodies[i])
				if err != nil {
					return err
				}
				out, last = append(out, found...), bodies[i].ID
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

const bodyPage = 500

// bodyOpens opens one body. A purge beside us puts buckets under other slots and destroys the old ones; what it did
// to this one since we began is looked at again as it is now.
func (c *Checker) bodyOpens(ctx context.Context, tx *db.Tx, b *conversation.Body) (out []Finding, err error) {
	sum := sha256.Sum256(b.Body)
	if !bytes.Equal(sum[:], b.Digest) {
		out = append(out, Finding{"I5", "fsck.digest_differs", id.String(b.ID)})
	}
	var row conversation.Conversation
	if err := tx.Select("id", "version", "personal", "messages", "marks", "marks_list").Where("id = ?", b.ID).Limit(1).Find(&row).Error; err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	vault := c.vault()
	keys, err := conversation.Keys(tx, b.ID)
	if err != nil || len(keys) == 0 {
		return out, err // told by another oracle
	}
	doc, failed := vault.Open(b, &keys[0])
	if errors.Is(failed, seal.ErrDestroyed) {
		now := keys
		err := c.DB.Read(ctx, func(tx *db.Tx) (err error) {
			now, err = conversation.Keys(tx, b.ID)
			return err
		})
		if err != nil || len(now) == 0 {
			return out, err // it was purged meanwhile
		}
		doc, failed = vault.Open(b, &now[0])
	}
	switch {
	case errors.Is(failed, seal.ErrDestroyed):
		return append(out, Finding{"I5", "fsck.key_destroyed_early", id.String(b.ID)}), nil
	case failed != nil:
		return append(out, Finding{"I5", "fsck.body_unreadable", id.String(b.ID)}), nil
	case row.Version != b.Version:
		return out, nil
	}
	if row.Personal != nil && *row.Personal != doc.Personal() {
		out = append(out, Finding{"I7", "fsck.personal_differs", id.String(b.ID)})
	}
	if !row.MarkedAs(doc, vault.List()) {
		out = append(out, Finding{"I5", "fsck.marks_differ", id.String(b.ID)})
	}
	return out, nil
}
