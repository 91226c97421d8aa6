package inspection

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

const sealSeed = "inspection seed"

// Open begins the inspection of the present quarter: a secret seed is made and its hash written into
// the log, before anybody can know what the quarter's items will be. The timer does the same at the
// quarter's start. The fault is forbidden but for audit, and a conflict when it is open already.
func (d *Desk) Open(ctx context.Context, by account.Actor) (*Inspection, error) {
	if err := runs(by); err != nil {
		return nil, err
	}
	return d.open(ctx, by)
}

func (d *Desk) open(ctx context.Context, by account.Actor) (i *Inspection, err error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, fmt.Errorf("make a seed: %w", err)
	}
	seed := hex.EncodeToString(secret[:])
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		q := QuarterOf(tx.Now, d.zone())
		first, end, due := q.Bounds(d.zone())
		i = &Inspection{
			Code: q.Code(), State: Opened, FirstAt: first, EndAt: end, DueAt: due, Commitment: commitment(q.Code(), seed),
			SeedSealed: d.Keys.SealSmall(sealSeed, []byte(q.Code()), []byte(seed)), CommitLeaf: -1, Leaf: -1,
			OpenedBy: by.ID, OpenedName: by.Name, OpenedAt: tx.Now,
		}
		if err := tx.Create(i).Error; err != nil {
			return fmt.Errorf("open inspection: %w", err)
		}
		leaf, err := audit.AppendAt(tx, audit.Entry{
			Actor: by.Audit(), Action: "inspection.opened", ObjectKind: "inspection", Object: i.Code,
			Data: map[string]any{"seed_commitment": i.Commitment, "quarter_from": first, "quarter_until": end, "method": Method},
		})
		if err != nil {
			return err
		}
		i.CommitLeaf = leaf
		// The leaf's number is known only now; the head of the log stays locked until the commit.
		return tx.Model(&Inspection{}).Where("id = ?", i.ID).Update("commit_leaf", leaf).Error
	})
	if db.Duplicate(err) {
		return nil, fault.Conflict("inspection.open_already")
	}
	if err != nil {
		return nil, err
	}
	return i, nil
}

// settleTime is how long after a day's end its last transactions are certainly over.
const settleTime = 10 * time.Minute

// Draw freezes the population, reveals the seed and draws the sample; the automatic checks look at
// the same time. Before the quarter's end the population ends with yesterday, and what comes later is
// the next inspection's. The fault is forbidden but for audit, not-found, a conflict when it was drawn
// before, when a batch of the time is still being moved, and when it is early and there is nothing yet.
func (d *Desk) Draw(ctx context.Context, by account.Actor, code string) (*Inspection, error) {
	if err := runs(by); err != nil {
		return nil, err
	}
	return d.draw(ctx, by, code)
}

func (d *Desk) draw(ctx context.Context, by account.Actor, code string) (*Inspection, error) {
	var i *Inspection
	var l *lot
	var scans []Scan
	// The list up to a past instant does not change, so it is read without holding up anybody.
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if i, err = byCode(tx, code); err != nil {
			return err
		}
		if i.State != Opened {
			return fault.Conflict("inspection.drawn_already")
		}
		if err := d.bounds(tx, i); err != nil {
			return err
		}
		if i.Seed, err = d.seed(i); err != nil {
			return err
		}
		if l, err = draw(tx, i.Seed, *i.FromAt, *i.CutAt); err != nil {
			return err
		}
		if l.size == 0 && i.CutAt.Before(i.EndAt) {
			return fault.Conflict("inspection.nothing_yet")
		}
		scans, err = scan(tx, *i.FromAt, *i.CutAt, d.zone())
		return err
	})
	if err != nil {
		return nil, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := locked(tx, code)
		if err != nil {
			return err
		}
		if now.State != Opened {
			return fault.Conflict("inspection.drawn_already")
		}
		return i.keep(tx, by, l, scans)
	})
	if err != nil {
		return nil, err
	}
	return i, nil
}

// bounds says from when to when items are looked at.
func (d *Desk) bounds(tx *db.Tx, i *Inspection) error {
	now := tx.Now.In(d.zone())
	cut := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, d.zone())
	if now.Sub(cut) < settleTime {
		cut = cut.AddDate(0, 0, -1)
	}
	if cut.After(i.EndAt) {
		cut = i.EndAt
	}
	cut = cut.UTC()
	from, err := fromOf(tx, i)
	if err != nil {
		return err
	}
	if !cut.After(from) {
		return fault.Conflict("inspection.too_early")
	}
	var moving []string
	err = tx.Model(&bin.Batch{}).Where("created_at >= ? AND created_at < ? AND state = ?", from, cut, bin.Running).Order("id").Limit(1).Pluck("code", &moving).Error
	switch {
	case err != nil:
		return fmt.Errorf("look for batches under way: %w", err)
	case len(moving) > 0:
		return fault.Conflict("inspection.batch_moving", moving[0])
	}
	i.FromAt, i.CutAt = &from, &cut
	return nil
}

// fromOf is the quarter's start, or where the inspection before it stopped early: nothing falls
// between two.
func fromOf(tx *db.Tx, i *Inspection) (time.Time, error) {
	var before []Inspection
	err := tx.Select("id", "cut_at").Where("first_at < ? AND cut_at IS NOT NULL", i.FirstAt).Order("first_at DESC").Limit(1).Find(&before).Error
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the inspection before: %w", err)
	}
	if len(before) == 1 && before[0].CutAt.Before(i.FirstAt) {
		return before[0].CutAt.UTC(), nil
	}
	return i.FirstAt.UTC(), nil
}

var errSeed = errors.New("inspection: the seed is not the one that was committed")

func (d *Desk) seed(i *Inspection) (string, error) {
	plain, err := d.Keys.OpenSmall(sealSeed, []byte(i.Code), i.SeedSealed)
	if err != nil {
		return "", fmt.Errorf("open the seed of %s: %w", i.Code, err)
	}
	if commitment(i.Code, string(plain)) != i.Commitment {
		return "", errSeed
	}
	return string(plain), nil
}

// keep writes what was drawn and found.
func (i *Inspection) keep(tx *db.Tx, by account.Actor, l *lot, scans []Scan) error {
	items, err := i.items(tx, l)
	if err != nil {
		return err
	}
	if len(items) > 0 {
		if err := tx.Create(&items).Error; err != nil {
			return fmt.Errorf("store sample: %w", err)
		}
	}
	strata, err := json.Marshal(l.strata)
	if err != nil {
		return err
	}
	told, err := json.Marshal(scans)
	if err != nil {
		return err
	}
	i.State, i.Population, i.Batches, i.PopulationRoot = Drawn, l.size, int64(len(l.strata)), l.root
	i.Sample, i.SampleRoot, i.Strata, i.Scans = int64(len(l.sample)), sampleRoot(l.names()), string(strata), string(told)
	i.DrawnBy, i.DrawnName, i.DrawnAt = by.ID, by.Name, &tx.Now
	err = tx.Model(i).Where("state = ?", Opened).Select("state", "seed", "from_at", "cut_at", "population", "batches", "population_root", "sample", "sample_root", "strata", "scans", "drawn_by", "drawn_name", "drawn_at").Updates(i).Error
	if err != nil {
		return fmt.Errorf("store sample: %w", err)
	}
	found, err := i.keepScans(tx, scans)
	if err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "inspection.drawn", ObjectKind: "inspection", Object: i.Code, Count: i.Sample,
		Data: map[string]any{
			"seed": i.Seed, "seed_commitment": i.Commitment, "commitment_entry": i.CommitLeaf, "method": Method, "from": *i.FromAt, "until": *i.CutAt,
			"population": i.Population, "population_root": i.PopulationRoot, "batches": i.Batches, "sample_root": i.SampleRoot, "findings": found,
		},
	})
}

// items makes the rows of the sample, with the platform while somebody still knows it.
func (i *Inspection) items(tx *db.Tx, l *lot) ([]Item, error) {
	ids := make([]id.Conversation, 0, len(l.sample))
	for _, m := range l.sample {
		ids = append(ids, m.ConversationID)
	}
	platforms := map[id.Conversation]string{}
	for _, table := range []struct{ name, id string }{{"tombstone", "conversation_id"}, {"conversation", "id"}} {
		var rows []struct {
			ID       id.Conversation
			Platform string
		}
		if len(ids) == 0 {
			break
		}
		if err := tx.Table(table.name).Where(table.id+" IN ?", ids).Select(table.id + " AS id, platform").Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read platforms: %w", err)
		}
		for _, r := range rows {
			platforms[r.ID] = r.Platform
		}
	}
	out := make([]Item, len(l.sample))
	for n, m := range l.sample {
		out[n] = Item{
			InspectionID: i.ID, Seq: n + 1, BatchID: m.BatchID, BatchCode: m.Code, ConversationID: m.ConversationID,
			Platform: platforms[m.ConversationID], DepartmentID: m.DepartmentID,
		}
	}
	return out, nil
}

// Shown is the code of the item's conversation as people know it.
func (i *Item) Shown() string { return conversation.Code(i.ConversationID, i.Platform) }
