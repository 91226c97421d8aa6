package audit

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Certify writes the evidence file of a document whose digest leaf n carries. It
// signs a checkpoint first, so the file's proof ends in one that also stands
// outside. It may be repeated: the leaf is what makes the document true. The
// fault is not-found if there is no such leaf; proof.ErrNotProvable if the leaf
// carries another document's digest.
func (l *Log) Certify(ctx context.Context, n int64, format string, body any) ([]byte, error) {
	c, err := l.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	var leaf []byte
	var path tlog.RecordProof
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		var rows []leafRow
		if err := tx.Where("n = ?", n).Find(&rows).Error; err != nil {
			return fmt.Errorf("read leaf: %w", err)
		}
		if len(rows) != 1 || n >= c.Size {
			return fault.NotFound("audit.no_leaf")
		}
		leaf = rows[0].Leaf
		path, err = tlog.ProveRecord(c.Size, n, nodes(tx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return proof.Seal(format, body, l.Signer, c.Note, leaf, n, path)
}

// Export writes the whole log, up to a checkpoint signed now, as a bundle that
// proof.VerifyLog checks without this program's database.
func (l *Log) Export(ctx context.Context, w io.Writer) error {
	c, err := l.Checkpoint(ctx)
	if err != nil {
		return err
	}
	b, err := proof.NewBundle(w, l.Signer, c)
	if err != nil {
		return fmt.Errorf("export log: %w", err)
	}
	err = l.scan(ctx, 0, c.Size, func(p placed) error { return b.Leaf(p.Leaf, p.stored) })
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		return fmt.Errorf("export log: %w", err)
	}
	return nil
}
