package conversation_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/seal"
)

const (
	sales   id.Department = 11
	support id.Department = 12
)

var day = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func vault(t *testing.T) conversation.Vault {
	t.Helper()
	s, err := seal.OpenStore(seal.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return conversation.Vault{Store: s}
}

func said(texts ...string) []conversation.Message {
	var m []conversation.Message
	for i, x := range texts {
		m = append(m, conversation.Message{ID: fmt.Sprint("m", i), Sender: conversation.FromCustomer, At: conversation.MicrosOf(day.Add(time.Duration(i) * time.Minute)), Kind: "text", Text: x})
	}
	return m
}

func one(external string, d id.Department, messages []conversation.Message) conversation.New {
	return conversation.New{
		Platform: "wechat", DepartmentID: d, ServiceType: "售后", AgentID: "A7", AgentName: "小清", Tags: []string{"退款"},
		Document: conversation.Document{ExternalID: external, CustomerID: "cust-" + external, CustomerName: "王伟", Messages: messages},
	}
}

func store(t *testing.T, d *db.DB, v conversation.Vault, batch ...conversation.New) []conversation.Outcome {
	t.Helper()
	var out []conversation.Outcome
	err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
		tx.MarkAudited()
		out, err = conversation.Store(tx, v, batch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStoreIsIdempotentAndAddsOnlyWhatIsNew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		first := store(t, d, v, one("e1", sales, said("你好", "在吗")))[0]
		again := store(t, d, v, one("e1", sales, said("你好", "在吗")))[0]
		more := store(t, d, v, one("e1", sales, said("你好", "在吗", "退款到了")))[0]
		fewer := store(t, d, v, one("e1", sales, said("你好")))[0]
		got := []conversation.Outcome{first, again, more, fewer}
		want := []conversation.Outcome{{ID: first.ID, Created: true, Changed: true, Messages: 2}, {ID: first.ID}, {ID: first.ID, Changed: true, Messages: 1}, {ID: first.ID}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}, "version = 2 AND messages = 3"); n != 1 {
			t.Error("the conversation is not in version 2 with 3 messages")
		}
	})
}

func TestMessagesWithoutIDsAreTheSameWhenTheySayTheSame(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		twice := func() []conversation.Message {
			m := said("好的", "好的")
			m[0].ID, m[1].ID, m[1].At = "", "", m[0].At
			return m
		}
		store(t, d, v, one("e1", sales, twice()))
		if out := store(t, d, v, one("e1", sales, append(twice(), said("", "", "再见")[2:]...)))[0]; out.Messages != 1 {
			t.Errorf("%d messages are new, want 1: the doubled one was there twice already", out.Messages)
		}
	})
}

func TestSearchShowsOnlyTheScopeAndPagesBothWays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		var batch []conversation.New
		for i := range 25 {
			m := said("第一句", "第二句")
			for j := range m {
				// Equal instants on purpose: the id decides.
				m[j].At += conversation.Micros(i / 3 * 3600e6)
			}
			dep := sales
			if i%5 == 0 {
				dep = support
			}
			batch = append(batch, one(fmt.Sprint("e", i), dep, m))
		}
		store(t, d, v, batch...)
		s := &conversation.Conversations{DB: d, Vault: v}
		by := accounttest.Actor(account.Supervisor, sales)
		var newestFirst []id.Conversation
		for _, oldest := range []bool{false, true} {
			q := conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Size: 7, Oldest: oldest}
			var forward []id.Conversation
			pages, back := 0, ""
			for {
				p, err := s.Search(t.Context(), by, q)
				if err != nil {
					t.Fatal(err)
				}
				if p.Total != 20 {
					t.Fatalf("total = %d, want 20", p.Total)
				}
				for i, r := range p.Rows {
					forward = append(forward, r.ID)
					if r.DepartmentID != sales || !r.Readable || r.CustomerName != "王伟" || r.Preview != "第一句" || len(r.Tags) != 1 {
						t.Errorf("row %d = %+v", i, r)
					}
				}
				next := p.Older
				if back = p.Newer; oldest {
					next, back = back, next
				}
				if (pages > 0) != (back != "") {
					t.Errorf("oldest first %v, page %d: back %q", oldest, pages, back)
				}
				if pages++; next == "" {
					break
				}
				q.Cursor = next
			}
			if len(forward) != 20 || pages != 3 {
				t.Fatalf("%d conversations on %d pages, want 20 on 3", len(forward), pages)
			}
			q.Cursor, q.Number = back, 3 // a place says more than a number
			p, err := s.Search(t.Context(), by, q)
			if err != nil || len(p.Rows) != 7 || p.Rows[0].ID != forward[7] || p.Newer == "" || p.Older == "" {
				t.Errorf("going back gave %d rows, err %v; want the second page", len(p.Rows), err)
			}
			if !oldest {
				newestFirst = forward
				continue
			}
			slices.Reverse(forward)
			if diff := cmp.Diff(newestFirst, forward); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// A page goes on until it is full, however many bodies it opens in vain.
func TestAPageIsFullHoweverMuchIsOpenedInVain(t *testing.T) {
	const inVain = 7000
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		s := process(d, v)
		want := store(t, d, v, one("oldest", sales, said("还在这里")))[0].ID
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.MarkAudited()
			rows, ids := make([]conversation.Conversation, inVain), make([]id.Conversation, inVain)
			for i := range rows { // their bodies are lost
				rows[i] = conversation.Conversation{
					ID: want + id.Conversation(i+1), Platform: "wechat", ExternalMAC: fmt.Appendf(nil, "%032d", i), DepartmentID: sales, ServiceType: "售后",
					State: conversation.Active, StartedAt: day, LastAt: day.Add(time.Hour), Version: 1, ContentMAC: []byte{}, CreatedAt: day,
				}
				ids[i] = rows[i].ID
			}
			if err := tx.CreateInBatches(rows, 500).Error; err != nil {
				return err
			}
			return index.Changed(tx, true, ids...)
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := find(t, s, "还在这里")
		if err != nil || len(p.Rows) != 1 || p.Rows[0].ID != want || p.Plan.Opened != inVain+1 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestSearchConditions(t *testing.T) {
	d, _ := dbtest.New(t)
	v := vault(t)
	old := one("old", sales, said("x"))
	old.Document.Messages[0].At -= 86400e6 * 30
	wecom := one("wecom", support, said("y"))
	wecom.Platform, wecom.ServiceType, wecom.Tags, wecom.AgentID = "wecom", "投诉", []string{"退款", "媒体"}, "B1"
	store(t, d, v, old, wecom, one("plain", sales, said("z")))
	s := &conversation.Conversations{DB: d, Vault: v}
	all := account.Everywhere()
	tests := []struct {
		name string
		q    conversation.Query
		want int
	}{
		{"no departments are nothing", conversation.Query{}, 0},
		{"everything", conversation.Query{Filter: conversation.Filter{Departments: all}}, 3},
		{"the first instant is included", conversation.Query{Filter: conversation.Filter{Departments: all, From: day}}, 2},
		{"the last instant is not", conversation.Query{Filter: conversation.Filter{Departments: all, To: day}}, 1},
		{"one department", conversation.Query{Filter: conversation.Filter{Departments: account.Within(support)}}, 1},
		{"a service type", conversation.Query{Filter: conversation.Filter{Departments: all, ServiceTypes: []string{"投诉"}}}, 1},
		{"all tags at once", conversation.Query{Filter: conversation.Filter{Departments: all, Tags: []string{"退款", "媒体"}}}, 1},
		{"none of the tags", conversation.Query{Filter: conversation.Filter{Departments: all, WithoutTags: []string{"媒体"}}}, 2},
		{"a platform", conversation.Query{Filter: conversation.Filter{Departments: all, Platforms: []string{"wecom"}}}, 1},
		{"an agent", conversation.Query{Filter: conversation.Filter{Departments: all, AgentIDs: []string{"A7"}}}, 2},
		{"a customer", conversation.Query{Filter: conversation.Filter{Departments: all}, Customer: "cust-plain"}, 1},
		{"an unknown customer", conversation.Query{Filter: conversation.Filter{Departments: all}, Customer: "%"}, 0},
	}
	for _, tt := range tests {
		tt.q.Size = 10
		p, err := s.Search(t.Context(), accounttest.Actor(account.Auditor), tt.q)
		if err != nil || len(p.Rows) != tt.want || p.Total != int64(tt.want) {
			t.Errorf("%s: %d rows, total %d, err %v; want %d", tt.name, len(p.Rows), p.Total, err, tt.want)
		}
	}
	for name, q := range map[string]conversation.Query{
		"reversed dates": {Size: 10, Filter: conversation.Filter{From: day, To: day.Add(-1)}},
		"no size":        {},
		"a huge size":    {Size: 1000},
		"a bad cursor":   {Size: 10, Cursor: "1 OR 1=1"},
	} {
		if _, err := s.Search(t.Context(), accounttest.Actor(account.Auditor), q); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestOpenTellsAbsentAndForbiddenAlike(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		c := store(t, d, v, one("e1", sales, said("机密")))[0].ID
		s := &conversation.Conversations{DB: d, Vault: v}
		if got, err := s.Open(t.Context(), accounttest.Actor(account.Supervisor, sales), c); err != nil || got.Document.Messages[0].Text != "机密" {
			t.Errorf("own department: %v, %v", got, err)
		}
		_, outside := s.Open(t.Context(), accounttest.Actor(account.Supervisor, support), c)
		_, absent := s.Open(t.Context(), accounttest.Actor(account.Supervisor, support), c+1)
		if fault.KindOf(outside) != fault.KindNotFound || !cmp.Equal(outside, absent) {
			t.Errorf("outside: %v, absent: %v; want the same not found", outside, absent)
		}
	})
}

// these is a list of conversations, as a purge has one.
func these(ids ...id.Conversation) db.List {
	return db.List{Table: "conversation", Column: "id", Where: "l.id IN ?", Args: []any{ids}}
}

func TestErasedIsGoneAndItsNeighbourStillOpens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		out := store(t, d, v, one("gone", sales, said("不再")), one("stays", sales, said("还在")))
		body, key := copied(t, d, out[0].ID)
		erase(t, d, out[0].ID)
		p := puncture(t, d, v, key.BucketID)[key.BucketID]
		if p.Live != 1 || p.To == 0 || p.Slot != key.Slot || p.Lifted != 0 {
			t.Errorf("punctured: %+v", p)
		}
		destroy(t, d, v, key.BucketID, p.Slot)
		if _, err := v.Open(body, key); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("an old copy opened after the purge: %v", err)
		}
		_, neighbour := copied(t, d, out[1].ID)
		key.Slot, key.Tree = neighbour.Slot, neighbour.Tree
		if _, err := v.Open(body, key); !errors.Is(err, seal.ErrDestroyed) {
			t.Errorf("an old copy opened with the bucket as it is now: %v", err)
		}
		s := &conversation.Conversations{DB: d, Vault: v}
		if got, err := s.Open(t.Context(), accounttest.Actor(account.Legal), out[1].ID); err != nil || got.Document == nil {
			t.Errorf("the neighbour does not open: %v", err)
		}
		if _, err := s.Open(t.Context(), accounttest.Actor(account.Legal), out[0].ID); fault.KindOf(err) != fault.KindGone {
			t.Errorf("opening the purged one: %v, want gone", err)
		}
		if again := store(t, d, v, one("gone", sales, said("不再")))[0]; !again.Purged || dbtest.Count(t, d, &conversation.Conversation{}) != 1 {
			t.Error("a purged conversation came back by import")
		}
	})
}

func TestCodesReadBack(t *testing.T) {
	for _, c := range []id.Conversation{1<<20 + 1, 1761000000<<20 + 77, 4102444799<<20 + 1<<20 - 1} {
		code := conversation.Code(c, "qianniu")
		if got, ok := conversation.ParseCode(code); !ok || got != c {
			t.Errorf("%d → %s → %d", c, code, got)
		}
	}
	for _, bad := range []string{"", "C-20251019-QN-", "C-20259999-QN-00000000", "C-20251019-QN-ZZZZZZZZ", "SC-20251019-001", "C-20251019-QN-0000000O"} {
		if got, ok := conversation.ParseCode(bad); ok {
			t.Errorf("ParseCode(%q) = %d", bad, got)
		}
	}
}

func TestAnOrderThatOpensLocksAgainWithoutANewMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		first := one("e1", sales, said("要退款"))
		first.OrderState = conversation.OrderClosed
		store(t, d, v, first)
		again := one("e1", sales, said("要退款"))
		again.OrderState, again.Tags = conversation.OrderOpen, []string{"退款", "维权"}
		if out := store(t, d, v, again)[0]; !out.Changed || out.Messages != 0 {
			t.Errorf("outcome = %+v, want changed without new messages", out)
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}, "order_state = ? AND version = 1", conversation.OrderOpen); n != 1 {
			t.Error("the order lock was lost")
		}
		if n := dbtest.Count(t, d, &conversation.ConversationTag{}); n != 2 {
			t.Errorf("%d tags, want 2", n)
		}
		if out := store(t, d, v, again)[0]; out.Changed {
			t.Error("the same again counted as a change")
		}
	})
}

func TestAnImportBesideAPurgeStepBringsNothingBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		c := store(t, d, v, one("e1", sales, said("不再")))[0].ID
		erased, imported := make(chan struct{}), make(chan conversation.Outcome, 1)
		go func() {
			<-erased
			var out []conversation.Outcome
			err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
				tx.MarkAudited()
				out, err = conversation.Store(tx, v, []conversation.New{one("e1", sales, said("不再"))})
				return err
			})
			if err != nil {
				t.Error(err)
				out = make([]conversation.Outcome, 1)
			}
			imported <- out[0]
		}()
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.MarkAudited()
			set, _ := id.NewSet(c)
			if _, err := conversation.Lock(tx, set); err != nil {
				return err
			}
			if err := conversation.Erase(tx, these(c), 1, 7); err != nil {
				return err
			}
			close(erased)
			time.Sleep(200 * time.Millisecond) // the import is under way and must wait for us
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if out := <-imported; !out.Purged || dbtest.Count(t, d, &conversation.Conversation{}) != 0 {
			t.Errorf("the import beside the purge gave %+v; the conversation came back", out)
		}
	})
}
