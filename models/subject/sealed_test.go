package subject_test

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/job"
	"qingdang/models/report"
	"qingdang/models/subject"
	"qingdang/models/words"
)

// doors are the ways by which somebody may meet a conversation, each with what it says of everything there and of
// one conversation in particular. What they say names no ids, so that two worlds can be compared.
type doors struct {
	w        *world
	by       account.Actor
	archive  *conversation.Conversations
	one      id.Conversation // the one that is sealed, or was never there
	known    []id.Conversation
	said     []string
	exporter *export.Desk
}

func (d *doors) say(door string, facts ...any) {
	for i, f := range facts {
		if err, ok := f.(error); ok && err != nil {
			if refused, known := fault.Of(err); known {
				facts[i] = refused.Key
			}
		}
	}
	d.said = append(d.said, fmt.Sprint(append([]any{door, ": "}, facts...)...))
}

func (d *doors) overview(o *conversation.Overview) string {
	if o == nil {
		return "none"
	}
	days := int64(0)
	for _, b := range o.Histogram.Bars {
		days += b.Count
	}
	states := map[string]int64{}
	for s, n := range o.States {
		states[s.Code()] = n
	}
	return fmt.Sprint(len(o.Departments), o.Types, o.Platforms, states, o.Tags, days)
}

// everyState names them all: what may not be known is left out by whoever answers, not by whoever asks.
var everyState = []conversation.State{conversation.Active, conversation.Hidden, conversation.Binned, conversation.Frozen, conversation.Purging, conversation.Sealed}

func (d *doors) searches() {
	ctx := d.w.ctx()
	refund, err := words.Parse("灯笼")
	d.w.must(err)
	for name, states := range map[string][]conversation.State{"usual": nil, "archive": {conversation.Active, conversation.Hidden}, "sealed": {conversation.Sealed}, "every": everyState} {
		for how, q := range map[string]conversation.Query{
			"": {}, " of the customer": {Customer: customer}, " with words": {Words: refund}, " with the tag": {Filter: conversation.Filter{Tags: []string{"退款"}}}, " under a reading": {Under: "DY-20261122-001"},
		} {
			if d.archive.Index == nil && q.Words.HasTerms() {
				continue
			}
			q.Departments, q.States, q.Size, q.Zone = account.Everywhere(), states, 10, time.UTC
			door := "search of the " + name + " states" + how
			if p, err := d.archive.Search(ctx, d.by, q); err != nil {
				d.say(door, err)
			} else {
				d.say(door, len(p.Rows), " ", p.Total, " ", p.Binned, " ", d.overview(p.Overview))
				for _, r := range p.Rows {
					if r.ID == d.one {
						d.say(door + " shows it")
					}
				}
			}
			counts, err := d.archive.Counts(ctx, d.by, []conversation.Query{q})
			d.say(door+", counted", counts, err)
			ids, err := d.archive.Pick(ctx, d.by, q, 100)
			d.say(door+", picked", len(ids), err)
			listed := 0
			err = d.archive.Each(ctx, d.by, q, 0, func(*conversation.Row) error { listed++; return nil })
			d.say(door+", listed", listed, err)
		}
	}
	tags, agents, err := d.archive.Strangers(ctx, d.by, []string{"退款", "唯一"}, []string{d.w.agent.StaffNo, "nobody"})
	d.say("strangers", len(tags), len(agents), err)
	names, err := d.archive.TagNames(ctx, d.by)
	d.say("names of tags", names, err)
}

func (d *doors) acts() {
	ctx, w := d.w.ctx(), d.w
	opened, err := d.archive.Open(ctx, d.by, d.one)
	d.say("opening", opened != nil, err)
	d.say("hiding", d.archive.Hide(ctx, d.by, d.one))
	d.say("showing", d.archive.Unhide(ctx, d.by, d.one))
	tagging := &conversation.Tagging{DB: w.d, Share: hold.ShareEpoch, Cover: func(tx *db.Tx, ids []id.Conversation) (map[string]int64, error) {
		return hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
	}}
	_, err = tagging.Edit(ctx, d.by, d.one, conversation.TagEdit{Add: []string{"投诉"}})
	d.say("tagging", err)
	did, err := tagging.EditAll(ctx, d.by, []id.Conversation{d.one}, conversation.TagEdit{Add: []string{"投诉"}})
	d.say("tagging a list", did.Changed, did.Same, did.Full, did.Left, err)
	_, err = w.bin.DiscardOne(ctx, d.by, d.one, reason, w.key())
	d.say("binning", err)
	locks, err := w.bin.Locks(ctx, d.by, []id.Conversation{d.one})
	d.say("locks", len(locks), err)
	for _, scope := range []bin.Scope{{Departments: []id.Department{w.root}, Sub: true}, {Departments: []id.Department{w.east}}} {
		p, err := w.bin.Preview(ctx, d.by, scope, 1)
		if err == nil {
			d.say("preview of a batch", p.Matching, p.Moves, p.Residue, p.Excluded, len(p.Sample), p.ScopeKind)
		} else {
			d.say("preview of a batch", err)
		}
	}
	_, counts, err := w.bin.Tree(ctx, d.by, bin.Scope{Departments: []id.Department{w.root}})
	d.say("tree of the wizard", counts[w.east], counts[w.north], err)
	_, err = w.bin.NewPicked(ctx, d.by, []id.Conversation{d.one}, bin.Picked{})
	d.say("a batch of what was picked", err)
	_, err = (&access.Desk{DB: w.d, Vault: w.vault, Zone: shanghai}).Ask(ctx, d.by, access.Wish{Kind: access.OfConversation, Code: conversation.Code(d.one, "qianniu"), Reason: reason + "，需要核对", FormKey: w.key()})
	d.say("asking to read it", err)
}

func (d *doors) reports() {
	ctx, w := d.w.ctx(), d.w
	reader := &report.Reader{DB: w.d, Conversations: d.archive, Departments: &department.Departments{DB: w.d}, Zone: shanghai}
	h, err := reader.Home(ctx, d.by)
	if err == nil {
		d.say("home", h.Archive, h.Hidden, h.Binned, len(h.Todo))
	} else {
		d.say("home", err)
	}
	_, err = (&report.Evidence{DB: w.d, Log: w.log, Zone: shanghai, Organisation: "云栖优品集团"}).Letter(ctx, d.by, d.one)
	d.say("a letter", err)
	about, err := reader.About(ctx, d.by, &conversation.Conversation{ID: d.one, DepartmentID: w.east}, nil, 1)
	if err == nil {
		d.say("about it", about.Lock, len(about.Stays))
	} else {
		d.say("about it", err)
	}
}

func (d *doors) exports() {
	ctx := d.w.ctx()
	for name, s := range map[string]export.Selection{
		"it":             {Kind: export.OfConversation, Conversations: []id.Conversation{d.one}},
		"it and another": {Kind: export.OfConversations, Conversations: append([]id.Conversation{d.one}, d.known...)},
		"its customer":   {Kind: export.OfCustomer, Customer: customer},
		"every state":    {Kind: export.OfQuery, Query: conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), States: everyState}}},
	} {
		wish := export.Wish{Selection: s, Format: file.JSONL, Purpose: "配合监管部门问询", Lang: "zh-CN", FormKey: d.w.key()}
		p, err := d.exporter.Preview(ctx, d.by, wish)
		if err == nil {
			d.say("export of "+name, p.Conversations, " ", p.Messages, " ", p.Sealed)
		} else {
			d.say("export of "+name, err)
		}
		e, err := d.exporter.Ask(ctx, d.by, wish)
		if err == nil {
			d.say("asking for "+name, e.Asked)
		} else {
			d.say("asking for "+name, err)
		}
	}
}

// walk goes through all doors as each of some people.
func (w *world) walk(indexed bool, one id.Conversation, known []id.Conversation, people map[string]account.Actor) map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	archive := &conversation.Conversations{DB: w.d, Vault: w.vault}
	if indexed {
		archive.Index = conversation.NewIndex(w.d, w.vault, index.Options{})
		_, err := archive.Index.Fold(w.ctx())
		w.must(err)
	}
	for name, by := range people {
		d := &doors{w: w, by: by, archive: archive, one: one, known: known}
		d.exporter = &export.Desk{DB: w.d, Vault: w.vault, Accounts: w.accounts, Dir: filepath.Join(w.t.TempDir(), "exports"), Zone: shanghai, PartSize: 3}
		d.searches()
		d.acts()
		d.reports()
		d.exports()
		sort.Strings(d.said)
		out[name] = d.said
	}
	return out
}

// people are those who may know of no seal. The reader has no department, but access to one.
func (w *world) people() map[string]account.Actor {
	reader := w.agent
	reader.Scope = account.Within(w.north)
	reader.Readings = []account.Reading{{Code: "DY-20261122-001", Where: account.Within(w.east), Until: w.clock.Time().Add(day)}}
	return map[string]account.Actor{"agent": w.agent, "supervisor": w.boss, "audit": w.auditor, "reader from elsewhere": reader, "command line": account.System("cli", "")}
}

// Through no door can anybody but legal tell what is sealed from what never was: every one says the same in two
// worlds that differ in nothing else.
func TestNobodyButLegalMeetsWhatIsSealed(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			for _, indexed := range []bool{false, true} {
				t.Run(map[bool]string{false: "asking rows", true: "asking the index"}[indexed], func(t *testing.T) {
					with, without := newWalk(t, engine), newWalk(t, engine)
					// All that is known to both: another customer's.
					var known [2][]id.Conversation
					for i, w := range []*world{with, without} {
						known[i] = w.store(chat{who: "tb_lihua", at: w.young()}, chat{who: "tb_lihua", dep: w.north}, chat{who: "tb_lihua", hidden: true})
					}
					one := with.store(chat{at: with.young(), tag: "唯一", class: "售前", agent: with.agent.StaffNo})[0]
					with.place()
					with.work()
					with.wantStates([]id.Conversation{one}, "sealed")
					without.clock.Set(with.clock.Time())
					never := one + 1
					seen, unseen := with.walk(indexed, one, known[0], with.people()), without.walk(indexed, never, known[1], without.people())
					for name := range seen {
						for i := range max(len(seen[name]), len(unseen[name])) {
							if a, b := at(seen[name], i), at(unseen[name], i); a != b {
								t.Errorf("%s: with something sealed %q, without %q", name, a, b)
							}
						}
					}
					// And legal meets it, where it is asked for and nowhere else.
					legal := strings.Join(with.walk(indexed, one, known[0], map[string]account.Actor{"legal": with.counsel})["legal"], "\n")
					for _, want := range []string{"search of the sealed states shows it", "opening: true", "export of it: 1", "export of its customer: 1", "sealed:1"} {
						if want == "sealed:1" && !indexed {
							continue // without an index there is no overview
						}
						if !strings.Contains(legal, want) {
							t.Errorf("legal does not find %q in\n%s", want, legal)
						}
					}
					for _, unwanted := range []string{"search of the usual states shows it", "search of the archive states shows it"} {
						if strings.Contains(legal, unwanted) {
							t.Errorf("legal finds %q", unwanted)
						}
					}
				})
			}
		})
	}
}

func newWalk(t *testing.T, engine string) *world {
	t.Helper()
	clock := dbtest.NewClock()
	return newWorld(t, dbtest.Open(t, engine, clock), clock)
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

// On its way to destruction nobody but legal reads it or takes it out either.
func TestWhatLeavesTheSealForTheBinIsStillLegalsAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, ordinary := w.store(chat{}), w.store(chat{who: "tb_lihua"})
		w.discard(before[0], ordinary[0]) // by the supervisor, before the customer asked
		ids := append(before, w.store(chat{})...)
		archive := &conversation.Conversations{DB: w.d, Vault: w.vault}
		r := w.place()
		w.work()
		w.wantStates(ids, "binned")
		for _, c := range ids {
			_, err := archive.Open(w.ctx(), w.boss, c)
			wantFault(t, err, "conversation.not_found", "")
			_, err = archive.Open(w.ctx(), w.counsel, c)
			w.must(err)
		}
		_, err := archive.Open(w.ctx(), w.boss, ordinary[0])
		w.must(err)
		desk := &export.Desk{DB: w.d, Vault: w.vault, Accounts: w.accounts, Dir: filepath.Join(t.TempDir(), "exports"), Zone: shanghai, PartSize: 3}
		takes := func(by account.Actor, s export.Selection, want, sealed int64) {
			t.Helper()
			p, err := desk.Preview(w.ctx(), by, export.Wish{Selection: s, Format: file.JSONL, Purpose: "配合监管部门问询", Lang: "zh-CN", FormKey: w.key()})
			w.must(err)
			if p.Conversations != want || p.Sealed != sealed {
				t.Errorf("%s takes out %d, %d of them sealed", by.Role, p.Conversations, p.Sealed)
			}
		}
		every := export.Selection{Kind: export.OfQuery, Query: conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), States: everyState}}}
		takes(w.boss, every, 1, 0)
		takes(w.counsel, every, 3, 2)
		takes(w.counsel, export.Selection{Kind: export.OfConversations, Conversations: ids}, 2, 2)
		_, err = desk.Preview(w.ctx(), w.boss, export.Wish{Selection: export.Selection{Kind: export.OfConversations, Conversations: ids}, Format: file.JSONL, Purpose: "配合监管部门问询", Lang: "zh-CN", FormKey: w.key()})
		wantFault(t, err, "export.unknown_conversation", "")
		// How many of it would be found is an answer too.
		for _, x := range []*index.Index{nil, conversation.NewIndex(w.d, w.vault, index.Options{})} {
			if archive.Index = x; x != nil {
				_, err := x.Fold(w.ctx())
				w.must(err)
			}
			for by, want := range map[*account.Actor]int64{&w.boss: 0, &w.counsel: 2} {
				q := conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Customer: customer, Size: 10}
				p, err := archive.Search(w.ctx(), *by, q)
				w.must(err)
				if p.Binned != want {
					t.Errorf("%s is told of %d in the bin, with an index: %t", by.Role, p.Binned, x != nil)
				}
				q.States = everyState
				if p, err = archive.Search(w.ctx(), *by, q); err != nil || p.Total != want || int64(len(p.Rows)) != want {
					t.Errorf("%s finds %d of %d and %v, with an index: %t", by.Role, len(p.Rows), p.Total, err, x != nil)
				}
				if ids, err := archive.Pick(w.ctx(), *by, q, 10); err != nil || int64(len(ids)) != want {
					t.Errorf("%s picks %d and %v, with an index: %t", by.Role, len(ids), err, x != nil)
				}
			}
		}
		// Nobody but legal keeps a customer's conversations from being destroyed.
		batch := w.get(r).Batches[0].ID
		_, err = w.bin.Undo(w.ctx(), w.boss, batch)
		wantFault(t, err, "account.outside_scope", "")
		_, err = w.bin.Extend(w.ctx(), w.boss, batch, reason)
		wantFault(t, err, "bin.sealed_legal_only", "")
		out, err := w.bin.RestoreItems(w.ctx(), w.boss, w.set(ids...))
		w.must(err)
		if out.Done != 0 || out.Stays[bin.Outside] != 2 {
			t.Errorf("a supervisor restores %+v", out)
		}
		w.wantStates(ids, "binned")
		letters := &report.Evidence{DB: w.d, Log: w.log, Zone: shanghai, Organisation: "云栖优品集团"}
		_, err = letters.Letter(w.ctx(), w.boss, ids[0])
		wantFault(t, err, "letter.not_found", "")
		_, err = letters.Letter(w.ctx(), w.counsel, ids[0])
		w.must(err)
		// Its bin is not hidden: whoever approves must see how much goes.
		page, err := w.bin.BatchItems(w.ctx(), w.boss, w.get(r).Batches[0].ID, bin.View{})
		w.must(err)
		if page.Total != 1 {
			t.Errorf("the batch has %d", page.Total)
		}
	})
}

// An export that was asked for before the seal leaves it out when it is made, and is not given out when it was made.
func TestASealStopsExportsOnTheirWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{at: w.clock.Time().Add(-181 * day)}) // two days inside its floor
		w.store(chat{who: "tb_lihua"})
		desk := &export.Desk{DB: w.d, Vault: w.vault, Accounts: w.accounts, Dir: filepath.Join(t.TempDir(), "exports"), Zone: shanghai, PartSize: 3}
		ask := func(by account.Actor) *export.Export {
			e, err := desk.Ask(w.ctx(), by, export.Wish{
				Selection: export.Selection{Kind: export.OfQuery, Query: conversation.Query{Filter: conversation.Filter{Departments: account.Within(w.east)}}}, Format: file.JSONL,
				Purpose: "配合监管部门问询", Lang: "zh-CN", FormKey: w.key(),
			})
			w.must(err)
			return e
		}
		work := func() {
			w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{export.JobRun: desk.Runner()}, job.Options{Once: true}))
		}
		now := func(e *export.Export) (out export.Export) {
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", e.ID).Take(&out).Error }))
			return out
		}
		made := ask(w.boss)
		work()
		if e := now(made); e.State != export.Ready || e.Written != 2 {
			t.Fatalf("before the seal %d are written, %s", e.Written, e.State)
		}
		frozen := ask(w.boss)
		// A worker that freezes the list and dies.
		for now(frozen).State != export.Running {
			j, err := job.Claim(w.ctx(), w.d, "dies", []string{export.JobRun})
			w.must(err)
			_, err = desk.Runner().Step(w.ctx(), j)
			w.must(err)
			w.clock.Advance(job.Lease)
		}
		w.place()
		w.wantStates(ids, "sealed")
		work()
		if e := now(frozen); e.State != export.Ready || e.Written != 1 || e.LeftOut != 1 {
			t.Errorf("of a list from before the seal %d are written and %d left out, %s", e.Written, e.LeftOut, e.State)
		}
		_, err := desk.Prepare(w.ctx(), w.boss, made.ID)
		wantFault(t, err, "export.scope_lost", "")
		_, err = desk.Prepare(w.ctx(), w.boss, frozen.ID)
		w.must(err)
		// Nor is it given out when nothing is left of the conversation but that it was sealed.
		w.clock.Advance(3 * day)
		w.tick()
		w.wantStates(ids, "binned")
		w.write(func(tx *db.Tx) error {
			for _, gone := range []string{"DELETE FROM conversation_tag WHERE conversation_id = ?", "DELETE FROM conversation_key WHERE id = ?", "DELETE FROM conversation_body WHERE id = ?", "DELETE FROM conversation WHERE id = ?", "UPDATE bin_item SET state = 'purged' WHERE conversation_id = ?"} {
				if err := tx.Exec(gone, ids[0]).Error; err != nil {
					return err
				}
			}
			return nil
		})
		_, err = desk.Prepare(w.ctx(), w.boss, made.ID)
		wantFault(t, err, "export.scope_lost", "")
	})
}

// The request of a conversation is told to those who read requests.
func TestThePageOfASealedConversationNamesItsRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{at: w.young()})
		r := w.place()
		for by, want := range map[*account.Actor]bool{&w.counsel: true, &w.auditor: true, &w.boss: false} {
			of, err := w.requests.Of(w.ctx(), *by, ids[0])
			w.must(err)
			if (of != nil) != want || of != nil && of.Code != r.Code {
				t.Errorf("%s is told %v", by.Role, of)
			}
		}
		lines, total, err := w.requests.Lines(w.ctx(), w.auditor, r.ID, subject.LineQuery{})
		w.must(err)
		if total != 1 || lines[0].Why != bin.Floor || lines[0].Until.IsZero() || lines[0].Place != subject.PlaceSealed {
			t.Errorf("%d lines: %+v", total, lines)
		}
		page, err := w.requests.List(w.ctx(), w.auditor, subject.Query{State: subject.Open})
		w.must(err)
		if page.Total != 1 || page.Rows[0].Parts.Floor != 1 || page.Rows[0].Over || page.Rows[0].Soon {
			t.Errorf("list = %+v", page)
		}
		count := func(by account.Actor, want int64, wantUrgent bool) {
			t.Helper()
			var n int64
			var urgent bool
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) { n, urgent, err = subject.CountOpen(tx, by); return err }))
			if n != want || urgent != wantUrgent {
				t.Errorf("the menu of %s counts %d, urgent %v; want %d, %v", by.Role, n, urgent, want, wantUrgent)
			}
		}
		count(w.legal, 1, false)
		count(w.auditor, 0, false)
		count(w.boss, 0, false)
		w.clock.Advance(26 * day)
		count(w.legal, 1, true)
		var todo []subject.Row
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) { todo, err = subject.ToDo(tx, w.counsel, 5); return err }))
		if len(todo) != 1 || !todo[0].Soon {
			t.Errorf("to do: %+v", todo)
		}
	})
}
