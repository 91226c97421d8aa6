package hold

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Detail is one hold with all that its page shows.
type Detail struct {
	Row
	Counts  Counts  // what is binned or on a list under a hold in force is on its way back to the archive
	Blocks  []Block // what it stopped, newest first
	History []Event // oldest first
	Now     time.Time
	// What the actor may do now.
	CanReview, CanRequest, CanDecide, CanCancel, CanSeeCustomers bool
}

// Event is one thing that was done to a hold. Action is that of its audit entry.
type Event struct {
	At     time.Time
	Action string
	Name   string // of the person; empty: the system
	Text   string // reason, note or opinion; of hold.release_lapsed the end of a catalogue key
	Until  *time.Time
}

// Get gives one hold. The faults are List's, and not-found, also for one that the actor does not
// see.
func (h *Holds) Get(ctx context.Context, by account.Actor, hold id.Hold) (d *Detail, err error) {
	if err := by.Require(account.HoldRead); err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		d, err = h.get(tx, by, hold)
		return err
	})
	if err != nil {
		return nil, h.unseen(ctx, by, hold, err)
	}
	return d, nil
}

func (h *Holds) get(tx *db.Tx, by account.Actor, hold id.Hold) (*Detail, error) {
	l, err := h.load(tx, by, hold)
	switch {
	case err != nil:
		return nil, err
	case len(l.rows) != 1:
		return nil, fault.NotFound("hold.not_found")
	}
	if err := countItems(tx, l.rows); err != nil {
		return nil, err
	}
	d := &Detail{Row: l.rows[0], Now: tx.Now}
	if d.Counts, err = countsOf(tx, hold); err != nil {
		return nil, err
	}
	if d.Blocks, err = blocksOf(tx, hold); err != nil {
		return nil, err
	}
	if d.History, err = d.history(tx); err != nil {
		return nil, err
	}
	return d, d.abilities(tx, by)
}

// Seen tells whether the actor sees a hold.
func Seen(tx *db.Tx, by account.Actor, hold id.Hold) (bool, error) {
	_, err := visible(tx, by, hold)
	if fault.KindOf(err) == fault.KindNotFound {
		return false, nil
	}
	return err == nil, err
}

// visible finds a hold that the actor sees. Absent and hidden are answered alike.
func visible(tx *db.Tx, by account.Actor, hold id.Hold) (*Hold, error) {
	var of Hold
	err := tx.Where("id = ?", hold).Take(&of).Error
	if db.NotFound(err) {
		return nil, fault.NotFound("hold.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find hold: %w", err)
	}
	if by.Scope.All {
		return &of, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	c, err := of.CriteriaOf()
	if err != nil {
		return nil, err
	}
	if !of.seenBy(by, c, tree) {
		return nil, fault.NotFound("hold.not_found")
	}
	return &of, nil
}

// unseen writes down that somebody reached for a hold that is hidden from them; it gives err back.
func (h *Holds) unseen(ctx context.Context, by account.Actor, hold id.Hold, err error) error {
	return audit.Unseen(ctx, h.DB, err, &Hold{}, hold, audit.Entry{Actor: by.Audit(), Action: "hold.refused", ObjectKind: "hold"})
}

// abilities says what the actor may do, by the same rules as the acts themselves.
func (d *Detail) abilities(tx *db.Tx, by account.Actor) error {
	force := d.ReleasedAt == nil
	opened := d.Release != nil && d.Release.Open()
	release := force && by.May(account.HoldRelease) && by.Natural()
	d.CanReview = force && by.May(account.HoldReview)
	d.CanRequest = release && !opened
	d.CanCancel = release && opened
	d.CanSeeCustomers = by.May(account.HoldReview) && d.Scope.Customers > 0
	if !release || !opened || d.Release.State != Asked {
		return nil
	}
	err := approval.Check(tx, d.Release.ApprovalID, by)
	if _, refused := fault.Of(err); err != nil && !refused {
		return err
	}
	d.CanDecide = err == nil
	return nil
}

// history puts together what the hold's tables tell.
func (d *Detail) history(tx *db.Tx) ([]Event, error) {
	var reviews []review
	if err := tx.Where("hold_id = ?", d.ID).Order("id").Find(&reviews).Error; err != nil {
		return nil, fmt.Errorf("read reviews: %w", err)
	}
	var releases []Release
	if err := tx.Where("hold_id = ?", d.ID).Order("id").Find(&releases).Error; err != nil {
		return nil, fmt.Errorf("read releases: %w", err)
	}
	people := make([]id.User, len(reviews))
	for i, r := range reviews {
		people[i] = r.UserID
	}
	names, err := account.Names(tx, people...)
	if err != nil {
		return nil, err
	}
	out := []Event{{At: d.CreatedAt, Action: "hold.placed", Name: d.PlacedByWho.Name, Text: d.Reason}}
	for _, r := range reviews {
		out = append(out, Event{At: r.At, Action: "hold.reviewed", Name: names[r.UserID].Name, Text: r.Note, Until: &r.NextAt})
	}
	for i := range releases {
		out = append(out, releases[i].events()...)
	}
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	return out, nil
}

func (r *Release) events() []Event {
	out := []Event{{At: r.RequestedAt, Action: "hold.release_requested", Name: r.RequesterName, Text: r.Reason, Until: &r.ExpiresAt}}
	if r.DecidedAt != nil {
		e := Event{At: *r.DecidedAt, Action: "hold.release_approved", Name: r.ApproverName, Text: r.Opinion, Until: r.EndsAt}
		if r.State == Rejected {
			e.Action = "hold.release_rejected"
		}
		out = append(out, e)
	}
	if r.ClosedAt == nil || r.State == Rejected {
		return out
	}
	action := map[ReleaseState]string{Cancelled: "hold.release_cancelled", Lapsed: "hold.release_lapsed", Ended: "hold.released"}[r.State]
	name := r.ClosedName
	if r.ClosedBy == 0 {
		name = ""
	}
	return append(out, Event{At: *r.ClosedAt, Action: action, Name: name, Text: r.ClosedReason})
}
