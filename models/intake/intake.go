// Package intake owns importing: reading platform exports (package format) and storing
// what they bring, so that the same file a second time adds nothing.
package intake

import (
	"context"
	"fmt"
	"iter"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/intake/format"
)

// Importer stores the conversations of exported files.
type Importer struct {
	DB    *db.DB
	Vault conversation.Vault
}

// Options say how one file is imported. Department is where conversations go whose
// department is missing or unknown; 0 rejects them. Stored is told after each batch how
// many conversations are stored.
type Options struct {
	Format     string
	Department id.Department
	TempDir    string
	Limits     format.Limits
	Progress   func(bytesRead, total int64)
	Stored     func(conversations int64) error
}

// Report is the outcome for one file. The counts of format.Report follow the counting
// rules and are the same whenever the file is imported; the Added ones tell what was new.
type Report struct {
	format.Report
	AddedConversations int64
	AddedMessages      int64
	PurgedBefore       int64 // conversations that were destroyed before and stay so
}

const (
	batchSize  = 500
	batchBytes = 8 << 20
)

// Reasons for which a whole conversation is rejected here, beside those of package format.
const (
	ReasonNoDepartment      = "import.reason.no_department"
	ReasonUnknownDepartment = "import.reason.unknown_department"
	ReasonFieldTooLong      = "import.reason.field_too_long"
	ReasonTooLarge          = "import.reason.conversation_too_large"
)

// Import reads a file and stores its conversations, a few hundred per transaction. A file
// that cannot be read is told in Report.FileError and stores nothing. The fault is forbidden
// without the permission or outside the actor's departments.
func (im *Importer) Import(ctx context.Context, by account.Actor, src format.Source, opt Options) (*Report, error) {
	if err := by.Require(account.ImportRun); err != nil {
		return nil, err
	}
	if opt.Department != 0 {
		if err := by.Require(account.ImportRun, opt.Department); err != nil {
			return nil, err
		}
	}
	run := &run{Importer: im, by: by, opt: opt, report: &Report{}}
	err := im.DB.Read(ctx, func(tx *db.Tx) (err error) {
		run.tree, err = department.Load(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	if opt.Department != 0 {
		if err := run.tree.Known(opt.Department); err != nil {
			return nil, err
		}
	}
	read, err := format.Read(ctx, src, format.Options{Format: opt.Format, Limits: opt.Limits, TempDir: opt.TempDir, Progress: opt.Progress},
		func(c *format.Conversation) error { return run.take(ctx, c) })
	if err == nil {
		err = run.flush(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	run.finish(read)
	return run.report, nil
}

// Add stores conversations that a program made, as Import does those of a file. One whose
// department is unknown ends it.
func (im *Importer) Add(ctx context.Context, by account.Actor, all iter.Seq[*format.Conversation]) error {
	if err := by.Require(account.ImportRun); err != nil {
		return err
	}
	run := &run{Importer: im, by: by, report: &Report{}}
	err := im.DB.Read(ctx, func(tx *db.Tx) (err error) {
		run.tree, err = department.Load(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	for c := range all {
		if err := run.take(ctx, c); err != nil {
			return err
		}
	}
	if n := run.refused.conversations; n > 0 {
		return fmt.Errorf("%d conversations have no place: %v", n, run.refused.rejects[0])
	}
	return run.flush(ctx)
}
