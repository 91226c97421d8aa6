package fsck_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// corruption is what somebody with the database's password could do, and the oracle that must
// notice it.
type corruption struct {
	finding string
	deep    bool
	query   string
	args    []any
}

var tables = []string{
	"approval", "audit_head", "audit_leaf", "audit_node", "bin_batch", "bin_item", "bin_raise", "certificate", "conversation", "conversation_body", "conversation_key",
	"conversation_tag", "hold_item", "key_bucket", "legal_hold", "purge_batch", "purge_bucket", "purge_department", "purge_item", "purge_request", "subject_item", "subject_request", "tombstone", "user", "user_scope", "vote",
}

func corruptions(w *world, now any) []corruption {
	return []corruption{
		{"I1 fsck.purged_without_approval", false, "UPDATE vote SET role = 'supervisor' WHERE role = 'legal'", nil},
		{"I1 fsck.purged_without_approval", false, "UPDATE purge_request SET requester_person = (SELECT person_id FROM vote WHERE role = 'legal')", nil},
		{"I1 fsck.purged_without_approval", false, "DELETE FROM approval", nil},
		{"I1 fsck.role_unsaid", false, "UPDATE `user` SET role = 'legal' WHERE role = 'agent'", nil},
		{"I1 fsck.role_unsaid", false, "DELETE FROM audit_leaf WHERE action = 'account.added'", nil},
		{"I1 fsck.scope_unsaid", false, "UPDATE user_scope SET sub = 1 - sub", nil},
		{"I1 fsck.scope_unsaid", false, "DELETE FROM user_scope", nil},
		{"I1 fsck.vote_forged", false, "UPDATE vote SET opinion = '同意，同意' WHERE role = 'legal'", nil},
		{"I1 fsck.vote_forged", false, "UPDATE vote SET person_id = person_id + 1000 WHERE role = 'legal'", nil},
		{"I1 fsck.request_forged", false, "UPDATE purge_request SET reason = '另一个理由'", nil},
		{"I1 fsck.request_forged", false, "UPDATE purge_request SET requester_person = requester_person + 1000", nil},
		{"I1 fsck.request_forged", false, "UPDATE purge_request SET requester_id = 0", nil},
		{"I1 fsck.request_forged", false, "DELETE FROM purge_batch WHERE batch_id = (SELECT * FROM (SELECT MIN(batch_id) FROM purge_batch) b)", nil},
		{"I1 fsck.request_forged", false, "INSERT INTO purge_batch (purge_id, batch_id, code, residue_count, residue_reason, residue) SELECT p.purge_id, b.id, b.code, 0, '', '[]' " +
			"FROM purge_department p, bin_batch b WHERE b.id NOT IN (SELECT batch_id FROM purge_batch)", nil},
		{"I1 fsck.request_forged", false, "UPDATE purge_department SET path = '别的部门'", nil},
		{"I1 fsck.batch_forged", false, "UPDATE bin_batch SET state = 'running'", nil},
		{"I1 fsck.batch_forged", false, "UPDATE bin_batch SET owner_person = owner_person + 1000", nil},
		{"I1 fsck.batch_forged", false, "UPDATE bin_batch SET mac = NULL", nil},
		{"I1 fsck.raise_forged", false, "INSERT INTO bin_raise (draft_id, size, cap, scope, user_id, person_id, name, staff_no, role, reason, totp_step, at, mac) " +
			"SELECT 1, 100, 10, h.root, 1, 1, '林静怡', '10482', 'supervisor', '同意', 1, b.created_at, b.mac FROM audit_head h, bin_batch b LIMIT 1", nil},
		{"I3 fsck.release_forged", false, "UPDATE legal_hold SET released_at = ?", []any{now}},
		{"I1 fsck.purged_by_two", false, "INSERT INTO purge_item (purge_id, seq, conversation_id, version, digest, department_id, service_type, platform, bucket_id, batch_id, messages, attachments, bytes, last_at, state, reason) " +
			"SELECT purge_id + 1000, seq, conversation_id, version, digest, department_id, service_type, platform, bucket_id, batch_id, messages, attachments, bytes, last_at, state, reason FROM purge_item WHERE seq = 0", nil},
		{"I2 fsck.purged_but_there", false, "UPDATE purge_item SET conversation_id = ? WHERE seq = 0", []any{w.live}},
		{"I2 fsck.purged_without_tombstone", false, "DELETE FROM tombstone", nil},
		{"I2 fsck.tombstone_without_item", false, "UPDATE purge_item SET state = 'skipped', reason = 'held' WHERE seq = 0", nil},
		{"I2 fsck.manifest_not_settled", false, "UPDATE purge_request SET size = size + 1", nil},
		{"I2 fsck.manifest_not_settled", false, "UPDATE purge_request SET skipped = 1", nil},
		{"I2 fsck.skipped_and_gone", false, "UPDATE purge_item SET state = 'skipped', reason = 'held', conversation_id = 999999 WHERE seq = 0", nil},
		{"I2 fsck.skipped_without_reason", false, "UPDATE purge_item SET state = 'skipped', reason = '' WHERE seq = 0", nil},
		{"I2 fsck.manifest_changed", false, "UPDATE purge_item SET version = version + 1 WHERE seq = 0", nil},
		{"I3 fsck.held_in_bin", false, "INSERT INTO hold_item (conversation_id, hold_id) SELECT ?, id FROM legal_hold", []any{w.binned}},
		{"I3 fsck.held_and_gone", false, "INSERT INTO hold_item (conversation_id, hold_id) SELECT 999999, id FROM legal_hold", nil},
		{"I3 fsck.held_and_gone", false, "DELETE FROM conversation WHERE id = ?", []any{w.held}},
		{"I3 fsck.hold_misses", false, "UPDATE legal_hold SET kind = 'department', continuing = 1, department_id = (SELECT c.department_id FROM conversation c WHERE c.id = ?)", []any{w.live}},
		{"I3 fsck.hold_items_missing", false, "DELETE FROM hold_item", nil},
		{"I3 fsck.hold_items_missing", false, "UPDATE hold_item SET conversation_id = ?", []any{w.live}},
		{"I3 fsck.hold_items_missing", false, "DELETE FROM legal_hold", nil},
		{"I3 fsck.purged_while_held", false, "INSERT INTO hold_item (conversation_id, hold_id) SELECT i.conversation_id, l.id FROM purge_item i, legal_hold l WHERE i.seq = 0", nil},
		{"I3 fsck.binned_while_held", false, "INSERT INTO hold_item (conversation_id, hold_id) SELECT ?, id FROM legal_hold", []any{w.binned}},
		{"I4 fsck.request_without_leaf", false, "UPDATE audit_leaf SET object = 'PG-1' WHERE action = 'purge.requested'", nil},
		{"I4 fsck.votes_without_leaf", false, "DELETE FROM audit_leaf WHERE action = 'purge.approved' AND actor_role = 'legal'", nil},
		{"I4 fsck.hold_without_leaf", false, "UPDATE legal_hold SET code = 'LH-2026-999'", nil},
		{"I4 fsck.batch_without_leaf", false, "UPDATE bin_batch SET size = 2", nil},
		{"I4 fsck.certificate_without_leaf", false, "UPDATE certificate SET leaf = 1", nil},
		{"I5 fsck.certificate_changed", false, "UPDATE certificate SET body = REPLACE(body, 'worker-1', 'worker-2')", nil},
		{"I5 fsck.certificate_changed", false, "UPDATE certificate SET digest = (SELECT root FROM audit_head)", nil},
		{"I5 fsck.certificate_changed", false, "UPDATE purge_item SET state = 'skipped', reason = 'held' WHERE seq = 0", nil},
		{"I4 fsck.leaves_differ", false, "UPDATE purge_request SET purged = purged - 1", nil},
		{"I5 fsck.body_without_row", false, "DELETE FROM conversation WHERE id = ?", []any{w.live}},
		{"I5 fsck.row_without_body", false, "DELETE FROM conversation_body WHERE id = ?", []any{w.live}},
		{"I5 fsck.row_without_key", false, "DELETE FROM conversation_key WHERE id = ?", []any{w.live}},
		{"I5 fsck.key_without_row", false, "DELETE FROM conversation WHERE id = ?", []any{w.live}},
		{"I5 fsck.version_differs", false, "UPDATE conversation_body SET version = version + 1 WHERE id = ?", []any{w.live}},
		{"I5 fsck.tag_without_row", false, "UPDATE conversation_tag SET conversation_id = 999999 WHERE conversation_id = ?", []any{w.live}},
		{"I5 fsck.key_without_bucket", false, "UPDATE conversation_key SET bucket_id = 999999 WHERE id = ?", []any{w.live}},
		{"I5 fsck.bucket_too_full", false, "INSERT INTO conversation_key (id, bucket_id, wrapped) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 33) " +
			"SELECT 1000000 + 100 * k.i + l.i, c.bucket_id, c.wrapped FROM k, k l, conversation_key c WHERE c.id = ?", []any{w.live}},
		{"I5 fsck.finished_without_certificate", false, "DELETE FROM certificate", nil},
		{"I5 fsck.certificate_too_early", false, "UPDATE purge_request SET state = 'running'", nil},
		{"I6 fsck.log_columns", false, "UPDATE audit_leaf SET actor_name = '别人' WHERE n = 3", nil},
		{"I6 fsck.log_changed", false, "UPDATE audit_leaf SET leaf = '{}' WHERE n = 3", nil},
		{"I6 fsck.log_missing", false, "DELETE FROM audit_leaf WHERE n = 3", nil},
		{"I6 fsck.log_nodes", false, "UPDATE audit_node SET hash = (SELECT root FROM audit_head) WHERE idx = 2", nil},
		{"I6 fsck.log_head", false, "UPDATE audit_head SET root = (SELECT hash FROM audit_node WHERE idx = 3)", nil},
		{"I9 fsck.bucket_left", false, "UPDATE key_bucket SET state = 1, slot = (SELECT MAX(p.slot) FROM purge_bucket p WHERE p.bucket_id = key_bucket.id) WHERE id IN (SELECT bucket_id FROM purge_bucket)", nil},
		{"I9 fsck.slot_alive", false, "UPDATE purge_bucket SET slot = (SELECT b.slot FROM key_bucket b JOIN conversation_key k ON k.bucket_id = b.id WHERE k.id = ?)", []any{w.live}},
		{"I9 fsck.bucket_unreadable", false, "UPDATE key_bucket SET tree = (SELECT root FROM audit_head) WHERE id = (SELECT bucket_id FROM conversation_key WHERE id = ?)", []any{w.live}},
		{
			"I9 fsck.leaf_left", true, "UPDATE purge_item SET bucket_id = (SELECT k.bucket_id FROM conversation_key k WHERE k.id = ?), leaf = (SELECT k.leaf FROM conversation_key k WHERE k.id = ?) WHERE seq = 0",
			[]any{w.live, w.live},
		},
		{"I5 fsck.leaf_shared", false, "UPDATE conversation_key SET leaf = 0", nil},
		{"I5 fsck.leaf_not_given", false, "UPDATE conversation_key SET leaf = 1000 WHERE id = ?", []any{w.live}},
		{"I5 fsck.leaf_not_given", false, "UPDATE conversation_key SET leaf = -2 WHERE id = ?", []any{w.live}},
		{"I5 fsck.leaf_gone", false, "UPDATE conversation_key SET leaf = (SELECT i.leaf FROM purge_item i WHERE i.seq = 0), bucket_id = (SELECT i.bucket_id FROM purge_item i WHERE i.seq = 0) WHERE id = ?", []any{w.live}},
		{"I9 fsck.bucket_spared", false, "DELETE FROM purge_bucket", nil},
		{"I9 fsck.key_alive", false, "UPDATE key_bucket SET state = 3", nil},
		{"I10 fsck.bin_state_differs", false, "UPDATE conversation SET state = 1 WHERE id = ?", []any{w.binned}},
		{"I10 fsck.bin_state_differs", false, "DELETE FROM conversation WHERE id = ?", []any{w.binned}},
		{"I10 fsck.binned_without_batch", false, "DELETE FROM bin_item WHERE conversation_id = ?", []any{w.binned}},
		{"I10 fsck.batch_state_differs", false, "UPDATE bin_batch SET state = 'undone'", nil},
		{"I10 fsck.batch_state_differs", false, "UPDATE bin_batch SET state = 'partly_done'", nil},
		{"I10 fsck.batch_state_differs", false, "UPDATE bin_batch SET skipped = 1", nil},
		{"I10 fsck.batch_state_differs", false, "UPDATE bin_item SET state = 'pending' WHERE conversation_id = ?", []any{w.binned}},
		{"I10 fsck.purged_inside_window", false, "UPDATE bin_batch SET keep_until = ?", []any{now}},
		{"I10 fsck.window_shortened", false, "UPDATE bin_batch SET keep_until = created_at", nil},
		{"I11 fsck.sealed_without_request", false, "UPDATE conversation SET state = 6 WHERE id = ?", []any{w.live}},
		{"I11 fsck.sealed_without_request", false, "DELETE FROM subject_item", nil},
		{"I11 fsck.request_not_sealed", false, "UPDATE conversation SET state = 1 WHERE state = 6", nil},
		{"I11 fsck.request_rests_unsealed", false, "INSERT INTO subject_item (request_id, conversation_id, department_id, was_state) SELECT id, ?, 1, 1 FROM subject_request", []any{w.binned}},
		{"I11 fsck.rests_sealed_without_request", false, "UPDATE bin_item SET was_state = 6 WHERE conversation_id = ?", []any{w.binned}},
		{"I11 fsck.subject_forged", false, "UPDATE subject_request SET reference = 'KF-1'", nil},
		{"I14 fsck.check_failed", false, "UPDATE audit_leaf SET action = 'batch.started', object = (SELECT MIN(code) FROM bin_batch), leaf = '{\"cap\":' WHERE n = 3", nil},
		{"I14 fsck.over_cap", false, "UPDATE bin_batch SET size = 100001 WHERE id = (SELECT * FROM (SELECT MIN(id) FROM bin_batch) b)", nil},
		{"I15 fsck.resurrected", false, "UPDATE tombstone SET external_mac = (SELECT external_mac FROM conversation WHERE id = ?) WHERE conversation_id = (SELECT conversation_id FROM purge_item WHERE seq = 0)", []any{w.live}},
		{"I15 fsck.ledger_unknown", false, "UPDATE purge_request SET phase = 'erase'", nil},
		{"I15 fsck.ledger_clash", false, "UPDATE purge_request SET root = policy_version", nil},
		{"I15 fsck.ledger_missing", false, "UPDATE purge_request SET code = 'PG-20200101-009'", nil},
		{"I15 fsck.ledger_differs", false, "UPDATE purge_request SET state = 'replayed', purged = 99", nil},
		{"I16 fsck.clock_back", false, "UPDATE audit_leaf SET at = ? WHERE n = 3", []any{now}},
		{"I5 fsck.digest_differs", true, "UPDATE conversation_body SET digest = (SELECT root FROM audit_head) WHERE id = ?", []any{w.live}},
		{"I7 fsck.personal_differs", true, "UPDATE conversation SET personal = personal + 1 WHERE id = ?", []any{w.live}},
		{"I5 fsck.marks_differ", true, "UPDATE conversation SET marks = 33 WHERE id = ?", []any{w.live}},
		{"I5 fsck.marks_differ", true, "UPDATE conversation SET messages = messages + 1 WHERE id = ?", []any{w.live}},
		{"I5 fsck.body_unreadable", true, "UPDATE conversation_body SET body = (SELECT root FROM audit_head) WHERE id = ?", []any{w.live}},
	}
}

// Every oracle must be able to speak: each planted corruption is noticed by the one that is
// there for it, and a clean database says nothing.
func TestEveryOracleSpeaks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		if found := w.keys(true); len(found) != 0 {
			t.Fatalf("a clean database: %v", found)
		}
		dbtest.WithoutTriggers(t, d) // or nothing that is held could be deleted
		w.shadow(tables...)
		spoken := map[string]bool{}
		note := func(finding string) { _, key, _ := strings.Cut(finding, " "); spoken[key] = true }
		for _, c := range corruptions(w, db.Instant(clock.Time().AddDate(1, 0, 0))) {
			t.Run(c.finding, func(t *testing.T) {
				if dbtest.Exec(t, d, c.query, c.args...) == 0 {
					t.Fatal("nothing was corrupted")
				}
				if found := w.keys(c.deep); !found[c.finding] {
					t.Errorf("not noticed; what was: %v", found)
				}
				w.restore()
				note(c.finding)
			})
		}
		if found := w.keys(true); len(found) != 0 {
			t.Fatalf("after restoring: %v", found)
		}
		for _, finding := range haunted(t, w) {
			note(finding)
		}
		for _, finding := range withoutKeys(t, w) {
			note(finding)
		}
		for _, finding := range damagedLedger(t, w) {
			note(finding)
		}
		for _, finding := range destroyed(t, w) {
			note(finding)
		}
		for key := range oracles(t) {
			if !spoken[key] {
				t.Errorf("no corruption makes %s speak", key)
			}
		}
	})
}

// withoutKeys plants what the unique keys forbid: somebody could drop those too.
func withoutKeys(t *testing.T, w *world) []string {
	t.Helper()
	drop, create := []string{"DROP INDEX vote_person", "DROP INDEX vote_code"},
		[]string{"CREATE UNIQUE INDEX vote_person ON vote (approval_id, person_id)", "CREATE UNIQUE INDEX vote_code ON vote (user_id, totp_step)"}
	if w.d.Engine() == db.MySQL {
		drop, create = []string{"ALTER TABLE vote DROP INDEX person, DROP INDEX code"},
			[]string{"ALTER TABLE vote ADD UNIQUE KEY person (approval_id, person_id), ADD UNIQUE KEY code (user_id, totp_step)"}
	}
	for _, q := range drop {
		dbtest.Exec(t, w.d, q)
	}
	dbtest.Exec(t, w.d, "UPDATE vote SET person_id = 7, user_id = 7, totp_step = 1")
	found := w.keys(false)
	w.restore()
	for _, q := range create {
		dbtest.Exec(t, w.d, q)
	}
	want := []string{"I1 fsck.person_voted_twice", "I1 fsck.code_used_twice"}
	for _, finding := range want {
		if !found[finding] {
			t.Errorf("%s was not noticed: %v", finding, found)
		}
	}
	return want
}

// damagedLedger changes the ledger's file: its head, which is always read, and a line, which only a deep
// check reads.
func damagedLedger(t *testing.T, w *world) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.checker.Ledger.Dir, "*.ledger"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	w.must(err)
	const want = "I15 fsck.ledger_damaged"
	for _, c := range []struct {
		from, to string
		deep     bool
	}{{`"size":`, `"size":1`, false}, {`"gone":"`, `"gone":"1`, true}} {
		w.must(os.WriteFile(files[0], []byte(strings.Replace(string(whole), c.from, c.to, 1)), 0o600))
		if found := w.keys(c.deep); !found[want] {
			t.Errorf("%s: not noticed: %v", c.from, found)
		}
	}
	w.must(os.WriteFile(files[0], whole, 0o600))
	return []string{want}
}

// destroyed takes a living conversation's key out of the key store, which nothing brings back.
func destroyed(t *testing.T, w *world) []string {
	t.Helper()
	var keys []conversation.Key
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		keys, err = conversation.Keys(tx, w.live)
		return err
	}))
	w.must(w.checker.Store.Destroy(keys[0].Slot))
	found := w.keys(true)
	want := []string{"I9 fsck.key_lost", "I5 fsck.key_destroyed_early"}
	for _, finding := range want {
		if !found[finding] {
			t.Errorf("%s was not noticed: %v", finding, found)
		}
	}
	return want
}

// oracles reads the findings out of the sources, so that a new one cannot stay untested.
func oracles(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(fsck\.[a-z_]*[a-z])"`).FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d findings in the sources", len(found))
	}
	return found
}
