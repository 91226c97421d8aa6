package bin

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Share is what a department has of a preview. A department that is not Taken is residue: all
// its matching conversations stay.
type Share struct {
	DepartmentID id.Department
	Path, Name   string
	Taken        bool
	Matching     int64
	Excluded     Excluded
	Moves        int64
	Bytes        int64 // of what moves
}

// Preview says what a scope would do: Matching = Residue + Excluded.Total() + Moves.
type Preview struct {
	CountedAt time.Time
	KeepUntil time.Time // if it were done now
	Top       id.Department
	Matching  int64
	Missing   int64 // of a chosen list: in the bin or gone meanwhile, or outside the actor's departments
	Residue   int64
	Excluded  Excluded
	Moves     int64
	Cap       int64 // of one batch; 0 while what moves is far below it
	Bytes     int64
	NeverKeep int64   // of those that move, with data that no backup may keep
	Unlooked  int64   // of those that move, into which nobody has looked for such data yet
	Shares    []Share // parents before children; only departments that have matching ones or are taken
	Outside   int     // sub-departments in which the actor may not act; they are left out and not counted
	ScopeKind string
	Holds     []string                    // codes of the holds that keep something back
	Sample    []conversation.Conversation // up to five of those that move
}

// Left gives the shares of the sub-departments that keep matching conversations.
func (p *Preview) Left() []Residue {
	out := []Residue{}
	for _, s := range p.Shares {
		if !s.Taken && s.Matching > 0 {
			out = append(out, Residue{s.DepartmentID, s.Path, s.Matching})
		}
	}
	return out
}

// classes of a conversation in a preview, in the order in which they are counted.
const (
	classMoves = 0
	classHeld  = 1
	classFloor = 2
	classOrder = 3
)

// classify is the one expression that decides what protects a conversation.
func classify(p *retention.Policy, now time.Time) (expr string, args []any) {
	within, args := p.Condition(now)
	return fmt.Sprintf("CASE WHEN %s THEN %d WHEN %s THEN %d WHEN conversation.order_state = %d THEN %d ELSE %d END",
		hold.Covers, classHeld, within, classFloor, conversation.OrderOpen, classOrder, classMoves), args
}

// Preview counts what a scope would move, leave out and leave behind, and draws a sample of
// what would move; the same draw gives the same sample. The faults are forbidden, and invalid
// for a scope that names no department, an unknown or foreign one, or reversed dates.
func (b *Bin) Preview(ctx context.Context, by account.Actor, s Scope, draw uint64) (*Preview, error) {
	if err := by.Require(account.BatchCreate); err != nil {
		return nil, err
	}
	var p *Preview
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		r, policy, err := b.reach(tx, by, s)
		if err != nil {
			return err
		}
		if p, err = b.preview(tx, r, policy, tx.Now); err != nil {
			return err
		}
		if err := p.draw(tx, r, policy, draw); err != nil {
			return err
		}
		return p.holds(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (b *Bin) reach(tx *db.Tx, by account.Actor, s Scope) (*reach, *retention.Policy, error) {
	tree, err := department.Load(tx)
	if err != nil {
		return nil, nil, fmt.Errorf("load departments: %w", err)
	}
	var r *reach
	if s.Picked != nil {
		r, err = b.pickedReach(tx, tree, by, s)
	} else {
		r, err = s.resolve(tree, by, b.Zone)
	}
	if err != nil {
		return nil, nil, err
	}
	r.filter.WordsList = b.WordsList
	if r.kind != ScopeOrganisation {
		stored, err := holding(tx)
		if err != nil {
			return nil, nil, err
		}
		if coversAll(tree, stored, takenOf(r)) {
			r.kind = ScopeOrganisation
		}
	}
	policy, err := retention.Load(tx)
	return r, policy, err
}

func takenOf(r *reach) map[id.Department]bool {
	out := map[id.Department]bool{}
	for _, d := range r.taken.Departments.Values() {
		out[d] = true
	}
	return out
}

// moving are the conversations that would go: matching, taken, and protected by nothing.
func moving(r *reach, p *retention.Policy, at time.Time, q *gorm.DB) *gorm.DB {
	expr, args := classify(p, at)
	return r.chosen(q.Model(&conversation.Conversation{})).Where(expr+" = ?", append(args, classMoves)...)
}

// preview counts as of an instant: floors run out by themselves, and what was shown must not
// change because of that alone.
func (b *Bin) preview(tx *db.Tx, r *reach, policy *retention.Policy, at time.Time) (*Preview, error) {
	p, err := preview(tx, r, policy, at)
	if err != nil {
		return nil, err
	}
	p.Cap, err = b.capOf(tx, p)
	return p, err
}

func preview(tx *db.Tx, r *reach, policy *retention.Policy, at time.Time) (*Preview, error) {
	expr, args := classify(policy, at)
	var counts []struct {
		DepartmentID id.Department
		Class        int
		N, B         int64
		Never, Dark  int64
	}
	err := r.matching(tx.Model(&conversation.Conversation{})).
		Select("conversation.department_id, "+expr+" AS class, COUNT(*) AS n, COALESCE(SUM(conversation.bytes), 0) AS b, "+
			"SUM(CASE WHEN conversation.personal & ? <> 0 THEN 1 ELSE 0 END) AS never, SUM(CASE WHEN conversation.personal IS NULL THEN 1 ELSE 0 END) AS dark", append(args, policy.NeverKeep)...).
		Group("conversation.department_id, class").Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	shares := map[id.Department]*Share{}
	p := &Preview{CountedAt: at, KeepUntil: tx.Now.Add(Keep), Top: r.top, Outside: r.outside, ScopeKind: r.kind}
	for _, d := range r.universe {
		shares[d] = &Share{DepartmentID: d, Path: r.tree.Path(d), Name: r.tree.Name(d), Taken: r.taken.Has(d)}
	}
	for _, c := range counts {
		share := shares[c.DepartmentID]
		if p.add(share, c.Class, c.N, c.B); share.Taken && c.Class == classMoves && policy.NeverKeep != 0 {
			p.NeverKeep, p.Unlooked = p.NeverKeep+c.Never, p.Unlooked+c.Dark
		}
	}
	if r.picked != nil {
		p.Missing = r.picked.Count - p.Matching
	}
	for _, d := range r.universe {
		if s := shares[d]; s.Taken || s.Matching > 0 {
			p.Shares = append(p.Shares, *s)
		}
	}
	return p, nil
}

func (p *Preview) add(s *Share, class int, n, bytes int64) {
	s.Matching += n
	p.Matching += n
	switch {
	case !s.Taken:
		p.Residue += n
	case class == classHeld:
		s.Excluded.Held, p.Excluded.Held = s.Excluded.Held+n, p.Excluded.Held+n
	case class == classFloor:
		s.Excluded.Floor, p.Excluded.Floor = s.Excluded.Floor+n, p.Excluded.Floor+n
	case class == classOrder:
		s.Excluded.Order, p.Excluded.Order = s.Excluded.Order+n, p.Excluded.Order+n
	default:
		s.Moves, s.Bytes, p.Moves, p.Bytes = s.Moves+n, s.Bytes+bytes, p.Moves+n, p.Bytes+bytes
	}
}

// sampleSize is how many conversations a person is shown of what would move.
const sampleSize = 5

// draw takes a sample. Multiplying within a prime mixes neighbours, and both engines count
// alike.
func (p *Preview) draw(tx *db.Tx, r *reach, policy *retention.Policy, draw uint64) error {
	const prime = 1_000_003
	err := moving(r, policy, tx.Now, tx.DB).Order(fmt.Sprintf("((conversation.id %% %d) * %d) %% %d, conversation.id", prime, draw%(prime-2)+2, prime)).
		Limit(sampleSize).Find(&p.Sample).Error
	if err != nil {
		return fmt.Errorf("draw a sample: %w", err)
	}
	return nil
}

// holds names the holds that keep matching conversations of taken departments.
func (p *Preview) holds(tx *db.Tx, r *reach) error {
	if p.Excluded.Held == 0 {
		return nil
	}
	err := r.chosen(tx.Model(&conversation.Conversation{})).
		Joins("JOIN hold_item ON hold_item.conversation_id = conversation.id").
		Joins("JOIN legal_hold ON legal_hold.id = hold_item.hold_id AND legal_hold.released_at IS NULL").
		Distinct().Order("legal_hold.code").Limit(20).Pluck("legal_hold.code", &p.Holds).Error
	if err != nil {
		return fmt.Errorf("name the holds: %w", err)
	}
	return nil
}
