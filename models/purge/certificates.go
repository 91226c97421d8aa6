package purge

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func noSuchCertificate() *fault.Fault { return fault.NotFound("certificate.not_found") }

// Certificate finds a certificate with its text. The fault is not-found for one whose purge the
// actor may not know of.
func (d *Desk) Certificate(ctx context.Context, by account.Actor, c CertificateID) (*Certificate, error) {
	if err := by.Require(account.CertificateRead); err != nil {
		return nil, err
	}
	var cert *Certificate
	var purge id.Purge
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var row certificate
		switch err := tx.Where("id = ?", c).Take(&row).Error; {
		case db.NotFound(err):
			return noSuchCertificate()
		case err != nil:
			return fmt.Errorf("find certificate: %w", err)
		}
		purge = row.PurgeID
		r, err := visible(tx, by, row.PurgeID)
		if err != nil {
			return err
		}
		cert = &Certificate{Head: row.Head, Request: *r, File: row.File, Now: tx.Now}
		cert.Body, err = row.read()
		return err
	})
	if err != nil {
		if purge != 0 && fault.KindOf(err) == fault.KindNotFound {
			// Absent and hidden answer alike, also when it cannot be written down.
			_ = d.unseen(ctx, by, purge, err)
			return nil, noSuchCertificate()
		}
		return nil, err
	}
	return cert, nil
}

// CertificateFile is Certificate for its files, and writes down before they are handed out that
// somebody took one along; format is what it ends in. The fault is also busy while the
// certificate is being sealed.
func (d *Desk) CertificateFile(ctx context.Context, by account.Actor, c CertificateID, format string) (*Certificate, error) {
	cert, err := d.Certificate(ctx, by, c)
	if err != nil {
		return nil, err
	}
	if cert.File == nil {
		return nil, fault.Busy("certificate.being_sealed")
	}
	return cert, d.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "certificate.downloaded", ObjectKind: "certificate", Object: cert.Code, Count: 1,
			Data: map[string]any{"format": format},
		})
	})
}

// CertificateRow is one line of the list of certificates.
type CertificateRow struct {
	Head
	Request string // its code
	Size    int64
	Purged  int64
	Skipped int64
}

// Certificates lists the certificates that the actor may know of, newest first, those below
// before (0: all).
func (d *Desk) Certificates(ctx context.Context, by account.Actor, before CertificateID, size int) ([]CertificateRow, error) {
	if err := by.Require(account.CertificateRead); err != nil {
		return nil, err
	}
	if size < 1 || size > largestPage {
		size = 20
	}
	var rows []CertificateRow
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		known := seen(tx.Model(&Request{}), by).Select("id")
		q := tx.Table("certificate AS c").Joins("JOIN purge_request AS r ON r.id = c.purge_id").
			Select("c.id, c.code, c.purge_id, c.leaf, c.digest, c.issued_at, c.effective_at, r.code AS request, r.size, r.purged, r.skipped").
			Where("c.purge_id IN (?)", known)
		if before != 0 {
			q = q.Where("c.id < ?", before)
		}
		return q.Order("c.id DESC").Limit(size).Scan(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	return rows, nil
}

// CertificateOf finds the certificate under which a conversation was purged, for the page that
// says that it is gone. The fault is not-found when it was not, or when the actor may not know.
func (d *Desk) CertificateOf(ctx context.Context, by account.Actor, c id.Conversation) (*Head, error) {
	if err := by.Require(account.CertificateRead); err != nil {
		return nil, err
	}
	var head *Head
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var stones []conversation.Tombstone
		if err := tx.Where("conversation_id = ?", c).Find(&stones).Error; err != nil {
			return fmt.Errorf("find tombstone: %w", err)
		}
		if len(stones) == 0 || !by.Scope.Has(stones[0].DepartmentID) {
			return noSuchCertificate()
		}
		var err error
		if head, err = certificateOf(tx, stones[0].PurgeID); err == nil && head == nil {
			err = noSuchCertificate()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return head, nil
}
