package main

import (
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/models/inspection"
)

// pastQuarter is how long ago the demo's story of the quarter before begins: ten days before that
// quarter's end, and always before the story of the last two weeks.
func pastQuarter(now time.Time, zone *time.Location) time.Duration {
	first, _, _ := inspection.QuarterOf(now, zone).Bounds(zone)
	begin := first.AddDate(0, 0, -10).Add(10 * hour)
	if latest := now.Add(-demoPast - 10*day24); begin.After(latest) {
		begin = latest
	}
	return now.Sub(begin)
}

// inspectPast plays an inspection of the quarter before: a batch goes into the bin and comes back, the
// sample is checked, two people sign.
func (s *story) inspectPast(auditor, legal, owner string, ago time.Duration) error {
	s.clock.at(-ago + hour)
	i, err := s.inspections.Open(s.ctx, s.cast[auditor])
	if err != nil {
		return err
	}
	batch, err := s.discard(owner, bin.Scope{Departments: s.of("云栖优品集团/华东大区"), Sub: true, To: s.daysAgo(900), ServiceTypes: []string{"咨询"}}, "华东大区两年半前的咨询会话清理")
	if err != nil {
		return err
	}
	s.clock.at(-ago + 3*day24)
	if batch != 0 {
		if _, err := s.bin.Undo(s.ctx, s.cast[owner], batch); err != nil {
			return err
		}
	}
	if _, err := s.inspections.Draw(s.ctx, s.cast[auditor], i.Code); err != nil {
		return err
	}
	if err := s.check(auditor, i.Code, 0, map[int]string{2: "删除原因写得过于笼统，两天后整批撤销，应事先核对"}, inspection.Medium); err != nil {
		return err
	}
	s.clock.at(-ago + 4*day24)
	if err := s.settleFindings(auditor, owner, i.Code); err != nil {
		return err
	}
	s.clock.at(-ago + 5*day24)
	for _, staffNo := range []string{auditor, legal} {
		if err := s.signInspection(staffNo, i.Code); err != nil {
			return err
		}
	}
	_, err = s.inspections.File(s.ctx, s.cast[auditor], i.Code, "json")
	return err
}

// inspectNow opens the present quarter's inspection and goes through about two thirds of its sample.
func (s *story) inspectNow(auditor, second, owner string) error {
	s.clock.at(-26 * hour)
	i, err := s.inspections.Open(s.ctx, s.cast[auditor])
	if fault.KindOf(err) == fault.KindConflict {
		return nil // the quarter has just begun: its inspection is the one that was signed
	}
	if err != nil {
		return err
	}
	s.clock.at(-3 * hour)
	drawn, err := s.inspections.Draw(s.ctx, s.cast[auditor], i.Code)
	if fault.KindOf(err) == fault.KindConflict {
		return nil // it has only just begun
	}
	if err != nil {
		return err
	}
	two := int(drawn.Sample) * 2 / 3
	if err := s.check(auditor, i.Code, int(drawn.Sample)-two, map[int]string{3: "批次说明与实际范围不一致，未写明依据"}, inspection.High); err != nil {
		return err
	}
	due := time.Now().AddDate(0, 0, 5)
	f, err := s.inspections.ReportFinding(s.ctx, s.cast[second], inspection.NewFinding{
		Inspection: i.Code, Level: inspection.Medium, Words: "2 个批次删除前没有做备份导出，也没有说明原因", Owner: s.cast[owner].ID, Due: due,
	})
	if err != nil {
		return err
	}
	low, err := s.inspections.ReportFinding(s.ctx, s.cast[second], inspection.NewFinding{Inspection: i.Code, Level: inspection.Low, Words: "部分批次的删除原因过于笼统，建议写明依据的规则"})
	if err != nil {
		return err
	}
	if err := s.inspections.Recheck(s.ctx, s.cast[second], i.Code, low.N, true, "已在主管例会上提醒，本季度不再单独整改"); err != nil {
		return err
	}
	if err := s.inspections.Answer(s.ctx, s.cast[owner], i.Code, f.N, "已补做备份导出；两个批次的业务方已书面确认无须留存"); err != nil {
		return err
	}
	// The item that was found wrong is somebody's to answer.
	return s.assignFirst(auditor, owner, i.Code, due)
}

func (s *story) assignFirst(auditor, owner, code string, due time.Time) error {
	d, err := s.inspections.Get(s.ctx, s.cast[auditor], code)
	if err != nil {
		return err
	}
	for _, f := range d.FindingRows {
		if f.State == inspection.FindingOpen && f.Level == inspection.High {
			return s.inspections.Assign(s.ctx, s.cast[auditor], code, f.N, s.cast[owner].ID, due)
		}
	}
	return nil
}

// check judges the items of a sample until so many are left; those named are problems.
func (s *story) check(auditor, code string, left int, wrong map[int]string, level string) error {
	by := s.cast[auditor]
	d, err := s.inspections.Get(s.ctx, by, code)
	if err != nil {
		return err
	}
	for _, item := range d.Items[:max(0, len(d.Items)-left)] {
		j := inspection.Judgement{Inspection: code, Seq: item.Seq, Verdict: inspection.OK}
		if words, bad := wrong[item.Seq]; bad {
			j.Verdict, j.Level, j.Words = inspection.Problem, level, words
		}
		if _, err := s.inspections.Judge(s.ctx, by, j); err != nil {
			return err
		}
	}
	return nil
}

// settleFindings has every finding answered by a supervisor and closed.
func (s *story) settleFindings(auditor, owner, code string) error {
	d, err := s.inspections.Get(s.ctx, s.cast[auditor], code)
	if err != nil {
		return err
	}
	due := d.Now.AddDate(0, 0, 14)
	for _, f := range d.FindingRows {
		for _, act := range []func() error{
			func() error { return s.inspections.Assign(s.ctx, s.cast[auditor], code, f.N, s.cast[owner].ID, due) },
			func() error {
				return s.inspections.Answer(s.ctx, s.cast[owner], code, f.N, "已核对并补充说明，今后先与业务方确认再删除")
			},
			func() error {
				return s.inspections.Recheck(s.ctx, s.cast[auditor], code, f.N, true, "说明属实，同意关闭")
			},
		} {
			if err := act(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *story) signInspection(staffNo, code string) error {
	d, err := s.inspections.Get(s.ctx, s.cast[staffNo], code)
	if err != nil {
		return err
	}
	totp, err := s.accounts.DemoCode(s.ctx, staffNo)
	if err != nil {
		return err
	}
	opinion := map[account.Role]string{account.Auditor: "样本已全部核查，问题已整改", account.Legal: "已复核样本与整改结论，同意"}
	_, err = s.inspections.Sign(s.ctx, s.cast[staffNo], inspection.Ballot{Inspection: code, SeenRoot: d.Root, Opinion: opinion[s.cast[staffNo].Role], Code: totp})
	return err
}
