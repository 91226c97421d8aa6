package conversation_test

import (
	"os"
	"path/filepath"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/words"
)

// find searches for words and gives the page.
func find(t *testing.T, s *conversation.Conversations, text string) (*conversation.Page, error) {
	t.Helper()
	q, err := words.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.Search(t.Context(), accounttest.Actor(account.Supervisor, sales), conversation.Query{
		Filter: conversation.Filter{Departments: account.Everywhere()}, Words: q, Size: 50,
	})
}

// process gives what another process has over the same data.
func process(d *db.DB, v conversation.Vault) *conversation.Conversations {
	return &conversation.Conversations{DB: d, Vault: v, Index: conversation.NewIndex(d, v, index.Options{})}
}

func folded(t *testing.T, s *conversation.Conversations) index.Folded {
	t.Helper()
	done, err := s.Index.Fold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// While the key store does not answer nothing is taken for silent: the index asks again later, and a search
// for words is refused.
func TestABodyThatDoesNotOpenForNowKeepsItsWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		s := process(d, v)
		store(t, d, v, one("old", sales, said("昨天说的")))
		folded(t, s)
		store(t, d, v, one("old", sales, said("昨天说的", "今天说的")), one("new", sales, said("也是今天说的")))
		slots := filepath.Join(v.Store.Dir(), "buckets.slots")
		if err := os.Rename(slots, slots+".away"); err != nil {
			t.Fatal(err)
		}
		if done := folded(t, s); done.Later != 2 || done.Docs != 0 {
			t.Errorf("without keys: %+v", done)
		}
		if _, err := find(t, s, "今天说"); fault.KindOf(err) != fault.KindBusy {
			t.Errorf("a search without keys: %v", err)
		}
		if err := os.Rename(slots+".away", slots); err != nil {
			t.Fatal(err)
		}
		for _, changed := range []int{2, 0} {
			for text, want := range map[string]int{"今天说": 2, "昨天": 1, "也是": 1, "明天": 0} {
				p, err := find(t, s, text)
				if err != nil || len(p.Rows) != want || p.Total != int64(want) || p.Plan.Changed != changed {
					t.Errorf("%s: %+v, %v, want %d", text, p, err, want)
				}
			}
			folded(t, s)
		}
		if n := dbtest.Count(t, d, &conversation.Conversation{}, "EXISTS (SELECT 1 FROM index_change)"); n != 0 {
			t.Error("changes still wait")
		}
	})
}

// A process without a worker meets a broken shard: its answer is whole at once, and the worker of another
// process mends the index.
func TestABrokenShardIsMendedByAnotherProcess(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		v := vault(t)
		worker := process(d, v)
		store(t, d, v, one("a", sales, said("还在这里")), one("b", sales, said("也在这里")), one("c", sales, said("不见了")))
		folded(t, worker)
		dbtest.Exec(t, d, "UPDATE index_part SET body = wrapped WHERE part > 0")
		serve := process(d, v)
		look := func(s *conversation.Conversations, changed int) {
			t.Helper()
			p, err := find(t, s, "在这里")
			if err != nil || len(p.Rows) != 2 || p.Total != 2 || p.Plan.Way != conversation.WayIndex || p.Plan.Changed != changed {
				t.Errorf("%+v, %v", p, err)
			}
		}
		look(serve, 3)
		if done := folded(t, worker); done.Docs != 3 {
			t.Errorf("the worker mends: %+v", done)
		}
		look(serve, 0)
		look(process(d, v), 0)
		if flaws, gone, err := process(d, v).Index.Check(t.Context()); err != nil || len(flaws)+len(gone) > 0 {
			t.Errorf("%v %v %v", flaws, gone, err)
		}
	})
}

// A scrub replaces a segment and destroys its key between the moment a search lists it and the moment it
// opens it.
func TestASearchBesideAScrubLooksAgain(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			d, faults := dbtest.FaultyOn(t, engine, dbtest.NewClock())
			beside := faults.Plain(t)
			v := vault(t)
			worker := process(beside, v)
			out := store(t, beside, v, one("stays", sales, said("还在这里")), one("goes", sales, said("还在那里")))
			folded(t, worker)
			serve := process(d, v)
			// The segments are listed and their heads are not read.
			scrubbed := faults.Meanwhile("index_part.*part = 0", func() {
				err := beside.Write(t.Context(), func(tx *db.Tx) error {
					tx.MarkAudited()
					return conversation.EraseAgain(tx, []id.Conversation{out[1].ID}, []conversation.Tombstone{{
						Platform: "wechat", ExternalMAC: v.ExternalMAC("wechat", "goes"), ConversationID: out[1].ID, DepartmentID: sales, PurgeID: 1, CreatedAt: day,
					}})
				})
				if err == nil {
					_, err = worker.Index.Scrub(t.Context(), []id.Conversation{out[1].ID}, nil)
				}
				if err != nil {
					t.Error(err)
				}
			})
			p, err := find(t, serve, "还在")
			if !scrubbed() {
				t.Fatal("nothing was scrubbed meanwhile, so this proves nothing")
			}
			if err != nil || len(p.Rows) != 1 || p.Rows[0].ID != out[0].ID {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}
