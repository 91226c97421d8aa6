package purge

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/mask"
)

// csvHead names the columns of a manifest file: facts about conversations, none of their words.
// Manifest root and outcome root can be computed from them again, which qingdang-verify does.
var csvHead = []string{
	"seq", "conversation", "version", "ciphertext_sha256", "department_id", "department", "platform", "service_type",
	"messages", "attachments", "bytes", "last_message_at", "outcome", "reason",
}

// ManifestCSV writes the frozen list. The reading is audited before anything is written.
func (d *Desk) ManifestCSV(ctx context.Context, by account.Actor, p id.Purge, w io.Writer) error {
	paths := map[id.Department]string{}
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := visible(tx, by, p)
		if err != nil {
			return err
		}
		shares, err := sharesStored(tx, p)
		if err != nil {
			return err
		}
		for _, s := range shares {
			paths[s.DepartmentID] = s.Path
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "purge.list_downloaded", ObjectKind: "purge", Object: r.Code, Count: r.Size,
			Data: map[string]any{"root": hexOf(r.Root)},
		})
	})
	if err != nil {
		return d.unseen(ctx, by, p, err)
	}
	out := csv.NewWriter(w)
	if err := out.Write(csvHead); err != nil {
		return err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		return eachItem(tx, p, func(items []Item) error {
			for i := range items {
				if err := out.Write(items[i].record(paths)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

func (i *Item) record(paths map[id.Department]string) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		number(i.Seq), conversation.Code(i.ConversationID, i.Platform), number(int64(i.Version)), hexOf(i.Digest),
		id.String(i.DepartmentID), mask.Cell(paths[i.DepartmentID]), mask.Cell(i.Platform), mask.Cell(i.ServiceType), number(int64(i.Messages)), number(int64(i.Attachments)),
		number(i.Bytes), i.LastAt.UTC().Format(time.RFC3339), string(i.State), string(i.Reason),
	}
}
