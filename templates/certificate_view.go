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

// CertificateRow is one certificate in the list.
type CertificateRow struct {
	ID       uint64
	Code     string
	Purge    uint64
	Request  string
	Purged   int64
	Skipped  int64
	IssuedAt time.Time
}

// CertificateView is a certificate on paper.
type CertificateView struct {
	ID           uint64
	Code         string
	Organisation string
	IssuedAt     time.Time
	Purge        uint64
	Request      string
	Reason       string
	Requester    PurgePerson
	RequestedAt  time.Time
	Scope        []string
	LastFrom     time.Time
	LastTo       time.Time
	Classes      []CertificateClass
	Root         string
	Size         int64
	Messages     int64
	Attachments  int64
	Bytes        int64
	Excluded     []PurgeCount
	Residue      []PurgeBatch
	Steps        []CertificateStep
	Purged       int64
	Skipped      int64
	Skips        []PurgeCount
	Checks       []CertificateCheck
	Reach        []CertificateReach
	Leaf         int64
	Digest       string
	QR           [][]bool
	Sealed       bool // the evidence file is there
}

// CertificateClass is a service type's share.
type CertificateClass struct {
	Name string
	N    int64
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

// CertificateCheck is one look back.
type CertificateCheck struct {
	What  string
	Read  int64
	Found int64
	OK    bool
}

// CertificateReach is one kind of copy and what became of it.
type CertificateReach struct{ Copy, State string }

func (v CertificateView) classes(ctx context.Context) string {
	parts := make([]string, len(v.Classes))
	for i, c := range v.Classes {
		parts[i] = c.Name + " " + locale.N(ctx, c.N)
	}
	return strings.Join(parts, " · ")
}

func (v CertificateView) scope() string {
	parts := make([]string, len(v.Scope))
	for i, p := range v.Scope {
		parts[i] = strings.ReplaceAll(p, "/", " / ")
	}
	return strings.Join(parts, "；")
}

func (v CertificateView) residue() (n int64) {
	for _, b := range v.Residue {
		n += b.ResidueCount
	}
	return n
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
	return locale.DateSec(ctx, s.At) + " ～ " + locale.DateSec(ctx, s.Until)
}

func leafNumber(n int64) string { return strconv.FormatInt(n, 10) }

func certificatesPath(before uint64) string {
	if before == 0 {
		return CertificatesPath
	}
	return CertificatesPath + "?before=" + strconv.FormatUint(before, 10)
}
