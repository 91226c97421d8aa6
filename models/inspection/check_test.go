package inspection_test

import (
	"io"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/models/inspection"
)

// Two auditors share a sample: neither is given what the other looks at, nor can he judge it; after ten
// minutes it is free again.
func TestTwoAuditorsDoNotDoubleWork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.drawn(4)
		a, err := w.desk.Next(w.ctx(), w.auditor, i.Code, 0)
		w.must(err)
		b, err := w.desk.Next(w.ctx(), w.other, i.Code, 0)
		w.must(err)
		if a == b {
			t.Fatalf("both have item %d", a)
		}
		judge := func(by account.Actor, seq int, verdict string) (int, error) {
			return w.desk.Judge(w.ctx(), by, inspection.Judgement{Inspection: i.Code, Seq: seq, Verdict: verdict, Words: "草稿"})
		}
		_, err = judge(w.other, a, inspection.OK)
		w.want(err, "inspection.item_locked")
		w.want(w.desk.Take(w.ctx(), w.other, i.Code, a), "inspection.item_locked")
		one, err := w.desk.Item(w.ctx(), w.other, i.Code, a)
		w.must(err)
		if one.LockedBy != w.auditor.Name || one.CanJudge {
			t.Errorf("the page says locked by %q", one.LockedBy)
		}
		w.clock.Advance(11 * time.Minute)
		_, err = judge(w.other, a, inspection.Later)
		w.must(err)
		// What was put off keeps its draft and comes last.
		one, err = w.desk.Item(w.ctx(), w.auditor, i.Code, a)
		w.must(err)
		if one.Words != "草稿" || one.Verdict != inspection.Later {
			t.Errorf("the draft is %q, %q", one.Verdict, one.Words)
		}
		var order []int
		for seq, err := w.desk.Next(w.ctx(), w.other, i.Code, 0); seq != 0; seq, err = judge(w.other, seq, inspection.OK) {
			w.must(err)
			order = append(order, seq)
		}
		if len(order) != 4 || order[3] != a {
			t.Errorf("the order was %v, %d was put off", order, a)
		}
		_, err = judge(w.auditor, b, inspection.Later)
		w.want(err, "inspection.judged_already")
		if d := w.get(w.auditor, i.Code); d.Checked != 4 || d.Shown != inspection.Signing || d.Root == "" {
			t.Errorf("%d are checked, %s", d.Checked, d.Shown)
		}
	})
}

// A problem is a finding; it goes to a supervisor, is answered by him alone, and looked at again.
func TestAFindingIsAnsweredByItsOwnerAndLookedAtAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.drawn(2)
		_, err := w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: i.Code, Seq: 1, Verdict: inspection.Problem, Level: "grave"})
		w.want(err, "inspection.level_needed")
		_, err = w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: i.Code, Seq: 1, Verdict: inspection.Problem, Level: inspection.High, Words: "删除原因为空泛"})
		w.must(err)
		_, err = w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: i.Code, Seq: 1, Verdict: inspection.OK})
		w.want(err, "inspection.has_finding")
		_, err = w.desk.Judge(w.ctx(), w.boss, inspection.Judgement{Inspection: i.Code, Seq: 2, Verdict: inspection.OK})
		w.want(err, "account.forbidden")
		_, err = w.desk.Judge(w.ctx(), w.auditor, inspection.Judgement{Inspection: i.Code, Seq: 2, Verdict: inspection.OK})
		w.must(err)

		if d := w.get(w.auditor, i.Code); d.Shown != inspection.Remediation || d.Root != "" || d.Grave != 1 {
			t.Errorf("%s with %d grave findings", d.Shown, d.Grave)
		}
		w.want(w.sign(w.auditor, i.Code), "inspection.grave_left")

		due := w.clock.Time().Add(72 * time.Hour)
		w.want(w.desk.Assign(w.ctx(), w.auditor, i.Code, 1, w.legal.ID, due), "inspection.owner_needed")
		w.want(w.desk.Assign(w.ctx(), w.auditor, i.Code, 1, w.boss.ID, w.clock.Time().Add(-time.Hour)), "inspection.due_needed")
		w.want(w.desk.Answer(w.ctx(), w.boss, i.Code, 1, "已补充原因"), "inspection.not_found")
		w.must(w.desk.Assign(w.ctx(), w.auditor, i.Code, 1, w.boss.ID, due))
		stranger := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.shop)
		w.want(w.desk.Answer(w.ctx(), stranger, i.Code, 1, "不是我的"), "inspection.not_found")
		if d := w.get(stranger, i.Code); len(d.FindingRows) != 0 || len(d.Items) != 0 || d.Whole || d.Seed != "" {
			t.Error("another supervisor sees the finding")
		}
		if d := w.get(w.boss, i.Code); len(d.FindingRows) != 1 || len(d.Items) != 0 {
			t.Errorf("the owner sees %d findings and %d items", len(d.FindingRows), len(d.Items))
		}
		w.must(w.desk.Answer(w.ctx(), w.boss, i.Code, 1, "已补充原因并培训"))
		w.must(w.desk.Recheck(w.ctx(), w.auditor, i.Code, 1, false, "请附培训记录"))
		w.must(w.desk.Answer(w.ctx(), w.boss, i.Code, 1, "已附培训记录"))
		w.must(w.desk.Recheck(w.ctx(), w.auditor, i.Code, 1, true, "已核对"))
		w.want(w.desk.Recheck(w.ctx(), w.auditor, i.Code, 1, true, "再关一次"), "inspection.finding_closed_already")
		if d := w.get(w.auditor, i.Code); d.Shown != inspection.Signing || d.Closed != 1 {
			t.Errorf("%s, %d closed", d.Shown, d.Closed)
		}
		if n := dbtest.Count(t, w.d, &leaf{}, "action LIKE 'inspection.finding%' AND result = 'ok'"); n != 5 {
			t.Errorf("%d entries about the finding", n)
		}
		if n := dbtest.Count(t, w.d, &leaf{}, "action = 'inspection.finding_answered' AND result = 'refused'"); n != 2 {
			t.Errorf("%d refusals are written down", n)
		}
		w.want(w.desk.Answer(w.ctx(), w.boss, "XJ-1999Q1", 1, "没有这次巡检"), "inspection.not_found")
		if n := dbtest.Count(t, w.d, &leaf{}, "object = 'XJ-1999Q1'"); n != 0 {
			t.Error("what is not there is written down")
		}
	})
}

// What is not for somebody is not found, and the try is written down: the report, the list and the items.
func TestPapersAreRefusedAndWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.drawn(2)
		for name, reach := range map[string]func(code string) error{
			"pdf":  func(code string) error { _, err := w.desk.File(w.ctx(), w.boss, code, "pdf"); return err },
			"json": func(code string) error { _, err := w.desk.File(w.ctx(), w.boss, code, "json"); return err },
			"list": func(code string) error { return w.desk.WritePopulation(w.ctx(), w.boss, code, io.Discard) },
			"item": func(code string) error { _, err := w.desk.Item(w.ctx(), w.boss, code, 1); return err },
		} {
			before := dbtest.Count(t, w.d, &leaf{}, "result = 'refused' AND object = ?", i.Code)
			w.want(reach(i.Code), "inspection.not_found")
			if n := dbtest.Count(t, w.d, &leaf{}, "result = 'refused' AND object = ?", i.Code); n != before+1 {
				t.Errorf("%s: %d refusals are written down", name, n-before)
			}
			w.want(reach("XJ-1999Q1"), "inspection.not_found")
		}
		if n := dbtest.Count(t, w.d, &leaf{}, "object = 'XJ-1999Q1'"); n != 0 {
			t.Error("what is not there is written down")
		}
	})
}

type leaf struct{ N int64 }

// TableName is audit_leaf.
func (leaf) TableName() string { return "audit_leaf" }
