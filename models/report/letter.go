package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Letter is what the records say about a conversation that is gone or on its way out: what a customer
// who asks is told, and nothing that is not written down. Of a purged one nothing is known
// of who the customer was.
type Letter struct {
	Code, Organisation string
	At                 time.Time
	Purged             bool
	ServiceType        string
	LastAt             time.Time // of its last message
	FloorDays          int       // by the rules of today
	Forever            bool
	FloorUntil         time.Time
	Reason             string // of the purge request, or of the batch
	Incident           bool   // it was destroyed because of a leak
	BinnedAt           time.Time
	KeepUntil          time.Time // when the time in the bin ends or ended
	PurgedAt           time.Time
	Request            string
	Certificate        string // empty while it is not issued
	Messages           int64
	Attachments        int64
}

// Letter gathers the facts of a letter; that it was written stands in the log. The faults are
// forbidden, and not found for a conversation that is in the archive, that never was, or
// that lies outside the actor's scope.
func (e *Evidence) Letter(ctx context.Context, by account.Actor, c id.Conversation) (*Letter, error) {
	if err := by.Require(account.CertificateRead); err != nil {
		return nil, err
	}
	var l *Letter
	hidden := ""
	err := e.DB.Write(ctx, func(tx *db.Tx) error {
		var rows []struct {
			Letter
			DepartmentID                         id.Department
			State, Platform                      string
			ListedLast, KeptLast, EndedAt, Moved *time.Time // the engines forget what a time is when it is chosen from two columns
		}
		err := tx.Table("bin_item i").Joins("JOIN bin_batch b ON b.id = i.batch_id").Joins("LEFT JOIN conversation c ON c.id = i.conversation_id").
			Joins("LEFT JOIN purge_item p ON p.purge_id = i.purge_id AND p.conversation_id = i.conversation_id").Joins("LEFT JOIN purge_request r ON r.id = i.purge_id").
			Joins("LEFT JOIN certificate k ON k.purge_id = i.purge_id").
			Where("i.conversation_id = ? AND i.state IN ?", c, []string{"binned", "frozen", "purged"}).Order("i.batch_id DESC").Limit(1).
			Select("i.department_id, i.state, COALESCE(p.platform, c.platform) AS platform, COALESCE(p.service_type, c.service_type) AS service_type, b.created_at AS binned_at, b.keep_until, " +
				"p.last_at AS listed_last, c.last_at AS kept_last, r.finished_at AS ended_at, i.changed_at AS moved, COALESCE(r.reason, b.reason) AS reason, " +
				"COALESCE(r.code, '') AS request, COALESCE(k.code, '') AS certificate, COALESCE(r.incident, '') <> '' AS incident, " +
				"COALESCE(p.messages, c.messages) AS messages, COALESCE(p.attachments, c.attachments) AS attachments").Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("gather a letter: %w", err)
		}
		if hidden = ""; len(rows) > 0 && !by.Scope.Has(rows[0].DepartmentID) {
			hidden = conversation.Code(c, rows[0].Platform)
		}
		if len(rows) > 0 && hidden == "" && rows[0].State != "purged" && !by.May(account.ConversationSealed) {
			sealed, err := conversation.UnderSealOf(tx, []id.Conversation{c})
			if err != nil {
				return err
			}
			if len(sealed) > 0 {
				hidden = conversation.Code(c, rows[0].Platform)
			}
		}
		if len(rows) == 0 || hidden != "" {
			return fault.NotFound("letter.not_found")
		}
		l = &rows[0].Letter
		l.LastAt, l.PurgedAt = first(rows[0].ListedLast, rows[0].KeptLast), first(rows[0].EndedAt, rows[0].Moved)
		l.Code, l.Organisation, l.At, l.Purged = conversation.Code(c, rows[0].Platform), e.Organisation, tx.Now, rows[0].State == "purged"
		policy, err := retention.Load(tx)
		if err != nil {
			return err
		}
		l.FloorDays, l.Forever = policy.Floor(l.ServiceType)
		l.FloorUntil, _ = policy.Until(l.ServiceType, l.LastAt)
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "letter.written", ObjectKind: "conversation", Object: l.Code, Department: rows[0].DepartmentID, Count: 1})
	})
	if hidden != "" {
		err = errors.Join(err, audit.Refused(ctx, e.DB, audit.Entry{Actor: by.Audit(), Action: "letter.written", ObjectKind: "conversation", Object: hidden}))
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// first is the first of the times that is there.
func first(times ...*time.Time) time.Time {
	for _, t := range times {
		if t != nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
