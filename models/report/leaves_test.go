package report

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every handler that gives a file calls a use case whose act counts as leaving. A new way out is a line here, or
// the test says so.
var waysOut = map[string]string{
	"audit.go File":                 "audit.downloaded",
	"audit.go Bundle":               "audit.log_exported",
	"audit.go Checkpoint":           "", // a signed fingerprint, of nobody
	"batch_impact.go Exclusions":    "batch.list_downloaded",
	"certificate.go file":           "certificate.downloaded",
	"export_fetch.go Download":      "export.downloaded",
	"hold.go File":                  "hold.listed",
	"import.go Rejects":             "import.list_downloaded",
	"inspection.go file":            "inspection.downloaded",
	"inspection.go Population":      "inspection.downloaded",
	"purge_execute.go ManifestFile": "purge.list_downloaded",
	"report.go Show":                "report.downloaded",
	"report_letter.go Show":         "letter.written",
	"subject.go AnswerFile":         "subject.answer_written",
}

var (
	handlerBegins = regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?(\w+)\(`)
	givesFile     = regexp.MustCompile(`attachment\(c,|HeaderContentDisposition, `)
)

func TestEveryWayOutIsCounted(t *testing.T) {
	files, err := filepath.Glob("../../handlers/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range givesFile.FindAllIndex(text, -1) {
			before := handlerBegins.FindAllSubmatch(text[:at[0]], -1)
			if f := string(before[len(before)-1][1]); f != "attachment" {
				found[filepath.Base(name)+" "+f] = true
			}
		}
	}
	for way := range found {
		if _, known := waysOut[way]; !known {
			t.Errorf("%s gives a file; which act counts it?", way)
		}
	}
	programs := sources(t)
	for way, act := range waysOut {
		if !found[way] {
			t.Errorf("%s gives no file any more", way)
		}
		if act == "" {
			continue
		}
		if !leaves(act) {
			t.Errorf("%s: %s does not count as leaving", way, act)
		}
		if !slices.ContainsFunc(programs, func(text string) bool { return strings.Contains(text, `"`+act+`"`) }) {
			t.Errorf("%s: nobody writes %s down", way, act)
		}
	}
}

// sources are the programs of all models.
func sources(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}
