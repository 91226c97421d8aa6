package subject

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

const actAnswered = "subject.answered"

// Answered writes down that the customer has got the answer, whatever of it stays sealed: nobody is reminded of it any
// more. The log alone tells it. The fault is forbidden but for legal, not-found, and a conflict for the second time.
func (r *Requests) Answered(ctx context.Context, by account.Actor, request id.Subject) error {
	if err := mayPlace(by); err != nil {
		return err
	}
	return r.Clock.Write(ctx, r.DB, func(tx *db.Tx) error {
		of, err := lockRequest(tx, request)
		if err != nil {
			return err
		}
		given, err := answersTo(tx, of.Code)
		if err != nil {
			return err
		}
		if _, done := given[of.Code]; done {
			return fault.Conflict("subject.answered_already")
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: actAnswered, ObjectKind: "subject", Object: of.Code, Count: of.Size})
	})
}

// given is when an answer was given, and by whom.
type given struct {
	At   time.Time
	Name string
}

// answersTo looks up in the log which of the requests are answered.
func answersTo(tx *db.Tx, codes ...string) (map[string]given, error) {
	var rows []struct {
		At                time.Time
		Object, ActorName string
	}
	err := tx.Table("audit_leaf").Where("object IN ? AND action = ? AND result = ?", codes, actAnswered, audit.OK).Select("at, object, actor_name").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for answers: %w", err)
	}
	out := make(map[string]given, len(rows))
	for _, l := range rows {
		out[l.Object] = given{l.At, l.ActorName}
	}
	return out, nil
}

// unanswered is the condition on requests that the log tells of no answer.
const unanswered = "NOT EXISTS (SELECT 1 FROM audit_leaf a WHERE a.object = subject_request.code AND a.action = '" + actAnswered + "' AND a.result = 'ok')"
