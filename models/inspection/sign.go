package inspection

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Signature is one person's word on a report. MAC covers all of it, so that a row that was written or
// changed past this program signs nothing. One that was sent back belongs to an earlier round.
type Signature struct {
	ID           uint64 `gorm:"primaryKey"`
	InspectionID id.Inspection
	SignRound    int
	Role         account.Role
	Verdict      string
	UserID       id.User
	PersonID     id.Person
	Name         string
	StaffNo      string
	Opinion      string
	Root         string
	TOTPStep     int64 `gorm:"column:totp_step"`
	At           time.Time
	MAC          []byte `gorm:"column:mac"`
}

// TableName is inspection_signature.
func (Signature) TableName() string { return "inspection_signature" }

func (s *Signature) seal(k Keys) []byte {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	m := k.MAC("inspection signature",
		number(uint64(s.InspectionID)), number(uint64(s.SignRound)), []byte(s.Role), []byte(s.Verdict), number(uint64(s.UserID)), number(uint64(s.PersonID)),
		[]byte(s.Name), []byte(s.StaffNo), []byte(s.Opinion), []byte(s.Root), number(uint64(s.TOTPStep)), number(uint64(s.At.UnixMicro())))
	return m[:]
}

func (s *Signature) genuine(k Keys) bool { return subtle.ConstantTimeCompare(s.MAC, s.seal(k)) == 1 }

const signs = "sign"

// Ballot is a signature as it is handed in. SeenRoot is the fingerprint that the page showed.
type Ballot struct {
	Inspection string
	SeenRoot   string
	Opinion    string
	Code       string // the person's one-time code
}

// Sign signs the report: first audit, once every item is checked and every grave finding has an
// answer, then legal, who is another person; each with a one-time code. Between the two nothing
// changes. The second signature makes the report and its entry in the log.
//
// The fault is forbidden for everybody else, for one person twice and for the wrong turn, not-found,
// invalid without an opinion, a conflict before everything is checked or when the page showed
// something else, and those of one-time codes.
func (d *Desk) Sign(ctx context.Context, by account.Actor, b Ballot) (i *Inspection, err error) {
	if err := maySign(by); err != nil {
		return nil, err
	}
	b.Opinion = strings.TrimSpace(b.Opinion)
	if n := utf8.RuneCountInString(b.Opinion); n == 0 || n > mostWords {
		return nil, fault.Invalid("inspection.opinion_needed", mostWords).On("opinion")
	}
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		if i, err = byCode(tx, b.Inspection); err != nil {
			return err
		}
		_, err := d.turn(tx, i, by, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		if i, err = locked(tx, b.Inspection); err != nil {
			return err
		}
		return d.sign(tx, i, by, b)
	})
	if err := d.Accounts.NoteWrongCode(ctx, by, b.Inspection, err); err != nil {
		return nil, err
	}
	return i, nil
}

func maySign(by account.Actor) error {
	if err := by.Require(account.InspectionSign); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

// turn tells what the actor would sign, or why not.
func (d *Desk) turn(tx *db.Tx, i *Inspection, by account.Actor, b Ballot) (text string, err error) {
	root := i.ResultRoot
	switch i.State {
	case Drawn:
		if by.Role != account.Auditor {
			return "", fault.Forbidden("inspection.audit_first")
		}
		if err := i.ready(tx); err != nil {
			return "", err
		}
		if text, root, err = d.result(tx, i); err != nil {
			return "", err
		}
	case Signing:
		if by.Role != account.Legal {
			return "", fault.Forbidden("inspection.legal_next")
		}
		first, err := i.signatures(tx)
		if err != nil {
			return "", err
		}
		if len(first) != 1 || !first[0].genuine(d.Keys) || first[0].Root != root {
			return "", fault.Conflict("inspection.signature_forged")
		}
		if first[0].PersonID == by.PersonID || first[0].UserID == by.ID {
			return "", fault.Forbidden("approval.voted_before")
		}
		// What audit signed must still be what the tables say.
		if _, now, err := d.result(tx, i); err != nil {
			return "", err
		} else if now != root {
			return "", fault.Conflict("inspection.changed_since")
		}
	default:
		return "", i.changeable()
	}
	if b.SeenRoot != root {
		return "", fault.Conflict("inspection.root_changed")
	}
	return text, nil
}

// ready refuses while an item is not judged or a grave finding not answered.
func (i *Inspection) ready(tx *db.Tx) error {
	left, grave, err := i.open(tx)
	switch {
	case err != nil:
		return err
	case left > 0:
		return fault.Conflict("inspection.items_left", left)
	case grave > 0:
		return fault.Conflict("inspection.grave_left", grave)
	}
	return nil
}

// open counts what keeps the report from being signed.
func (i *Inspection) open(tx *db.Tx) (left, grave int64, err error) {
	if err := tx.Model(&Item{}).Where("inspection_id = ? AND verdict NOT IN ?", i.ID, []string{OK, Problem}).Count(&left).Error; err != nil {
		return 0, 0, fmt.Errorf("count items: %w", err)
	}
	err = tx.Model(&Finding{}).Where("inspection_id = ? AND level = ? AND answer = '' AND state <> ?", i.ID, High, FindingClosed).Count(&grave).Error
	if err != nil {
		return 0, 0, fmt.Errorf("count findings: %w", err)
	}
	return left, grave, nil
}

// signatures gives those of the present round, audit's first.
func (i *Inspection) signatures(tx *db.Tx) (rows []Signature, err error) {
	if err := tx.Where("inspection_id = ? AND sign_round = ? AND verdict = ?", i.ID, i.SignRound, signs).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read signatures: %w", err)
	}
	return rows, nil
}

func (d *Desk) sign(tx *db.Tx, i *Inspection, by account.Actor, b Ballot) error {
	text, err := d.turn(tx, i, by, b)
	if err != nil {
		return err
	}
	step, err := d.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return err
	}
	if err := standing(tx, by); err != nil {
		return err
	}
	s := &Signature{
		InspectionID: i.ID, SignRound: i.SignRound, Role: by.Role, Verdict: signs, UserID: by.ID, PersonID: by.PersonID, Name: by.Name, StaffNo: by.StaffNo,
		Opinion: b.Opinion, Root: b.SeenRoot, TOTPStep: step, At: tx.Now,
	}
	s.MAC = s.seal(d.Keys)
	if err := tx.Create(s).Error; err != nil {
		return fmt.Errorf("store signature: %w", err)
	}
	if i.State == Signing {
		return d.finish(tx, i, by)
	}
	if err := i.move(tx, map[string]any{"state": Signing, "result": text, "result_root": b.SeenRoot}); err != nil {
		return err
	}
	i.State, i.Result, i.ResultRoot = Signing, text, b.SeenRoot
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "inspection.audit_signed", ObjectKind: "inspection", Object: i.Code, Count: i.Sample, Data: map[string]any{"root": i.ResultRoot},
	})
}

// standing looks under lock whether the account still is what the session says.
func standing(tx *db.Tx, by account.Actor) error {
	if by.Role == account.Legal {
		who, err := account.Voter(tx, by.ID, account.Legal)
		if err == nil && who.Person != by.PersonID {
			err = fault.Forbidden("approval.not_a_person")
		}
		return err
	}
	people, err := account.InRole(tx, account.Auditor)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.User == by.ID && p.Person == by.PersonID {
			return nil
		}
	}
	return fault.Forbidden("account.forbidden")
}

func (i *Inspection) move(tx *db.Tx, set map[string]any) error {
	res := tx.Model(&Inspection{}).Where("id = ? AND state = ?", i.ID, i.State).Updates(set)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store inspection: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("inspection.being_signed")
	}
	return nil
}

// finish makes the report of what both signed.
func (d *Desk) finish(tx *db.Tx, i *Inspection, by account.Actor) error {
	var b Body
	if err := json.Unmarshal([]byte(i.Result), &b); err != nil {
		return fmt.Errorf("read what audit signed: %w", err)
	}
	people, err := i.signatures(tx)
	if err != nil {
		return err
	}
	for _, s := range people {
		b.Signatures = append(b.Signatures, BodySignature{s.Role, s.Name, s.StaffNo, s.Opinion, s.At.UTC(), s.Root})
	}
	head, err := audit.HeadOf(tx)
	if err != nil {
		return err
	}
	b.ResultRoot, b.SignedAt, b.Log = i.ResultRoot, &tx.Now, BodyLog{head.Size, hex.EncodeToString(head.Root[:])}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	digest, err := proof.Digest(proof.Inspection, json.RawMessage(text))
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	set := map[string]any{"state": Signed, "signed_at": tx.Now, "body": string(text), "digest": hex.EncodeToString(digest[:])}
	if err := i.move(tx, set); err != nil {
		return err
	}
	leaf, err := audit.AppendAt(tx, audit.Entry{
		Actor: by.Audit(), Action: "inspection.signed", ObjectKind: "inspection", Object: i.Code, Count: i.Sample,
		Data: map[string]any{
			proof.DigestField: hex.EncodeToString(digest[:]), "root": i.ResultRoot, "auditor": people[0].UserID, "findings": len(b.Findings),
			"population": i.Population, "population_root": i.PopulationRoot,
		},
	})
	if err != nil {
		return err
	}
	i.State, i.Leaf, i.Body = Signed, leaf, string(text)
	// The leaf's number is known only now; the head of the log stays locked until the commit.
	return tx.Model(&Inspection{}).Where("id = ?", i.ID).Update("leaf", leaf).Error
}

// SendBack takes audit's signature back before legal signs, so that items and findings can be changed
// again. Either of the two may. The fault is forbidden for others, not-found, invalid without a reason,
// and a conflict when nothing is being signed.
func (d *Desk) SendBack(ctx context.Context, by account.Actor, code, reason string) error {
	if err := maySign(by); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if f := words(reason, "back-reason"); f != nil {
		return f
	}
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		i, err := locked(tx, code)
		if err != nil {
			return err
		}
		if i.State != Signing {
			return fault.Conflict("inspection.not_being_signed")
		}
		if err := i.move(tx, map[string]any{"state": Drawn, "result": "", "result_root": "", "sign_round": i.SignRound + 1}); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "inspection.sent_back", ObjectKind: "inspection", Object: i.Code, Data: map[string]any{"reason": reason, "root": i.ResultRoot},
		})
	})
}
