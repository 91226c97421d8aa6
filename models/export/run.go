package export

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Runner makes exports: one step freezes the list, each further one writes a part. The process may die
// at any instant; the next worker begins the list or the part that was not finished anew.
func (d *Desk) Runner() job.Runner { return job.RunnerFunc(d.step) }

func (d *Desk) step(ctx context.Context, j *job.Job) (done bool, err error) {
	var e *Export
	err = d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		e, err = byID(tx, false, id.Export(j.Subject))
		return err
	})
	if err != nil {
		return false, err
	}
	if !e.State.making() {
		return true, d.DB.Write(ctx, func(tx *db.Tx) error { return job.Finish(tx, j) })
	}
	done, err = d.make(ctx, j, e)
	// What waiting will not cure is the end of the export; the rest is tried again.
	if f, ok := fault.Of(err); ok && f.Kind != fault.KindBusy && !errors.Is(err, job.ErrFenced) && !audit.Halted(err) {
		return true, d.fail(ctx, j, e, f)
	}
	return done, err
}

func (d *Desk) make(ctx context.Context, j *job.Job, e *Export) (done bool, err error) {
	if !genuine(d.Vault.Store, e) {
		return false, fault.Conflict("export.forged")
	}
	by, err := d.owner(ctx, e)
	if err != nil {
		return false, err
	}
	switch e.State {
	case Queued:
		return false, d.begin(ctx, j, e)
	case Freezing:
		return false, d.freeze(ctx, j, e, by)
	}
	return d.nextPart(ctx, j, e, by)
}

// owner is the person who asked, with the role and the departments of now. The fault is forbidden when
// they may not take this out any more.
func (d *Desk) owner(ctx context.Context, e *Export) (account.Actor, error) {
	by, err := d.Accounts.Actor(ctx, e.OwnerID, "worker")
	if err != nil {
		return by, err
	}
	by.RequestID = e.Code
	if by.PersonID != e.OwnerPerson {
		return by, fault.Forbidden("export.not_yours")
	}
	return by, d.entitled(by, e)
}

// entitled looks whether a role may still take an export out. Person and departments are looked at
// besides.
func (d *Desk) entitled(by account.Actor, e *Export) error {
	w, err := d.openWish(e)
	if err != nil {
		return err
	}
	again := Wish{Selection: w.selection(), Mask: e.Mask}
	return again.allowed(by)
}

// begin looks at the consent and makes the key.
func (d *Desk) begin(ctx context.Context, j *job.Job, e *Export) error {
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := d.lock(tx, e)
		if err != nil {
			return err
		}
		if now.State != Queued {
			return job.ErrFenced
		}
		if err := job.Advance(tx, j, 0, 0); err != nil {
			return err
		}
		if err := d.consent(tx, now); err != nil {
			return err
		}
		if err := d.newKey(tx, now); err != nil {
			return err
		}
		now.State = Freezing
		if err := d.store(tx, now, Queued); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: systemActor(), Action: "export.started", ObjectKind: "export", Object: now.Code, Count: now.Asked, Data: map[string]any{"key_bucket": now.BucketID},
		})
	})
}

// listPage is how many conversations are frozen in one transaction.
const listPage = 1000

// freeze writes the list down: everything that the selection matches in one state of the database, a
// page at a time. What an earlier attempt left is thrown away first.
func (d *Desk) freeze(ctx context.Context, j *job.Job, e *Export, by account.Actor) error {
	if err := d.forgetItems(ctx, j, e.ID); err != nil {
		return err
	}
	w, err := d.openWish(e)
	if err != nil {
		return err
	}
	l := list{desk: d, job: j, export: e}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		s := w.selection()
		m, err := d.match(tx, by, &s)
		if err != nil {
			return err
		}
		if l.shares, err = m.departments(tx); err != nil {
			return err
		}
		return l.copy(ctx, tx, m)
	})
	if err != nil {
		return err
	}
	return l.finish(ctx)
}

// forgetItems removes items in pieces, so that no statement holds many rows.
func (d *Desk) forgetItems(ctx context.Context, j *job.Job, e id.Export) error {
	for more := true; more; {
		err := d.DB.Write(ctx, func(tx *db.Tx) error {
			var last []int64
			err := tx.Model(&Item{}).Where("export_id = ?", e).Order("seq").Limit(listPage).Pluck("seq", &last).Error
			if err != nil {
				return fmt.Errorf("find old items: %w", err)
			}
			if more = len(last) > 0; !more {
				return nil
			}
			if err := job.Advance(tx, j, 0, 0); err != nil {
				return err
			}
			return tx.Where("export_id = ? AND seq <= ?", e, last[len(last)-1]).Delete(&Item{}).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// list is a list on its way.
type list struct {
	desk   *Desk
	job    *job.Job
	export *Export
	shares []share
	size   int64
	lines  proof.Lines
	// The part that is being filled: its number, conversations and messages.
	part, in, messages int
}

// place gives the part of the next conversation. A part ends after so many conversations or messages,
// whichever comes first.
func (l *list) place(messages int) int {
	f := l.export.Format
	if l.part == 0 || l.in >= l.desk.partSize(f) || l.messages >= file.Messages(f) {
		l.part, l.in, l.messages = l.part+1, 0, 0
	}
	l.in++
	l.messages += messages
	return l.part
}

func (l *list) copy(ctx context.Context, tx *db.Tx, m match) error {
	for last := id.Conversation(0); ; {
		var rows []struct {
			conversation.Conversation
			Digest []byte
		}
		err := m.of(tx).Joins("LEFT JOIN conversation_body cb ON cb.id = conversation.id").Where("conversation.id > ?", last).
			Order("conversation.id").Limit(listPage).
			Select("conversation.id, conversation.platform, conversation.department_id, conversation.version, conversation.messages, cb.digest").Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("read the selection: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		items := make([]Item, len(rows))
		for i, r := range rows {
			items[i] = Item{
				ExportID: l.export.ID, Seq: l.size + int64(i) + 1, ConversationID: r.ID, Code: r.Code(), DepartmentID: r.DepartmentID,
				Version: r.Version, Digest: orEmpty(r.Digest), State: ItemFrozen, Part: l.place(r.Messages),
			}
			l.lines.Add(items[i].line())
		}
		l.size += int64(len(items))
		last = rows[len(rows)-1].ID
		err = l.desk.DB.Write(ctx, func(tx *db.Tx) error {
			if err := job.Advance(tx, l.job, 0, 0); err != nil {
				return err
			}
			if err := tx.Create(&items).Error; err != nil {
				return fmt.Errorf("store items: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// finish compares the list with the count of the same state and lets the parts begin.
func (l *list) finish(ctx context.Context) error {
	d := l.desk
	matched := total(l.shares)
	switch {
	case l.size != matched:
		return fmt.Errorf("the list of %s has %d of %d conversations", l.export.Code, l.size, matched)
	case l.size == 0:
		return fault.Gone("export.nothing_left")
	}
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		e, err := d.lock(tx, l.export)
		if err != nil {
			return err
		}
		var stored int64
		if err := tx.Model(&Item{}).Where("export_id = ?", e.ID).Count(&stored).Error; err != nil {
			return fmt.Errorf("count items: %w", err)
		}
		if e.State != Freezing || stored != l.size {
			return job.ErrFenced
		}
		e.Matched, e.Size = matched, l.size
		// A selection that grew past what one person may take out alone needs the second one after all.
		if len(e.NeedsApproval()) > 0 && e.ApprovalID == 0 {
			return fault.Conflict("export.grew", e.Asked, matched)
		}
		root := l.lines.Root()
		e.State, e.ManifestRoot, e.FrozenAt = Running, root[:], &tx.Now
		e.Parts = l.part
		if err := keepShares(tx, e.ID, l.shares); err != nil {
			return err
		}
		if err := job.Total(tx, l.job, e.Size); err != nil {
			return err
		}
		if err := job.Advance(tx, l.job, 0, 0); err != nil {
			return err
		}
		if err := d.store(tx, e, Freezing); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: systemActor(), Action: "export.frozen", ObjectKind: "export", Object: e.Code, Department: only(l.shares), Count: e.Size,
			Data: map[string]any{"root": e.Fingerprint(), "asked": e.Asked, "matched": e.Matched, "parts": e.Parts},
		})
	})
}

// fail ends an export for a reason that waiting will not cure.
func (d *Desk) fail(ctx context.Context, j *job.Job, e *Export, f *fault.Fault) error {
	var ended *Export
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if ended, err = byID(tx, true, e.ID); err != nil {
			return err
		}
		if err := job.Finish(tx, j); err != nil {
			return err
		}
		if !ended.State.making() {
			return nil
		}
		return d.failed(tx, ended, f.Key)
	})
	if err != nil {
		return err
	}
	return d.clear(ended)
}

// failed ends an export that could not be made, with its entry.
func (d *Desk) failed(tx *db.Tx, e *Export, why string) error {
	e.close(tx.Now, account.Actor{}, why)
	if err := d.end(tx, e, Failed); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: systemActor(), Action: "export.failed", ObjectKind: "export", Object: e.Code, Count: e.Written, Result: audit.ResultFailed, Data: map[string]any{"why": why},
	})
}
