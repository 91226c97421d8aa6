package report

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gorm.io/gorm"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// What a code can name.
const (
	NamesConversation = "conversation"
	NamesBatch        = "batch"
	NamesPurge        = "purge"
	NamesCertificate  = "certificate"
	NamesInspection   = "inspection"
	NamesAccess       = "access"
	NamesFinding      = "finding"
	NamesExport       = "export"
	NamesReport       = "report"
	NamesHold         = "hold"
	NamesImport       = "import"
	NamesSubject      = "subject"
)

// Named is what a code stands for.
type Named struct {
	Kind string
	ID   uint64
	Code string // as it is written; of a conversation empty, of a finding that of its inspection
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
	if m := findingCode.FindStringSubmatch(code); m != nil {
		return r.finding(ctx, by, m[1], m[2])
	}
	for _, k := range doors(by) {
		if strings.HasPrefix(code, k.prefix) && len(code) > len(k.prefix) {
			return r.coded(ctx, by, code, k)
		}
	}
	return nil, nil
}

// door is one kind of codes: who may know of them, and which of them one actor sees.
type door struct {
	prefix, kind string
	needs        account.Permission
	find         func(tx *db.Tx) *gorm.DB
	sees         func(tx *db.Tx, which uint64) (bool, error) // what a condition cannot say; nil: nothing
}

func doors(by account.Actor) []door {
	return []door{
		{prefix: "SC-", kind: NamesBatch, needs: account.BatchRead, find: func(tx *db.Tx) *gorm.DB {
			q := tx.Table("bin_batch t")
			if !by.Scope.All {
				q = q.Where("EXISTS (SELECT 1 FROM bin_item i WHERE i.batch_id = t.id AND i.department_id IN ?)", by.Scope.Listed())
			}
			return q
		}},
		{prefix: "PG-", kind: NamesPurge, needs: account.PurgeRead, find: func(tx *db.Tx) *gorm.DB { return purgesOf(tx.Table("purge_request t"), "t.id", by.Scope) }},
		{prefix: "CERT-", kind: NamesCertificate, needs: account.CertificateRead, find: func(tx *db.Tx) *gorm.DB {
			return purgesOf(tx.Table("certificate t"), "t.purge_id", by.Scope)
		}},
		{prefix: "XJ-", kind: NamesInspection, needs: account.InspectionRead, find: func(tx *db.Tx) *gorm.DB { return tx.Table("inspection t") }},
		{prefix: "DY-", kind: NamesAccess, needs: account.AccessRead, find: func(tx *db.Tx) *gorm.DB {
			return tx.Table("access_grant t").Where("t.id IN (?)", access.Visible(tx, by))
		}},
		{prefix: "EX-", kind: NamesExport, needs: account.ExportRead, find: func(tx *db.Tx) *gorm.DB { return exportsOf(tx.Table("export t"), by) }},
		{prefix: "AR-", kind: NamesReport, needs: account.ReportRead, find: func(tx *db.Tx) *gorm.DB {
			q := tx.Table("audit_report t")
			if whole(by) != nil {
				q = q.Where("1 = 0")
			}
			return q
		}},
		{
			prefix: "LH-", kind: NamesHold, needs: account.HoldRead, find: func(tx *db.Tx) *gorm.DB { return tx.Table("legal_hold t") },
			sees: func(tx *db.Tx, which uint64) (bool, error) { return hold.Seen(tx, by, id.Hold(which)) },
		},
		{prefix: "DSR-", kind: NamesSubject, needs: account.SubjectRead, find: func(tx *db.Tx) *gorm.DB { return tx.Table("subject_request t") }},
		{prefix: "IM-", kind: NamesImport, needs: account.ImportRead, find: func(tx *db.Tx) *gorm.DB {
			q := tx.Table("import_run t")
			if !by.Scope.All {
				q = q.Where("(t.owner_id = ? OR t.department_id IN ?)", by.ID, by.Scope.Listed())
			}
			return q
		}},
	}
}

func noSuchCode() error { return fault.NotFound("go.no_such_code") }

func (r *Reader) coded(ctx context.Context, by account.Actor, code string, k door) (*Named, error) {
	if !by.May(k.needs) || len(code) > 32 {
		return nil, noSuchCode()
	}
	var ids []uint64
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		ids = nil
		if err := k.find(tx).Where("t.code = ?", code).Select("t.id").Scan(&ids).Error; err != nil || len(ids) == 0 || k.sees == nil {
			return err
		}
		sees, err := k.sees(tx, ids[0])
		if !sees {
			ids = nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up code: %w", err)
	}
	if len(ids) == 0 {
		return nil, noSuchCode()
	}
	return &Named{Kind: k.kind, ID: ids[0], Code: code}, nil
}

// findingCode is the number of a finding, with its inspection or without.
var findingCode = regexp.MustCompile(`^(?:(XJ-[0-9]{4}Q[1-4])[ /-]?)?F-([0-9]{1,6})$`)

// finding looks for a finding that the actor sees: those who run or sign inspections see all, others
// those that they are to answer. Findings are numbered within their inspection; without one, the newest
// inspection that has the number is meant.
func (r *Reader) finding(ctx context.Context, by account.Actor, code, number string) (*Named, error) {
	if !by.May(account.InspectionRead) {
		return nil, noSuchCode()
	}
	var rows []struct {
		N    uint64
		Code string
	}
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		rows = nil
		q := tx.Table("inspection_finding f").Joins("JOIN inspection t ON t.id = f.inspection_id").Where("f.n = ?", number)
		if !by.May(account.InspectionRun) && !by.May(account.InspectionSign) {
			q = q.Where("f.owner_id = ?", by.ID)
		}
		if code != "" {
			q = q.Where("t.code = ?", code)
		}
		return q.Order("t.first_at DESC").Limit(1).Select("f.n, t.code").Scan(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("look up finding: %w", err)
	}
	if len(rows) == 0 {
		return nil, noSuchCode()
	}
	return &Named{Kind: NamesFinding, ID: rows[0].N, Code: rows[0].Code}, nil
}

// exportsOf keeps the exports that their own pages show to the actor.
func exportsOf(q *gorm.DB, by account.Actor) *gorm.DB {
	switch {
	case !by.May(account.ExportApprove) && !by.May(account.PurgeApproveSupervisor):
		return q.Where("t.owner_id = ?", by.ID)
	case by.Scope.All:
		return q
	}
	return q.Where("(t.owner_id = ? OR NOT EXISTS (SELECT 1 FROM export_department d WHERE d.export_id = t.id AND NOT "+db.In("d.department_id", by.Scope.Listed())+"))", by.ID)
}

// purgesOf keeps the purges that lie wholly in the scope, as their own pages do.
func purgesOf(q *gorm.DB, purge string, s account.Scope) *gorm.DB {
	if s.All {
		return q
	}
	return q.Where("EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = " + purge + ") AND " +
		"NOT EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = " + purge + " AND NOT " + db.In("d.department_id", s.Listed()) + ")")
}
