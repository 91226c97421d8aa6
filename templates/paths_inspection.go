package templates

import (
	"fmt"
	"net/url"
	"strconv"
)

// InspectionsPath is the list of inspections.
const InspectionsPath = "/inspections"

// InspectionPath is one inspection, by its code.
func InspectionPath(code string) string { return InspectionsPath + "/" + url.PathEscape(code) }

// InspectionTabPath is one view of an inspection; the empty tab is the overview.
func InspectionTabPath(code, tab string) string {
	if tab == "" {
		return InspectionPath(code)
	}
	return InspectionPath(code) + "?tab=" + tab
}

// InspectionActPath is where an act on an inspection is sent: draw, next, findings, sign or back.
func InspectionActPath(code, act string) string { return InspectionPath(code) + "/" + act }

// InspectionItemPath is one item of a sample.
func InspectionItemPath(code string, seq int) string {
	return InspectionPath(code) + "/items/" + strconv.Itoa(seq)
}

// InspectionFindingPath is where an act on a finding is sent: assign, answer or recheck.
func InspectionFindingPath(code string, n int, act string) string {
	return InspectionPath(code) + "/findings/" + strconv.Itoa(n) + "/" + act
}

// InspectionFindingPlace is where a finding stands.
func InspectionFindingPlace(code string, n int) string {
	return InspectionTabPath(code, "findings") + fmt.Sprintf("#F-%02d", n)
}

// InspectionFilePath is a file of an inspection: json or pdf.
func InspectionFilePath(code, kind string) string { return InspectionPath(code) + "." + kind }
