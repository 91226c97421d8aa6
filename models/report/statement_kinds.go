package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// longestList is how many rows of a list a report shows; it says how many there are.
const longestList = 2000

// fill counts everything that a kind shows.
func (c *counting) fill(s *Statement) error {
	switch s.Kind {
	case BinCheck:
		return c.all(s,
			head("binned_in", "restored_in", "erased_rows", "resting", "frozen", "overdue", "resting_bytes"),
			table("bin_departments", byDepartment, "resting", "frozen", "overdue", "resting_bytes", "binned_in", "restored_in", "erased_rows"),
			table("bin_months", byMonth, "binned_in", "restored_in", "erased_rows"),
			(*counting).batches, (*counting).inspections)
	case Privacy:
		return c.all(s,
			readLog("searches", "opened", "unmasked", "exports", "downloads", "denied", "refused", "erased_log", "accounts_changed", "actors"),
			head("kept", "messages", "attachments", "held", "in_bin", "sealed", "searches", "opened", "unmasked", "exports", "downloads", "denied", "refused", "erased_log", "certificates",
				"accounts_changed", "checks"),
			table("privacy_months", byMonth, "searches", "opened", "unmasked", "exports", "denied", "erased_log"),
			table("privacy_classes", byClass, "kept", "messages", "attachments", "kept_bytes", "held"),
			table("privacy_roles", byRole, "actors", "searches", "opened", "unmasked", "refused"),
			table("privacy_people", byPerson, "opened", "unmasked", "exports", "downloads"),
			(*counting).certificatesOf)
	case Register:
		return c.all(s,
			head("purges_requested", "purges_rejected", "erased_log", "erased_rows", "erased_messages", "erased_bytes", "certificates"),
			(*counting).register,
			table("purge_departments", byDepartment, "erased_items", "erased_messages", "erased_bytes"),
			table("purge_months", byMonth, "purges_requested", "erased_log", "certificates"))
	case Retention:
		return c.all(s,
			head("kept", "within", "due", "due_year", "due_bytes", "past_target", "past_ceiling", "never_keep", "held", "in_bin", "sealed", "erased_items"),
			(*counting).early, (*counting).late,
			(*counting).classes,
			table("retention_departments", byDepartment, "kept", "within", "due", "due_year", "past_target", "past_ceiling", "never_keep", "held"),
			(*counting).holdsInForce)
	case Access:
		return c.all(s,
			readLog("actors", "searches", "opened", "unmasked", "access_asked", "access_granted", "access_uses", "exports", "exported", "downloads", "refused"),
			head("actors", "searches", "opened", "unmasked", "access_asked", "access_granted", "access_uses", "exports", "exported", "downloads", "refused"),
			table("access_people", byPerson, "searches", "opened", "unmasked", "exports", "downloads", "refused"),
			table("access_departments", byDepartment, "opened", "unmasked", "exports", "downloads", "refused"),
			table("access_months", byMonth, "searches", "opened", "unmasked", "exports", "downloads", "refused"),
			(*counting).grants,
			(*counting).outgoing)
	default: // Storage
		return c.all(s,
			head("kept", "kept_bytes", "messages", "attachments", "resting", "resting_bytes", "purge_frees", "purge_frees_bytes", "arrived", "arrived_bytes", "erased_items", "erased_bytes"),
			table("storage_departments", byDepartment, "kept", "kept_bytes", "attachments", "resting", "resting_bytes", "purge_frees_bytes"),
			table("storage_months", byMonth, "arrived", "arrived_bytes", "arrived_attachments", "erased_items", "erased_bytes"),
			(*counting).forecast, (*counting).tables)
	}
}

type part func(*counting, *Statement) error

func head(keys ...string) part {
	return func(c *counting, s *Statement) error { return c.figures(s, keys...) }
}

func table(key, dim string, keys ...string) part {
	return func(c *counting, s *Statement) error { return c.grid(s, key, dim, keys...) }
}

func (c *counting) all(s *Statement, parts ...part) error {
	for _, p := range parts {
		if err := p(c, s); err != nil {
			return err
		}
	}
	return nil
}

func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func counted(keys ...string) (out []Column) {
	for _, k := range keys {
		unit := UnitCount
		if strings.HasSuffix(k, "bytes") {
			unit = UnitBytes
		}
		out = append(out, Column{Key: k, Unit: unit})
	}
	return out
}

// batches are those that were made in the period or that something of still rests in the bin.
func (c *counting) batches(s *Statement) error {
	var rows []struct {
		Code, State, OwnerName                          string
		CreatedAt, KeepUntil                            time.Time
		Moved, Resting, Restored, Purged, Bytes, InRows int64
	}
	const resting = "bin_item.state IN ('binned', 'frozen')"
	q := c.tx.Table(binned).Group("bin_batch.id, bin_batch.code, bin_batch.state, bin_batch.owner_name, bin_batch.created_at, bin_batch.keep_until").
		Having("(bin_batch.created_at >= ? AND bin_batch.created_at < ?) OR SUM(CASE WHEN "+resting+" THEN 1 ELSE 0 END) > 0", db.Instant(c.from), db.Instant(c.to))
	if c.under != nil {
		q = q.Where("bin_item.department_id IN ?", c.under)
	}
	err := q.Select("bin_batch.code, bin_batch.state, bin_batch.owner_name, bin_batch.created_at, bin_batch.keep_until, " +
		"SUM(CASE WHEN bin_item.state NOT IN ('pending', 'skipped') THEN 1 ELSE 0 END) AS moved, SUM(CASE WHEN " + resting + " THEN 1 ELSE 0 END) AS resting, " +
		"SUM(CASE WHEN bin_item.state = 'restored' THEN 1 ELSE 0 END) AS restored, SUM(CASE WHEN bin_item.state = 'purged' THEN 1 ELSE 0 END) AS purged, " +
		"SUM(CASE WHEN " + resting + " THEN bin_item.bytes ELSE 0 END) AS bytes").Order("bin_batch.id").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list batches: %w", err)
	}
	g := Grid{
		Key: "bin_batches", Rows: []GridRow{}, Of: int64(len(rows)), Numbers: counted("batch_moved", "batch_resting", "batch_restored", "batch_purged", "batch_bytes"),
		Texts: []Column{{Key: "code", Unit: UnitPlain}, {Key: "state", Unit: UnitBatch}, {Key: "person", Unit: UnitPlain}, {Key: "at", Unit: UnitTime}, {Key: "keep_until", Unit: UnitTime}},
	}
	for _, r := range rows[:min(len(rows), longestList)] {
		g.Rows = append(g.Rows, GridRow{
			Texts:   []string{r.Code, r.State, r.OwnerName, stamp(&r.CreatedAt), stamp(&r.KeepUntil)},
			Numbers: []int64{r.Moved, r.Resting, r.Restored, r.Purged, r.Bytes},
		})
	}
	s.Tables = append(s.Tables, g)
	return nil
}

// inspections are those of the quarters that the period touches. They are of the whole organisation, so that the
// report about a department has none.
func (c *counting) inspections(s *Statement) error {
	if c.under != nil {
		return nil
	}
	var rows []struct {
		Code, State                                           string
		DueAt                                                 time.Time
		SignedAt                                              *time.Time
		Population, Sample, Checked, Problems, Findings, Open int64
	}
	const of = "WHERE x.inspection_id = inspection.id"
	err := c.tx.Table("inspection").Where("first_at < ? AND end_at > ?", db.Instant(c.to), db.Instant(c.from)).Order("first_at").
		Select("code, state, due_at, signed_at, population, sample, " +
			"(SELECT COUNT(*) FROM inspection_item x " + of + " AND x.verdict IN ('ok', 'problem')) AS checked, " +
			"(SELECT COUNT(*) FROM inspection_item x " + of + " AND x.verdict = 'problem') AS problems, " +
			"(SELECT COUNT(*) FROM inspection_finding x " + of + ") AS findings, " +
			"(SELECT COUNT(*) FROM inspection_finding x " + of + " AND x.state <> 'closed') AS open").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list inspections: %w", err)
	}
	g := Grid{
		Key: "bin_inspections", Rows: []GridRow{}, Of: int64(len(rows)),
		Numbers: counted("inspection_population", "inspection_sample", "inspection_checked", "inspection_problems", "inspection_findings", "inspection_open"),
		Texts:   []Column{{Key: "code", Unit: UnitPlain}, {Key: "state", Unit: UnitInspection}, {Key: "due_at", Unit: UnitTime}, {Key: "signed_at", Unit: UnitTime}},
	}
	for _, r := range rows {
		due := r.DueAt.Add(-time.Second) // the last day, as its own page says
		g.Rows = append(g.Rows, GridRow{
			Texts: []string{r.Code, r.State, stamp(&due), stamp(r.SignedAt)}, Numbers: []int64{r.Population, r.Sample, r.Checked, r.Problems, r.Findings, r.Open},
		})
	}
	s.Tables = append(s.Tables, g)
	return nil
}

// register is every purge about which something was done in the period, and what the log says of it.
func (c *counting) register(s *Statement) error {
	if err := c.purges(); err != nil {
		return err
	}
	list := Grid{
		Key: "purge_list", Rows: []GridRow{}, Numbers: counted("purge_size", "purge_here", "purge_skipped", "purge_bytes"),
		Texts: []Column{{Key: "code", Unit: UnitPlain}, {Key: "state", Unit: UnitPurge}, {Key: "requester", Unit: UnitPlain}, {Key: "approvals", Unit: UnitVotes}, {Key: "finished_at", Unit: UnitTime}, {Key: "certificate", Unit: UnitPlain}},
	}
	proofs := Grid{
		Key: "purge_proofs", Rows: []GridRow{}, Numbers: []Column{},
		Texts: []Column{{Key: "code", Unit: UnitPlain}, {Key: "department", Unit: UnitPlain}, {Key: "requested_at", Unit: UnitTime}, {Key: "started_at", Unit: UnitTime}, {Key: "manifest_root", Unit: UnitPlain}},
	}
	for _, p := range c.body.Purges[:min(len(c.body.Purges), longestList)] {
		var votes []string
		for _, v := range p.Approvals {
			verdict := v.Verdict
			if !v.InLog {
				verdict = "unlogged"
			}
			votes = append(votes, verdict+":"+v.Person.Name)
		}
		list.Rows = append(list.Rows, GridRow{
			Texts:   []string{p.Code, p.State, p.Requester.Name, strings.Join(votes, ";"), stamp(p.FinishedAt), p.Certificate},
			Numbers: []int64{p.Size, p.PurgedHere, p.Skipped, p.Bytes},
		})
		proofs.Rows = append(proofs.Rows, GridRow{Texts: []string{p.Code, strings.Join(p.Scope, "; "), stamp(p.RequestedAt), stamp(p.StartedAt), p.Root}, Numbers: []int64{}})
	}
	list.Of, proofs.Of = int64(len(c.body.Purges)), int64(len(c.body.Purges))
	s.Tables = append(s.Tables, list, proofs)
	return nil
}

// certificatesOf are the certificates issued in the period.
func (c *counting) certificatesOf(s *Statement) error {
	var rows []struct {
		Code, Request   string
		IssuedAt        time.Time
		Purged, Skipped int64
	}
	q := c.tx.Table("certificate").Joins("JOIN purge_request r ON r.id = certificate.purge_id").
		Where("certificate.issued_at >= ? AND certificate.issued_at < ?", db.Instant(c.from), db.Instant(c.to))
	if c.under != nil {
		q = q.Where("EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = r.id AND d.department_id IN ?)", c.under)
	}
	err := q.Select("certificate.code, r.code AS request, certificate.issued_at, r.purged, r.skipped").Order("certificate.id").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list certificates: %w", err)
	}
	g := Grid{
		Key: "certificate_list", Rows: []GridRow{}, Of: int64(len(rows)), Numbers: counted("purge_purged", "purge_skipped"),
		Texts: []Column{{Key: "certificate", Unit: UnitPlain}, {Key: "code", Unit: UnitPlain}, {Key: "at", Unit: UnitTime}},
	}
	for _, r := range rows[:min(len(rows), longestList)] {
		g.Rows = append(g.Rows, GridRow{Texts: []string{r.Code, r.Request, stamp(&r.IssuedAt)}, Numbers: []int64{r.Purged, r.Skipped}})
	}
	s.Tables = append(s.Tables, g)
	return nil
}

// classes divides what is kept by service type, with the floor of each.
func (c *counting) classes(s *Statement) error {
	if err := c.grid(s, "retention_classes", byClass, "kept", "within", "due", "due_year", "past_target", "past_ceiling", "held", "in_bin"); err != nil {
		return err
	}
	g := &s.Tables[len(s.Tables)-1]
	g.Texts = append(g.Texts, Column{Key: "floor", Unit: UnitFloor}, Column{Key: "target", Unit: UnitFloor}, Column{Key: "ceiling", Unit: UnitFloor})
	for i := range g.Rows {
		days, forever := c.policy.Floor(g.Rows[i].Texts[0])
		floor := strconv.Itoa(days)
		if forever {
			floor = "forever"
		}
		bound := func(b retention.Bound) string {
			if days := c.policy.Bound(b, g.Rows[i].Texts[0]); days > 0 {
				return strconv.Itoa(days)
			}
			return "" // none
		}
		g.Rows[i].Texts = append(g.Rows[i].Texts, floor, bound(retention.Target), bound(retention.Ceiling))
	}
	if !c.policy.Bounded(retention.Target) && !c.policy.Bounded(retention.Ceiling) {
		s.Notes = append(s.Notes, "no_bounds")
	}
	return nil
}

// late counts what was destroyed in the period after the ceiling that is in force today.
func (c *counting) late(s *Statement) error {
	return c.erasedWhere(s, "late", "ceiling of the service type (today's rules, where there is one) <", func(q *gorm.DB, serviceType string, started time.Time) *gorm.DB {
		days := c.policy.Bound(retention.Ceiling, serviceType)
		if days == 0 {
			return nil
		}
		return q.Where("purge_item.last_at < ?", db.Instant(started.AddDate(0, 0, -days)))
	})
}

// early counts what was destroyed inside the floor that is in force today. It has to be 0.
func (c *counting) early(s *Statement) error {
	return c.erasedWhere(s, "early", "floor of the service type (today's rules) >", func(q *gorm.DB, serviceType string, started time.Time) *gorm.DB {
		days, forever := c.policy.Floor(serviceType)
		if forever {
			return q
		}
		return q.Where("purge_item.last_at > ?", db.Instant(started.AddDate(0, 0, -days)))
	})
}

// erasedWhere adds a figure of what narrow leaves of that which each purge destroyed of each service type; nil leaves
// nothing. Than says in the definition with what the end of a conversation is compared.
func (c *counting) erasedWhere(s *Statement, key, than string, narrow func(q *gorm.DB, serviceType string, started time.Time) *gorm.DB) error {
	var groups []struct {
		PurgeID     id.Purge
		ServiceType string
		StartedAt   time.Time
	}
	m := c.measure("erased_items")
	err := c.rows(m).Select("purge_item.purge_id, purge_item.service_type, purge_request.started_at").
		Group("purge_item.purge_id, purge_item.service_type, purge_request.started_at").Scan(&groups).Error
	if err != nil {
		return fmt.Errorf("look for %s purges: %w", key, err)
	}
	n := int64(0)
	for _, g := range groups {
		q := narrow(c.rows(m).Where("purge_item.purge_id = ? AND purge_item.service_type = ?", g.PurgeID, g.ServiceType), g.ServiceType, g.StartedAt)
		if q == nil {
			continue
		}
		var here int64
		if err := q.Count(&here).Error; err != nil {
			return fmt.Errorf("count %s purges: %w", key, err)
		}
		n += here
	}
	s.Figures = append(s.Figures, Figure{
		Key: key, Unit: UnitCount, Value: n, Definition: m.definition() + "; of these with purge_item.last_at + " + than + " purge_request.started_at",
	})
	return nil
}

func (c *counting) holdsInForce(s *Statement) error {
	var rows []struct {
		Code          string
		DepartmentID  id.Department
		CreatedAt     time.Time
		Conversations int64
	}
	q := c.tx.Table("legal_hold l").Joins("LEFT JOIN hold_item h ON h.hold_id = l.id").Where("l.released_at IS NULL")
	if c.under != nil {
		q = q.Where("l.department_id IN ?", c.under)
	}
	err := q.Group("l.id, l.code, l.department_id, l.created_at").Order("l.id").
		Select("l.code, l.department_id, l.created_at, COUNT(h.conversation_id) AS conversations").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list holds in force: %w", err)
	}
	g := Grid{
		Key: "holds_in_force", Rows: []GridRow{}, Of: int64(len(rows)), Numbers: counted("hold_conversations"),
		Texts: []Column{{Key: "code", Unit: UnitPlain}, {Key: "department", Unit: UnitDepartment}, {Key: "at", Unit: UnitTime}},
	}
	for _, r := range rows[:min(len(rows), longestList)] {
		g.Rows = append(g.Rows, GridRow{Texts: []string{r.Code, c.tree.Path(r.DepartmentID), stamp(&r.CreatedAt)}, Numbers: []int64{r.Conversations}})
	}
	s.Tables = append(s.Tables, g)
	return nil
}

// taken are acts by which somebody takes something along and that are not called downloads. With the
// downloads they are every way in which a file leaves.
var taken = []string{"audit.log_exported", "hold.listed", "letter.written", "subject.answer_written"}

// leaves tells whether something goes out of the system by an act.
func leaves(action string) bool {
	return strings.HasSuffix(action, "downloaded") || slices.Contains(taken, action)
}

// outgoing is every act by which something left the system, and apart from it what was done
// with exports inside of it.
func (c *counting) outgoing(s *Statement) error {
	if err := c.acts(); err != nil {
		return err
	}
	grid := func(key string) Grid {
		return Grid{Key: key, Rows: []GridRow{}, Texts: []Column{{Key: "action", Unit: UnitAction}}, Numbers: counted("acts_ok", "acts_refused", "acts_failed", "acts_items")}
	}
	left, steps := grid("access_outgoing"), grid("access_steps")
	for _, a := range c.body.Acts {
		row := GridRow{Texts: []string{a.Action}, Numbers: []int64{a.OK, a.Refused, a.Failed, a.Items}}
		switch {
		case leaves(a.Action):
			left.Rows = append(left.Rows, row)
		case strings.HasPrefix(a.Action, "export."):
			steps.Rows = append(steps.Rows, row)
		}
	}
	left.Of, steps.Of = int64(len(left.Rows)), int64(len(steps.Rows))
	s.Tables = append(s.Tables, left, steps)
	return nil
}

// forecast draws a straight line: what is there now, and every month as much more as came in an
// average whole month of the period.
func (c *counting) forecast(s *Statement) error {
	value := func(key string) int64 {
		i := slices.IndexFunc(s.Figures, func(f Figure) bool { return f.Key == key })
		return s.Figures[i].Value
	}
	months := s.Tables[len(s.Tables)-1]
	starts := c.starts()
	var n, rows, bytes int64
	for i, at := range starts {
		end := c.to
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if at.Day() != 1 || !end.Equal(at.AddDate(0, 1, 0)) || end.After(c.tx.Now) {
			continue
		}
		n, rows, bytes = n+1, rows+months.Rows[i].Numbers[0], bytes+months.Rows[i].Numbers[1]
	}
	if n == 0 {
		s.Notes = append(s.Notes, "no_forecast")
		return nil
	}
	formula := fmt.Sprintf("now + months * (sum of the %d whole months of the period) / %d; purges not included", n, n)
	g := Grid{Key: "storage_forecast", Texts: []Column{{Key: "in_months", Unit: UnitMonths}}, Numbers: counted("forecast_kept", "forecast_bytes"), Rows: []GridRow{}}
	for i := range g.Numbers {
		g.Numbers[i].Definition = formula
	}
	for _, k := range []int64{3, 6, 12} {
		g.Rows = append(g.Rows, GridRow{Texts: []string{strconv.FormatInt(k, 10)}, Numbers: []int64{value("kept") + k*rows/n, value("kept_bytes") + k*bytes/n}})
	}
	g.Of = int64(len(g.Rows))
	s.Tables = append(s.Tables, g)
	return nil
}

// bigTables are those that grow with the archive and its history.
var bigTables = []string{
	"conversation", "conversation_body", "conversation_key", "conversation_tag", "bin_batch", "bin_item", "purge_request", "purge_item", "tombstone", "hold_item", "key_bucket",
	"audit_leaf", "audit_node", "job",
}

func (c *counting) tables(s *Statement) error {
	g := Grid{Key: "storage_tables", Texts: []Column{{Key: "table", Unit: UnitTable}}, Numbers: counted("table_rows"), Rows: []GridRow{}, Of: int64(len(bigTables))}
	for _, name := range bigTables {
		var n int64
		if err := c.tx.Table(name).Count(&n).Error; err != nil {
			return fmt.Errorf("count %s: %w", name, err)
		}
		g.Rows = append(g.Rows, GridRow{Texts: []string{name}, Numbers: []int64{n}})
	}
	s.Tables = append(s.Tables, g)
	return nil
}
