package export

import (
	"encoding/hex"
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
)

// line is the one spelling of a conversation under the root of the frozen list, version 1.
func (i *Item) line() []byte {
	return fmt.Appendf(nil, "qingdang/export/v1\n%d\n%d\n%s\n%d\n%s\n%d\n", i.Seq, i.ConversationID, i.Code, i.Version, hex.EncodeToString(i.Digest), i.DepartmentID)
}

// outcome is the one spelling of what became of it.
func (i *Item) outcome() []byte {
	return fmt.Appendf(nil, "qingdang/export/outcome/v1\n%d\n%d\n%s\n%s\n%d\n", i.Seq, i.ConversationID, i.State.code(), i.Reason, i.Part)
}

func (s ItemState) code() string {
	switch s {
	case ItemWritten:
		return "written"
	case ItemLeft:
		return "left_out"
	}
	return "frozen"
}

// partLine is the one spelling of a file under the root of the files.
func (e *Export) partLine(p *Part) []byte {
	return fmt.Appendf(nil, "qingdang/export/file/v1\n%s\n%d\n%s\n%d\n%d\n", e.partName(p.N), p.PlainBytes, hex.EncodeToString(p.PlainSHA256), p.FirstSeq, p.LastSeq)
}

// eachItem gives the list in its order, read a page at a time.
func eachItem(tx *db.Tx, e id.Export, do func(*Item) error) error {
	for next := int64(1); ; {
		var items []Item
		if err := tx.Where("export_id = ? AND seq >= ?", e, next).Order("seq").Limit(listPage).Find(&items).Error; err != nil {
			return fmt.Errorf("read items: %w", err)
		}
		if len(items) == 0 {
			return nil
		}
		for i := range items {
			if err := do(&items[i]); err != nil {
				return err
			}
		}
		next = items[len(items)-1].Seq + 1
	}
}

func eachPart(tx *db.Tx, e *Export, do func(*Part) error) error {
	var all []Part
	if err := tx.Where("export_id = ?", e.ID).Order("n").Find(&all).Error; err != nil {
		return fmt.Errorf("read parts: %w", err)
	}
	for i := range all {
		if err := do(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
