package purge

import (
	"encoding/hex"

	"qingdang/models/approval"
	"qingdang/models/seal"
)

// seal computes the code over what was requested, so that a row that was changed past this
// program is noticed before anything is destroyed.
func (r *Request) seal(k approval.Keys) []byte {
	parts := [][]byte{
		seal.Number(r.ID), []byte(r.Code), seal.Number(r.RequesterID), seal.Number(r.RequesterPerson),
		[]byte(r.RequesterName), []byte(r.RequesterStaffNo), []byte(r.RequesterRole), []byte(r.Reason),
		[]byte(r.ScopeKind), seal.Number(r.CoolingHours), seal.Flag(r.AtOnce), r.Root, seal.Number(r.Size), r.PolicyVersion,
		seal.Number(r.ApprovalID), seal.Instant(r.RequestedAt),
	}
	if r.Emergency() {
		// Requests from before there were emergencies keep their codes.
		parts = append(parts, []byte(r.Incident))
	}
	m := k.MAC("purge request", parts...)
	return m[:]
}

// sealConfirmation does the same for legal's second code.
func (r *Request) sealConfirmation(k approval.Keys) []byte {
	m := k.MAC("purge confirmation", seal.Number(r.ID), r.Root, seal.Number(r.ConfirmedBy), seal.Number(r.ConfirmedPerson),
		[]byte(r.ConfirmedName), []byte(r.ConfirmedStaffNo), seal.Instant(r.ConfirmedAt))
	return m[:]
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
