package export

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"time"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/export/file"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/retention"
)

const (
	partPage = 200 // conversations opened at a time
	pulse    = 5 * time.Second
)

// nextPart writes the next part, or when all are there makes the export ready.
func (d *Desk) nextPart(ctx context.Context, j *job.Job, e *Export, by account.Actor) (done bool, err error) {
	var written int64
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&Part{}).Where("export_id = ?", e.ID).Count(&written).Error
	})
	if err != nil {
		return false, fmt.Errorf("count parts: %w", err)
	}
	if int(written) >= e.Parts {
		return true, d.ready(ctx, j, e)
	}
	p, err := d.newPart(ctx, e, by, int(written)+1)
	if err != nil {
		return false, err
	}
	// What a worker that died left of this part can be read by nobody, and is in the way.
	old, err := d.files(partPrefix(e, p.row.N), time.Time{})
	if err == nil {
		err = d.remove(old...)
	}
	if err == nil {
		err = p.write(ctx, j)
	}
	if err == nil {
		err = p.commit(ctx, j)
	}
	// A commit whose answer was lost may have happened; then the row names the file, and Sweep decides.
	if err != nil && !errors.Is(err, db.ErrCommitUnknown) {
		err = errors.Join(err, d.remove(p.row.File))
	}
	return false, err
}

// part is one part on its way to the shelf.
type part struct {
	desk    *Desk
	export  *Export
	by      account.Actor
	never   conversation.Personal // of a backup that is not masked: what it may not keep (REQUIREMENTS C13)
	holder  string
	row     Part
	special map[Reason][]int64 // seqs
	left    int64
	tree    *department.Tree
	beat    time.Time
}

func (d *Desk) newPart(ctx context.Context, e *Export, by account.Actor, n int) (*part, error) {
	p := &part{
		desk: d, export: e, by: by, special: map[Reason][]int64{}, beat: time.Now(),
		row: Part{
			ExportID: e.ID, N: n, File: partPrefix(e, n) + rand.Text() + partEnding,
		},
	}
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if e.Kind == OfBatch && e.Mask != MaskAll {
			if p.never, err = retention.NeverKeep(tx); err != nil {
				return err
			}
		}
		return tx.Model(&Item{}).Where("export_id = ? AND part = ?", e.ID, n).Select("COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0)").Row().Scan(&p.row.FirstSeq, &p.row.LastSeq)
	})
	if err != nil {
		return nil, fmt.Errorf("part %d of %s: %w", n, e.Code, err)
	}
	if p.row.FirstSeq == 0 {
		return nil, fmt.Errorf("part %d of %s has no conversations", n, e.Code)
	}
	w, err := d.openWish(e)
	if err != nil {
		return nil, err
	}
	if p.holder = w.Recipient; p.holder == "" {
		p.holder = e.OwnerName + " " + e.OwnerStaffNo
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of exports: %w", err)
	}
	return p, nil
}

// tally hashes and counts what goes through.
type tally struct {
	hash hash.Hash
	n    int64
	to   io.Writer
}

func newTally(to io.Writer) *tally { return &tally{hash: sha256.New(), to: to} }

// Write is part of io.Writer.
func (t *tally) Write(b []byte) (int, error) {
	n, err := t.to.Write(b)
	t.hash.Write(b[:n])
	t.n += int64(n)
	return n, err
}

// write makes the file: nothing reaches the disk but what age has sealed.
func (p *part) write(ctx context.Context, j *job.Job) (err error) {
	key, err := p.desk.key(p.export)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.desk.path(p.row.File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create part: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
			err = syncDir(p.desk.Dir)
		}
	}()
	outer := newTally(f)
	sealed, err := age.Encrypt(outer, key.Recipient())
	if err != nil {
		return fmt.Errorf("seal part: %w", err)
	}
	inner := newTally(sealed)
	if err := p.fill(ctx, j, inner); err != nil {
		return err
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("seal part: %w", err)
	}
	p.row.Bytes, p.row.SHA256 = outer.n, outer.hash.Sum(nil)
	p.row.PlainBytes, p.row.PlainSHA256 = inner.n, inner.hash.Sum(nil)
	return nil
}

func (p *part) fill(ctx context.Context, j *job.Job, w io.Writer) error {
	begin := p.desk.New
	if begin == nil {
		begin = file.New
	}
	out, err := begin(p.export.Format, w, p.options())
	if err != nil {
		return fmt.Errorf("begin part: %w", err)
	}
	for seq := p.row.FirstSeq; seq <= p.row.LastSeq; seq += partPage {
		page, err := p.page(ctx, seq, min(seq+partPage-1, p.row.LastSeq))
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := out.Add(c); err != nil {
				return fmt.Errorf("write part: %w", err)
			}
		}
		if err := p.alive(ctx, j, seq); err != nil {
			return err
		}
	}
	sum, err := out.Close()
	if err != nil {
		return fmt.Errorf("end part: %w", err)
	}
	p.row.Conversations, p.row.Messages, p.row.Replaced = int64(sum.Conversations), int64(sum.Messages), int64(sum.Replaced)
	if want := p.row.LastSeq - p.row.FirstSeq + 1 - p.left; p.row.Conversations != want {
		return fmt.Errorf("part %d of %s has %d of %d conversations", p.row.N, p.export.Code, p.row.Conversations, want)
	}
	return nil
}

func (p *part) options() file.Options {
	e := p.export
	return file.Options{
		Lang: e.Lang, Zone: p.desk.Zone, Code: e.Code, Title: p.desk.Organisation, Purpose: e.Purpose, By: e.OwnerName + " " + e.OwnerStaffNo, Holder: p.holder,
		Made: *e.FrozenAt, Masked: string(e.Mask), Part: p.row.N, Parts: e.Parts, Fingerprint: e.Fingerprint(), From: int(p.row.FirstSeq),
	}
}

// alive keeps the job's lease while a part takes long.
func (p *part) alive(ctx context.Context, j *job.Job, at int64) error {
	if time.Since(p.beat) < pulse {
		return nil
	}
	p.beat = time.Now()
	return p.desk.DB.Write(ctx, func(tx *db.Tx) error { return job.Advance(tx, j, j.Pos, at) })
}

// page opens some conversations of the list, in its order, and notes those that are special.
func (p *part) page(ctx context.Context, from, to int64) (out []*file.Conversation, err error) {
	err = p.desk.DB.Read(ctx, func(tx *db.Tx) error {
		out = nil
		var items []Item
		if err := tx.Where("export_id = ? AND seq BETWEEN ? AND ?", p.export.ID, from, to).Order("seq").Find(&items).Error; err != nil {
			return fmt.Errorf("read items: %w", err)
		}
		o, err := p.load(tx, items)
		if err != nil {
			return err
		}
		for i := range items {
			c, why := o.show(p, &items[i])
			if why != "" {
				p.special[why] = append(p.special[why], items[i].Seq)
			}
			if c == nil {
				p.left++
				continue
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// opened is what is stored of some conversations now.
type opened struct {
	rows   map[id.Conversation]*conversation.Conversation
	bodies map[id.Conversation]*conversation.Body
	keys   map[id.Conversation]*conversation.Key
	tags   map[id.Conversation][]string
	held   map[id.Conversation][]hold.Hold
	sealed []id.Conversation // that are not for the export's owner
}

func (p *part) load(tx *db.Tx, items []Item) (o *opened, err error) {
	ids := make([]id.Conversation, len(items))
	for i := range items {
		ids[i] = items[i].ConversationID
	}
	o = &opened{rows: map[id.Conversation]*conversation.Conversation{}}
	var rows []conversation.Conversation
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	for i := range rows {
		o.rows[rows[i].ID] = &rows[i]
	}
	if o.bodies, o.keys, err = conversation.Bodies(tx, ids); err != nil {
		return nil, err
	}
	if o.tags, err = conversation.Tags(tx, ids); err != nil {
		return nil, err
	}
	set, err := id.NewSet(ids...)
	if err != nil {
		return nil, err
	}
	if o.held, err = hold.Covering(tx, set, false); err != nil {
		return nil, err
	}
	if !p.by.May(account.ConversationSealed) {
		if o.sealed, err = conversation.UnderSealOf(tx, ids); err != nil {
			return nil, err
		}
	}
	if p.tree == nil {
		if p.tree, err = department.Load(tx); err != nil {
			return nil, fmt.Errorf("load departments: %w", err)
		}
	}
	return o, nil
}

// show opens one conversation; nil leaves it out, for the reason.
func (o *opened) show(p *part, it *Item) (*file.Conversation, Reason) {
	c := o.rows[it.ConversationID]
	switch {
	case c == nil || c.State == conversation.Purging:
		return nil, ReasonPurged
	case !p.by.Scope.Has(c.DepartmentID), slices.Contains(o.sealed, c.ID):
		return nil, ReasonScope
	}
	var doc *conversation.Document
	why := Reason("")
	if b, k := o.bodies[c.ID], o.keys[c.ID]; b != nil && k != nil {
		doc, _ = p.desk.Vault.Open(b, k)
	}
	switch {
	case doc == nil:
		why = ReasonUnreadable
	case p.never != 0 && p.never&doc.Personal() != 0:
		return nil, ReasonNeverKeep
	case c.Version != it.Version:
		why = ReasonChanged
	}
	out := p.export.Mask.shown(c, doc)
	out.Department, out.Tags, out.Held = p.tree.Path(c.DepartmentID), o.tags[c.ID], len(o.held[c.ID]) > 0
	return out, why
}

// leftOut are the reasons of what is not in the file.
var leftOut = []Reason{ReasonPurged, ReasonScope, ReasonNeverKeep}

// commit writes the part down. A worker that lost the job does not get here.
func (p *part) commit(ctx context.Context, j *job.Job) error {
	return p.desk.DB.Write(ctx, func(tx *db.Tx) error {
		e, err := p.desk.lock(tx, p.export)
		if err != nil {
			return err
		}
		if e.State != Running {
			return job.ErrFenced
		}
		if err := job.Advance(tx, j, int64(p.row.N), p.row.LastSeq); err != nil {
			return err
		}
		p.row.CreatedAt = tx.Now
		if err := tx.Create(&p.row).Error; err != nil {
			return fmt.Errorf("store part: %w", err)
		}
		if err := p.settle(tx); err != nil {
			return err
		}
		e.Written += p.row.Conversations
		e.LeftOut += p.left
		e.Unreadable += int64(len(p.special[ReasonUnreadable]))
		e.Messages += p.row.Messages
		e.Bytes += p.row.Bytes
		if err := p.desk.store(tx, e, Running); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: systemActor(), Action: "export.part_written", ObjectKind: "export", Object: e.Code, Count: p.row.Conversations,
			Data: map[string]any{"part": p.row.N, "left_out": p.left, "file_sha256": fmt.Sprintf("%x", p.row.PlainSHA256)},
		})
	})
}

// settle notes what became of the part's items.
func (p *part) settle(tx *db.Tx) error {
	set := func(fields map[string]any, cond string, args ...any) error {
		q := tx.Model(&Item{}).Where("export_id = ? AND seq BETWEEN ? AND ?", p.export.ID, p.row.FirstSeq, p.row.LastSeq)
		if cond != "" {
			q = q.Where(cond, args...)
		}
		if err := q.Updates(fields).Error; err != nil {
			return fmt.Errorf("note items: %w", err)
		}
		return nil
	}
	if err := set(map[string]any{"state": ItemWritten}, ""); err != nil {
		return err
	}
	for why, seqs := range p.special {
		fields := map[string]any{"reason": why}
		for _, l := range leftOut {
			if l == why {
				fields["state"] = ItemLeft
			}
		}
		if err := set(fields, "seq IN ?", seqs); err != nil {
			return err
		}
	}
	return nil
}

// ready compares the parts with the list and lets the export be fetched.
func (d *Desk) ready(ctx context.Context, j *job.Job, e *Export) error {
	var outcomes, files proof.Lines
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		outcomes, files = proof.Lines{}, proof.Lines{}
		var list proof.Lines
		err := eachItem(tx, e.ID, func(it *Item) error {
			list.Add(it.line())
			outcomes.Add(it.outcome())
			return nil
		})
		if err != nil {
			return err
		}
		if root := list.Root(); list.Size() != e.Size || string(root[:]) != string(e.ManifestRoot) {
			return fmt.Errorf("the list of %s was changed", e.Code)
		}
		return eachPart(tx, e, func(p *Part) error {
			files.Add(e.partLine(p))
			return nil
		})
	})
	if err != nil {
		return err
	}
	outcome, parts := outcomes.Root(), files.Root()
	return d.DB.Write(ctx, func(tx *db.Tx) error {
		e, err := d.lock(tx, e)
		if err != nil {
			return err
		}
		if e.State != Running {
			return job.ErrFenced
		}
		var left, written int64
		err = tx.Model(&Item{}).Where("export_id = ?", e.ID).
			Select("SUM(CASE WHEN state = ? THEN 1 ELSE 0 END), SUM(CASE WHEN state = ? THEN 1 ELSE 0 END)", ItemWritten, ItemLeft).Row().Scan(&written, &left)
		if err != nil {
			return fmt.Errorf("count items: %w", err)
		}
		if written != e.Written || left != e.LeftOut || written+left != e.Size {
			return fmt.Errorf("%s: %d written and %d left out of %d", e.Code, written, left, e.Size)
		}
		until := tx.Now.Add(time.Duration(e.Days) * day)
		e.State, e.ReadyAt, e.ExpiresAt = Ready, &tx.Now, &until
		if err := d.store(tx, e, Running); err != nil {
			return err
		}
		if err := job.Finish(tx, j); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: systemActor(), Action: "export.made", ObjectKind: "export", Object: e.Code, Count: e.Written,
			Data: map[string]any{
				"root": e.Fingerprint(), "outcome_root": fmt.Sprintf("%x", outcome), "files_root": fmt.Sprintf("%x", parts), "parts": e.Parts, "left_out": e.LeftOut,
				"unreadable": e.Unreadable, "messages": e.Messages, "expires_at": until,
			},
		})
	})
}
