package approval

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// macPurpose separates votes from everything else the key store makes codes for.
const macPurpose = "vote"

// seal computes the code over the vote and over everything of the approval that must not
// change under it.
func (a *Approval) seal(k Keys, v *Vote) []byte {
	parts := [][]byte{
		[]byte(a.Kind), seal.Number(a.Subject), a.Root, a.PolicyVersion, []byte(a.Stages),
		seal.Number(a.RequesterID), seal.Number(a.RequesterPerson), seal.Instant(&a.ExpiresAt),
		seal.Number(v.ApprovalID), []byte(strconv.Itoa(v.Stage)), seal.Number(v.UserID), seal.Number(v.PersonID),
		[]byte(v.Name), []byte(v.StaffNo), []byte(v.Role), []byte(v.Verdict), []byte(v.Opinion),
		v.Root, v.PolicyVersion, seal.Number(v.TOTPStep), seal.Instant(&v.At), seal.Instant(&v.ExpiresAt),
	}
	if v.Terms != "" {
		// Votes from before there were terms keep their codes.
		parts = append(parts, []byte(v.Terms))
	}
	m := k.MAC(macPurpose, parts...)
	return m[:]
}

// Want is what the consent must have been given for.
type Want struct {
	Approval        id.Approval
	Kind            Kind
	Subject         uint64
	Root            [32]byte
	PolicyVersion   [32]byte
	RequesterPerson id.Person
}

// Broken says that a consent does not stand, and why; Reason ends a catalogue key.
type Broken struct{ Reason string }

// Error gives the reason for logs.
func (b *Broken) Error() string { return "approval does not stand: " + b.Reason }

// The reasons of Broken.
const (
	BrokenState    = "state"      // not approved, or closed since
	BrokenSubject  = "subject"    // given for something else
	BrokenVotes    = "incomplete" // a stage without its vote, or a vote too many
	BrokenForged   = "forged"     // a vote that was not cast here
	BrokenExpired  = "expired"    // a vote no longer counts
	BrokenPeople   = "people"     // not all different people
	BrokenInactive = "inactive"   // somebody left, changed role or has to be confirmed anew
)

// Recheck looks, before something is done with a consent, whether it still stands: every stage
// approved by its own person, for exactly this, with votes that were cast here and still
// count, by people who are still active and still in their role. It gives the votes, or a
// *Broken. The approval and the accounts stay as they are until the transaction ends; others may
// look at the same time.
func Recheck(tx *db.Tx, k Keys, w Want) ([]Vote, error) {
	return recheck(tx, tx.ForShare(), account.ActiveAs, k, w)
}

// Look is Recheck without locks, for a consent that lasts and is looked at with each request.
func Look(tx *db.Tx, k Keys, w Want) ([]Vote, error) {
	return recheck(tx, tx.DB, account.SeenActiveAs, k, w)
}

type activeFunc func(tx *db.Tx, who id.User, of id.Person, role account.Role) (bool, error)

func recheck(tx *db.Tx, from *gorm.DB, active activeFunc, k Keys, w Want) ([]Vote, error) {
	a, err := take(from, w.Approval)
	if err != nil {
		return nil, err
	}
	votes, err := votesOf(tx, a.ID)
	if err != nil {
		return nil, err
	}
	if reason := a.flaw(tx.Now, k, w, votes); reason != "" {
		return nil, &Broken{Reason: reason}
	}
	for _, v := range votes {
		ok, err := active(tx, v.UserID, v.PersonID, v.Role)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, &Broken{Reason: BrokenInactive}
		}
	}
	return votes, nil
}

// flaw names what is wrong with the stored consent, empty if nothing is.
func (a *Approval) flaw(now time.Time, k Keys, w Want, votes []Vote) string {
	roles := a.Roles()
	switch {
	case a.State != Approved:
		return BrokenState
	case a.Kind != w.Kind || a.Subject != w.Subject || a.RequesterPerson != w.RequesterPerson ||
		!bytes.Equal(a.Root, w.Root[:]) || !bytes.Equal(a.PolicyVersion, w.PolicyVersion[:]):
		return BrokenSubject
	case len(votes) != len(roles):
		return BrokenVotes
	}
	people := map[id.Person]bool{a.RequesterPerson: true}
	for i, v := range votes {
		switch {
		case subtle.ConstantTimeCompare(v.MAC, a.seal(k, &v)) != 1:
			return BrokenForged
		case v.Stage != i || !admits(roles[i], v.Role) || v.Verdict != Approve:
			return BrokenVotes
		case !bytes.Equal(v.Root, w.Root[:]) || !bytes.Equal(v.PolicyVersion, w.PolicyVersion[:]):
			return BrokenSubject
		case !now.Before(v.ExpiresAt):
			return BrokenExpired
		case v.PersonID == 0 || people[v.PersonID]:
			return BrokenPeople
		}
		people[v.PersonID] = true
	}
	if a.RequesterPerson == 0 {
		return BrokenPeople
	}
	return ""
}

// Forged gives the subjects of a kind that have a vote which was not cast here, or which was
// changed since.
func Forged(tx *db.Tx, k Keys, kind Kind) ([]uint64, error) {
	var all []Approval
	if err := tx.Where("kind = ?", kind).Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read approvals: %w", err)
	}
	var forged []uint64
	for i := range all {
		votes, err := votesOf(tx, all[i].ID)
		if err != nil {
			return nil, err
		}
		for v := range votes {
			if subtle.ConstantTimeCompare(votes[v].MAC, all[i].seal(k, &votes[v])) != 1 {
				forged = append(forged, all[i].Subject)
				break
			}
		}
	}
	return forged, nil
}
