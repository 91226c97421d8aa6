package purge

import (
	"crypto/subtle"
	"encoding/hex"

	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/seal"
)

// seal computes the code over what was requested, where its list came from and what it adds up to, so
// that a row that was changed, added or removed past this program is noticed before anybody agrees,
// anything is destroyed or a certificate says so.
func (r *Request) seal(k approval.Keys, o *origin) []byte {
	parts := append(r.said(), []byte(r.Incident), []byte(r.Excluded), seal.Number(r.Messages), seal.Number(r.Attachments), seal.Number(r.Bytes),
		seal.Instant(r.FirstAt), seal.Instant(r.LastAt), seal.Instant(r.ExpiresAt))
	m := k.MAC("purge request and its origin", append(parts, o.parts()...)...)
	return m[:]
}

// sealAlone is the code that requests had before their origin was under it.
func (r *Request) sealAlone(k approval.Keys) []byte {
	parts := r.said()
	if r.Emergency() {
		parts = append(parts, []byte(r.Incident))
	}
	m := k.MAC("purge request", parts...)
	return m[:]
}

// said is what a person requested, and the list with it.
func (r *Request) said() [][]byte {
	return [][]byte{
		seal.Number(r.ID), []byte(r.Code), seal.Number(r.RequesterID), seal.Number(r.RequesterPerson),
		[]byte(r.RequesterName), []byte(r.RequesterStaffNo), []byte(r.RequesterRole), []byte(r.Reason),
		[]byte(r.ScopeKind), seal.Number(r.CoolingHours), seal.Flag(r.AtOnce), r.Root, seal.Number(r.Size), r.PolicyVersion,
		seal.Number(r.ApprovalID), seal.Instant(r.RequestedAt),
	}
}

// genuine tells whether the request is what somebody requested here, of exactly its batches and departments.
func (r *Request) genuine(tx *db.Tx, k approval.Keys) (bool, error) {
	o, err := originOf(tx, r.ID)
	if err != nil {
		return false, err
	}
	if subtle.ConstantTimeCompare(r.MAC, r.seal(k, o)) == 1 {
		return true, nil
	}
	// The program gives such codes no longer, so nobody gets one for a request of today.
	if subtle.ConstantTimeCompare(r.MAC, r.sealAlone(k)) != 1 {
		return false, nil
	}
	return o.asTold(tx, r.Code)
}

const keyForged = "purge.forged"

// sound refuses, with a conflict, a request that is not genuine.
func (d *Desk) sound(tx *db.Tx, r *Request) error {
	genuine, err := r.genuine(tx, d.Keys)
	if err == nil && !genuine {
		err = fault.Conflict(keyForged, r.Code)
	}
	return err
}

// IsForged tells whether a fault says that the request, or one of its batches, was changed past this program.
func IsForged(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Key == keyForged || bin.IsForged(err)
}

// confirmed tells whether legal's second word, where there is one, was given here.
func (r *Request) confirmed(k approval.Keys) bool {
	return r.ConfirmedAt == nil || subtle.ConstantTimeCompare(r.ConfirmedMAC, r.sealConfirmation(k)) == 1
}

// sealConfirmation does the same for legal's second code.
func (r *Request) sealConfirmation(k approval.Keys) []byte {
	m := k.MAC("purge confirmation", seal.Number(r.ID), r.Root, seal.Number(r.ConfirmedBy), seal.Number(r.ConfirmedPerson),
		[]byte(r.ConfirmedName), []byte(r.ConfirmedStaffNo), seal.Instant(r.ConfirmedAt))
	return m[:]
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
