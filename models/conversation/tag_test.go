package conversation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

// tagger lets people tag where no hold looks on.
func tagger(d *db.DB) *conversation.Tagging {
	return &conversation.Tagging{
		DB: d, Share: func(*db.Tx) error { return nil }, Cover: func(*db.Tx, []id.Conversation) (map[string]int64, error) { return nil, nil },
	}
}

func tagsOf(t *testing.T, d *db.DB, c id.Conversation) string {
	t.Helper()
	var names map[id.Conversation][]string
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		names, err = conversation.Tags(tx, []id.Conversation{c})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names[c])
	return strings.Join(names[c], " ")
}

func tagLeaves(t *testing.T, d *db.DB) []string {
	t.Helper()
	return leavesOf(t, d, "conversation.tagged")
}

// leavesOf gives the entries of one act, as the log has them.
func leavesOf(t *testing.T, d *db.DB, action string) (leaves []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ?", action).Order("n").Pluck("leaf", &leaves).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaves
}

func TestTagsOfOneConversation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c := store(t, d, vault(t), one("e1", sales, said("x")))[0].ID
		tagging, by := tagger(d), accounttest.Actor(account.Agent, sales)
		edit := func(add, remove []string) conversation.TagEdit {
			t.Helper()
			done, err := tagging.Edit(t.Context(), by, c, conversation.TagEdit{Add: add, Remove: remove})
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		done := edit([]string{" 机密-2023 ", "VIP  客户", "退款"}, []string{"没有"})
		if got := tagsOf(t, d, c); got != "VIP 客户 机密-2023 退款" || fmt.Sprint(done) != "{[VIP 客户 机密-2023] []}" {
			t.Errorf("%q after %v", got, done)
		}
		done = edit([]string{"已核"}, []string{"退款", "VIP 客户"})
		if got := tagsOf(t, d, c); got != "已核 机密-2023" || fmt.Sprint(done) != "{[已核] [VIP 客户 退款]}" {
			t.Errorf("%q after %v", got, done)
		}
		edit([]string{"已核"}, []string{"退款"}) // changes nothing and leaves no entry
		leaves := tagLeaves(t, d)
		if len(leaves) != 2 {
			t.Fatalf("%d entries", len(leaves))
		}
		for _, l := range leaves {
			if strings.Contains(l, "机密") || strings.Contains(l, "VIP") || !strings.Contains(l, `"digest"`) || !strings.Contains(l, "C-20260301-WX-") {
				t.Errorf("entry %s", l)
			}
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}, "version = 1"); n != 1 {
			t.Error("a tag made another version of what was said")
		}
	})
}

func TestNamesThatAreNoTags(t *testing.T) {
	d, _ := dbtest.New(t)
	c := store(t, d, vault(t), one("e1", sales, said("x")))[0].ID
	tests := []struct {
		name        string
		add, remove []string
		key, field  string
	}{
		{"nothing", nil, nil, "conversation.tag_needed", "add"},
		{"blanks", []string{" \t"}, nil, "conversation.tag_needed", "add"},
		{"too long", []string{strings.Repeat("长", 31)}, nil, "conversation.tag_long", "add"},
		{"a comma", []string{"甲,乙"}, nil, "conversation.tag_signs", "add"},
		{"a Chinese comma", []string{"甲、乙"}, nil, "conversation.tag_signs", "add"},
		{"a quote", []string{`"甲`}, nil, "conversation.tag_signs", "add"},
		{"a minus first", []string{"-甲"}, nil, "conversation.tag_signs", "add"},
		{"what cannot be seen", []string{"甲\u200b"}, nil, "conversation.tag_signs", "add"},
		{"text that turns round", []string{"甲\u202e"}, nil, "conversation.tag_signs", "add"},
		{"a tag of HTML", []string{"<b>"}, nil, "conversation.tag_signs", "add"},
		{"no text", []string{"甲\xff"}, nil, "conversation.tag_long", "add"},
		{"a telephone", []string{"客户13800138000"}, nil, "conversation.tag_personal", "add"},
		{"an order", []string{"单号 2026-0301-7788"}, nil, "conversation.tag_personal", "add"},
		{"both ways", []string{"甲"}, []string{"甲"}, "conversation.tag_both", "add"},
		{"very many", strings.Fields("a b c d e f g h i j k"), nil, "conversation.tags_at_once", "add"},
		{"very many away", nil, strings.Fields("a b c d e f g h i j k"), "conversation.tags_at_once", "remove"},
		{"a name that nothing has", nil, []string{strings.Repeat("x", 65)}, "conversation.tag_long", "remove"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tagger(d).Edit(t.Context(), accounttest.Actor(account.Supervisor, sales), c, conversation.TagEdit{Add: tt.add, Remove: tt.remove})
			f, ok := fault.Of(err)
			if !ok || f.List()[0].Key != tt.key || f.List()[0].Field != tt.field {
				t.Errorf("%v on %v, want %s on %s", err, f, tt.key, tt.field)
			}
		})
	}
	if got := tagsOf(t, d, c); got != "退款" {
		t.Errorf("tags are %q", got)
	}
}

// What an import brought can be taken away, and given again, whatever it is called.
func TestNamesThatImportsBring(t *testing.T) {
	d, _ := dbtest.New(t)
	strange := []string{"-急", "a  b", "e\u0301", "客户13800138000"}
	n := one("e1", sales, said("x"))
	n.Tags = strange
	c := store(t, d, vault(t), n)[0].ID
	by := accounttest.Actor(account.Supervisor, sales)
	for _, e := range []conversation.TagEdit{{Remove: strange}, {Add: strange}} {
		if done, err := tagger(d).Edit(t.Context(), by, c, e); err != nil || len(done.Add)+len(done.Remove) != 4 {
			t.Errorf("%v: %v, %v", e, done, err)
		}
	}
	if got := len(strings.Split(tagsOf(t, d, c), " ")); got != 6 {
		t.Errorf("tags are %q", tagsOf(t, d, c))
	}
}

func TestWhoTagsWhat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		out := store(t, d, vault(t), one("mine", sales, said("x")), one("theirs", support, said("x")), one("binned", sales, said("x")))
		dbtest.Exec(t, d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Binned, out[2].ID)
		vip := conversation.TagEdit{Add: []string{"VIP"}}
		for _, tt := range []struct {
			name string
			by   account.Actor
			c    id.Conversation
			want fault.Kind
		}{
			{"another department's", accounttest.Actor(account.Supervisor, sales), out[1].ID, fault.KindNotFound},
			{"one that is not there", accounttest.Actor(account.Supervisor, sales), 7, fault.KindNotFound},
			{"one in the bin", accounttest.Actor(account.Supervisor, sales), out[2].ID, fault.KindConflict},
			{"by an auditor", accounttest.Actor(account.Auditor, sales), out[0].ID, fault.KindForbidden},
			{"by the administrator", accounttest.Actor(account.Admin, sales), out[0].ID, fault.KindForbidden},
			{"by nobody's scope", accounttest.Actor(account.Supervisor), out[0].ID, fault.KindNotFound},
		} {
			if _, err := tagger(d).Edit(t.Context(), tt.by, tt.c, vip); fault.KindOf(err) != tt.want {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		for _, o := range out {
			if got := tagsOf(t, d, o.ID); got != "退款" {
				t.Errorf("tags are %q", got)
			}
		}
		if n := dbtest.Count(t, d, &conversation.Tag{}); n != 1 {
			t.Errorf("%d tags were made by what was refused", n)
		}
		var refused int64
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("action = 'conversation.tagged' AND result = ?", audit.ResultRefused).Count(&refused).Error
		})
		if err != nil || refused != 2 {
			t.Errorf("%d refusals are in the log, %v", refused, err)
		}
	})
}

func TestTagsOfASelection(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var batch []conversation.New
		for i := range 1203 {
			n := one(fmt.Sprint("e", i), sales, said("x"))
			if n.Tags = nil; i == 0 {
				n.DepartmentID = support
			}
			batch = append(batch, n)
		}
		batch[3].Tags = []string{"VIP"}
		for i := range conversation.MostTags {
			batch[4].Tags = append(batch[4].Tags, fmt.Sprint("t", i))
		}
		v := vault(t)
		x := conversation.NewIndex(d, v, index.Options{})
		out := store(t, d, v, batch...)
		if _, err := x.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids := make([]id.Conversation, len(out))
		for i, o := range out {
			ids[i] = o.ID
		}
		dbtest.Exec(t, d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Frozen, ids[1])
		by := accounttest.Actor(account.Supervisor, sales)
		sum, err := tagger(d).EditAll(t.Context(), by, append(ids, ids[7], 99), conversation.TagEdit{Add: []string{"VIP"}})
		if want := (conversation.Tagged{Changed: 1199, Same: 1, Full: 1, Left: 3, Act: sum.Act}); err != nil || sum != want || sum.Act == "" {
			t.Errorf("%+v, %v; want %+v", sum, err, want)
		}
		if leaves := tagLeaves(t, d); len(leaves) != 3 {
			t.Errorf("%d entries for three chunks", len(leaves))
		}
		// What was tagged is found at once, beside what the index has.
		s := &conversation.Conversations{DB: d, Vault: v, Index: x}
		q := conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere(), Tags: []string{"VIP"}}, Size: 10}
		find := func(want int64) {
			t.Helper()
			p, err := s.Search(t.Context(), by, q)
			if err != nil || p.Total != want || p.Plan.Way != conversation.WayIndex {
				t.Errorf("found %+v, %v; want %d", p, err, want)
			}
		}
		find(1200)
		if _, err := x.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		find(1200)
		if sum, err = tagger(d).EditAll(t.Context(), by, ids[:10], conversation.TagEdit{Remove: []string{"VIP"}}); err != nil || sum.Changed != 7 {
			t.Errorf("%+v, %v", sum, err)
		}
		find(1193)
	})
}

func TestASelectionThatIsNoneIsNotEverything(t *testing.T) {
	d, _ := dbtest.New(t)
	c := store(t, d, vault(t), one("e1", sales, said("x")))[0].ID
	by, vip := accounttest.Actor(account.Supervisor, sales), conversation.TagEdit{Add: []string{"VIP"}}
	for _, ids := range [][]id.Conversation{nil, {}, {0}, make([]id.Conversation, conversation.MostTagged+1)} {
		if _, err := tagger(d).EditAll(t.Context(), by, ids, vip); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%d ids: %v", len(ids), err)
		}
	}
	if got := tagsOf(t, d, c); got != "退款" {
		t.Errorf("tags are %q", got)
	}
	// Without somebody who looks for holds nothing is tagged.
	if _, err := (&conversation.Tagging{DB: d}).Edit(t.Context(), by, c, vip); err == nil || errors.Is(err, &fault.Fault{}) {
		t.Errorf("tagged past the holds: %v", err)
	}
}

func TestMoreNamesThanAnybodyNeeds(t *testing.T) {
	d, _ := dbtest.New(t)
	c := store(t, d, vault(t), one("e1", sales, said("x")))[0].ID
	var names []conversation.Tag
	for i := range 998 {
		names = append(names, conversation.Tag{Name: fmt.Sprint("n", i)})
	}
	dbtest.Insert(t, d, &names)
	by := accounttest.Actor(account.Supervisor, sales)
	add := func(names ...string) error {
		_, err := tagger(d).Edit(t.Context(), by, c, conversation.TagEdit{Add: names})
		return err
	}
	if err := add("新", "n1"); err != nil {
		t.Error(err)
	}
	f, _ := fault.Of(add("再新"))
	if f == nil || f.Key != "conversation.tags_too_many" || f.Field != "add" {
		t.Errorf("another new name: %v", f)
	}
	if err := add("n2"); err != nil {
		t.Errorf("a name that is there: %v", err)
	}
}

// What an act changed is taken back by whoever did it, within a day, once, and nothing else is.
func TestTakingBackWhatAnActTagged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var batch []conversation.New
		for i := range 6 {
			batch = append(batch, one(fmt.Sprint("e", i), sales, said("x")))
			batch[i].Tags = []string{"退款"}
		}
		batch[0].Tags = []string{"VIP", "退款"}
		batch[1].Tags = nil
		out := store(t, d, vault(t), batch...)
		ids := make([]id.Conversation, len(out))
		for i, o := range out {
			ids[i] = o.ID
		}
		by, other := accounttest.Actor(account.Supervisor, sales), accounttest.Actor(account.Supervisor, sales)
		other.ID = by.ID + 1
		tags := func(want ...string) {
			t.Helper()
			for i, w := range want {
				if got := tagsOf(t, d, ids[i]); got != w {
					t.Errorf("conversation %d has %q, want %q", i, got, w)
				}
			}
		}
		x := tagger(d)
		done, err := x.EditAll(t.Context(), by, ids, conversation.TagEdit{Add: []string{"VIP"}, Remove: []string{"退款"}})
		if err != nil || done.Changed != 6 {
			t.Fatalf("%+v, %v", done, err)
		}
		// What others do meanwhile stays.
		if _, err := x.Edit(t.Context(), other, ids[2], conversation.TagEdit{Add: []string{"已核"}}); err != nil {
			t.Fatal(err)
		}
		dbtest.Exec(t, d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Binned, ids[3])
		tags("VIP", "VIP", "VIP 已核", "VIP", "VIP", "VIP")
		refused := func(who account.Actor, act string) {
			t.Helper()
			if _, err := x.Undo(t.Context(), who, act); fault.KindOf(err) != fault.KindConflict {
				t.Errorf("taken back: %v", err)
			}
		}
		refused(other, done.Act)
		refused(by, "")
		refused(by, strings.Repeat("A", len(done.Act)))
		refused(by, `":"`+done.Act[3:])
		back, err := x.Undo(t.Context(), by, done.Act)
		if err != nil || back.Changed != 5 || back.Left != 1 {
			t.Errorf("%+v, %v", back, err)
		}
		tags("VIP 退款", "", "已核 退款", "VIP", "退款", "退款")
		refused(by, done.Act) // once
		leaves := tagLeaves(t, d)
		if last := leaves[len(leaves)-1]; !strings.Contains(last, `"undoes":"`+done.Act) || !strings.Contains(last, ","+id.String(ids[5])+",") || strings.Contains(last, ","+id.String(ids[3])+",") {
			t.Errorf("the log has %s", last)
		}
		again, err := x.EditAll(t.Context(), by, ids, conversation.TagEdit{Add: []string{"VIP"}})
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(25 * time.Hour)
		refused(by, again.Act)
	})
}
