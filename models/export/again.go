package export

import (
	"context"
	"encoding/hex"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Again asks for the same as an export that is over: a new export, with the selection as it is now and, where
// one is needed, a new answer of the second person. Trying twice asks once. The faults are those of Ask,
// not-found, forbidden for somebody else's, and a conflict for an export that is not over, and for one that was
// rejected: what the second person did not want has to be asked for otherwise.
func (d *Desk) Again(ctx context.Context, by account.Actor, which id.Export) (*Export, error) {
	var w Wish
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		e, err := d.seen(tx, by, which)
		if err != nil {
			return err
		}
		if err := mayAgain(by, e); err != nil {
			return err
		}
		if !genuine(d.Vault.Store, e) {
			return fault.Conflict("export.forged")
		}
		stored, err := d.openWish(e)
		if err != nil {
			return err
		}
		w = Wish{
			Selection: stored.selection(), Format: e.Format, Mask: e.Mask, Purpose: e.Purpose, Days: e.Days, Recipient: stored.Recipient, Consent: stored.Consent,
			Key: e.RecipientKey, Zip: stored.Zip, Lang: e.Lang, FormKey: d.againKey(e), Again: e.Code,
		}
		return nil
	})
	if err != nil {
		return nil, d.unseen(ctx, by, which, err)
	}
	return d.Ask(ctx, by, w)
}

// againKey is the key of a form that nobody can send from elsewhere.
func (d *Desk) againKey(e *Export) string {
	m := d.Vault.Store.MAC("export again", number(e.ID))
	return hex.EncodeToString(m[:16])
}

func mayAgain(by account.Actor, e *Export) error {
	switch {
	case by.ID != e.OwnerID || by.PersonID != e.OwnerPerson:
		return fault.Forbidden("export.not_yours")
	case !e.State.Over() || e.State == Rejected:
		return fault.Conflict("export.not_again")
	}
	return by.Require(account.ExportCreate)
}
