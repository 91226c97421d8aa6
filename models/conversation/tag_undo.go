package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// undoLife is how long an edit of many tags can be taken back.
const undoLife = 24 * time.Hour

// Undo takes back what an act of EditAll changed, and nothing else: every conversation gets the tags again that
// the act took from it, and loses those that the act gave it. What was done is read from the log; taking it back
// stands there, too. The fault is a conflict where the actor did nothing of that name in the last day, or has taken it back.
func (t *Tagging) Undo(ctx context.Context, by account.Actor, act string) (sum Tagged, err error) {
	if err := by.Require(account.ConversationTag); err != nil {
		return sum, err
	}
	if t.Share == nil || t.Cover == nil {
		return sum, errNoHolds
	}
	entries, err := t.entriesOf(ctx, by, act)
	if err != nil {
		return sum, err
	}
	for _, l := range entries {
		lists, err := listsOf(l)
		if err != nil {
			return sum, err
		}
		var did Tagged
		err = t.DB.Write(ctx, func(tx *db.Tx) error {
			d, err := t.reverse(tx, by, lists)
			if err != nil {
				return err
			}
			did, d.undoes = d.done, act
			return t.settle(tx, by, d)
		})
		if err != nil && !errors.Is(err, errUnchanged) {
			return sum, fmt.Errorf("take back tags: %w", err)
		}
		sum.plus(did)
	}
	return sum, nil
}

// entriesOf gives what the log has of an act.
func (t *Tagging) entriesOf(ctx context.Context, by account.Actor, act string) ([]audit.Leaf, error) {
	gone := fault.Conflict("conversation.tags_undo_gone")
	if len(act) != actLength || strings.Trim(act, actSigns) != "" {
		return nil, gone
	}
	var since time.Time
	if err := t.DB.Read(ctx, func(tx *db.Tx) error { since = tx.Now.Add(-undoLife); return nil }); err != nil {
		return nil, err
	}
	log := audit.Log{DB: t.DB}
	find := func(fact string) ([]audit.Leaf, error) {
		f := audit.Filter{Seen: audit.Seen{Own: by.ID}, Actor: by.ID, Actions: []string{tagged}, From: since, Holding: `"` + fact + `":"` + act + `"`}
		page, err := log.Page(ctx, f, "", MostTagged/tagsAtOnce)
		return page.Leaves, err
	}
	undone, err := find("undoes")
	if err != nil {
		return nil, err
	}
	done, err := find("act")
	switch {
	case err != nil:
		return nil, err
	case len(done) == 0, len(undone) > 0:
		return nil, gone
	}
	return done, nil
}

// The length and the signs of a name that rand.Text makes.
const (
	actLength = 26
	actSigns  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// lists writes into the log which conversations got and lost which tags: for each change the numbers of the
// tags that came and of those that went, and the conversations.
func (d *tagging) lists(added, removed []Tag) []string {
	of := map[string][]string{}
	for _, c := range d.rows {
		change := numbersOf(added, d.add, c.ID) + "/" + numbersOf(removed, d.remove, c.ID)
		of[change] = append(of[change], id.String(c.ID))
	}
	var out []string
	for change, ids := range of {
		out = append(out, change+"/,"+strings.Join(ids, ",")+",")
	}
	slices.Sort(out)
	return out
}

func numbersOf(tags []Tag, by map[string][]id.Conversation, c id.Conversation) string {
	var out []string
	for _, t := range tags {
		if slices.Contains(by[t.Name], c) {
			out = append(out, id.String(t.ID))
		}
	}
	return strings.Join(out, ",")
}

// tagList is one change and the conversations that it came to.
type tagList struct {
	added, removed []string // numbers
	ids            []id.Conversation
}

func listsOf(l audit.Leaf) (out []tagList, err error) {
	all, _ := l.Data["lists"].([]any)
	for _, one := range all {
		text, _ := one.(string)
		parts := strings.Split(text, "/")
		if len(parts) != 3 {
			return nil, fmt.Errorf("conversation: entry %d has no list", l.N)
		}
		list := tagList{added: fieldsOf(parts[0]), removed: fieldsOf(parts[1])}
		for _, s := range fieldsOf(parts[2]) {
			c, err := id.Parse[id.Conversation](s)
			if err != nil {
				return nil, fmt.Errorf("conversation: entry %d: %w", l.N, err)
			}
			list.ids = append(list.ids, c)
		}
		out = append(out, list)
	}
	return out, nil
}

func fieldsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// reverse locks the rows of an entry and finds what takes it back. A tag that is no more comes not back.
func (t *Tagging) reverse(tx *db.Tx, by account.Actor, lists []tagList) (*tagging, error) {
	if err := t.Share(tx); err != nil {
		return nil, err
	}
	var numbers []string
	for _, l := range lists {
		numbers = slices.Concat(numbers, l.added, l.removed)
	}
	var tags []Tag
	if err := tx.Where("id IN ?", numbers).Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("find tags: %w", err)
	}
	named := func(numbers []string) (names []string) {
		for _, t := range tags {
			if slices.Contains(numbers, id.String(t.ID)) {
				names = append(names, t.Name)
			}
		}
		return names
	}
	edits := map[id.Conversation]TagEdit{}
	var ids []id.Conversation
	for _, l := range lists {
		back := TagEdit{Add: named(l.removed), Remove: named(l.added)}
		for _, c := range l.ids {
			edits[c], ids = back, append(ids, c)
		}
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil, err
	}
	return decideEach(tx, by, all, func(c id.Conversation) TagEdit { return edits[c] })
}
