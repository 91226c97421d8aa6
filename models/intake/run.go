package intake

import (
	"context"
	"slices"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake/format"
)

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
	n := convert(c, dep)
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
		if !ok {
			d, ok = r.tree.ByFormerPath(c.DepartmentPath)
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

func convert(c *format.Conversation, dep id.Department) conversation.New {
	n := conversation.New{
		Platform: c.Platform, DepartmentID: dep, ServiceType: c.ServiceType,
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
		held, err := hold.OnStore(tx, r.Vault.Store, changed(out), bin.Rescue)
		if err != nil {
			return err
		}
		created, messages := added(out)
		data := map[string]any{"messages": messages, "first": id.String(out[0].ID), "last": id.String(out[len(out)-1].ID)}
		if len(held) > 0 {
			data["held_by"] = held
		}
		return audit.Append(tx, audit.Entry{Actor: r.by.Audit(), Action: "conversation.imported", ObjectKind: "import", Count: created, Data: data})
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

// changed gives what is new and what was given something new: both may match a hold now.
func changed(out []conversation.Outcome) (ids []id.Conversation) {
	for _, o := range out {
		if o.Changed {
			ids = append(ids, o.ID)
		}
	}
	return ids
}
