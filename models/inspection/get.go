package inspection

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/models/retention"
)

// Row is an inspection in the list.
type Row struct {
	Inspection
	Shown    State
	Checked  int64
	Problems int64
	ByLevel  map[string]int64 // findings
	Closed   int64            // of them
	Findings int64
}

// Page is the list of inspections, newest first. For those who only answer, Mine counts the findings
// that wait for them.
type Page struct {
	Rows    []Row
	Now     time.Time
	Present string // the code of the present quarter
	CanOpen bool
	Whole   bool // the reader sees samples and reports
}

// List gives all inspections; there are four a year. The fault is forbidden without inspection.read.
func (d *Desk) List(ctx context.Context, by account.Actor) (p *Page, err error) {
	if err := by.Require(account.InspectionRead); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		p = &Page{Now: tx.Now, Present: QuarterOf(tx.Now, d.zone()).Code(), CanOpen: by.May(account.InspectionRun), Whole: looks(by)}
		p.Rows, err = list(tx)
		for i := range p.Rows {
			if p.Rows[i].Code == p.Present {
				p.CanOpen = false
			}
		}
		return err
	})
	return p, err
}

func list(tx *db.Tx) ([]Row, error) {
	var all []Inspection
	if err := tx.Omit("file", "body", "result", "strata").Order("first_at DESC").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("list inspections: %w", err)
	}
	out := make([]Row, len(all))
	for n := range all {
		out[n].Inspection = all[n]
		if err := out[n].count(tx); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *Row) count(tx *db.Tx) error {
	var verdicts []struct {
		Verdict string
		N       int64
	}
	if err := tx.Model(&Item{}).Where("inspection_id = ?", r.ID).Select("verdict, COUNT(*) AS n").Group("verdict").Scan(&verdicts).Error; err != nil {
		return fmt.Errorf("count verdicts: %w", err)
	}
	for _, v := range verdicts {
		switch v.Verdict {
		case Problem:
			r.Problems += v.N
			r.Checked += v.N
		case OK:
			r.Checked += v.N
		}
	}
	var levels []struct {
		Level, State string
		Answered     bool
		N            int64
	}
	err := tx.Model(&Finding{}).Where("inspection_id = ?", r.ID).Select("level, state, answer <> '' AS answered, COUNT(*) AS n").Group("level, state, answer <> ''").Scan(&levels).Error
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	r.ByLevel = map[string]int64{}
	grave := false
	for _, l := range levels {
		r.Findings += l.N
		r.ByLevel[l.Level] += l.N
		if l.State == FindingClosed {
			r.Closed += l.N
		} else if l.Level == High && !l.Answered {
			grave = true
		}
	}
	r.Shown = r.State
	if r.State == Drawn && r.Checked == r.Sample {
		r.Shown = Signing
		if grave {
			r.Shown = Remediation
		}
	}
	return nil
}

// Detail is one inspection with all that its page shows.
type Detail struct {
	Row
	Now         time.Time
	Items       []Item
	Departments map[id.Department]string // paths of the items' departments
	Locks       map[int]string           // who looks at which item now
	FindingRows []Finding
	ScanRows    []Scan
	NeverKeep   []mask.Kind // what must not be kept now
	StrataRows  []Stratum
	Signatures  []Signature
	People      []account.Standing // supervisors who may own findings, for those who assign
	Past        []Row
	Root        string // what a signature now would sign; empty while nothing can be signed
	Grave       int64  // findings that keep the report from being signed
	Text        *Body  // the report, also before it is signed; nil before the sample is drawn
	Whole       bool   // the reader sees the sample and the report
	// What the actor may do now.
	CanDraw, CanRun, CanSign, CanSendBack bool
	Turn                                  account.Role // whose signature is next
}

// Get gives one inspection; those who only answer see the findings that are theirs. The fault is
// forbidden without inspection.read, and not-found.
func (d *Desk) Get(ctx context.Context, by account.Actor, code string) (out *Detail, err error) {
	if err := by.Require(account.InspectionRead); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		var i Inspection
		switch err := tx.Omit("file").Where("code = ?", code).Take(&i).Error; {
		case db.NotFound(err):
			return notFound()
		case err != nil:
			return fmt.Errorf("find inspection: %w", err)
		}
		out = &Detail{Row: Row{Inspection: i}, Now: tx.Now, Whole: looks(by)}
		if err := out.count(tx); err != nil {
			return err
		}
		return d.fill(tx, out, by)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (d *Desk) fill(tx *db.Tx, out *Detail, by account.Actor) (err error) {
	if out.Items, out.FindingRows, err = out.rows(tx); err != nil {
		return err
	}
	never, err := retention.NeverKeep(tx)
	if err != nil {
		return err
	}
	out.NeverKeep = never.Kinds()
	if !out.Whole {
		out.Items, out.Seed = nil, ""
		out.FindingRows = owned(out.FindingRows, by)
		return nil
	}
	if out.ScanRows, err = out.ScanList(); err != nil {
		return err
	}
	if out.StrataRows, err = out.StrataList(); err != nil {
		return err
	}
	if err := out.around(tx); err != nil {
		return err
	}
	if out.People, err = account.InRole(tx, account.Supervisor); err != nil {
		return err
	}
	if out.Past, err = list(tx); err != nil {
		return err
	}
	if out.Signatures, err = out.signatures(tx); err != nil {
		return err
	}
	return d.abilities(tx, out, by)
}

func owned(all []Finding, by account.Actor) (own []Finding) {
	for _, f := range all {
		if f.OwnerID == by.ID {
			own = append(own, f)
		}
	}
	return own
}

// around reads the names of departments and who looks at what.
func (d *Detail) around(tx *db.Tx) error {
	tree, err := department.Load(tx)
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	d.Departments, d.Locks = map[id.Department]string{}, map[int]string{}
	for _, i := range d.Items {
		d.Departments[i.DepartmentID] = tree.Path(i.DepartmentID)
	}
	var locks []hold
	if err := tx.Where("inspection_id = ? AND until_at > ?", d.ID, tx.Now).Find(&locks).Error; err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	for _, l := range locks {
		d.Locks[l.Seq] = l.UserName
	}
	return nil
}

// abilities says what the actor may do, by the same rules as the acts themselves.
func (d *Desk) abilities(tx *db.Tx, out *Detail, by account.Actor) (err error) {
	var left int64
	if left, out.Grave, err = out.open(tx); err != nil {
		return err
	}
	run, sign := by.May(account.InspectionRun), by.May(account.InspectionSign) && by.Natural()
	out.CanDraw = run && out.State == Opened
	out.CanRun = run && out.State == Drawn
	out.CanSendBack = sign && out.State == Signing
	switch out.State {
	case Opened:
		return nil
	case Signed:
		out.Text, err = out.ReadBody()
		return err
	case Signing:
		out.Turn, out.Root = account.Legal, out.ResultRoot
	default:
		out.Turn = account.Auditor
		if left == 0 && out.Grave == 0 {
			if _, out.Root, err = d.result(tx, &out.Inspection); err != nil {
				return err
			}
		}
	}
	out.CanSign = sign && by.Role == out.Turn && out.Root != ""
	out.Text, err = d.unsigned(tx, &out.Inspection)
	return err
}
