package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
)

// Order is how uploaded files are to be imported. Department is where conversations go whose
// department is missing or unknown; 0 rejects them.
type Order struct {
	Format     string
	Department id.Department
}

// Upload is one file as it arrives.
type Upload struct {
	Name string
	Body io.Reader
}

const (
	mostFiles    = 50
	longestName  = 200
	defaultLimit = 8 << 30
	mostRequest  = 1 << 20
)

// arrived is an upload that lies sealed on disk.
type arrived struct {
	name, spool string
	key         []byte
	size        int64
	request     []byte
}

// Start takes files and gives the runs that will import them. next gives one file after the
// other and io.EOF at the end; each is sealed while it arrives. The faults are forbidden, and
// invalid for an unknown format or department, no file, too many or too large ones; then
// nothing of it is kept.
func (im *Imports) Start(ctx context.Context, by account.Actor, o Order, next func() (*Upload, error)) (runs []id.Import, err error) {
	if err := by.Require(account.ImportRun); err != nil {
		return nil, err
	}
	if err := im.check(ctx, by, o); err != nil {
		return nil, err
	}
	if err := im.ensureDir(); err != nil {
		return nil, err
	}
	var files []arrived
	defer func() {
		if err == nil {
			return
		}
		for _, f := range files {
			err = errors.Join(err, removeSpool(im.Dir, f.spool))
		}
	}()
	for {
		up, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(files) == mostFiles {
			return nil, fault.Invalid("import.too_many_files", mostFiles).On("files")
		}
		f := arrived{name: cleanName(up.Name), spool: newSpool()}
		if f.key, f.size, err = writeSpool(im.Dir, f.spool, up.Body, im.limit()); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fault.Invalid("import.no_file").On("files")
	}
	if files, err = im.companions(files); err != nil {
		return nil, err
	}
	err = im.DB.Write(ctx, func(tx *db.Tx) (err error) {
		runs, err = im.enqueue(tx, by, o, files)
		return err
	})
	return runs, err
}

func (im *Imports) limit() int64 {
	if im.Limits.MaxBytes > 0 {
		return im.Limits.MaxBytes
	}
	return defaultLimit
}

func (im *Imports) check(ctx context.Context, by account.Actor, o Order) error {
	if !slices.Contains(format.Formats, o.Format) {
		return fault.Invalid("import.unknown_format").On("format")
	}
	if o.Department == 0 {
		return nil
	}
	return im.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := department.Load(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		if t.Known(o.Department) != nil || !by.Scope.Has(o.Department) {
			return fault.Invalid("import.unknown_department").On("department")
		}
		return nil
	})
}

func cleanName(name string) string {
	name = strings.ToValidUTF8(filepath.Base(strings.ReplaceAll(name, "\\", "/")), "")
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	for utf8.RuneCountInString(name) > longestName {
		// The ending tells the format; the beginning is what is cut.
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	return name
}

// companions gives a Qianniu answer the request that came with it; a request is no file of
// its own then.
func (im *Imports) companions(files []arrived) ([]arrived, error) {
	requests := map[string]int{}
	for i, f := range files {
		if format.IsRequest(f.name) && f.size <= mostRequest {
			requests[f.name] = i
		}
	}
	used := map[int]bool{}
	for i := range files {
		at, ok := requests[format.RequestName(files[i].name)]
		if !ok || at == i {
			continue
		}
		b, err := im.content(files[at])
		if err != nil {
			return files, err
		}
		files[i].request, used[at] = b, true
	}
	var left []arrived
	for i, f := range files {
		if !used[i] {
			left = append(left, f)
			continue
		}
		if err := removeSpool(im.Dir, f.spool); err != nil {
			return files, err
		}
	}
	return left, nil
}

func (im *Imports) content(f arrived) ([]byte, error) {
	s, err := openSpool(im.Dir, f.spool, f.key, f.size)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(s, 0, f.size))
	return b, errors.Join(err, s.Close())
}

func (im *Imports) enqueue(tx *db.Tx, by account.Actor, o Order, files []arrived) ([]id.Import, error) {
	var runs []id.Import
	var codes []string
	var bytes int64
	for _, f := range files {
		r, err := im.insert(tx, by, o, f)
		if err != nil {
			return nil, err
		}
		runs, codes, bytes = append(runs, r.ID), append(codes, r.Code), bytes+r.Bytes
	}
	return runs, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "import.started", ObjectKind: "import", Object: codes[0], Department: o.Department, Count: int64(len(runs)),
		Data: map[string]any{"runs": codes, "bytes": bytes, "format": o.Format},
	})
}

func (im *Imports) insert(tx *db.Tx, by account.Actor, o Order, f arrived) (*row, error) {
	day := tx.Now.In(im.Zone).Format("20060102")
	n, err := db.Serial(tx, "IM", day)
	if err != nil {
		return nil, err
	}
	r := &row{
		Code: fmt.Sprintf("IM-%s-%03d", day, n), OwnerID: by.ID, DepartmentID: o.Department, State: RunWaiting, Asked: o.Format,
		Bytes: f.size, Spool: f.spool, CreatedAt: tx.Now,
	}
	s := source{Name: f.name, Key: f.key, Request: f.request, Everywhere: by.Scope.All}
	if !s.Everywhere {
		s.Departments = by.Scope.Departments.Values()
	}
	if r.Source, err = im.seal(f.spool, s); err != nil {
		return nil, err
	}
	if r.Details, err = im.seal(f.spool, details{}); err != nil {
		return nil, err
	}
	if err := tx.Create(r).Error; err != nil {
		return nil, fmt.Errorf("store run: %w", err)
	}
	r.JobID, err = job.Enqueue(tx, job.New{Kind: JobRun, Subject: uint64(r.ID), Object: r.Code, By: by.ID, Total: f.size, Solo: true})
	if err != nil {
		return nil, err
	}
	if err := tx.Model(r).Where("id = ?", r.ID).Update("job_id", r.JobID).Error; err != nil {
		return nil, fmt.Errorf("store run: %w", err)
	}
	return r, nil
}
