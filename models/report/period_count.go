package report

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// The acts by which conversations go into the bin and come out of it. The count of each is the
// number of conversations that one entry moved.
var (
	discarding = []string{"conversation.discarded", "batch.discarded", "batch.moved", "batch.finished"}
	restoring  = []string{"conversation.restored", "batch.restored", "batch.undone"}
	opening    = []string{"conversation.opened", "conversation.unmasked"}
)

const (
	actErased   = "purge.erased"
	actApproved = "purge.approved"
	actRejected = "purge.rejected"
	actImported = "conversation.imported"
	actHeld     = "hold.placed"
	actIssued   = "certificate.issued"
)

// counting is one report being counted, all of it in one view of the database.
type counting struct {
	tx       *db.Tx
	from, to time.Time
	body     *Body
	tree     *department.Tree
	under    []id.Department // nil for the whole organisation
	policy   *retention.Policy
	known    map[string]measure
	done     []actRow // see acts
	log      *cube    // nil where the log is counted measure by measure
}

// begin reads what every count needs. It has to be the first.
func (c *counting) begin(d id.Department) error {
	head, err := audit.HeadOf(c.tx)
	if err != nil {
		return err
	}
	c.body.Log.Size, c.body.Log.Root, c.body.Log.LastAt = head.Size, hex.EncodeToString(head.Root[:]), head.LastAt
	if c.tree, err = department.Load(c.tx); err != nil {
		return err
	}
	if d != 0 {
		if c.under = c.tree.Subtree(d); c.under == nil {
			return fault.Invalid("report.department_unknown").On("department")
		}
		c.body.Department = &BodyUnder{ID: id.String(d), Path: c.tree.Path(d)}
	}
	c.policy, err = retention.Load(c.tx)
	return err
}

func (c *counting) run() error {
	for _, part := range []func() error{c.acts, c.departments, c.purges, c.refusals, c.holds, c.imports, c.reconcile} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// entries are those of the period, leaves those of them that are about the departments of the report.
func (c *counting) entries() *gorm.DB {
	return c.tx.Table("audit_leaf").Where("at >= ? AND at < ?", db.Instant(c.from), db.Instant(c.to))
}

func (c *counting) leaves() *gorm.DB {
	q := c.entries()
	if c.under != nil {
		q = q.Where("audit_leaf.department_id IN ?", c.under)
	}
	return q
}

// actRow is how often something was done in a department.
type actRow struct {
	DepartmentID   id.Department
	Action, Result string
	Entries, Items int64
}

// acts counts what was done, and keeps where for the departments.
func (c *counting) acts() error {
	err := c.leaves().Select("department_id, action, result, COUNT(*) AS entries, COALESCE(SUM(item_count), 0) AS items").
		Group("department_id, action, result").Scan(&c.done).Error
	if err != nil {
		return fmt.Errorf("count acts: %w", err)
	}
	rows := slices.Clone(c.done)
	slices.SortFunc(rows, func(a, b actRow) int { return strings.Compare(a.Action, b.Action) })
	t := &c.body.Total
	c.body.Acts, c.body.Exports = []BodyAct{}, []BodyAct{}
	for _, r := range rows {
		n := len(c.body.Acts)
		if n == 0 || c.body.Acts[n-1].Action != r.Action {
			c.body.Acts = append(c.body.Acts, BodyAct{Action: r.Action})
			n++
		}
		act := &c.body.Acts[n-1]
		t.Entries += r.Entries
		switch r.Result {
		case audit.ResultRefused:
			act.Refused, t.Refused = act.Refused+r.Entries, t.Refused+r.Entries
		case audit.ResultFailed:
			act.Failed, t.Failed = act.Failed+r.Entries, t.Failed+r.Entries
		default:
			act.OK, t.OK, act.Items = act.OK+r.Entries, t.OK+r.Entries, act.Items+r.Items
		}
	}
	for _, a := range c.body.Acts {
		if strings.HasPrefix(a.Action, "export.") {
			c.body.Exports = append(c.body.Exports, a)
		}
	}
	if len(c.body.Exports) == 0 {
		c.body.Notes = append(c.body.Notes, "no_exports")
	}
	if err := c.leaves().Where("person_id <> 0").Select("COUNT(DISTINCT person_id)").Scan(&t.People).Error; err != nil {
		return fmt.Errorf("count people: %w", err)
	}
	t.Purged, err = c.sum(c.leaves().Where("action = ? AND result = ?", actErased, audit.OK))
	return err
}

// sum adds up the counts of leaves.
func (c *counting) sum(q *gorm.DB) (n int64, err error) {
	if err := q.Select("COALESCE(SUM(item_count), 0)").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("add up counts: %w", err)
	}
	return n, nil
}

// departments tells what was done in each of them. Acts come first.
func (c *counting) departments() error {
	found := map[id.Department]*BodyDepartment{}
	for _, r := range c.done {
		d := found[r.DepartmentID]
		if d == nil {
			d = &BodyDepartment{ID: id.String(r.DepartmentID), Path: c.tree.Path(r.DepartmentID)}
			found[r.DepartmentID] = d
		}
		d.add(r.Action, r.Result, r.Entries, r.Items)
	}
	c.body.Departments = []BodyDepartment{}
	for _, d := range append(c.tree.Preorder(), 0) {
		if f := found[d]; f != nil {
			c.body.Departments = append(c.body.Departments, *f)
			delete(found, d)
		}
	}
	// What is left are departments that the tree does not know; they must be seen.
	for _, d := range sortedKeys(found) {
		c.body.Departments = append(c.body.Departments, *found[d])
	}
	return nil
}

func (d *BodyDepartment) add(action, result string, entries, items int64) {
	d.Entries += entries
	switch {
	case result == audit.ResultRefused:
		d.Refused += entries
	case result != audit.OK:
	case slices.Contains(opening, action):
		d.Opened += items
	case slices.Contains(discarding, action):
		d.Discarded += items
	case slices.Contains(restoring, action):
		d.Restored += items
	}
}

func sortedKeys[V any](m map[id.Department]V) []id.Department {
	var out []id.Department
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (c *counting) refusals() error {
	c.body.Refusals = []BodyRefusal{}
	err := c.leaves().Where("result = ?", audit.ResultRefused).
		Select("action, actor_name AS person, actor_role AS role, COUNT(*) AS times, MAX(n) AS last_entry").
		Group("action, actor_id, actor_name, actor_role").Order("times DESC, action, actor_name, last_entry").Scan(&c.body.Refusals).Error
	if err != nil {
		return fmt.Errorf("count refusals: %w", err)
	}
	return nil
}

func (c *counting) holds() error {
	var rows []struct {
		Object, ActorName string
		DepartmentID      id.Department
		ItemCount         int64
		At                time.Time
		ReleasedAt        *time.Time
	}
	err := c.leaves().Where("action = ? AND result = ?", actHeld, audit.OK).Joins("LEFT JOIN legal_hold h ON h.code = audit_leaf.object").
		Select("audit_leaf.object, audit_leaf.actor_name, audit_leaf.department_id, audit_leaf.item_count, audit_leaf.at, h.released_at").Order("audit_leaf.n").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list holds: %w", err)
	}
	c.body.Holds = []BodyHold{}
	for _, r := range rows {
		c.body.Holds = append(c.body.Holds, BodyHold{
			Code: r.Object, Department: c.tree.Path(r.DepartmentID), By: r.ActorName, At: r.At.UTC(), Conversations: r.ItemCount, ReleasedAt: utc(r.ReleasedAt),
		})
	}
	return nil
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func (c *counting) imports() error {
	c.body.Imports = []BodyImport{}
	err := c.leaves().Where("action = ? AND result = ?", actImported, audit.OK).
		Select("actor_name AS `by`, source, COUNT(*) AS steps, COALESCE(SUM(item_count), 0) AS conversations").
		Group("actor_id, actor_name, source").Order("actor_name, source").Scan(&c.body.Imports).Error
	if err != nil {
		return fmt.Errorf("count imports: %w", err)
	}
	return nil
}
