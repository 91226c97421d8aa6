package hold

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"slices"

	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// root names what a release is about: the hold with all that it covers by, who asks and why. A
// hold whose conditions or customers are changed behind the program's back does not have the
// consent.
func (h *Holds) root(tx *db.Tx, of *Hold, r *Release) ([]byte, error) {
	customers, err := customersOf(tx, of.ID)
	if err != nil {
		return nil, err
	}
	return rootOf(h.Vault.Store, of, r, customers[of.ID]), nil
}

// customersOf gives the keyed names of holds' customers in their order.
func customersOf(tx *db.Tx, only ...id.Hold) (map[id.Hold][][]byte, error) {
	q := tx.Select("hold_id", "customer_mac").Order("hold_id, customer_mac")
	if len(only) > 0 {
		q = q.Where("hold_id IN ?", only)
	}
	var rows []customer
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	out := map[id.Hold][][]byte{}
	for _, r := range rows {
		out[r.HoldID] = append(out[r.HoldID], r.CustomerMAC)
	}
	return out, nil
}

func rootOf(k approval.Keys, of *Hold, r *Release, customers [][]byte) []byte {
	parts := [][]byte{
		seal.Number(of.ID), []byte(of.Code), []byte(of.Name), []byte(of.Reason), []byte(of.Kind), seal.Flag(of.Continuing), seal.Number(of.DepartmentID), seal.Flag(of.Sub),
		[]byte(of.Criteria), seal.Number(of.PlacedBy), seal.Instant(&of.CreatedAt),
		[]byte(r.Reason), seal.Number(r.RequesterID), seal.Number(r.RequesterPerson), seal.Instant(&r.RequestedAt),
	}
	m := k.MAC("hold release root", append(parts, customers...)...)
	return m[:]
}

// seal computes the code over a release as it is, every column but the code itself.
func (h *Holds) seal(r *Release) []byte { return sealRelease(h.Vault.Store, r) }

func sealRelease(k approval.Keys, r *Release) []byte {
	m := k.MAC("hold release",
		seal.Number(r.ID), seal.Number(r.HoldID), seal.Flag(r.OpenHold != nil), []byte(r.State), r.Root, seal.Number(r.ApprovalID), []byte(r.Reason),
		seal.Number(r.RequesterID), seal.Number(r.RequesterPerson), []byte(r.RequesterName), []byte(r.RequesterStaffNo), seal.Instant(&r.RequestedAt), seal.Instant(&r.ExpiresAt),
		seal.Number(r.ApproverID), seal.Number(r.ApproverPerson), []byte(r.ApproverName), []byte(r.ApproverStaffNo), []byte(r.Opinion),
		seal.Instant(r.DecidedAt), seal.Instant(r.EndsAt),
		seal.Number(r.ClosedBy), []byte(r.ClosedName), []byte(r.ClosedReason), seal.Instant(r.ClosedAt))
	return m[:]
}

func (h *Holds) genuine(r *Release) bool {
	return subtle.ConstantTimeCompare(r.MAC, h.seal(r)) == 1
}

// sound tells whether a release says of itself what every release that was approved says: two
// people, and the whole buffer between the decision and the end.
func (r *Release) sound() bool {
	return r.DecidedAt != nil && r.EndsAt != nil && r.EndsAt.Equal(r.DecidedAt.Add(Buffer)) &&
		r.RequesterPerson != 0 && r.ApproverPerson != 0 && r.RequesterPerson != r.ApproverPerson && r.RequesterID != r.ApproverID
}

// ForgedReleases gives the codes of holds that were released without a release of two people
// that this program carried out after its buffer, and of those whose release or its vote was
// written or changed past it. It is for fsck, and for the purge of what they covered.
func ForgedReleases(tx *db.Tx, k approval.Keys) ([]string, error) {
	var holds []Hold
	if err := tx.Order("id").Find(&holds).Error; err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	var releases []Release
	if err := tx.Order("id").Find(&releases).Error; err != nil {
		return nil, fmt.Errorf("read releases: %w", err)
	}
	forged, err := approval.Forged(tx, k, approval.HoldRelease)
	if err != nil {
		return nil, err
	}
	customers, err := customersOf(tx)
	if err != nil {
		return nil, err
	}
	byID := map[id.Hold]*Hold{}
	for i := range holds {
		byID[holds[i].ID] = &holds[i]
	}
	wrong, ended := map[id.Hold]bool{}, map[id.Hold]*Release{}
	for i := range releases {
		r := &releases[i]
		of := byID[r.HoldID]
		if of == nil || slices.Contains(forged, r.ID) || subtle.ConstantTimeCompare(r.MAC, sealRelease(k, r)) != 1 || !bytes.Equal(r.Root, rootOf(k, of, r, customers[r.HoldID])) {
			wrong[r.HoldID] = true
		}
		if r.State == Ended {
			ended[r.HoldID] = r
		}
	}
	return unreleased(holds, wrong, ended), nil
}

// unreleased names the holds of which something is wrong, or whose end is not that of a release.
func unreleased(holds []Hold, wrong map[id.Hold]bool, ended map[id.Hold]*Release) (codes []string) {
	for i := range holds {
		of := &holds[i]
		if wrong[of.ID] || !of.releasedBy(ended[of.ID]) {
			codes = append(codes, of.Code)
		}
		delete(wrong, of.ID)
	}
	for gone := range wrong {
		codes = append(codes, fmt.Sprintf("hold %d", gone)) // its row was deleted, its release was not
	}
	return codes
}

// releasedBy tells whether a hold's end is what its release says: neither without the other.
func (h *Hold) releasedBy(r *Release) bool {
	if h.ReleasedAt == nil || r == nil {
		return h.ReleasedAt == nil && r == nil
	}
	return r.sound() && r.ClosedAt != nil && r.ClosedAt.Equal(*h.ReleasedAt) && !h.ReleasedAt.Before(*r.EndsAt)
}
