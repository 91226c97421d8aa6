package templates

import (
	"net/url"
	"strconv"
)

// Addresses of customers' requests for deletion.
const (
	SubjectsPath   = "/deletion-requests"
	SubjectNewPath = "/deletion-requests/new"
)

// SubjectPath is the page of one request.
func SubjectPath(request uint64) string {
	return SubjectsPath + "/" + strconv.FormatUint(request, 10)
}

// SubjectLinesPath is its page with the conversations of one place, "" for all, from a page on.
func SubjectLinesPath(request uint64, place string, page int) string {
	q := url.Values{}
	if place != "" {
		q.Set("place", place)
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return SubjectPath(request)
	}
	return SubjectPath(request) + "?" + q.Encode()
}

// SubjectActPath is where an act on a request is sent: customer, answered, bin or lift.
func SubjectActPath(request uint64, act string) string { return SubjectPath(request) + "/" + act }

// SubjectAnswerPath is the answer to the customer.
func SubjectAnswerPath(request uint64) string { return SubjectPath(request) + "/answer" }

// SubjectAnswerPDFPath is the answer as a file in a language.
func SubjectAnswerPDFPath(request uint64, lang string) string {
	return SubjectAnswerPath(request) + ".pdf?lang=" + lang
}

// SubjectFilter narrows the list. State is empty for all.
type SubjectFilter struct{ State string }

// Path is the address of the list under the filter.
func (f SubjectFilter) Path(page int) string {
	q := url.Values{}
	if f.State != "" {
		q.Set("state", f.State)
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return SubjectsPath
	}
	return SubjectsPath + "?" + q.Encode()
}
