package subject

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Counts tell where the conversations are that a request reached. Size of the request = Sealed + InBin + Destroyed +
// Lifted, and Sealed = Held + Floor + Order + Due + Restored.
type Counts struct {
	Sealed             int64
	Held, Floor, Order int64 // why they stay sealed, each once in this order
	Due                int64 // nothing keeps them: they go into the bin with the next look
	Restored           int64 // they came back out of the bin, and go there again only by BinAgain
	InBin              int64 // also those on the list of a purge
	Destroyed          int64
	Lifted             int64 // of a lifted request: in the archive again
}

// The places of a conversation that a request reached.
const (
	PlaceSealed    = "sealed"
	PlaceRestored  = "restored" // sealed, and back out of the bin
	PlaceBin       = "in_bin"
	PlaceDestroyed = "destroyed"
	PlaceArchive   = "lifted"
)

// Places lists the places as a filter offers them.
func Places() []string {
	return []string{PlaceSealed, PlaceRestored, PlaceBin, PlaceDestroyed, PlaceArchive}
}

// place is the expression for where a conversation of a request is; those that are gone are joined as NULL. What is
// sealed for a later request of the same customer is no seal of one that is over.
var place = fmt.Sprintf("CASE WHEN conversation.id IS NULL THEN '%s' WHEN conversation.state IN (%d, %d, %d) THEN '%s' WHEN conversation.state <> %d OR subject_request.open_slot IS NULL THEN '%s' WHEN subject_item.binned_at IS NOT NULL THEN '%s' ELSE '%s' END",
	PlaceDestroyed, conversation.Binned, conversation.Frozen, conversation.Purging, PlaceBin, conversation.Sealed, PlaceArchive, PlaceRestored, PlaceSealed)

func (c *Counts) add(place, why string, n int64) {
	switch place {
	case PlaceDestroyed:
		c.Destroyed += n
		return
	case PlaceBin:
		c.InBin += n
		return
	case PlaceArchive:
		c.Lifted += n
		return
	}
	c.Sealed += n
	switch {
	case place == PlaceRestored:
		c.Restored += n
	case why == bin.Held:
		c.Held += n
	case why == bin.Floor:
		c.Floor += n
	case why == bin.Order:
		c.Order += n
	default:
		c.Due += n
	}
}

// reached are the items of requests, joined with what is still stored.
func reached(tx *db.Tx, requests ...id.Subject) *gorm.DB {
	return tx.Table("subject_item").Joins("JOIN subject_request ON subject_request.id = subject_item.request_id").Joins("LEFT JOIN conversation ON conversation.id = subject_item.conversation_id").Where("subject_item.request_id IN ?", requests)
}

// countsOf counts for several requests.
func countsOf(tx *db.Tx, requests ...id.Subject) (map[id.Subject]Counts, error) {
	out := map[id.Subject]Counts{}
	if len(requests) == 0 {
		return out, nil
	}
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	why, args := bin.Why(policy, tx.Now)
	var rows []struct {
		RequestID  id.Subject
		Place, Why string
		N          int64
	}
	err = reached(tx, requests...).Select("subject_item.request_id, "+place+" AS place, "+why+" AS why, COUNT(*) AS n", args...).
		Group("subject_item.request_id, place, why").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count what requests reached: %w", err)
	}
	for _, r := range rows {
		c := out[r.RequestID]
		c.add(r.Place, r.Why, r.N)
		out[r.RequestID] = c
	}
	return out, nil
}

// Query is what a list shows. An empty State does not narrow; pages count from 1.
type Query struct {
	State      State
	Page, Size int
}

// Row is one request of a list. Over tells that its answer is late, Soon that it is due within AnswerSoon; both are
// false once it is answered or over.
type Row struct {
	Request
	Parts        Counts
	Over, Soon   bool
	AnsweredAt   *time.Time
	AnsweredName string
}

// Page is a page of the list, newest first.
type Page struct {
	Rows  []Row
	Total int64 // that match
	All   int64
	Now   time.Time
}

const (
	usualSize = 20
	mostSize  = 100
)

// List gives the requests. The fault is forbidden but for legal and auditors.
func (r *Requests) List(ctx context.Context, by account.Actor, q Query) (p *Page, err error) {
	if err := by.Require(account.SubjectRead); err != nil {
		return nil, err
	}
	if q.Size <= 0 || q.Size > mostSize {
		q.Size = usualSize
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		p = &Page{Now: tx.Now}
		if err := tx.Model(&Request{}).Count(&p.All).Error; err != nil {
			return fmt.Errorf("count requests: %w", err)
		}
		matching := func() *gorm.DB {
			if q.State == "" {
				return tx.Model(&Request{})
			}
			return tx.Model(&Request{}).Where("state = ?", q.State)
		}
		if err := matching().Count(&p.Total).Error; err != nil {
			return fmt.Errorf("count requests: %w", err)
		}
		var found []Request
		if err := matching().Order("id DESC").Offset(max(q.Page-1, 0) * q.Size).Limit(q.Size).Find(&found).Error; err != nil {
			return fmt.Errorf("list requests: %w", err)
		}
		p.Rows, err = withCounts(tx, found)
		return err
	})
	return p, err
}

func withCounts(tx *db.Tx, found []Request) ([]Row, error) {
	ids, codes := make([]id.Subject, len(found)), make([]string, len(found))
	for i := range found {
		ids[i], codes[i] = found[i].ID, found[i].Code
	}
	parts, err := countsOf(tx, ids...)
	if err != nil {
		return nil, err
	}
	answers, err := answersTo(tx, codes...)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(found))
	for i := range found {
		rows[i] = found[i].row(tx.Now, parts[found[i].ID], answers)
	}
	return rows, nil
}

func (r *Request) row(now time.Time, parts Counts, answers map[string]given) Row {
	out := Row{Request: *r, Parts: parts}
	if a, done := answers[r.Code]; done {
		out.AnsweredAt, out.AnsweredName = &a.At, a.Name
		return out
	}
	out.Over = r.State != Lifted && !now.Before(r.AnswerBy)
	out.Soon = r.State != Lifted && !out.Over && !now.Before(r.AnswerBy.Add(-AnswerSoon))
	return out
}

// CountOpen tells legal, and nobody else, how many requests are not ended: conversations wait for their purge, or the
// customer for the answer; and whether there is something to do about any, see ToDo.
func CountOpen(tx *db.Tx, by account.Actor) (n int64, urgent bool, err error) {
	if !by.May(account.SubjectCreate) {
		return 0, false, nil
	}
	if err := tx.Model(&Request{}).Where("state = ? OR state <> ? AND "+unanswered, Open, Lifted).Count(&n).Error; err != nil {
		return 0, false, fmt.Errorf("count open requests: %w", err)
	}
	rows, err := ToDo(tx, by, 1)
	return n, len(rows) > 0, err
}

// ToDo gives the requests that legal must look at: those whose answer is due or late, also when all was destroyed,
// and those of which something came back out of the bin; the first to answer first. It is nobody else's.
func ToDo(tx *db.Tx, by account.Actor, most int) ([]Row, error) {
	if !by.May(account.SubjectCreate) {
		return nil, nil
	}
	var found []Request
	err := tx.Where("state <> ?", Lifted).
		Where("answer_by <= ? AND "+unanswered+" OR EXISTS (SELECT 1 FROM subject_item si JOIN conversation c ON c.id = si.conversation_id WHERE si.request_id = subject_request.id AND si.binned_at IS NOT NULL AND c.state = ?)",
			db.Instant(tx.Now.Add(AnswerSoon)), conversation.Sealed).
		Order("answer_by, id").Limit(most).Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("find requests to answer: %w", err)
	}
	return withCounts(tx, found)
}
