package retention_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/job"
	"qingdang/models/mask"
	"qingdang/models/retention"
	"qingdang/models/seal"
	"qingdang/models/words"
)

const (
	idCard   = "450205190507313468"
	bankCard = "6216261000092729573"
)

// keeping is an archive whose conversations hold what a test says.
type keeping struct {
	t     *testing.T
	d     *db.DB
	vault conversation.Vault
	index *index.Index
	made  int
}

func keep(t *testing.T, d *db.DB) *keeping {
	t.Helper()
	s, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := conversation.Vault{Store: s}
	return &keeping{t: t, d: d, vault: v, index: conversation.NewIndex(d, v, index.Options{})}
}

func (k *keeping) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// say stores a conversation of one message in each text, in a department.
func (k *keeping) say(of id.Department, texts ...string) (ids []id.Conversation) {
	k.t.Helper()
	var news []conversation.New
	for _, text := range texts {
		k.made++
		news = append(news, k.one(of, fmt.Sprint("e", k.made), text))
	}
	return k.store(news...)
}

func (k *keeping) one(of id.Department, external string, texts ...string) conversation.New {
	n := conversation.New{Platform: "wechat", DepartmentID: of, ServiceType: "咨询", Document: conversation.Document{ExternalID: external}}
	for i, text := range texts {
		n.Document.Messages = append(n.Document.Messages, conversation.Message{
			ID: fmt.Sprint("m", i), Sender: conversation.FromCustomer, At: conversation.MicrosOf(dbtest.Start.Add(time.Duration(i) * time.Minute)), Kind: "text", Text: text,
		})
	}
	return n
}

func (k *keeping) store(news ...conversation.New) (ids []id.Conversation) {
	k.t.Helper()
	k.must(k.d.Write(k.t.Context(), func(tx *db.Tx) error {
		tx.MarkAudited()
		out, err := conversation.Store(tx, k.vault, news)
		ids = nil
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		return err
	}))
	return ids
}

// forget makes an archive of one from before there was a note of what is in it.
func (k *keeping) forget() {
	dbtest.Exec(k.t, k.d, "UPDATE conversation SET personal = NULL")
}

// kinds are what the rows know, by conversation; what is not there has not been looked into.
func (k *keeping) kinds() map[id.Conversation]string {
	k.t.Helper()
	out := map[id.Conversation]string{}
	k.must(k.d.Read(k.t.Context(), func(tx *db.Tx) error {
		var rows []conversation.Conversation
		err := tx.Find(&rows).Error
		for _, r := range rows {
			if r.Personal != nil {
				out[r.ID] = strings.Join(r.Personal.Kinds(), " ")
			}
		}
		return err
	}))
	return out
}

func (k *keeping) places(kinds ...mask.Kind) (rows []retention.Place) {
	k.t.Helper()
	k.must(k.d.Read(k.t.Context(), func(tx *db.Tx) (err error) {
		rows, err = retention.Places(tx, conversation.PersonalOf(kinds...), func(q *gorm.DB) *gorm.DB { return q })
		return err
	}))
	return rows
}

func (k *keeping) walk() *retention.Walk { return &retention.Walk{DB: k.d, Vault: k.vault} }

// work lets a worker do the walk until it waits for its next time.
func (k *keeping) work(runner job.Runner) {
	k.t.Helper()
	k.must(job.Work(k.t.Context(), k.d, "test", map[string]job.Runner{retention.JobWalk: runner}, job.Options{Timers: []job.New{{Kind: retention.JobWalk}}, Once: true}))
}

func (k *keeping) leaves(action string) (n, items int64) {
	k.t.Helper()
	k.must(k.d.Read(k.t.Context(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ?", action).Select("COUNT(*), COALESCE(SUM(item_count), 0)").Row().Scan(&n, &items)
	}))
	return n, items
}

// found searches the index for conversations with a kind of personal data.
func (k *keeping) found(kinds ...mask.Kind) (ids []id.Conversation) {
	k.t.Helper()
	_, err := k.index.Fold(k.t.Context())
	k.must(err)
	s := &conversation.Conversations{DB: k.d, Vault: k.vault, Index: k.index}
	by := account.Actor{ID: 7, Role: account.Auditor, Name: "审计", Scope: account.Everywhere()}
	p, err := s.Search(k.t.Context(), by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), Personal: kinds}, Size: 100})
	k.must(err)
	if p.Plan.Way != conversation.WayIndex {
		k.t.Errorf("answered by %s", p.Plan.Way)
	}
	for _, r := range p.Rows {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// What an import brings is known at once; what is merged into it, too; and it goes with the row.
func TestAnImportNotesWhichKindsOfPersonalDataItBrings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		k := keep(t, d)
		ids := k.say(1, "你好，在吗", "身份证 "+idCard, "卡号 "+bankCard+" 谢谢", "电话 13800001234")
		want := []string{"", "id_card", "bank_card", "phone"}
		for i, c := range ids {
			if got, there := k.kinds()[c]; got != want[i] || !there {
				t.Errorf("%d holds %q (%v), want %q", i, got, there, want[i])
			}
		}
		if got := k.found(mask.IDCard, mask.BankCard); !slices.Equal(got, ids[1:3]) {
			t.Errorf("the index finds %v, want %v", got, ids[1:3])
		}
		// Imported again with one more message, and with one recalled: what is sealed is what counts.
		again := k.one(1, "e1", "你好，在吗", "我的身份证是 "+idCard)
		k.store(again)
		again.Document.Messages[1].Recalled = true
		k.store(again)
		if got := k.kinds()[ids[0]]; got != "id_card" {
			t.Errorf("after a second import it holds %q", got)
		}
		if got := k.found(mask.IDCard); !slices.Equal(got, ids[:2]) {
			t.Errorf("the index finds %v, want %v", got, ids[:2])
		}
	})
}

// An archive from before is walked once, in steps that are written down, and a worker that is stopped goes on.
func TestTheWalkLooksIntoEveryConversationOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		k := keep(t, d)
		texts := make([]string, 700)
		for i := range texts {
			if texts[i] = "在吗"; i%100 == 3 {
				texts[i] = "身份证 " + idCard
			}
		}
		ids := k.say(1, texts...)
		ids = append(ids, k.say(2, "卡 "+bankCard, "在吗")...)
		if got := k.found(mask.IDCard); len(got) != 7 {
			t.Fatalf("%d found", len(got))
		}
		k.forget()
		if p := k.places(mask.IDCard); len(p) != 2 || p[0].Conversations != 0 || p[0].Unlooked+p[1].Unlooked != 702 {
			t.Errorf("before the walk: %+v", p)
		}
		// The first worker dies after its first step: what it did stays, and nothing is done twice.
		ctx, stop := context.WithCancel(t.Context())
		steps := 0
		err := job.Work(ctx, d, "dies", map[string]job.Runner{retention.JobWalk: job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
			done, err := k.walk().Step(ctx, j)
			if steps++; steps == 1 {
				stop()
			}
			return done, err
		})}, job.Options{Timers: []job.New{{Kind: retention.JobWalk}}, Once: true})
		k.must(err)
		if n := len(k.kinds()); n != 256 {
			t.Errorf("%d known after the first step", n)
		}
		// Meanwhile one is imported again; the walk leaves it alone.
		k.store(k.one(2, fmt.Sprint("e", k.made), "在吗", "身份证 "+idCard))
		clock.Advance(time.Hour)
		k.work(k.walk())
		kinds := k.kinds()
		if len(kinds) != len(ids) {
			t.Errorf("%d of %d known", len(kinds), len(ids))
		}
		if n, items := k.leaves("retention.looked"); n != 3 || items != 701 {
			t.Errorf("%d entries about %d conversations", n, items)
		}
		if p := k.places(mask.IDCard, mask.BankCard); len(p) != 2 || p[0] != (retention.Place{DepartmentID: 1, Conversations: 7}) || p[1] != (retention.Place{DepartmentID: 2, Conversations: 2}) {
			t.Errorf("after the walk: %+v", p)
		}
		if got := k.found(mask.IDCard); len(got) != 8 {
			t.Errorf("the index finds %d", len(got))
		}
		// The next day there is nothing to open any more.
		clock.Advance(25 * time.Hour)
		k.work(k.walk())
		if n, _ := k.leaves("retention.looked"); n != 3 {
			t.Errorf("%d entries after a second walk", n)
		}
	})
}

// Marks of an archive from before are found by the same walk, and all of them anew by another list of words; what an
// import brings is marked by the list there is.
func TestTheWalkMarksWhatIsThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		k := keep(t, d)
		ids := k.say(1, "我要退款，再不退就打12315", "在吗", "hello there, where is my parcel")
		found := func(f conversation.Traits, want ...id.Conversation) {
			t.Helper()
			_, err := k.index.Fold(t.Context())
			k.must(err)
			for _, x := range []*index.Index{k.index, nil} { // by the rows, too
				s := &conversation.Conversations{DB: k.d, Vault: k.vault, Index: x}
				by := account.Actor{ID: 7, Role: account.Auditor, Name: "审计", Scope: account.Everywhere()}
				got, err := s.Pick(t.Context(), by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), Traits: f}}, 100)
				k.must(err)
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("%+v finds %v, want %v", f, got, want)
				}
			}
		}
		sensitive, plain, english := conversation.Traits{Sensitive: conversation.Yes}, conversation.Traits{Sensitive: conversation.No}, conversation.Traits{Languages: []conversation.Language{conversation.English}}
		found(sensitive, ids[0])
		found(plain, ids[1:]...)
		found(english, ids[2])
		dbtest.Exec(t, d, "UPDATE conversation SET marks = NULL, marks_list = NULL")
		k.must(d.Write(t.Context(), func(tx *db.Tx) error { tx.MarkAudited(); return index.Changed(tx, false, ids...) }))
		found(sensitive)
		found(plain)
		found(english)
		k.work(k.walk())
		found(sensitive, ids[0])
		found(plain, ids[1:]...)
		found(english, ids[2])
		var err error
		k.vault.Sensitive, err = words.ReadList(strings.NewReader("在吗\nparcel"))
		k.must(err)
		unlooked := func(f conversation.Traits, want int64) {
			t.Helper()
			s := &conversation.Conversations{DB: k.d, Vault: k.vault, Index: k.index}
			by := account.Actor{ID: 7, Role: account.Auditor, Name: "审计", Scope: account.Everywhere()}
			p, err := s.Search(t.Context(), by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), Traits: f}, Size: 10})
			k.must(err)
			if p.Unmarked != want || p.Plan.Way != conversation.WayIndex {
				t.Errorf("%+v: %d not looked into, want %d; by %s", f, p.Unmarked, want, p.Plan.Way)
			}
		}
		// What was marked by the other list nobody has looked into.
		found(sensitive)
		found(plain)
		found(english, ids[2])
		unlooked(sensitive, 3)
		unlooked(conversation.Traits{Sensitive: conversation.No, Languages: []conversation.Language{conversation.English}}, 1)
		unlooked(english, 0)
		clock.Advance(time.Minute)
		k.must(k.walk().Hurry(t.Context()))
		k.work(k.walk())
		found(sensitive, ids[1:]...)
		found(plain, ids[0])
		unlooked(sensitive, 0)
		ids = append(ids, k.say(1, "你好，在吗")...)
		clock.Advance(25 * time.Hour)
		k.work(k.walk())
		found(sensitive, ids[1:]...)
		found(plain, ids[0])
		before, _ := k.leaves("retention.looked")
		clock.Advance(25 * time.Hour)
		k.work(k.walk())
		if n, _ := k.leaves("retention.looked"); n != before {
			t.Errorf("%d entries after a walk with nothing to do", n-before)
		}
	})
}

// Searches ask the rows for what the index does not have yet: while much of it waits, the walk waits, too.
func TestTheWalkLetsTheIndexCatchUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		k := keep(t, d)
		k.say(1, "在吗")
		k.forget()
		k.must(d.Write(t.Context(), func(tx *db.Tx) error {
			tx.MarkAudited()
			var others []id.Conversation
			for c := range 9000 {
				others = append(others, id.Conversation(c+1))
			}
			return index.Changed(tx, false, others...)
		}))
		k.work(k.walk())
		if n := len(k.kinds()); n != 0 {
			t.Errorf("%d looked into", n)
		}
		_, err := k.index.Fold(t.Context())
		k.must(err)
		k.work(k.walk())
		if n := len(k.kinds()); n != 0 {
			t.Errorf("%d looked into at once", n)
		}
		clock.Advance(21 * time.Second)
		k.work(k.walk())
		if n := len(k.kinds()); n != 1 {
			t.Errorf("%d looked into", n)
		}
	})
}

// What does not open is left for the next time, and does not keep the walk from the others.
func TestTheWalkComesBackToWhatDidNotOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		k := keep(t, d)
		ids := k.say(1, "身份证 "+idCard, "卡 "+bankCard)
		k.forget()
		dbtest.Exec(t, d, "UPDATE conversation_body SET version = 9 WHERE id = ?", ids[0])
		k.work(k.walk())
		if got := k.kinds(); len(got) != 1 || got[ids[1]] != "bank_card" {
			t.Errorf("%v", got)
		}
		dbtest.Exec(t, d, "UPDATE conversation_body SET version = 1 WHERE id = ?", ids[0])
		clock.Advance(25 * time.Hour)
		k.work(k.walk())
		if got := k.kinds(); len(got) != 2 || got[ids[0]] != "id_card" {
			t.Errorf("%v", got)
		}
	})
}

// No value and no text reaches the rows, the log or the jobs.
func TestNoValueOfNeverKeepDataReachesTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		k := keep(t, d)
		k.say(1, "身份证 "+idCard)
		k.forget()
		k.work(k.walk())
		k.must(d.Read(t.Context(), func(tx *db.Tx) error {
			for table, column := range map[string]string{"audit_leaf": "leaf", "job": "note", "retention_never_keep": "kind"} {
				var all []string
				if err := tx.Table(table).Pluck(column, &all).Error; err != nil {
					return err
				}
				for _, s := range all {
					if strings.Contains(s, idCard) || strings.Contains(s, idCard[6:]) {
						t.Errorf("%s has it: %.80s", table, s)
					}
				}
			}
			return nil
		}))
	})
}

// The shared sentences, each a conversation: which ones hold data that must not be kept is told without a
// miss and without a false alarm, look-alikes with wrong check digits included.
func TestNeverKeepDataIsFoundInTheSharedSentences(t *testing.T) {
	file, err := os.Open(dbtest.Shared(t, "pii/cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	never := conversation.PersonalOf(mask.IDCard, mask.BankCard)
	var right, missed, wrong, clean int
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var m struct {
			ID, Text string
			Spans    []struct{ Kind string }
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		var want conversation.Personal
		for _, s := range m.Spans {
			want |= conversation.PersonalOf(s.Kind)
		}
		doc := conversation.Document{Messages: []conversation.Message{{Text: "在吗"}, {Text: m.Text}}}
		switch got := doc.Personal(); {
		case got&never == want&never && want&never != 0:
			right++
		case got&never == want&never:
			clean++
		case got&never&^want != 0:
			wrong++
			t.Errorf("%s: %v, want %v", m.ID, got.Kinds(), want.Kinds())
		default:
			missed++
			t.Errorf("%s: %v, want %v", m.ID, got.Kinds(), want.Kinds())
		}
	}
	if err := lines.Err(); err != nil || right == 0 || clean == 0 {
		t.Fatalf("%d and %d sentences read, %v", right, clean, err)
	}
	t.Logf("recall %d/%d, precision %d/%d, others left alone %d", right, right+missed, right, right+wrong, clean)
}
