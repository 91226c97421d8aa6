package index

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// world is an index over conversations whose texts are known to the test: the rows are real ones, and
// what was said in which version is in memory.
type world struct {
	t     testing.TB
	d     *db.DB
	store *seal.Store
	x     *Index
	said  *said
	truth map[id.Conversation]Doc  // what the rows say; Terms are those of said
	loose map[id.Conversation]bool // erased and not scrubbed yet: the index may have them
	rnd   *rand.Rand
	next  uint64
}

// said are the words of every version of every conversation.
type said struct {
	mu    sync.Mutex
	words map[string][]string
}

func (s *said) get(c id.Conversation, v uint32) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.words[fmt.Sprint(c, "/", v)]
}

func (s *said) put(c id.Conversation, v uint32, words []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words[fmt.Sprint(c, "/", v)] = words
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	store, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world{t: t, d: d, store: store, said: &said{words: map[string][]string{}}, truth: map[id.Conversation]Doc{}, loose: map[id.Conversation]bool{}, rnd: rand.New(rand.NewPCG(7, 21))}
	w.x = w.open(d)
	return w
}

// open gives another process's index over the same data.
func (w *world) open(d *db.DB) *Index {
	x := New(d, w.store, nil, Options{})
	x.Source = &rowSource{said: w.said, x: x}
	return x
}

// rowSource reads the conversation table.
type rowSource struct {
	said *said
	x    *Index
	read atomic.Int64 // documents without terms
}

// fleeting is a state out of which a conversation is erased.
const fleeting = 9

type conversationRow struct {
	ID                   id.Conversation
	Platform             string
	DepartmentID         id.Department
	ServiceType, AgentID string
	State                int
	LastAt               time.Time
	Version              uint32
}

func (conversationRow) TableName() string { return "conversation" }

func (s *rowSource) Docs(_ context.Context, tx *db.Tx, ids []id.Conversation, terms bool) ([]Doc, error) {
	var rows []conversationRow
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	var tags []struct {
		ConversationID id.Conversation
		TagID          id.Tag
	}
	if err := tx.Table("conversation_tag").Where("conversation_id IN ?", ids).Order("tag_id").Find(&tags).Error; err != nil {
		return nil, err
	}
	if !terms {
		s.read.Add(int64(len(rows)))
	}
	docs := make([]Doc, len(rows))
	for i, r := range rows {
		docs[i] = Doc{
			ID: r.ID, Version: r.Version, LastAt: r.LastAt, Department: r.DepartmentID,
			ServiceType: r.ServiceType, Platform: r.Platform, Agent: r.AgentID, State: r.State, Fleeting: r.State == fleeting,
		}
		for _, t := range tags {
			if t.ConversationID == r.ID {
				docs[i].Tags = append(docs[i].Tags, t.TagID)
			}
		}
		if terms {
			docs[i].Terms = s.x.Tokens(s.said.get(r.ID, r.Version))
		}
	}
	return docs, nil
}

func (s *rowSource) Lock(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]uint32, error) {
	var rows []conversationRow
	if err := tx.ForUpdate().Select("id", "version").Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	out := map[id.Conversation]uint32{}
	for _, r := range rows {
		out[r.ID] = r.Version
	}
	return out, nil
}

func (s *rowSource) IDs(tx *db.Tx, after id.Conversation, n int) (ids []id.Conversation, err error) {
	err = tx.Table("conversation").Where("id > ?", after).Order("id").Limit(n).Pluck("id", &ids).Error
	return ids, err
}

var someWords = func() (w []string) {
	for i := range 60 {
		w = append(w, fmt.Sprintf("词%d", i))
	}
	return w
}()

// talk gives words, of which the first ones are frequent.
func (w *world) talk() []string {
	var words []string
	for i, word := range someWords {
		if w.rnd.IntN(i+2) < 2 {
			words = append(words, word)
		}
	}
	return words
}

func (w *world) doc() Doc {
	w.next++
	d := Doc{
		ID: id.Conversation(1_760_000_000_000_000 + w.next*1000 + w.rnd.Uint64N(900)), Version: 1,
		LastAt: dbtest.Start.Add(-time.Duration(w.rnd.IntN(1e6)) * time.Second), Platform: []string{"qianniu", "wechat", "ctrip"}[w.rnd.IntN(3)],
		ServiceType: []string{"presale", "aftersale"}[w.rnd.IntN(2)], Agent: "a" + strconv.Itoa(w.rnd.IntN(9)), State: 1,
	}
	w.move(&d)
	for t := range 5 {
		if w.rnd.IntN(4) == 0 {
			d.Tags = append(d.Tags, id.Tag(t+1))
		}
	}
	return d
}

func (w *world) move(d *Doc) {
	d.Department = id.Department(100 + w.rnd.IntN(5))
}

// add makes n conversations, in one transaction with their notes.
func (w *world) add(n int) []id.Conversation {
	w.t.Helper()
	var ids []id.Conversation
	var docs []Doc
	for range n {
		d := w.doc()
		w.said.put(d.ID, 1, w.talk())
		docs, ids = append(docs, d), append(ids, d.ID)
	}
	w.write(func(tx *db.Tx) error {
		for _, d := range docs {
			if err := insertRow(tx, d); err != nil {
				return err
			}
		}
		return Changed(tx, true, ids...)
	})
	for _, d := range docs {
		w.truth[d.ID] = d
	}
	return ids
}

func insertRow(tx *db.Tx, d Doc) error {
	err := tx.Exec(`INSERT INTO conversation (id, platform, external_mac, department_id, service_type, state, order_state, agent_id, agent_name,
		started_at, last_at, messages, attachments, bytes, version, content_mac, created_at) VALUES (?,?,?,?,?,?,0,?,'',?,?,1,0,1,?,?,?)`,
		d.ID, d.Platform, fmt.Appendf(nil, "%032d", d.ID), d.Department, d.ServiceType, d.State, d.Agent,
		d.LastAt, d.LastAt, d.Version, make([]byte, 32), tx.Now).Error
	for _, t := range d.Tags {
		if err == nil {
			err = tx.Exec("INSERT INTO conversation_tag (tag_id, conversation_id) VALUES (?, ?)", t, d.ID).Error
		}
	}
	return err
}

func (w *world) write(f func(tx *db.Tx) error) {
	w.t.Helper()
	err := w.d.Write(context.WithoutCancel(w.t.Context()), func(tx *db.Tx) error {
		tx.MarkAudited()
		return f(tx)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// turn changes attributes of conversations.
func (w *world) turn(ids ...id.Conversation) {
	w.t.Helper()
	for _, c := range ids {
		d := w.truth[c]
		d.State = 1 + w.rnd.IntN(5)
		w.move(&d)
		w.truth[c] = d
	}
	w.write(func(tx *db.Tx) error {
		for _, c := range ids {
			d := w.truth[c]
			if err := tx.Exec("UPDATE conversation SET state = ?, department_id = ? WHERE id = ?", d.State, d.Department, c).Error; err != nil {
				return err
			}
		}
		return Changed(tx, false, ids...)
	})
}

// grow gives conversations another text and a later time.
func (w *world) grow(ids ...id.Conversation) {
	w.t.Helper()
	for _, c := range ids {
		d := w.truth[c]
		d.Version++
		d.LastAt = d.LastAt.Add(time.Duration(w.rnd.IntN(5000)) * time.Second)
		w.said.put(c, d.Version, w.talk())
		w.truth[c] = d
	}
	w.write(func(tx *db.Tx) error {
		for _, c := range ids {
			d := w.truth[c]
			if err := tx.Exec("UPDATE conversation SET version = ?, last_at = ? WHERE id = ?", d.Version, d.LastAt, c).Error; err != nil {
				return err
			}
		}
		return Changed(tx, true, ids...)
	})
}

// erase destroys conversations as a purge does: their rows go, and nothing is noted.
func (w *world) erase(ids ...id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { return eraseRows(tx, ids) })
	for _, c := range ids {
		delete(w.truth, c)
		w.loose[c] = true
	}
}

func eraseRows(tx *db.Tx, ids []id.Conversation) error {
	if err := tx.Exec("DELETE FROM conversation_tag WHERE conversation_id IN ?", ids).Error; err != nil {
		return err
	}
	return tx.Exec("DELETE FROM conversation WHERE id IN ?", ids).Error
}

// some gives n of the conversations there are.
func (w *world) some(n int) []id.Conversation {
	all := slices.Sorted(maps.Keys(w.truth))
	w.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

func (w *world) fold() Folded {
	w.t.Helper()
	done, err := w.x.Fold(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// check reads the index as a search does and compares it with what is true: each conversation is in one
// place with what the row says, or known to be changed; none is there that is gone. It gives the
// number of conversations that are settled.
func (w *world) check() int { w.t.Helper(); return w.checkWith(w.x) }

func (w *world) checkWith(x *Index) (settled int) {
	w.t.Helper()
	err := x.DB.Read(context.WithoutCancel(w.t.Context()), func(tx *db.Tx) error {
		v, err := x.View(tx)
		if err != nil {
			return err
		}
		settled, err = w.checkView(x, v)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return settled
}

func (w *world) checkView(x *Index, v *View) (settled int, err error) {
	w.t.Helper()
	tokens := x.Tokens(append(slices.Clone(someWords), "niemals"))
	found, err := v.Postings(tokens, v.Segments...)
	if err != nil {
		return 0, err
	}
	at := map[id.Conversation]bool{}
	for _, s := range v.Segments {
		ok := v.Settled(s)
		attrs := attributesOf(s)
		terms := map[uint32][]Token{}
		for _, t := range tokens {
			b := found[s][t]
			if outside := roaring.AndNot(b, s.Live()); !outside.IsEmpty() {
				w.t.Errorf("postings of the dead %v", outside)
			}
			for _, ord := range b.ToArray() {
				terms[ord] = append(terms[ord], t)
			}
		}
		for _, ord := range s.Live().ToArray() {
			c := s.ID(ord)
			if at[c] {
				w.t.Errorf("conversation %d lives twice", c)
			}
			at[c] = true
			want, there := w.truth[c]
			change, waits := v.Changes[c]
			switch {
			case !there:
				if !waits && !w.loose[c] {
					w.t.Errorf("conversation %d is gone and alive in the index", c)
				}
				continue
			case ok.Contains(ord):
				settled++
				w.checkDoc(s, ord, want, attrs[ord])
				fallthrough
			case waits && !change.Content: // the text is right still
				if !slices.Equal(terms[ord], x.Tokens(w.said.get(c, want.Version))) {
					w.t.Errorf("conversation %d is found by %d terms", c, len(terms[ord]))
				}
			}
		}
	}
	for c := range w.truth {
		if _, waits := v.Changes[c]; !waits && !at[c] {
			w.t.Errorf("conversation %d is lost", c)
		}
	}
	return settled, w.checkLoose(v)
}

// checkLoose compares what is known of what waits.
func (w *world) checkLoose(v *View) error {
	w.t.Helper()
	loose, err := v.Loose()
	known := map[id.Conversation]bool{}
	for _, s := range loose {
		attrs := attributesOf(s)
		for ord := range uint32(s.N()) {
			c := s.ID(ord)
			if want, there := w.truth[c]; there {
				w.checkDoc(s, ord, want, attrs[ord])
			} else if !w.loose[c] {
				w.t.Errorf("conversation %d is gone and loose", c)
			}
			if _, waits := v.Changes[c]; !waits || known[c] {
				w.t.Errorf("conversation %d is loose twice or does not wait", c)
			}
			known[c] = true
		}
	}
	for c := range v.Changes {
		if _, there := w.truth[c]; there && !known[c] {
			w.t.Errorf("conversation %d waits and is not loose", c)
		}
	}
	return err
}

func (w *world) checkDoc(s *Segment, ord uint32, want Doc, attrs []string) {
	w.t.Helper()
	var all []string
	want.each(func(k Kind, v string) { all = append(all, fmt.Sprint(k, "=", v)) })
	slices.Sort(all)
	if s.Version(ord) != want.Version || !s.LastAt(ord).Equal(want.LastAt) || !slices.Equal(attrs, all) {
		w.t.Errorf("conversation %d: version %d at %v %v, want %d %v %v", want.ID, s.Version(ord), s.LastAt(ord), attrs, want.Version, want.LastAt, all)
	}
	if lo, hi := s.Range(want.LastAt, want.LastAt.Add(time.Microsecond)); ord < lo || ord >= hi {
		w.t.Errorf("conversation %d is not at its time", want.ID)
	}
	if found, ok := s.Ordinal(want.ID); !ok || found != ord {
		w.t.Errorf("conversation %d has ordinal %d", want.ID, found)
	}
}

func attributesOf(s *Segment) map[uint32][]string {
	out := map[uint32][]string{}
	for k := range kinds {
		for _, v := range s.Values(k) {
			for _, ord := range s.Attr(k, v).ToArray() {
				out[ord] = append(out[ord], fmt.Sprint(k, "=", v))
			}
		}
	}
	for ord := range out {
		slices.Sort(out[ord])
	}
	return out
}

// clean makes sure that nothing is left of what came to nothing: no segment half built or half cleared, no
// part without a segment, and no key alive that opens nothing.
func (w *world) clean() {
	w.t.Helper()
	if err := w.x.tidy(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
	var ids []uint64
	var parts, want int64
	err := w.x.DB.Read(context.WithoutCancel(w.t.Context()), func(tx *db.Tx) error {
		var rows []segmentRow
		if err := tx.Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if r.State != ready {
				w.t.Errorf("segment %d is in state %d", r.ID, r.State)
			}
			ids, want = append(ids, r.ID), want+int64(r.Parts)+1
		}
		return tx.Model(&partRow{}).Count(&parts).Error
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if parts != want {
		w.t.Errorf("%d parts of %d segments, want %d", parts, len(ids), want)
	}
	last, err := w.store.Last()
	if err != nil {
		w.t.Fatal(err)
	}
	for slot := uint64(1); slot <= last; slot++ {
		st, err := w.store.State(slot)
		if err != nil {
			w.t.Fatal(err)
		}
		if alive := st.State == seal.Live; alive != slices.Contains(ids, slot) {
			w.t.Errorf("slot %d is %v, its segment there: %v", slot, st.State, !alive)
		}
	}
}

// scrub takes conversations out that were erased, and looks that they are.
func (w *world) scrub(ids ...id.Conversation) Scrubbed {
	w.t.Helper()
	done, err := w.x.Scrub(context.WithoutCancel(w.t.Context()), ids, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tight(ids)
	if n := w.holds(ids...); n != 0 {
		w.t.Errorf("the index has %d entries of what was scrubbed", n)
	}
	return done
}

// tight notes that conversations were scrubbed.
func (w *world) tight(ids []id.Conversation) {
	for _, c := range ids {
		delete(w.loose, c)
	}
}

func (w *world) holds(ids ...id.Conversation) (n int) {
	w.t.Helper()
	err := w.d.Read(context.WithoutCancel(w.t.Context()), func(tx *db.Tx) (err error) {
		n, err = w.open(w.d).Holds(tx, ids)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
