package purge

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	flags "flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/account"
	"qingdang/models/audit/proof"
	"qingdang/models/id"
)

var update = flags.Bool("update", false, "write golden files that are missing; none is ever written anew")

// golden holds bytes that leave the machine to those that version 1 wrote. The files are never
// written anew: whoever needs other bytes gives the format a new version, keeps reading the old
// one, and adds its file beside this one with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "v1", name)
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *update {
		want, err = got, os.WriteFile(path, got, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what version 1 wrote. Certificates that were given out would no longer fit: this change needs a new version of the format.\n%s", name, got)
	}
}

// The certificate of an invented purge, byte by byte, with its list file. Both verifiers read them
// in the tests of cmd/qingdang-verify.
func TestTheBytesOfACertificateStay(t *testing.T) {
	items := goldenItems()
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	paths := map[id.Department]string{41: "云栖优品集团/杭州分公司", 42: "=云栖优品集团/南京分公司"}
	rows := [][]string{csvHead}
	for i := range items {
		rows = append(rows, items[i].record(paths))
	}
	if err := out.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	golden(t, "items.csv", append([]byte("\ufeff"), file.Bytes()...))

	body, err := json.Marshal(goldenBody(items))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "certificate.json", sealed(t, body))
}

func goldenItems() []Item {
	at := time.Date(2026, 3, 1, 2, 20, 30, 987654000, time.UTC)
	items := make([]Item, 5)
	for n := range items {
		digest := sha256.Sum256(fmt.Append(nil, n))
		items[n] = Item{
			Seq: int64(n), ConversationID: id.Conversation(1_772_300_000+int64(n)*90_000)<<20 | id.Conversation(n+1), Version: uint32(n + 1), Digest: digest[:],
			DepartmentID: 41, Platform: "qianniu", ServiceType: "咨询", Messages: 10 * (n + 1), Attachments: n, Bytes: int64(1000 * (n + 1)),
			LastAt: at.AddDate(0, 0, n), State: Purged,
		}
	}
	items[1].DepartmentID, items[1].Platform, items[1].ServiceType = 42, "wecom", "'售后, \"退款\"\n=1+1"
	items[3].State, items[3].Reason = Skipped, Held
	items[4].State, items[4].Reason, items[4].ServiceType = Skipped, Version, ""
	return items
}

func goldenBody(items []Item) Body {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 14, 9, 123456000, time.UTC) }
	moment := func(day, hour int) *time.Time { v := at(day, hour); return &v }
	var outcomes proof.Lines
	for i := range items {
		outcomes.Add(items[i].outcome(nil))
	}
	root, became := rootOf(items), outcomes.Root()
	vote := func(stage int, who BodyPerson, day int, opinion string) BodyApproval {
		return BodyApproval{Stage: stage, Person: who, At: at(day, 2), Verdict: "approve", Opinion: opinion, Root: hexOf(root[:]), PolicyVersion: hexOf(bytes.Repeat([]byte{7}, 32)), ExpiresAt: at(day+7, 2)}
	}
	supervisor, legal := BodyPerson{"林静怡", "10482", account.Supervisor}, BodyPerson{"周敏", "10077", account.Legal}
	f := reachFacts{until: at(25, 18), lists: 2, backups: []ReachItem{{Name: "qingdang-keys-0a1b2c3d-20261117T180000Z.keybackup", Holder: "operator", Until: at(24, 18)}}}
	copies := reach(whenDone, f)
	copies[2] = Reach{Copy: CopyIndex, State: ReachNone, Why: "no_index", Items: []ReachItem{}} // as before there was one
	return Body{
		Code: "CERT-2026-0087", IssuedAt: at(18, 18), EffectiveAt: at(25, 18), Organisation: "云栖优品集团",
		Request: BodyRequest{
			Code: "PG-20261110-001", Reason: "回收站到期清理", Incident: "INC-2026-003", Requester: BodyPerson{"高翔", "20417", account.Agent}, RequestedAt: at(10, 1),
			ScopeKind: Organisation, Batches: []string{"SC-20261102-004"}, LastFrom: items[0].LastAt, LastTo: items[4].LastAt,
		},
		Manifest: BodyManifest{
			Root: hexOf(root[:]), Size: 5, Messages: 150, Attachments: 10, Bytes: 15000, FrozenAt: at(10, 1),
			Departments: []BodyDepartment{{"42", "=云栖优品集团/南京分公司", 1}, {"41", "云栖优品集团/杭州分公司", 4}},
			Classes:     []BodyClass{{"", 1}, {"'售后, \"退款\"\n=1+1", 1}, {"咨询", 3}},
		},
		Approvals: []BodyApproval{vote(1, supervisor, 11, "同意"), vote(2, legal, 13, "同意，已核对法务保留")},
		Cooling:   BodyCooling{Hours: 72, From: at(13, 2), Until: at(16, 2), Confirmed: &legal, ConfirmedAt: moment(16, 4)},
		Execution: BodyExecution{StartedAt: at(18, 17), KeysDestroyedAt: moment(18, 17), FinishedAt: at(18, 18), Worker: "worker-2", AtOnce: true},
		Result:    BodyResult{Purged: 3, Skipped: 2, OutcomeRoot: hexOf(became[:]), BucketsDestroyed: 2, Survivors: 31},
		Exclusions: BodyExclusions{
			WhenFrozen: map[Reason]int64{Held: 12, Order: 3}, WhenRun: map[Reason]int64{Held: 1, Version: 1},
		},
		Residue: []BodyResidue{{
			Batch: "SC-20261102-004", Count: 6, Departments: []BodyDepartment{{"43", "云栖优品集团/杭州分公司/二店", 6}},
			Acknowledged: &BodyAcknowledge{Person: BodyPerson{Name: "林静怡", StaffNo: "10482"}, At: at(2, 3), Reason: "二店另行处理"},
		}},
		Verification: []Check{{CheckManifest, 5, 5, true}, {CheckSum, 5, 5, true}, {CheckRows, 3, 0, true}, {CheckBuckets, 2, 2, true}},
		Reach:        copies, Notes: notes(),
	}
}

// sealed gives the evidence file of a certificate that stands in a log of five leaves.
func sealed(t *testing.T, body json.RawMessage) []byte {
	t.Helper()
	digest, err := proof.Digest(proof.Certificate, body)
	if err != nil {
		t.Fatal(err)
	}
	var edge proof.Edge
	var nodes nodeList
	var leaves [][]byte
	for n := range 5 {
		data := map[string]any{}
		if n == 2 {
			data[proof.DigestField] = hexOf(digest[:])
		}
		leaf, err := proof.Canonical(map[string]any{"v": int64(proof.LeafVersion), "n": int64(n), "at": "2026-11-18T18:14:09.123456Z", "action": "certificate.issued", "data": data})
		if err != nil {
			t.Fatal(err)
		}
		leaves, nodes = append(leaves, leaf), append(nodes, edge.Add(tlog.RecordHash(leaf))...)
	}
	key := goldenKey(t)
	checkpoint, err := proof.Sign(key, edge.Size(), edge.Root())
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(edge.Size(), 2, nodes)
	if err != nil {
		t.Fatal(err)
	}
	file, err := proof.Seal(proof.Certificate, body, key, checkpoint.Note, leaves[2], 2, path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

type nodeList []tlog.Hash

func (n nodeList) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, n[i])
	}
	return out, nil
}

// fixedKey signs the same in every run.
type fixedKey struct {
	note.Verifier
	key    ed25519.PrivateKey
	public string
}

func (k fixedKey) Sign(text []byte) ([]byte, error) { return ed25519.Sign(k.key, text), nil }
func (k fixedKey) Public() string                   { return k.public }

func goldenKey(t *testing.T) fixedKey {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	public, err := note.NewEd25519VerifierKey("qingdang.test/evidence", key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return fixedKey{v, key, public}
}
