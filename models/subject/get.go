package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Detail is one request with all that its page shows.
type Detail struct {
	Row
	// NextUntil and LastUntil are when the first and the last floor end of what is sealed; Forever counts those that
	// have no end.
	NextUntil, LastUntil *time.Time
	Forever              int64
	// Waiting is how many of Parts.Due wait for another day: more would go today than the cap of a batch allows.
	Waiting      int64
	Batches      []Batch // into which it went, oldest first
	Certificates []Certificate
	History      []Event // oldest first
	Now          time.Time
	// What the actor may do now; LiftRefused says why not.
	CanLift, CanBinAgain, CanSeeCustomer bool
	LiftRefused                          error
}

// Batch is one that a request put into the bin.
type Batch struct {
	ID        id.Batch
	Code      string
	Size      int64
	CreatedAt time.Time
	KeepUntil time.Time
}

// Certificate is one that proves the destruction of some of what a request reached.
type Certificate struct {
	ID            uint64 // a purge.CertificateID: purges lie on the same floor
	Code          string
	Purge         id.Purge `gorm:"column:purge_id"`
	Request       string   // code of the purge
	Conversations int64    // of this request
	IssuedAt      time.Time
	EffectiveAt   *time.Time // when the last copy of the destroyed keys has ended; nil: that is not known
}

// Event is one thing that was done to a request. Action is that of its audit entry.
type Event struct {
	At     time.Time
	Action string
	Name   string // of the person; empty: the system
	Count  int64
	Batch  string // of bin.ActSubject, the code of the batch
	Text   string // of a lift, its reason
}

// Get gives one request. The fault is forbidden but for legal and auditors, and not-found.
func (r *Requests) Get(ctx context.Context, by account.Actor, request id.Subject) (d *Detail, err error) {
	if err := by.Require(account.SubjectRead); err != nil {
		return nil, err
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		of, err := find(tx, request)
		if err != nil {
			return err
		}
		parts, err := countsOf(tx, request)
		if err != nil {
			return err
		}
		answers, err := answersTo(tx, of.Code)
		if err != nil {
			return err
		}
		d = &Detail{Row: of.row(tx.Now, parts[request], answers), Now: tx.Now}
		if err := d.ends(tx); err != nil {
			return err
		}
		if err := r.waiting(tx, d); err != nil {
			return err
		}
		if d.Batches, err = batchesOf(tx, of.Code); err != nil {
			return err
		}
		if d.Certificates, err = certificatesOf(tx, of.ID); err != nil {
			return err
		}
		if d.History, err = of.history(tx); err != nil {
			return err
		}
		d.abilities(tx, by)
		return nil
	})
	return d, err
}

// ends finds when the floors end of what is sealed.
func (d *Detail) ends(tx *db.Tx) error {
	policy, err := retention.Load(tx)
	if err != nil {
		return err
	}
	why, args := bin.Why(policy, tx.Now)
	sealed := there(tx, d.ID).Where("conversation.state = ?", conversation.Sealed)
	if d.NextUntil, d.LastUntil, err = untils(policy, sealed, why, args); err != nil {
		return err
	}
	var types []struct {
		ServiceType string
		N           int64
	}
	err = there(tx, d.ID).Where("conversation.state = ?", conversation.Sealed).Where(why+" = ?", append(args[:len(args):len(args)], bin.Floor)...).
		Group("conversation.service_type").Select("conversation.service_type, COUNT(*) AS n").Scan(&types).Error
	if err != nil {
		return fmt.Errorf("look at floors: %w", err)
	}
	for _, t := range types {
		if _, forever := policy.Floor(t.ServiceType); forever {
			d.Forever += t.N
		}
	}
	return nil
}

func (r *Requests) waiting(tx *db.Tx, d *Detail) error {
	if d.State != Open || d.Parts.Due == 0 {
		return nil
	}
	due, err := dueOf(tx, d.ID)
	if err != nil {
		return err
	}
	room, err := r.Bin.Room(tx, d.Code, int64(len(due.ids)), due.departments)
	d.Waiting = int64(len(due.ids)) - room
	return err
}

func batchesOf(tx *db.Tx, code string) (out []Batch, err error) {
	err = tx.Model(&bin.Batch{}).Where("kind = ? AND reason = ?", bin.KindSubject, code).Order("id").Select("id, code, size, created_at, keep_until").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("find batches: %w", err)
	}
	return out, nil
}

func certificatesOf(tx *db.Tx, request id.Subject) (out []Certificate, err error) {
	err = tx.Table("subject_item").Joins("JOIN tombstone ON tombstone.conversation_id = subject_item.conversation_id").
		Joins("JOIN purge_request ON purge_request.id = tombstone.purge_id").Joins("JOIN certificate ON certificate.purge_id = tombstone.purge_id").
		Where("subject_item.request_id = ?", request).
		Group("certificate.id, certificate.code, certificate.purge_id, purge_request.code, certificate.issued_at, certificate.effective_at").Order("certificate.id").
		Select("certificate.id, certificate.code, certificate.purge_id, purge_request.code AS request, certificate.issued_at, certificate.effective_at, COUNT(*) AS conversations").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("find certificates: %w", err)
	}
	return out, nil
}

// history reads from the log what was done.
func (r *Request) history(tx *db.Tx) ([]Event, error) {
	var rows []struct {
		At                           time.Time
		Action, ActorName, ActorRole string
		ItemCount                    int64
		Leaf                         []byte
	}
	err := tx.Table("audit_leaf").Where("object = ? AND object_kind = ? AND result = ? AND action IN ?", r.Code, "subject", audit.OK, []string{actPlaced, actRestored, bin.ActSubject, actAgain, actAnswered, actLifted, actDone}).
		Order("n").Select("at, action, actor_name, actor_role, item_count, leaf").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read what was done: %w", err)
	}
	out := make([]Event, len(rows))
	for i, l := range rows {
		e := Event{At: l.At, Action: l.Action, Name: l.ActorName, Count: l.ItemCount}
		if l.ActorRole == "system" {
			e.Name = ""
		}
		if l.Action == actLifted {
			e.Text = r.EndReason
		}
		var in struct{ Data struct{ Batch string } }
		if json.Unmarshal(l.Leaf, &in) == nil { // one that cannot be read is for the check of the log
			e.Batch = in.Data.Batch
		}
		out[i] = e
	}
	return out, nil
}

// abilities says what the actor may do, by the same rules as the acts themselves.
func (d *Detail) abilities(tx *db.Tx, by account.Actor) {
	d.CanSeeCustomer = by.May(account.SubjectCreate)
	d.CanBinAgain = mayPlace(by) == nil && d.State == Open && d.Parts.Restored > 0
	if d.LiftRefused = natural(by, account.SubjectLift); d.LiftRefused == nil {
		d.LiftRefused = d.mayLift(tx, by)
	}
	d.CanLift = d.LiftRefused == nil
}

// Customer gives the customer's id as it was typed, and writes that somebody looked. The fault is forbidden but for
// legal, and not-found.
func (r *Requests) Customer(ctx context.Context, by account.Actor, request id.Subject) (typed string, err error) {
	if err := by.Require(account.SubjectCreate); err != nil {
		return "", err
	}
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		of, err := find(tx, request)
		if err != nil {
			return err
		}
		plain, err := r.Vault.Store.OpenSmall(sealCustomer, []byte(of.Code), of.Sealed)
		if err != nil {
			return fmt.Errorf("open the customer of %s: %w", of.Code, err)
		}
		typed = string(plain)
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "subject.viewed", ObjectKind: "subject", Object: of.Code, Count: 1})
	})
	return typed, err
}

// Of gives the open request that keeps a conversation under seal, for its page; nil when there is none, and for
// whoever reads no requests.
func (r *Requests) Of(ctx context.Context, by account.Actor, c id.Conversation) (of *Request, err error) {
	if !by.May(account.SubjectRead) {
		return nil, nil
	}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		of = nil
		var rows []Request
		err := tx.Joins("JOIN subject_item ON subject_item.request_id = subject_request.id").
			Where("subject_item.conversation_id = ? AND subject_request.state = ?", c, Open).Limit(1).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("find the request of a conversation: %w", err)
		}
		if len(rows) > 0 {
			of = &rows[0]
		}
		return nil
	})
	return of, err
}
