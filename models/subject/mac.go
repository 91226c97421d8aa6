package subject

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/seal"
)

// seal computes the code over a request as it is, every column but the code itself, and over what it reached.
func (r *Request) seal(k approval.Keys, reached []byte) []byte {
	key := ""
	if r.RequestKey != nil {
		key = *r.RequestKey
	}
	m := k.MAC("subject request",
		seal.Number(r.ID), []byte(r.Code), []byte(r.State), r.CustomerMAC, r.Sealed, []byte(r.Reference), []byte(r.Reason),
		seal.Instant(&r.ReceivedAt), seal.Instant(&r.AnswerBy), seal.Number(r.Size), seal.Number(r.CreatedBy), seal.Number(r.CreatorPerson), []byte(r.CreatorName),
		seal.Instant(&r.CreatedAt), seal.Number(r.EndedBy), seal.Number(r.EndedPerson), []byte(r.EndedName), []byte(r.EndReason), seal.Instant(r.EndedAt),
		r.OpenSlot, []byte(key), reached)
	return m[:]
}

// digest names what a request reached, and where each conversation was: what is written past the program into its
// list does not go into the bin by its word.
func digest(tx *db.Tx, of *Request) ([]byte, error) {
	rows, err := tx.Model(&Item{}).Where("request_id = ?", of.ID).Order("conversation_id").Select("conversation_id, was_state").Rows()
	if err != nil {
		return nil, fmt.Errorf("read what a request reached: %w", err)
	}
	defer rows.Close()
	h := sha256.New()
	for rows.Next() {
		var c uint64
		var was int
		if err := rows.Scan(&c, &was); err != nil {
			return nil, fmt.Errorf("read what a request reached: %w", err)
		}
		fmt.Fprintf(h, "%d:%d\n", c, was)
	}
	return h.Sum(nil), rows.Err()
}

func (r *Request) genuine(tx *db.Tx, k approval.Keys) (bool, error) {
	reached, err := digest(tx, r)
	return err == nil && subtle.ConstantTimeCompare(r.MAC, r.seal(k, reached)) == 1, err
}

// mustBeGenuine refuses a request that was written past this program.
func (r *Requests) mustBeGenuine(tx *db.Tx, of *Request) error {
	switch ok, err := of.genuine(tx, r.Vault.Store); {
	case err != nil:
		return err
	case !ok:
		return fault.Conflict("subject.forged", of.Code)
	}
	return nil
}

// store writes a request that was open and genuine, sealed anew.
func (r *Requests) store(tx *db.Tx, of *Request) error {
	if of.State != Open {
		of.OpenSlot = nil
	}
	reached, err := digest(tx, of)
	if err != nil {
		return err
	}
	of.MAC = of.seal(r.Vault.Store, reached)
	res := tx.Model(&Request{}).Where("id = ? AND state = ?", of.ID, Open).Select("*").Omit("id", "code", "created_at").Updates(of)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store request: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("subject.not_open")
	}
	return nil
}
