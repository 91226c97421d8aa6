package templates

import (
	"net/url"
	"strconv"
)

// Addresses of cross-department access.
const (
	AccessPath    = "/access"
	AccessNewPath = "/access/new"
)

// AccessGrantPath is the page of one request for access.
func AccessGrantPath(grant uint64) string { return AccessPath + "/" + strconv.FormatUint(grant, 10) }

// AccessActPath is where an act on one is sent: decide or end.
func AccessActPath(grant uint64, act string) string { return AccessGrantPath(grant) + "/" + act }

// AccessNewOf is the form of a new request, of a kind, with the code that its reader typed elsewhere.
func AccessNewOf(kind, code string) string {
	q := url.Values{"kind": {kind}}
	if code != "" {
		q.Set("code", code)
	}
	return AccessNewPath + "?" + q.Encode()
}

// AccessFilter is what stands in the address of the list.
type AccessFilter struct{ Part, Text string }

// Path is the address of the list under the filter, from behind a request on; 0 begins with the newest.
func (f AccessFilter) Path(before uint64) string {
	q := url.Values{}
	if f.Part != "" {
		q.Set("part", f.Part)
	}
	if f.Text != "" {
		q.Set("q", f.Text)
	}
	if before != 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	if len(q) == 0 {
		return AccessPath
	}
	return AccessPath + "?" + q.Encode()
}
