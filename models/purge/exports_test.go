package purge_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// The exported files that hold what is purged stand on the request and on the certificate, by name; the
// certificate takes effect when the last of those that have an end has ended.
func TestExportsAreNamedBeforeAndAfter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		until := clock.Time().AddDate(0, 0, 40)
		copies := []purge.ReachItem{{Name: "EX-20261122-001", Holder: "林静怡", Until: until}}
		asked := int64(0)
		w.desk.Exports = purge.ExportsOf(func(tx *db.Tx, conversations *gorm.DB) ([]purge.ReachItem, error) {
			if err := tx.Table("(?) AS q", conversations).Count(&asked).Error; err != nil || asked == 0 {
				return nil, err
			}
			return copies, nil
		}, func(i purge.ReachItem) purge.ReachItem { return i })
		p, err := w.desk.Preview(w.ctx(), w.supervisor, 0, []id.Batch{batch})
		w.must(err)
		if got := reachOf(p.Reach, purge.CopyExports); asked != 3 || got.State != purge.ReachExpires || len(got.Items) != 1 {
			t.Errorf("before it is asked for: %+v, of %d", got, asked)
		}
		r := w.approved(batch)
		g, err := w.desk.Get(w.ctx(), w.supervisor, r.ID)
		w.must(err)
		if got := reachOf(g.Reach, purge.CopyExports); asked != 3 || got.State != purge.ReachExpires || got.Items[0].Name != "EX-20261122-001" {
			t.Errorf("before it runs: %+v, of %d", got, asked)
		}
		c := w.certificate(r)
		got := reachOf(c.Body.Reach, purge.CopyExports)
		if asked != 3 || got.State != purge.ReachExpires || got.Until == nil || !got.Until.Equal(until) || !c.Body.EffectiveAt.Equal(until) {
			t.Errorf("on the certificate: %+v, effective %v", got, c.Body.EffectiveAt)
		}

		// One that somebody has fetched has no end, and holds nothing up.
		_, batch = w.expiredAs("w", 2)
		copies = append(copies[:1:1], purge.ReachItem{Name: "EX-20261122-002", Holder: "周敏"})
		copies[0].Until = clock.Time().Add(time.Hour)
		c = w.certificate(w.approved(batch))
		if got := reachOf(c.Body.Reach, purge.CopyExports); got.State != purge.ReachOutOfReach || got.Count != 2 || len(got.Items) != 2 || !got.Items[1].Until.IsZero() || got.Until != nil {
			t.Errorf("on the certificate: %+v", got)
		}
		if keys := reachOf(c.Body.Reach, purge.CopyKeyBackups).Until; !c.Body.EffectiveAt.Equal(*keys) {
			t.Errorf("effective %v, copies of the keys until %v", c.Body.EffectiveAt, keys)
		}
	})
}
