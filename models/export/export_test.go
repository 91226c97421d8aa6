package export_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit/proof"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/id"
	"qingdang/models/words"
)

func TestAnExportIsMaskedWholeAndGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 4), w.store(w.north, 3)...)
		p, err := w.desk.Preview(w.ctx(), w.supervisor, w.wish())
		w.must(err)
		if p.Conversations != 7 || p.Messages != 14 || p.Parts != 3 || len(p.Needs) != 0 || p.MostDays != export.MostDays {
			t.Errorf("preview %+v", p)
		}
		e := w.ready(w.supervisor, w.wish())
		if e.Size != 7 || e.Written != 7 || e.LeftOut != 0 || e.Messages != 14 || e.Parts != 3 || len(w.shelf()) != 3 {
			t.Errorf("%+v, on the shelf %v", e, w.shelf())
		}
		if w.planted(w.desk.Dir) {
			t.Error("the shelf can be read")
		}
		files := w.fetch(w.supervisor, e)
		said := text(files)
		if strings.Count(said, canary) != 7 || strings.Contains(said, phone) || strings.Contains(said, "张伟") || strings.Contains(said, "tb_zhangwei88") || !strings.Contains(said, "138****5678") {
			t.Errorf("the files say %.300s", said)
		}
		m := w.manifest(files)
		if m.Listed != 7 || m.Written != 7 || !m.Complete || len(m.Files) != 3 || m.Root != e.Fingerprint() || m.Masked != "all" || m.Purpose != "配合监管部门问询" {
			t.Errorf("manifest %+v", m)
		}
		if lines := strings.Count(files["manifest.csv"], "\r\n"); lines != 8 {
			t.Errorf("the list has %d lines", lines)
		}
		for _, c := range ids {
			if !strings.Contains(files["manifest.csv"], id.String(c)) {
				t.Errorf("%d is not on the list", c)
			}
		}
		// It is gone from the shelf, with its key.
		e = w.now(e)
		if e.State != export.Fetched || e.KeyGoneAt == nil || len(e.FileSHA256) != 32 || len(w.shelf()) != 0 {
			t.Errorf("afterwards %+v, shelf %v", e, w.shelf())
		}
		_, err = w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.fetched_already")
		if w.wrote("export.downloaded", e.Code, "ok") != 1 || w.wrote("export.download_refused", e.Code, "refused") != 1 {
			t.Error("not written down")
		}
	})
}

// The list is everything that matched in one state, and its root can be computed by anybody from the file.
func TestTheListIsCompleteAndStandsInTheLog(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 3)
		late := 0
		e := w.ask(w.supervisor, w.wish())
		w.must(w.steps(1)) // begun
		w.store(w.east, 2) // before the list is frozen: it belongs
		w.must(w.steps(1))
		w.store(w.east, 1) // afterwards: it does not
		late++
		w.work()
		if e = w.now(e); e.Asked != 3 || e.Matched != 5 || e.Size != 5 || e.State != export.Ready {
			t.Fatalf("%+v", e)
		}
		files := w.fetch(w.supervisor, e)
		m := w.manifest(files)
		if m.Asked != 3 || m.Matched != 5 || !m.Complete || strings.Count(text(files), canary) != 5 {
			t.Errorf("%+v", m)
		}
		var list proof.Lines
		for i, line := range strings.Split(strings.TrimSpace(files["manifest.csv"]), "\r\n") {
			if f := strings.Split(line, ","); i > 0 {
				list.Add([]byte("qingdang/export/v1\n" + strings.Join([]string{f[0], f[2], f[1], f[3], f[4], f[5]}, "\n") + "\n"))
			}
		}
		if root := list.Root(); e.Fingerprint() != hexOf(root[:]) {
			t.Error("the root is not that of the list")
		}
		if w.wrote("export.frozen", e.Code, "ok") != 1 || late != 1 {
			t.Error("the list is not in the log")
		}
	})
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 3), w.store(w.north, 2)...)
		e := w.ask(w.supervisor, w.wish())
		w.must(w.steps(2))
		// One is destroyed, one moves out of the supervisor's departments, one grows, one is damaged.
		w.write(func(tx *db.Tx) error {
			return tx.Model(&conversation.Conversation{}).Where("id = ?", ids[0]).Update("state", conversation.Purging).Error
		})
		dbtest.Exec(t, w.d, "UPDATE conversation SET department_id = ? WHERE id = ?", w.root, ids[1])
		dbtest.Exec(t, w.d, "UPDATE export_item SET version = version + 7 WHERE conversation_id = 0")
		dbtest.Exec(t, w.d, "UPDATE conversation_body SET body = ? WHERE id = ?", []byte("noise"), ids[3])
		w.work()
		e = w.now(e)
		if e.State != export.Ready || e.Size != 5 || e.Written != 3 || e.LeftOut != 2 || e.Unreadable != 1 {
			t.Fatalf("%+v", e)
		}
		g, err := w.desk.Get(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		if g.Reasons[export.ReasonPurged] != 1 || g.Reasons[export.ReasonScope] != 1 || g.Reasons[export.ReasonUnreadable] != 1 {
			t.Errorf("reasons %v", g.Reasons)
		}
		m := w.manifest(w.fetch(w.supervisor, e))
		if m.Complete || m.LeftOut != 2 || m.Reasons[export.ReasonPurged] != 1 {
			t.Errorf("manifest %+v", m)
		}
	})
}

func TestWhoeverMayNotIsRefusedAndWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 2), w.store(w.north, 1)...)
		wish := func(change func(*export.Wish)) export.Wish {
			v := w.wish()
			change(&v)
			return v
		}
		single := func(v *export.Wish, c id.Conversation) {
			v.Selection = export.Selection{Kind: export.OfConversation, Conversations: []id.Conversation{c}}
		}
		tests := []struct {
			name string
			by   account.Actor
			wish export.Wish
			key  string
		}{
			{"an agent takes many", w.agent, w.wish(), "export.single_only"},
			{"an agent takes what is elsewhere", w.agent, wish(func(v *export.Wish) { single(v, ids[2]) }), "export.unknown_conversation"},
			{"a supervisor takes what is elsewhere", w.second, wish(func(v *export.Wish) { single(v, ids[2]) }), "export.unknown_conversation"},
			{"a supervisor unmasked", w.supervisor, wish(func(v *export.Wish) { v.Mask = export.MaskNone }), "account.forbidden"},
			{"a supervisor a hold", w.supervisor, wish(func(v *export.Wish) { v.Selection = export.Selection{Kind: export.OfHold, Hold: 1} }), "account.forbidden"},
			{"an auditor", accounttest.Actor(account.Auditor), w.wish(), "account.forbidden"},
			{"the administrator", accounttest.Actor(account.Admin), w.wish(), "account.forbidden"},
			{"the system", account.System("worker", ""), w.wish(), "account.forbidden"},
			{"no purpose", w.supervisor, wish(func(v *export.Wish) { v.Purpose = " x " }), "export.purpose_needed"},
			{"too long a life", w.supervisor, wish(func(v *export.Wish) { v.Days = 31 }), "export.days_range"},
			{"too long a life unmasked", w.legal, wish(func(v *export.Wish) { v.Days, v.Mask = 8, export.MaskNone }), "export.days_range"},
			{"outside without consent", w.supervisor, wish(func(v *export.Wish) { v.Recipient = "杭州市市场监督管理局" }), "export.consent_needed"},
			{"no key", w.supervisor, wish(func(v *export.Wish) { v.Key = "age1nonsense" }), "export.key_unreadable"},
			{"another number", w.supervisor, wish(func(v *export.Wish) { n := int64(9); v.Shown = &n }), "export.count_changed"},
			{"nothing", w.supervisor, wish(func(v *export.Wish) { v.Selection.Query.Tags = []string{"没有这个标签"} }), "export.nothing"},
		}
		for _, tt := range tests {
			_, err := w.desk.Ask(w.ctx(), tt.by, tt.wish)
			if err == nil {
				t.Errorf("%s: was let through", tt.name)
				continue
			}
			w.wantFault(err, tt.key)
		}
		if n := w.count(&export.Export{}); n != 0 {
			t.Errorf("%d exports", n)
		}
		if n := w.wrote("export.refused", "", "refused"); n < 5 {
			t.Errorf("%d refusals are written down", n)
		}
		// An agent may take one of his own.
		e := w.ready(w.agent, wish(func(v *export.Wish) { single(v, ids[0]) }))
		if files := w.fetch(w.agent, e); strings.Count(text(files), canary) != 1 {
			t.Error("not one conversation")
		}
	})
}

// Many small exports are one large one: what a person asked for within a day counts together, also
// under another account.
func TestManySmallExportsAreALargeOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		twin := accounttest.Same(t, w.d, w.accounts, "hr-slices", account.Supervisor, w.east)
		other := accounttest.Same(t, w.d, w.accounts, "hr-slices", account.Supervisor, w.east)
		first := w.ask(twin, w.wish())
		if first.State != export.Queued {
			t.Fatalf("%+v", first)
		}
		// As if that had been a big one; afterwards it is as it was.
		w.write(func(tx *db.Tx) error {
			return tx.Exec("UPDATE export SET asked = ? WHERE id = ?", export.Largest-1, first.ID).Error
		})
		e := w.ask(other, w.wish())
		if needs := e.NeedsApproval(); e.State != export.Waiting || len(needs) != 1 || needs[0] != export.Large {
			t.Errorf("%s, needs %v", e.State, needs)
		}
		p, err := w.desk.Preview(w.ctx(), twin, w.wish())
		w.must(err)
		if len(p.Needs) != 1 || len(p.Approvers) != 2 {
			t.Errorf("%+v", p)
		}
		w.write(func(tx *db.Tx) error { return tx.Exec("UPDATE export SET asked = 2 WHERE id = ?", first.ID).Error })
		w.clock.Advance(24 * time.Hour)
		if e := w.ask(other, w.wish()); e.State != export.Queued {
			t.Errorf("a day later it is %s", e.State)
		}
	})
}

// A wider scope in the form does not widen what somebody may see.
func TestASelectionReachesNoFurtherThanTheScope(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		w.store(w.north, 3)
		e := w.ready(w.second, w.wish())
		if e.Size != 2 {
			t.Errorf("%d conversations of a foreign department are in it", e.Size-2)
		}
	})
}

func TestTheFileIsRefusedAtTheDoor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 2), w.store(w.north, 1)...)
		e := w.ready(w.supervisor, w.wish())
		refused := func(by account.Actor, key string) {
			t.Helper()
			_, err := w.desk.Prepare(w.ctx(), by, e.ID)
			w.wantFault(err, key)
		}
		// Another person, also of legal, also with another account of the same kind.
		refused(w.legal, "export.not_yours")
		refused(w.second, "export.not_found") // a part of it lies outside of his departments
		refused(w.agent, "export.not_found")
		if n := w.wrote("export.look_refused", e.Code, "refused"); n != 2 {
			t.Errorf("%d who reached for it are written down", n)
		}
		// With a grant that is somebody else's, wrong, or over.
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		for _, try := range []struct {
			by           account.Actor
			token, words string
			key          string
		}{
			{w.legal, g.Token, g.Passphrase, "export.not_yours"},
			{w.supervisor, "x" + g.Token, g.Passphrase, "export.no_grant"},
			{w.supervisor, g.Token, "", "export.no_grant"},
		} {
			_, err := w.desk.Download(w.ctx(), try.by, e.ID, try.token, try.words)
			w.wantFault(err, try.key)
		}
		w.clock.Advance(16 * time.Minute)
		_, err = w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
		w.wantFault(err, "export.grant_over")
		// After losing a department, and after a conversation moved into another one.
		less := w.supervisor
		less.Scope = account.Within(w.east)
		refused(less, "export.scope_lost")
		dbtest.Exec(t, w.d, "UPDATE conversation SET department_id = ? WHERE id = ?", w.root, ids[0])
		refused(w.supervisor, "export.scope_lost")
		dbtest.Exec(t, w.d, "UPDATE conversation SET department_id = ? WHERE id = ?", w.east, ids[0])
		// After losing the role.
		auditor := w.supervisor
		auditor.Role, auditor.Scope = account.Auditor, account.Everywhere()
		refused(auditor, "account.forbidden")
		// A second grant ends the first; a grant serves once.
		first, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		second, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		_, err = w.desk.Download(w.ctx(), w.supervisor, e.ID, first.Token, first.Passphrase)
		w.wantFault(err, "export.no_grant")
		f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, second.Token, second.Passphrase)
		w.must(err)
		_, err = w.desk.Download(w.ctx(), w.supervisor, e.ID, second.Token, second.Passphrase)
		w.wantFault(err, "export.fetched_already")
		var out bytes.Buffer
		_, err = f.WriteTo(&out)
		w.must(err)
		if n := w.wrote("export.download_refused", e.Code, "refused"); n != 10 {
			t.Errorf("%d refusals are written down", n)
		}
	})
}

// Whoever lost a department while the worker was at it gets nothing of it.
func TestALostDepartmentIsNotExported(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		w.store(w.north, 2)
		e := w.ask(w.supervisor, w.wish())
		w.must(w.steps(2))
		dbtest.Exec(t, w.d, "DELETE FROM user_scope WHERE user_id = ? AND department_id = ?", w.supervisor.ID, w.north)
		w.work()
		if e = w.now(e); e.Written != 2 || e.LeftOut != 2 {
			t.Fatalf("%+v", e)
		}
		// An account that is off gets nothing at all.
		e = w.ask(w.second, w.wish())
		dbtest.Exec(t, w.d, "UPDATE `user` SET disabled_at = created_at WHERE id = ?", w.second.ID)
		w.work()
		if e = w.now(e); e.State != export.Failed || e.ClosedReason != "account.forbidden" || len(w.shelf()) != 2 {
			t.Errorf("%s: %s, %v", e.State, e.ClosedReason, w.shelf())
		}
	})
}

func TestOnlyAnotherPersonOfLegalLetsDataOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		wish := w.wish()
		wish.Mask = export.MaskNone
		e := w.ask(w.legal, wish)
		if e.State != export.Waiting || e.JobID != 0 {
			t.Fatalf("%+v", e)
		}
		w.work()
		ballot := func(by account.Actor) export.Ballot {
			return export.Ballot{Export: e.ID, SeenRoot: e.WishRoot(), Opinion: "同意", Code: accounttest.Code(t, w.d, by.ID)}
		}
		twin := accounttest.Same(t, w.d, w.accounts, "hr-twin", account.Legal)
		other := accounttest.Same(t, w.d, w.accounts, "hr-twin", account.Legal)
		twin.Scope, other.Scope = account.Everywhere(), account.Everywhere()
		_, err := w.desk.Approve(w.ctx(), w.legal, ballot(w.legal))
		w.wantFault(err, "approval.own_request")
		_, err = w.desk.Approve(w.ctx(), w.supervisor, ballot(w.supervisor))
		w.wantFault(err, "account.forbidden")
		wrong := ballot(w.cro)
		wrong.Code = "000000"
		_, err = w.desk.Approve(w.ctx(), w.cro, wrong)
		w.wantFault(err, "account.code_wrong")
		wrong = ballot(w.cro)
		wrong.SeenRoot = strings.Repeat("0", 64)
		_, err = w.desk.Approve(w.ctx(), w.cro, wrong)
		w.wantFault(err, "approval.root_changed")
		e = w.approve(e, w.cro)
		w.work()
		if e = w.now(e); e.State != export.Ready {
			t.Fatalf("%+v", e)
		}
		if said := text(w.fetch(w.legal, e)); !strings.Contains(said, phone) || !strings.Contains(said, "张伟") {
			t.Error("it is masked")
		}
		// Two accounts of one person are one person.
		wish.FormKey = "twins"
		e = w.ask(twin, wish)
		_, err = w.desk.Approve(w.ctx(), other, ballot(other))
		w.wantFault(err, "approval.own_request")
		// A no ends it; no answer within three days is a no.
		r, err := w.desk.Reject(w.ctx(), w.cro, ballot(w.cro))
		w.must(err)
		if r.State != export.Rejected || r.ClosedReason != "同意" {
			t.Errorf("%+v", r)
		}
		wish.FormKey, wish.Mask, wish.Recipient, wish.Consent = "outside", export.MaskAll, "市场监管局", "书面同意，编号 12"
		e = w.ask(w.supervisor, wish)
		w.clock.Advance(3*24*time.Hour + time.Second)
		w.must(w.desk.Sweep(w.ctx()))
		if e = w.now(e); e.State != export.Rejected || e.ClosedReason != "export.no_answer" {
			t.Errorf("%s %s", e.State, e.ClosedReason)
		}
		if n := w.count(&export.Part{}, "export_id = ?", e.ID); n != 0 {
			t.Error("there are parts")
		}
	})
}

// A yes counts only as long as whoever gave it is there, and only if it was given here.
func TestAConsentThatNoLongerStandsLetsNothingOut(t *testing.T) {
	for name, broken := range map[string]string{
		"left":   "UPDATE `user` SET disabled_at = created_at WHERE id = ?",
		"forged": "UPDATE vote SET opinion = 'x' WHERE user_id = ?",
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				w.store(w.east, 2)
				wish := w.wish()
				wish.Mask = export.MaskNone
				e := w.approve(w.ask(w.legal, wish), w.cro)
				dbtest.Exec(t, w.d, broken, w.cro.ID)
				w.work()
				if e = w.now(e); e.State != export.Failed || e.ClosedReason != "export.consent_broken" || len(w.shelf()) != 0 {
					t.Errorf("%s: %s, shelf %v", e.State, e.ClosedReason, w.shelf())
				}
			})
		})
	}
}

// Rows that were changed past the program give nothing out.
func TestAForgedRowGivesNothingOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(w.east, 2)
		wish := w.wish()
		wish.Mask = export.MaskNone
		e := w.ask(w.legal, wish)
		dbtest.Exec(t, w.d, "UPDATE export SET mask = 'all', state = 'queued' WHERE id = ?", e.ID)
		w.write(func(tx *db.Tx) error {
			return tx.Exec("INSERT INTO job (kind, subject, object, state, run_at, token, owner, attempts, pos, done, total, note, error, created_by, created_at, version) VALUES (?, ?, ?, 'queued', ?, 0, '', 0, 0, 0, 0, '', '', 0, ?, 1)",
				export.JobRun, e.ID, e.Code, tx.Now, tx.Now).Error
		})
		w.work()
		if now := w.now(e); now.State != export.Failed || len(w.shelf()) != 0 {
			t.Errorf("%s, shelf %v", now.State, w.shelf())
		}
		e = w.ready(w.supervisor, w.wish())
		dbtest.Exec(t, w.d, "UPDATE export SET owner_id = ?, owner_person = ? WHERE id = ?", w.cro.ID, w.cro.PersonID, e.ID)
		_, err := w.desk.Prepare(w.ctx(), w.cro, e.ID)
		w.wantFault(err, "export.forged")
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			wrong, err := export.Wrong(tx, w.keys)
			if len(wrong) < 2 {
				t.Errorf("the oracle says %v", wrong)
			}
			return err
		}))
	})
}

func TestARecipientsKeyOpensTheFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		key, err := age.GenerateX25519Identity()
		w.must(err)
		wish := w.wish()
		wish.Key = key.Recipient().String()
		e := w.ready(w.supervisor, wish)
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		if g.Passphrase != "" {
			t.Error("a passphrase was made")
		}
		f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, "")
		w.must(err)
		var out bytes.Buffer
		_, err = f.WriteTo(&out)
		w.must(err)
		files := w.unpack(out.Bytes(), key)
		if strings.Count(text(files), canary) != 2 {
			t.Error("not whole")
		}
		// The file and each part can be told from others afterwards.
		c, err := w.desk.Check(w.ctx(), w.legal, bytes.NewReader(out.Bytes()))
		w.must(err)
		if !c.Whole || c.Code != e.Code {
			t.Errorf("%+v", c)
		}
		c, err = w.desk.Check(w.ctx(), w.supervisor, strings.NewReader(text(files)))
		w.must(err)
		if c.Part != 1 {
			t.Errorf("%+v", c)
		}
		_, err = w.desk.Check(w.ctx(), w.supervisor, strings.NewReader(text(files)+" "))
		w.wantFault(err, "export.unknown_file")
		_, err = w.desk.Check(w.ctx(), w.agent, bytes.NewReader(out.Bytes()))
		w.wantFault(err, "export.unknown_file")
	})
}

// A backup before a deletion keeps no identity or bank card (C13), and a subject's own copy masks the others.
// A selection that would take more, or other, than its asker saw is refused.
func TestASelectionIsNotGuessed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.east, 2)
		worded, under := w.wish(), w.wish()
		q, err := words.Parse("退款")
		w.must(err)
		worded.Selection.Query.Words, under.Selection.Query.Under = q, "DY-20261122-001"
		for _, tt := range []struct {
			wish export.Wish
			key  string
			log  int64
		}{{worded, "export.selection_needed", 0}, {under, "export.not_under", 2}} {
			before := w.wrote("export.refused", "", "refused")
			_, err := w.desk.Ask(w.ctx(), w.supervisor, tt.wish)
			w.wantFault(err, tt.key)
			_, err = w.desk.Preview(w.ctx(), w.supervisor, tt.wish)
			w.wantFault(err, tt.key)
			if n := w.wrote("export.refused", "", "refused") - before; n != tt.log {
				t.Errorf("%s: %d entries, want %d", tt.key, n, tt.log)
			}
		}
		// What was found by words is kept as it was found, and asked for again as it was.
		traits := conversation.Traits{Least: 1, Most: 9, Attached: conversation.No, Sensitive: conversation.No, Languages: []conversation.Language{conversation.Chinese}}
		found := w.wish()
		found.Selection = export.Selection{Kind: export.OfConversations, Conversations: ids, Search: &export.Search{Words: canary, Terms: 1, Except: 3}, Query: conversation.Query{Filter: conversation.Filter{Departments: account.Within(w.east), ServiceTypes: []string{"咨询"}, Personal: []string{"id_card"}, Traits: traits}, Words: q}}
		e := w.ask(w.supervisor, found)
		if bytes.Contains(w.now(e).Sealed, []byte(canary)) {
			t.Error("the words lie open in the row")
		}
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'failed' WHERE id = ?", e.JobID)
		w.must(w.desk.Sweep(w.ctx()))
		again, err := w.desk.Again(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		for _, one := range []*export.Export{e, again} {
			g, err := w.desk.Get(w.ctx(), w.supervisor, one.ID)
			w.must(err)
			s := g.Selection
			if s.Search == nil || *s.Search != *found.Selection.Search || !slices.Equal(s.Conversations, ids) || !slices.Equal(s.Query.ServiceTypes, []string{"咨询"}) || !slices.Equal(s.Query.Personal, []string{"id_card"}) || !reflect.DeepEqual(s.Query.Traits, traits) {
				t.Errorf("%s is of %+v", one.Code, s)
			}
			if p := g.Spread; p == nil || len(p.Departments) != 1 || p.Departments[0] != (export.Departments{Department: w.east, Conversations: 2}) || len(p.Types) != 1 || !p.Last.After(p.First) {
				t.Errorf("%s is spread over %+v", one.Code, p)
			}
		}
	})
}

func TestKindsOfSelections(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := append(w.store(w.east, 1), w.say(w.east, canary+" 身份证 "+idCard)...)
		w.binned(ids...)
		var batches []id.Batch
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("conversation").Where("id = ?", ids[1]).Pluck("batch_id", &batches).Error
		}))
		batch := batches[0]
		wish := w.wish()
		wish.Selection, wish.Mask = export.Selection{Kind: export.OfBatch, Batch: batch}, export.MaskNone
		e := w.approve(w.ask(w.legal, wish), w.cro)
		w.work()
		if e = w.now(e); e.State != export.Ready || e.Written != 0 || e.LeftOut != 1 {
			t.Errorf("%s: %d written, %d left out", e.State, e.Written, e.LeftOut)
		}
		wish = w.wish()
		wish.Selection = export.Selection{Kind: export.OfBatch, Batch: batch}
		e = w.ready(w.supervisor, wish)
		if said := text(w.fetch(w.supervisor, e)); strings.Contains(said, idCard) || !strings.Contains(said, canary) {
			t.Errorf("%.200s", said)
		}
		wish.FormKey = ""
		_, err := w.desk.Ask(w.ctx(), w.second, export.Wish{Selection: export.Selection{Kind: export.OfBatch, Batch: batch + 99}, Format: wish.Format, Purpose: wish.Purpose})
		if err == nil {
			t.Error("a batch that is not there was exported")
		}
		wish = w.wish()
		wish.Selection, wish.Mask = export.Selection{Kind: export.OfCustomer, Customer: "tb_zhangwei88"}, export.MaskOthers
		e = w.approve(w.ask(w.legal, wish), w.cro)
		w.work()
		said := text(w.fetch(w.legal, w.now(e)))
		if !strings.Contains(said, "我的电话是 "+phone) || strings.Contains(said, "电话 "+phone+" 已记下") || strings.Contains(said, "小林") {
			t.Errorf("%.600s", said)
		}
	})
}
