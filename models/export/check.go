package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Check finds the export that a file came from, by its hash: the file that was given out, or one of its
// parts unpacked. It is written down. The fault is not-found when it is no file of ours, was changed, or
// is of an export that is hidden from the actor.
func (d *Desk) Check(ctx context.Context, by account.Actor, r io.Reader) (*Checked, error) {
	if err := by.Require(account.ExportRead); err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	sum := h.Sum(nil)
	var found *Checked
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if found, err = d.ofHash(tx, by, sum); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "export.checked", ObjectKind: "export", Object: found.Code, Count: 1, Data: map[string]any{"part": found.Part}})
	})
	if fault.KindOf(err) == fault.KindNotFound {
		return nil, d.hiddenFile(ctx, by, sum, err)
	}
	return found, err
}

// hiddenFile writes down that somebody holds a file of an export that is hidden from them; err says nothing of it.
func (d *Desk) hiddenFile(ctx context.Context, by account.Actor, sum []byte, err error) error {
	var which []id.Export
	looked := d.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Raw("SELECT id FROM export WHERE file_sha256 = ? UNION SELECT export_id FROM export_part WHERE plain_sha256 = ? ORDER BY 1 DESC LIMIT 1", sum, sum).Scan(&which).Error
	})
	if looked != nil || len(which) == 0 {
		return errors.Join(err, looked)
	}
	return d.unseen(ctx, by, which[0], err)
}

func (d *Desk) ofHash(tx *db.Tx, by account.Actor, sum []byte) (*Checked, error) {
	where, args := visible(tx, by)
	var whole []Export
	if err := tx.Where("file_sha256 = ?", sum).Where(where, args...).Order("id DESC").Limit(1).Find(&whole).Error; err != nil {
		return nil, fmt.Errorf("find file: %w", err)
	}
	if len(whole) == 1 {
		return &Checked{Export: whole[0], Whole: true}, nil
	}
	var ps []Part
	if err := tx.Where("plain_sha256 = ?", sum).Order("export_id DESC").Find(&ps).Error; err != nil {
		return nil, fmt.Errorf("find part: %w", err)
	}
	for _, p := range ps {
		e, err := d.seen(tx, by, p.ExportID)
		if fault.KindOf(err) == fault.KindNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &Checked{Export: *e, Part: p.N}, nil
	}
	return nil, fault.NotFound("export.unknown_file")
}

// whole looks whether a part lies on the shelf as it was written. The fault is a conflict.
func (d *Desk) whole(p *Part) error {
	f, err := os.Open(d.path(p.File))
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Conflict("export.damaged")
	}
	if err != nil {
		return fmt.Errorf("open part: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	switch {
	case err != nil:
		return fmt.Errorf("read part: %w", err)
	case n != p.Bytes || string(h.Sum(nil)) != string(p.SHA256):
		return fault.Conflict("export.damaged")
	}
	return nil
}
