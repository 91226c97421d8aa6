package templates

import (
	"net/url"
	"strconv"
)

// Addresses of legal holds.
const (
	HoldsPath    = "/holds"
	HoldNewPath  = "/holds/new"
	HoldPickPath = "/holds/pick"
	HoldsCSVPath = "/holds/list.csv"
)

// HoldPath is the list with one hold beside it.
func HoldPath(hold uint64) string { return HoldsPath + "/" + strconv.FormatUint(hold, 10) }

// HoldActPath is where an act on a hold is sent: review, release, approve, reject or cancel.
func HoldActPath(hold uint64, act string) string { return HoldPath(hold) + "/" + act }

// Path is the address of the list under the filter.
func (f HoldFilter) Path(page int) string { return f.address(HoldsPath, page) }

func (f HoldFilter) address(path string, page int) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": f.State, "owner": f.Owner, "q": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
