package purge_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/purge"
	"qingdang/models/words"
)

// What is erased counts no more from that moment on, although its terms and attributes are in the index until
// the purge scrubs it: not in the bin, not in a facet, not in a histogram, and not among what a word finds.
func TestWhatIsErasedCountsNoMore(t *testing.T) {
	for name, n := range map[string]int{"few": 6, "more than rows are asked for": 1100} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				w.store(chat{name: "neighbour"})
				_, kept := w.expiredAs("kept", 3) // frozen by a request that nobody approved yet
				_, batch := w.expired(n)
				w.request(w.agent, kept)
				r := w.approved(batch)
				w.folded()
				w.toTheEvening(r)
				s := &conversation.Conversations{DB: w.d, Vault: w.vault, Index: w.index}
				ask := func(text string, states ...conversation.State) *conversation.Page {
					t.Helper()
					q, err := words.Parse(text)
					w.must(err)
					p, err := s.Search(w.ctx(), w.legal, conversation.Query{
						Filter: conversation.Filter{Departments: account.Everywhere(), States: states}, Words: q, Zone: time.UTC, Size: 100,
					})
					w.must(err)
					return p
				}
				counts := func(text string, want int64) {
					t.Helper()
					if p := ask(text); p.Binned != want || p.Total != 1 {
						t.Errorf("%q: %d in the bin, %d found, want %d and 1", text, p.Binned, p.Total, want)
					}
					p := ask(text, conversation.Binned, conversation.Frozen, conversation.Purging)
					bars, types := int64(0), int64(0)
					for _, b := range p.Overview.Histogram.Bars {
						bars += b.Count
					}
					for _, n := range p.Overview.Types {
						types += n
					}
					if p.Total != want || bars != want || types != want || len(p.Rows) != int(min(want, 100)) {
						t.Errorf("%q: %d in all, %d in bars, %d by type, %d rows, want %d", text, p.Total, bars, types, len(p.Rows), want)
					}
				}
				counts("", int64(n+3))
				counts("canary", int64(n+3))
				for range 50 { // until everything is erased
					if w.now(r).Phase != "" && w.now(r).Phase != purge.PhaseErase {
						break
					}
					w.step(r)
					counts("", int64(n+3)-w.now(r).Purged)
					clock.Advance(time.Hour) // the one who took the job is dead
				}
				if got := w.now(r); got.Purged != int64(n) || !got.State.Executing() || w.count(&conversation.Conversation{}, "batch_id = ?", batch) != 0 {
					t.Fatalf("the drill shows nothing: %+v", got)
				}
				counts("", 3)
				counts("canary", 3)
				w.work()
				w.wantWhole(r)
				counts("", 3)
			})
		})
	}
}
