// Package intake owns importing: reading platform exports (package format) and storing
// what they bring, so that the same file a second time adds nothing.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
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

// run is one file on its way in.
type run struct {
	*Importer
	by      account.Actor
	opt     Options
	tree    *department.Tree
	report  *Report
	batch   []pending
	size    int
	refused count
	purged  count
}

type pending struct {
	from *format.Conversation
	new  conversation.New
}

// count is what conversations that were not stored held; the conversations themselves are
// not kept, so that memory stays flat however many there are.
type count struct {
	conversations, messages, recalled int
	rejects                           []format.Reject
	rejectsMore                       int
}

func (n *count) add(c *format.Conversation) {
	n.conversations++
	n.messages += len(c.Messages)
	for _, m := range c.Messages {
		if m.Recalled {
			n.recalled++
		}
	}
}

const rejectDetails = 1000

func (r *run) refuse(c *format.Conversation, reason string) {
	r.refused.add(c)
	if len(r.refused.rejects) == rejectDetails {
		r.refused.rejectsMore++
		return
	}
	r.refused.rejects = append(r.refused.rejects, format.Reject{Position: c.Position, Reason: reason})
}

func (r *run) take(ctx context.Context, c *format.Conversation) error {
	dep, reason := r.place(c)
	if reason == "" && tooLong(c) {
		reason = ReasonFieldTooLong
	}
	if reason != "" {
		r.refuse(c, reason)
		return nil
	}
	n := convert(c, dep, r.tree.Levels(dep))
	r.batch = append(r.batch, pending{c, n})
	for _, m := range c.Messages {
		r.size += len(m.Text) + 64
	}
	if len(r.batch) < batchSize && r.size < batchBytes {
		return nil
	}
	return r.flush(ctx)
}

// place finds the department. Departments outside the actor's scope are unknown to him.
func (r *run) place(c *format.Conversation) (id.Department, string) {
	reason := ReasonNoDepartment
	if c.DepartmentCode != "" || c.DepartmentPath != "" {
		reason = ReasonUnknownDepartment
		d, ok := r.tree.ByPath(c.DepartmentPath)
		if !ok {
			d, ok = r.tree.ByCode(c.DepartmentCode)
		}
		if ok && r.by.Scope.Has(d.ID) {
			return d.ID, ""
		}
	}
	if r.opt.Department != 0 {
		return r.opt.Department, ""
	}
	return 0, reason
}

// tooLong tells whether a field of the row would not fit its column. Cutting an id could make
// two of one, so it is refused.
func tooLong(c *format.Conversation) bool {
	over := func(s string, n int) bool { return utf8.RuneCountInString(s) > n }
	return over(c.Platform, 32) || over(c.ServiceType, 32) || over(c.AgentID, 100) || over(c.AgentName, 100) ||
		slices.ContainsFunc(c.Tags, func(t string) bool { return over(t, 64) })
}

func convert(c *format.Conversation, dep id.Department, levels [3]id.Department) conversation.New {
	n := conversation.New{
		Platform: c.Platform, DepartmentID: dep, Levels: levels, ServiceType: c.ServiceType,
		AgentID: c.AgentID, AgentName: c.AgentName, Tags: c.Tags,
		Document: conversation.Document{
			ExternalID: c.ExternalID, CustomerID: c.CustomerID, CustomerName: c.CustomerName, OrderNo: c.OrderNo,
			Messages: make([]conversation.Message, len(c.Messages)),
		},
	}
	switch c.OrderState {
	case "open":
		n.OrderState = conversation.OrderOpen
	case "closed":
		n.OrderState = conversation.OrderClosed
	}
	for i, m := range c.Messages {
		n.Document.Messages[i] = conversation.Message{
			ID: m.ID, Sender: conversation.Sender(m.Sender), SenderName: m.SenderName, At: conversation.MicrosOf(m.At),
			Kind: m.Kind, Text: m.Text, Attachment: m.Attachment, Recalled: m.Recalled,
		}
	}
	return n
}

// flush stores the batch in one transaction with one audit leaf. If one of its conversations
// cannot be stored, it is found by storing them one by one, so that none costs another.
func (r *run) flush(ctx context.Context) error {
	batch := r.batch
	r.batch, r.size = nil, 0
	if len(batch) == 0 {
		return nil
	}
	err := r.store(ctx, batch)
	if fault.KindOf(err) == fault.KindInvalid || db.Duplicate(err) {
		for _, p := range batch {
			err = r.store(ctx, []pending{p})
			if fault.KindOf(err) == fault.KindInvalid {
				r.refuse(p.from, ReasonTooLarge)
				err = nil
			}
			if err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	if r.opt.Stored != nil {
		return r.opt.Stored(int64(r.report.AddedConversations))
	}
	return nil
}

func (r *run) store(ctx context.Context, batch []pending) error {
	items := make([]conversation.New, len(batch))
	for i, p := range batch {
		items[i] = p.new
	}
	var out []conversation.Outcome
	err := r.DB.Write(ctx, func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		var err error
		if out, err = conversation.Store(tx, r.Vault, items); err != nil {
			return err
		}
		if !slices.ContainsFunc(out, func(o conversation.Outcome) bool { return o.Changed }) {
			return nil
		}
		if err := holdNew(tx, out); err != nil {
			return err
		}
		created, messages := added(out)
		return audit.Append(tx, audit.Entry{
			Actor: r.by.Audit(), Action: "conversation.imported", ObjectKind: "import", Count: created,
			Data: map[string]any{"messages": messages, "first": id.String(out[0].ID), "last": id.String(out[len(out)-1].ID)},
		})
	})
	if err != nil {
		return err
	}
	created, messages := added(out)
	r.report.AddedConversations += created
	r.report.AddedMessages += messages
	for i, o := range out {
		if o.Purged {
			r.purged.add(batch[i].from)
		}
	}
	return nil
}

func added(out []conversation.Outcome) (conversations, messages int64) {
	for _, o := range out {
		messages += int64(o.Messages)
		if o.Created {
			conversations++
		}
	}
	return conversations, messages
}

// finish puts what was refused or destroyed before into the counts of the reader.
func (r *run) finish(read format.Report) {
	rep := r.report
	rep.Report = read
	if read.FileError != nil {
		return
	}
	for _, n := range []count{r.refused, r.purged} {
		rep.Conversations -= n.conversations
		rep.Messages -= n.messages
		rep.Recalled -= n.recalled
		rep.Rejects = append(rep.Rejects, n.rejects...)
		rep.RejectsMore += n.rejectsMore
	}
	// In the neutral form the record that is refused is the line, elsewhere each message.
	if read.Format == format.Neutral {
		rep.Rejected += r.refused.conversations
	} else {
		rep.Rejected += r.refused.messages
	}
	rep.Duplicates += r.purged.messages
	rep.PurgedBefore = int64(r.purged.conversations)
}

// JSON gives the one object that `qingdang import --json` prints for a file.
func (r *Report) JSON(file string) ([]byte, error) {
	type reject struct {
		Line   int    `json:"line,omitempty"`
		Sheet  string `json:"sheet,omitempty"`
		Row    int    `json:"row,omitempty"`
		Item   int    `json:"message,omitempty"`
		Reason string `json:"reason"`
	}
	out := struct {
		File               string   `json:"file"`
		Format             string   `json:"format,omitempty"`
		Conversations      int      `json:"conversations"`
		Messages           int      `json:"messages"`
		Duplicates         int      `json:"duplicates"`
		Events             int      `json:"events"`
		Rejected           int      `json:"rejected"`
		Recalled           int      `json:"recalled"`
		FileError          bool     `json:"file_error"`
		FileErrorReason    string   `json:"file_error_reason,omitempty"`
		AddedConversations int64    `json:"added_conversations"`
		AddedMessages      int64    `json:"added_messages"`
		PurgedBefore       int64    `json:"purged_before"`
		Rejects            []reject `json:"rejects"`
		RejectsMore        int      `json:"rejects_more,omitempty"`
	}{
		File: file, Format: r.Format, Conversations: r.Conversations, Messages: r.Messages, Duplicates: r.Duplicates, Events: r.Events,
		Rejected: r.Rejected, Recalled: r.Recalled, FileError: r.FileError != nil,
		AddedConversations: r.AddedConversations, AddedMessages: r.AddedMessages, PurgedBefore: r.PurgedBefore,
		Rejects: []reject{}, RejectsMore: r.RejectsMore,
	}
	if r.FileError != nil {
		out.FileErrorReason = r.FileError.Key
	}
	for _, x := range r.Rejects {
		out.Rejects = append(out.Rejects, reject{x.Line, x.Sheet, x.Row, x.Item, x.Reason})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, errors.New("encode report")
	}
	return b, nil
}

// holdNew puts new conversations under the holds of their departments.
func holdNew(tx *db.Tx, out []conversation.Outcome) error {
	var fresh []id.Conversation
	for _, o := range out {
		if o.Created {
			fresh = append(fresh, o.ID)
		}
	}
	set, err := id.NewSet(fresh...)
	if err != nil {
		return nil // nothing new
	}
	rows, err := conversation.Lock(tx, set)
	if err != nil {
		return err
	}
	return hold.OnInsert(tx, rows)
}
