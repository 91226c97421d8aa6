package access

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// rootOf names what is asked for: what, of where, by whom, why and for how long. A wish that is
// changed behind the program's back, in any word or department, does not have the consent.
func rootOf(k approval.Keys, g *Grant, list []id.Department) []byte {
	parts := [][]byte{
		[]byte(g.Code), []byte(g.Kind), seal.Number(g.DepartmentID), seal.Flag(g.Sub), seal.Number(g.ConversationID), []byte(g.ConversationCode), g.CustomerMAC,
		seal.Instant(g.FromAt), seal.Instant(g.ToAt), []byte(g.Reason), seal.Number(g.Days),
		seal.Number(g.AskerID), seal.Number(g.AskerPerson), seal.Instant(&g.AskedAt), seal.Instant(&g.ExpiresAt),
	}
	for _, d := range list {
		parts = append(parts, seal.Number(d))
	}
	m := k.MAC("access root", parts...)
	return m[:]
}

// sealOf computes the code over a grant as it is.
func sealOf(k approval.Keys, g *Grant) []byte {
	m := k.MAC("access",
		seal.Number(g.ID), []byte(g.State), g.Root, g.Sealed, seal.Number(g.ApprovalID), []byte(g.AskerName), []byte(g.AskerStaffNo), []byte(g.AskerRole),
		seal.Number(g.ApproverID), seal.Number(g.ApproverPerson), []byte(g.ApproverName), []byte(g.ApproverStaffNo), []byte(g.ApproverRole), []byte(g.Opinion),
		seal.Instant(g.DecidedAt), seal.Instant(g.EndsAt),
		seal.Number(g.ClosedBy), []byte(g.ClosedName), []byte(g.ClosedWhy), []byte(g.ClosedReason), seal.Instant(g.ClosedAt))
	return m[:]
}

// genuine tells whether a grant and its list are as this program left them.
func genuine(k approval.Keys, g *Grant, list []id.Department) bool {
	return subtle.ConstantTimeCompare(g.Root, rootOf(k, g, list)) == 1 && subtle.ConstantTimeCompare(g.MAC, sealOf(k, g)) == 1
}

// sound tells whether a grant says of itself what each one that was agreed to says: two people, and no
// more days than were asked for.
func (g *Grant) sound() bool {
	return g.DecidedAt != nil && g.EndsAt != nil && g.Days >= 1 && g.Days <= MostDays && g.EndsAt.Equal(g.DecidedAt.Add(time.Duration(g.Days)*day)) &&
		g.AskerPerson != 0 && g.ApproverPerson != 0 && g.AskerPerson != g.ApproverPerson && g.AskerID != g.ApproverID &&
		(g.ApproverRole == account.Supervisor || g.ApproverRole == account.Legal)
}

// store writes a grant that was in a state, sealed anew.
func (d *Desk) store(tx *db.Tx, g *Grant, from State) error {
	g.MAC = sealOf(d.Vault.Store, g)
	return update(tx, g, from)
}

func update(tx *db.Tx, g *Grant, from State) error {
	res := tx.Model(&Grant{}).Where("id = ? AND state = ?", g.ID, from).Select("*").Omit("id", "code").Updates(g)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store access: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("access.changed")
	}
	return nil
}

// flaw looks whether a granted wish is what two people agreed to, and whether whoever agreed could
// still agree today; it gives the reason for which it has to end, empty if none.
func (d *Desk) flaw(tx *db.Tx, g *Grant, list []id.Department) (string, error) {
	if !genuine(d.Vault.Store, g, list) || !g.sound() {
		return EndForged, nil
	}
	votes, err := approval.Look(tx, d.Vault.Store, g.want())
	var broken *approval.Broken
	if errors.As(err, &broken) {
		if broken.Reason == approval.BrokenInactive {
			return EndConsent, nil
		}
		return EndForged, nil
	}
	if err != nil {
		return "", err
	}
	if len(votes) != 1 || votes[0].UserID != g.ApproverID || votes[0].Role != g.ApproverRole {
		return EndForged, nil
	}
	if g.ApproverRole != account.Supervisor {
		return "", nil
	}
	rows, err := account.ScopeRows(tx, g.ApproverID)
	if err != nil {
		return "", err
	}
	tree, err := department.Load(tx)
	if err != nil {
		return "", fmt.Errorf("load departments: %w", err)
	}
	if !covers(tree.Scope(rows), list) {
		return EndConsent, nil
	}
	return "", nil
}

func (g *Grant) want() approval.Want {
	return approval.Want{Approval: g.ApprovalID, Kind: approval.Access, Subject: uint64(g.ID), Root: [32]byte(g.Root), RequesterPerson: g.AskerPerson}
}

// covers tells whether somebody who acts there may open all of a list. Without a list only who acts
// everywhere may.
func covers(s account.Scope, list []id.Department) bool {
	return s.All || len(list) > 0 && !slices.ContainsFunc(list, func(d id.Department) bool { return !s.Has(d) })
}
