package hold

import (
	"cmp"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
)

// strip counts the holds in force by what must be done about them.
func (l *listing) strip() (s Strip) {
	var asked *Release
	for i := range l.rows {
		r := &l.rows[i]
		if r.ReleasedAt != nil {
			continue
		}
		s.InForce++
		on := r.ReviewOn
		switch left := on.Sub(l.now); {
		case left <= 0:
			s.Overdue++
			if s.OldestSince == nil || on.Before(*s.OldestSince) {
				s.OldestCode, s.OldestSince = r.Code, &on
			}
		case left <= DueSoon:
			s.DueSoon++
			if s.Earliest == nil || on.Before(*s.Earliest) {
				s.Earliest = &on
			}
		}
		switch r.Status {
		case Buffered:
			s.Buffered++
		case Releasing:
			s.Releasing++
			if asked == nil || r.Release.RequestedAt.Before(asked.RequestedAt) {
				asked, s.Waiting, s.Requester = r.Release, r.Code, r.Release.RequesterName
			}
		}
	}
	return s
}

// owners gives who owns a hold of the list, by name.
func (l *listing) owners() (out []account.Standing) {
	seen := map[id.User]bool{}
	for _, r := range l.rows {
		if r.Owner.User != 0 && !seen[r.OwnerID] {
			seen[r.OwnerID] = true
			out = append(out, r.Owner)
		}
	}
	slices.SortFunc(out, func(a, b account.Standing) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.User, b.User))
	})
	return out
}

// held counts the conversations that the holds in force of the list cover, each once.
func (l *listing) held(tx *db.Tx) (n int64, err error) {
	var holds []id.Hold
	for _, r := range l.rows {
		if r.ReleasedAt == nil {
			holds = append(holds, r.ID)
		}
	}
	if len(holds) == 0 {
		return 0, nil
	}
	err = tx.Model(&Item{}).Where("hold_id IN ?", holds).Distinct("conversation_id").Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count held conversations: %w", err)
	}
	return n, nil
}
