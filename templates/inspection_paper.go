package templates

import (
	"context"
	"strconv"
	"strings"
	"time"

	"qingdang/paper"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// InspectionReport is the report of an inspection, for the page and the PDF. Before it is signed
// Signed is zero.
type InspectionReport struct {
	Code, Organisation             string
	Year, Quarter                  int
	First, Last, Zone              string
	From, Until, DueAt             time.Time
	Commitment, Seed               string
	Entry                          int64
	OpenedAt, DrawnAt, SignedAt    time.Time
	OpenedBy, DrawnBy              string
	Population, Batches            int64
	Root, SampleRoot, Method       string
	Sample                         int64
	Strata                         []InspectionStratum
	Items                          []InspectionItem
	Scans                          []InspectionScan
	Findings                       []InspectionFinding
	Signers                        []InspectionSigner
	ResultRoot, Digest, FileDigest string
	Leaf                           int64
	LogSize                        int64
	LogRoot                        string
	Notes                          []string
}

// InspectionStratum is one batch's share.
type InspectionStratum struct {
	Batch              string
	Population, Sample int64
}

// InspectionPDF draws a report in the language of ctx. The same report gives the same bytes.
func InspectionPDF(ctx context.Context, r InspectionReport) ([]byte, error) {
	return inspectionDoc(ctx, r).PDF()
}

func inspectionDoc(ctx context.Context, r InspectionReport) paper.Doc {
	return paper.Doc{
		Owner: locale.T(ctx, "common.app") + " · " + r.Organisation, OwnerNote: locale.T(ctx, "common.tagline"),
		Code: r.Code, CodeNote: locale.T(ctx, "inspection.signed_at", locale.DateSec(ctx, r.SignedAt), locale.ZoneName(ctx, r.SignedAt)),
		Title: locale.T(ctx, "inspection.report_title"), Subtitle: locale.T(ctx, "inspection.title", entry(int64(r.Year)), r.Quarter),
		Stamp: locale.T(ctx, "status.inspection.signed"), Lead: []string{inspectionLead(ctx, r)}, Sections: inspectionSections(ctx, r),
		Foot:     []string{r.Code + ".json SHA-256 " + fingerprint(r.FileDigest), locale.T(ctx, "inspection.foot", r.Organisation, r.Code)},
		Page:     locale.T(ctx, "certificate.page"),
		Replaced: locale.T(ctx, "certificate.replaced"), Created: r.SignedAt,
	}
}

// inspectionLead counts what was checked; before the signatures some items may not be, and those are not
// without a problem.
func inspectionLead(ctx context.Context, r InspectionReport) string {
	var fine, problems, open int64
	for _, i := range r.Items {
		switch i.Verdict {
		case "problem":
			problems++
		case "":
			open++
		default:
			fine++
		}
	}
	if open > 0 {
		return locale.T(ctx, "inspection.lead_open", r.Population, r.Sample, fine, problems, open, int64(len(r.Findings)))
	}
	return locale.T(ctx, "inspection.lead", r.Population, r.Sample, fine, problems, int64(len(r.Findings)))
}

// inspectionSections are what the page and the PDF both show.
func inspectionSections(ctx context.Context, r InspectionReport) []paper.Section {
	title := func(key string) string { return locale.T(ctx, "inspection.section_"+key) }
	return []paper.Section{
		{Title: title("scope"), Facts: inspectionScope(ctx, r)},
		{Title: title("sample"), Facts: inspectionSample(ctx, r), Table: inspectionStrata(ctx, r)},
		{Title: title("scans"), Table: inspectionScans(ctx, r)},
		inspectionFindings(ctx, r),
		{Title: title("signatures"), Table: inspectionSigners(ctx, r)},
		{Title: title("proof"), Facts: inspectionProof(ctx, r)},
		{Title: title("items"), Table: inspectionItems(ctx, r)},
		{Title: title("notes"), Lines: inspectionNotes(ctx, r)},
	}
}

func inspectionScope(ctx context.Context, r InspectionReport) []paper.Fact {
	return []paper.Fact{
		{Term: locale.T(ctx, "inspection.quarter"), Text: locale.Span(ctx, r.First, r.Last) + " (" + r.Zone + ")"},
		{Term: locale.T(ctx, "inspection.entered"), Text: locale.Span(ctx, locale.DateSec(ctx, r.From), locale.DateSec(ctx, r.Until.Add(-time.Second)))},
		{Term: locale.T(ctx, "inspection.population"), Text: locale.T(ctx, "inspection.population_size", r.Population, r.Batches)},
		{Term: locale.T(ctx, "inspection.list_root"), Text: fingerprint(r.Root), Mono: true},
		{Term: locale.T(ctx, "inspection.due"), Text: locale.Day(ctx, r.DueAt)},
	}
}

func inspectionSample(ctx context.Context, r InspectionReport) []paper.Fact {
	return []paper.Fact{
		{Term: locale.T(ctx, "inspection.method"), Text: r.Method + " · " + locale.T(ctx, "inspection.rule")},
		{Term: locale.T(ctx, "inspection.sample"), Text: locale.N(ctx, r.Sample)},
		{Term: locale.T(ctx, "inspection.commitment"), Text: fingerprint(r.Commitment), Mono: true},
		{Term: locale.T(ctx, "inspection.entry"), Text: entry(r.Entry) + " · " + locale.DateSec(ctx, r.OpenedAt)},
		{Term: locale.T(ctx, "inspection.seed"), Text: fingerprint(r.Seed), Mono: true},
		{Term: locale.T(ctx, "inspection.drawn"), Text: inspectionWho(ctx, r.DrawnBy) + " · " + locale.DateSec(ctx, r.DrawnAt)},
		{Term: locale.T(ctx, "inspection.sample_root"), Text: fingerprint(r.SampleRoot), Mono: true},
	}
}

func inspectionWho(ctx context.Context, name string) string {
	if name == "" || name == "worker" {
		return locale.T(ctx, "common.system")
	}
	return name
}

func inspectionStrata(ctx context.Context, r InspectionReport) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "inspection.section_sample"), Head: []paper.Column{
		{Text: locale.T(ctx, "inspection.batch"), Weight: 4}, {Text: locale.T(ctx, "inspection.population"), Weight: 3, Number: true}, {Text: locale.T(ctx, "inspection.sample"), Weight: 2, Number: true},
	}}
	for _, s := range r.Strata {
		t.Rows = append(t.Rows, []paper.Cell{{Text: s.Batch}, {Text: locale.N(ctx, s.Population)}, {Text: locale.N(ctx, s.Sample)}})
	}
	return t
}

func inspectionScans(ctx context.Context, r InspectionReport) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "inspection.scan"), Head: []paper.Column{
		{Text: locale.T(ctx, "inspection.scan"), Weight: 4}, {Text: locale.T(ctx, "inspection.verdict"), Weight: 2}, {Text: locale.T(ctx, "inspection.objects"), Weight: 4},
	}}
	for _, s := range r.Scans {
		badge := s.badge(ctx)
		t.Rows = append(t.Rows, []paper.Cell{{Text: locale.T(ctx, "inspection.scan_"+s.Kind)}, {Badge: &badge}, {Text: orDash(strings.Join(s.Objects, " "))}})
	}
	return t
}

func (s InspectionScan) badge(ctx context.Context) paper.Badge {
	switch {
	case !s.Ran:
		return paper.Badge{Kind: ui.Outline, Text: locale.T(ctx, "inspection.scan_skipped")}
	case s.Count > 0:
		return paper.Badge{Kind: ui.Danger, Icon: "flag", Text: locale.T(ctx, "inspection.scan_found", s.Count)}
	}
	return paper.Badge{Kind: ui.Success, Icon: "check", Text: locale.T(ctx, ui.StatusKey("check", "passed"))}
}

func inspectionFindings(ctx context.Context, r InspectionReport) paper.Section {
	s := paper.Section{Title: locale.T(ctx, "inspection.section_findings")}
	if len(r.Findings) == 0 {
		s.Lines = []string{locale.T(ctx, "inspection.no_findings")}
		return s
	}
	s.Table = &paper.Table{Caption: s.Title, Head: []paper.Column{
		{Text: locale.T(ctx, "inspection.number"), Weight: 1},
		{Text: locale.T(ctx, "inspection.level"), Weight: 1.2},
		{Text: locale.T(ctx, "inspection.finding"), Weight: 4},
		{Text: locale.T(ctx, "inspection.owner"), Weight: 1.4},
		{Text: locale.T(ctx, "inspection.due_date"), Weight: 1.6},
		{Text: locale.T(ctx, "common.state"), Weight: 1.4},
		{Text: locale.T(ctx, "inspection.answer"), Weight: 3},
	}}
	for _, f := range r.Findings {
		words := f.text(ctx)
		if len(f.Objects) > 0 {
			words += " (" + strings.Join(f.Objects, " ") + ")"
		}
		s.Table.Rows = append(s.Table.Rows, []paper.Cell{
			{Text: f.Code},
			{Text: locale.T(ctx, "inspection.level_"+f.Level)},
			{Text: words},
			{Text: orDash(f.Owner)},
			{Text: dayOrDash(ctx, f.DueAt)},
			{Text: locale.T(ctx, ui.StatusKey("finding", f.State))},
			{Text: orDash(f.Answer)},
		})
	}
	return s
}

func dayOrDash(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return locale.None
	}
	return locale.Day(ctx, t)
}

func inspectionSigners(ctx context.Context, r InspectionReport) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "inspection.section_signatures"), Head: []paper.Column{
		{Text: locale.T(ctx, "inspection.role"), Weight: 2}, {Text: locale.T(ctx, "inspection.name"), Weight: 3}, {Text: locale.T(ctx, "inspection.time"), Weight: 3}, {Text: locale.T(ctx, "inspection.opinion"), Weight: 4},
	}}
	for _, s := range r.Signers {
		name, at := locale.T(ctx, "inspection.unsigned"), locale.None
		if s.Name != "" {
			name = s.Name + " (" + s.StaffNo + ")"
		}
		if !s.At.IsZero() {
			at = locale.DateSec(ctx, s.At)
		}
		t.Rows = append(t.Rows, []paper.Cell{{Text: locale.T(ctx, s.RoleKey)}, {Text: name}, {Text: at}, {Text: orDash(s.Opinion)}})
	}
	return t
}

func inspectionProof(ctx context.Context, r InspectionReport) []paper.Fact {
	var facts []paper.Fact
	if r.ResultRoot != "" {
		facts = append(facts, paper.Fact{Term: locale.T(ctx, "inspection.result_root"), Text: fingerprint(r.ResultRoot), Mono: true})
	}
	if r.SignedAt.IsZero() {
		return append(facts, paper.Fact{Term: locale.T(ctx, "common.state"), Text: locale.T(ctx, "inspection.draft")})
	}
	return append(facts,
		paper.Fact{Term: locale.T(ctx, "certificate.leaf"), Text: locale.T(ctx, "certificate.leaf_number", strconv.FormatInt(r.Leaf, 10))},
		paper.Fact{Term: locale.T(ctx, "certificate.digest"), Text: fingerprint(r.Digest), Mono: true},
		paper.Fact{Term: locale.T(ctx, "inspection.log_head"), Text: entry(r.LogSize) + " · " + fingerprint(r.LogRoot), Mono: true},
		paper.Fact{Term: locale.T(ctx, "certificate.offline"), Text: "qingdang verify " + r.Code + ".json", Mono: true},
		paper.Fact{Term: locale.T(ctx, "inspection.redraw"), Text: "qingdang-verify --items " + r.Code + "-population.txt " + r.Code + ".json", Mono: true})
}

func inspectionItems(ctx context.Context, r InspectionReport) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "inspection.section_items"), Head: []paper.Column{
		{Text: "#", Weight: 0.6, Number: true},
		{Text: locale.T(ctx, "inspection.conversation"), Weight: 2.6},
		{Text: locale.T(ctx, "inspection.batch"), Weight: 2.2},
		{Text: locale.T(ctx, "inspection.verdict"), Weight: 1.3},
		{Text: locale.T(ctx, "inspection.words"), Weight: 3.4},
		{Text: locale.T(ctx, "inspection.checker"), Weight: 1.4},
	}}
	for _, i := range r.Items {
		t.Rows = append(t.Rows, []paper.Cell{
			{Text: strconv.Itoa(i.Seq)}, {Text: i.Code}, {Text: i.Batch}, {Text: i.verdict(ctx)}, {Text: orDash(i.Words)}, {Text: orDash(i.By)},
		})
	}
	return t
}

func (i InspectionItem) verdict(ctx context.Context) string {
	if i.Verdict == "" {
		return locale.T(ctx, "inspection.verdict_open")
	}
	return locale.T(ctx, "inspection.verdict_"+i.Verdict)
}

func inspectionNotes(ctx context.Context, r InspectionReport) (lines []string) {
	for _, n := range r.Notes {
		lines = append(lines, locale.T(ctx, "inspection.note_"+n))
	}
	return lines
}
