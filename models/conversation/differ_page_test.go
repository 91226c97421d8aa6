package conversation_test

import (
	"fmt"

	"qingdang/models/account"
	"qingdang/models/conversation"
)

// numbered asks for pages by their numbers, of which one may not be there, and compares them with the list and with
// what walking from page to page gave. Where the rows can be asked, they must say the same.
func (m *mirror) numbered(q question, by account.Actor, list []*plain, walked []*conversation.Page) {
	m.t.Helper()
	last := max((len(list)+q.Size-1)/q.Size, 1)
	q.Cursor = ""
	for range 2 {
		q.Number = 1 + m.rnd.IntN(last+2)
		where := fmt.Sprint("number ", q.Number, " of ", last)
		p := m.page(by, q.Query)
		m.asked.pages++
		at := 0
		if p.Exact {
			at = (min(q.Number, last) - 1) * q.Size
			m.asked.numbered++
		}
		m.same(&q, where, list[at:min(at+q.Size, len(list))], p)
		if p.Total != walked[0].Total || p.Skipped != int64(at) {
			m.t.Fatalf("%s: %s: %d passed over of %d, want %d of %d", describe(&q), where, p.Skipped, p.Total, at, walked[0].Total)
		}
		before, next := p.Newer, p.Older
		if q.Oldest {
			before, next = next, before
		}
		if (at > 0) != (before != "") || (at+q.Size < len(list)) != (next != "") {
			m.t.Fatalf("%s: %s: older %q, newer %q", describe(&q), where, p.Older, p.Newer)
		}
		if k := at / q.Size; k < len(walked) && (p.Older != walked[k].Older || k > 0 && p.Newer != walked[k].Newer) {
			m.t.Fatalf("%s: %s: %q and %q lead on, walking %q and %q", describe(&q), where, p.Newer, p.Older, walked[k].Newer, walked[k].Older)
		}
		if q.Words.HasTerms() {
			continue
		}
		bare := conversation.Conversations{DB: m.d, Vault: m.s.Vault}
		r, err := bare.Search(m.t.Context(), by, q.Query)
		if err != nil {
			m.t.Fatal(err)
		}
		m.same(&q, where+" of the rows", list[at:min(at+q.Size, len(list))], r)
		if r.Plan.Way != conversation.WayRows || r.Skipped != p.Skipped || r.Newer != p.Newer || r.Older != p.Older {
			m.t.Fatalf("%s: %s: %d passed over, %q and %q lead on", describe(&q), where, r.Skipped, r.Newer, r.Older)
		}
		m.asked.unindexed++
	}
}
