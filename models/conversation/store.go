package conversation

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
)

// New is a conversation as an import brings it. The messages are in order of time and
// there is at least one.
type New struct {
	Platform     string
	DepartmentID id.Department
	ServiceType  string
	OrderState   OrderState
	AgentID      string
	AgentName    string
	Tags         []string
	Document     Document
}

// Outcome is what Store did with one conversation.
type Outcome struct {
	ID       id.Conversation // 0 when Purged
	Created  bool
	Changed  bool // created, or given something new
	Messages int  // messages that were new
	Purged   bool // it was destroyed before and stays so (invariant I15)
}

var counter atomic.Uint64

func init() { counter.Store(rand.Uint64()) }

func newID(startedAt time.Time) id.Conversation {
	return id.Conversation(uint64(startedAt.Unix())<<counterBits | counter.Add(1)&(1<<counterBits-1))
}

// Store adds the conversations, or to those that are there the messages that are new.
// No two of them may be the same conversation. A conversation that was purged is left out.
func Store(tx *db.Tx, v Vault, batch []New) ([]Outcome, error) {
	macs := make([][]byte, len(batch))
	for i := range batch {
		macs[i] = v.ExternalMAC(batch[i].Platform, batch[i].Document.ExternalID)
	}
	out := make([]Outcome, len(batch))
	// The rows first: this waits for a purge step that holds one of them, and only then is its
	// tombstone seen (invariant I15).
	known, err := lockKnown(tx, batch, macs)
	if err != nil {
		return nil, err
	}
	if err := markPurged(tx, batch, macs, out); err != nil {
		return nil, err
	}
	if err := lockPlaces(tx, v, batch, macs, known, out); err != nil {
		return nil, err
	}
	var fresh []addition
	for i := range batch {
		switch old := known[string(macs[i])]; {
		case out[i].Purged:
		case old != nil:
			version := old.Version
			if out[i], err = merge(tx, v, old, &batch[i]); err != nil {
				return nil, err
			}
			if out[i].Changed {
				if err := index.Changed(tx, old.Version != version, old.ID); err != nil {
					return nil, err
				}
			}
		default:
			a := newAddition(v, tx.Now, macs[i], &batch[i])
			out[i] = Outcome{ID: a.row.ID, Created: true, Changed: true, Messages: a.row.Messages}
			fresh = append(fresh, a)
		}
	}
	return out, insert(tx, v, fresh)
}

func markPurged(tx *db.Tx, batch []New, macs [][]byte, out []Outcome) error {
	var stones []Tombstone
	if err := tx.Where(named(tx, batch, macs)).Find(&stones).Error; err != nil {
		return fmt.Errorf("look for tombstones: %w", err)
	}
	for _, s := range stones {
		for i := range macs {
			if bytes.Equal(macs[i], s.ExternalMAC) {
				out[i].Purged = true
			}
		}
	}
	return nil
}

func lockKnown(tx *db.Tx, batch []New, macs [][]byte) (map[string]*Conversation, error) {
	var rows []Conversation
	if err := tx.ForUpdate().Where(named(tx, batch, macs)).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for known conversations: %w", err)
	}
	known := make(map[string]*Conversation, len(rows))
	for i := range rows {
		known[string(rows[i].ExternalMAC)] = &rows[i]
	}
	return known, nil
}

// named is the condition that a row is one of the batch. It names the platform, though the MAC
// covers it, because the indexes begin with it: without, every import reads the whole table.
func named(tx *db.Tx, batch []New, macs [][]byte) *gorm.DB {
	of := map[string][][]byte{}
	for i := range batch {
		of[batch[i].Platform] = append(of[batch[i].Platform], macs[i])
	}
	either := tx.Where("1 = 0")
	for _, platform := range slices.Sorted(maps.Keys(of)) {
		either = either.Or("platform = ? AND external_mac IN ?", platform, of[platform])
	}
	return either
}

// addition is one conversation on its way into four tables.
type addition struct {
	row *Conversation
	new *New
}

func newAddition(v Vault, now time.Time, mac []byte, n *New) addition {
	first, last := n.Document.Messages[0].At.Time(), n.Document.Messages[len(n.Document.Messages)-1].At.Time()
	return addition{new: n, row: &Conversation{
		ID: newID(first), Platform: n.Platform, ExternalMAC: mac,
		DepartmentID: n.DepartmentID,
		ServiceType:  n.ServiceType, State: Active, OrderState: n.OrderState,
		AgentID: n.AgentID, AgentName: n.AgentName, CustomerMAC: v.CustomerMAC(n.Document.CustomerID),
		StartedAt: first, LastAt: last, Messages: len(n.Document.Messages), Attachments: attachments(n.Document.Messages),
		Version: 1, ContentMAC: v.contentMAC(mac, n.Document.Messages), CreatedAt: now,
	}}
}

func attachments(messages []Message) int {
	n := 0
	for _, m := range messages {
		if m.Attachment != "" {
			n++
		}
	}
	return n
}

func insert(tx *db.Tx, v Vault, fresh []addition) error {
	if len(fresh) == 0 {
		return nil
	}
	rows := make([]*Conversation, len(fresh))
	for i, a := range fresh {
		rows[i] = a.row
	}
	places, err := takeBuckets(tx, v, rows)
	if err != nil {
		return err
	}
	bodies, keys, err := sealAll(v, fresh, places)
	if err != nil {
		return err
	}
	if err := tx.CreateInBatches(rows, 500).Error; err != nil {
		return fmt.Errorf("store conversations: %w", err)
	}
	// Some servers take packets of 16 MB at most, and bodies may be large.
	for part := range packets(bodies) {
		if err := tx.Create(part).Error; err != nil {
			return fmt.Errorf("store bodies: %w", err)
		}
	}
	if err := tx.CreateInBatches(keys, 500).Error; err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	if err := tagAll(tx, fresh); err != nil {
		return err
	}
	ids := make([]id.Conversation, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return index.Changed(tx, true, ids...)
}

func tagAll(tx *db.Tx, fresh []addition) error {
	byName := map[string][]id.Conversation{}
	for _, a := range fresh {
		for _, name := range a.new.Tags {
			if !slices.Contains(byName[name], a.row.ID) {
				byName[name] = append(byName[name], a.row.ID)
			}
		}
	}
	return addTags(tx, byName)
}

// addTags gives each named tag, created where missing, to its conversations.
func addTags(tx *db.Tx, byName map[string][]id.Conversation) error {
	if len(byName) == 0 {
		return nil
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	tags, err := ensureTags(tx, names)
	if err != nil {
		return err
	}
	var rows []ConversationTag
	for _, t := range tags {
		for _, c := range byName[t.Name] {
			rows = append(rows, ConversationTag{TagID: t.ID, ConversationID: c})
		}
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, 1000).Error; err != nil {
		return fmt.Errorf("store tags: %w", err)
	}
	return nil
}

func ensureTags(tx *db.Tx, names []string) ([]Tag, error) {
	var tags []Tag
	if err := tx.Where("name IN ?", names).Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("find tags: %w", err)
	}
	var missing []Tag
	for _, n := range names {
		if !slices.ContainsFunc(tags, func(t Tag) bool { return t.Name == n }) {
			missing = append(missing, Tag{Name: n})
		}
	}
	if len(missing) == 0 {
		return tags, nil
	}
	// Somebody else may create the same tag now: whoever is second takes what is there.
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&missing).Error; err != nil {
		return nil, fmt.Errorf("create tags: %w", err)
	}
	tags = nil
	if err := tx.Where("name IN ?", names).Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("find tags: %w", err)
	}
	return tags, nil
}

// Tag is a label of conversations.
type Tag struct {
	ID   id.Tag `gorm:"primaryKey"`
	Name string
}

// TableName is tag.
func (Tag) TableName() string { return "tag" }

// ConversationTag says that a conversation has a tag.
type ConversationTag struct {
	TagID          id.Tag          `gorm:"primaryKey;autoIncrement:false"`
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is conversation_tag.
func (ConversationTag) TableName() string { return "conversation_tag" }
