package templates

import (
	"context"
	"strconv"
	"strings"
	"time"

	"qingdang/templates/locale"
)

// CertificatesView is the list of certificates.
type CertificatesView struct {
	Rows   []CertificateRow
	Next   uint64
	Before uint64
}

// CertificateRow is one certificate in the list. EffectiveAt is zero where it is not known.
type CertificateRow struct {
	ID          uint64
	Code        string
	Purge       uint64
	Request     string
	Purged      int64
	Skipped     int64
	IssuedAt    time.Time
	EffectiveAt time.Time
	Effective   bool
}

// CertificateView is a certificate on paper and on a page.
type CertificateView struct {
	ID           uint64
	Code         string
	Organisation string
	IssuedAt     time.Time
	EffectiveAt  time.Time
	Effective    bool // that instant is over
	Purge        uint64
	Request      string
	Reason       string
	Incident     string
	Batches      []string
	Departments  []PurgeResidue
	LastFrom     time.Time
	LastTo       time.Time
	Classes      []CertificateClass
	Root         string
	FrozenAt     time.Time
	Size         int64
	Messages     int64
	Attachments  int64
	Bytes        int64
	Excluded     []PurgeCount
	Purged       int64
	Skipped      int64
	Skips        []PurgeCount
	OutcomeRoot  string
	Buckets      int64 // whose keys were destroyed
	Survivors    int64 // keys that stayed, under fresh ones
	Residue      []CertificateResidue
	Steps        []CertificateStep
	Consents     []CertificateConsent
	Checks       []CertificateCheck
	Reach        ReachView
	Leaf         int64
	Digest       string
	FileDigest   string // of the evidence file, empty until it is sealed
	QR           [][]bool
	Notes        []string
}

// Sealed tells whether the evidence file is there.
func (v CertificateView) Sealed() bool { return v.FileDigest != "" }

// CertificateClass is a service type's share.
type CertificateClass struct {
	Name string
	N    int64
}

// CertificateResidue is what one batch left behind, and who let it be.
type CertificateResidue struct {
	Batch  string
	Count  int64
	Left   []PurgeResidue
	Who    string
	At     time.Time
	Reason string
}

// CertificateStep is a row of approvals and execution.
type CertificateStep struct {
	Key    string
	Who    string
	At     time.Time
	Until  time.Time
	Result string // in a person's words
	Words  Words  // in the console's
}

// CertificateConsent is what a vote was bound to.
type CertificateConsent struct {
	Key       string
	Root      string
	Policy    string
	ExpiresAt time.Time
}

// CertificateCheck is one look back.
type CertificateCheck struct {
	What  string
	Read  int64
	Found int64
	OK    bool
}

func (s CertificateStep) result(ctx context.Context) string {
	if s.Result != "" {
		return s.Result
	}
	return s.Words.In(ctx)
}

func (s CertificateStep) time(ctx context.Context) string {
	if s.Until.IsZero() {
		return locale.DateSec(ctx, s.At)
	}
	return locale.Span(ctx, locale.DateSec(ctx, s.At), locale.DateSec(ctx, s.Until))
}

// departmentPath writes a path as people read it.
func departmentPath(path string) string { return strings.ReplaceAll(path, "/", " / ") }

func certificatesPath(before uint64) string {
	if before == 0 {
		return CertificatesPath
	}
	return CertificatesPath + "?before=" + strconv.FormatUint(before, 10)
}
