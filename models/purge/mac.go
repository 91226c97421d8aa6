package purge

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"qingdang/models/approval"
)

// seal computes the code over what was requested, so that a row that was changed past this
// program is noticed before anything is destroyed.
func (r *Request) seal(k approval.Keys) []byte {
	parts := [][]byte{
		number(uint64(r.ID)), []byte(r.Code), number(uint64(r.RequesterID)), number(uint64(r.RequesterPerson)),
		[]byte(r.RequesterName), []byte(r.RequesterStaffNo), []byte(r.RequesterRole), []byte(r.Reason),
		[]byte(r.ScopeKind), number(uint64(r.CoolingHours)), flag(r.AtOnce), r.Root, number(uint64(r.Size)), r.PolicyVersion,
		number(uint64(r.ApprovalID)), instant(r.RequestedAt),
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
	m := k.MAC("purge confirmation", number(uint64(r.ID)), r.Root, number(uint64(r.ConfirmedBy)), number(uint64(r.ConfirmedPerson)),
		[]byte(r.ConfirmedName), []byte(r.ConfirmedStaffNo), instant(r.ConfirmedAt))
	return m[:]
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func flag(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

func instant(t *time.Time) []byte {
	if t == nil {
		return nil
	}
	return number(uint64(t.UnixMicro()))
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
