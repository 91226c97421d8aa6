package report

import (
	"context"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
)

// About is what the page of a conversation tells beside it.
type About struct {
	Lock  bin.Lock
	Acts  []audit.Leaf // on it, and on lists in which it was
	Stays []Stay       // in the bin, newest first
}

// About tells what protects a conversation that the actor has opened and what happened to it: its times in the bin, and
// of certain acts the latest that the actor may see. The fault is forbidden.
func (r *Reader) About(ctx context.Context, by account.Actor, c *conversation.Conversation, acts []string, most int) (a *About, err error) {
	if err := by.Require(account.ConversationOpen); err != nil {
		return nil, err
	}
	seen, err := SeenBy(by)
	if err != nil {
		return nil, err
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		a = &About{}
		if a.Lock, err = bin.LockOf(tx, by, c); err != nil {
			return err
		}
		if a.Acts, err = audit.Latest(tx, audit.Filter{Seen: seen, Object: c.Code(), Actions: acts}, most); err != nil {
			return err
		}
		lists, err := lists(tx, seen, c, most)
		if err != nil {
			return err
		}
		a.Acts = append(a.Acts, lists...)
		a.Stays, err = stays(tx, by, c.ID)
		return err
	})
	return a, err
}

// lists gives what was done to a list in which the conversation was. Whoever sees what is done in its
// department sees that, too, where the list reaches further.
func lists(tx *db.Tx, seen audit.Seen, c *conversation.Conversation, most int) (out []audit.Leaf, err error) {
	if seen.Sees(&audit.Leaf{Entry: audit.Entry{ObjectKind: "conversation", Department: c.DepartmentID}}) {
		seen = audit.Seen{All: true}
	}
	noted, before, err := conversation.Listed(tx, c, most)
	if err != nil {
		return nil, err
	}
	for _, f := range []*audit.Filter{&noted, before} {
		if f == nil || f.Leaves != nil && len(f.Leaves) == 0 {
			continue
		}
		f.Seen = seen
		found, err := audit.Latest(tx, *f, most)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return slices.DeleteFunc(out, func(l audit.Leaf) bool { return l.Object == c.Code() }), nil
}
