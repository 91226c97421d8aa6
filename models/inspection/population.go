package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
)

// member is one item of a population.
type member struct {
	BatchID        id.Batch
	Code           string
	ConversationID id.Conversation
	DepartmentID   id.Department
}

func (m *member) name() string { return itemName(m.Code, m.ConversationID) }

// entered is everything that batches of [from, cut) put into the bin, whatever became of it. Rows of
// the bin are never deleted and a batch's time never changes, so the same bounds give the same list
// for ever; that is checked by its root.
func entered(tx *db.Tx, from, cut time.Time) *gorm.DB {
	return tx.Table("bin_item AS i").Joins("JOIN bin_batch AS b ON b.id = i.batch_id").
		Where("b.created_at >= ? AND b.created_at < ? AND i.state NOT IN ?", db.Instant(from), db.Instant(cut), []string{bin.ItemPending, bin.ItemSkipped})
}

// strataOf counts the population by batch.
func strataOf(tx *db.Tx, from, cut time.Time) (strata []Stratum, n int64, err error) {
	err = entered(tx, from, cut).Select("b.code AS batch, COUNT(*) AS population").Group("b.code").Order("b.code").Scan(&strata).Error
	if err != nil {
		return nil, 0, fmt.Errorf("count population: %w", err)
	}
	for _, s := range strata {
		n += s.Population
	}
	return strata, n, nil
}

// eachMember walks the population in its one order, by batch and conversation.
func eachMember(tx *db.Tx, from, cut time.Time, f func(*member) error) error {
	rows, err := entered(tx, from, cut).Select("i.batch_id, b.code, i.conversation_id, i.department_id").Order("i.batch_id, i.conversation_id").Rows()
	if err != nil {
		return fmt.Errorf("read population: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m member
		if err := rows.Scan(&m.BatchID, &m.Code, &m.ConversationID, &m.DepartmentID); err != nil {
			return fmt.Errorf("read population: %w", err)
		}
		if err := f(&m); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lot is a population with the sample that a seed draws from it.
type lot struct {
	strata []Stratum
	size   int64 // of the population
	root   string
	sample []member
}

// draw recomputes everything from the bin and the seed.
func draw(tx *db.Tx, seed string, from, cut time.Time) (*lot, error) {
	strata, n, err := strataOf(tx, from, cut)
	if err != nil {
		return nil, err
	}
	l := &lot{strata: Allocate(strata, SampleSize(n)), size: n}
	chosen := map[string]*smallest{}
	for _, s := range l.strata {
		chosen[s.Batch] = &smallest{n: s.Sample}
	}
	h := sha256.New()
	err = eachMember(tx, from, cut, func(m *member) error {
		name := m.name()
		fmt.Fprintln(h, name)
		chosen[m.Code].add(ranked{rank(seed, name), *m})
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.root = hex.EncodeToString(h.Sum(nil))
	for _, s := range l.strata {
		for _, r := range chosen[s.Batch].items {
			l.sample = append(l.sample, r.member)
		}
	}
	slices.SortFunc(l.sample, func(a, b member) int { return strings.Compare(a.name(), b.name()) })
	return l, nil
}

func (l *lot) names() []string {
	out := make([]string, len(l.sample))
	for i := range l.sample {
		out[i] = l.sample[i].name()
	}
	return out
}

// WritePopulation writes the list that the sample was drawn from, one item a line, and writes down
// before that somebody took it along. Its SHA-256 is the root in the log. The fault is forbidden but
// for those who run or sign, not-found, and a conflict before the sample is drawn.
func (d *Desk) WritePopulation(ctx context.Context, by account.Actor, code string, w io.Writer) error {
	if !looks(by) {
		return d.hidden(ctx, by, code, "inspection.downloaded", map[string]any{"format": "population"})
	}
	var i *Inspection
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if i, err = byCode(tx, code); err != nil {
			return err
		}
		if i.State == Opened {
			return i.changeable()
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "inspection.downloaded", ObjectKind: "inspection", Object: i.Code, Count: i.Population, Data: map[string]any{"format": "population"},
		})
	})
	if err != nil {
		return err
	}
	return d.DB.Read(ctx, func(tx *db.Tx) error {
		return eachMember(tx, *i.FromAt, *i.CutAt, func(m *member) error {
			_, err := fmt.Fprintln(w, m.name())
			return err
		})
	})
}
