package purge

import (
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/id"
)

// CertificateID names a certificate in addresses.
type CertificateID uint64

// Head is a certificate without its text.
type Head struct {
	ID       CertificateID `gorm:"primaryKey"`
	Code     string
	PurgeID  id.Purge
	Leaf     int64 // its entry in the audit log
	Digest   []byte
	IssuedAt time.Time
	// EffectiveAt is when the last copy of the destroyed keys has ended; nil on a certificate from
	// before that was known.
	EffectiveAt *time.Time
}

// TableName is certificate.
func (Head) TableName() string { return "certificate" }

// certificate is the whole row. File is written after the commit and may be missing for a
// moment; the leaf is what makes the certificate true.
type certificate struct {
	Head
	Body []byte
	File []byte
}

// TableName is certificate.
func (certificate) TableName() string { return "certificate" }

// read takes the text apart.
func (c *certificate) read() (b Body, err error) {
	if err := json.Unmarshal(c.Body, &b); err != nil {
		return b, fmt.Errorf("read certificate %s: %w", c.Code, err)
	}
	return b, nil
}

// Effective tells whether nothing but the text of the certificate is left of what it names: the
// last copy of the keys has ended.
func (h *Head) Effective(now time.Time) bool {
	return h.EffectiveAt != nil && !now.Before(*h.EffectiveAt)
}

// Certificate is a certificate with its text, read at Now.
type Certificate struct {
	Head
	Body    Body
	Request Request
	File    []byte // for `qingdang verify`; nil while it is being sealed
	Now     time.Time
}
