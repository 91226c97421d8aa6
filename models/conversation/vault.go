package conversation

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
	"qingdang/models/words"
)

// Vault seals and opens documents and computes the keyed names under which a dump of the
// database shows customers and external ids.
type Vault struct {
	Store     *seal.Store
	Sensitive *words.List // words to look out for; nil: the usual ones
}

// List gives the words to look out for.
func (v Vault) List() *words.List { return cmp.Or(v.Sensitive, words.UsualList()) }

// NewKeys makes n keys in the key store for a transaction, and gives their numbers. If it comes to nothing, so do they: a key that
// lives opens what is written of it, if only in a log of the database. Where that cannot be known, or the process dies, they
// stay behind unused.
func (v Vault) NewKeys(tx *db.Tx, n int) ([]uint64, error) {
	keys, err := v.Store.NewBuckets(n)
	if err != nil {
		return nil, fmt.Errorf("new bucket keys: %w", err)
	}
	if n > 0 {
		tx.OnRollback(func() { _ = v.Store.Destroy(keys...) })
	}
	return keys, nil
}

// ExternalMAC is the keyed name of a conversation on its platform.
func (v Vault) ExternalMAC(platform, externalID string) []byte {
	m := v.Store.MAC("external", []byte(platform), []byte(externalID))
	return m[:]
}

// CustomerMAC is the keyed name of a customer, nil for none.
func (v Vault) CustomerMAC(customerID string) []byte {
	if customerID == "" {
		return nil
	}
	m := v.Store.MAC("customer", []byte(customerID))
	return m[:]
}

// contentMAC tells, without opening a body, whether an import brings nothing new.
func (v Vault) contentMAC(externalMAC []byte, messages []Message) []byte {
	ids := identities(messages)
	parts := make([][]byte, 0, len(ids)+1)
	parts = append(parts, externalMAC)
	for i, s := range ids {
		if messages[i].Recalled {
			s = "r" + s
		}
		parts = append(parts, []byte(s))
	}
	m := v.Store.MAC("content", parts...)
	return m[:]
}

func aad(c id.Conversation, version uint32, d id.Department) seal.AAD {
	return seal.AAD{Record: uint64(c), Version: version, Department: uint64(d)}
}

// sealDocument fills a body and its key at a leaf of a bucket.
func sealDocument(t *seal.Tree, at place, c *Conversation, packed []byte) (Body, Key, error) {
	s, err := t.Seal(at.leaf, aad(c.ID, c.Version, c.DepartmentID), packed)
	if err != nil {
		return Body{}, Key{}, fmt.Errorf("seal body: %w", err)
	}
	digest := sha256.Sum256(s.Body)
	return Body{ID: c.ID, Version: c.Version, DepartmentID: c.DepartmentID, Digest: digest[:], Body: s.Body},
		Key{ID: c.ID, BucketID: at.bucket.ID, Leaf: at.leaf, Wrapped: s.Wrapped}, nil
}

// tree gives the keys of a bucket's leaves as its row has them.
func (v Vault) tree(b *Bucket) (*seal.Tree, error) {
	t, err := v.Store.Tree(uint64(b.ID), b.Slot, b.Tree)
	if err != nil {
		return nil, fmt.Errorf("bucket key: %w", err)
	}
	return t, nil
}

// trees is tree for many buckets: each has its tree or its error.
func (v Vault) trees(list []*Bucket) ([]*seal.Tree, []error) {
	places := make([]seal.Place, len(list))
	for i, b := range list {
		places[i] = seal.Place{Bucket: uint64(b.ID), Slot: b.Slot, State: b.Tree}
	}
	trees, errs := v.Store.Trees(places)
	for i, err := range errs {
		if err != nil {
			errs[i] = fmt.Errorf("bucket key: %w", err)
		}
	}
	return trees, errs
}

// Open gives the document of a body; the key is one that Keys read. The errors are seal's: ErrDestroyed when its
// key is gone, or was when the key's row was read, ErrTampered when anything about it was changed.
func (v Vault) Open(b *Body, k *Key) (*Document, error) {
	return opened(v.unseal(k, aad(b.ID, b.Version, b.DepartmentID), seal.Sealed{Body: b.Body, Wrapped: k.Wrapped}))
}

// opened is the document of what was unsealed, or why it was not.
func opened(packed []byte, err error) (*Document, error) {
	if err != nil {
		return nil, fmt.Errorf("open body: %w", err)
	}
	return decode(packed)
}

func (v Vault) unseal(k *Key, of seal.AAD, s seal.Sealed) ([]byte, error) {
	if k.Leaf < 0 {
		return v.Store.Open(uint64(k.BucketID), of, s)
	}
	t, err := v.Store.Tree(uint64(k.BucketID), k.Slot, k.Tree)
	if err != nil {
		return nil, err
	}
	return t.Open(k.Leaf, of, s)
}

// forever tells of an error of Open that the body will not open later either, unless somebody changes it.
// Others, as of a key store that does not answer, may be over in a moment.
func forever(err error) bool {
	for _, end := range []error{seal.ErrDestroyed, seal.ErrNoBucket, seal.ErrDamaged, seal.ErrTampered, seal.ErrTooLarge, errMalformed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
