package conversation

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

// NewIndex gives the search index over the conversations of a database.
func NewIndex(d *db.DB, v Vault, o index.Options) *index.Index {
	if o.MostChanges == 0 {
		o.MostChanges = mostLoose // a search looks through no more, so it need not read more
	}
	x := index.New(d, v.Store, nil, o)
	x.Source = &source{v, x}
	return x
}

// source shows conversations to the index.
type source struct {
	vault Vault
	index *index.Index
}

// Docs implements index.Source.
func (s *source) Docs(ctx context.Context, tx *db.Tx, ids []id.Conversation, terms bool) ([]index.Doc, error) {
	docs := make([]index.Doc, 0, len(ids))
	for part := range slices.Chunk(ids, looseAtOnce) {
		tags, err := tagIDs(tx, part)
		if err != nil {
			return nil, err
		}
		var c Conversation
		to := []any{
			db.Number(&c.ID), db.Number(&c.DepartmentID), db.Word(&c.ServiceType), db.Word(&c.Platform), db.Word(&c.AgentID), db.Word(&c.AgentName),
			db.Number(&c.State), db.Number(&c.Messages), db.Number(&c.Version), &c.LastAt, &c.Personal, &c.Marks,
		}
		q := tx.Raw("SELECT id, department_id, service_type, platform, agent_id, agent_name, state, messages, version, last_at, personal, marks "+
			"FROM conversation WHERE id IN ? ORDER BY id", part)
		err = db.EachRow(q, func(r *sql.Rows) error {
			err := r.Scan(to...)
			docs = append(docs, doc(&c, tags[c.ID]))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
	}
	if terms {
		return docs, s.terms(ctx, tx, docs, ids)
	}
	return docs, nil
}

func doc(c *Conversation, tags []id.Tag) index.Doc {
	return index.Doc{
		ID: c.ID, Version: c.Version, LastAt: c.LastAt, Department: c.DepartmentID,
		ServiceType: folded(c.ServiceType), Platform: folded(c.Platform), Agent: folded(c.AgentID) + agentMark + folded(c.AgentName), State: int(c.State), Tags: tags, Personal: c.holds(), Messages: c.Messages, Marks: c.marks(),
		Fleeting: c.State == Frozen || c.State == Purging, // a purge erases it, and notes that in its own list
	}
}

// agentMark stands between an agent's id and name in the index.
const agentMark = "\x1f"

// folded is a text as both engines compare it: blanks at its end do not count.
func folded(s string) string { return strings.TrimRight(s, " ") }

// terms opens the bodies and names their terms. What will never open has none, and what does not open
// now is for later. A purge beside us moves keys to other buckets and destroys the old ones, under which
// the transaction may see them still: what does not open is looked at again as it is now.
func (s *source) terms(ctx context.Context, tx *db.Tx, docs []index.Doc, ids []id.Conversation) error {
	closed, err := s.openAll(tx, docs, ids)
	for again := 0; err == nil && len(closed) > 0 && again < 3; again++ {
		err = s.index.DB.Read(ctx, func(now *db.Tx) (err error) {
			closed, err = s.openAll(now, docs, closed)
			return err
		})
	}
	return err
}

// openAll opens bodies on all cores, gives the documents their terms, and tells what did not open.
func (s *source) openAll(tx *db.Tx, docs []index.Doc, ids []id.Conversation) (closed []id.Conversation, err error) {
	at := make(map[id.Conversation]int, len(docs))
	for i := range docs {
		at[docs[i].ID], docs[i].Later = i, false
	}
	failed := make([]bool, len(ids))
	err = s.vault.openEach(tx, ids, func(i int, b *Body, d *Document, err error) {
		n, listed := at[ids[i]]
		if !listed || b.Version != docs[n].Version {
			return
		}
		if failed[i] = err != nil; failed[i] {
			docs[n].Later = !forever(err)
		} else {
			docs[n].Terms = s.index.Tokens(words.Terms(d.searched()...))
		}
	})
	for i, c := range ids {
		if failed[i] {
			closed = append(closed, c)
		}
	}
	return closed, err
}

// Lock implements index.Source.
func (s *source) Lock(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]uint32, error) {
	var rows []Conversation
	if err := tx.ForUpdate().Select("id", "version").Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock conversations: %w", err)
	}
	out := make(map[id.Conversation]uint32, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Version
	}
	return out, nil
}

// IDs implements index.Source.
func (s *source) IDs(tx *db.Tx, after id.Conversation, n int) (ids []id.Conversation, err error) {
	if err := tx.Model(&Conversation{}).Where("id > ?", after).Order("id").Limit(n).Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	return ids, nil
}

func tagIDs(tx *db.Tx, ids []id.Conversation) (map[id.Conversation][]id.Tag, error) {
	out := map[id.Conversation][]id.Tag{}
	q := tx.Raw("SELECT conversation_id, tag_id FROM conversation_tag WHERE conversation_id IN ? ORDER BY conversation_id, tag_id", ids)
	err := db.EachRow(q, func(r *sql.Rows) error {
		var of ConversationTag
		err := r.Scan(&of.ConversationID, &of.TagID)
		out[of.ConversationID] = append(out[of.ConversationID], of.TagID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	return out, nil
}

// searched gives what a search for words looks at: the messages that were not recalled, and the order's number.
func (d *Document) searched() []string {
	texts := make([]string, 0, len(d.Messages)+1)
	for i := range d.Messages {
		if m := &d.Messages[i]; !m.Recalled && m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	if d.OrderNo != "" {
		texts = append(texts, d.OrderNo)
	}
	return texts
}
