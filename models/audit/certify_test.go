package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

func TestACertificateIsSealedAndVerifiedOffline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		appendMany(t, d, 9)
		body := json.RawMessage(`{"code":"CERT-2026-0087","approvals":[{"person":"林静怡"},{"person":"周敏"}],"items":2100}`)
		sum, err := proof.Digest(proof.Certificate, body)
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			var err error
			n, err = AppendAt(tx, Entry{
				Action: "purge.certified", ObjectKind: "certificate", Object: "CERT-2026-0087",
				Data: map[string]any{proof.DigestField: hex.EncodeToString(sum[:])},
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		appendMany(t, d, 4)
		file, err := l.Certify(t.Context(), n, proof.Certificate, body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := proof.Verify(file, proof.Options{Keys: []string{l.Signer.Public()}})
		if err != nil || !r.OK || r.LeafIndex != 9 || r.LogSize != 14 || !r.LeafAt.Equal(dbtest.Start) {
			t.Errorf("%+v %v", r, err)
		}
		if _, err := l.Certify(t.Context(), n-1, proof.Certificate, body); !errors.Is(err, proof.ErrNotProvable) {
			t.Errorf("sealed with another leaf: %v", err)
		}
		if _, err := l.Certify(t.Context(), 14, proof.Certificate, body); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("sealed with a leaf that is not there: %v", err)
		}
	})
}

func TestAnExportedLogVerifiesOffline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		l := newLog(t, d)
		appendMany(t, d, 30)
		older, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		appendMany(t, d, scanBatch+17)
		var buf bytes.Buffer
		if err := l.Export(t.Context(), &buf); err != nil {
			t.Fatal(err)
		}
		r, err := proof.VerifyLog(&buf, proof.Options{Keys: []string{l.Signer.Public()}, Checkpoints: []string{older.Note}})
		if err != nil || !r.OK || r.LogSize != scanBatch+47 || r.Proven != 30 {
			t.Errorf("%+v %v", r, err)
		}
	})
}
