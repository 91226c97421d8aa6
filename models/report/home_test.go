package report_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/report"
)

const (
	north id.Department = 11
	south id.Department = 12
)

func asked(n id.Purge, code string, state purge.State, by account.Actor, now time.Time) *purge.Request {
	until, closed := now.Add(5*24*time.Hour), now.Add(-time.Hour)
	return &purge.Request{
		ID: n, Code: code, RequestKey: "key-" + code, State: state, RequesterID: by.ID, RequesterPerson: by.PersonID, RequesterName: by.Name, Root: make([]byte, 32),
		PolicyVersion: make([]byte, 32), MAC: make([]byte, 32), Size: 7, ApprovalID: id.Approval(n), CreatedAt: now, RequestedAt: &now, ExpiresAt: &until, ClosedAt: &closed,
	}
}

func touches(n id.Purge, departments ...id.Department) (rows []any) {
	for _, d := range departments {
		rows = append(rows, &purge.Share{PurgeID: n, DepartmentID: d})
	}
	return rows
}

// Who is told that a request waits is who may decide it, and nobody else.
func TestWhatWaitsForWhom(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		now := clock.Time()
		agent := accounttest.Actor(account.Agent, north)
		boss, both := accounttest.Actor(account.Supervisor, north), accounttest.Actor(account.Supervisor, north, south)
		lawyer, lost := accounttest.Actor(account.Legal), accounttest.Actor(account.Supervisor)
		lawyer.Scope = account.Everywhere()
		dbtest.Insert(t, d,
			asked(1, "PG-1", purge.AwaitingSupervisor, agent, now), asked(2, "PG-2", purge.AwaitingSupervisor, agent, now), asked(3, "PG-3", purge.AwaitingSupervisor, boss, now),
			asked(4, "PG-4", purge.AwaitingLegal, agent, now), asked(5, "PG-5", purge.Rejected, agent, now), asked(6, "PG-6", purge.Draft, account.Actor{}, now),
			asked(7, "PG-7", purge.AwaitingCodes, agent, now),
		)
		for _, rows := range [][]any{touches(1, north), touches(2, north, south), touches(3, north), touches(4, north), touches(5, north), touches(6, south), touches(7, north, south)} {
			dbtest.Insert(t, d, rows...)
		}
		r := &report.Reader{DB: d, Conversations: &conversation.Conversations{DB: d}, Departments: &department.Departments{DB: d}, Zone: time.UTC}
		for _, tt := range []struct {
			name string
			by   account.Actor
			want []string
		}{
			{"a supervisor sees what lies wholly in his departments and is not his own", boss, []string{"vote PG-1"}},
			{"one of both departments sees both, and the draft", both, []string{"vote PG-1", "vote PG-2", "vote PG-3", "draft PG-6"}},
			{"legal sees its stage, the second code and the draft", lawyer, []string{"vote PG-4", "confirm PG-7", "draft PG-6"}},
			{"an agent sees what came back to him", agent, []string{"rejected PG-5"}},
			{"a supervisor of nothing sees nothing", lost, nil},
		} {
			h, err := r.Home(t.Context(), tt.by)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, x := range h.Todo {
				got[x.Kind+" "+x.Code] = true
			}
			if len(got) != len(tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
			for _, w := range tt.want {
				if !got[w] {
					t.Errorf("%s: %q is missing in %v", tt.name, w, got)
				}
			}
		}
		for _, tt := range []struct {
			code string
			by   account.Actor
			ok   bool
		}{{"pg-1", boss, true}, {"PG-2", boss, false}, {"PG-2", both, true}, {"PG-1", lost, false}, {"PG-9", lawyer, false}, {"SC-1", lawyer, false}} {
			named, err := r.Code(t.Context(), tt.by, tt.code)
			if (err == nil) != tt.ok || tt.ok && named.Kind != report.NamesPurge {
				t.Errorf("%s for %s: %+v %v", tt.code, tt.by.Role, named, err)
			}
		}
		if named, err := r.Code(t.Context(), boss, "tb_88821"); named != nil || err != nil {
			t.Errorf("no code: %v %v", named, err)
		}
	})
}

// A purge in its cooling-off waits: it is no running job, neither in the header nor on the home page, until it is due.
func TestAJobThatWaitsIsNotRunning(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		boss := accounttest.Actor(account.Supervisor, north)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := job.Enqueue(tx, job.New{Kind: purge.JobRun, Object: "PG-1", By: boss.ID, RunAt: clock.Time().Add(24 * time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &report.Reader{DB: d, Conversations: &conversation.Conversations{DB: d}, Departments: &department.Departments{DB: d}, Zone: time.UTC}
		for _, want := range []int{0, 1} {
			around, err := r.Around(t.Context(), boss)
			if err != nil {
				t.Fatal(err)
			}
			home, err := r.Home(t.Context(), boss)
			if err != nil {
				t.Fatal(err)
			}
			if around.JobsRunning != int64(want) || len(home.Jobs) != want {
				t.Errorf("%d and %d run, want %d", around.JobsRunning, len(home.Jobs), want)
			}
			clock.Advance(24 * time.Hour)
		}
	})
}

// The menu, the home page and the bin say one number: what can still be restored, as far as the person sees it.
func TestTheBinIsOneNumberEverywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		s.story()
		var old []conversation.Conversation
		for _, c := range s.conversations() {
			if c.State == conversation.Active && c.DepartmentID == s.sales {
				old = append(old, c)
			}
		}
		if len(old) < 2 {
			t.Fatalf("only %d conversations are left", len(old))
		}
		s.discard(old[0].ID)
		clock.Advance(5 * 24 * time.Hour)
		s.discard(old[1].ID)
		r := &report.Reader{DB: d, Conversations: &conversation.Conversations{DB: d}, Departments: &department.Departments{DB: d}, Zone: time.UTC}
		agree := func(want int64) {
			t.Helper()
			for _, by := range []account.Actor{s.agent, s.supervisor, s.elsewhere, s.legal, s.auditor} {
				around, err := r.Around(s.ctx(), by)
				s.must(err)
				home, err := r.Home(s.ctx(), by)
				s.must(err)
				figures, err := s.bin.Figures(s.ctx(), by)
				s.must(err)
				list, err := s.bin.Items(s.ctx(), by, bin.View{})
				s.must(err)
				if got := [4]int64{around.Binned, home.Binned, figures.Restorable, list.Total}; got != [4]int64{list.Total, list.Total, list.Total, list.Total} {
					t.Errorf("%s: menu, home, bin and its list say %v", by.Role, got)
				}
				if by.Role == account.Auditor && list.Total != want {
					t.Errorf("%d can be restored, want %d", list.Total, want)
				}
			}
		}
		agree(2)
		clock.Advance(3 * 24 * time.Hour) // the first has expired; it rests there all the same
		agree(1)
	})
}
