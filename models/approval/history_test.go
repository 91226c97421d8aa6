package approval_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// wish is what one client asks of the approval, answer what came of it.
type (
	wish struct {
		act    string // "approve", "reject", "withdraw" or "look"
		person id.Person
		role   account.Role
	}
	answer struct {
		key   string // of the fault, empty if it was done
		state approval.State
		stage int
	}
)

const (
	approves  = "approve"
	rejects   = "reject"
	withdraws = "withdraw"
	looks     = "look"
)

// paper is the approval as one clerk with one sheet of paper would keep it.
type paper struct {
	requester     id.Person
	state         approval.State
	stage         int
	first, second id.Person // who voted
}

var stages = []account.Role{account.Supervisor, account.Legal}

// does tells what the clerk answers, and the sheet afterwards.
func (p paper) does(w wish) (answer, paper) {
	switch w.act {
	case looks:
		return answer{state: p.state, stage: p.stage}, p
	case withdraws:
		if p.state != approval.Open && p.state != approval.Approved {
			return answer{key: "approval.closed"}, p
		}
		p.state = approval.Withdrawn
		return answer{}, p
	}
	switch {
	case w.person == p.requester:
		return answer{key: "approval.own_request"}, p
	case w.person == p.first || w.person == p.second:
		return answer{key: "approval.voted_before"}, p
	case p.state != approval.Open:
		return answer{key: "approval.closed"}, p
	case w.role != stages[p.stage]:
		return answer{key: "approval.wrong_role"}, p
	}
	if p.stage++; p.stage == 1 {
		p.first = w.person
	} else {
		p.second = w.person
	}
	switch {
	case w.act == rejects:
		p.state = approval.Rejected
	case p.stage == len(stages):
		p.state = approval.Approved
	}
	return answer{}, p
}

func clerk(requester id.Person) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return paper{requester: requester, state: approval.Open} },
		Step: func(state, input, output any) (bool, any) {
			said, after := state.(paper).does(input.(wish))
			return said == output.(answer), after
		},
	}
}

// TestHistoriesOfVotesAreThoseOfOneClerk is P3 of INVARIANTS.md: four clients vote, reject, withdraw and look at one
// approval at once, and whatever each was answered could have been answered one after the other.
func TestHistoriesOfVotesAreThoseOfOneClerk(t *testing.T) {
	histories := 100
	if os.Getenv("QINGDANG_TEST_TIER") == "long" {
		histories = 2000
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		people := []account.Actor{
			w.supervisor, accounttest.User(t, d, w.accounts, account.Supervisor, 1), w.legal, accounttest.User(t, d, w.accounts, account.Legal),
			accounttest.Same(t, d, w.accounts, "hr-requester", account.Supervisor, 1),
		}
		model, seed := clerk(w.requester.PersonID), uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, seed))
		var steps atomic.Int64
		steps.Store(1_000_000)
		done, forged := map[string]int{}, 0
		for h := range histories {
			w.open(uint64(10_000 + h))
			history := w.history(r, people, &steps)
			if !porcupine.CheckOperations(model, history) {
				t.Fatalf("history %d is none of one clerk:\n%s", h, tell(history))
			}
			for _, o := range history {
				done[o.Input.(wish).act+" "+o.Output.(answer).key]++
			}
			// The control: an answer that nobody could have got is noticed.
			if at := slices.IndexFunc(history, func(o porcupine.Operation) bool { return o.Output.(answer).key == "approval.own_request" }); at >= 0 {
				history[at].Output = answer{}
				if forged++; porcupine.CheckOperations(model, history) {
					t.Fatalf("history %d: the requester's own vote is taken for right:\n%s", h, tell(history))
				}
			}
		}
		t.Logf("%d histories, %d forged ones: %v", histories, forged, done)
		for _, want := range []string{"approve ", "reject ", "withdraw ", "look ", "approve approval.wrong_role", "approve approval.closed", "approve approval.voted_before"} {
			if done[want] == 0 {
				t.Errorf("no history has %q", want)
			}
		}
		if forged == 0 {
			t.Error("the control never ran")
		}
	})
}

// history lets four clients act at once and gives what each saw.
func (w *world) history(r *rand.Rand, people []account.Actor, steps *atomic.Int64) (all []porcupine.Operation) {
	w.t.Helper()
	const clients, each = 4, 4
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range clients {
		var wishes []account.Actor
		var acts []string
		for range each {
			wishes = append(wishes, people[r.IntN(len(people))])
			acts = append(acts, []string{approves, approves, approves, approves, approves, approves, rejects, withdraws, looks, looks}[r.IntN(10)])
		}
		wg.Go(func() {
			for i, by := range wishes {
				o := porcupine.Operation{ClientId: c, Input: wish{acts[i], by.PersonID, by.Role}, Call: time.Since(began).Nanoseconds()}
				said, err := w.wish(acts[i], by, steps.Add(1))
				o.Output, o.Return = said, time.Since(began).Nanoseconds()
				if err != nil {
					w.t.Errorf("%s by %s: %v", acts[i], by.Role, err)
				}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

// wish does one thing; an error is one that no person should be answered.
func (w *world) wish(act string, by account.Actor, step int64) (said answer, err error) {
	switch act {
	case looks:
		err = w.d.Read(w.t.Context(), func(tx *db.Tx) error {
			a, _, err := approval.Find(tx, w.approval)
			said = answer{state: a.State, stage: a.Stage}
			return err
		})
		return said, err
	case withdraws:
		err = w.try(func(tx *db.Tx) error { return approval.Close(tx, w.approval, approval.Withdrawn) })
	default:
		verdict := map[string]approval.Verdict{approves: approval.Approve, rejects: approval.Reject}[act]
		err = w.try(func(tx *db.Tx) error {
			_, err := approval.Cast(tx, w.keys, approval.Ballot{
				Approval: w.approval, By: by, Verdict: verdict, Opinion: "同意", SeenRoot: root, Step: step, ValidUntil: tx.Now.Add(time.Hour),
			})
			return err
		})
	}
	if f, ok := fault.Of(err); ok {
		return answer{key: f.Key}, nil
	}
	return answer{}, err
}

func tell(history []porcupine.Operation) (lines string) {
	for _, o := range history {
		lines += fmt.Sprintf("client %d, %d to %d: %+v %+v\n", o.ClientId, o.Call, o.Return, o.Input, o.Output)
	}
	return lines
}
