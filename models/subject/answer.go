package subject

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Answer is what the customer is told: what is destroyed, and what stays sealed, until when and why. It names neither the
// customer nor anybody of the house, nor a hold.
type Answer struct {
	Row
	Certificates []Certificate
	BinUntil     *time.Time // by when the last of what is in the bin has been there long enough
	Stays        []Stay     // of what is sealed
	Now          time.Time
}

// Stay is what stays sealed for one reason. Why is bin.Held, bin.Floor or bin.Order; empty when nothing keeps it. Until,
// Days, Forever and Basis are of the floor; Basis is what legal has confirmed of it, or empty.
type Stay struct {
	ServiceType string
	Why         string
	Count       int64
	Until       *time.Time // the last
	Days        int
	Forever     bool
	Basis       string
}

// Answer gives the facts for the answer to the customer; that it was written stands in the log. The faults are Get's.
func (r *Requests) Answer(ctx context.Context, by account.Actor, request id.Subject) (a *Answer, err error) {
	if err := by.Require(account.SubjectRead); err != nil {
		return nil, err
	}
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		of, err := find(tx, request)
		if err != nil {
			return err
		}
		parts, err := countsOf(tx, request)
		if err != nil {
			return err
		}
		a = &Answer{Row: of.row(tx.Now, parts[request], nil), Now: tx.Now}
		if a.Certificates, err = certificatesOf(tx, request); err != nil {
			return err
		}
		if a.BinUntil, err = binUntil(tx, request); err != nil {
			return err
		}
		if a.Stays, err = staysOf(tx, request); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "subject.answer_written", ObjectKind: "subject", Object: of.Code, Count: of.Size})
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func binUntil(tx *db.Tx, request id.Subject) (last *time.Time, err error) {
	var ends []time.Time
	err = there(tx, request).Joins("JOIN bin_batch ON bin_batch.id = conversation.batch_id").
		Where("conversation.state IN ?", []conversation.State{conversation.Binned, conversation.Frozen, conversation.Purging}).
		Order("bin_batch.keep_until DESC").Limit(1).Pluck("bin_batch.keep_until", &ends).Error
	if err != nil {
		return nil, fmt.Errorf("look at the bin: %w", err)
	}
	if len(ends) > 0 {
		last = &ends[0]
	}
	return last, nil
}

func staysOf(tx *db.Tx, request id.Subject) ([]Stay, error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	why, args := bin.Why(policy, tx.Now)
	var rows []struct {
		ServiceType, Why string
		LastAt           time.Time
	}
	err = there(tx, request).Where("conversation.state = ?", conversation.Sealed).Select("conversation.service_type, conversation.last_at, "+why+" AS why", args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look at what stays sealed: %w", err)
	}
	rules := map[string]retention.DraftRule{}
	for _, rule := range policy.Draft().Rules {
		rules[rule.ServiceType] = rule
	}
	var out []Stay
	for _, c := range rows {
		at := slices.IndexFunc(out, func(s Stay) bool { return s.ServiceType == c.ServiceType && s.Why == c.Why })
		if at < 0 {
			s := Stay{ServiceType: c.ServiceType, Why: c.Why}
			if c.Why == bin.Floor {
				s.Days, s.Forever = policy.Floor(c.ServiceType)
				if rule := cmp.Or(rules[c.ServiceType], rules[""]); rule.Confirmed {
					s.Basis = rule.Basis
				}
			}
			out, at = append(out, s), len(out)
		}
		s := &out[at]
		s.Count++
		if until, ends := policy.Until(c.ServiceType, c.LastAt); s.Why == bin.Floor && ends && (s.Until == nil || until.After(*s.Until)) {
			s.Until = &until
		}
	}
	slices.SortFunc(out, func(a, b Stay) int {
		return cmp.Or(cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.Why, b.Why))
	})
	return out, nil
}
