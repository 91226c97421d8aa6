package bin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Freeze fixes the list of what would move now, for the last step to show and for Discard to
// compare. It gives the draft and the preview of the same instant. The faults are Preview's,
// and invalid while nothing was decided about the residue or when nothing would move.
func (b *Bin) Freeze(ctx context.Context, by account.Actor, draft uint64) (d *Draft, p *Preview, err error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, nil, err
	}
	err = b.DB.Write(ctx, func(tx *db.Tx) error {
		row, err := openDraft(tx, by, draft)
		if err != nil {
			return err
		}
		if d, err = row.draft(); err != nil {
			return err
		}
		r, policy, err := b.reach(tx, by, d.Form.Scope)
		if err != nil {
			return err
		}
		if p, err = b.preview(tx, r, policy, tx.Now); err != nil {
			return err
		}
		if err := d.Form.ready(p); err != nil {
			return err
		}
		if err := dropList(tx, draft); err != nil {
			return err
		}
		list := moving(r, policy, tx.Now, tx.DB).Select("conversation.id, conversation.version")
		if err := tx.Exec("INSERT INTO bin_draft_item (draft_id, conversation_id, version) SELECT ?, m.id, m.version FROM (?) m", draft, list).Error; err != nil {
			return fmt.Errorf("freeze list: %w", err)
		}
		return d.freeze(tx, p)
	})
	return d, p, err
}

func (d *Draft) freeze(tx *db.Tx, p *Preview) error {
	frozen, err := frozenList(tx, d.ID)
	if err != nil {
		return err
	}
	d.FrozenAt, d.Frozen, d.Fingerprint, d.Form.Counted = &tx.Now, int64(len(frozen)), fingerprint(frozen), p.Count()
	if d.Frozen != p.Moves {
		// Something was imported or moved between the two statements.
		return fault.Conflict("bin.list_changed", p.Moves, d.Frozen)
	}
	return tx.Model(&draftRow{}).Where("id = ?", d.ID).Updates(map[string]any{
		"frozen_at": tx.Now, "frozen_count": d.Frozen, "fingerprint": d.Fingerprint, "form": asJSON(d.Form), "changed_at": tx.Now,
	}).Error
}

// ready refuses what cannot become a batch.
func (f Form) ready(p *Preview) error {
	if err := f.Decided(p.Residue); err != nil {
		return err
	}
	switch {
	case p.Moves == 0:
		return fault.Invalid("bin.nothing_to_move").On("department")
	case p.Moves > mostListed:
		return fault.Invalid("bin.too_many", mostListed).On("department")
	}
	return nil
}

// Decided refuses a residue about which nothing was said.
func (f Form) Decided(residue int64) error {
	switch {
	case residue == 0:
		return nil
	case !f.KeepResidue:
		return fault.Invalid("bin.residue_undecided", residue).On("residue")
	}
	if f := reasonFault(f.ResidueReason, "residue_reason"); f != nil {
		return f
	}
	return nil
}

func reasonFault(reason, field string) *fault.Fault {
	n := utf8.RuneCountInString(strings.TrimSpace(reason))
	switch {
	case n < LeastReason || !utf8.ValidString(reason):
		return fault.Invalid("bin.reason_needed", LeastReason).On(field)
	case n > mostReason:
		return fault.Invalid("bin.reason_long", mostReason).On(field)
	}
	return nil
}

type version struct {
	ConversationID id.Conversation
	Version        uint32
}

func frozenList(tx *db.Tx, draft uint64) ([]version, error) {
	var list []version
	err := tx.Model(&draftItem{}).Where("draft_id = ?", draft).Order("conversation_id").Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read frozen list: %w", err)
	}
	return list, nil
}

// fingerprint is SHA-256 over the lines "id:version" in ascending order of id.
func fingerprint(list []version) []byte {
	h := sha256.New()
	for _, v := range list {
		fmt.Fprintf(h, "%d:%d\n", v.ConversationID, v.Version)
	}
	return h.Sum(nil)
}
