package report

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/export"
	"qingdang/models/retention"
)

// The kinds of things that wait for somebody, gravest first among those of one deadline.
const (
	TodoVote     = "vote"     // a purge request waits for this approver
	TodoConfirm  = "confirm"  // a purge of the whole organisation waits for the second code
	TodoRejected = "rejected" // a request of one's own was rejected or lapsed
	TodoExpiring = "expiring" // the bin's time ends within a day
	TodoDraft    = "draft"    // the system drafted a request that a person must submit
	TodoFailed   = "failed"   // a job failed
	TodoResidue  = "residue"  // a batch left something behind
	TodoInspect  = "inspect"  // a quarter's inspection is to be run and signed by audit
	TodoCosign   = "cosign"   // audit has signed one, legal is next
	TodoAccess   = "access"   // somebody asks to read in a department of this approver
	TodoFinding  = "finding"  // a finding of one waits for this supervisor's answer
	TodoExport   = "export"   // an export waits for this approver
	TodoFetch    = "fetch"    // an export of one's own lies ready
	TodoNoExport = "noexport" // an export of one's own was rejected, lapsed or failed
	TodoPolicy   = "policy"   // a change of the retention policy waits for this person of legal
	TodoCeiling  = "ceiling"  // conversations are past their ceiling
	TodoSubject  = "subject"  // a customer who asked for deletion waits for the answer
	TodoSealed   = "sealed"   // what such a request had binned was taken out of the bin
	TodoAnswer   = "answer"   // a request of one's own to read elsewhere was answered, or nobody did
)

var grave = []string{TodoVote, TodoConfirm, TodoCosign, TodoFinding, TodoExport, TodoAccess, TodoPolicy, TodoSubject, TodoRejected, TodoNoExport, TodoExpiring, TodoFetch, TodoInspect, TodoDraft, TodoFailed, TodoSealed, TodoCeiling, TodoResidue, TodoAnswer}

// Todo is one thing that waits for the actor.
type Todo struct {
	Kind  string
	ID    uint64
	Code  string
	Count int64
	Who   string
	State string
	Why   string // of a refusal: what a person wrote, or the key of a sentence
	Since time.Time
	Until time.Time // its deadline, zero without one
}

const mostOfKind = 5

func (q *asking) todo() error {
	for _, ask := range []func() error{q.votes, q.confirmations, q.own, q.drafts, q.failed, q.residue, q.inspections, q.findings, q.access, q.answers, q.exports, q.ownExports, q.retention, q.subjects} {
		if err := ask(); err != nil {
			return err
		}
	}
	h := q.home
	if h.Soon > 0 && (q.by.May(account.BinRestore) || q.by.May(account.BinExtend)) {
		h.Todo = append(h.Todo, Todo{Kind: TodoExpiring, Count: h.Soon, ID: uint64(h.SoonBatches), Until: h.FirstSoon})
	}
	slices.SortStableFunc(h.Todo, func(a, b Todo) int {
		if a.Until.IsZero() != b.Until.IsZero() {
			if a.Until.IsZero() {
				return 1
			}
			return -1
		}
		if c := a.Until.Compare(b.Until); c != 0 {
			return c
		}
		return slices.Index(grave, a.Kind) - slices.Index(grave, b.Kind)
	})
	return nil
}

// take appends what a query of purge requests finds.
func (q *asking) take(kind string, rows *gorm.DB, since, until string) error {
	var found []struct {
		ID            uint64
		Code          string
		Size          int64
		RequesterName string
		State         string
		Since         *time.Time
		Until         *time.Time
	}
	err := rows.Order("r.id").Limit(mostOfKind).
		Select("r.id, r.code, r.size, r.requester_name, r.state, r." + since + " AS since, r." + until + " AS until").Scan(&found).Error
	for _, f := range found {
		t := Todo{Kind: kind, ID: f.ID, Code: f.Code, Count: f.Size, Who: f.RequesterName, State: f.State}
		if f.Since != nil {
			t.Since = *f.Since
		}
		if f.Until != nil && kind != TodoRejected {
			t.Until = *f.Until
		}
		q.home.Todo = append(q.home.Todo, t)
	}
	return err
}

// votes are the requests at the actor's stage that he may vote on: of another person, not
// voted on by him before, and wholly inside his scope.
func (q *asking) votes() error {
	state := ""
	switch {
	case q.by.May(account.PurgeApproveSupervisor):
		state = "awaiting_supervisor"
	case q.by.May(account.PurgeApproveLegal):
		state = "awaiting_legal"
	default:
		return nil
	}
	rows := purgesOf(q.tx.Table("purge_request r"), "r.id", q.by.Scope).Where("r.state = ? AND r.requester_person <> ?", state, q.by.PersonID).
		Where("NOT EXISTS (SELECT 1 FROM vote v WHERE v.approval_id = r.approval_id AND v.person_id = ?)", q.by.PersonID)
	return q.take(TodoVote, rows, "requested_at", "expires_at")
}

func (q *asking) confirmations() error {
	if !q.by.May(account.PurgeExecute) {
		return nil
	}
	return q.take(TodoConfirm, q.tx.Table("purge_request r").Where("r.state = ?", "awaiting_codes"), "cooling_until", "expires_at")
}

// own are the actor's requests that came back in the last two weeks.
func (q *asking) own() error {
	if !q.by.May(account.PurgeRequest) {
		return nil
	}
	rows := q.tx.Table("purge_request r").Where("r.requester_id = ? AND r.state IN ? AND r.closed_at >= ?", q.by.ID, []string{"rejected", "lapsed"}, q.since())
	return q.take(TodoRejected, rows, "closed_at", "closed_at")
}

func (q *asking) drafts() error {
	if !q.by.May(account.PurgeRequest) || q.by.Role == account.Agent {
		return nil
	}
	return q.take(TodoDraft, purgesOf(q.tx.Table("purge_request r").Where("r.state = ?", "draft"), "r.id", q.by.Scope), "created_at", "expires_at")
}

func (q *asking) failed() error {
	if !q.by.May(account.JobRead) {
		return nil
	}
	rows := q.tx.Table("job").Where("state = ? AND finished_at >= ?", "failed", q.tx.Now.Add(-week*24*time.Hour))
	if q.by.May(account.ExportRead) { // the own are told of as exports
		rows = rows.Where("NOT (kind = ? AND created_by = ?)", export.JobRun, q.by.ID)
	}
	if !q.by.Scope.All || !q.by.May(account.JobCancel) {
		rows = rows.Where("created_by = ?", q.by.ID)
	}
	var found []struct {
		ID         uint64
		Object     string
		Kind       string
		FinishedAt time.Time
	}
	err := rows.Order("id DESC").Limit(mostOfKind).Select("id, object, kind, finished_at").Scan(&found).Error
	for _, f := range found {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoFailed, ID: f.ID, Code: f.Object, State: f.Kind, Since: f.FinishedAt})
	}
	return err
}

// residue are the batches of the last month that left conversations of sub-departments
// behind and were not undone.
func (q *asking) residue() error {
	if !q.by.May(account.BatchCreate) {
		return nil
	}
	var found []struct {
		ID           uint64
		Code         string
		ResidueCount int64
		CreatedAt    time.Time
	}
	err := within(q.tx.Table("bin_batch"), "department_id", q.by.Scope).
		Where("residue_count > 0 AND state <> ? AND created_at >= ?", "undone", q.tx.Now.Add(-month)).
		Order("id DESC").Limit(mostOfKind).Select("id, code, residue_count, created_at").Scan(&found).Error
	for _, f := range found {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoResidue, ID: f.ID, Code: f.Code, Count: f.ResidueCount, Since: f.CreatedAt})
	}
	return err
}

// inspections remind audit of the samples that are drawn and not signed, and legal of those that audit
// has signed, until the day on which the report is due.
func (q *asking) inspections() error {
	kind, state := TodoInspect, "checking"
	switch {
	case q.by.May(account.InspectionRun):
	case q.by.May(account.InspectionSign):
		kind, state = TodoCosign, "awaiting_signoff"
	default:
		return nil
	}
	var found []struct {
		ID     uint64
		Code   string
		Sample int64
		DueAt  time.Time
	}
	err := q.tx.Table("inspection").Where("state = ?", state).Order("id").Limit(mostOfKind).Select("id, code, sample, due_at").Scan(&found).Error
	for _, f := range found {
		q.home.Todo = append(q.home.Todo, Todo{Kind: kind, ID: f.ID, Code: f.Code, Count: f.Sample, Until: f.DueAt})
	}
	return err
}

// access are the requests to read elsewhere that wait for the actor's answer.
func (q *asking) access() error {
	waiting, err := access.WaitingFor(q.tx, q.by, mostOfKind)
	for _, g := range waiting {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoAccess, ID: uint64(g.ID), Code: g.Code, Who: g.AskerName, Since: g.AskedAt, Until: g.ExpiresAt})
	}
	return err
}

// answers are what became of the actor's own requests to read elsewhere: those that were granted within the
// last week and still run, and those that came to nothing within the last two.
func (q *asking) answers() error {
	week := q.tx.Now.Add(-week * 24 * time.Hour)
	mine, err := access.AnsweredTo(q.tx, q.by, week, q.since(), mostOfKind)
	for _, g := range mine {
		t := Todo{Kind: TodoAnswer, ID: uint64(g.ID), Code: g.Code, State: string(g.Status(q.tx.Now)), Who: g.ApproverName, Since: g.ExpiresAt}
		if g.DecidedAt != nil {
			t.Since = *g.DecidedAt
		}
		switch g.State {
		case access.Granted:
			t.Until = *g.EndsAt
		case access.Rejected:
			t.Why = g.Opinion
		}
		q.home.Todo = append(q.home.Todo, t)
	}
	return err
}

// since is from when on an end of something of one's own is told.
func (q *asking) since() time.Time { return q.tx.Now.Add(-2 * week * 24 * time.Hour) }

// exports are those that wait for the actor's answer.
func (q *asking) exports() error {
	waiting, err := export.WaitingFor(q.tx, q.by, mostOfKind)
	for i := range waiting {
		e := &waiting[i]
		q.home.Todo = append(q.home.Todo, Todo{
			Kind: TodoExport, ID: uint64(e.ID), Code: e.Code, Count: e.Asked, Who: e.OwnerName, Since: e.CreatedAt, Until: *e.AnswerUntil,
		})
	}
	return err
}

// ownExports are those that the actor may fetch, and those that came to nothing within the last two weeks.
func (q *asking) ownExports() error {
	ready, err := export.ToFetch(q.tx, q.by, mostOfKind)
	if err != nil {
		return err
	}
	for i := range ready {
		e := &ready[i]
		t := Todo{Kind: TodoFetch, ID: uint64(e.ID), Code: e.Code, Count: e.Written, Since: *e.ReadyAt, Until: *e.ExpiresAt}
		if e.ApprovalID != 0 {
			t.State = "approved"
		}
		q.home.Todo = append(q.home.Todo, t)
	}
	over, err := export.CameToNothing(q.tx, q.by, q.since(), mostOfKind)
	for i := range over {
		e := &over[i]
		q.home.Todo = append(q.home.Todo, Todo{
			Kind: TodoNoExport, ID: uint64(e.ID), Code: e.Code, Count: e.Asked, Who: e.ClosedName, State: string(e.State), Why: e.ClosedReason, Since: *e.ClosedAt,
		})
	}
	return err
}

// findings are those that wait for the actor's answer.
func (q *asking) findings() error {
	if !q.by.May(account.InspectionAnswer) {
		return nil
	}
	var found []struct {
		InspectionID uint64
		Code         string
		N            int64
		DueAt        time.Time
	}
	err := q.tx.Table("inspection_finding AS f").Joins("JOIN inspection AS i ON i.id = f.inspection_id").Where("f.owner_id = ? AND f.state = ?", q.by.ID, "remediation").
		Order("f.due_at").Limit(mostOfKind).Select("f.inspection_id, i.code, f.n, f.due_at").Scan(&found).Error
	for _, f := range found {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoFinding, ID: f.InspectionID, Code: f.Code, Count: f.N, Until: f.DueAt})
	}
	return err
}

// retention is a change of the policy that waits for the actor, and what the nightly count found past its ceiling.
func (q *asking) retention() error {
	c, err := retention.WaitingFor(q.tx, q.by)
	if err != nil {
		return err
	}
	if c != nil {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoPolicy, ID: c.ID, Code: c.Code, Who: c.RequesterName, Since: c.RequestedAt, Until: c.ExpiresAt})
	}
	if !q.by.May(account.RetentionPropose) {
		return nil
	}
	n, err := retention.Counted(q.tx, q.by.Scope)
	if n.PastCeiling > 0 {
		q.home.Todo = append(q.home.Todo, Todo{Kind: TodoCeiling, Count: n.PastCeiling, Since: n.At})
	}
	return err
}
