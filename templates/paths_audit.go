package templates

import (
	"net/url"
	"strconv"
)

// Addresses of the audit log and of audit reports.
const (
	AuditPath       = "/audit"
	AuditCSVPath    = "/audit/entries.csv"
	AuditProofPath  = "/audit/proof"
	AuditCheckPath  = "/audit/check"
	AuditBundlePath = "/audit/proof/log.jsonl"
	ReportsPath     = "/reports"
)

// AuditFilter is what the address of the audit log says. Action is an act, or a class of acts
// with "class." before it.
type AuditFilter struct {
	Text, From, To, Action, Result, Actor string
	Size                                  int
}

func (f AuditFilter) values() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"q": f.Text, "from": f.From, "to": f.To, "action": f.Action, "result": f.Result, "actor": f.Actor} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Size != 0 {
		q.Set("size", strconv.Itoa(f.Size))
	}
	return q
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Path is the list with this filter.
func (f AuditFilter) Path() string { return withQuery(AuditPath, f.values()) }

// CSVPath is the same list as a file.
func (f AuditFilter) CSVPath() string {
	f.Size = 0
	return withQuery(AuditCSVPath, f.values())
}

// PagePath is one page of the list. At is how many entries stand before it, only for the
// numbers of the pager.
func (f AuditFilter) PagePath(cursor string, at int64) string {
	q := f.values()
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if at > 0 {
		q.Set("at", strconv.FormatInt(at, 10))
	}
	return withQuery(AuditPath, q)
}

// AuditEntryPath is the entry with number n, beside nothing but the newest entries.
func AuditEntryPath(n int64) string {
	return withQuery(AuditPath, url.Values{"row": {strconv.FormatInt(n, 10)}})
}

// AuditCheckpointPath is the signed text of a checkpoint.
func AuditCheckpointPath(size int64) string {
	return AuditProofPath + "/checkpoints/" + strconv.FormatInt(size, 10)
}

// ReportPath is an audit report on paper.
func ReportPath(report uint64) string { return ReportsPath + "/" + strconv.FormatUint(report, 10) }

// ReportFilePath is its evidence file.
func ReportFilePath(report uint64) string { return ReportPath(report) + ".json" }

// ReportCSVPath is its figures for spreadsheets.
func ReportCSVPath(report uint64) string { return ReportPath(report) + ".csv" }

// ReportXLSXPath is its figures as a workbook.
func ReportXLSXPath(report uint64) string { return ReportPath(report) + ".xlsx" }

// ReportPDFPath is the report on paper, drawn by the server.
func ReportPDFPath(report uint64) string { return ReportPath(report) + ".pdf" }

// ReportListPath is the list of reports behind one of them.
func ReportListPath(before uint64) string {
	if before == 0 {
		return ReportsPath
	}
	return withQuery(ReportsPath, url.Values{"before": {strconv.FormatUint(before, 10)}})
}
