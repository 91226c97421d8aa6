package report

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// What a code can name.
const (
	NamesConversation = "conversation"
	NamesBatch        = "batch"
	NamesPurge        = "purge"
	NamesCertificate  = "certificate"
	NamesInspection   = "inspection"
)

// Named is what a code stands for.
type Named struct {
	Kind string
	ID   uint64
	Code string // as it is written; of a conversation empty
}

// Code tells what a code that people write stands for. A text that is no code gives nothing
// and no fault; a code of something that is not there, or that the actor may not know
// of, is not found.
func (r *Reader) Code(ctx context.Context, by account.Actor, text string) (*Named, error) {
	code := strings.ToUpper(strings.TrimSpace(text))
	if c, ok := conversation.ParseCode(code); ok {
		// Whether it is there, its own page says, in the same words for all who may not know.
		return &Named{Kind: NamesConversation, ID: uint64(c)}, nil
	}
	for _, k := range []struct {
		prefix, kind string
		needs        account.Permission
		find         func(tx *db.Tx) *gorm.DB
	}{
		{"SC-", NamesBatch, account.BatchRead, func(tx *db.Tx) *gorm.DB {
			q := tx.Table("bin_batch t")
			if !by.Scope.All {
				q = q.Where("EXISTS (SELECT 1 FROM bin_item i WHERE i.batch_id = t.id AND i.department_id IN ?)", by.Scope.Departments.Values())
			}
			return q
		}},
		{"PG-", NamesPurge, account.PurgeRead, func(tx *db.Tx) *gorm.DB { return purgesOf(tx.Table("purge_request t"), "t.id", by.Scope) }},
		{"CERT-", NamesCertificate, account.CertificateRead, func(tx *db.Tx) *gorm.DB { return purgesOf(tx.Table("certificate t"), "t.purge_id", by.Scope) }},
		{"XJ-", NamesInspection, account.InspectionRead, func(tx *db.Tx) *gorm.DB { return tx.Table("inspection t") }},
	} {
		if strings.HasPrefix(code, k.prefix) && len(code) > len(k.prefix) {
			return r.coded(ctx, by, code, k.kind, k.needs, k.find)
		}
	}
	return nil, nil
}

func (r *Reader) coded(ctx context.Context, by account.Actor, code, kind string, needs account.Permission, find func(*db.Tx) *gorm.DB) (*Named, error) {
	none := fault.NotFound("go.no_such_code")
	if !by.May(needs) || len(code) > 32 {
		return nil, none
	}
	var ids []uint64
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		ids = nil
		return find(tx).Where("t.code = ?", code).Select("t.id").Scan(&ids).Error
	})
	if err != nil {
		return nil, fmt.Errorf("look up code: %w", err)
	}
	if len(ids) == 0 {
		return nil, none
	}
	return &Named{Kind: kind, ID: ids[0], Code: code}, nil
}

// purgesOf keeps the purges that lie wholly in the scope, as their own pages do.
func purgesOf(q *gorm.DB, purge string, s account.Scope) *gorm.DB {
	if s.All {
		return q
	}
	return q.Where("EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = "+purge+") AND "+
		"NOT EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = "+purge+" AND d.department_id NOT IN ?)", s.Departments.Values())
}
