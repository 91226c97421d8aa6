package report_test

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// A letter says what the records say, to those who may see the conversation, and the log knows of it.
func TestALetterSaysWhatTheRecordsSay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newShop(t, d, clock)
		r := s.story()
		var gone []id.Conversation
		s.must(d.Read(s.ctx(), func(tx *db.Tx) error {
			return tx.Model(&conversation.Tombstone{}).Order("conversation_id").Pluck("conversation_id", &gone).Error
		}))
		left := s.conversations()
		l, err := s.evidence.Letter(s.ctx(), s.supervisor, gone[0])
		s.must(err)
		floor := l.LastAt.AddDate(0, 0, 183)
		if !l.Purged || l.Request != r.Code || l.Certificate != "CERT-2026-0001" || l.Reason != "回收站到期清理，已超过保留期" || l.ServiceType != "咨询" || l.FloorDays != 183 ||
			!l.FloorUntil.Equal(floor) || l.LastAt.Year() != 2021 || l.Messages != 1 || l.BinnedAt.After(l.PurgedAt) || l.Incident || l.Organisation != "云栖优品集团" {
			t.Errorf("%+v", l)
		}
		// The page of the batch names it by the same number, though the conversation is gone.
		var batches []id.Batch
		s.must(d.Read(s.ctx(), func(tx *db.Tx) error {
			return tx.Model(&bin.Item{}).Where("conversation_id = ?", gone[0]).Pluck("batch_id", &batches).Error
		}))
		items, err := s.bin.BatchItems(s.ctx(), s.supervisor, batches[0], bin.View{State: bin.ItemPurged})
		s.must(err)
		if i := slices.IndexFunc(items.Rows, func(r bin.ItemRow) bool { return r.ConversationID == gone[0] }); i < 0 || items.Rows[i].Code != l.Code || items.Rows[i].Conversation != nil {
			t.Errorf("%+v", items.Rows)
		}
		for _, c := range left[:1] {
			if _, err := s.evidence.Letter(s.ctx(), s.supervisor, c.ID); fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("of a conversation in the archive: %v", err)
			}
		}
		for _, by := range []account.Actor{s.elsewhere, s.it} {
			if _, err := s.evidence.Letter(s.ctx(), by, gone[0]); err == nil {
				t.Errorf("%s of elsewhere has the letter", by.Role)
			}
		}
		var resting conversation.Conversation
		for _, c := range s.conversations() {
			if c.DepartmentID == s.sales && c.State == conversation.Active {
				resting = c
			}
		}
		s.discard(resting.ID)
		l, err = s.evidence.Letter(s.ctx(), s.auditor, resting.ID)
		s.must(err)
		if l.Purged || l.Certificate != "" || l.Reason != "超过保留期，季度清理" || !l.KeepUntil.Equal(l.BinnedAt.Add(7*24*time.Hour)) || l.Code != resting.Code() {
			t.Errorf("%+v", l)
		}
		written, refused := 0, 0
		for _, leaf := range s.leaves() {
			switch {
			case leaf.Action != "letter.written":
			case leaf.Result == audit.ResultRefused:
				refused++
			default:
				written++
			}
		}
		if written != 2 || refused != 1 { // the administrator's try ends at the door of the page
			t.Errorf("%d letters and %d refusals stand in the log", written, refused)
		}
	})
}
