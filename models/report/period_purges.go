package report

import (
	"encoding/hex"
	"fmt"
	"time"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// purgeRow is what the report says of a purge request. The purge drawer owns the table; this
// one reads it.
type purgeRow struct {
	ID                                 id.Purge
	Code, State                        string
	RequesterName, RequesterStaffNo    string
	RequesterRole                      string
	Root                               []byte
	ApprovalID                         id.Approval
	Size, Messages, Attachments, Bytes int64
	Purged, Skipped                    int64
	RequestedAt, StartedAt, FinishedAt *time.Time
	CertCode                           *string
}

// purges lists the requests that were made, voted on, stopped or carried out in the period.
func (c *counting) purges() error {
	c.body.Purges = []BodyPurge{}
	about := c.entries().Where("object_kind = 'purge' AND result = ? AND action NOT IN ?", audit.OK, []string{"purge.drafted", "purge.list_downloaded"}).Select("object")
	var rows []purgeRow
	q := c.tx.Table("purge_request AS p")
	if c.under != nil {
		q = q.Where("EXISTS (SELECT 1 FROM purge_department d WHERE d.purge_id = p.id AND d.department_id IN ?)", c.under)
	}
	err := q.Joins("LEFT JOIN certificate k ON k.purge_id = p.id").
		Select("p.id, p.code, p.state, p.requester_name, p.requester_staff_no, p.requester_role, p.root, p.approval_id, p.size, p.messages, p.attachments, p.bytes, "+
			"p.purged, p.skipped, p.requested_at, p.started_at, p.finished_at, k.code AS cert_code").
		Where("p.code IN (?) OR (p.started_at >= ? AND p.started_at < ?)", about, db.Instant(c.from), db.Instant(c.to)).Order("p.id").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list purges: %w", err)
	}
	for _, r := range rows {
		p, err := c.purge(&r)
		if err != nil {
			return err
		}
		c.body.Purges = append(c.body.Purges, *p)
	}
	return nil
}

func (c *counting) purge(r *purgeRow) (*BodyPurge, error) {
	p := &BodyPurge{
		Code: r.Code, State: r.State, Scope: []string{}, Root: hex.EncodeToString(r.Root),
		Requester: BodyPerson{r.RequesterName, r.RequesterStaffNo, r.RequesterRole}, RequestedAt: utc(r.RequestedAt), Approvals: []BodyApproval{},
		StartedAt: utc(r.StartedAt), FinishedAt: utc(r.FinishedAt), Size: r.Size, Messages: r.Messages, Attachments: r.Attachments, Bytes: r.Bytes, Skipped: r.Skipped,
	}
	if r.CertCode != nil {
		p.Certificate = *r.CertCode
	}
	err := c.tx.Table("purge_department").Where("purge_id = ?", r.ID).Order("path").Pluck("path", &p.Scope).Error
	if err != nil {
		return nil, fmt.Errorf("scope of %s: %w", r.Code, err)
	}
	erased := c.tx.Table("audit_leaf").Where("action = ? AND object = ? AND result = ?", actErased, r.Code, audit.OK)
	if p.Purged, err = c.sum(erased); err != nil {
		return nil, err
	}
	if p.PurgedHere, err = c.sum(c.entries().Where("action = ? AND object = ? AND result = ?", actErased, r.Code, audit.OK)); err != nil {
		return nil, err
	}
	if err := c.compare("purged_items", r.Code, p.Purged, c.tx.Table("purge_item").Where("purge_id = ? AND state = 'purged'", r.ID)); err != nil {
		return nil, err
	}
	if err := c.compare("tombstones", r.Code, p.Purged, c.tx.Table("tombstone").Where("purge_id = ?", r.ID)); err != nil {
		return nil, err
	}
	c.body.Reconciliation = append(c.body.Reconciliation, BodyCompare{What: "purged_request", Object: r.Code, Log: p.Purged, Tables: r.Purged})
	return p, c.votes(r, p)
}

// votes adds who agreed, and whether the log knows of each vote.
func (c *counting) votes(r *purgeRow, p *BodyPurge) error {
	if r.ApprovalID == 0 {
		return nil
	}
	_, votes, err := approval.Find(c.tx, r.ApprovalID)
	if err != nil {
		return err
	}
	var logged []struct {
		Action  string
		ActorID id.User
	}
	err = c.tx.Table("audit_leaf").Where("object = ? AND action IN ? AND result = ?", r.Code, []string{actApproved, actRejected}, audit.OK).
		Select("action, actor_id").Scan(&logged).Error
	if err != nil {
		return fmt.Errorf("votes of %s: %w", r.Code, err)
	}
	known := map[string]bool{}
	for _, l := range logged {
		known[l.Action+id.String(l.ActorID)] = true
	}
	for _, v := range votes {
		act := actApproved
		if v.Verdict != approval.Approve {
			act = actRejected
		}
		p.Approvals = append(p.Approvals, BodyApproval{
			Stage: v.Stage + 1, Person: BodyPerson{v.Name, v.StaffNo, string(v.Role)}, At: v.At.UTC(), Verdict: string(v.Verdict), InLog: known[act+id.String(v.UserID)],
		})
	}
	c.body.Reconciliation = append(c.body.Reconciliation, BodyCompare{What: "votes", Object: r.Code, Log: int64(len(logged)), Tables: int64(len(votes))})
	return nil
}
