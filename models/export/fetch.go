package export

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// grantTime is how long a grant waits for its download.
const grantTime = 15 * time.Minute

// grant is a grant as stored: neither its token nor its passphrase can be read from it.
type grant struct {
	ExportID   id.Export `gorm:"primaryKey;autoIncrement:false"`
	Token      []byte    // its MAC
	Passphrase []byte    // its MAC
	UserID     id.User
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// TableName is export_grant.
func (grant) TableName() string { return "export_grant" }

// mayFetch looks whether somebody may have an export now: its owner, still entitled, still acting in
// every department that it holds something of, before it ends and before it was fetched.
func (d *Desk) mayFetch(tx *db.Tx, by account.Actor, e *Export) error {
	if by.ID != e.OwnerID || by.PersonID != e.OwnerPerson {
		return fault.Forbidden("export.not_yours")
	}
	switch {
	case e.State == Fetched:
		return fault.Gone("export.fetched_already")
	case e.State.Over():
		return fault.Gone("export.gone_" + string(e.State))
	case e.State != Ready:
		return fault.Conflict("export.not_ready")
	case !tx.Now.Before(*e.ExpiresAt):
		return fault.Gone("export.gone_expired")
	case !genuine(d.Vault.Store, e):
		return fault.Conflict("export.forged")
	}
	if err := d.entitled(by, e); err != nil {
		return err
	}
	return d.covers(tx, by, e)
}

// covers looks at the departments in which the conversations were when the list was frozen and those
// in which they are now, and whether any came under seal.
func (d *Desk) covers(tx *db.Tx, by account.Actor, e *Export) error {
	if err := unsealed(tx, by, e); err != nil || by.Scope.All {
		return err
	}
	var foreign int64
	within := by.Scope.Listed()
	err := tx.Table("export_item i").Joins("LEFT JOIN conversation c ON c.id = i.conversation_id").
		Where("i.export_id = ? AND i.state = ? AND (i.department_id NOT IN ? OR c.department_id NOT IN ?)", e.ID, ItemWritten, within, within).
		Count(&foreign).Error
	switch {
	case err != nil:
		return fmt.Errorf("look at departments: %w", err)
	case foreign > 0:
		return fault.Forbidden("export.scope_lost", foreign)
	}
	return nil
}

// unsealed refuses a file with something that a deletion request sealed since, also when it was destroyed meanwhile,
// but for legal.
func unsealed(tx *db.Tx, by account.Actor, e *Export) error {
	if by.May(account.ConversationSealed) {
		return nil
	}
	var sealed int64
	err := tx.Table("export_item i").Joins("LEFT JOIN conversation ON conversation.id = i.conversation_id").
		Where("i.export_id = ? AND i.state = ?", e.ID, ItemWritten).
		Where("("+conversation.UnderSeal+" OR conversation.id IS NULL AND EXISTS (SELECT 1 FROM bin_item w WHERE w.conversation_id = i.conversation_id AND w.was_state = ?))", conversation.Sealed).
		Count(&sealed).Error
	switch {
	case err != nil:
		return fmt.Errorf("look for seals: %w", err)
	case sealed > 0:
		return fault.Forbidden("export.scope_lost", sealed)
	}
	return nil
}

// Prepare looks again whether its owner may have an export and gives the grant to fetch it, with a
// fresh passphrase that is shown once. Preparing again ends the grant before. The faults are
// forbidden for others and for whoever lost a right since, gone when it was fetched or is over,
// and not-found; each try that is refused is written down.
func (d *Desk) Prepare(ctx context.Context, by account.Actor, which id.Export) (*Grant, error) {
	var g *Grant
	var code string
	err := d.onShelf(ctx, by, which)
	if err != nil {
		return nil, d.notGiven(ctx, by, which, code, err)
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		e, err := d.lockSeen(tx, by, which)
		if err != nil {
			return err
		}
		code = e.Code
		if err := d.mayFetch(tx, by, e); err != nil {
			return err
		}
		w, err := d.openWish(e)
		if err != nil {
			return err
		}
		g = &Grant{Export: e.ID, Code: e.Code, FileName: e.fileName(w.Zip), Zip: w.Zip, Token: rand.Text(), Until: tx.Now.Add(grantTime)}
		if g.Until.After(*e.ExpiresAt) {
			g.Until = *e.ExpiresAt
		}
		if e.RecipientKey == "" {
			g.Passphrase = passphrase()
		}
		if err := tx.Where("export_id = ?", e.ID).Delete(&grant{}).Error; err != nil {
			return fmt.Errorf("end the grant before: %w", err)
		}
		row := grant{ExportID: e.ID, Token: d.grantMAC(e, g.Token), Passphrase: d.grantMAC(e, g.Passphrase), UserID: by.ID, CreatedAt: tx.Now, ExpiresAt: g.Until}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("store grant: %w", err)
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "export.prepared", ObjectKind: "export", Object: e.Code, Count: e.Written})
	})
	if err != nil {
		return nil, d.notGiven(ctx, by, which, code, err)
	}
	return g, nil
}

// lockSeen locks an export that the actor may see.
func (d *Desk) lockSeen(tx *db.Tx, by account.Actor, which id.Export) (*Export, error) {
	if _, err := d.seen(tx, by, which); err != nil {
		return nil, err
	}
	return byID(tx, true, which)
}

// notGiven writes down that somebody was refused a file.
func (d *Desk) notGiven(ctx context.Context, by account.Actor, which id.Export, code string, err error) error {
	if code == "" {
		return d.unseen(ctx, by, which, err)
	}
	f, ok := fault.Of(err)
	if !ok {
		return err
	}
	noted := audit.Refused(ctx, d.DB, audit.Entry{Actor: by.Audit(), Action: "export.download_refused", ObjectKind: "export", Object: code, Data: map[string]any{"why": f.Key}})
	if noted != nil {
		return fmt.Errorf("%w (and could not be written down: %w)", err, noted)
	}
	return err
}

func (d *Desk) grantMAC(e *Export, secret string) []byte {
	m := d.Vault.Store.MAC("export grant", number(e.ID), []byte(secret))
	return m[:]
}

// passphrase makes one of six groups of four letters and digits: 120 bits. A ZIP archive turns it into keys by
// 1,000 rounds of PBKDF2 only, against which nothing below 100 bits would do.
func passphrase() string {
	raw := rand.Text()[:24]
	var groups []string
	for i := 0; i < len(raw); i += 4 {
		groups = append(groups, raw[i:i+4])
	}
	return strings.Join(groups, "-")
}

// Download takes a grant: the export counts as fetched from here on, whatever becomes of the
// connection, and that is written down before the first byte. The faults are those of Prepare, and
// forbidden for a grant that is wrong, over or used.
func (d *Desk) Download(ctx context.Context, by account.Actor, which id.Export, token, passphrase string) (*Fetch, error) {
	var f *Fetch
	var code string
	err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error {
		e, err := d.lockSeen(tx, by, which)
		if err != nil {
			return err
		}
		code = e.Code
		if err := d.mayFetch(tx, by, e); err != nil {
			return err
		}
		if err := d.take(tx, by, e, token, passphrase); err != nil {
			return err
		}
		if f, err = d.open(tx, by, e, passphrase); err != nil {
			return err
		}
		e.State, e.FetchedAt = Fetched, &tx.Now
		if err := d.store(tx, e, Ready); err != nil {
			return err
		}
		f.export = e
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "export.downloaded", ObjectKind: "export", Object: e.Code, Count: e.Written,
			Data: map[string]any{"root": e.Fingerprint(), "mask": string(e.Mask), "outside": e.Outside, "recipient_key": e.RecipientKey != "", "zip": f.zip, "purpose": e.Purpose},
		})
	})
	if err != nil {
		return nil, d.notGiven(ctx, by, which, code, err)
	}
	f.ctx = context.WithoutCancel(ctx)
	return f, nil
}

// take uses a grant up.
func (d *Desk) take(tx *db.Tx, by account.Actor, e *Export, token, passphrase string) error {
	var rows []grant
	if err := tx.Where("export_id = ?", e.ID).Find(&rows).Error; err != nil {
		return fmt.Errorf("find grant: %w", err)
	}
	if len(rows) == 0 {
		return fault.Forbidden("export.no_grant")
	}
	g := rows[0]
	fits := subtle.ConstantTimeCompare(g.Token, d.grantMAC(e, token)) & subtle.ConstantTimeCompare(g.Passphrase, d.grantMAC(e, passphrase))
	switch {
	case g.UserID != by.ID || fits != 1:
		return fault.Forbidden("export.no_grant")
	case !tx.Now.Before(g.ExpiresAt):
		return fault.Forbidden("export.grant_over")
	}
	if err := tx.Where("export_id = ?", e.ID).Delete(&grant{}).Error; err != nil {
		return fmt.Errorf("use grant: %w", err)
	}
	return nil
}

// onShelf looks whether all parts are there as they were written. It reads them whole, so it holds no
// lock meanwhile. What the actor may not fetch is not looked at: the caller refuses it.
func (d *Desk) onShelf(ctx context.Context, by account.Actor, which id.Export) error {
	var all []Part
	var e *Export
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if e, err = d.seen(tx, by, which); err != nil {
			return err
		}
		if d.mayFetch(tx, by, e) != nil {
			e = nil
			return nil
		}
		return tx.Where("export_id = ?", e.ID).Order("n").Find(&all).Error
	})
	if err != nil || e == nil {
		return err
	}
	written := int64(0)
	for i := range all {
		written += all[i].Conversations
		if err := d.whole(&all[i]); err != nil {
			return d.notGiven(ctx, by, which, e.Code, err)
		}
	}
	if len(all) != e.Parts || written != e.Written {
		return d.notGiven(ctx, by, which, e.Code, fault.Conflict("export.damaged"))
	}
	return nil
}

// open gives the file to be sent.
func (d *Desk) open(tx *db.Tx, by account.Actor, e *Export, passphrase string) (*Fetch, error) {
	key, err := d.key(e)
	if err != nil {
		return nil, err
	}
	w, err := d.openWish(e)
	if err != nil {
		return nil, err
	}
	f := &Fetch{Name: e.fileName(w.Zip), zip: w.Zip, desk: d, by: by, key: key}
	if err := eachPart(tx, e, func(p *Part) error { f.parts = append(f.parts, *p); return nil }); err != nil {
		return nil, err
	}
	f.seal, err = e.sealer(w.Zip, passphrase)
	return f, err
}
