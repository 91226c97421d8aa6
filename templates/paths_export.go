package templates

import (
	"net/url"
	"strconv"
)

// Addresses of exports.
const (
	ExportsPath     = "/exports"
	ExportNewPath   = "/exports/new"
	ExportCheckPath = "/exports/check"
)

// ExportPath is the page of one export.
func ExportPath(export uint64) string { return ExportsPath + "/" + strconv.FormatUint(export, 10) }

// ExportActPath is where an act on an export is sent: decide, cancel, recall, prepare or download.
func ExportActPath(export uint64, act string) string { return ExportPath(export) + "/" + act }

// ExportOfPath is the form of a new export of one thing: a conversation, a hold, a batch or a draft.
func ExportOfPath(of string, which uint64) string {
	return ExportNewPath + "?" + of + "=" + strconv.FormatUint(which, 10)
}

// ExportOfSearchPath is the form of a new export of everything that a search finds.
func ExportOfSearchPath(s Search) string {
	return ExportNewPath + "?of=search" + conditionsAfter(s.Dated())
}

func conditionsAfter(s Search) (q string) {
	put := func(name, value string) {
		if value != "" {
			q += "&" + name + "=" + value
		}
	}
	s.asked(put)
	return q
}

// ExportFilter is what stands in the address of the list.
type ExportFilter struct {
	State, Format, Text string
	Mine                bool
}

// Path is the address of the list under the filter, from behind an export on; 0 begins with the newest.
func (f ExportFilter) Path(before uint64) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": f.State, "format": f.Format, "q": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Mine {
		q.Set("mine", "1")
	}
	if before != 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	if len(q) == 0 {
		return ExportsPath
	}
	return ExportsPath + "?" + q.Encode()
}

// Narrowed tells whether the filter hides anything.
func (f ExportFilter) Narrowed() bool { return f != ExportFilter{} }
