package fsck

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// otherOracles need more than one query.
var otherOracles = []oracle{
	{"I1", (*Checker).votesGenuine},
	{"I2", (*Checker).manifestRoots},
	{"I4", (*Checker).leafCounts},
	{"I9", (*Checker).bucketStates},
}

// votesGenuine finds votes that somebody wrote past the program: their code does not fit.
func (c *Checker) votesGenuine(tx *db.Tx) ([]Finding, error) {
	forged, err := purge.ForgedVotes(tx, c.Store)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, code := range forged {
		out = append(out, Finding{"I1", "fsck.vote_forged", code})
	}
	return out, nil
}

// manifestRoots computes every list's root anew.
func (c *Checker) manifestRoots(tx *db.Tx) ([]Finding, error) {
	changed, err := purge.ChangedManifests(tx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, code := range changed {
		out = append(out, Finding{"I2", "fsck.manifest_changed", code})
	}
	return out, nil
}

// leafCounts compares what the log says was destroyed with what the lists say.
func (c *Checker) leafCounts(tx *db.Tx) ([]Finding, error) {
	var differ []string
	err := tx.Raw(`SELECT p.code FROM purge_request p WHERE p.purged <>
		(SELECT COALESCE(SUM(l.item_count), 0) FROM audit_leaf l WHERE l.action = 'purge.erased' AND l.object = p.code AND l.result = ?)`, audit.OK).Scan(&differ).Error
	if err != nil {
		return nil, fmt.Errorf("leaf counts: %w", err)
	}
	var out []Finding
	for _, code := range differ {
		out = append(out, Finding{"I4", "fsck.leaves_differ", code})
	}
	return out, nil
}

// bucketStates compares the database's buckets with the key store's.
func (c *Checker) bucketStates(tx *db.Tx) ([]Finding, error) {
	var all []conversation.Bucket
	if err := tx.Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("buckets: %w", err)
	}
	var out []Finding
	for _, b := range all {
		s, err := c.Store.State(uint64(b.ID))
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

// bodiesOpen opens every body and compares its digest.
func (c *Checker) bodiesOpen(tx *db.Tx) ([]Finding, error) {
	vault := conversation.Vault{Store: c.Store}
	var out []Finding
	for last := id.Conversation(0); len(out) < perCheck; {
		var bodies []conversation.Body
		if err := tx.Where("id > ?", last).Order("id").Limit(500).Find(&bodies).Error; err != nil {
			return nil, fmt.Errorf("bodies: %w", err)
		}
		if len(bodies) == 0 {
			break
		}
		for i := range bodies {
			b := &bodies[i]
			last = b.ID
			var k conversation.Key
			if err := tx.Where("id = ?", b.ID).Take(&k).Error; db.NotFound(err) {
				continue // told by another oracle
			} else if err != nil {
				return nil, fmt.Errorf("key: %w", err)
			}
			sum := sha256.Sum256(b.Body)
			if !bytes.Equal(sum[:], b.Digest) {
				out = append(out, Finding{"I5", "fsck.digest_differs", id.String(b.ID)})
			}
			if _, err := vault.Open(b, &k); errors.Is(err, seal.ErrDestroyed) {
				out = append(out, Finding{"I5", "fsck.key_destroyed_early", id.String(b.ID)})
			} else if err != nil {
				out = append(out, Finding{"I5", "fsck.body_unreadable", id.String(b.ID)})
			}
		}
	}
	return out, nil
}
