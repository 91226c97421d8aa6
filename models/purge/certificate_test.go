package purge_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/purge"
)

func TestTheCertificateCanBeVerifiedAndNotChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(5)
		r := w.approved(batch)
		w.hold(ids[0])
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		list, err := w.desk.Certificates(w.ctx(), w.agent, 0, 20)
		w.must(err)
		if len(list) != 1 || list[0].Code != "CERT-2026-0001" || list[0].Request != r.Code || list[0].Purged != 4 || list[0].Skipped != 1 {
			t.Fatalf("%+v", list)
		}
		c, err := w.desk.Certificate(w.ctx(), w.supervisor, list[0].ID)
		w.must(err)
		if bytes.Contains(c.File, []byte("CANARY")) || bytes.Contains(c.File, []byte("customer-")) {
			t.Error("the certificate holds words of a conversation")
		}
		signer, err := w.keys.Signer("qingdang.example.cn/log")
		w.must(err)
		result, err := proof.Verify(c.File, proof.Options{Keys: []string{signer.Public()}})
		w.must(err)
		if !result.OK || !result.Pinned || result.LeafIndex != c.Leaf {
			t.Fatalf("%+v", result)
		}
		for _, change := range [][2]string{
			{`"purged": 4`, `"purged": 5`}, {"worker-1", "worker-2"}, {w.supervisor.Name, w.cro.Name}, {"回收站到期清理", "回收站到期清除"}, {`"read": 4`, `"read": 9`},
		} {
			changed := bytes.Replace(c.File, []byte(change[0]), []byte(change[1]), 1)
			if bytes.Equal(changed, c.File) {
				t.Errorf("%s is not on the certificate", change[0])
				continue
			}
			if result, err := proof.Verify(changed, proof.Options{}); err != nil || result.OK || len(result.Problems) == 0 || !strings.HasPrefix(result.Problems[0].Pointer, "/body/") {
				t.Errorf("%s → %s passes: %+v %v", change[0], change[1], result.Problems, err)
			}
		}
		for i := 0; i < len(c.File); i += 97 {
			changed := bytes.Clone(c.File)
			changed[i] ^= 1
			if result, err := proof.Verify(changed, proof.Options{Keys: []string{signer.Public()}}); err == nil && result.OK {
				t.Fatalf("a changed byte at %d passes", i)
			}
		}
		for _, format := range []string{"json", "pdf"} {
			_, err := w.desk.CertificateFile(w.ctx(), w.supervisor, c.ID, format)
			w.must(err)
		}
		if n := w.count(&anyLeaf{}, "action = ? AND object = ? AND actor_id = ?", "certificate.downloaded", c.Code, w.supervisor.ID); n != 2 {
			t.Errorf("%d entries for two files", n)
		}
		elsewhere := accounttest.User(t, d, w.accounts, account.Agent, w.support)
		if _, err := w.desk.Certificate(w.ctx(), elsewhere, c.ID); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("from another department: %v", err)
		}
		if _, err := w.desk.CertificateFile(w.ctx(), elsewhere, c.ID, "pdf"); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a file from another department: %v", err)
		}
		if _, err := w.desk.CertificateOf(w.ctx(), w.agent, ids[1]); err != nil {
			t.Errorf("of a purged conversation: %v", err)
		}
		if _, err := w.desk.CertificateOf(w.ctx(), w.agent, ids[0]); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("of a skipped conversation: %v", err)
		}
		body, err := json.Marshal(c.Body)
		w.must(err)
		for _, section := range []string{"request", "manifest", "approvals", "cooling_off", "execution", "result", "residue", "verification", "reach", "notes"} {
			if !bytes.Contains(body, []byte(`"`+section+`":`)) {
				t.Errorf("no section %s", section)
			}
		}
	})
}

// The list, its root and the votes can be checked again at any time.
func TestTheCheckerNamesForgedVotesAndChangedLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		r := w.approved(batch)
		check := func() (forged, changed []string) {
			t.Helper()
			w.write(func(tx *db.Tx) (err error) {
				if forged, err = purge.ForgedVotes(tx, w.keys); err == nil {
					changed, err = purge.ChangedManifests(tx)
				}
				return err
			})
			return forged, changed
		}
		if forged, changed := check(); forged != nil || changed != nil {
			t.Errorf("untouched: %v %v", forged, changed)
		}
		w.set("UPDATE purge_item SET version = 7 WHERE purge_id = ? AND seq = 2", r.ID)
		w.set("UPDATE vote SET name = '别人' WHERE stage = 1")
		if forged, changed := check(); len(forged) != 1 || len(changed) != 1 || forged[0] != r.Code || changed[0] != r.Code {
			t.Errorf("touched: %v %v", forged, changed)
		}
	})
}
