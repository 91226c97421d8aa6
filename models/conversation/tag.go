package conversation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

// Tagging lets people edit the tags of conversations. A tag is no part of what was said: the version
// stays, and no list that names a version is another one because of it.
type Tagging struct {
	DB *db.DB
	// Share comes before every lock of rows and Cover after every change of tags: holds by tags take what
	// begins to match (invariant I3), and Cover tells how many by the codes of the holds. Holds lie a floor above: these are
	// hold.ShareEpoch and hold.OnStore.
	Share func(*db.Tx) error
	Cover func(*db.Tx, []id.Conversation) (map[string]int64, error)
}

// Tagged counts what an edit did to the conversations of a list, each once.
type Tagged struct {
	Changed int
	Same    int // they had, or lacked, all of it already
	Full    int // they would have had more than MostTags
	Left    int // in the bin, gone, or outside the actor's departments

	Act string // names what was done, for Undo
}

func (t *Tagged) plus(o Tagged) {
	t.Changed, t.Same, t.Full, t.Left = t.Changed+o.Changed, t.Same+o.Same, t.Full+o.Full, t.Left+o.Left
}

var errNoHolds = errors.New("conversation: no holds look at what is tagged")

// Edit gives one conversation tags and takes some away, and tells what that changed. The faults are
// invalid on add and remove, not-found outside the actor's departments, and a conflict in the bin.
// Held conversations may be tagged: nothing is destroyed.
func (t *Tagging) Edit(ctx context.Context, by account.Actor, c id.Conversation, e TagEdit) (done TagEdit, err error) {
	e, all, err := t.ready(by, e, c)
	if err != nil {
		return done, err
	}
	err = t.DB.Write(ctx, func(tx *db.Tx) error {
		d, err := t.decide(tx, by, all, e)
		if err != nil {
			return err
		}
		switch {
		case !d.seen:
			return fault.NotFound("conversation.not_found")
		case d.done.Left > 0:
			return fault.Conflict("conversation.elsewhere")
		case d.done.Full > 0:
			return fault.Invalid("conversation.tags_full", MostTags).On("add")
		}
		done = d.changed()
		return t.settle(tx, by, d)
	})
	if errors.Is(err, errUnchanged) {
		return TagEdit{}, nil
	}
	return done, t.unseen(ctx, by, c, err)
}

// EditAll edits the tags of a list, chunk by chunk: each is one transaction with one entry in the log. What
// was done before an error stays done. The fault is invalid, on add and remove, or for a list that is empty
// or too long; nothing was changed then.
func (t *Tagging) EditAll(ctx context.Context, by account.Actor, ids []id.Conversation, e TagEdit) (sum Tagged, err error) {
	e, all, err := t.ready(by, e, ids...)
	if err != nil {
		return sum, err
	}
	sum.Act = rand.Text()
	for part := range slices.Chunk(all.Values(), tagsAtOnce) {
		some, err := id.NewSet(part...)
		if err != nil {
			return sum, err
		}
		var did Tagged
		err = t.DB.Write(ctx, func(tx *db.Tx) error {
			d, err := t.decide(tx, by, some, e)
			if err != nil {
				return err
			}
			did, d.act = d.done, sum.Act
			return t.settle(tx, by, d)
		})
		if err != nil && !errors.Is(err, errUnchanged) {
			return sum, fmt.Errorf("tag conversations: %w", err)
		}
		sum.plus(did)
	}
	return sum, nil
}

// tagsAtOnce is how many conversations one transaction tags: a short stall for the other writers.
const tagsAtOnce = 500

func (t *Tagging) ready(by account.Actor, e TagEdit, ids ...id.Conversation) (TagEdit, id.Set[id.Conversation], error) {
	var none id.Set[id.Conversation]
	if err := by.Require(account.ConversationTag); err != nil {
		return e, none, err
	}
	if t.Share == nil || t.Cover == nil {
		return e, none, errNoHolds
	}
	e = e.typed()
	if err := e.check(); err != nil {
		return e, none, err
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return e, none, fault.Invalid("conversation.choose_rows")
	}
	if all.Len() > MostTagged {
		return e, none, fault.Invalid("conversation.selection_most", MostTagged)
	}
	return e, all, nil
}

// unseen writes down that somebody reached for a conversation that is there and hidden from them.
func (t *Tagging) unseen(ctx context.Context, by account.Actor, c id.Conversation, err error) error {
	if fault.KindOf(err) != fault.KindNotFound {
		return err
	}
	var rows []Conversation
	looked := t.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("id = ?", c).Find(&rows).Error })
	if looked != nil || len(rows) == 0 {
		return errors.Join(err, looked)
	}
	return errors.Join(err, audit.Refused(ctx, t.DB, audit.Entry{Actor: by.Audit(), Action: tagged, ObjectKind: "conversation", Object: rows[0].Code()}))
}

const tagged = "conversation.tagged"

// tagging is what an edit comes to for a list whose rows are locked.
type tagging struct {
	seen   bool // at least one lies in the actor's departments
	add    map[string][]id.Conversation
	remove map[string][]id.Conversation
	rows   []Conversation // that change
	done   Tagged
	act    string // of a list: what was done can be taken back by this name
	undoes string // the act that this takes back
}

func (d *tagging) ids() []id.Conversation {
	out := make([]id.Conversation, len(d.rows))
	for i, c := range d.rows {
		out[i] = c.ID
	}
	return out
}

// decide locks the rows and finds what changes.
func (t *Tagging) decide(tx *db.Tx, by account.Actor, all id.Set[id.Conversation], e TagEdit) (*tagging, error) {
	if err := t.Share(tx); err != nil {
		return nil, err
	}
	e, err := e.resolve(tx)
	if err != nil {
		return nil, err
	}
	return decideEach(tx, by, all, func(id.Conversation) TagEdit { return e })
}

// decideEach does so where each conversation may have an edit of its own.
func decideEach(tx *db.Tx, by account.Actor, all id.Set[id.Conversation], of func(id.Conversation) TagEdit) (*tagging, error) {
	rows, err := Lock(tx, all)
	if err != nil {
		return nil, err
	}
	has, err := Tags(tx, all.Values())
	if err != nil {
		return nil, err
	}
	d := &tagging{add: map[string][]id.Conversation{}, remove: map[string][]id.Conversation{}}
	d.done.Left = all.Len() - len(rows)
	for _, c := range rows {
		if !by.Scope.Has(c.DepartmentID) || !Knows(by, c.State) {
			d.done.Left++
			continue
		}
		d.seen = true
		if c.State != Active && c.State != Hidden {
			d.done.Left++
			continue
		}
		d.put(c, has[c.ID], of(c.ID))
	}
	return d, nil
}

func (d *tagging) put(c Conversation, has []string, e TagEdit) {
	var add, remove []string
	for _, n := range e.Add {
		if !slices.Contains(has, n) {
			add = append(add, n)
		}
	}
	for _, n := range e.Remove {
		if slices.Contains(has, n) {
			remove = append(remove, n)
		}
	}
	switch {
	case len(add)+len(remove) == 0:
		d.done.Same++
		return
	case len(add) > 0 && len(has)+len(add)-len(remove) > MostTags:
		d.done.Full++
		return
	}
	d.done.Changed++
	d.rows = append(d.rows, c)
	for _, n := range add {
		d.add[n] = append(d.add[n], c.ID)
	}
	for _, n := range remove {
		d.remove[n] = append(d.remove[n], c.ID)
	}
}

// changed names what was added to, or taken from, anything.
func (d *tagging) changed() (e TagEdit) {
	for n := range d.add {
		e.Add = append(e.Add, n)
	}
	for n := range d.remove {
		e.Remove = append(e.Remove, n)
	}
	slices.Sort(e.Add)
	slices.Sort(e.Remove)
	return e
}

// settle writes what was decided, one entry in the log last.
func (t *Tagging) settle(tx *db.Tx, by account.Actor, d *tagging) error {
	if len(d.rows) == 0 {
		return errUnchanged
	}
	names := d.changed()
	if err := roomForTags(tx, names.Add); err != nil {
		return err
	}
	if err := addTags(tx, d.add); err != nil {
		return err
	}
	removed, err := removeTags(tx, d.remove)
	if err != nil {
		return err
	}
	if d.undoes == "" { // else the tag came by what is taken back, and may come again
		if err := noteRemoved(tx, removed, d.remove); err != nil {
			return err
		}
	}
	added, err := tagsNamed(tx, names.Add)
	if err != nil {
		return err
	}
	if err := index.Changed(tx, false, d.ids()...); err != nil {
		return err
	}
	held, err := t.Cover(tx, d.ids())
	if err != nil {
		return err
	}
	leaf, err := audit.AppendAt(tx, d.entry(by, added, removed, held))
	if err != nil || d.act == "" && d.undoes == "" {
		return err
	}
	return noteListed(tx, leaf, d.ids())
}

// entry names the tags by number: what people type is not kept for ever.
func (d *tagging) entry(by account.Actor, added, removed []Tag, held map[string]int64) audit.Entry {
	e := audit.Entry{
		Actor: by.Audit(), Action: tagged, ObjectKind: "conversation", Count: int64(len(d.rows)), Department: d.rows[0].DepartmentID,
		Data: map[string]any{"added": numbers(added), "removed": numbers(removed), "digest": digestOf(d.ids())},
	}
	for _, c := range d.rows {
		if c.DepartmentID != e.Department {
			e.Department = 0
		}
	}
	if len(d.rows) == 1 {
		e.Object = d.rows[0].Code()
	}
	if d.act != "" {
		e.Data["act"], e.Data["lists"] = d.act, d.lists(added, removed)
	}
	if d.undoes != "" {
		e.Data["undoes"], e.Data["lists"] = d.undoes, d.lists(added, removed)
	}
	for name, n := range map[string]int{"same": d.done.Same, "full": d.done.Full, "left": d.done.Left} {
		if n > 0 {
			e.Data[name] = n
		}
	}
	if len(held) > 0 {
		e.Data["held_by"] = held
	}
	return e
}

func numbers(tags []Tag) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = id.String(t.ID)
	}
	return out
}

// digestOf is SHA-256 over the ids of a list, one a line, in ascending order.
func digestOf(ids []id.Conversation) string {
	h := sha256.New()
	for _, c := range ids {
		fmt.Fprintf(h, "%d\n", c)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func tagsNamed(tx *db.Tx, names []string) (tags []Tag, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	if err := tx.Where("name IN ?", names).Order("id").Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("find tags: %w", err)
	}
	return tags, nil
}

// roomForTags refuses new names once there are very many: each is a bitmap in every part of the index.
func roomForTags(tx *db.Tx, names []string) error {
	known, err := tagsNamed(tx, names)
	if err != nil || len(known) == len(names) {
		return err
	}
	var n int64
	if err := tx.Model(&Tag{}).Count(&n).Error; err != nil {
		return fmt.Errorf("count tags: %w", err)
	}
	if n+int64(len(names)-len(known)) > mostInUse {
		return fault.Invalid("conversation.tags_too_many", mostInUse).On("add")
	}
	return nil
}

// removeTags takes each named tag from its conversations and gives the tags.
func removeTags(tx *db.Tx, byName map[string][]id.Conversation) ([]Tag, error) {
	var names []string
	for n := range byName {
		names = append(names, n)
	}
	tags, err := tagsNamed(tx, names)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		if err := tx.Where("tag_id = ? AND conversation_id IN ?", t.ID, byName[t.Name]).Delete(&ConversationTag{}).Error; err != nil {
			return nil, fmt.Errorf("take tags away: %w", err)
		}
	}
	return tags, nil
}
