package inspection

import (
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
)

// Flaw is something about an inspection that cannot be if only this program wrote it. Key is a
// sentence of fsck's.
type Flaw struct{ Key, Code string }

// Flaws recomputes every inspection from the bin, the log and the key store. It is for fsck.
func Flaws(tx *db.Tx, k Keys) (out []Flaw, err error) {
	var all []Inspection
	if err := tx.Omit("file").Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read inspections: %w", err)
	}
	for n := range all {
		for _, look := range []func(*db.Tx, Keys) (string, error){all[n].seedFlaw, all[n].sampleFlaw, all[n].signFlaw} {
			key, err := look(tx, k)
			if err != nil {
				return nil, err
			}
			if key != "" {
				out = append(out, Flaw{key, all[n].Code})
			}
		}
	}
	return out, nil
}

// logged reads the data of the one entry of an inspection under an action.
func (i *Inspection) logged(tx *db.Tx, action string) (map[string]any, error) {
	var leaves [][]byte
	err := tx.Table("audit_leaf").Where("action = ? AND object = ? AND result = 'ok'", action, i.Code).Pluck("leaf", &leaves).Error
	if err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	if len(leaves) != 1 {
		return nil, nil
	}
	head, err := proof.ParseLeafHead(leaves[0])
	if err != nil {
		return nil, nil //nolint:nilerr // a leaf that cannot be read proves nothing
	}
	return head.Data, nil
}

// seedFlaw: the seed is the one whose hash the log has, written before the sample was drawn.
func (i *Inspection) seedFlaw(tx *db.Tx, _ Keys) (string, error) {
	opened, err := i.logged(tx, "inspection.opened")
	if err != nil {
		return "", err
	}
	switch {
	case opened == nil || opened["seed_commitment"] != i.Commitment:
		return "fsck.inspection_seed", nil
	case i.State != Opened && commitment(i.Code, i.Seed) != i.Commitment, i.State == Opened && i.Seed != "":
		return "fsck.inspection_seed", nil
	}
	return "", nil
}

// sampleFlaw: the same seed and the same bin give the same list and the same sample.
func (i *Inspection) sampleFlaw(tx *db.Tx, _ Keys) (string, error) {
	if i.State == Opened {
		return "", nil
	}
	if i.FromAt == nil || i.CutAt == nil {
		return "fsck.inspection_sample", nil
	}
	drawn, err := i.logged(tx, "inspection.drawn")
	if err != nil {
		return "", err
	}
	l, err := draw(tx, i.Seed, *i.FromAt, *i.CutAt)
	if err != nil {
		return "", err
	}
	var items []Item
	if err := tx.Where("inspection_id = ?", i.ID).Order("seq").Find(&items).Error; err != nil {
		return "", fmt.Errorf("read sample: %w", err)
	}
	names := make([]string, len(items))
	for n := range items {
		names[n] = items[n].Name()
	}
	if drawn == nil || drawn["population_root"] != l.root || drawn["sample_root"] != sampleRoot(l.names()) || drawn["seed"] != i.Seed || !slices.Equal(names, l.names()) {
		return "fsck.inspection_sample", nil
	}
	return "", nil
}

// signFlaw: what is signed was signed here, by two people, and says what the sample says.
func (i *Inspection) signFlaw(tx *db.Tx, k Keys) (string, error) {
	people, err := i.signatures(tx)
	if err != nil {
		return "", err
	}
	want := map[State]int{Signing: 1, Signed: 2}[i.State]
	if len(people) != want {
		return "fsck.inspection_signatures", nil
	}
	for n, role := range []account.Role{account.Auditor, account.Legal}[:want] {
		if s := &people[n]; s.Role != role || s.Root != i.ResultRoot || !s.genuine(k) {
			return "fsck.inspection_signatures", nil
		}
	}
	if want == 2 && (people[0].PersonID == people[1].PersonID || people[0].UserID == people[1].UserID || i.Digest == "") {
		return "fsck.inspection_signatures", nil
	}
	if want == 0 {
		return "", nil
	}
	return i.resultFlaw(tx)
}

// resultFlaw: the stored result has the fingerprint that was signed, and the verdicts are still those.
func (i *Inspection) resultFlaw(tx *db.Tx) (string, error) {
	var b Body
	if fingerprint(i.Result) != i.ResultRoot || json.Unmarshal([]byte(i.Result), &b) != nil {
		return "fsck.inspection_result", nil
	}
	items, _, err := i.rows(tx)
	if err != nil {
		return "", err
	}
	if len(items) != len(b.Items) {
		return "fsck.inspection_result", nil
	}
	for n := range items {
		if it := &items[n]; it.Name() != b.Items[n].Item || it.Verdict != b.Items[n].Verdict || it.Words != b.Items[n].Words || it.Level != b.Items[n].Level {
			return "fsck.inspection_result", nil
		}
	}
	if i.State != Signed {
		return "", nil
	}
	signed, err := i.logged(tx, "inspection.signed")
	if err != nil {
		return "", err
	}
	digest, err := proof.Digest(proof.Inspection, json.RawMessage(i.Body))
	if err != nil || signed == nil || signed[proof.DigestField] != fmt.Sprintf("%x", digest[:]) {
		return "fsck.inspection_result", nil //nolint:nilerr // a body without digest is the flaw
	}
	return "", nil
}
