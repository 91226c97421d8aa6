package inspection_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/inspection"
)

// The report is true when two different people have signed exactly what the other saw, each with a
// code; then it is a file that a stranger verifies.
func TestAuditAndLegalSignAndTheReportVerifies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.drawn(30, 5)
		w.want(w.sign(w.auditor, i.Code), "inspection.items_left")
		w.judgeAll(i.Code)
		_, err := w.desk.File(w.ctx(), w.auditor, i.Code, "json")
		w.want(err, "inspection.not_signed")
		w.want(w.sign(w.legal, i.Code), "inspection.audit_first")
		w.want(w.sign(w.boss, i.Code), "account.forbidden")
		_, err = w.desk.Sign(w.ctx(), w.auditor, inspection.Ballot{Inspection: i.Code, SeenRoot: "00", Opinion: "同意", Code: "000000"})
		w.want(err, "inspection.root_changed")
		_, err = w.desk.Sign(w.ctx(), w.auditor, inspection.Ballot{Inspection: i.Code, SeenRoot: w.get(w.auditor, i.Code).Root, Opinion: "同意", Code: "000000"})
		w.want(err, "account.code_wrong")
		w.must(w.sign(w.auditor, i.Code))

		// Between the two nothing changes.
		_, err = w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: i.Code, Seq: 1, Verdict: inspection.OK})
		w.want(err, "inspection.being_signed")
		w.want(w.sign(w.other, i.Code), "inspection.legal_next")
		// Legal sends it back, audit signs again.
		w.must(w.desk.SendBack(w.ctx(), w.legal, i.Code, "第 3 条请再看一遍"))
		w.want(w.sign(w.legal, i.Code), "inspection.audit_first")
		w.must(w.sign(w.auditor, i.Code))
		if found := w.flaws(); len(found) > 0 {
			t.Errorf("flaws while it is being signed: %v", found)
		}
		w.must(w.sign(w.legal, i.Code))
		w.want(w.sign(w.legal, i.Code), "inspection.signed_already")

		r, err := w.desk.File(w.ctx(), w.legal, i.Code, "json")
		w.must(err)
		signer, err := w.keys.Signer("qingdang.example.cn/evidence")
		w.must(err)
		res, err := proof.Verify(r.File, proof.Options{Keys: []string{signer.Public()}})
		w.must(err)
		if !res.OK || res.Format != proof.Inspection || len(r.Text.Signatures) != 2 || len(r.Text.Items) != int(r.Sample) {
			t.Errorf("verified: %v %v", res.OK, res.Problems)
		}
		again, err := w.desk.File(w.ctx(), w.auditor, i.Code, "json")
		w.must(err)
		if !bytes.Equal(again.File, r.File) {
			t.Error("the file is another the second time")
		}
		if n := dbtest.Count(t, w.d, &leaf{}, "action = 'inspection.downloaded'"); n != 2 {
			t.Errorf("%d downloads are written down", n)
		}
		_, err = w.desk.File(w.ctx(), w.boss, i.Code, "json")
		w.want(err, "inspection.not_found")
		changed := bytes.Replace(r.File, []byte(`"verdict": "ok"`), []byte(`"verdict": "no"`), 1)
		if res, _ := proof.Verify(changed, proof.Options{}); res.OK {
			t.Error("a changed verdict verifies")
		}
		if found := w.flaws(); len(found) > 0 {
			t.Errorf("flaws: %v", found)
		}
	})
}

// Two accounts of one person are one person.
func TestOnePersonDoesNotSignTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := accounttest.Same(t, w.d, w.accounts, "hr-twice", account.Auditor)
		second := accounttest.Same(t, w.d, w.accounts, "hr-twice", account.Legal)
		i := w.drawn(2)
		w.judgeAll(i.Code)
		w.must(w.sign(first, i.Code))
		w.want(w.sign(second, i.Code), "approval.voted_before")
		w.must(w.sign(w.legal, i.Code))
	})
}

// Whatever is changed past the program, fsck's oracle sees it.
func TestTheOracleSeesEveryForgery(t *testing.T) {
	for name, f := range map[string]struct{ forge, key string }{
		"an item taken out of the sample":    {"DELETE FROM inspection_item WHERE seq = 1", "fsck.inspection_sample"},
		"another item in its place":          {"UPDATE inspection_item SET conversation_id = 77 WHERE seq = 1", "fsck.inspection_sample"},
		"an item taken out of the bin":       {"DELETE FROM bin_item WHERE conversation_id = (SELECT MIN(x.conversation_id) FROM (SELECT conversation_id FROM bin_item) x)", "fsck.inspection_sample"},
		"another seed":                       {"UPDATE inspection SET seed = 'f00d'", "fsck.inspection_seed"},
		"a verdict":                          {"UPDATE inspection_item SET verdict = 'problem' WHERE seq = 2", "fsck.inspection_result"},
		"the result":                         {"UPDATE inspection SET result = '{}'", "fsck.inspection_result"},
		"the report":                         {"UPDATE inspection SET body = '{}'", "fsck.inspection_result"},
		"a signature that was never given":   {"UPDATE inspection_signature SET opinion = 'x' WHERE role = 'legal'", "fsck.inspection_signatures"},
		"a signature taken away":             {"DELETE FROM inspection_signature WHERE role = 'auditor'", "fsck.inspection_signatures"},
		"a state that nobody brought about":  {"UPDATE inspection SET state = 'checking'", "fsck.inspection_signatures"},
		"one person in the place of the two": {"UPDATE inspection_signature SET person_id = 9 WHERE role = 'legal'", "fsck.inspection_signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			d, clock := dbtest.New(t)
			w := newWorld(t, d, clock)
			i := w.drawn(6, 4)
			w.judgeAll(i.Code)
			w.must(w.sign(w.auditor, i.Code))
			w.must(w.sign(w.legal, i.Code))
			if found := w.flaws(); len(found) > 0 {
				t.Fatalf("flaws before: %v", found)
			}
			if dbtest.Exec(t, d, f.forge) == 0 {
				t.Fatal("nothing was forged")
			}
			found := w.flaws()
			for _, one := range found {
				if one.Key == f.key {
					return
				}
			}
			t.Errorf("found %v, want %s", found, f.key)
		})
	}
}

// The automatic checks see what was done against the rules, and each becomes a finding.
func TestTheAutomaticChecks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, err := w.desk.Open(w.ctx(), w.auditor)
		w.must(err)
		late := w.discard(3)
		w.clock.Set(time.Date(2026, 11, 30, 15, 30, 0, 0, time.UTC)) // 23:30 in China
		night := w.discard(2)
		w.write(func(tx *db.Tx) error {
			// A hold of before under which the night's batch was binned.
			var item []uint64
			if err := tx.Table("bin_item").Joins("JOIN bin_batch b ON b.id = bin_item.batch_id").Where("b.code = ?", night).Limit(1).Pluck("conversation_id", &item).Error; err != nil {
				return err
			}
			if err := tx.Exec("INSERT INTO legal_hold (code, name, reason, kind, continuing, criteria, department_id, sub, placed_by, owner_id, created_at) VALUES ('LH-2026-001', 'n', 'r', 'conversations', 0, '', 0, 0, 1, 1, ?)", db.Instant(tx.Now.Add(-time.Hour))).Error; err != nil {
				return err
			}
			return tx.Exec("INSERT INTO hold_item (conversation_id, hold_id) VALUES (?, 1)", item[0]).Error
		})
		w.clock.Set(time.Date(2026, 12, 20, 6, 0, 0, 0, time.UTC))
		_, err = w.desk.Draw(w.ctx(), w.auditor, i.Code)
		w.must(err)
		d := w.get(w.auditor, i.Code)
		got := map[string]int64{}
		for _, f := range d.FindingRows {
			got[f.Kind] = f.ItemCount
			if f.Kind == inspection.ScanNight && (len(f.Codes()) != 1 || f.Codes()[0] != night) {
				t.Errorf("the night's batches are %v", f.Codes())
			}
			if f.Kind == inspection.ScanOverdue && f.Codes()[0] != late {
				t.Errorf("overdue are %v", f.Codes())
			}
		}
		if got[inspection.ScanNight] != 1 || got[inspection.ScanHeld] != 1 || got[inspection.ScanOverdue] != 5 || len(got) != 3 {
			t.Errorf("found %v", got)
		}
		for _, s := range d.ScanRows {
			if s.Ran == (s.Kind == inspection.ScanCeiling) || s.Unlooked != 0 { // there is no ceiling
				t.Errorf("%s ran: %v, unlooked %d", s.Kind, s.Ran, s.Unlooked)
			}
		}
	})
}

// What must not be kept becomes a grave finding with the departments where it is; where nobody has looked yet
// the report says that there may be more, and without a policy that nobody looked.
func TestNeverKeepDataBecomesAFinding(t *testing.T) {
	for _, tt := range []struct {
		name, spoil, notes string
		found, unlooked    int64
		ran                bool
	}{
		{"everything was looked into", "UPDATE conversation SET personal = personal", `["no_content","committed_late","cut_early"]`, 3, 0, true},
		{"one was not looked into", "UPDATE conversation SET personal = NULL WHERE personal = 1", `["no_content","never_keep_unlooked","committed_late","cut_early"]`, 2, 1, true},
		{"bank cards may be kept", "DELETE FROM retention_never_keep WHERE kind = 'bank_card'", `["no_content","committed_late","cut_early"]`, 2, 0, true},
		{"nothing must not be kept", "DELETE FROM retention_never_keep", `["no_content","never_keep_skipped","committed_late","cut_early"]`, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				i, err := w.desk.Open(w.ctx(), w.auditor)
				w.must(err)
				w.discard(2)
				ids := w.store(5) // with an identity card, a bank card, both, a telephone number, nothing
				for n, p := range []conversation.Personal{1, 2, 3, 4, 0} {
					dbtest.Exec(t, w.d, "UPDATE conversation SET personal = ? WHERE id = ?", p, ids[n])
				}
				dbtest.Exec(t, w.d, tt.spoil)
				w.clock.Advance(24 * time.Hour)
				_, err = w.desk.Draw(w.ctx(), w.auditor, i.Code)
				w.must(err)
				d := w.get(w.auditor, i.Code)
				scan := d.ScanRows[len(d.ScanRows)-1]
				if scan.Kind != inspection.ScanNeverKeep || scan.Ran != tt.ran || scan.Count != tt.found || scan.Unlooked != tt.unlooked {
					t.Errorf("%+v", scan)
				}
				found := slices.IndexFunc(d.FindingRows, func(f inspection.Finding) bool { return f.Kind == inspection.ScanNeverKeep })
				if tt.found == 0 && found >= 0 {
					t.Error("a finding of nothing")
				}
				if tt.found > 0 {
					f := d.FindingRows[found]
					if f.ItemCount != tt.found || f.Level != inspection.High || !slices.Equal(f.Codes(), []string{fmt.Sprintf("集团 (%d)", tt.found)}) {
						t.Errorf("%+v", f)
					}
				}
				w.judgeAll(i.Code)
				text, err := json.Marshal(w.get(w.auditor, i.Code).Text.Notes)
				w.must(err)
				if string(text) != tt.notes {
					t.Errorf("notes %s, want %s", text, tt.notes)
				}
			})
		})
	}
}

// What the other checks look for, done just so often and once more.
func TestTheAutomaticChecksFindWhatTheyNameAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, err := w.desk.Open(w.ctx(), w.auditor)
		w.must(err)
		one, two := w.boss, w.other
		one.Role, two.Role = account.Agent, account.Agent
		one.Name, two.Name = "王芳", "王芳" // two people of one name
		act := func(by account.Actor, action string, items int64) {
			w.write(func(tx *db.Tx) error {
				return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "batch", Object: "SC-1", Count: items})
			})
		}
		for range bin.AgentQuota {
			act(one, "conversation.discarded", 1)
			act(two, "conversation.discarded", 1)
		}
		act(w.boss, "batch.restored", 49) // one short of a spike
		w.clock.Set(time.Date(2026, 12, 2, 4, 0, 0, 0, time.UTC))
		act(two, "conversation.discarded", 1) // the month is new
		w.clock.Set(time.Date(2026, 12, 3, 4, 0, 0, 0, time.UTC))
		act(w.boss, "batch.undone", 600)
		for range bin.AgentQuota + 1 {
			act(one, "conversation.discarded", 1)
		}
		w.discard(1)
		w.write(func(tx *db.Tx) error {
			for n, code := range []string{"PG-1", "PG-2"} {
				r := map[string]any{
					"code": code, "request_key": code, "state": "done", "phase": "end", "requester_id": 1, "requester_person": 1, "requester_name": "n", "requester_staff_no": "1", "requester_role": "supervisor",
					"reason": "r", "scope_kind": "department", "excluded": "{}", "cooling_hours": 24, "at_once": 0, "legal_at_once": 0, "root": []byte{byte(n)}, "size": 4, "messages": 4, "attachments": 0, "bytes": 1,
					"policy_version": []byte{1}, "mac": []byte{1}, "approval_id": 0, "job_id": 0, "worker": "", "purged": 4 - 4*n, "skipped": 0, "created_at": tx.Now, "started_at": tx.Now,
					"confirmed_by": 0, "confirmed_person": 0, "confirmed_name": "", "confirmed_staff_no": "", "closed_by": "", "closed_reason": "",
				}
				if err := tx.Table("purge_request").Create(r).Error; err != nil {
					return err
				}
			}
			return nil
		})
		w.clock.Set(time.Date(2026, 12, 5, 4, 0, 0, 0, time.UTC))
		_, err = w.desk.Draw(w.ctx(), w.auditor, i.Code)
		w.must(err)
		got := map[string]inspection.Finding{}
		for _, f := range w.get(w.auditor, i.Code).FindingRows {
			got[f.Kind] = f
		}
		if f := got[inspection.ScanRestores]; f.ItemCount != 600 || len(f.Codes()) != 1 || f.Codes()[0] != "2026-12-03" {
			t.Errorf("restores: %+v", f)
		}
		if f := got[inspection.ScanUnapproved]; f.ItemCount != 4 || len(f.Codes()) != 1 || f.Codes()[0] != "PG-1" {
			t.Errorf("unapproved: %+v", f)
		}
		if f := got[inspection.ScanQuota]; f.ItemCount != 1 || len(f.Codes()) != 1 || f.Codes()[0] != "王芳 2026-12" {
			t.Errorf("quota: %+v", f)
		}
		if len(got) != 3 {
			t.Errorf("found %v", got)
		}
	})
}

// The timer opens each quarter and draws once it is over; what an early sample left out is the next
// quarter's, so that nothing falls between two.
func TestTheTimerOpensAndDraws(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.desk.Tick(w.ctx()))
		w.must(w.desk.Tick(w.ctx()))
		w.discard(5)
		w.clock.Advance(24 * time.Hour)
		_, err := w.desk.Draw(w.ctx(), w.auditor, "XJ-2026Q4")
		w.must(err)
		w.discard(7) // after the cut
		w.clock.Set(time.Date(2026, 12, 31, 16, 5, 0, 0, time.UTC))
		w.must(w.desk.Tick(w.ctx()))
		w.clock.Set(time.Date(2027, 2, 10, 6, 0, 0, 0, time.UTC))
		w.discard(2)
		w.clock.Set(time.Date(2027, 3, 31, 16, 30, 0, 0, time.UTC))
		w.must(w.desk.Tick(w.ctx()))
		page, err := w.desk.List(w.ctx(), w.auditor)
		w.must(err)
		if len(page.Rows) != 3 {
			t.Fatalf("%d inspections", len(page.Rows))
		}
		second := page.Rows[1]
		if second.Code != "XJ-2027Q1" || second.Population != 9 || second.Shown != inspection.Drawn || second.DueAt.In(shanghai).Format(time.DateOnly) != "2027-04-16" {
			t.Errorf("%s: %d, %s, due %s", second.Code, second.Population, second.Shown, second.DueAt)
		}
		body := w.get(w.auditor, second.Code).Text
		text, err := json.Marshal(body.Notes)
		w.must(err)
		if string(text) != `["no_content","carried_over"]` {
			t.Errorf("notes: %s", text)
		}
	})
}

// A program that knows nothing of this one draws the sample again from the two files, and sees when
// the list, or an item of the report, is another.
func TestTheSecondVerifierDrawsTheSampleAgain(t *testing.T) {
	d, clock := dbtest.New(t)
	w := newWorld(t, d, clock)
	i := w.drawn(120, 40, 1, 7)
	var list bytes.Buffer
	w.must(w.desk.WritePopulation(w.ctx(), w.auditor, i.Code, &list))
	w.judgeAll(i.Code)
	w.must(w.sign(w.auditor, i.Code))
	w.must(w.sign(w.legal, i.Code))
	r, err := w.desk.File(w.ctx(), w.auditor, i.Code, "json")
	w.must(err)
	dir := t.TempDir()
	program := filepath.Join(dir, "qingdang-verify")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/qingdang-verify").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	write := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		w.must(os.WriteFile(name, data, 0o600))
		return name
	}
	report, whole := write("r.json", r.File), write("p.txt", list.Bytes())
	if out, err := exec.Command(program, "--items", whole, report).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	shorter := write("short.txt", list.Bytes()[bytes.IndexByte(list.Bytes(), '\n')+1:])
	if out, err := exec.Command(program, "--items", shorter, report).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("not the one that was frozen")) {
		t.Errorf("a list without its first line: %v %s", err, out)
	}
}
