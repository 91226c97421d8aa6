package inspection

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// The automatic checks, in the order in which they are shown.
const (
	ScanOverdue    = "overdue"    // in the bin long after its deadline, and nobody asked for a purge
	ScanUnapproved = "unapproved" // purged without the approvals of two people
	ScanHeld       = "held"       // binned or purged under a legal hold
	ScanRestores   = "restores"   // unusually many restored in one day
	ScanNight      = "night"      // binned by a person between 22:00 and 06:00
	ScanQuota      = "quota"      // more deletions of an agent in a month than allowed
	ScanCeiling    = "ceiling"    // there longer than the policy's ceiling, and under no hold
	ScanNeverKeep  = "never_keep" // data that must never be kept, found in a text
	mostScanned    = 20           // objects that are named
	overdueAfter   = 7 * 24 * time.Hour
	leastSpike     = 50
	nightFrom      = 22
	nightUntil     = 6
)

// Scan is one automatic check. Ran is false where there is no policy to check against. Unlooked is how many
// conversations nobody could look into, so that Count is at least what there is.
type Scan struct {
	Kind     string   `json:"kind"`
	Ran      bool     `json:"ran"`
	Level    string   `json:"level"`
	Count    int64    `json:"count"`
	Objects  []string `json:"objects"`
	Unlooked int64    `json:"unlooked,omitempty"`
}

// scanning is one run of all checks over [from, cut).
type scanning struct {
	tx        *db.Tx
	from, cut time.Time
	zone      *time.Location
}

func scan(tx *db.Tx, from, cut time.Time, zone *time.Location) ([]Scan, error) {
	s := &scanning{tx, from, cut, zone}
	var out []Scan
	for _, one := range []struct {
		kind, level string
		run         func() ([]string, int64, error)
	}{
		{ScanOverdue, Medium, s.overdue},
		{ScanUnapproved, High, s.unapproved},
		{ScanHeld, High, s.held},
		{ScanRestores, Low, s.restores},
		{ScanNight, Low, s.night},
		{ScanQuota, Medium, s.quota},
	} {
		objects, n, err := one.run()
		if err != nil {
			return nil, fmt.Errorf("automatic check %s: %w", one.kind, err)
		}
		out = append(out, Scan{Kind: one.kind, Ran: true, Level: one.level, Count: n, Objects: first(objects)})
	}
	ceiling, err := s.ceiling()
	if err != nil {
		return nil, err
	}
	never, err := s.neverKeep()
	return append(out, ceiling, never), err
}

// ceiling counts by department what is past its ceiling now.
func (s *scanning) ceiling() (Scan, error) {
	out := Scan{Kind: ScanCeiling, Level: Medium, Objects: []string{}}
	policy, err := retention.Load(s.tx)
	if err != nil || !policy.Bounded(retention.Ceiling) {
		return out, err
	}
	places, err := policy.PastPlaces(s.tx, retention.Ceiling)
	if err != nil {
		return out, err
	}
	out.Ran = true
	return out, s.fill(&out, places)
}

// fill adds up departments, and names those that have something.
func (s *scanning) fill(out *Scan, places []retention.Place) error {
	tree, err := department.Load(s.tx)
	if err != nil {
		return fmt.Errorf("load departments: %w", err)
	}
	var objects []string
	for _, p := range places {
		if out.Count, out.Unlooked = out.Count+p.Conversations, out.Unlooked+p.Unlooked; p.Conversations > 0 {
			objects = append(objects, fmt.Sprintf("%s (%d)", tree.Path(p.DepartmentID), p.Conversations))
		}
	}
	out.Objects = first(objects)
	return nil
}

func first(objects []string) []string {
	return append([]string{}, objects[:min(mostScanned, len(objects))]...)
}

// neverKeep counts by department what is in the archive and in the bin, as of now, with data that the policy
// says must not be kept. Nothing is opened: an import, or the walk through what was there before, has noted
// what each conversation holds. Where the policy names nothing the report says that nobody looked.
func (s *scanning) neverKeep() (Scan, error) {
	out := Scan{Kind: ScanNeverKeep, Level: High, Objects: []string{}}
	kinds, err := retention.NeverKeep(s.tx)
	if err != nil || kinds == 0 {
		return out, err
	}
	places, err := retention.Places(s.tx, kinds, func(q *gorm.DB) *gorm.DB { return q })
	if err != nil {
		return out, err
	}
	out.Ran = true
	return out, s.fill(&out, places)
}

// pairs is what most checks ask for: an object and how many conversations of it.
type pair struct {
	Object string
	N      int64
}

func sum(rows []pair) (objects []string, n int64) {
	for _, r := range rows {
		objects = append(objects, r.Object)
		n += r.N
	}
	return objects, n
}

func (s *scanning) overdue() ([]string, int64, error) {
	var rows []pair
	err := s.tx.Table("bin_item AS i").Joins("JOIN bin_batch AS b ON b.id = i.batch_id").
		Where("i.state = ? AND b.keep_until < ? AND b.created_at < ?", bin.ItemBinned, db.Instant(s.cut.Add(-overdueAfter)), db.Instant(s.cut)).
		Select("b.code AS object, COUNT(*) AS n").Group("b.code").Order("b.code").Scan(&rows).Error
	objects, n := sum(rows)
	return objects, n, err
}

func (s *scanning) unapproved() ([]string, int64, error) {
	var rows []pair
	err := s.tx.Raw(`SELECT p.code AS object, p.purged AS n FROM purge_request p WHERE p.purged > 0 AND p.state <> 'replayed' AND p.started_at >= ? AND p.started_at < ? AND NOT EXISTS (
		SELECT 1 FROM approval a
		JOIN vote s ON s.approval_id = a.id AND s.stage = 0 AND s.role = 'supervisor' AND s.verdict = 'approve' AND s.root = p.root
		JOIN vote l ON l.approval_id = a.id AND l.stage = 1 AND l.role = 'legal' AND l.verdict = 'approve' AND l.root = p.root
		WHERE a.kind = 'purge' AND a.subject = p.id AND a.root = p.root AND s.at <= p.started_at AND l.at <= p.started_at
		AND s.person_id <> l.person_id AND s.person_id <> p.requester_person AND l.person_id <> p.requester_person) ORDER BY p.code`,
		db.Instant(s.from), db.Instant(s.cut)).Scan(&rows).Error
	objects, n := sum(rows)
	return objects, n, err
}

func (s *scanning) held() ([]string, int64, error) {
	var rows []pair
	err := s.tx.Raw(`SELECT l.code AS object, COUNT(DISTINCT h.conversation_id) AS n FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id
		LEFT JOIN bin_item i ON i.conversation_id = h.conversation_id AND i.state IN ('binned', 'frozen', 'purged')
		LEFT JOIN bin_batch b ON b.id = i.batch_id
		LEFT JOIN tombstone t ON t.conversation_id = h.conversation_id
		WHERE (b.created_at >= ? AND b.created_at < ? AND b.created_at >= l.created_at AND (l.released_at IS NULL OR b.created_at < l.released_at))
		OR (t.created_at >= ? AND t.created_at < ? AND t.created_at >= l.created_at AND (l.released_at IS NULL OR t.created_at < l.released_at))
		GROUP BY l.code ORDER BY l.code`, db.Instant(s.from), db.Instant(s.cut), db.Instant(s.from), db.Instant(s.cut)).Scan(&rows).Error
	objects, n := sum(rows)
	return objects, n, err
}

// act is an entry of the log.
type act struct {
	At        time.Time
	ActorID   id.User
	ActorName string
	ItemCount int64
}

// acts counts what entries of the log tell, under the name that key gives each.
func (s *scanning) acts(role string, actions []string, key func(at time.Time, a act) string) (map[string]int64, map[string]int64, error) {
	q := s.tx.Table("audit_leaf").Where("at >= ? AND at < ? AND result = 'ok' AND action IN ?", db.Instant(s.from), db.Instant(s.cut), actions)
	if role != "" {
		q = q.Where("actor_role = ?", role)
	}
	var rows []act
	if err := q.Select("at, actor_id, actor_name, item_count").Order("n").Scan(&rows).Error; err != nil {
		return nil, nil, err
	}
	times, items := map[string]int64{}, map[string]int64{}
	for _, r := range rows {
		k := key(r.At.In(s.zone), r)
		times[k]++
		items[k] += r.ItemCount
	}
	return times, items, nil
}

// restores names the days on which at least leastSpike were restored, and more than three times what
// a day of the time has on average.
func (s *scanning) restores() ([]string, int64, error) {
	_, items, err := s.acts("", []string{"batch.restored", "batch.undone", "conversation.restored"}, func(at time.Time, _ act) string { return at.Format(time.DateOnly) })
	var all int64
	for _, n := range items {
		all += n
	}
	days := max(1, int64(s.cut.Sub(s.from).Hours()/24))
	var objects []string
	var n int64
	for _, day := range slices.Sorted(maps.Keys(items)) {
		if items[day] >= leastSpike && items[day]*days > 3*all {
			objects, n = append(objects, day), n+items[day]
		}
	}
	return objects, n, err
}

func (s *scanning) night() ([]string, int64, error) {
	var rows []bin.Batch
	err := s.tx.Select("id", "code", "created_at", "moved").Where("owner_id <> 0 AND created_at >= ? AND created_at < ?", db.Instant(s.from), db.Instant(s.cut)).Order("id").Find(&rows).Error
	var objects []string
	var n int64
	for _, b := range rows {
		if hour := b.CreatedAt.In(s.zone).Hour(); hour >= nightFrom || hour < nightUntil {
			objects, n = append(objects, b.Code), n+1
		}
	}
	return objects, n, err
}

func (s *scanning) quota() ([]string, int64, error) {
	// Two people of one name are two people.
	names := map[string]string{}
	times, _, err := s.acts("agent", []string{"batch.discarded", "batch.started", "conversation.discarded"}, func(at time.Time, a act) string {
		month := at.Format("2006-01")
		k := month + " " + id.String(a.ActorID)
		names[k] = a.ActorName + " " + month
		return k
	})
	var objects []string
	for _, who := range slices.Sorted(maps.Keys(times)) {
		if times[who] > bin.AgentQuota {
			objects = append(objects, names[who])
		}
	}
	return objects, int64(len(objects)), err
}

// keepScans turns what the checks found into findings; it tells how many.
func (i *Inspection) keepScans(tx *db.Tx, scans []Scan) (n int64, err error) {
	for _, s := range scans {
		if s.Count == 0 {
			continue
		}
		objects, err := json.Marshal(s.Objects)
		if err != nil {
			return 0, err
		}
		f := Finding{Kind: s.Kind, Level: s.Level, ItemCount: s.Count, Objects: string(objects)}
		if err := i.find(tx, &f); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
