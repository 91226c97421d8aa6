package conversation_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/purge"
	"qingdang/models/seal"
	"qingdang/models/words"
)

// An archive beside a plaintext copy. Conversations are those of ../shared/data/gen, so that words come
// again and again as in life; everything that may happen to them happens; and every search gives what a
// filter over the copy gives.

// plain is what the test itself knows of a conversation.
type plain struct {
	id    id.Conversation
	new   conversation.New // with its tags and its department as they are now
	state conversation.State
	heard []string // what is said in it, folded, a message each
	spelt [][]spelt
	asked []uint64 // terms for which answer is known
	says  []uint64
	holds conversation.Personal // kinds of personal data
	marks *marks                // nil: not asked for yet
	dark  bool                  // its marks are not known, as of one from before there were any
}

func (p *plain) lastAt() time.Time {
	m := p.new.Document.Messages
	return m[len(m)-1].At.Time()
}

// mirror is an archive and its plain copy.
type mirror struct {
	t        *testing.T
	settings db.Settings
	d        *db.DB
	s        *conversation.Conversations
	x        *index.Index
	rnd      *rand.Rand
	said     *bufio.Scanner // what is still to be imported
	all      []*plain       // newest first
	unsorted bool
	purge    purge.Request // the one under way, or the last
	pairs    pairs
	terms    map[string]*term
	ids      map[string]id.Department        // of the departments' names
	on       map[id.Department]id.Department // what each department hangs on
	asked    tally
}

// tally counts what was asked.
type tally struct {
	queries, words, pages, numbered, unindexed, hits, empty, inexact, waiting, beside, picked, framed, read, inScrub, inFold int
}

func newMirror(t *testing.T, engine string, n int, seed uint64) *mirror {
	t.Helper()
	settings := dbtest.Settings(t, engine)
	settings.Clock = dbtest.NewClock()
	m := &mirror{
		t: t, settings: settings, rnd: rand.New(rand.NewPCG(seed, 5)), said: generated(t, n, seed), terms: map[string]*term{}, ids: map[string]id.Department{}, on: map[id.Department]id.Department{},
	}
	var err error
	if m.d, err = db.Open(context.WithoutCancel(t.Context()), settings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.d.Close() })
	v := vault(t)
	if v.Sensitive, err = words.ReadList(strings.NewReader(strings.Join(lookedFor, ",x\n"))); err != nil {
		t.Fatal(err)
	}
	m.reopen(v)
	m.quiet()
	return m
}

// options cuts the index into the divisions of the tree, which is moved about.
var options = index.Options{Divisions: department.Divisions}

// reopen forgets everything that a process remembers.
func (m *mirror) reopen(v conversation.Vault) {
	m.x = conversation.NewIndex(m.d, v, options)
	m.s = &conversation.Conversations{DB: m.d, Vault: v, Index: m.x}
}

// generated runs the generator of the shared data.
func generated(t *testing.T, n int, seed uint64) *bufio.Scanner {
	t.Helper()
	dir := dbtest.Shared(t, "gen")
	if _, err := exec.LookPath("go"); err != nil {
		dbtest.Missing(t, "the go command, for "+dir)
	}
	file, err := os.Create(t.TempDir() + "/said.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	gen := exec.CommandContext(t.Context(), "go", "run", ".", "-n", fmt.Sprint(n), "-seed", fmt.Sprint(seed), "-days", "400", "-regions", "3", "-companies", "3", "-groups", "3")
	gen.Dir, gen.Stdout = dir, file
	if err := gen.Run(); err != nil {
		t.Fatal("generator: ", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	return lines
}

// hard is what the dialogues do not have: other widths and cases, words beside ideographs, blanks inside.
var hard = []string{"iPhone手机壳", "ＡＢＣ公司的", "退 款", "refund please", "款到发货", "Ｒｅｆｕｎｄ！", "一二三㈠", "café au lait", "快"}

// next reads one conversation of the generator.
func (m *mirror) next() (n conversation.New, ok bool) {
	m.t.Helper()
	if !m.said.Scan() {
		return n, false
	}
	var c struct {
		Platform, Department string
		External             string `json:"external_id"`
		Type                 string `json:"service_type"`
		Agent, Customer      struct{ ID, Name string }
		Tags                 []string
		Messages             []struct {
			ID, Sender, Type, Text, Attachment string
			At                                 time.Time
			Recalled                           bool
		}
	}
	if err := json.Unmarshal(m.said.Bytes(), &c); err != nil {
		m.t.Fatal(err)
	}
	n = conversation.New{
		Platform: c.Platform, ServiceType: c.Type, AgentID: c.Agent.ID, AgentName: c.Agent.Name, Tags: slices.Compact(slices.Sorted(slices.Values(c.Tags))),
		Document: conversation.Document{ExternalID: c.External, CustomerID: c.Customer.ID, CustomerName: c.Customer.Name},
	}
	n.DepartmentID = m.department(c.Department)
	if m.rnd.IntN(3) == 0 {
		n.Document.OrderNo = fmt.Sprint("TB", 880000+m.rnd.IntN(40000))
	}
	var back time.Duration
	if m.rnd.IntN(40) == 0 { // several at the same instant
		back = c.Messages[len(c.Messages)-1].At.Sub(day)
	}
	for i, s := range c.Messages {
		if m.rnd.IntN(60) == 0 && s.Text != "" {
			s.Text += pick(m.rnd, hard)
		}
		if m.rnd.IntN(40) == 0 && s.Text != "" {
			s.Text += m.number()
		}
		n.Document.Messages = append(n.Document.Messages, conversation.Message{
			ID: fmt.Sprint("m", i), Sender: conversation.Sender(s.Sender), At: conversation.MicrosOf(s.At.Add(-back)), Kind: s.Type, Text: s.Text, Attachment: s.Attachment, Recalled: s.Recalled,
		})
	}
	return n, true
}

// department gives the number of a path.
func (m *mirror) department(path string) id.Department {
	if m.ids[path] == 0 {
		m.ids[path] = id.Department(11 + len(m.ids))
	}
	return m.ids[path]
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// store imports n conversations.
func (m *mirror) store(n int) {
	m.t.Helper()
	var batch []conversation.New
	for len(batch) < n {
		one, ok := m.next()
		if !ok {
			break
		}
		batch = append(batch, one)
	}
	for i, o := range store(m.t, m.d, m.s.Vault, batch...) {
		p := &plain{id: o.ID, new: batch[i], state: conversation.Active}
		m.hear(p)
		m.all = append(m.all, p)
	}
	m.unsorted = true
}

func (m *mirror) sorted() []*plain {
	if m.unsorted {
		slices.SortFunc(m.all, func(a, b *plain) int { return cmp.Or(b.lastAt().Compare(a.lastAt()), cmp.Compare(b.id, a.id)) })
		m.unsorted = false
	}
	return m.all
}

func (m *mirror) write(f func(tx *db.Tx) error) {
	m.t.Helper()
	err := m.d.Write(m.t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		return f(tx)
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// some gives n random conversations in the given states.
func (m *mirror) some(n int, states ...conversation.State) (out []*plain) {
	for _, i := range m.rnd.Perm(len(m.all)) {
		if p := m.sorted()[i]; len(out) < n && slices.Contains(states, p.state) {
			out = append(out, p)
		}
	}
	return out
}

func idsOf(list []*plain) []id.Conversation {
	ids := make([]id.Conversation, len(list))
	for i, p := range list {
		ids[i] = p.id
	}
	return ids
}

// turn moves conversations from one state to another.
func (m *mirror) turn(n int, from, to conversation.State) {
	m.t.Helper()
	m.put(m.some(n, from), from, to)
}

func (m *mirror) put(all []*plain, from, to conversation.State) {
	m.t.Helper()
	for list := range slices.Chunk(all, 500) {
		m.write(func(tx *db.Tx) error {
			set, err := id.NewSet(idsOf(list)...)
			if err == nil {
				_, err = conversation.Move(tx, set, from, to, nil)
			}
			return err
		})
		for _, p := range list {
			p.state = to
		}
	}
}

// shift moves conversations to other departments.
func (m *mirror) shift(n int) {
	m.t.Helper()
	others := m.some(20, conversation.Active)
	m.write(func(tx *db.Tx) error {
		for _, p := range m.some(n, conversation.Active, conversation.Hidden, conversation.Binned) {
			to := pick(m.rnd, others).new
			p.new.DepartmentID = to.DepartmentID
			err := tx.Exec("UPDATE conversation SET department_id = ? WHERE id = ?", to.DepartmentID, p.id).Error
			if err == nil {
				err = index.Changed(tx, false, p.id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// plant hangs departments that are not in the tree yet on three regions, or on each other.
func (m *mirror) plant() {
	m.t.Helper()
	m.write(func(tx *db.Tx) error {
		for _, d := range slices.Sorted(maps.Values(m.ids)) {
			if _, there := m.on[d]; there {
				continue
			}
			on := id.Department(0) // the first three are the regions
			if d > 13 {
				on = id.Department(11 + m.rnd.IntN(min(int(d)-11, 12)))
			}
			m.on[d] = on
			if err := tx.Create(&department.Department{ID: d, ParentID: m.on[d], Name: fmt.Sprint("d", d), CreatedAt: tx.Now}).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// move hangs departments, with all below them, on others. No conversation is touched.
func (m *mirror) move(n int) {
	m.t.Helper()
	all := slices.Sorted(maps.Keys(m.on))
	for range n {
		d, on := pick(m.rnd, all), pick(m.rnd, append(all, 0))
		m.write(func(tx *db.Tx) error {
			tree, err := department.Load(tx)
			if err != nil {
				return err
			}
			_, err = department.Move(tx, tree, d, department.Place{Parent: on, Name: tree.Name(d)})
			if fault.KindOf(err) == fault.KindInvalid {
				return nil // below itself, or there already
			}
			if err == nil {
				m.on[d] = on
			}
			return err
		})
	}
}

// below is a department with all that hangs on it, as the search page takes it from the tree: it must be what
// the test's own pointers say.
func (m *mirror) below(top id.Department) (scope account.Scope) {
	m.t.Helper()
	err := m.d.Read(m.t.Context(), func(tx *db.Tx) error {
		tree, err := department.Load(tx)
		if err == nil {
			scope = tree.Scope([]account.ScopeRow{{Department: top, Sub: true}})
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	for d := range m.on {
		under := false
		for up := d; up != 0; up = m.on[up] {
			under = under || up == top
		}
		if scope.Has(d) != under {
			m.t.Fatalf("%d below %d: %v", d, top, scope.Has(d))
		}
	}
	return scope
}

// untag takes a tag off conversations.
func (m *mirror) untag(n int) {
	m.t.Helper()
	m.write(func(tx *db.Tx) error {
		for _, p := range m.some(n, conversation.Active, conversation.Hidden) {
			if len(p.new.Tags) == 0 {
				continue
			}
			gone := pick(m.rnd, p.new.Tags)
			err := tx.Exec("DELETE FROM conversation_tag WHERE conversation_id = ? AND tag_id = (SELECT id FROM tag WHERE name = ?)", p.id, gone).Error
			if err == nil {
				err = index.Changed(tx, false, p.id)
			}
			if err != nil {
				return err
			}
			p.new.Tags = slices.DeleteFunc(slices.Clone(p.new.Tags), func(t string) bool { return t == gone })
		}
		return nil
	})
}

// again imports known conversations once more, with another message, a recall or a tag.
func (m *mirror) again(n int) {
	m.t.Helper()
	list, others := m.some(n, conversation.Active, conversation.Hidden, conversation.Binned, conversation.Sealed), m.some(20, conversation.Active)
	var batch []conversation.New
	for _, p := range list {
		said := slices.Clone(p.new.Document.Messages)
		switch m.rnd.IntN(3) {
		case 0:
			text := pick(m.rnd, pick(m.rnd, others).new.Document.Messages).Text + pick(m.rnd, hard)
			p.dark = false
			said = append(said, conversation.Message{ID: fmt.Sprint("m", len(said)), Sender: conversation.FromAgent, At: conversation.MicrosOf(p.lastAt().Add(time.Hour)), Kind: "text", Text: text})
		case 1:
			one := &said[m.rnd.IntN(len(said))]
			p.dark = p.dark && one.Recalled
			one.Recalled = true
		default:
			if !slices.Contains(p.new.Tags, "回访") {
				p.new.Tags = append(slices.Clone(p.new.Tags), "回访")
			}
		}
		p.new.Document.Messages = said
		m.hear(p)
		batch = append(batch, p.new)
	}
	for part := range slices.Chunk(batch, 500) {
		store(m.t, m.d, m.s.Vault, part...)
	}
	m.unsorted = true
}

// darken makes conversations such as are from before there were marks.
func (m *mirror) darken(n int) {
	m.t.Helper()
	list := m.some(n, conversation.Active, conversation.Hidden)
	m.write(func(tx *db.Tx) error {
		ids := idsOf(list)
		if err := tx.Exec("UPDATE conversation SET personal = NULL, marks = NULL, marks_list = NULL WHERE id IN ?", ids).Error; err != nil {
			return err
		}
		return index.Changed(tx, false, ids...)
	})
	for _, p := range list {
		p.dark = true
	}
}

// light looks into all of them.
func (m *mirror) light() {
	m.t.Helper()
	for last, after := false, id.Conversation(0); !last; {
		var ids []id.Conversation
		err := m.d.Read(m.t.Context(), func(tx *db.Tx) (err error) {
			ids, after, last, err = m.s.Vault.Unlooked(tx, after, 100, 1000)
			return err
		})
		if err != nil {
			m.t.Fatal(err)
		}
		found, err := m.s.Vault.Look(m.t.Context(), m.d, ids)
		if err != nil {
			m.t.Fatal(err)
		}
		m.write(func(tx *db.Tx) error {
			_, _, err := found.Note(tx, ids)
			return err
		})
	}
	for _, p := range m.all {
		p.dark = false
	}
}

// erase freezes conversations of the bin and destroys most of them, as a purge does that has not come to its end: what
// is left stays frozen until then.
func (m *mirror) erase(n int) []id.Conversation {
	m.t.Helper()
	m.turn(n+n/4, conversation.Active, conversation.Binned) // else the bin would be empty one day
	list := m.some(n+n/4, conversation.Binned)
	m.put(list, conversation.Binned, conversation.Frozen)
	m.turn(n/8, conversation.Frozen, conversation.Purging)
	m.fold()
	m.check(m.question())
	list = list[:n]
	code := fmt.Sprint("purge ", m.purge.ID)
	m.purge = purge.Request{Code: code, RequestKey: code, State: purge.Running, Root: []byte{}, PolicyVersion: []byte{}, MAC: []byte{}, Purged: int64(n), CreatedAt: day}
	m.write(func(tx *db.Tx) error { return tx.Create(&m.purge).Error })
	gone, seq := map[id.Conversation]bool{}, int64(0)
	for part := range slices.Chunk(list, 500) {
		var items []purge.Item
		for _, p := range part {
			seq, gone[p.id] = seq+1, true
			items = append(items, purge.Item{PurgeID: m.purge.ID, Seq: seq, ConversationID: p.id, Digest: []byte{}, LastAt: p.lastAt(), State: purge.Purged})
		}
		m.write(func(tx *db.Tx) error {
			if err := tx.Create(&items).Error; err != nil {
				return err
			}
			return conversation.Erase(tx, these(idsOf(part)...), len(part), m.purge.ID)
		})
	}
	m.all = slices.DeleteFunc(m.all, func(p *plain) bool { return gone[p.id] })
	for _, p := range list[:min(n, 5)] {
		if o := store(m.t, m.d, m.s.Vault, p.new)[0]; !o.Purged {
			m.t.Errorf("what was erased came back: %+v", o)
		}
	}
	return idsOf(list)
}

func (m *mirror) scrub(ids []id.Conversation) {
	m.t.Helper()
	if _, err := m.x.Scrub(m.t.Context(), ids, nil); err != nil {
		m.t.Fatal(err)
	}
	m.scrubbed(ids)
}

// scrubbed makes sure that the index has nothing of them any more, and ends the purge: what it left goes back.
func (m *mirror) scrubbed(ids []id.Conversation) {
	m.t.Helper()
	m.write(func(tx *db.Tx) error { return tx.Model(&m.purge).Update("state", purge.DoneWithExceptions).Error })
	m.turn(len(m.all), conversation.Frozen, conversation.Binned)
	m.turn(len(m.all), conversation.Purging, conversation.Binned)
	err := m.d.Read(m.t.Context(), func(tx *db.Tx) error {
		n, err := m.x.Holds(tx, ids)
		if err == nil && n > 0 {
			m.t.Errorf("the index holds %d of what was erased", n)
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *mirror) fold() {
	m.t.Helper()
	if _, err := m.x.Fold(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// life is what happens: of so many conversations, so many queries.
func (m *mirror) life(n, queries, kills int) {
	m.t.Helper()
	part := func(share float64) int { return int(share * float64(n)) }
	ask := func(share float64) {
		m.t.Helper()
		for range int(share * float64(queries)) {
			q := m.question()
			m.check(q)
			m.kept(q.by)
		}
		m.t.Logf("of %d conversations: %+v", len(m.all), m.asked)
	}
	for left := n; left > 0; left -= 1000 {
		m.store(min(left, 1000))
		m.plant()
		if _, err := m.x.Catch(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
	m.fold()
	ask(0.2)
	change := func(share float64) {
		m.turn(part(share), conversation.Active, conversation.Hidden)
		m.turn(part(share), conversation.Active, conversation.Binned)
		m.turn(part(share/4), conversation.Binned, conversation.Active)
		m.turn(part(share/4), conversation.Hidden, conversation.Active)
		m.turn(part(share/2), conversation.Active, conversation.Sealed)
		m.turn(part(share/4), conversation.Sealed, conversation.Active)
		m.shift(part(share / 4))
		m.untag(part(share / 4))
		m.again(part(share / 2))
		m.move(4)
	}
	change(0.005) // so few that every count stays exact beside them
	ask(0.06)
	change(0.02)
	m.store(part(0.01))
	m.darken(part(0.03))
	ask(0.05) // with many waiting
	change(0.08)
	m.store(part(0.04))
	m.fold()
	ask(0.19)
	erased := m.erase(part(0.05))
	m.light()
	ask(0.06)
	m.scrub(erased)
	ask(0.14)
	for round := range kills {
		erased := m.erase(part(0.02))
		change(0.02)
		m.store(part(0.02))
		m.kill(erased, round)
		ask(0.15 / float64(kills))
	}
	m.reopen(m.s.Vault)
	m.fold()
	ask(0.1)
	m.worded()
	if _, err := m.x.Rebuild(m.t.Context(), nil); err != nil {
		m.t.Fatal(err)
	}
	ask(0.05)
	flaws, gone, err := m.x.Check(m.t.Context())
	if err != nil || len(flaws)+len(gone) > 0 {
		m.t.Errorf("%v %v %v", flaws, gone, err)
	}
	m.unreadable()
}

// worded holds every term against the bodies, after folds, scrubs and kills.
func (m *mirror) worded() {
	m.t.Helper()
	done, err := m.x.CheckWords(m.t.Context(), func(uint64) bool { return true }, false)
	if err != nil || len(done.Flaws) > 0 || done.Docs < len(m.all)/2 {
		m.t.Errorf("%+v of %d conversations, %v", done, len(m.all), err)
	}
}

func TestEverySearchEqualsABruteForceFilter(t *testing.T) {
	n, queries, kills := 700, 120, 1
	if os.Getenv("QINGDANG_TEST_TIER") == "long" {
		n, queries, kills = 20_000, 5000, 12
	}
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			m := newMirror(t, engine, n+n/20+kills*n/50, 11)
			m.life(n, queries, kills)
			t.Logf("%d conversations, %d terms, %+v", len(m.all), len(m.terms), m.asked)
			if len(m.all) < n || m.asked.queries < queries || m.asked.numbered == 0 || m.asked.unindexed == 0 || kills > 1 && (m.asked.inScrub == 0 || m.asked.inFold == 0) {
				t.Error("that is less than was to be asked")
			}
		})
	}
}

// child says to another process of this test what to do.
type child struct {
	DSN, File, Keys string
	FoldsFirst      bool
	Erased          []id.Conversation
}

const childVariable = "QINGDANG_DIFFER_CHILD"

// TestFoldAndScrubChild is the process that is killed.
func TestFoldAndScrubChild(t *testing.T) {
	var c child
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &c); err != nil {
		t.Skip("runs as a child process only")
	}
	d, err := db.Open(t.Context(), db.Settings{DSN: c.DSN, File: c.File, Clock: dbtest.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.OpenStore(seal.Options{Dir: c.Keys})
	if err != nil {
		t.Fatal(err)
	}
	x := conversation.NewIndex(d, conversation.Vault{Store: s}, options)
	scrub := func() {
		fmt.Println("scrubs")
		if _, err := x.Scrub(t.Context(), c.Erased, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !c.FoldsFirst {
		scrub()
	}
	fmt.Println("folds")
	if _, err := x.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.FoldsFirst {
		scrub()
	}
	fmt.Println("ended")
}

// kill lets another process scrub and fold, kills it in the middle, asks, and so on, each time
// later, until it comes to its end.
func (m *mirror) kill(erased []id.Conversation, round int) {
	m.t.Helper()
	task, err := json.Marshal(child{m.settings.DSN, m.settings.File, m.s.Vault.Store.Dir(), round%2 == 1, erased})
	if err != nil {
		m.t.Fatal(err)
	}
	killed, first := 0, time.Duration(5+7*round)*time.Millisecond
	// The first dies at once: on a fast machine the others may all come to their end.
	for wait := time.Duration(0); ; wait = max(first, wait*2) + time.Duration(m.rnd.IntN(20))*time.Millisecond {
		at := m.run(task, wait)
		if at == "ended" {
			break
		}
		switch killed++; at {
		case "scrubs":
			m.asked.inScrub++
		case "folds":
			m.asked.inFold++
		}
		m.check(m.question())
		m.check(m.question())
	}
	m.t.Logf("killed %d times in fold and scrub", killed)
	if killed == 0 {
		m.t.Error("nothing was killed")
	}
	m.scrubbed(erased)
}

// run starts the child and kills it a while after it has begun to do something. It tells what the child said last.
func (m *mirror) run(task []byte, wait time.Duration) (at string) {
	m.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFoldAndScrubChild$")
	cmd.Env = append(os.Environ(), childVariable+"="+string(task))
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "scrubs", line == "folds", line == "ended":
			if at == "" {
				stop := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
				defer stop.Stop()
			}
			at = line
		case strings.HasPrefix(line, "--- FAIL"), strings.Contains(line, "_test.go:"):
			m.t.Error(line)
		}
	}
	_ = cmd.Wait() // says that it was killed
	return at
}
