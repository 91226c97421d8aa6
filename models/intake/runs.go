package intake

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
)

// JobRun is the kind of the jobs that carry out an uploaded import.
const JobRun = "import.run"

// The states of a run. What its job says comes on top of Waiting.
const (
	RunWaiting    = "waiting"
	RunDone       = "done"
	RunUnreadable = "unreadable" // the file as a whole could not be read; nothing was stored
	RunCancelled  = "cancelled"
)

// Keys seals what a run keeps about its file. *seal.Store fits.
type Keys interface {
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
}

// Imports are imports of uploaded files: they lie sealed in Dir until the worker has stored
// what they bring. Limits bound one file.
type Imports struct {
	DB       *db.DB
	Importer *Importer
	Keys     Keys
	Dir      string // for the sealed uploads
	TempDir  string // for what a large file is sorted in, sealed too
	Limits   format.Limits
	Zone     *time.Location
}

// row is one uploaded file. Source and Details are sealed: file names and positions can tell
// of people.
type row struct {
	ID                 id.Import `gorm:"primaryKey"`
	Code               string
	JobID              id.Job
	OwnerID            id.User
	DepartmentID       id.Department
	State              string
	Asked              string // the format that was chosen
	Format             string // the one that was found
	Bytes              int64
	Tries              int
	Spool              string
	Source             []byte
	Conversations      int
	Messages           int
	Duplicates         int
	Events             int
	Rejected           int
	Recalled           int
	AddedConversations int64
	AddedMessages      int64
	PurgedBefore       int64
	Details            []byte
	CreatedAt          time.Time `gorm:"autoCreateTime:false"`
	FinishedAt         *time.Time
}

// TableName is import_run.
func (row) TableName() string { return "import_run" }

// source is what the worker needs of an upload. After it, only the name is kept.
type source struct {
	Name        string          `json:"name"`
	Key         []byte          `json:"key,omitempty"`
	Request     []byte          `json:"request,omitempty"`
	Everywhere  bool            `json:"everywhere,omitempty"` // the scope of the person who started it
	Departments []id.Department `json:"departments,omitempty"`
}

// details are the parts of a report that have no column.
type details struct {
	Rejects []format.Reject `json:"rejects,omitempty"`
	More    int             `json:"more,omitempty"`
	Error   string          `json:"error,omitempty"` // key of what was wrong with the file
	Args    []any           `json:"args,omitempty"`
}

const runPurpose = "import run"

func (im *Imports) seal(spool string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode run: %w", err)
	}
	return im.Keys.SealSmall(runPurpose, []byte(spool), plain), nil
}

func (im *Imports) open(spool string, sealed []byte, into any) error {
	plain, err := im.Keys.OpenSmall(runPurpose, []byte(spool), sealed)
	if err != nil {
		return fmt.Errorf("open run: %w", err)
	}
	return json.Unmarshal(plain, into)
}

func newSpool() string { return rand.Text() }

// Run is an import of one file as people see it.
type Run struct {
	ID         id.Import
	Code       string
	State      string // a state of a run, or for a waiting one that of its job
	Name       string
	Owner      string
	Department id.Department
	Asked      string
	Bytes      int64
	Tries      int
	Job        job.Job
	Report     Report
	CreatedAt  time.Time
	FinishedAt time.Time
}

// Over tells whether nothing more will happen.
func (r *Run) Over() bool { return r.State != RunWaiting && r.Job.Over() }

func (im *Imports) run(tx *db.Tx, r row, names map[id.User]account.Standing) (*Run, error) {
	run := &Run{
		ID: r.ID, Code: r.Code, State: r.State, Owner: names[r.OwnerID].Name, Department: r.DepartmentID, Asked: r.Asked, Bytes: r.Bytes, Tries: r.Tries, CreatedAt: r.CreatedAt,
		Report: Report{AddedConversations: r.AddedConversations, AddedMessages: r.AddedMessages, PurgedBefore: r.PurgedBefore},
	}
	run.Report.Format, run.Report.Conversations, run.Report.Messages, run.Report.Duplicates = r.Format, r.Conversations, r.Messages, r.Duplicates
	run.Report.Events, run.Report.Rejected, run.Report.Recalled = r.Events, r.Rejected, r.Recalled
	if r.FinishedAt != nil {
		run.FinishedAt = *r.FinishedAt
	}
	var s source
	if err := im.open(r.Spool, r.Source, &s); err != nil {
		return nil, err
	}
	run.Name = s.Name
	var d details
	if err := im.open(r.Spool, r.Details, &d); err != nil {
		return nil, err
	}
	run.Report.Rejects, run.Report.RejectsMore = d.Rejects, d.More
	for i, a := range d.Args {
		if n, ok := a.(float64); ok { // JSON knows no whole numbers
			d.Args[i] = int64(n)
		}
	}
	if d.Error != "" {
		run.Report.FileError = &format.FileError{Key: d.Error, Args: d.Args}
	}
	j, err := job.Find(tx, r.JobID)
	if err != nil {
		return nil, err
	}
	run.Job = *j
	if r.State == RunWaiting {
		run.State = string(j.State)
	}
	return run, nil
}

// Sweep removes uploads that nobody waits for any more, as of now. The worker does it every hour.
func (im *Imports) Sweep(ctx context.Context) error {
	var now time.Time
	err := im.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	return im.sweep(ctx, now)
}

// sweep removes uploads that nobody waits for: their upload broke off, or their run is over.
// What is younger than an hour may still be arriving.
func (im *Imports) sweep(ctx context.Context, now time.Time) error {
	const youngest = time.Hour
	names, err := spools(im.Dir, now.Add(-youngest).Unix())
	if err != nil || len(names) == 0 {
		return err
	}
	var kept []string
	err = im.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Table("import_run r").Joins("JOIN job j ON j.id = r.job_id").
			Where("r.spool IN ? AND r.state = ? AND j.state IN ?", names, RunWaiting, []job.State{job.Queued, job.Running}).Pluck("r.spool", &kept).Error
	})
	if err != nil {
		return fmt.Errorf("find waiting uploads: %w", err)
	}
	waiting := map[string]bool{}
	for _, k := range kept {
		waiting[k] = true
	}
	for _, n := range names {
		if waiting[n] {
			continue
		}
		if err := removeSpool(im.Dir, n); err != nil {
			return err
		}
	}
	return nil
}

// ensureDir makes the folder of the uploads.
func (im *Imports) ensureDir() error {
	if err := os.MkdirAll(im.Dir, 0o700); err != nil {
		return fmt.Errorf("folder of uploads: %w", err)
	}
	return nil
}
