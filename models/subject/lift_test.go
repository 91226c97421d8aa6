package subject_test

import (
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/subject"
)

func TestLiftingTakesTwoPeopleAndPutsEverythingBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{at: w.young()}, chat{at: w.young(), hidden: true}, chat{}, chat{hidden: true})
		w.discard(ids[3])
		r := w.place()
		w.work()
		w.wantStates(ids, "sealed", "sealed", "binned", "binned")
		const why = "客户撤回了删除请求"
		twin := accounttest.User(t, w.d, w.accounts, account.Legal)
		twin.Scope, twin.PersonID = account.Everywhere(), w.legal.PersonID
		for _, tt := range []struct {
			name, key, field string
			by               account.Actor
			reason           string
		}{
			{"whoever placed it", "subject.own_request", "", w.legal, why},
			{"the same person's other account", "subject.own_request", "", twin, why},
			{"a supervisor", "account.forbidden", "", w.boss, why},
			{"audit", "account.forbidden", "", w.auditor, why},
			{"somebody without a reason", "subject.reason_needed", "reason", w.counsel, "撤回"},
		} {
			err := w.requests.Lift(w.ctx(), tt.by, r.ID, tt.reason, w.code(tt.by))
			wantFault(t, err, tt.key, tt.field)
			w.wantStates(ids, "sealed", "sealed", "binned", "binned")
			if t.Failed() {
				t.Fatalf("above: lifted by %s", tt.name)
			}
		}
		wantFault(t, w.requests.Lift(w.ctx(), w.counsel, r.ID, why, "000000"), "account.code_wrong", "code")
		if d := w.get(r); d.CanLift || d.LiftRefused == nil {
			t.Error("its page offers the lift to whoever placed it")
		}
		w.must(w.requests.Lift(w.ctx(), w.counsel, r.ID, why, w.code(w.counsel)))
		w.wantStates(ids, "active", "hidden", "binned", "binned")
		w.wantParts(r, subject.Counts{Lifted: 2, InBin: 2})
		_, err := w.bin.RestoreItems(w.ctx(), w.boss, w.set(ids[2], ids[3]))
		w.must(err)
		w.wantStates(ids, "active", "hidden", "active", "hidden")
		wantFault(t, w.requests.Lift(w.ctx(), w.counsel, r.ID, why, w.code(w.counsel)), "subject.not_open", "")
		// The customer may ask again.
		again := w.place()
		w.wantStates(ids, "sealed")
		if again.Code != "DSR-0002" {
			t.Errorf("the second is %s", again.Code)
		}
	})
}

// Rows that were written past the program move nothing, and fsck names them.
func TestARowIsNoRequest(t *testing.T) {
	forgeries := map[string]struct{ statement, found string }{
		"another customer's conversation on the list": {"INSERT INTO subject_item (request_id, conversation_id, department_id, was_state) SELECT r.id, c.id, c.department_id, 1 FROM conversation c JOIN subject_request r ON r.state = 'open' WHERE c.state = 1", "fsck.subject_forged"},
		"an item taken off":                           {"DELETE FROM subject_item WHERE was_state = 2", "fsck.sealed_without_request"},
		"another state before":                        {"UPDATE subject_item SET was_state = 1", "fsck.subject_forged"},
		"another creator":                             {"UPDATE subject_request SET creator_person = creator_person + 1000", "fsck.subject_forged"},
		"lifted by nobody":                            {"UPDATE subject_request SET state = 'lifted', open_slot = NULL", "fsck.subject_one_person"},
		"a day more to answer":                        {"UPDATE subject_request SET answer_by = received_at", "fsck.subject_forged"},
		"out of the seal":                             {"UPDATE conversation SET state = 1 WHERE state = 6", "fsck.request_not_sealed"},
		"under seal for nothing":                      {"UPDATE conversation SET state = 6 WHERE state = 1", "fsck.sealed_without_request"},
		"out of the bin unsealed":                     {"UPDATE bin_item SET was_state = 1", "fsck.request_rests_unsealed"},
		"a batch without an entry":                    {"UPDATE bin_batch SET kind = 'subject' WHERE kind = 'single'", "fsck.subject_leaves"},
	}
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			for name, tt := range forgeries {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					forge(t, newWalk(t, engine), tt.statement, tt.found)
				})
			}
		})
	}
}

func forge(t *testing.T, w *world, statement, wanted string) {
	t.Helper()
	ids := w.store(chat{at: w.young()}, chat{at: w.young(), hidden: true}, chat{})
	w.discard(ids[2])
	w.store(chat{who: "tb_lihua"})
	r := w.place()
	if found := w.findings(); len(found) > 0 {
		t.Fatalf("fsck finds %v before", found)
	}
	if dbtest.Exec(t, w.d, statement) == 0 {
		t.Fatal("the statement changes nothing")
	}
	if found := w.findings(); !names(found, wanted) {
		t.Errorf("fsck finds %v, want %s", found, wanted)
	}
	if wanted != "fsck.subject_forged" {
		return
	}
	before := w.states(ids...)
	w.clock.Advance(200 * day)
	w.tick()
	w.wantStates(ids, before...)
	wantFault(t, w.requests.Lift(w.ctx(), w.counsel, r.ID, "客户撤回了删除请求", w.code(w.counsel)), "subject.forged", "")
	_, err := w.requests.BinAgain(w.ctx(), w.counsel, r.ID)
	wantFault(t, err, "subject.forged", "")
}

func names(found []string, key string) bool {
	return slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, key) })
}
