package conversation

import (
	"context"
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/mask"
)

// Personal is a set of kinds of personal data. A conversation's row says which kinds its body holds, and
// neither how much nor what: it is written together with the body, by whoever has that in the clear just
// then. nil in the row means that nobody has looked since before there was such a column.
type Personal uint16

// personalKinds are the kinds in the order of their bits, which never changes.
var personalKinds = []mask.Kind{mask.IDCard, mask.BankCard, mask.Phone, mask.Email, mask.Address}

// PersonalKinds lists the kinds that a conversation can be known to hold.
func PersonalKinds() []mask.Kind { return slices.Clone(personalKinds) }

// PersonalOf makes a set of kinds; one that is not known adds nothing.
func PersonalOf(kinds ...mask.Kind) (p Personal) {
	for _, k := range kinds {
		if i := slices.Index(personalKinds, k); i >= 0 {
			p |= 1 << i
		}
	}
	return p
}

// Kinds lists what is in the set, in a fixed order.
func (p Personal) Kinds() (kinds []mask.Kind) {
	for i, k := range personalKinds {
		if p&(1<<i) != 0 {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Personal says which kinds of personal data are in the document: in what was said, be it recalled or not,
// and in the names of attachments. Numbers count where their check digits are right.
func (d *Document) Personal() (p Personal) {
	for i := range d.Messages {
		for _, text := range []string{d.Messages[i].Text, d.Messages[i].Attachment} {
			for _, s := range mask.Find(text) {
				p |= PersonalOf(s.Kind)
			}
		}
	}
	return p
}

// Unlooked gives up to n conversations behind one into which nobody has looked yet, or not for the words of the list
// there is now, and up to where it has searched, which is last when there are no more. It reads span rows at most.
func (v Vault) Unlooked(tx *db.Tx, after id.Conversation, n, span int) (ids []id.Conversation, upto id.Conversation, last bool, err error) {
	var end []id.Conversation
	if err := tx.Model(&Conversation{}).Where("id > ?", after).Order("id").Offset(span-1).Limit(1).Pluck("id", &end).Error; err != nil {
		return nil, 0, false, fmt.Errorf("measure conversations: %w", err)
	}
	q := tx.Model(&Conversation{}).Where("id > ? AND (personal IS NULL OR marks IS NULL OR marks_list <> ?)", after, v.List().ID())
	if len(end) == 1 {
		upto = end[0]
		q = q.Where("id <= ?", upto)
	}
	if err := q.Order("id").Limit(n).Pluck("id", &ids).Error; err != nil {
		return nil, 0, false, fmt.Errorf("find conversations to look into: %w", err)
	}
	if len(ids) == n {
		return ids, ids[n-1], false, nil
	}
	return ids, upto, len(end) == 0, nil
}

// Looked is what was found in the bodies of some conversations.
type Looked struct {
	found  map[id.Conversation]looked
	list   uint32
	closed []id.Conversation
}

// Closed counts those whose bodies did not open.
func (l *Looked) Closed() int { return len(l.closed) }

type looked struct {
	version uint32
	in      Personal
	marks   Marks
}

// Look opens bodies and says which kinds of personal data each holds, and its marks. A purge beside it moves keys
// and destroys the old ones: what does not open is no error, and is looked into another time.
func (v Vault) Look(ctx context.Context, d *db.DB, ids []id.Conversation) (*Looked, error) {
	list := v.List()
	l := &Looked{found: map[id.Conversation]looked{}, list: list.ID()}
	err := d.Read(ctx, func(tx *db.Tx) error {
		found, closed := make([]looked, len(ids)), make([]bool, len(ids))
		err := v.openEach(tx, ids, func(i int, b *Body, d *Document, err error) {
			if closed[i] = err != nil; err == nil {
				found[i] = looked{b.Version, d.Personal(), d.Marks(list)}
			}
		})
		l.closed = nil
		for i, c := range ids {
			switch {
			case closed[i]:
				l.closed = append(l.closed, c)
			case found[i].version != 0:
				l.found[c] = found[i]
			}
		}
		return err
	})
	return l, err
}

// Note writes into the rows what was found in the bodies, where they are still of that version; the index
// is told of those of which a search would say something else. Marks by another list are taken off what did not open:
// nobody knows what the list that there is finds in it. It tells how many it wrote, and of how many of
// these it was not known that they hold each kind.
func (l *Looked) Note(tx *db.Tx, ids []id.Conversation) (n int64, kinds map[mask.Kind]int64, err error) {
	kinds = map[mask.Kind]int64{}
	all, err := id.NewSet(ids...)
	if err != nil {
		return 0, kinds, nil // none
	}
	rows, err := Lock(tx, all)
	if err != nil {
		return 0, nil, err
	}
	same := map[looked][]id.Conversation{}
	var changed []id.Conversation
	var unmarked []id.Conversation
	for _, r := range rows {
		f, opened := l.found[r.ID]
		if !opened && r.Marks != nil && (r.MarksList == nil || *r.MarksList != l.list) && slices.Contains(l.closed, r.ID) {
			unmarked = append(unmarked, r.ID)
		}
		if !opened || f.version != r.Version {
			continue
		}
		fresh := r.Personal == nil
		if !fresh && r.Marks != nil && r.MarksList != nil && *r.MarksList == l.list {
			continue // an import was faster
		}
		n++
		same[looked{in: f.in, marks: f.marks}] = append(same[looked{in: f.in, marks: f.marks}], r.ID)
		if fresh {
			for _, k := range f.in.Kinds() {
				kinds[k]++
			}
		}
		if fresh && f.in != 0 || r.Marks == nil || *r.Marks != f.marks {
			changed = append(changed, r.ID)
		}
	}
	for f, of := range same {
		set := map[string]any{"personal": f.in, "marks": f.marks, "marks_list": l.list}
		if err := tx.Model(&Conversation{}).Where("id IN ?", of).Updates(set).Error; err != nil {
			return 0, nil, fmt.Errorf("note what is in conversations: %w", err)
		}
	}
	if len(unmarked) > 0 {
		set := map[string]any{"marks": nil, "marks_list": nil}
		if err := tx.Model(&Conversation{}).Where("id IN ?", unmarked).Updates(set).Error; err != nil {
			return 0, nil, fmt.Errorf("take marks off conversations: %w", err)
		}
		n += int64(len(unmarked))
		changed = append(changed, unmarked...)
	}
	if len(changed) == 0 {
		return n, kinds, nil
	}
	return n, kinds, index.Changed(tx, false, changed...)
}

// holds lists the kinds that the row knows of.
func (c *Conversation) holds() []mask.Kind {
	if c.Personal == nil {
		return nil
	}
	return c.Personal.Kinds()
}
