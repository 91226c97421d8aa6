package purge

import (
	"context"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Progress is Get for the block that is asked for again and again: without votes, list and
// the look at changes. The fault is not-found as for Get.
func (d *Desk) Progress(ctx context.Context, by account.Actor, p id.Purge) (*Detail, error) {
	var detail *Detail
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := visible(tx, by, p)
		if err != nil {
			return err
		}
		detail = &Detail{Request: *r, Now: tx.Now}
		if detail.Progress, err = progressOf(tx, r); err != nil {
			return err
		}
		detail.Certificate, err = certificateOf(tx, p)
		return err
	})
	if err != nil {
		return nil, d.unseen(ctx, by, p, err)
	}
	return detail, nil
}
