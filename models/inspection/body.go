package inspection

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
)

// Body is what the report of an inspection says, version 1. Its members are the sections that
// `qingdang verify` names when one was changed. It holds numbers, names, codes and what auditors and
// owners wrote, never a word of a conversation. A change here changes the bytes of reports: then the
// format needs a new version.
type Body struct {
	Code         string          `json:"code"`
	Organisation string          `json:"organisation"`
	Quarter      BodyQuarter     `json:"quarter"`
	Commitment   BodyCommitment  `json:"commitment"`
	Population   BodyPopulation  `json:"population"`
	Sample       BodySample      `json:"sample"`
	Items        []BodyItem      `json:"items"`
	Scans        []Scan          `json:"scans"`
	Findings     []BodyFinding   `json:"findings"`
	Signatures   []BodySignature `json:"signatures"`
	ResultRoot   string          `json:"result_root"`
	SignedAt     *time.Time      `json:"signed_at,omitempty"`
	Log          BodyLog         `json:"log"`
	Notes        []string        `json:"notes"`
}

// BodyQuarter is the quarter, both days included, and the instants between which the population lies.
type BodyQuarter struct {
	First string    `json:"first_day"`
	Last  string    `json:"last_day"`
	Zone  string    `json:"zone"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	DueAt time.Time `json:"due_at"`
}

// BodyCommitment is the seed's hash as it was written into the log, and the seed.
type BodyCommitment struct {
	SHA256   string    `json:"sha256"`
	Entry    int64     `json:"entry"`
	OpenedAt time.Time `json:"opened_at"`
	OpenedBy string    `json:"opened_by"`
	Seed     string    `json:"seed"`
}

// BodyPopulation is the frozen list.
type BodyPopulation struct {
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Strata int64  `json:"batches"`
}

// BodySample is how the sample was drawn.
type BodySample struct {
	Method  string    `json:"method"`
	Size    int64     `json:"size"`
	Root    string    `json:"root"`
	DrawnAt time.Time `json:"drawn_at"`
	DrawnBy string    `json:"drawn_by"`
	Strata  []Stratum `json:"strata"`
}

// BodyItem is one item of the sample and what was said of it.
type BodyItem struct {
	Item    string     `json:"item"`
	Code    string     `json:"conversation"`
	State   string     `json:"state_when_checked"`
	Verdict string     `json:"verdict"`
	Level   string     `json:"level"`
	Words   string     `json:"words"`
	By      string     `json:"by"`
	At      *time.Time `json:"at,omitempty"`
}

// BodyFinding is a finding as it stood when the report was signed.
type BodyFinding struct {
	Code       string     `json:"code"`
	Kind       string     `json:"kind"`
	Item       string     `json:"item"`
	Level      string     `json:"level"`
	Words      string     `json:"words"`
	Count      int64      `json:"count"`
	Objects    []string   `json:"objects"`
	State      string     `json:"state"`
	Owner      string     `json:"owner"`
	DueAt      *time.Time `json:"due_at,omitempty"`
	Answer     string     `json:"answer"`
	AnsweredBy string     `json:"answered_by"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
	Remark     string     `json:"remark"`
	ClosedBy   string     `json:"closed_by"`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
}

// BodySignature is one of the two people who signed. Root is of everything above.
type BodySignature struct {
	Role    account.Role `json:"role"`
	Name    string       `json:"name"`
	StaffNo string       `json:"staff_no"`
	Opinion string       `json:"opinion"`
	At      time.Time    `json:"at"`
	Root    string       `json:"root"`
}

// BodyLog is the head of the log that the last signature saw.
type BodyLog struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// lateAfter is how long after the quarter's start a commitment is still said to be at its start.
const lateAfter = 24 * time.Hour

// result makes the part of the report that is signed, and its fingerprint. The same inspection gives
// the same bytes.
func (d *Desk) result(tx *db.Tx, i *Inspection) (text, root string, err error) {
	body, err := d.unsigned(tx, i)
	if err != nil {
		return "", "", err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return "", "", fmt.Errorf("encode report: %w", err)
	}
	return string(data), fingerprint(string(data)), nil
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (d *Desk) unsigned(tx *db.Tx, i *Inspection) (*Body, error) {
	items, findings, err := i.rows(tx)
	if err != nil {
		return nil, err
	}
	strata, err := i.StrataList()
	if err != nil {
		return nil, err
	}
	scans, err := i.ScanList()
	if err != nil {
		return nil, err
	}
	day := func(t time.Time) string { return t.In(d.zone()).Format(time.DateOnly) }
	b := &Body{
		Code: i.Code, Organisation: d.Organisation,
		Quarter: BodyQuarter{
			First: day(i.FirstAt), Last: day(i.EndAt.Add(-time.Second)), Zone: d.zone().String(), From: i.FromAt.UTC(), Until: i.CutAt.UTC(), DueAt: i.DueAt.UTC(),
		},
		Commitment: BodyCommitment{i.Commitment, i.CommitLeaf, i.OpenedAt.UTC(), i.OpenedName, i.Seed},
		Population: BodyPopulation{i.Population, i.PopulationRoot, i.Batches},
		Sample:     BodySample{Method, i.Sample, i.SampleRoot, i.DrawnAt.UTC(), i.DrawnName, append([]Stratum{}, strata...)},
		Items:      []BodyItem{}, Scans: append([]Scan{}, scans...), Findings: []BodyFinding{}, Signatures: []BodySignature{}, Notes: i.notes(scans),
	}
	for n := range items {
		it := &items[n]
		b.Items = append(b.Items, BodyItem{it.Name(), it.Shown(), it.ItemState, it.Verdict, it.Level, it.Words, it.CheckedName, utc(it.CheckedAt)})
	}
	names := map[int]string{}
	for n := range items {
		names[items[n].Seq] = items[n].Name()
	}
	for n := range findings {
		f := &findings[n]
		b.Findings = append(b.Findings, BodyFinding{
			f.Code(), f.Kind, names[f.Seq], f.Level, f.Words, f.ItemCount, append([]string{}, f.Codes()...), f.State, f.OwnerName, utc(f.DueAt),
			f.Answer, f.AnsweredName, utc(f.AnsweredAt), f.Remark, f.ClosedName, utc(f.ClosedAt),
		})
	}
	return b, nil
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// rows reads the sample and the findings.
func (i *Inspection) rows(tx *db.Tx) (items []Item, findings []Finding, err error) {
	if err := tx.Where("inspection_id = ?", i.ID).Order("seq").Find(&items).Error; err != nil {
		return nil, nil, fmt.Errorf("read sample: %w", err)
	}
	if err := tx.Where("inspection_id = ?", i.ID).Order("n").Find(&findings).Error; err != nil {
		return nil, nil, fmt.Errorf("read findings: %w", err)
	}
	return items, findings, nil
}

// notes are the honest remarks, as codes.
func (i *Inspection) notes(scans []Scan) []string {
	out := []string{"no_content"}
	for _, s := range scans {
		switch {
		case s.Kind == ScanNeverKeep && !s.Ran:
			out = append(out, "never_keep_skipped")
		case s.Unlooked > 0:
			out = append(out, "never_keep_unlooked")
		}
	}
	if i.OpenedAt.After(i.FirstAt.Add(lateAfter)) {
		out = append(out, "committed_late")
	}
	if i.CutAt != nil && i.CutAt.Before(i.EndAt) {
		out = append(out, "cut_early")
	}
	if i.FromAt != nil && i.FromAt.Before(i.FirstAt) {
		out = append(out, "carried_over")
	}
	return out
}

// ReadBody reads a stored report.
func (i *Inspection) ReadBody() (*Body, error) {
	text := i.Body
	if text == "" {
		text = i.Result
	}
	var b Body
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return nil, fmt.Errorf("read report of %s: %w", i.Code, err)
	}
	return &b, nil
}
